//! Alerts to people: what each sink is told, when, and in which words. `queue` decides, `message`
//! words it, one file for each kind of sink makes the requests, `http` sends them.
//! Invariant: everything but `http` is a function of values; time is passed in.

mod alertmanager;
mod email;
mod example;
mod http;
mod message;
pub mod note;
mod notification;
pub mod offsets;
pub mod pace;
mod pagerduty;
mod pending;
mod probe;
pub mod queue;
mod request;
mod route;
mod slack;
pub mod standing;
mod teams;
mod template;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

pub use alertmanager::Alertmanager;
pub use email::{Email, Encryption};
pub use http::{Client, ClientError};
pub use lettre::message::Mailbox;
pub use message::Message;
pub use pagerduty::{EU as PAGERDUTY_EU, PagerDuty, US as PAGERDUTY_US};
pub use request::{Answer, Request, Secret};
pub use route::{AlertPath, NotTold, Route};
pub use slack::{API as SLACK_API, Slack};
pub use teams::Teams;
pub use template::{Template, TemplateError, TemplateFault};
pub use webhook::Webhook;

use pace::Rate;
use queue::Pacing;
use standing::StandingAlert;

/// What a sink is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Prometheus Alertmanager.
    Alertmanager(Alertmanager),
    /// PagerDuty.
    PagerDuty(PagerDuty),
    /// Slack.
    Slack(Slack),
    /// Microsoft Teams.
    Teams(Teams),
    /// A mail server.
    Email(Email),
    /// An endpoint of one's own.
    Webhook(Webhook),
}

impl Target {
    /// What to send for a message: one request, or one for each peer.
    pub fn requests(&self, message: &Message, now_ms: i64) -> Vec<Request> {
        match self {
            Target::Alertmanager(target) => target.requests(message, now_ms),
            Target::PagerDuty(target) => target.requests(message),
            Target::Slack(target) => target.requests(message),
            Target::Teams(target) => target.requests(message),
            Target::Email(target) => target.requests(message, now_ms),
            Target::Webhook(target) => target.requests(message, now_ms),
        }
    }

    /// What then stands there in memory alone and is to be told again, if it is that kind of sink.
    pub fn standing(&self, message: &Message, told_ms: i64) -> Option<StandingAlert> {
        match self {
            Target::Alertmanager(target) => Some(target.standing(message, told_ms)),
            _ => None,
        }
    }

    /// How long an alert stands there, ms; nothing for a sink that remembers by itself.
    pub fn hold_ms(&self) -> Option<i64> {
        match self {
            Target::Alertmanager(target) => Some(target.hold_ms),
            _ => None,
        }
    }

    /// What to send to tell alerts again, to each peer by itself.
    pub fn again(&self, alerts: &[String]) -> Vec<Vec<Request>> {
        match self {
            Target::Alertmanager(target) => target.again(alerts),
            _ => Vec::new(),
        }
    }

    /// What an answer over HTTP means.
    pub fn answer(&self, status: u16, after: Option<Duration>, body: &str) -> Answer {
        match self {
            Target::Slack(target) => target.answer(status, after, body),
            Target::PagerDuty(_) => pagerduty::answer(status, after, body),
            Target::Teams(_) => teams::answer(status, after, body),
            Target::Alertmanager(_) | Target::Email(_) | Target::Webhook(_) => {
                request::by_status(status, after, body)
            }
        }
    }
}

/// A sink as configured.
#[derive(Debug, Clone)]
pub struct Sink {
    /// The user's name for it.
    pub name: String,
    /// What it is.
    pub target: Target,
    /// Which alerts it is told of.
    pub route: Arc<Route>,
    /// How repeats are gathered.
    pub pacing: Pacing,
    /// How often it may be asked.
    pub rate: Rate,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Certificates, in PEM, of authorities trusted besides the system's.
    pub ca: Option<Vec<u8>>,
    /// Words of one's own.
    pub template: Option<Arc<Template>>,
}

/// `2026-11-21T08:30:00.123Z`; the epoch for what lies before it, or beyond the year 9999: vendors
/// refuse such times.
fn rfc3339(time_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(time_ms.max(0)).unwrap_or_default();
    time.to_string()
}
