//! How a sink is asked whether it is there, without telling it anything.

use super::request::{Secret, readable};
use super::{Slack, Target};

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

/// A question that alarms nobody.
pub(super) struct Probe {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) token: Option<Secret>,
    /// What the status and the body mean.
    pub(super) means: fn(u16, &str) -> Result<&'static str, String>,
}

impl Target {
    pub(super) fn probes(&self) -> Vec<Probe> {
        match self {
            Target::Alertmanager(target) => {
                let probe = |base: &String| Probe {
                    method: Method::Get,
                    url: format!("{}/api/v2/status", base.trim_end_matches('/')),
                    token: target.token.clone(),
                    means: must_be_200,
                };
                target.urls.iter().map(probe).collect()
            }
            Target::Slack(Slack::Bot { url, token, .. }) => vec![Probe {
                method: Method::Post,
                url: format!("{}/auth.test", url.trim_end_matches('/')),
                token: Some(token.clone()),
                means: slack_knows_us,
            }],
            Target::Slack(Slack::Webhook { url }) => vec![host_of(url.expose())],
            Target::Teams(target) => vec![host_of(target.url.expose())],
            Target::PagerDuty(target) => vec![host_of(&target.url)],
            Target::Webhook(target) => vec![host_of(&target.url)],
            // It is asked over SMTP.
            Target::Email(_) => Vec::new(),
        }
    }
}

/// The host alone: the address itself would take a request for an alert.
fn host_of(url: &str) -> Probe {
    let root = reqwest::Url::parse(url).map(|mut url| {
        url.set_path("/");
        url.set_query(None);
        url.to_string()
    });
    Probe {
        method: Method::Get,
        url: root.unwrap_or_else(|_| url.to_owned()),
        token: None,
        means: |_, _| Ok("the host answers; whether it knows the credential shows when it is used"),
    }
}

fn must_be_200(status: u16, body: &str) -> Result<&'static str, String> {
    match status {
        200 => Ok("every peer answers"),
        _ => Err(format!("a peer answers {status}: {}", readable(body))),
    }
}

fn slack_knows_us(status: u16, body: &str) -> Result<&'static str, String> {
    let said: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    match (status, said.get("ok").and_then(serde_json::Value::as_bool)) {
        (200, Some(true)) => Ok("Slack knows the token"),
        _ => Err(format!("Slack answers {status}: {}", readable(body))),
    }
}
