//! The columns of the table `events`.

use super::event::*;
use super::record::*;
use crate::archive::column::{Cell, Column, ColumnType, Lookup};

/// The columns, in the order of the table.
pub(super) const COLUMNS: &[Column] = &[
    DAY,
    Column {
        name: "time",
        kind: ColumnType::Time,
        lookup: Lookup::Range,
        about: "When it happened, by the event; the rows of a file are sorted by it.",
        value: |source| Cell::TimeMs(source.time_ms),
    },
    EVENT_ID,
    PRODUCT,
    CLASS,
    SERVICE,
    MODULE,
    OPERATION,
    EVENT_CODE,
    ACTIVITY,
    ACCESS,
    SENSITIVITY,
    STATUS,
    STATUS_CODE,
    ACTOR_UID,
    ACTOR_NAME,
    ACTOR_TYPE,
    ACTOR_EMAIL,
    CREDENTIAL,
    RESOURCE_TYPE,
    RESOURCE_UID,
    RESOURCE_NAME,
    ADDRESS,
    ZONE,
    COUNTRY,
    REGION,
    ACCOUNT,
    ENVIRONMENT,
    REQUEST_ID,
    CLIENT,
    TOPIC,
    PARTITION,
    OFFSET,
    WRITTEN,
    SOURCE_TOPIC,
    SOURCE_PARTITION,
    SOURCE_OFFSET,
    SOURCE_ELEMENT,
    Column {
        name: "event",
        kind: ColumnType::Text,
        lookup: Lookup::Payload,
        about: "The whole value of the record as it was read: an OCSF event as JSON.",
        value: |source| {
            let value = source.emitted.record.value;
            Cell::text(value.and_then(|value| std::str::from_utf8(value).ok()))
        },
    },
    Column {
        name: "value",
        kind: ColumnType::Bytes,
        lookup: Lookup::Payload,
        about: "The value of the record where it is not UTF-8, and so stands in no text column.",
        value: |source| {
            let value = source.emitted.record.value;
            let value = value.filter(|value| std::str::from_utf8(value).is_err());
            value.map_or(Cell::Null, Cell::Bytes)
        },
    },
];
