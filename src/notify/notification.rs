//! What goes into a sink's queue and what comes out of it.

use std::collections::BTreeMap;

use super::offsets::Offsets;
use super::pending::{Pending, PendingPart};
use crate::sigma::Level;

/// How alerts are gathered into notifications for a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// How long repeats of a group are gathered into one digest, in ms.
    pub digest_interval_ms: i64,
    /// If more groups than this wait to be sent, the rest become one digest. `None`: the sink gets
    /// every group by itself, and reading the alerts topic pauses instead.
    pub max_waiting: Option<usize>,
    /// An alert that could not be delivered for this long becomes a dead letter, in ms.
    pub max_age_ms: i64,
}

/// Whether an alert is recent enough for a notification of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Within `max_alert_age`.
    InTime,
    /// Later than `max_alert_age`: after an outage.
    Late,
    /// Later than `max_alert_age`, and from a record that the source held already when it was read for
    /// the first time.
    History,
}

/// An alert that passed the sink's filter and is offered to its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered<A> {
    /// Alerts of the same key are one group.
    pub group_key: String,
    /// The rule's level.
    pub level: Level,
    /// The rule's title, for digests over many groups.
    pub rule: String,
    /// Whether it gets a notification of its own or becomes part of a digest of late alerts.
    pub arrival: Arrival,
    /// The alert itself.
    pub alert: A,
}

/// Why a notification is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotificationKind {
    /// The first alert of a group, or one of a higher level than those sent before.
    First,
    /// Repeats of a group of which a notification was sent before.
    Digest,
    /// More groups at once than may be sent one by one: how many alerts of each rule.
    Overflow {
        /// Number of alerts by the rule's title.
        rules: BTreeMap<String, u64>,
        /// Alerts of the rules that are not in `rules`.
        others: u64,
    },
    /// Late alerts, as after an outage, all groups together.
    Late {
        /// Number of alerts by the rule's title.
        rules: BTreeMap<String, u64>,
        /// Alerts of the rules that are not in `rules`.
        others: u64,
    },
    /// Alerts of records that a source held already when it was read for the first time.
    History {
        /// Number of alerts by the rule's title.
        rules: BTreeMap<String, u64>,
        /// Alerts of the rules that are not in `rules`.
        others: u64,
    },
}

/// What to send next, and the alerts that it covers.
#[derive(Debug, Clone)]
pub struct Notification<A> {
    /// Why it is sent.
    pub kind: NotificationKind,
    /// The group; `None` if it covers many groups.
    pub group_key: Option<String>,
    /// The alert to show: the first one of the highest level.
    pub alert: A,
    /// Its level.
    pub level: Level,
    /// The highest level of the group that was sent before.
    pub sent_level: Option<Level>,
    /// In a digest of late alerts: the first of the critical ones.
    pub critical: Vec<A>,
    /// In a digest of late alerts: how many of them are critical.
    pub critical_count: u64,
    /// How many alerts it covers, at least 1.
    pub count: u64,
    /// When the oldest of them was written, ms since the Unix epoch by the records' timestamps.
    pub first_ms: i64,
    /// When the latest of them was written.
    pub last_ms: i64,
    /// Their offsets in the alerts topic.
    pub offsets: Offsets,
    /// How many attempts to send it failed.
    pub attempts: u32,
    /// The same alerts by age, to be put back into the queue if the sink does not accept them.
    pub(super) pending: Pending<A>,
    /// Which incarnation of the alerts topic the offsets belong to: a number that grows whenever the
    /// topic was truncated or re-created.
    pub(super) topic: u32,
}

/// What a notification covers: alerts of the same key are gathered into one notification.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum NotificationKey {
    /// One group, by its `group_key`.
    Group(String),
    /// The groups beyond `max_waiting`.
    Overflow,
    /// All late alerts.
    Late,
    /// All late alerts of records that a source held before it was first read.
    History,
}

impl NotificationKey {
    pub(super) fn of<A>(offered: &Offered<A>) -> NotificationKey {
        match offered.arrival {
            Arrival::InTime => NotificationKey::Group(offered.group_key.clone()),
            Arrival::Late => NotificationKey::Late,
            Arrival::History => NotificationKey::History,
        }
    }
}

impl<A: Clone> Notification<A> {
    /// The notification of these alerts; `None` if there are none.
    pub(super) fn of(
        pending: Pending<A>,
        key: NotificationKey,
        sent_level: Option<Level>,
        topic: u32,
    ) -> Option<Self> {
        let level = pending.level();
        let shown = pending.parts().find(|part| part.level == level)?;
        let (rules, others) = pending.rules();
        let (kind, group_key) = match key {
            NotificationKey::Group(key) if sent_level < Some(level) => {
                (NotificationKind::First, Some(key))
            }
            NotificationKey::Group(key) => (NotificationKind::Digest, Some(key)),
            NotificationKey::Overflow => (NotificationKind::Overflow { rules, others }, None),
            NotificationKey::Late => (NotificationKind::Late { rules, others }, None),
            NotificationKey::History => (NotificationKind::History { rules, others }, None),
        };
        let parts = pending.parts();
        Some(Notification {
            kind,
            group_key,
            alert: shown.alert.clone(),
            level,
            sent_level,
            critical: pending.named_critical(),
            critical_count: parts.clone().map(|part| part.critical_count).sum(),
            count: pending.count(),
            first_ms: parts.clone().map(|part| part.first_ms).min()?,
            last_ms: parts.map(|part| part.last_ms).max()?,
            offsets: pending.offsets(),
            attempts: pending.attempts,
            pending,
            topic,
        })
    }

    /// A notification of one alert that is in no topic.
    pub(super) fn of_one(group_key: String, level: Level, alert: A, now_ms: i64) -> Self {
        let part = PendingPart {
            alert: alert.clone(),
            level,
            count: 1,
            oldest: 0,
            latest: 0,
            first_ms: now_ms,
            last_ms: now_ms,
            offsets: Offsets::default(),
            rules: BTreeMap::new(),
            critical: Vec::new(),
            critical_count: 0,
        };
        Notification {
            kind: NotificationKind::First,
            group_key: Some(group_key),
            alert,
            level,
            sent_level: None,
            critical: Vec::new(),
            critical_count: 0,
            count: 1,
            first_ms: now_ms,
            last_ms: now_ms,
            offsets: Offsets::default(),
            attempts: 0,
            pending: Pending::new(0, part),
            topic: 0,
        }
    }

    /// When its oldest alert arrived, ms on the queue's clock.
    pub fn oldest(&self) -> Option<i64> {
        self.pending.oldest()
    }
}

impl<A> Notification<A> {
    pub(super) fn key(&self) -> NotificationKey {
        match (&self.kind, &self.group_key) {
            (NotificationKind::Late { .. }, _) => NotificationKey::Late,
            (NotificationKind::History { .. }, _) => NotificationKey::History,
            (NotificationKind::First | NotificationKind::Digest, Some(key)) => {
                NotificationKey::Group(key.clone())
            }
            (
                NotificationKind::Overflow { .. }
                | NotificationKind::First
                | NotificationKind::Digest,
                _,
            ) => NotificationKey::Overflow,
        }
    }
}
