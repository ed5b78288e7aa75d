//! The columns that every table has: when, and at which position of which topic.

use crate::archive::column::{Cell, Column, ColumnType, Lookup};
use crate::archive::day::day_of;

/// The day of the row's time.
pub(super) const DAY: Column = Column::new(
    "day",
    ColumnType::Day,
    "The day of `time` in UTC; the table is partitioned by it.",
    |source| Cell::Day(day_of(source.time_ms)),
)
.lookup(Lookup::Range);

pub(super) const TOPIC: Column = Column::new(
    "topic",
    ColumnType::Text,
    "The topic from which the row was read; of what came from a file, `file:` and the SHA-256 of the file.",
    |source| Cell::Text(source.emitted.record.position.topic.into()),
)
.lookup(Lookup::Range);

pub(super) const PARTITION: Column = Column::new(
    "partition",
    ColumnType::Int,
    "The partition of `topic`; of what came from a file, which of the outputs of an event it is.",
    |source| Cell::Int(source.emitted.record.position.partition.0),
)
.lookup(Lookup::Range);

pub(super) const OFFSET: Column = Column::new(
    "offset",
    ColumnType::Long,
    "The offset in `partition`; of what came from a file, the number of the event in the file, from 0. `topic`, `partition` and `offset` together name a row.",
    |source| Cell::Long(source.emitted.record.position.offset.0),
)
.lookup(Lookup::Range);

pub(super) const WRITTEN: Column = Column::new(
    "written",
    ColumnType::Time,
    "The timestamp of the record in `topic`; of what came from a file, when it was loaded.",
    |source| {
        let written = source.emitted.record.timestamp_ms;
        written.map_or(Cell::Null, Cell::TimeMs)
    },
);

pub(super) const SOURCE_TOPIC: Column = Column::new(
    "source_topic",
    ColumnType::Text,
    "The audit-log topic that the record came from, where the record says it; else the file, by the name that was given.",
    |source| Cell::text(source.source_position().map(|at| at.topic.clone())),
);

pub(super) const SOURCE_PARTITION: Column = Column::new(
    "source_partition",
    ColumnType::Int,
    "The partition of `source_topic`; 0 for a file.",
    |source| {
        let at = source.source_position();
        at.map_or(Cell::Null, |at| Cell::Int(at.partition))
    },
);

pub(super) const SOURCE_OFFSET: Column = Column::new(
    "source_offset",
    ColumnType::Long,
    "The offset in `source_partition`; for a file, the number of the event.",
    |source| {
        let at = source.source_position();
        at.map_or(Cell::Null, |at| Cell::Long(at.offset))
    },
)
.lookup(Lookup::Range);

pub(super) const SOURCE_ELEMENT: Column = Column::new(
    "source_element",
    ColumnType::Int,
    "Of a source record that holds several events, the number of the event, from 0.",
    |source| {
        let element = source.source_position().and_then(|at| at.element);
        element.map_or(Cell::Null, |element| Cell::Int(element.cast_signed()))
    },
);

/// The column with the whole value as text.
pub(super) const fn json(name: &'static str, about: &'static str) -> Column {
    Column::new(name, ColumnType::Text, about, |source| {
        Cell::text(source.text)
    })
    .lookup(Lookup::Payload)
}

pub(super) const NOT_TEXT: Column = Column::new(
    "value",
    ColumnType::Bytes,
    "The value of the record where it is not UTF-8, and so stands in no text column.",
    |source| {
        let value = source.emitted.record.value;
        let value = value.filter(|_| source.text.is_none());
        value.map_or(Cell::Null, Cell::Bytes)
    },
)
.lookup(Lookup::Payload);

/// The time by which the rows of a table are sorted.
pub(super) const fn time(about: &'static str) -> Column {
    Column::new("time", ColumnType::Time, about, |source| {
        Cell::TimeMs(source.time_ms)
    })
    .lookup(Lookup::Range)
}
