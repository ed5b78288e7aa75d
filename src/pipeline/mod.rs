//! One record through normalize, enrich, detect and encode: pure, and used by ingest, replay and
//! the rules' own tests alike.

mod guard;

use std::borrow::Cow;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::alert::Alert;
use crate::encode::{self, DeadLetter};
use crate::enrich;
pub use crate::enrich::Names;
use crate::event::{
    Access, Activity, AuditEvent, Digest, Header, Method, Output, OutputBuffer, Position,
    RawRecord, Sensitivity,
};
pub use crate::event::{Catalog, Path};
use crate::normalize::{self, MethodFacts};
use crate::rules::{CurrentRules, Known, RuleSet};
use crate::sigma::{Level, Scratch};
pub use guard::PANIC;

/// The largest record that a topic takes by default, in bytes: the broker's `message.max.bytes`.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 1_048_588;

/// The reason of a dead letter whose record is larger than its topic takes, or than can be held.
pub const TOO_LARGE: &str = "too_large";

/// Names of the output topics.
#[derive(Debug, Clone)]
pub struct Topics {
    /// Normalized events.
    pub events: Arc<str>,
    /// Alerts.
    pub alerts: Arc<str>,
    /// Dead letters.
    pub dead_letters: Arc<str>,
}

/// What the pipeline needs to know of its outputs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Output topics.
    pub topics: Topics,
    /// The largest record that they take, in bytes.
    pub max_message_bytes: usize,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An event, with the alerts it raised.
    Event {
        /// The catalogue does not have its method.
        unknown_method: bool,
        /// Milliseconds since the Unix epoch; 0 if no time is known.
        event_time_ms: i64,
        /// Rule id and level of each alert.
        alerts: Vec<(Arc<str>, Level)>,
    },
    /// A dead letter.
    DeadLetter {
        /// Metric label, and the header `watchbell-reason`.
        reason: &'static str,
    },
}

/// The stages, composed. Cheap to clone; rules and names are those in force at each record.
#[derive(Debug, Clone)]
pub struct Pipeline {
    settings: Settings,
    catalog: Arc<Catalog>,
    rules: Arc<CurrentRules<Path>>,
    names: Arc<ArcSwap<Names>>,
}

impl Pipeline {
    /// Composes the stages.
    pub fn new(
        settings: Settings,
        catalog: Arc<Catalog>,
        rules: Arc<CurrentRules<Path>>,
        names: Arc<ArcSwap<Names>>,
    ) -> Self {
        Self {
            settings,
            catalog,
            rules,
            names,
        }
    }

    /// Processes one record and appends what is to be written: the event and its alerts, or one
    /// dead letter. `now_ms` is the wall clock, milliseconds since the Unix epoch. Never panics: a
    /// record that makes a stage panic is a dead letter with the reason [`PANIC`].
    pub fn process(&self, record: &RawRecord<'_>, now_ms: i64, out: &mut OutputBuffer) -> Outcome {
        self.guarded(record, out, |out| self.stages(record, now_ms, out))
    }

    fn guarded(
        &self,
        record: &RawRecord<'_>,
        out: &mut OutputBuffer,
        stages: impl FnOnce(&mut OutputBuffer) -> Outcome,
    ) -> Outcome {
        let first = out.len();
        guard::caught(|| stages(out)).unwrap_or_else(|| {
            out.truncate(first);
            self.refuse(record, PANIC, guard::DETAIL, false, out);
            Outcome::DeadLetter { reason: PANIC }
        })
    }

    fn stages(&self, record: &RawRecord<'_>, now_ms: i64, out: &mut OutputBuffer) -> Outcome {
        let lookup = |name: &str| self.catalog.method(name).map(facts);
        let mut event = match normalize::normalize(record, &lookup) {
            Ok(event) => event,
            Err(error) => {
                let reason = error.reason();
                self.refuse(record, reason, &error.to_string(), false, out);
                return Outcome::DeadLetter { reason };
            }
        };
        let names = self.names.load();
        enrich::apply(&mut event, &names);
        let rules = self.rules.snapshot();
        let first = out.len();
        self.encode(&mut event, record.position, &rules, out);
        let mut alerts = Vec::new();
        let mut scratch = Scratch::default();
        for &index in rules.matches(&event, &mut scratch) {
            let position = record.position.to_string();
            let Some(alert) = Alert::new(&rules, index, &event, &position) else {
                continue;
            };
            alerts.push((alert.rule.rule.id.as_str().into(), alert.rule.level));
            let written = out.at(first).and_then(|event| event.value);
            let written = written.map(<[u8]>::to_vec);
            self.finding(
                &alert,
                &event,
                written.as_deref(),
                rules.hash(),
                now_ms,
                out,
            );
        }
        let limit = self.settings.max_message_bytes;
        if out.iter().skip(first).any(|output| size(&output) > limit) {
            out.truncate(first);
            let reason = TOO_LARGE;
            let detail = format!("larger than {limit} bytes even without its raw parts");
            self.refuse(record, reason, &detail, false, out);
            return Outcome::DeadLetter { reason };
        }
        Outcome::Event {
            unknown_method: !event.known_method,
            event_time_ms: event.time_ms,
            alerts,
        }
    }

    /// Appends the dead letter of a record that may not be processed. `cut` drops its value, whose
    /// size and SHA-256 go to the headers; what is too large for the topic is cut anyway.
    pub fn refuse(
        &self,
        record: &RawRecord<'_>,
        reason: &str,
        detail: &str,
        cut: bool,
        out: &mut OutputBuffer,
    ) {
        let max_bytes = if cut {
            0
        } else {
            self.settings.max_message_bytes
        };
        let why = DeadLetter {
            reason,
            detail,
            max_bytes,
            unread: None,
        };
        self.dead_letter(record, why, out);
    }

