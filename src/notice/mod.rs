//! What a person must know of an alert, and in which words: read from the alert's record, every text of
//! bounded length. Read tolerantly: what is missing stays empty, only what is no Detection Finding of ours
//! is refused.
//! Invariant: a notice takes a few kilobytes, however large the alert.

mod example;
mod read;
mod redact;
mod wording;
mod words;

pub use wording::{Fact, time};

use serde::Serialize;

use self::words::MAX_LIST;
use crate::event::Position;
use crate::sigma::Level;

/// The record is no alert of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// Not JSON, or nothing.
    #[error("the alert is not JSON: {0}")]
    NotJson(String),
    /// A JSON value that is no OCSF Detection Finding.
    #[error("the alert is no OCSF Detection Finding: {0}")]
    NotAFinding(&'static str),
}

impl NoticeError {
    /// Metric label and dead-letter reason.
    pub fn reason(&self) -> &'static str {
        match self {
            NoticeError::NotJson(_) => "alert_not_json",
            NoticeError::NotAFinding(_) => "alert_not_a_finding",
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Who {
    /// Name, from the event or the names file.
    pub name: Option<String>,
    /// Identifier.
    pub uid: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// `User`, `Service` or `System`.
    pub kind: Option<String>,
    /// The API key or token used.
    pub credential: Option<String>,
    /// Team.
    pub team: Option<String>,
}

/// What it was done to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ResourceNotice {
    /// Name, from the event or the names file.
    pub name: Option<String>,
    /// Identifier.
    pub uid: Option<String>,
    /// The vendor's type, such as `STATEMENT`.
    pub kind: Option<String>,
    /// Environment by name where the names file knows it, else by id.
    pub environment: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Owner, from the names file.
    pub owner: Option<String>,
    /// Team, from the names file.
    pub team: Option<String>,
}

/// From where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Literal address.
    pub ip: Option<String>,
    /// Masked address or a service's name.
    pub name: Option<String>,
    /// The network of the address, from the networks file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The zone of that network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The city of the address, from a database of places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The country of the address, such as `DE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The autonomous system of the address, such as `AS64500 Example Networks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autonomous_system: Option<String>,
}

/// An alert in the form in which people get it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notice {
    /// Idempotency key.
    pub uid: String,
    /// What belongs together.
    pub group_key: String,
    /// What happened, in one line, where no event says it.
    pub summary: Option<String>,
    /// How much it matters.
    pub level: Level,
    /// Rule id.
    pub rule_id: String,
    /// The rule's title.
    pub rule: String,
    /// Day of its last change and a hash of its content.
    pub rule_version: String,
    /// What it detects and why that matters.
    pub description: Option<String>,
    /// Who.
    pub who: Who,
    /// The method.
    pub operation: String,
    /// Such as `flink`.
    pub service: Option<String>,
    /// Such as `Confluent Cloud`.
    pub product: Option<String>,
    /// `Create`, `Read`, `Update`, `Delete`, `Logon` or `Other`.
    pub activity: Option<String>,
    /// `Success`, `Failure` or `Unknown`.
    pub outcome: String,
    /// What the event says about the outcome.
    pub outcome_detail: Option<String>,
    /// To what.
    pub resources: Vec<ResourceNotice>,
    /// How many resources there are, also those not listed.
    pub resource_count: usize,
    /// From where.
    pub origin: Origin,
    /// With which program, such as `Terraform 2.1.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// When it happened, ms since the Unix epoch.
    pub time_ms: i64,
    /// When the alert was made.
    pub detected_ms: i64,
    /// How far the partition's log had come, by the timestamps of its records, when the record was
    /// read; `None` where nothing is known of it.
    #[serde(skip)]
    pub logged_ms: Option<i64>,
    /// What the event changed, such as `compatibility from FULL to NONE`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// A proposed entry of the catalogue, where the method is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_entry: Option<String>,
    /// `field = value` of the selections that held.
    pub why: Vec<String>,
    /// Events in this alert.
    pub count: u64,
    /// When the first of them happened.
    pub first_ms: i64,
    /// When the last of them happened.
    pub last_ms: i64,
    /// Ids of the events.
    pub events: Vec<String>,
    /// What to do.
    pub runbook: Option<String>,
    /// Links of the rule.
    pub links: Vec<String>,
    /// Known false positives.
    pub falsepositives: Vec<String>,
    /// ATT&CK techniques and tactics.
    pub attack: Vec<String>,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// Hash of the rule set.
    pub rule_set: String,
    /// `topic/partition@offset` of the alert: what `watchbell show` accepts, and no shell changes.
    pub position: String,
    /// The event's JSON, redacted and cut.
    pub record: Option<String>,
    /// Of an experimental rule: sinks do not send it.
    pub experimental: bool,
    /// Suppressed: sinks do not send it.
    #[serde(skip)]
    pub suppressed: bool,
    /// Made by `replay`.
    pub replayed: bool,
    /// Of a record that was there before its source was read for the first time.
    #[serde(skip)]
    pub history: bool,
    /// Made by `fire`.
    pub test: bool,
}

impl Notice {
    /// Stands for an alert that cannot be read, so that people learn that there was one. It counts as
    /// critical, because the alert may have been critical.
    pub fn unreadable(position: Position<'_>, at_ms: i64, error: &NoticeError) -> Notice {
        Notice {
            uid: format!("unreadable-{position}"),
            group_key: "watchbell-unreadable-alert".into(),
            summary: Some("An alert could not be read".into()),
            level: Level::Critical,
            rule_id: String::new(),
            rule: "An alert could not be read".into(),
            rule_version: String::new(),
            description: Some(format!(
                "An alert could not be read. It counts as critical, and its record goes to the dead letters: {error}"
            )),
            who: Who::default(),
            operation: String::new(),
            service: None,
            product: None,
            activity: None,
            outcome: "Unknown".into(),
            outcome_detail: None,
            resources: Vec::new(),
            resource_count: 0,
            origin: Origin::default(),
            client: None,
            time_ms: at_ms,
            detected_ms: at_ms,
            logged_ms: None,
            changes: Vec::new(),
            catalog_entry: None,
            why: Vec::new(),
            count: 1,
            first_ms: at_ms,
            last_ms: at_ms,
            events: Vec::new(),
            runbook: Some("Look at the record and at what else writes to the topic.".into()),
            links: Vec::new(),
            falsepositives: Vec::new(),
            attack: Vec::new(),
            tags: Vec::new(),
            rule_set: String::new(),
            position: position.reference(),
            record: None,
            experimental: false,
            suppressed: false,
            replayed: false,
            history: false,
            test: false,
        }
    }

    /// Whether there may be resources that are not listed here.
    pub fn lacks_resources(&self) -> bool {
        self.resources.len() >= MAX_LIST || self.resource_count > self.resources.len()
    }

    /// The environments of the resources, each once.
    pub fn environments(&self) -> Vec<&str> {
        each_once(self.resources.iter().map(|r| r.environment.as_deref()))
    }

    /// The teams of the resources and of the actor, each once.
    pub fn teams(&self) -> Vec<&str> {
        let of_resources = self.resources.iter().map(|r| r.team.as_deref());
        each_once(of_resources.chain([self.who.team.as_deref()]))
    }
}

fn each_once<'n>(words: impl Iterator<Item = Option<&'n str>>) -> Vec<&'n str> {
    let mut once: Vec<&str> = Vec::new();
    for word in words.flatten() {
        if !once.contains(&word) {
            once.push(word);
        }
    }
    once
}
