//! What cannot be an event becomes a dead letter, and an alert reports it.
//! Invariant: every dead letter of a record is written here, and an error
//! while its alert is made produces no other dead letter.

use super::forms::{Forms, LetterForm};
use super::outputs::Content;
use super::{Batch, Outcome, RaisedAlert, guard};
use crate::alert::SourceAlert;
use crate::encode::{self, DeadLetter, SEALED_DETAIL};
use crate::event::{Digest, OutputBuffer, PARTS_OF_EVENT, RawRecord};

/// The number among the outputs that the alert of a dead letter has: the last one, because those of rules are
/// numbered from 1.
pub(super) const ALERT_OUTPUT: u32 = PARTS_OF_EVENT - 1;

impl Batch {
    /// Appends the dead letter of a record that may not be processed, for this reason and with this
    /// detail for a person, and its alert. What is too large for the topic is cut, whatever the form.
    /// `now_ms` is the wall clock, milliseconds since the Unix epoch.
    pub fn refuse(
        &self,
        record: &RawRecord<'_>,
        (reason, detail): (&'static str, &str),
        forms: &Forms,
        now_ms: i64,
        out: &mut OutputBuffer,
    ) -> Outcome {
        let why = self.why((reason, detail), forms.dead_letter);
        self.dead_letter(record, why, out);
        let alerts = self.tell(record, why, forms, now_ms, out);
        Outcome::DeadLetter { reason, alerts }
    }

    /// The same in place of one output of an event, by its name; its other outputs stay. Without the wall clock no
    /// alert is raised: another dead letter of the event has one.
    pub(super) fn refuse_output(
        &self,
        record: &RawRecord<'_>,
        (reason, detail): (&'static str, &str),
        name: &str,
        forms: &Forms,
        now_ms: Option<i64>,
        out: &mut OutputBuffer,
    ) -> Outcome {
        let why = DeadLetter {
            output: Some(name),
            ..self.why((reason, detail), forms.dead_letter)
        };
        self.dead_letter(record, why, out);
        let alerts = now_ms.map(|now_ms| self.tell(record, why, forms, now_ms, out));
        Outcome::DeadLetter {
            reason,
            alerts: alerts.unwrap_or_default(),
        }
    }

    fn why<'w>(&self, (reason, detail): (&'w str, &'w str), form: LetterForm) -> DeadLetter<'w> {
        DeadLetter {
            reason,
            detail,
            max_bytes: match form {
                LetterForm::Headers => 0,
                LetterForm::Whole | LetterForm::Cut => self.output(Content::DeadLetters).max_bytes,
            },
            cut: form != LetterForm::Whole,
            sealed: self.context.privacy.seals_dead_letters(),
            unread: None,
            output: None,
            origin: self.context.event_mark().map(|(_, origin)| origin),
        }
    }

    /// The same for a record whose value was too long to be held.
    pub fn refuse_unread(
        &self,
        record: &RawRecord<'_>,
        (reason, detail): (&'static str, &str),
        value: &Digest,
        now_ms: i64,
        out: &mut OutputBuffer,
    ) -> Outcome {
        let why = DeadLetter {
            unread: Some(value),
            ..self.why((reason, detail), LetterForm::Whole)
        };
        self.dead_letter(record, why, out);
        let alerts = self.tell(record, why, &Forms::WHOLE, now_ms, out);
        Outcome::DeadLetter { reason, alerts }
    }

    fn dead_letter(&self, record: &RawRecord<'_>, why: DeadLetter<'_>, out: &mut OutputBuffer) {
        let topic = &self.output(Content::DeadLetters).topic;
        let letter =
            guard::caught(|| encode::dead_letter(record, topic, why)).unwrap_or_else(|| {
                // A part of the record caused the panic: the dead letter is made without them.
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
        out.begin_output(0);
        out.push_record(&letter);
    }

    /// Appends the alert about a dead letter. Returns the alert, nothing if its rule is disabled.
    fn tell(
        &self,
        record: &RawRecord<'_>,
        why: DeadLetter<'_>,
        forms: &Forms,
        now_ms: i64,
        out: &mut OutputBuffer,
    ) -> Vec<RaisedAlert> {
        let raised = guard::caught(|| {
            let source = self
                .context
                .source
                .as_deref()
                .unwrap_or(record.position.topic);
            let methods = self.context.method_names.named_in(parts(record));
            let is_stored = self.context.storing;
            let detail = match why.sealed {
                true => SEALED_DETAIL,
                false => why.detail,
            };
            let why_it_is = (why.reason, detail);
            let mut alert =
                SourceAlert::dead_letter(source, record, why_it_is, &methods, is_stored);
            if why.unread.is_some() {
                alert
                    .why
                    .push_str("; its value is too long to be searched for names of methods");
            }
            // A time in the future or before 1970 is ignored.
            alert.time_ms = alert
                .time_ms
                .filter(|time_ms| (0..=now_ms).contains(time_ms));
            let position = record.position.to_string();
            self.source_alert_as(forms.finding(ALERT_OUTPUT), &alert, &position, now_ms)
        });
        let Some(raised) = raised.flatten() else {
            return Vec::new();
        };
        out.begin_output(ALERT_OUTPUT);
        out.push_record(&raised.record);
        vec![RaisedAlert::new(raised.rule, raised.level)]
    }
}

/// All bytes of a record in which a method may be named.
fn parts<'r>(record: &'r RawRecord<'_>) -> impl Iterator<Item = &'r [u8]> {
    let headers = record.headers.iter();
    let headers = headers.flat_map(|header| [Some(header.name.as_bytes()), header.value]);
    [record.value, record.key]
        .into_iter()
        .chain(headers)
        .flatten()
}
