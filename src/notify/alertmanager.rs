//! Prometheus Alertmanager, API v2: it groups, silences and routes for those who have it.
//! What identifies an alert are its labels, so they hold only what silences and routes are made of.
//! Repeats that concern another environment or team are another alert there, or a route by
//! environment would miss them; `group_key` they share.

use serde_json::{Map, Value, json};

use super::message::Message;
use super::request::{Request, Secret};

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
        let body: Value = json!([{
            "labels": labels,
            "annotations": annotations,
            "startsAt": super::rfc3339(notice.detected_ms.min(now_ms)),
            "endsAt": super::rfc3339(now_ms.saturating_add(self.hold_ms)),
        }]);
        let to = |base: &String| {
            let url = format!("{}/api/v2/alerts", base.trim_end_matches('/'));
            Request::json(url, &body, self.token.as_ref())
        };
        self.urls.iter().map(to).collect()
    }
}
