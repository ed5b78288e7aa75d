//! The columns of the table `ledger`: one row for each record of the ledger's topic, a run of source records or what
//! stands between two runs.

use super::record::*;
use crate::archive::column::{Cell, Column, ColumnType, Lookup, Value};

/// A column with a text of the record.
macro_rules! text {
    ($name:literal, $about:literal, $path:literal) => {
        Column::new($name, ColumnType::Text, $about, |source| {
            Cell::text(source.emitted.root().and_then(|root| root.text($path)))
        })
    };
}

/// A column with a number of the record.
macro_rules! number {
    ($name:literal, $about:literal, $path:literal) => {{
        let value: Value = |source| {
            let number = source.emitted.root().and_then(|root| root.int($path));
            number.map_or(Cell::Null, Cell::Long)
        };
        Column::new($name, ColumnType::Long, $about, value)
    }};
}

/// The columns, in the order of the table.
pub(super) const COLUMNS: &[Column] = &[
    DAY,
    time("When ingest has committed it; the rows of a file are sorted by it."),
    text!(
        "kind",
        "start (a chain begins), run (source records), gap (they had expired), move (`offsets set`), more (outputs that did not fit into the run before), retry (`dead-letters retry`).",
        "kind"
    )
    .lookup(Lookup::Range),
    text!("source", "The source, by its name in the configuration.", "source")
        .lookup(Lookup::Range),
    text!("source_topic", "The topic of the source.", "topic").lookup(Lookup::Range),
    Column::new(
        "source_partition",
        ColumnType::Int,
        "The partition of `source_topic`.",
        |source| {
            let number = source.emitted.root().and_then(|root| root.int("partition"));
            let number = number.and_then(|number| i32::try_from(number).ok());
            number.map_or(Cell::Null, Cell::Int)
        },
    )
    .lookup(Lookup::Range),
    number!("position", "The position in the partition before the row.", "from")
        .lookup(Lookup::Range),
    number!("next_position", "The position after it.", "next").lookup(Lookup::Range),
    number!("first_offset", "The offset of the first source record.", "first"),
    number!("last_offset", "The offset of the last source record.", "last"),
    number!("records", "Source records.", "records"),
    number!("events", "Events that were published of them.", "events"),
    number!("dead_letters", "Dead letters that were published of them.", "dead_letters"),
    number!("dropped", "Events that were published to no topic, as a route or the noise policy says.", "dropped"),
    text!("hash", "The name of the hash.", "hash"),
    text!("chain_before", "The chain before the row, in hexadecimal; null where it begins, and where the row is no link.", "before"),
    text!("chain_after", "The chain after the row; null where the row is no link.", "after"),
    TOPIC,
    PARTITION,
    OFFSET,
    WRITTEN,
    json(
        "ledger",
        "The whole record: JSON, with what is known of each source record under `entries`.",
    ),
    NOT_TEXT,
];
