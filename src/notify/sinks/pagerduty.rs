//! PagerDuty, Events API v2: one incident for each group and level, since an alert that joins an open
//! incident wakes nobody. Limits: a dedup_key of 255 characters, a summary of 1,024, an event of 512 KB.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::kind::{Endpoint, SinkKind};
use super::shared::{URL, address, required_secret};
use crate::notify::message::Message;
use crate::notify::pace::Rate;
use crate::notify::probe::{Probe, host_only};
use crate::notify::request::{Request, Secret, SinkAnswer, by_status, rfc3339};
use crate::printable::shorten;
use crate::settings::{Fault, ScalarType, Section, Shape, optional};
use crate::sigma::Level;

/// PagerDuty, as configured by its keys.
pub static KIND: SinkKind = SinkKind {
    name: "pagerduty",
    keys: &[
        URL,
        optional("routing_key", Shape::Secret).about("Key of a PagerDuty integration."),
        optional("routing_key_file", Shape::Scalar).about("File that contains routing_key."),
        optional("region", Shape::Scalar)
            .scalar_type(ScalarType::Choice(&["us", "eu"]))
            .about("PagerDuty's service region; default us."),
    ],
    rate: Rate {
        per_minute: Some(100),
        burst: 20,
    },
    is_read_by_people: true,
    #[cfg(test)]
    example: "routing_key_file: /s",
    read: |section, faults| {
        Some(Arc::new(PagerDuty {
            url: match section.text("url") {
                Some(_) => address(section, faults),
                None => region(section, faults),
            },
            routing_key: required_secret("routing_key", section, faults)?,
        }))
    },
};

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

impl Endpoint for PagerDuty {
    fn requests(&self, message: &Message, _now_ms: i64) -> Vec<Request> {
        if message.kind == "history" {
            return vec![self.change_event(message)];
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
            "timestamp": rfc3339(notice.time_ms),
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

    fn probes(&self) -> Vec<Probe> {
        vec![host_only(&self.url)]
    }

    /// PagerDuty answers 400 to an unknown routing key, too, which is not the alert's fault.
    fn answer(&self, status: u16, after: Option<Duration>, body: &str) -> SinkAnswer {
        let body_lower = body.to_lowercase().replace([' ', '-'], "_");
        match by_status(status, after, body) {
            SinkAnswer::Refused { detail } if body_lower.contains("routing_key") => {
                SinkAnswer::Later { after, detail }
            }
            answer => answer,
        }
    }
}

impl PagerDuty {
    /// A change event. It is shown beside the service's incidents and never opens one.
    fn change_event(&self, message: &Message) -> Request {
        let body = json!({
            "routing_key": self.routing_key.expose(),
            "payload": {
                "summary": shorten(&message.title, 1_024),
                "source": "watchbell",
                "timestamp": rfc3339(message.notice.detected_ms),
                "custom_details": {"text": shorten(&message.text, 20_000)},
            },
        });
        let url = format!("{}/v2/change/enqueue", self.url.trim_end_matches('/'));
        Request::json(url, &body, None)
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

fn region(section: &Section<'_>, faults: &mut Vec<Fault>) -> String {
    let region = section.text("region").unwrap_or_else(|| "us".into());
    match region.as_str() {
        "us" => US.to_owned(),
        "eu" => EU.to_owned(),
        _ => {
            let fault = section.fault("region", format!("`{region}` is not a service region"));
            faults.push(fault.remedy("write us or eu"));
            String::new()
        }
    }
}
