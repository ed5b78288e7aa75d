//! PagerDuty, Events API v2: one incident for each group and level, since what joins an open incident
//! wakes nobody. Limits: a dedup_key of 255 characters, a summary of 1,024, an event of 512 KB.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::message::Message;
use super::request::{Answer, Request, Secret, by_status};
use crate::alert::shorten;
use crate::sigma::Level;

/// A PagerDuty service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagerDuty {
    /// The API's base address: that of the service region.
    pub url: String,
    /// The integration's key.
    pub routing_key: Secret,
}

/// Base address of the default service region.
pub const US: &str = "https://events.pagerduty.com";

/// Base address of the European service region.
pub const EU: &str = "https://events.eu.pagerduty.com";

impl PagerDuty {
    pub(super) fn requests(&self, message: &Message) -> Vec<Request> {
        if message.kind == "history" {
            return vec![self.change(message)];
        }
        let notice = &message.notice;
        let mut details: Map<String, Value> = Map::new();
        if message.templated {
            details.insert("text".into(), message.text.as_str().into());
        } else {
            for fact in &message.facts {
                let name = fact.label.to_lowercase().replace([' ', '&'], "_");
                // Several resources are lines of one detail.
                let text = match details.get(&name).and_then(Value::as_str) {
                    Some(before) => format!("{before}\n{}", fact.text),
                    None => fact.text.clone(),
                };
                details.insert(name, text.into());
            }
        }
        if let Some(record) = &message.record {
            details.insert("record".into(), record.as_str().into());
        }
        let links: Vec<Value> = notice
            .links
            .iter()
            .filter(|link| link.starts_with("https://"))
            .map(|link| json!({"href": link, "text": link}))
            .collect();
        let environments = notice.environments().join(",");
        let mut payload = json!({
            "summary": shorten(&message.title, 1_024),
            "source": notice.product.as_deref().unwrap_or("watchbell"),
            "severity": severity(message.level),
            "timestamp": super::rfc3339(notice.time_ms),
            "class": notice.rule,
            "custom_details": details,
        });
        if let Some(service) = &notice.service {
            payload["component"] = service.as_str().into();
        }
        if !environments.is_empty() {
            payload["group"] = environments.into();
        }
        let body = json!({
            "routing_key": self.routing_key.expose(),
            "event_action": "trigger",
            "dedup_key": message.incident,
            "client": "watchbell",
            "payload": payload,
            "links": links,
        });
        let url = format!("{}/v2/enqueue", self.url.trim_end_matches('/'));
        vec![Request::json(url, &body, None)]
    }
}

impl PagerDuty {
    /// A change event, which is shown beside the service's incidents and opens none, whatever the
    /// urgency that the service gives to its incidents.
    fn change(&self, message: &Message) -> Request {
        let body = json!({
            "routing_key": self.routing_key.expose(),
            "payload": {
                "summary": shorten(&message.title, 1_024),
                "source": "watchbell",
                "timestamp": super::rfc3339(message.notice.detected_ms),
                "custom_details": {"text": shorten(&message.text, 20_000)},
            },
        });
        let url = format!("{}/v2/change/enqueue", self.url.trim_end_matches('/'));
        Request::json(url, &body, None)
    }
}

/// An integration's key that PagerDuty does not know is answered with 400, too, and is no alert's fault.
pub(super) fn answer(status: u16, after: Option<Duration>, body: &str) -> Answer {
    let body_lower = body.to_lowercase().replace([' ', '-'], "_");
    match by_status(status, after, body) {
        Answer::Refused { detail } if body_lower.contains("routing_key") => {
            Answer::Later { after, detail }
        }
        answer => answer,
    }
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Critical => "critical",
        Level::High => "error",
        Level::Medium => "warning",
        Level::Low | Level::Informational => "info",
    }
}
