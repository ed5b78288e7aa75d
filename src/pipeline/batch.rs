//! The records of one batch through the stages, under one snapshot of rules and lookups.
//! Invariant: even if another thread replaces the rules or lookups meanwhile, every output of a batch is made by the
//! same rules and lookups, and carries the same rule-set hash.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use super::forms::Forms;
use super::outputs::{Content, OutputTopic};
use super::privacy::Processed;
use super::routing::{FIRST_ROUTE_OUTPUT, RouteCount, Written};
use super::{Context, Outcome, PANIC, RaisedAlert, Reading, guard, limits};
use crate::alert::{Alert, HISTORY};
use crate::encode;
use crate::enrich::{self, LookupCounts, LookupMemory, Lookups};
use crate::event::{AuditEvent, OutputBuffer, OutputRecord, Path, RawRecord};
use crate::json::{Memory, Text};
use crate::normalize::{self, Container, Normalized, Within};
use crate::privacy::Hiding;
use crate::rules::RuleSet;
use crate::sigma::{RuleIndex, Scratch};

/// What all records of a batch are processed with, on one thread; made by [`super::Pipeline::begin`].
#[derive(Debug)]
pub struct Batch {
    pub(super) context: Context,
    pub(super) rules: Arc<RuleSet<Path>>,
    pub(super) lookups: Arc<Lookups>,
    /// What was looked up, and counted since [`Batch::take_lookup_counts`].
    pub(super) memory: RefCell<LookupMemory>,
    /// Memory for matching an event; matching empties it first.
    pub(super) scratch: RefCell<Scratch>,
    /// The same for asking the routes about it.
    pub(super) route_scratch: RefCell<Scratch>,
    /// What each route has written or dropped.
    pub(super) counts: RefCell<Vec<RouteCount>>,
    /// Memory for the document of an event.
    pub(super) documents: Memory,
}

/// An alert and what it is about.
pub(super) struct Finding<'f, 'e> {
    pub(super) alert: &'f Alert<'f, Path>,
    pub(super) event: &'f AuditEvent<'e>,
    /// Where the source record stands.
    pub(super) position: &'f str,
    /// What the alerts topic does not show.
    pub(super) hiding: Option<&'f Hiding<'f>>,
    pub(super) now_ms: i64,
}

impl Batch {
    /// What each route has written or dropped since the batch began or this was called, by the numbers of
    /// [`super::Pipeline::route_names`].
    pub fn take_counts(&self) -> Vec<RouteCount> {
        self.counts.replace(self.context.routing.no_counts())
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
        out.begin_event(0);
        // One event of a list can be read again by itself, and holds no further list.
        let within = Within {
            in_list: record.position.element.is_some(),
            ..Within::default()
        };
        self.guarded(forms, record, reading.now_ms, out, |out| {
            self.stages(forms, record, record, &within, reading, out)
        })
    }

    /// What was looked up since this was asked last.
    pub fn take_lookup_counts(&self) -> LookupCounts {
        std::mem::take(&mut self.memory.borrow_mut().counts)
    }

