//! One record through normalize, enrich, detect and encode: pure, and used by ingest, replay and
//! the rules' own tests alike.

mod guard;
mod limits;
mod loss;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::alert::{Alert, HISTORY, REPLAYED};
use crate::encode::{self, DeadLetter};
use crate::enrich;
pub use crate::enrich::Names;
use crate::event::json::{JsonError, Portable};
use crate::event::{
    Access, AuditEvent, Digest, Header, Method, OutputBuffer, OutputRecord, Position, RawRecord,
    Sensitivity, Text,
};
pub use crate::event::{Catalog, Path};
use crate::normalize::{self, MethodFacts, NormalizeError};
use crate::rules::{CurrentRules, Known, RuleSet};
use crate::sigma::{Level, Scratch};
pub use guard::PANIC;
pub use limits::Limits;
use limits::{record_size, size};

/// The largest record that a topic takes by default, in bytes: the broker's `message.max.bytes`.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 1_048_588;

/// The reason of a dead letter whose record is larger than its topic takes, or than can be held.
pub const TOO_LARGE: &str = "too_large";

thread_local! {
    /// What matching an event needs, for the next one on this thread; matching empties it first.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

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
    /// What they take.
    pub limits: Limits,
}

/// When a record is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock, ms since the Unix epoch.
    pub now_ms: i64,
    /// How far the log that it stands in had come: the greatest timestamp of its partition's records.
    /// `None` for what is in no log, or where nothing is known.
    pub logged_ms: Option<i64>,
    /// Whether it was there before its source was read for the first time.
    pub history: bool,
}

impl From<i64> for Reading {
    fn from(now_ms: i64) -> Reading {
        Reading {
            now_ms,
            logged_ms: None,
            history: false,
        }
    }
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
        /// Rule id and level of each alert: an event that is too large raises them, too.
        alerts: Vec<(Arc<str>, Level)>,
    },
}

impl Outcome {
    /// A record that is no event, and so raises no alert.
    pub fn refused(reason: &'static str) -> Outcome {
        Outcome::DeadLetter {
            reason,
            alerts: Vec::new(),
        }
    }
}

