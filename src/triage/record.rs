//! A triage record: what people have decided of one incident, as an OCSF Incident Finding (class 2005), written and read
//! in this one place. Compaction keeps only the newest record of a key, so each one has the history in it, which is
//! bounded.

use serde_json::{Value, json};

use super::key::IncidentKey;
use super::state::TriageState;
use crate::encode::OCSF_VERSION;
use crate::finding::{level_of, severity};
use crate::sigma::Level;

/// OCSF `class_uid` of a triage record.
const CLASS_UID: i64 = 2005;

/// Most changes that a record has in its history: the newest ones.
pub(super) const MOST_CHANGES: usize = 50;

/// Most characters of a comment.
pub const LONGEST_COMMENT: usize = 2_000;

/// Most characters of a name.
pub const LONGEST_NAME: usize = 200;

/// An alert, by its place in the topic of alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its offset.
    pub offset: i64,
    /// When it was written, in milliseconds since the Unix epoch.
    pub written_ms: i64,
}

/// What one person has decided at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who.
    pub who: String,
    /// The state from then on.
    pub state: TriageState,
    /// Who works on it from then on; empty for nobody.
    pub assignee: String,
    /// What was said; may be empty.
    pub comment: String,
}

/// An incident as whoever decided has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which incident.
    pub key: IncidentKey,
    /// The topic of its alerts.
    pub topic: String,
    /// Its first alert.
    pub first: Mark,
    /// Its last alert.
    pub through: Mark,
    /// When the first and the last of its events happened, in milliseconds since the Unix epoch.
    pub span_ms: (i64, i64),
    /// How many alerts it had.
    pub count: u64,
    /// The highest level of its alerts.
    pub level: Option<Level>,
    /// The rule's id.
    pub rule_id: String,
    /// The rule's title.
    pub rule: String,
    /// The last alert in one line.
    pub title: String,
}

/// The record of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Triage {
    /// The incident.
    pub seen: Seen,
    /// How often something was decided; the history may have less.
    pub changes: u64,
    /// Before the newest change, the newest ones, the oldest of them first.
    earlier: Vec<Change>,
    /// The newest change.
    pub newest: Change,
}

impl Triage {
    /// What is recorded when a person decides; `before` is the record in force.
    pub fn new(seen: Seen, change: Change, before: Option<&Triage>) -> Triage {
        let mut earlier: Vec<Change> = before
            .map(|before| before.history().cloned().collect())
            .unwrap_or_default();
        let excess = (earlier.len() + 1).saturating_sub(MOST_CHANGES);
        earlier.drain(..excess);
        Triage {
            seen,
            changes: before.map_or(0, |before| before.changes) + 1,
            earlier,
            newest: change,
        }
    }