    /// Adds what the files say to an event.
    pub(super) fn enrich<'e>(&'e self, event: &mut AuditEvent<'e>) {
        enrich::apply(event, &self.lookups, &mut self.memory.borrow_mut());
    }

    pub(super) fn guarded(
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

    /// Processes what `record` holds; `original` is the record that becomes a dead letter if it
    /// cannot be processed.
    fn stages(
        &self,
        forms: &Forms,
        original: &RawRecord<'_>,
        record: &RawRecord<'_>,
        within: &Within<'_>,
        reading: Reading,
        out: &mut OutputBuffer,
    ) -> Outcome {
        out.begin_output(0);
        let portable = OnceCell::new();
        // Borrowed and not moved, because an event is large.
        let (catalogs, memory) = (&self.context.catalogs, Some(&self.documents));
        let mut normalized = normalize::normalize(record, &portable, within, catalogs, memory);
        let refused = match &mut normalized {
            Ok(Normalized::Event(event)) => {
                return self.event(forms, original, event, reading, out);
            }
            Ok(Normalized::Container(container)) => match container.within(record, within) {
                Ok(within) => {
                    return self.events(forms, original, container, &within, reading, out);
                }
                Err(error) => error,
            },
            Err(error) => error.clone(),
        };
        let detail = match std::ptr::eq(original, record) {
            true => refused.to_string(),
            // Bytes are counted in the event, and the dead letter is what holds it.
            false => format!("the event in the record: {refused}"),
        };
        let why = (refused.reason(), &*detail);
        self.refuse(original, why, forms, reading.now_ms, out)
    }

    /// Processes the events of a container, each by itself. An element of a list is a record of its own, with
    /// its own position; an event within another value stands for the whole record.
    fn events(
        &self,
        forms: &Forms,
        original: &RawRecord<'_>,
        container: &Container<'_>,
        within: &Within<'_>,
        reading: Reading,
        out: &mut OutputBuffer,
    ) -> Outcome {
        let inner = |text| container.record_of(original, text);
        if !container.is_list {
            let record = inner(container.events.first().map_or("", |text| text));
            return self.stages(forms, original, &record, within, reading, out);
        }
        let outcomes = (0..).zip(&container.events).map(|(number, text)| {
            let mut record = inner(text);
            record.position.element = Some(number);
            let forms = forms.of_event(number);
            out.begin_event(number);
            self.guarded(forms, &record, reading.now_ms, out, |out| {
                self.stages(forms, &record, &record, within, reading, out)
            })
        });
        Outcome::Several(outcomes.collect())
    }

    /// Processes an event.
    fn event<'e>(
        &'e self,
        forms: &Forms,
        record: &RawRecord<'_>,
        event: &mut AuditEvent<'e>,
        reading: Reading,
        out: &mut OutputBuffer,
    ) -> Outcome {
        self.enrich(event);
        let matched = self
            .rules
            .matches(event, &mut self.scratch.borrow_mut())
            .to_vec();
        if let Some((label, _)) = self.context.event_mark() {
            event.metadata.labels.push(Text::from(label));
        }
        let processed = Processed {
            hidden: self.context.privacy.of_event(event),
            event,
            record,
        };
        let Written {
            is_kept,
            dropped,
            mut refused,
        } = self.write(&processed, matched.is_empty(), forms, reading, out);
        let alerts = self.alerts(&processed, matched, forms, reading, out);
        // The alerts are kept also if the event is not: otherwise it could be made too large to avoid them.
        if let (false, Some(last)) = (is_kept, refused.last_mut()) {
            last.add_alerts(alerts);
            return one_or_several(refused);
        }
        let outcome = Outcome::Event {
            unknown_method: !event.known_method,
            inferred: normalize::inferred(event),
            event_time_ms: event.time_ms,
            alerts,
            dropped,
        };
        if refused.is_empty() {
            // As nearly always, and without an allocation.
            return outcome;
        }
        refused.push(outcome);
        Outcome::Several(refused)
    }

    /// Appends the alerts that an event raises by the rules that it matches, and returns them. The event is encoded
    /// once more as their evidence, so that an alert does not depend on what its event's record becomes.
    fn alerts(
        &self,
        processed: &Processed<'_, '_, '_>,
        matched: Vec<RuleIndex>,
        forms: &Forms,
        reading: Reading,
        out: &mut OutputBuffer,
    ) -> Vec<RaisedAlert> {
        let mut alerts = Vec::new();
        if matched.is_empty() {
            return alerts;
        }
        let event = processed.event;
        let position = processed.record.position.to_string();
        let evidence = processed.hidden.whole();
        let hiding = processed.hidden.of_output(Content::Alerts as usize);
        for (number, index) in (1..).zip(matched) {
            let Some(mut alert) = Alert::new(&self.rules, index, event, &position) else {
                continue;
            };
            let scratch = &mut self.scratch.borrow_mut();
            if let Some(suppression) = self
                .rules
                .suppression(index, event, reading.now_ms, scratch)
            {
                alert.suppress(&suppression.suppression);
            }
            alert.labels.extend(self.context.label());
            if reading.history {
                alert.labels.push(HISTORY);
            }
            alert.logged_ms = reading.logged_ms;
            let evidence = limits::is_evidence(evidence, alerts.len()).then_some(evidence);
            let finding = Finding {
                alert: &alert,
                event,
                position: &position,
                hiding,
                now_ms: reading.now_ms,
            };
            let finding = self.finding(&finding, evidence, forms.finding(number));
            alerts.push(RaisedAlert {
                suppressed: alert.suppression.is_some(),
                ..RaisedAlert::new(alert.rule.rule.id.as_str(), alert.rule.level)
            });
            out.begin_output(number.min(FIRST_ROUTE_OUTPUT - 1));
            out.push_record(&finding);
        }
        alerts
    }

    pub(super) fn output(&self, content: Content) -> &OutputTopic {
        self.context.outputs.of(content)
    }

    /// The record of an alert with these two keys, uid and group.
    pub(super) fn alert_record(
        &self,
        (uid, group_key): (&str, &str),
        rule: &str,
        value: Vec<u8>,
    ) -> OutputRecord {
        let (source, kind) = ("watchbell", "watchbell.alert.v1");
        let headers = encode::headers(uid, source, kind, Some(rule), self.rules.hash());
        let owned = |(name, value): (&'static str, Cow<'_, str>)| {
            (name.into(), Some(value.into_owned().into_bytes()))
        };
        OutputRecord {
            topic: self.output(Content::Alerts).topic.clone(),
            key: Some(group_key.as_bytes().to_vec()),
            value: Some(value),
            headers: headers.into_iter().flatten().map(owned).collect(),
        }
    }
}

/// The outcome of a record of which one thing or several became.
fn one_or_several(mut outcomes: Vec<Outcome>) -> Outcome {
    match (outcomes.len(), outcomes.pop()) {
        (1, Some(only)) => only,
        (_, last) => Outcome::Several(outcomes.into_iter().chain(last).collect()),
    }
}
