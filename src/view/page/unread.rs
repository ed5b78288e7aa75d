//! The pages of records that are not events: dead letters, and records that watchbell did not write.

use super::sheet::Page;
use crate::json::ValueKind;
use crate::printable::beginning_of_bytes;
use crate::view::Emitted;
use crate::view::emitted::JsonPart;
use crate::view::style::Tone;
use crate::view::words::moment;

/// Most bytes of a value that are shown if it is not JSON.
const EXCERPT: usize = 16 << 10;

impl Page {
    pub(super) fn dead_letter(&mut self, emitted: &Emitted<'_>) {
        let header = |name| emitted.header(name);
        let reason = header("watchbell-reason").unwrap_or_default();
        self.line(Tone::Bad, &format!("Dead letter: {reason}"));
        if let Some(detail) = header("watchbell-detail") {
            self.line(Tone::Plain, &detail);
        }
        self.out.push('\n');
        self.row(
            "Read at",
            emitted.source_position().map(|at| at.to_string()),
        );
        let time = header("watchbell-source-timestamp");
        let time = time.and_then(|time| time.parse().ok());
        self.row("Source wrote it", time.map(|time| moment(time, 3)));
        self.row("Size when cut", header("watchbell-cut-size"));
        self.row("SHA-256", header("watchbell-cut-sha256"));
        self.row("Version", header("watchbell-version"));
        self.record(emitted);
        self.headers(emitted, "watchbell-");
        self.value(emitted);
    }

    pub(super) fn foreign(&mut self, emitted: &Emitted<'_>) {
        self.line(
            Tone::Bad,
            "Neither a whole event, an alert nor a dead letter of watchbell",
        );
        self.out.push('\n');
        self.record(emitted);
        self.headers(emitted, "");
        self.value(emitted);
    }

    /// Headers, without those that begin with `ours` if that is not empty.
    fn headers(&mut self, emitted: &Emitted<'_>, ours: &str) {
        let headers = emitted.record.headers.iter();
        let theirs = headers.filter(|header| ours.is_empty() || !header.name.starts_with(ours));
        let theirs: Vec<_> = theirs.collect();
        if theirs.is_empty() {
            return;
        }
        self.heading("Headers");
        for header in theirs {
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