/// The stages, composed. Cheap to clone; rules and names are those in force at each record.
#[derive(Debug, Clone)]
pub struct Pipeline {
    settings: Settings,
    catalog: Arc<Catalog>,
    rules: Arc<CurrentRules<Path>>,
    names: Arc<ArcSwap<Names>>,
    replaying: bool,
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
            replaying: false,
        }
    }

    /// The same for records of the past: its alerts say so, and page nobody.
    pub fn replaying(self) -> Self {
        Self {
            replaying: true,
            ..self
        }
    }

    /// Processes one record and appends what is to be written: the event and its alerts, or one
    /// dead letter. `reading` is when it was read: the wall clock, milliseconds since the Unix epoch, or
    /// more than that. Never panics: a record that makes a stage panic is a dead letter with the reason
    /// [`PANIC`].
    pub fn process(
        &self,
        record: &RawRecord<'_>,
        reading: impl Into<Reading>,
        out: &mut OutputBuffer,
    ) -> Outcome {
        let reading = reading.into();
        self.guarded(record, out, |out| self.stages(record, reading, out))
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
            Outcome::refused(PANIC)
        })
    }

    fn stages(&self, record: &RawRecord<'_>, reading: Reading, out: &mut OutputBuffer) -> Outcome {
        let lookup = |name: &str| self.catalog.method(name).map(facts);
        let portable;
        // Borrowed where it is: it is large.
        let mut normalized = normalize::normalize(record, &lookup);
        if let Err(NormalizeError::Json(JsonError::NotPortable)) = normalized {
            portable = Portable::of(record.value.unwrap_or_default());
            normalized = normalize::normalize_portable(record, &portable, &lookup);
        }
        let event = match &mut normalized {
            Ok(event) => event,
            Err(error) => {
                let reason = error.reason();
                self.refuse(record, reason, &error.to_string(), false, out);
                return Outcome::refused(reason);
            }
        };
        let names = self.names.load();
        enrich::apply(event, &names);
        let rules = self.rules.snapshot();
        let first = out.len();
        let written = self.encode(event, record.position, &rules, out);
        let Settings { topics, limits } = &self.settings;
        let mut refusal = limits::refusal(&topics.events, written, limits.events);
        let mut alerts = Vec::new();
        let matched = SCRATCH.with_borrow_mut(|scratch| rules.matches(event, scratch).to_vec());
        for index in matched {
            let position = record.position.to_string();
            let Some(mut alert) = Alert::new(&rules, index, event, &position) else {
                continue;
            };
            if self.replaying {
                alert.labels.push(REPLAYED);
            }
            if reading.history {
                alert.labels.push(HISTORY);
            }
            alert.logged_ms = reading.logged_ms;
            let event_json = out.at(first).and_then(|written| written.value);
            let finding = self.finding(&alert, event, event_json, rules.hash(), reading.now_ms);
            let too_large = limits::refusal(&topics.alerts, record_size(&finding), limits.alerts);
            if too_large.is_some() {
                refusal = refusal.or(too_large);
                continue;
            }
            alerts.push((alert.rule.rule.id.as_str().into(), alert.rule.level));
            out.push_record(&finding);
        }
        if let Some(detail) = refusal {
            // Alerts stay: nobody shall escape them by making an event too large.
            let findings: Vec<_> = out.iter().skip(first + 1).map(|f| f.to_record()).collect();
            out.truncate(first);
            let reason = TOO_LARGE;
            self.refuse(record, reason, &detail, false, out);
            findings.iter().for_each(|finding| out.push_record(finding));
            return Outcome::DeadLetter { reason, alerts };
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
            self.settings.limits.dead_letters
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
            max_bytes: self.settings.limits.dead_letters,
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

    /// Appends the event's record, slimmed if it does not fit the topic; gives its size in bytes.
    fn encode(
        &self,
        event: &mut AuditEvent<'_>,
        position: Position<'_>,
        rules: &RuleSet<Path>,
        out: &mut OutputBuffer,
    ) -> usize {
        let first = out.len();
        let written = self.append_event(event, position, rules, out);
        if written <= self.settings.limits.events {
            return written;
        }
        event.unmapped.dropped = true;
        event.metadata.labels.push(Text::plain("raw:slimmed"));
        out.truncate(first);
        self.append_event(event, position, rules, out)
    }

    fn append_event(
        &self,
        event: &AuditEvent<'_>,
        position: Position<'_>,
        rules: &RuleSet<Path>,
        out: &mut OutputBuffer,
    ) -> usize {
        let position = event.metadata.uid.is_none().then(|| position.to_string());
        let uid = event.metadata.uid.as_deref();
        let id = uid.or(position.as_deref()).unwrap_or_default();
        let source = event.metadata.source.as_deref().unwrap_or("watchbell");
        let user = &event.user;
        let key = user.uid.as_deref().or(user.name.as_deref());
        let headers = encode::headers(id, source, "watchbell.event.v1", None, rules.hash());
        let headers = headers.iter().flatten().map(|(name, value)| Header {
            name,
            value: Some(value.as_bytes()),
        });
        let topic = &self.settings.topics.events;
        let written = out.push(topic, key.map(str::as_bytes), headers, |value| {
            encode::event(event, value);
        });
        size(&written)
    }

    /// The alert's record. The event stands in it as evidence, unless that would not fit the topic;
    /// if it still does not fit, its texts are shortened.
    fn finding(
        &self,
        alert: &Alert<'_, Path>,
        event: &AuditEvent<'_>,
        written: Option<&[u8]>,
        rule_set: &str,
        now_ms: i64,
    ) -> OutputRecord {
        let record = |evidence: Option<&[u8]>| {
            let mut value = Vec::with_capacity(8192 + evidence.map_or(0, <[u8]>::len));
            encode::finding(alert, event, evidence, rule_set, now_ms, &mut value);
            let rule = alert.rule.rule.id.as_str();
            self.alert_record((&alert.uid, &alert.group_key), rule, value, rule_set)
        };
        let limit = self.settings.limits.alerts;
        // One that is larger by itself is not copied only to see that it does not fit.
        if let Some(written) = written.filter(|written| written.len() < limit) {
            let whole = record(Some(written));
            if record_size(&whole) <= limit {
                return whole;
            }
        }
        let mut bare = record(None);
        if record_size(&bare) > limit {
            let value = bare.value.take().unwrap_or_default();
            let max_bytes = limit.saturating_sub(record_size(&bare));
            bare.value = Some(encode::shortened(&value, max_bytes).unwrap_or(value));
        }
        bare
    }

    fn alert_record(
        &self,
        (uid, group_key): (&str, &str),
        rule: &str,
        value: Vec<u8>,
        rule_set: &str,
    ) -> OutputRecord {
        let (source, kind) = ("watchbell", "watchbell.alert.v1");
        let headers = encode::headers(uid, source, kind, Some(rule), rule_set);
        let owned = |(name, value): (&'static str, Cow<'_, str>)| {
            (name.into(), Some(value.into_owned().into_bytes()))
        };
        OutputRecord {
            topic: self.settings.topics.alerts.clone(),
            key: Some(group_key.as_bytes().to_vec()),
            value: Some(value),
            headers: headers.into_iter().flatten().map(owned).collect(),
        }
    }
}

/// What normalization takes from the catalogue.
pub fn facts(method: &Method) -> MethodFacts<'_> {
    MethodFacts {
        service: method.service.to_text(),
        module: Some(method.module.to_text()),
        activity: method.activity,
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
        description: method.description.to_text(),
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
