//! The parts that the details of a record consist of.
//! Invariant: texts are printable, and secrets in them are hidden.

use crate::view::emitted::JsonPart;
use crate::view::pretty::pretty;
use crate::view::style::{Tone, shown};

/// What is shown of a record, in order.
#[derive(Debug, Default)]
pub struct Details {
    pub(super) parts: Vec<Part>,
}

/// A part of the details.
#[derive(Debug)]
pub enum Part {
    /// A line of text.
    Line(Tone, String),
    /// A gap.
    Blank,
    /// The beginning of a section.
    Heading(String),
    /// A label with its value. An empty label stands for that of the row before.
    Row {
        /// Whether it says more of the row before.
        is_detail: bool,
        /// The label.
        label: String,
        /// The meaning of the value.
        tone: Tone,
        /// The value.
        value: String,
    },
    /// One of several things in a section; the rows that follow say more of it.
    Item(String),
    /// A name with its JSON, of the item before.
    OfItem(String, String),
    /// A label with its JSON.
    JsonRow(String, String),
    /// JSON on lines of its own.
    Json(String),
}

impl Details {
    /// The parts.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn line(&mut self, tone: Tone, text: &str) {
        self.parts.push(Part::Line(tone, shown(text)));
    }

    pub(super) fn blank(&mut self) {
        self.parts.push(Part::Blank);
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.parts.push(Part::Heading(shown(text)));
    }

    /// Adds a label with its value; nothing if there is no value.
    pub(super) fn row(&mut self, label: &str, value: Option<impl AsRef<str>>) {
        self.toned(label, Tone::Plain, value);
    }

    /// Adds a label with a value that says more of the row before; nothing if there is no value.
    pub(super) fn detail(&mut self, label: &str, value: Option<impl AsRef<str>>) {
        self.push_row((label, true), Tone::Plain, value);
    }

    pub(super) fn toned(&mut self, label: &str, tone: Tone, value: Option<impl AsRef<str>>) {
        self.push_row((label, false), tone, value);
    }

    fn push_row(
        &mut self,
        (label, is_detail): (&str, bool),
        tone: Tone,
        value: Option<impl AsRef<str>>,
    ) {
        if let Some(value) = value {
            self.parts.push(Part::Row {
                is_detail,
                label: shown(label),
                tone,
                value: shown(value.as_ref()),
            });
        }
    }

    /// Adds one of several things.
    pub(super) fn item(&mut self, text: &str) {
        self.parts.push(Part::Item(shown(text)));
    }

    /// Adds a named part of the item before.
    pub(super) fn of_item(&mut self, part: JsonPart<'_, '_>) {
        self.parts
            .push(Part::OfItem(shown(&part.name()), json(part)));
    }

    /// Adds a named part.
    pub(super) fn json_row(&mut self, part: JsonPart<'_, '_>) {
        self.parts
            .push(Part::JsonRow(shown(&part.name()), json(part)));
    }

    /// Adds JSON; nothing if there is none.
    pub(super) fn json(&mut self, part: Option<JsonPart<'_, '_>>) {
        self.parts.extend(part.map(|part| Part::Json(json(part))));
    }
}

/// The lines of a part; all but the first are indented.
fn json(part: JsonPart<'_, '_>) -> String {
    let mut text = String::new();
    pretty(part.document, part.id, 2, &mut text);
    text
}
