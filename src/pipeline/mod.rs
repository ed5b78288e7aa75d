//! One record through normalize, enrich, detect and encode: pure, and used by ingest, replay and
//! the rules' own tests alike.

mod dead_letters;
mod finding;
mod forms;
mod guard;
mod limits;
mod loss;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::alert::{Alert, BUILT_IN, HISTORY, REPLAYED};
use crate::encode;
use crate::enrich;
pub use crate::enrich::Names;
use crate::event::json::{JsonError, Portable};
use crate::event::{
    Access, AuditEvent, Header, Method, MethodNames, OutputBuffer, OutputRecord, Position,
    RawRecord, Sensitivity, Text,
};
pub use crate::event::{Catalog, Path};
use crate::normalize::{self, MethodFacts, NormalizeError};
use crate::rules::{CurrentRules, Known, RuleSet};
use crate::sigma::{Level, Scratch};
pub use forms::{EventForm, FindingForm, Forms, LetterForm};
pub use guard::PANIC;
pub use limits::Limits;
use limits::size;
pub use loss::Raised;

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
        /// Of what a word that is not documented was judged by its parts, such as `status`.
        inferred: Vec<&'static str>,
        /// Milliseconds since the Unix epoch; 0 if no time is known.
        event_time_ms: i64,
        /// Rule id and level of each alert.
        alerts: Vec<(Arc<str>, Level)>,
    },
    /// A dead letter.
    DeadLetter {
        /// Metric label, and the header `watchbell-reason`.
        reason: &'static str,
        /// Rule id and level of each alert: that of the dead letter itself, and of an event that is
        /// too large those that it raises all the same.
        alerts: Vec<(Arc<str>, Level)>,
    },
}

impl Outcome {
    fn add_alerts(&mut self, more: Vec<(Arc<str>, Level)>) {
        let (Outcome::Event { alerts, .. } | Outcome::DeadLetter { alerts, .. }) = self;
        alerts.extend(more);
    }
}