    /// The same for a record whose value was too long to be held.
    pub fn refuse_unread(
        &self,
        record: &RawRecord<'_>,
        reason: &str,
        detail: &str,
        value: &Digest,
        out: &mut OutputBuffer,
    ) {
        let why = DeadLetter {
            reason,
            detail,
            max_bytes: self.settings.max_message_bytes,
            unread: Some(value),
        };
        self.dead_letter(record, why, out);
    }

    fn dead_letter(&self, record: &RawRecord<'_>, why: DeadLetter<'_>, out: &mut OutputBuffer) {
        let topic = &self.settings.topics.dead_letters;
        let letter =
            guard::caught(|| encode::dead_letter(record, topic, why)).unwrap_or_else(|| {
                // Without the record's own parts nothing is left to go wrong.
                let bare = RawRecord {
                    position: record.position,
                    timestamp_ms: record.timestamp_ms,
                    key: None,
                    value: None,
                    headers: Vec::new(),
                };
                let max_bytes = usize::MAX;
                encode::dead_letter(&bare, topic, DeadLetter { max_bytes, ..why })
            });
        out.push_record(&letter);
    }

    /// Appends the event's record, slimmed if it does not fit the topic.
    fn encode(
        &self,
        event: &mut AuditEvent<'_>,
        position: Position<'_>,
        rules: &RuleSet<Path>,
        out: &mut OutputBuffer,
    ) {
        let limit = self.settings.max_message_bytes;
        let first = out.len();
        self.append_event(event, position, rules, out);
        let value = out.at(first).and_then(|output| output.value);
        if value.map_or(0, <[u8]>::len) + FRAME_BYTES > limit {
            event.unmapped.dropped = true;
            event.metadata.labels.push(Cow::Borrowed("raw:slimmed"));
            out.truncate(first);
            self.append_event(event, position, rules, out);
        }
    }

    fn append_event(
        &self,
        event: &AuditEvent<'_>,
        position: Position<'_>,
        rules: &RuleSet<Path>,
        out: &mut OutputBuffer,
    ) {
        let position = event.metadata.uid.is_none().then(|| position.to_string());
        let uid = event.metadata.uid.as_deref();
        let id = uid.or(position.as_deref()).unwrap_or_default();
        let source = event.metadata.source.as_deref().unwrap_or("watchbell");
        let subject = event.subject.as_deref();
        let user = &event.user;
        let key = user.uid.as_deref().or(user.name.as_deref());
        let headers = encode::headers(id, source, "watchbell.event.v1", subject, rules.hash());
        let topic = &self.settings.topics.events;
        out.push(topic, key.map(str::as_bytes), kafka(&headers), |value| {
            encode::event(event, value);
        });
    }

    /// Appends the alert's record. The event stands in it as evidence, unless that would not fit the
    /// topic.
    fn finding(
        &self,
        alert: &Alert<'_, Path>,
        event: &AuditEvent<'_>,
        written: Option<&[u8]>,
        rule_set: &str,
        now_ms: i64,
        out: &mut OutputBuffer,
    ) {
        let subject = Some(alert.rule.rule.id.as_str());
        let headers = encode::headers(
            &alert.uid,
            "watchbell",
            "watchbell.alert.v1",
            subject,
            rule_set,
        );
        let topic = &self.settings.topics.alerts;
        let key = Some(alert.group_key.as_bytes());
        let limit = self.settings.max_message_bytes;
        out.push(topic, key, kafka(&headers), |value| {
            let start = value.len();
            encode::finding(alert, event, written, rule_set, now_ms, value);
            if value.len() - start + FRAME_BYTES > limit {
                value.truncate(start);
                encode::finding(alert, event, None, rule_set, now_ms, value);
            }
        });
    }
}

/// Key, headers and framing take less than this, in bytes, where they are not unusual.
const FRAME_BYTES: usize = 4096;

/// CloudEvents headers as Kafka's.
fn kafka<'h>(headers: &'h encode::Headers<'_>) -> impl Iterator<Item = Header<'h>> {
    headers.iter().flatten().map(|(name, value)| Header {
        name,
        value: Some(value.as_bytes()),
    })
}

/// Bytes of a record as the broker counts them, framing estimated from above.
fn size(output: &Output<'_>) -> usize {
    let headers = output
        .headers()
        .map(|header| header.name.len() + header.value.map_or(0, <[u8]>::len) + 12);
    output.key.map_or(0, <[u8]>::len)
        + output.value.map_or(0, <[u8]>::len)
        + headers.sum::<usize>()
        + 100
}

/// What normalization takes from the catalogue.
pub fn facts(method: &Method) -> MethodFacts<'_> {
    let (activity_id, activity_name) = method.activity.api_activity();
    MethodFacts {
        service: &method.service,
        module: Some(&method.module),
        activity_id,
        activity_name,
        logon: method.activity == Activity::Logon,
        labels: [
            match method.access {
                Access::Read => "access:read",
                Access::Write => "access:write",
            },
            match method.sensitivity {
                Sensitivity::Low => "sensitivity:low",
                Sensitivity::Medium => "sensitivity:medium",
                Sensitivity::High => "sensitivity:high",
            },
        ],
        description: &method.description,
    }
}

/// What rules may name: the services and methods of the catalogue.
pub fn known(catalog: &Catalog) -> Known {
    let services = catalog.services().map(str::to_owned).collect();
    Known {
        services: [(catalog.product().to_owned(), services)].into(),
        methods: catalog.names().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests;
