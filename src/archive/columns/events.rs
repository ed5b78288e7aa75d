//! The columns of the table `events`.

use super::event::*;
use super::record::*;
use crate::archive::column::{Cell, Column, ColumnType};

/// The columns, in the order of the table.
pub(super) const COLUMNS: &[Column] = &[
    DAY,
    time("When it happened, by the event; the rows of a file are sorted by it."),
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
    json(
        "event",
        "The whole value of the record as it was read: an OCSF event as JSON.",
    ),
    NOT_TEXT,
    Column::new(
        "origin",
        ColumnType::Text,
        "Set where a command has written the record and not the daemon: retry, replay.",
        |source| Cell::text(source.emitted.header("watchbell-origin")),
    ),
];
