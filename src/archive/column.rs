//! A column of a table: its name, its type, what it holds, and how its value is taken from a record.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::event_parts::EventParts;
use crate::view::{At, Emitted};

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// A day in UTC; Delta `date`. The partition column of the tables.
    Day,
    /// A time in microseconds since the Unix epoch, in UTC; Delta `timestamp`.
    Time,
    /// 32 bits; Delta `integer`.
    Int,
    /// 64 bits; Delta `long`.
    Long,
    /// True or false; Delta `boolean`.
    Flag,
    /// UTF-8; Delta `string`.
    Text,
    /// A list of texts, some of them null; Delta `array<string>`.
    Texts,
    /// Bytes; Delta `binary`.
    Bytes,
}

impl ColumnType {
    /// The type's name in Delta.
    pub const fn delta_name(self) -> &'static str {
        match self {
            ColumnType::Day => "date",
            ColumnType::Time => "timestamp",
            ColumnType::Int => "integer",
            ColumnType::Long => "long",
            ColumnType::Flag => "boolean",
            ColumnType::Text => "string",
            ColumnType::Texts => "array<string>",
            ColumnType::Bytes => "binary",
        }
    }
}

/// How a column is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// By scanning.
    Scan,
    /// Its smallest and largest value stand in the Delta log, so that whole files are left out.
    Range,
    /// It has a bloom filter, so that parts of files without the value are left out.
    Exact,
    /// It is large and is read for the rows of an answer only.
    Payload,
}

/// The value of one row in one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'r> {
    /// No value.
    Null,
    /// Days since the Unix epoch.
    Day(i32),
    /// Milliseconds since the Unix epoch.
    TimeMs(i64),
    /// A number.
    Int(i32),
    /// A number.
    Long(i64),
    /// True or false.
    Flag(bool),
    /// A text.
    Text(Cow<'r, str>),
    /// Texts.
    Texts(Vec<Option<Cow<'r, str>>>),
    /// Bytes.
    Bytes(&'r [u8]),
}

impl<'r> Cell<'r> {
    /// The text, if there is one.
    pub fn text(text: Option<impl Into<Cow<'r, str>>>) -> Cell<'r> {
        text.map_or(Cell::Null, |text| Cell::Text(text.into()))
    }
}

/// What the columns of a row are taken from.
pub struct Source<'e, 'r> {
    /// The record.
    pub(super) emitted: &'e Emitted<'r>,
    /// The time by which the row is found, in milliseconds since the Unix epoch.
    pub(super) time_ms: i64,
    /// The record's event, if it has one.
    pub(super) event: Option<EventParts<'e, 'r>>,
    /// The value, if it is UTF-8.
    pub(super) text: Option<&'r str>,
    source_position: OnceCell<Option<At>>,
}

impl<'e, 'r> Source<'e, 'r> {
    pub(super) fn new(emitted: &'e Emitted<'r>, time_ms: i64) -> Source<'e, 'r> {
        let value = emitted.record.value;
        Source {
            emitted,
            time_ms,
            event: emitted.event().map(EventParts::new),
            text: value.and_then(|value| simdutf8::basic::from_utf8(value).ok()),
            source_position: OnceCell::new(),
        }
    }

    /// The position of the source record, which several columns hold.
    pub(super) fn source_position(&self) -> Option<&At> {
        let find = || self.emitted.source_position();
        self.source_position.get_or_init(find).as_ref()
    }
}

/// A column of a table.
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// The type of its values.
    pub kind: ColumnType,
    /// How it is looked up.
    pub lookup: Lookup,
    /// Whether nearly every row has another value, so that a dictionary of the values costs more than it saves.
    pub(super) is_distinct: bool,
    /// What it holds, for docs/archive.md.
    pub about: &'static str,
    /// Its value for a record.
    pub value: Value,
}

/// Takes the value of a column from a record.
pub type Value = for<'e, 'r> fn(&Source<'e, 'r>) -> Cell<'r>;

impl Column {
    /// A column that is looked up by scanning.
    pub(super) const fn new(
        name: &'static str,
        kind: ColumnType,
        about: &'static str,
        value: Value,
    ) -> Column {
        Column {
            name,
            kind,
            lookup: Lookup::Scan,
            is_distinct: false,
            about,
            value,
        }
    }

    /// The same column, looked up in another way.
    pub(super) const fn lookup(mut self, lookup: Lookup) -> Column {
        self.lookup = lookup;
        self
    }

    /// The same column, of which nearly every row has another value.
    pub(super) const fn distinct(mut self) -> Column {
        self.is_distinct = true;
        self
    }
}
