//! The columns of the table `dead_letters`.

use std::borrow::Cow;

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::record::*;
use crate::archive::column::{Cell, Column, ColumnType, Lookup};
use crate::event::Header;

/// A column with the text of one of our headers.
macro_rules! header {
    ($name:literal, $about:literal, $header:literal) => {
        Column {
            name: $name,
            kind: ColumnType::Text,
            lookup: Lookup::Scan,
            about: $about,
            value: |source| Cell::text(source.emitted.header($header)),
        }
    };
}

/// The columns, in the order of the table.
pub(super) const COLUMNS: &[Column] = &[
    DAY,
    Column {
        name: "time",
        kind: ColumnType::Time,
        lookup: Lookup::Range,
        about: "When the dead letter was written; the rows of a file are sorted by it.",
        value: |source| Cell::TimeMs(source.time_ms),
    },
    Column {
        name: "kind",
        kind: ColumnType::Text,
        lookup: Lookup::Range,
        about: "dead_letter, receipt (a dead letter was retried), or foreign (watchbell did not write it).",
        value: |source| {
            use crate::view::RecordKind;
            Cell::Text(Cow::Borrowed(match source.emitted.kind {
                RecordKind::DeadLetter => "dead_letter",
                RecordKind::Receipt => "receipt",
                RecordKind::Event | RecordKind::Alert | RecordKind::Foreign => "foreign",
            }))
        },
    },
    header!(
        "reason",
        "Why it is a dead letter, as the metrics call it.",
        "watchbell-reason"
    ),
    header!("detail", "What was found, for people.", "watchbell-detail"),
    header!(
        "sink",
        "The sink that refused it, of an alert.",
        "watchbell-sink"
    ),
    header!(
        "retried",
        "Of a receipt: the position of the dead letter.",
        "watchbell-retried"
    ),
    Column {
        name: "sealed",
        kind: ColumnType::Flag,
        lookup: Lookup::Scan,
        about: "Whether size and SHA-256 stand in place of the original.",
        value: |source| Cell::Flag(source.emitted.header("watchbell-sealed").is_some()),
    },
    SOURCE_TOPIC,
    SOURCE_PARTITION,
    SOURCE_OFFSET,
    SOURCE_ELEMENT,
    TOPIC,
    PARTITION,
    OFFSET,
    WRITTEN,
    Column {
        name: "key",
        kind: ColumnType::Bytes,
        lookup: Lookup::Payload,
        about: "The key of the record.",
        value: |source| source.emitted.record.key.map_or(Cell::Null, Cell::Bytes),
    },
    Column {
        name: "value",
        kind: ColumnType::Bytes,
        lookup: Lookup::Payload,
        about: "The value of the record, unchanged.",
        value: |source| source.emitted.record.value.map_or(Cell::Null, Cell::Bytes),
    },
    Column {
        name: "headers",
        kind: ColumnType::Text,
        lookup: Lookup::Payload,
        about: "All headers in their order, as a JSON array of objects with `name` and `value`, or `value_base64` where the value is not UTF-8.",
        value: |source| {
            let headers = source.emitted.record.headers.iter().map(header);
            let headers = Value::Array(headers.collect());
            Cell::Text(headers.to_string().into())
        },
    },
];

fn header(header: &Header<'_>) -> Value {
    let Some(value) = header.value else {
        return json!({"name": header.name, "value": null});
    };
    match std::str::from_utf8(value) {
        Ok(text) => json!({"name": header.name, "value": text}),
        Err(_) => json!({"name": header.name, "value_base64": BASE64.encode(value)}),
    }
}