/// The stages, composed. Cheap to clone; rules and names are those in force at each record.
#[derive(Debug, Clone)]
pub struct Pipeline {
    settings: Settings,
    catalog: Arc<Catalog>,
    rules: Arc<CurrentRules<Path>>,
    names: Arc<ArcSwap<Names>>,
    method_names: Arc<MethodNames>,
    /// The source's name in the configuration.
    source: Option<Arc<str>>,
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
            method_names: Arc::new(MethodNames::of(&catalog)),
            catalog,
            rules,
            names,
            source: None,
            replaying: false,
        }
    }

    /// The same for the records of one source, by its name in the configuration; without it, its
    /// topic stands for it.
    pub fn of_source(self, name: &str) -> Self {
        Self {
            source: Some(name.into()),
            ..self
        }
    }

    /// The same for records of the past: its alerts say so, and page nobody.
    pub fn replaying(self) -> Self {
        Self {
            replaying: true,
            ..self
        }
    }

    /// Processes one record and appends what is to be written: the event, or a dead letter, and
    /// then the alerts. `reading` is when it was read: the wall clock, milliseconds since the Unix epoch,
    /// or more than that. Never panics: a record that makes a stage panic is a dead letter with the reason
    /// [`PANIC`].
    pub fn process(
        &self,
        record: &RawRecord<'_>,
        reading: impl Into<Reading>,
        out: &mut OutputBuffer,
    ) -> Outcome {
        self.process_as(&Forms::WHOLE, record, reading, out)
    }

    /// The same for a record of which some outputs must be written in other forms.
    pub fn process_as(
        &self,
        forms: &Forms,
        record: &RawRecord<'_>,
        reading: impl Into<Reading>,
        out: &mut OutputBuffer,
    ) -> Outcome {
        let reading = reading.into();
        self.guarded(forms, record, reading.now_ms, out, |out| {
            self.stages(forms, record, reading, out)
        })
    }

    fn guarded(
        &self,
        forms: &Forms,
        record: &RawRecord<'_>,
        now_ms: i64,
        out: &mut OutputBuffer,
        stages: impl FnOnce(&mut OutputBuffer) -> Outcome,
    ) -> Outcome {
        let first = out.len();
        guard::caught(|| stages(out)).unwrap_or_else(|| {
            out.truncate(first);
            self.refuse(record, (PANIC, guard::DETAIL), forms, now_ms, out)
        })
    }

    fn stages(
        &self,
        forms: &Forms,
        record: &RawRecord<'_>,
        reading: Reading,
        out: &mut OutputBuffer,
    ) -> Outcome {
        out.begin_part(0);
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
                let why = (error.reason(), &*error.to_string());
                return self.refuse(record, why, forms, reading.now_ms, out);
            }
        };
        let names = self.names.load();
        enrich::apply(event, &names);
        let rules = self.rules.snapshot();
        let first = out.len();
        let slim = forms.event == EventForm::Slimmed;
        let written = self.encode(event, slim, record.position, &rules, out);
        let mut alerts = Vec::new();
        let matched = SCRATCH.with_borrow_mut(|scratch| rules.matches(event, scratch).to_vec());
        let position = matched.first().map(|_| record.position.to_string());
        let position = position.unwrap_or_default();
        for (part, index) in (1..).zip(matched) {
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
            let event_json = event_json.filter(|json| limits::is_evidence(json, alerts.len()));
            let finding = finding::Finding {
                alert: &alert,
                event,
                position: &position,
                rule_set: rules.hash(),
                now_ms: reading.now_ms,
            };
            let finding = self.finding(&finding, event_json, forms.finding(part));
            alerts.push((alert.rule.rule.id.as_str().into(), alert.rule.level));
            out.begin_part(part);
            out.push_record(&finding);
        }
        if let Some((reason, detail)) = self.refusal(&forms.event, written) {
            // Alerts stay: nobody shall escape them by making an event too large.
            let findings: Vec<_> = out
                .iter()
                .skip(first + 1)
                .map(|finding| (finding.part, finding.to_record()))
                .collect();
            out.truncate(first);
            let mut outcome = self.refuse(record, (reason, &detail), forms, reading.now_ms, out);
            for (part, finding) in findings {
                out.begin_part(part);
                out.push_record(&finding);
            }
            outcome.add_alerts(alerts);
            return outcome;
        }
        Outcome::Event {
            unknown_method: !event.known_method,
            inferred: normalize::inferred(event),
            event_time_ms: event.time_ms,
            alerts,
        }
    }

    /// Why an event of so many bytes is a dead letter instead.
    fn refusal(&self, form: &EventForm, written: usize) -> Option<(&'static str, String)> {
        if let EventForm::DeadLetter { reason, detail } = form {
            return Some((reason, detail.clone()));
        }
        let Settings { topics, limits } = &self.settings;
        let too_large = limits::refusal(&topics.events, written, limits.events);
        too_large.map(|detail| (TOO_LARGE, detail))
    }

    /// What the output topics take from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.settings.limits = limits;
    }

    /// What the output topics take, as far as is known.
    pub fn limits(&self) -> Limits {
        self.settings.limits
    }

    /// The names of the output topics.
    pub fn topics(&self) -> &Topics {
        &self.settings.topics
    }

    /// Appends the event's record, slimmed if it does not fit the topic or must be `slim`; gives its
    /// size in bytes.
    fn encode(
        &self,
        event: &mut AuditEvent<'_>,
        slim: bool,
        position: Position<'_>,
        rules: &RuleSet<Path>,
        out: &mut OutputBuffer,
    ) -> usize {
        let first = out.len();
        if !slim {
            let written = self.append_event(event, position, rules, out);
            if written <= self.settings.limits.events {
                return written;
            }
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
        built_in: BUILT_IN.iter().map(|rule| rule.id.to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests;
