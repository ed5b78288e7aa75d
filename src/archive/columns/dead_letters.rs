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
        Column::new($name, ColumnType::Text, $about, |source| {
            Cell::text(source.emitted.header($header))
        })
    };
}

/// The columns, in the order of the table.
pub(super) const COLUMNS: &[Column] = &[
    DAY,
    time("When the dead letter was written; the rows of a file are sorted by it."),
    Column::new("kind", ColumnType::Text, "dead_letter, receipt (a dead letter was retried), or foreign (watchbell did not write it).", |source| {
            use crate::view::RecordKind;
            Cell::Text(Cow::Borrowed(match source.emitted.kind {
                RecordKind::DeadLetter => "dead_letter",
                RecordKind::Receipt => "receipt",
                RecordKind::Event | RecordKind::Alert | RecordKind::Foreign => "foreign",
            }))
        }).lookup(Lookup::Range),
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
    Column::new("sealed", ColumnType::Flag, "Whether size and SHA-256 stand in place of the original.", |source| Cell::Flag(source.emitted.header("watchbell-sealed").is_some())),
    SOURCE_TOPIC,
    SOURCE_PARTITION,
    SOURCE_OFFSET,
    SOURCE_ELEMENT,
    TOPIC,
    PARTITION,
    OFFSET,
    WRITTEN,
    Column::new("key", ColumnType::Bytes, "The key of the record.", |source| source.emitted.record.key.map_or(Cell::Null, Cell::Bytes)).lookup(Lookup::Payload),
    Column::new("value", ColumnType::Bytes, "The value of the record, unchanged.", |source| source.emitted.record.value.map_or(Cell::Null, Cell::Bytes)).lookup(Lookup::Payload),
    Column::new("headers", ColumnType::Text, "All headers in their order, as a JSON array of objects with `name` and `value`, or `value_base64` where the value is not UTF-8.", |source| {
            let headers = source.emitted.record.headers.iter().map(header);
            let headers = Value::Array(headers.collect());
            Cell::Text(headers.to_string().into())
        }).lookup(Lookup::Payload),
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
