//! What of the files did not become a record: text between the events, damaged JSON, and files that could not
//! be read to their end. It is reported on standard error.

use std::fmt::Write;

use indicatif::HumanCount;

use crate::files::Report;
use crate::view::printable;

/// The largest number of files whose details are reported.
const MAX_DETAILED_FILES: usize = 20;

/// Counts and places of the text that did not become a record.
#[derive(Debug, Default)]
pub(super) struct UnreadText {
    files: u64,
    /// Files that could not be read to their end.
    unread_files: u64,
    /// Files in which some text was lost.
    damaged_files: u64,
    noise_lines: u64,
    prefixed_lines: u64,
    lost_bytes: u64,
    /// Name and report of each file that has something to report, up to `MAX_DETAILED_FILES`.
    details: Vec<(String, Report)>,
}

impl UnreadText {
    /// Adds a file; `is_complete` says whether it was read to its end.
    pub(super) fn add(&mut self, name: &str, report: Report, is_complete: bool) {
        self.files += 1;
        self.unread_files += u64::from(!is_complete);
        self.damaged_files += u64::from(report.losses > 0);
        self.noise_lines += report.noise_lines;
        self.prefixed_lines += report.prefixed_lines;
        self.lost_bytes += report.lost_bytes;
        let has_details = report.noise_lines + report.losses > 0;
        if has_details && self.details.len() < MAX_DETAILED_FILES {
            self.details.push((name.to_owned(), report));
        }
    }

    /// Why the replay failed, as an error text; `None` if everything was read.
    pub(super) fn failure(&self) -> Option<String> {
        let unread = (self.unread_files > 0).then(|| {
            let (unread, files) = (self.unread_files, self.files);
            format!("{unread} of {files} files could not be read to the end")
        });
        let lost = (self.damaged_files > 0).then(|| {
            let bytes = HumanCount(self.lost_bytes);
            format!("no event was found in {bytes} bytes of damaged JSON, see above")
        });
        let parts: Vec<String> = unread.into_iter().chain(lost).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The lines to print after the summary; empty if all text became records.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let mut total = |count: u64, what: &str| {
            if count > 0 {
                let _ = writeln!(text, "{:>12} {what}", HumanCount(count).to_string());
            }
        };
        total(
            self.prefixed_lines,
            "events after other text on the same line",
        );
        total(self.noise_lines, "lines of other text, no events");
        if self.damaged_files > 0 {
            let bytes = HumanCount(self.lost_bytes).to_string();
            let _ = writeln!(
                text,
                "{bytes:>12} bytes of damaged JSON, see the dead letters"
            );
        }
        for (name, report) in &self.details {
            details(&printable(name), report, &mut text);
        }
        text
    }
}

/// Appends the places in one file, one on each line.
fn details(name: &str, report: &Report, text: &mut String) {
    let mut line = |what: String| {
        let _ = writeln!(text, "  {what}");
    };
    for noise in &report.noise {
        let beginning = String::from_utf8_lossy(&noise.beginning);
        let beginning = printable(beginning.trim()).into_owned();
        line(format!("{name}:{}: no event: {beginning}", noise.line));
    }
    let more = report.noise_lines - report.noise.len() as u64;
    if more > 0 {
        line(format!(
            "{name}: and {} more lines without an event",
            HumanCount(more)
        ));
    }
    for loss in &report.lost {
        let bytes = HumanCount(loss.bytes);
        let place = format!("{name}:{}: {bytes} bytes lost from byte", loss.line);
        line(format!("{place} {} on: {}", loss.offset, loss.what));
    }
    let more = report.losses - report.lost.len() as u64;
    if more > 0 {
        line(format!(
            "{name}: and {} more places with lost bytes",
            HumanCount(more)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::report::{Loss, NoiseLine};

    #[test]
    fn it_names_file_and_line_and_no_text_steers_the_terminal() {
        let noise = NoiseLine {
            line: 1,
            beginning: b"WARN \x1b[2J".to_vec(),
        };
        let loss = Loss {
            offset: 2_000,
            line: 7,
            bytes: 1_000,
            what: "expected a value".into(),
        };
        let report = Report {
            noise_lines: 2,
            noise: vec![noise],
            prefixed_lines: 3,
            lost_bytes: 1_000,
            losses: 1,
            lost: vec![loss],
            ..Report::default()
        };
        let mut unread = UnreadText::default();
        unread.add("a.json", report, true);
        unread.add("b.json", Report::default(), false);
        let text = unread.text();
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        assert_eq!(
            lines,
            [
                "3 events after other text on the same line",
                "2 lines of other text, no events",
                "1,000 bytes of damaged JSON, see the dead letters",
                "a.json:1: no event: WARN \\u001b[2J",
                "a.json: and 1 more lines without an event",
                "a.json:7: 1,000 bytes lost from byte 2000 on: expected a value",
            ]
        );
        let failure = "1 of 2 files could not be read to the end; \
                       no event was found in 1,000 bytes of damaged JSON, see above";
        assert_eq!(unread.failure().as_deref(), Some(failure));
        assert_eq!(UnreadText::default().failure(), None);
    }
}
