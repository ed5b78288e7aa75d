//! The columns that every table has: when, and at which position of which topic.

use crate::archive::column::{Cell, Column, ColumnType, Lookup, Source};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// The day of the row's time.
pub(super) const DAY: Column = Column {
    name: "day",
    kind: ColumnType::Day,
    lookup: Lookup::Range,
    about: "The day of `time` in UTC; the table is partitioned by it.",
    value: |source| Cell::Day(day(source.time_ms)),
};

pub(super) const TOPIC: Column = Column {
    name: "topic",
    kind: ColumnType::Text,
    lookup: Lookup::Range,
    about: "The topic from which the row was read.",
    value: |source| Cell::Text(source.emitted.record.position.topic.into()),
};

pub(super) const PARTITION: Column = Column {
    name: "partition",
    kind: ColumnType::Int,
    lookup: Lookup::Range,
    about: "The partition of `topic`.",
    value: |source| Cell::Int(source.emitted.record.position.partition.0),
};

pub(super) const OFFSET: Column = Column {
    name: "offset",
    kind: ColumnType::Long,
    lookup: Lookup::Range,
    about: "The offset in `partition`; `topic`, `partition` and `offset` together name a row.",
    value: |source| Cell::Long(source.emitted.record.position.offset.0),
};

pub(super) const WRITTEN: Column = Column {
    name: "written",
    kind: ColumnType::Time,
    lookup: Lookup::Scan,
    about: "The timestamp of the record in `topic`.",
    value: |source| {
        let written = source.emitted.record.timestamp_ms;
        written.map_or(Cell::Null, Cell::TimeMs)
    },
};

pub(super) const SOURCE_TOPIC: Column = Column {
    name: "source_topic",
    kind: ColumnType::Text,
    lookup: Lookup::Scan,
    about: "The audit-log topic that the record came from, where the record says it.",
    value: |source| Cell::text(source_position(source).map(|at| at.topic)),
};

pub(super) const SOURCE_PARTITION: Column = Column {
    name: "source_partition",
    kind: ColumnType::Int,
    lookup: Lookup::Scan,
    about: "The partition of `source_topic`.",
    value: |source| source_position(source).map_or(Cell::Null, |at| Cell::Int(at.partition)),
};

pub(super) const SOURCE_OFFSET: Column = Column {
    name: "source_offset",
    kind: ColumnType::Long,
    lookup: Lookup::Scan,
    about: "The offset in `source_partition`.",
    value: |source| source_position(source).map_or(Cell::Null, |at| Cell::Long(at.offset)),
};

pub(super) const SOURCE_ELEMENT: Column = Column {
    name: "source_element",
    kind: ColumnType::Int,
    lookup: Lookup::Scan,
    about: "Of a source record that holds several events, the number of the event, from 0.",
    value: |source| {
        let element = source_position(source).and_then(|at| at.element);
        element.map_or(Cell::Null, |element| Cell::Int(element.cast_signed()))
    },
};

fn source_position(source: &Source<'_, '_>) -> Option<crate::view::At> {
    source.emitted.source_position()
}

/// Days since the Unix epoch.
fn day(time_ms: i64) -> i32 {
    i32::try_from(time_ms.div_euclid(DAY_MS)).unwrap_or_default()
}
