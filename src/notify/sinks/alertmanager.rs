//! Prometheus Alertmanager, API v2: it groups, silences and routes alerts itself.
//! Its labels identify an alert, so they contain only what silences and routes match on. Repeats that
//! concern another environment or team are separate alerts there, so that a route by environment does
//! not miss them; they share the label `group_key`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::kind::{Endpoint, NO_LIMIT, SinkKind};
use super::shared::{TOKEN, TOKEN_FILE, is_http, refuse_password, token};
use crate::notify::firing::FiringAlert;
use crate::notify::message::Message;
use crate::notify::probe::{Method, Probe};
use crate::notify::request::{Request, Secret, readable, rfc3339};
use crate::settings::{Fault, ScalarType, Section, Shape, optional};

/// Alertmanager, as configured by its keys.
pub static KIND: SinkKind = SinkKind {
    name: "alertmanager",
    keys: &[
        optional("urls", Shape::List).about("Addresses of all peers of an Alertmanager."),
        TOKEN,
        TOKEN_FILE,
        optional("hold", Shape::Scalar)
            .scalar_type(ScalarType::Duration)
            .about("How long an alert fires in Alertmanager without being repeated; default 10m."),
    ],
    rate: NO_LIMIT,
    is_read_by_people: false,
    #[cfg(test)]
    example: "urls: [http://am-0:9093, http://am-1:9093]",
    read: |section, faults| {
        Some(Arc::new(Alertmanager {
            urls: urls(section, faults),
            token: token(section, faults),
            hold_ms: hold_ms(section, faults),
        }))
    },
};

/// Default of `hold`. It is longer than the default of `digest_interval`, so that an alert still fires
/// when its repeats are sent.
const HOLD: Duration = Duration::from_secs(10 * 60);

/// Most alerts in one request that sends alerts again.
const MAX_PER_REQUEST: usize = 100;

/// An Alertmanager, with all its peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alertmanager {
    /// Base addresses of all peers: each gets every alert.
    pub urls: Vec<String>,
    /// Bearer token.
    pub token: Option<Secret>,
    /// How long an alert fires without being repeated, in ms.
    pub hold_ms: i64,
}

impl Endpoint for Alertmanager {
    fn requests(&self, message: &Message, now_ms: i64) -> Vec<Request> {
        let (_, alert) = self.alert(message, now_ms);
        let body = Value::from(vec![alert]);
        let to = |base: &String| Request::json(address(base), &body, self.token.as_ref());
        self.urls.iter().map(to).collect()
    }

    /// The alert as it fires there when it was sent at `sent_ms`.
    fn firing(&self, message: &Message, sent_ms: i64) -> Option<FiringAlert> {
        let (labels, alert) = self.alert(message, sent_ms);
        Some(FiringAlert {
            key: labels.to_string(),
            until_ms: sent_ms.saturating_add(self.hold_ms),
            json: alert.to_string(),
        })
    }

    /// The requests that send alerts again: a list for each peer.
    fn resend(&self, alerts: &[String]) -> Vec<Vec<Request>> {
        let bodies = alerts.chunks(MAX_PER_REQUEST);
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

    fn hold_ms(&self) -> Option<i64> {
        Some(self.hold_ms)
    }

    fn probes(&self) -> Vec<Probe> {
        let probe = |base: &String| Probe {
            method: Method::Get,
            url: format!("{}/api/v2/status", base.trim_end_matches('/')),
            token: self.token.clone(),
            judge: must_be_200,
        };
        self.urls.iter().map(probe).collect()
    }
}

impl Alertmanager {
    /// The alert's labels, and the whole alert with them.
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
            "startsAt": rfc3339(notice.detected_ms.min(now_ms)),
            "endsAt": rfc3339(now_ms.saturating_add(self.hold_ms)),
        });
        (labels, alert)
    }
}

fn address(base: &str) -> String {
    format!("{}/api/v2/alerts", base.trim_end_matches('/'))
}

fn urls(section: &Section<'_>, faults: &mut Vec<Fault>) -> Vec<String> {
    let urls = section.words("urls");
    if urls.is_empty() {
        let fault = section.fault("urls", "at least one address is required");
        faults.push(fault.remedy("write `urls: [http://alertmanager:9093]`, with every peer"));
    }
    for url in urls.iter().filter(|url| !is_http(url)) {
        let fault = section.fault("urls", format!("`{url}` is not an HTTP address"));
        faults.push(fault.remedy("write http://host:9093"));
    }
    for url in &urls {
        refuse_password("urls", url, section, faults);
    }
    urls
}

fn hold_ms(section: &Section<'_>, faults: &mut Vec<Fault>) -> i64 {
    let hold = match section.has("hold") {
        true => section.duration("hold", faults),
        false => HOLD,
    };
    if hold <= section.duration("digest_interval", &mut Vec::new()) {
        let message = "an alert would resolve before its repeats are sent";
        let fault = section.fault("hold", message);
        faults.push(fault.remedy("make hold longer than digest_interval"));
    }
    i64::try_from(hold.as_millis()).unwrap_or(i64::MAX)
}

fn must_be_200(status: u16, body: &str) -> Result<&'static str, String> {
    match status {
        200 => Ok("every peer answers"),
        _ => Err(format!("a peer answers {status}: {}", readable(body))),
    }
}
