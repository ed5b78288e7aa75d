//! The columns of the table `alerts`.

use super::event::*;
use super::record::*;
use crate::archive::column::{Cell, Column, ColumnType, Lookup};
use crate::finding::path;

/// A column with the text at a path of the alert.
macro_rules! alert {
    ($name:literal, $about:literal, $path:expr) => {
        Column::new($name, ColumnType::Text, $about, |source| {
            match source.emitted.root() {
                Some(alert) => Cell::text(alert.text($path)),
                None => Cell::Null,
            }
        })
    };
}

/// The columns, in the order of the table.
pub(super) const COLUMNS: &[Column] = &[
    DAY,
    time("When the event or fault happened; the rows of a file are sorted by it."),
    alert!(
        "alert_id",
        "The alert's id, OCSF `finding_info.uid`: the same for the same rule and event.",
        path::UID
    )
    .lookup(Lookup::Exact)
    .distinct(),
    alert!(
        "group_key",
        "What belongs to one incident has one key: a rule and its group.",
        path::GROUP_KEY
    )
    .lookup(Lookup::Exact),
    alert!("rule_id", "The rule's id.", path::RULE_ID).lookup(Lookup::Exact),
    alert!("rule", "The rule's title.", path::RULE_TITLE),
    alert!(
        "rule_version",
        "Day of the rule's last change and a hash of its content.",
        path::RULE_VERSION
    ),
    Column::new(
        "level",
        ColumnType::Text,
        "The level in Sigma's words: informational, low, medium, high, critical.",
        |source| {
            let severity = source
                .emitted
                .root()
                .and_then(|alert| alert.text(path::SEVERITY));
            Cell::text(severity.map(|severity| severity.to_lowercase()))
        },
    )
    .lookup(Lookup::Range),
    alert!(
        "state",
        "OCSF `status` of the finding: New, Suppressed and others.",
        "status"
    ),
    alert!(
        "message",
        "One line: which rule, who, which method, which resource.",
        path::MESSAGE
    ),
    EVENT_ID,
    PRODUCT,
    SERVICE,
    OPERATION,
    STATUS,
    ACTOR_UID,
    ACTOR_NAME,
    ACTOR_EMAIL,
    CREDENTIAL,
    RESOURCE_TYPE,
    RESOURCE_UID,
    RESOURCE_NAME,
    ADDRESS,
    ACCOUNT,
    ENVIRONMENT,
    TOPIC,
    PARTITION,
    OFFSET,
    WRITTEN,
    json(
        "alert",
        "The whole value of the record as it was read: an OCSF Detection Finding as JSON.",
    ),
    NOT_TEXT,
];
