//! The details of records that are not events: dead letters, their receipts, and records that watchbell did not write.

use super::Details;
use crate::event::Header;
use crate::json::ValueKind;
use crate::printable::beginning_of_bytes;
use crate::view::Emitted;
use crate::view::emitted::{JsonPart, first_of_ours};
use crate::view::style::Tone;
use crate::view::words::moment;

/// Most bytes of a value that are shown if it is not JSON.
const EXCERPT: usize = 16 << 10;

impl Details {
    pub(super) fn dead_letter(&mut self, emitted: &Emitted<'_>) {
        let header = |name| emitted.header(name);
        let reason = header("watchbell-reason").unwrap_or_default();
        self.line(Tone::Bad, &format!("Dead letter: {reason}"));
        if let Some(detail) = header("watchbell-detail") {
            self.line(Tone::Plain, &detail);
        }
        self.blank();
        self.row(
            "Read at",
            emitted.source_position().map(|at| at.to_string()),
        );
        let time = header("watchbell-source-timestamp");
        let time = time.and_then(|time| time.parse().ok());
        self.row("Source wrote it", time.map(|time| moment(time, 3)));
        self.row("Missing output", header("watchbell-output"));
        self.row("Refused by sink", header("watchbell-sink"));
        self.row("Origin", header("watchbell-origin"));
        self.row("Size when cut", header("watchbell-cut-size"));
        self.row("SHA-256", header("watchbell-cut-sha256"));
        self.row("Version", header("watchbell-version"));
        self.record(emitted);
        let first = first_of_ours(&emitted.record).unwrap_or(0);
        self.headers(&emitted.record.headers[..first]);
        self.value(emitted);
    }

    /// A dead letter that was retried.
    pub(super) fn receipt(&mut self, emitted: &Emitted<'_>) {
        let header = |name| emitted.header(name);
        let letter = header("watchbell-retried").unwrap_or_default();
        self.line(Tone::Bold, &format!("Dead letter retried: {letter}"));
        self.blank();
        self.row("Records written", header("watchbell-outputs"));
        self.row("Repaired size", header("watchbell-repaired-size"));
        self.detail("SHA-256", header("watchbell-repaired-sha256"));
        self.row("Version", header("watchbell-version"));
        self.record(emitted);
    }

    pub(super) fn foreign(&mut self, emitted: &Emitted<'_>) {
        self.line(
            Tone::Bad,
            "Neither a whole event, an alert nor a dead letter of watchbell",
        );
        self.blank();
        self.record(emitted);
        self.headers(&emitted.record.headers);
        self.value(emitted);
    }

    fn headers(&mut self, headers: &[Header<'_>]) {
        if headers.is_empty() {
            return;
        }
        self.heading("Headers");
        for header in headers {
            let value = header.value.map(String::from_utf8_lossy);
            let value = value.unwrap_or("(null)".into());
            self.row(header.name, Some(format!(" {value}")));
        }
    }

    /// The unchanged value.
    fn value(&mut self, emitted: &Emitted<'_>) {
        self.heading("Record");
        let root = emitted.root();
        let is_json = |part: &JsonPart<'_, '_>| part.document.kind(part.id) != ValueKind::Null;
        if let Some(root) = root.filter(is_json) {
            self.json(Some(root));
            return;
        }
        let Some(value) = emitted.record.value else {
            self.line(Tone::Faint, "  (no value)");
            return;
        };
        let shown = beginning_of_bytes(value, EXCERPT);
        for line in String::from_utf8_lossy(shown).lines() {
            self.line(Tone::Plain, &format!("  {line}"));
        }
        let left = value.len() - shown.len();
        if left > 0 {
            self.line(Tone::Faint, &format!("  … and {left} bytes more"));
        }
    }
}
