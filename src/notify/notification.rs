//! What goes into a sink's queue and what comes out of it.

use std::collections::BTreeMap;

use super::offsets::Offsets;
use super::pending::{Part, Pending};
use crate::sigma::Level;

/// How a sink is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// Repeats of a group are gathered this long, in ms.
    pub digest_interval_ms: i64,
    /// More groups than this waiting to be told become one digest; `None` for a sink that wants
    /// every group, whose reader waits instead.
    pub max_waiting: Option<usize>,
    /// An alert that could not be delivered for this long is given up, in ms.
    pub max_age_ms: i64,
}

/// Whether an alert comes in time to be told on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// As its source is followed.
    InTime,
    /// Later than `max_alert_age`: after an outage.
    Late,
    /// What a source held already when it was read for the first time, and older than
    /// `max_alert_age`.
    History,
}

/// An alert that the sink is to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered<A> {
    /// What belongs together.
    pub group_key: String,
    /// How much it matters.
    pub level: Level,
    /// The rule's title, for digests over many groups.
    pub rule: String,
    /// Whether it is told on its own or in a digest over all that is late.
    pub arrival: Arrival,
    /// The alert itself.
    pub alert: A,
}

/// Why the sink is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotificationKind {
    /// The first alert of a group, or one more severe than those told before.
    First,
    /// More of a group that was told of.
    Digest,
    /// More groups at once than can be told one by one: how often each rule, and the rest.
    Overflow {
        /// By the rule's title.
        rules: BTreeMap<String, u64>,
        /// Alerts of rules that are not named.
        others: u64,
    },
    /// Alerts of an outage, all groups together.
    Late {
        /// By the rule's title.
        rules: BTreeMap<String, u64>,
        /// Alerts of rules that are not named.
        others: u64,
    },
    /// Alerts of records that were there before a source was read for the first time.
    History {
        /// By the rule's title.
        rules: BTreeMap<String, u64>,
        /// Alerts of rules that are not named.
        others: u64,
    },
}

/// What to send next, and what is settled by it.
#[derive(Debug, Clone)]
pub struct Notification<A> {
    /// Why.
    pub kind: NotificationKind,
    /// The group; `None` where it covers many.
    pub group_key: Option<String>,
    /// The alert to show: the first, of the most severe.
    pub alert: A,
    /// Its level.
    pub level: Level,
    /// The most severe level that the group was told of before.
    pub told: Option<Level>,
    /// The critical alerts of a digest of late ones, the first of them.
    pub critical: Vec<A>,
    /// How many critical alerts it covers, if it is a digest of late ones.
    pub critical_count: u64,
    /// Alerts that this covers, at least 1.
    pub count: u64,
    /// When the oldest of them was written, ms since the Unix epoch by the records' timestamps.
    pub first_ms: i64,
    /// When the latest of them was written.
    pub last_ms: i64,
    /// Where they are.
    pub offsets: Offsets,
    /// How often it was tried before.
    pub attempts: u32,
    /// The same by age, to be put back if the sink does not take it.
    pub(super) pending: Pending<A>,
    /// Of which topic the offsets are: counted up where the alerts topic was re-created.
    pub(super) topic: u32,
}

/// What a notification is about, and so what its alerts are gathered under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum About {
    /// One group, by its key.
    Group(String),
    /// What is left of too many groups.
    Overflow,
    /// All that is late.
    Late,
    /// All that was there before a source was first read.
    History,
}

impl About {
    pub(super) fn of<A>(offered: &Offered<A>) -> About {
        match offered.arrival {
            Arrival::InTime => About::Group(offered.group_key.clone()),
            Arrival::Late => About::Late,
            Arrival::History => About::History,
        }
    }
}

impl<A: Clone> Notification<A> {
    /// What to send of alerts that wait; `None` where there are none.
    pub(super) fn of(
        pending: Pending<A>,
        about: About,
        told: Option<Level>,
        topic: u32,
    ) -> Option<Self> {
        let level = pending.level();
        let shown = pending.parts().find(|part| part.level == level)?;
        let (rules, others) = pending.rules();
        let (kind, group_key) = match about {
            About::Group(key) if told < Some(level) => (NotificationKind::First, Some(key)),
            About::Group(key) => (NotificationKind::Digest, Some(key)),
            About::Overflow => (NotificationKind::Overflow { rules, others }, None),
            About::Late => (NotificationKind::Late { rules, others }, None),
            About::History => (NotificationKind::History { rules, others }, None),
        };
        let parts = pending.parts();
        Some(Notification {
            kind,
            group_key,
            alert: shown.alert.clone(),
            level,
            told,
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

    /// One alert on its own, in no topic.
    pub(super) fn of_one(group_key: String, level: Level, alert: A, now_ms: i64) -> Self {
        let part = Part {
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
            told: None,
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

    /// When the oldest alert of it came, ms on the queue's clock.
    pub fn oldest(&self) -> Option<i64> {
        self.pending.oldest()
    }
}

impl<A> Notification<A> {
    pub(super) fn about(&self) -> About {
        match (&self.kind, &self.group_key) {
            (NotificationKind::Late { .. }, _) => About::Late,
            (NotificationKind::History { .. }, _) => About::History,
            (NotificationKind::First | NotificationKind::Digest, Some(key)) => {
                About::Group(key.clone())
            }
            (
                NotificationKind::Overflow { .. }
                | NotificationKind::First
                | NotificationKind::Digest,
                _,
            ) => About::Overflow,
        }
    }
}
