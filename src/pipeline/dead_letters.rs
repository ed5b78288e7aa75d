//! What cannot be an event becomes a dead letter, accompanied by an alert that tells of it.
//! Invariant: every dead letter of a record is written here, and nothing that goes wrong with its
//! alert begets another.

use super::{Outcome, Pipeline, guard, limits};
use crate::alert::SourceAlert;
use crate::encode::{self, DeadLetter};
use crate::event::{Digest, OutputBuffer, RawRecord};

impl Pipeline {
    /// Appends the dead letter of a record that may not be processed, and its alert. `cut` drops its
    /// value, whose size and SHA-256 go to the headers; what is too large for the topic is cut
    /// anyway. `now_ms` is the wall clock, milliseconds since the Unix epoch.
    pub fn refuse(
        &self,
        record: &RawRecord<'_>,
        reason: &'static str,
        detail: &str,
        cut: bool,
        now_ms: i64,
        out: &mut OutputBuffer,
    ) -> Outcome {
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
        self.dead_letter(record, reason, why, now_ms, out)
    }

    /// The same for a record whose value was too long to be held.
    pub fn refuse_unread(
        &self,
        record: &RawRecord<'_>,
        reason: &'static str,
        detail: &str,
        value: &Digest,
        now_ms: i64,
        out: &mut OutputBuffer,
    ) -> Outcome {
        let why = DeadLetter {
            reason,
            detail,
            max_bytes: self.settings.limits.dead_letters,
            unread: Some(value),
        };
        self.dead_letter(record, reason, why, now_ms, out)
    }

    fn dead_letter(
        &self,
        record: &RawRecord<'_>,
        reason: &'static str,
        why: DeadLetter<'_>,
        now_ms: i64,
        out: &mut OutputBuffer,
    ) -> Outcome {
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
        let raised = guard::caught(|| {
            let source = self.source.as_deref().unwrap_or(record.position.topic);
            let methods = self.method_names.named_in(parts(record));
            let mut alert =
                SourceAlert::dead_letter(source, record, (why.reason, why.detail), &methods);
            if why.unread.is_some() {
                alert
                    .why
                    .push_str("; its value is too long to be searched for names of methods");
            }
            // A time that cannot be is none.
            alert.time_ms = alert
                .time_ms
                .filter(|time_ms| (0..=now_ms).contains(time_ms));
            let raised = self.source_alert(&alert, now_ms)?;
            // One that does not fit its topic is left out: a dead letter of it would beget the next.
            let bytes = limits::record_size(&raised.record);
            (bytes <= self.settings.limits.alerts).then_some(raised)
        });
        let mut alerts = Vec::new();
        if let Some(raised) = raised.flatten() {
            out.push_record(&raised.record);
            alerts.push((raised.rule.into(), raised.level));
        }
        Outcome::DeadLetter { reason, alerts }
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