    /// The changes that are known, the oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &Change> {
        self.earlier.iter().chain([&self.newest])
    }

    /// The same without what people have written and what it quotes of alerts; who decided what and who works on it is left.
    pub(super) fn without_texts(&self) -> Triage {
        let silent = |change: &Change| Change {
            comment: String::new(),
            ..change.clone()
        };
        Triage {
            seen: Seen {
                title: self.seen.rule.clone(),
                ..self.seen.clone()
            },
            changes: self.changes,
            earlier: self.earlier.iter().map(silent).collect(),
            newest: silent(&self.newest),
        }
    }

    /// The record as OCSF.
    pub fn to_json(&self) -> Vec<u8> {
        let Seen {
            key,
            topic,
            first,
            through,
            span_ms,
            count,
            level,
            rule_id,
            rule,
            title,
        } = &self.seen;
        let Change {
            at_ms,
            state,
            assignee,
            comment,
            ..
        } = &self.newest;
        let is_first = self.changes == 1;
        let (activity_id, activity) = match (is_first, state.is_closed()) {
            (_, true) => (3, "Close"),
            (true, false) => (1, "Create"),
            (false, false) => (2, "Update"),
        };
        let (status_id, status) = state.status();
        let (verdict_id, verdict) = state.verdict();
        let (severity_id, severity) = level.map_or((0, "Unknown"), severity);
        let mut record = json!({
            "class_uid": CLASS_UID,
            "class_name": "Incident Finding",
            "category_uid": 2,
            "category_name": "Findings",
            "activity_id": activity_id,
            "activity_name": activity,
            "type_uid": CLASS_UID * 100 + activity_id,
            "time": at_ms,
            "start_time": span_ms.0,
            "end_time": span_ms.1,
            "message": title,
            "severity_id": severity_id,
            "severity": severity,
            "status_id": status_id,
            "status": status,
            "verdict_id": verdict_id,
            "verdict": verdict,
            "count": count,
            "metadata": {
                "version": OCSF_VERSION,
                "product": {"name": "watchbell", "vendor_name": "watchbell", "version": env!("CARGO_PKG_VERSION")},
                "uid": key.to_string(),
                "correlation_uid": key.group,
            },
            "finding_info_list": [{
                "uid": key.to_string(),
                "title": rule,
                "analytic": {"uid": rule_id, "name": rule, "type": "Rule", "type_id": 1},
                "first_seen_time": span_ms.0,
                "last_seen_time": span_ms.1,
            }],
            "unmapped": {
                "alerts": {
                    "topic": topic,
                    "first_offset": first.offset,
                    "first_written": first.written_ms,
                    "last_offset": through.offset,
                    "last_written": through.written_ms,
                },
                "changes": self.changes,
                "history": self.history().map(change_json).collect::<Vec<_>>(),
            },
        });
        // The class wants one of the two.
        match &**assignee {
            "" => record["assignee_group"] = json!({"name": "unassigned"}),
            name => record["assignee"] = json!({"name": name}),
        }
        if !comment.is_empty() {
            record["comment"] = json!(comment);
        }
        record.to_string().into_bytes()
    }

    /// Reads the record; `None` for every other value.
    pub fn of_json(value: &[u8]) -> Option<Triage> {
        let record: Value = serde_json::from_slice(value).ok()?;
        if record["class_uid"].as_i64() != Some(CLASS_UID) {
            return None;
        }
        let (alerts, finding) = (
            &record["unmapped"]["alerts"],
            &record["finding_info_list"][0],
        );
        let mark = |which: &str| {
            Some(Mark {
                offset: alerts[format!("{which}_offset")].as_i64()?,
                written_ms: alerts[format!("{which}_written")].as_i64()?,
            })
        };
        let history = record["unmapped"]["history"].as_array()?;
        let history: Option<Vec<Change>> = history.iter().map(change_of).collect();
        let mut earlier = history?;
        let newest = earlier.pop()?;
        let state = TriageState::of_ocsf(
            record["status_id"].as_i64()?,
            record["verdict_id"].as_i64()?,
        )?;
        let key: IncidentKey = record["metadata"]["uid"].as_str()?.parse().ok()?;
        let is_sound = newest.state == state && earlier.len() < MOST_CHANGES;
        is_sound.then_some(Triage {
            seen: Seen {
                topic: text(&alerts["topic"])?,
                first: mark("first")?,
                through: mark("last")?,
                span_ms: (record["start_time"].as_i64()?, record["end_time"].as_i64()?),
                count: record["count"].as_u64()?,
                level: level_of(record["severity_id"].as_i64()?),
                rule_id: text(&finding["analytic"]["uid"])?,
                rule: text(&finding["analytic"]["name"])?,
                title: text(&record["message"])?,
                key,
            },
            changes: record["unmapped"]["changes"].as_u64()?,
            earlier,
            newest,
        })
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn change_json(change: &Change) -> Value {
    json!({
        "time": change.at_ms,
        "user": change.who,
        "state": change.state.name(),
        "assignee": change.assignee,
        "comment": change.comment,
    })
}

fn change_of(value: &Value) -> Option<Change> {
    Some(Change {
        at_ms: value["time"].as_i64()?,
        who: text(&value["user"])?,
        state: TriageState::of_name(value["state"].as_str()?)?,
        assignee: text(&value["assignee"])?,
        comment: text(&value["comment"])?,
    })
}
