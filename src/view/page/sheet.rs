//! The parts of a page: headings, labelled rows, JSON.

use std::fmt::{self, Write};

use crate::view::Paint;
use crate::view::emitted::JsonPart;
use crate::view::pretty::pretty;
use crate::view::style::Tone;

/// A heading between pages.
pub fn heading(text: &str, paint: Paint) -> String {
    format!("\n{}\n", paint.paint(Tone::Bold, text))
}

/// A page to which parts are added.
pub(super) struct Page {
    pub(super) out: String,
    pub(super) paint: Paint,
}

impl Page {
    pub(super) fn line(&mut self, tone: Tone, text: &str) {
        let text = self.paint.paint(tone, text);
        self.write(format_args!("{text}\n"));
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.out.push_str(&heading(text, self.paint));
    }

    /// Adds a label with its value; nothing if there is no value.
    pub(super) fn row(&mut self, label: &str, value: Option<impl AsRef<str>>) {
        self.toned(label, Tone::Plain, value);
    }

    pub(super) fn toned(&mut self, label: &str, tone: Tone, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            let label = self.paint.paint(Tone::Faint, label);
            let value = self.paint.paint(tone, value.as_ref());
            self.write(format_args!("  {label:16}{value}\n"));
        }
    }

    /// Adds a label with JSON below it; nothing if there is none.
    pub(super) fn json(&mut self, part: Option<JsonPart<'_, '_>>) {
        if let Some(part) = part {
            self.out.push_str("  ");
            pretty(part.document, part.id, 2, &mut self.out);
            self.out.push('\n');
        }
    }

    pub(super) fn write(&mut self, text: fmt::Arguments<'_>) {
        // Writing into a string does not fail.
        let _ = self.out.write_fmt(text);
    }
}
