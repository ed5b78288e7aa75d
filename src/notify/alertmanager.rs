//! Prometheus Alertmanager, API v2: it groups, silences and routes for those who have it.
//! What identifies an alert are its labels, so they hold only what silences and routes are made of.
//! Repeats that concern another environment or team are another alert there, or a route by
//! environment would miss them; `group_key` they share.

use serde_json::{Map, Value, json};

use super::message::Message;
use super::request::{Request, Secret};
use super::standing::StandingAlert;

/// Most alerts that are told again in one request.
const MAX_TOGETHER: usize = 100;

/// An Alertmanager, with all its peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alertmanager {
    /// Base addresses of all peers: each is told.
    pub urls: Vec<String>,
    /// Bearer token.
    pub token: Option<Secret>,
    /// How long an alert stands without being repeated, in ms.
    pub hold_ms: i64,
}

impl Alertmanager {
    pub(super) fn requests(&self, message: &Message, now_ms: i64) -> Vec<Request> {
        let (_, alert) = self.alert(message, now_ms);
        let body = Value::from(vec![alert]);
        let to = |base: &String| Request::json(address(base), &body, self.token.as_ref());
        self.urls.iter().map(to).collect()
    }

    /// The alert as it stands there when it was told at `told_ms`.
    pub(super) fn standing(&self, message: &Message, told_ms: i64) -> StandingAlert {
        let (labels, alert) = self.alert(message, told_ms);
        StandingAlert {
            key: labels.to_string(),
            until_ms: told_ms.saturating_add(self.hold_ms),
            json: alert.to_string(),
        }
    }

    /// The requests that tell alerts again, those of each peer by themselves.
    pub(super) fn again(&self, alerts: &[String]) -> Vec<Vec<Request>> {
        let bodies = alerts.chunks(MAX_TOGETHER);
        let bodies: Vec<String> = bodies.map(|some| format!("[{}]", some.join(","))).collect();
        let to = |base: &String| {
            let requests = bodies.iter();
            let request = |body: &String| {
                Request::json_text(address(base), body.clone(), self.token.as_ref())
            };
            requests.map(request).collect()
        };
        self.urls.iter().map(to).collect()
    }

    /// What identifies the alert, and all of it.
    fn alert(&self, message: &Message, now_ms: i64) -> (Value, Value) {
        let notice = &message.notice;
        let mut labels = Map::new();
        let environments = notice.environments().join(",");
        let teams = notice.teams().join(",");
        let pairs = [
            ("alertname", notice.rule.as_str()),
            ("severity", message.level.as_str()),
            ("group_key", message.group_key.as_str()),
            ("rule_id", notice.rule_id.as_str()),
            ("service", notice.service.as_deref().unwrap_or_default()),
            ("environment", environments.as_str()),
            ("team", teams.as_str()),
            ("source", "watchbell"),
        ];
        for (name, value) in pairs {
            if !value.is_empty() {
                labels.insert(name.into(), value.into());
            }
        }
        let mut annotations = json!({
            "summary": message.title,
            "description": message.text,
            "count": message.count.to_string(),
            "uid": message.id,
        });
        if let Some(runbook) = &notice.runbook {
            annotations["runbook"] = runbook.as_str().into();
        }
        if let Some(record) = &message.record {
            annotations["record"] = record.as_str().into();
        }
        let labels = Value::from(labels);
        let alert = json!({
            "labels": &labels,
            "annotations": annotations,
            "startsAt": super::rfc3339(notice.detected_ms.min(now_ms)),
            "endsAt": super::rfc3339(now_ms.saturating_add(self.hold_ms)),
        });
        (labels, alert)
    }
}

fn address(base: &str) -> String {
    format!("{}/api/v2/alerts", base.trim_end_matches('/'))
}
