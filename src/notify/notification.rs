//! What goes into a sink's queue and what comes out of it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::offsets::Offsets;
use crate::sigma::Level;

/// Most rules named in a digest over many groups.
const MAX_RULES: usize = 20;

/// How a sink is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// Repeats of a group are gathered this long, in ms.
    pub digest_interval_ms: i64,
    /// More groups than this waiting to be told become one digest; `None` for a sink that wants
    /// every group, whose reader waits instead.
    pub max_waiting: Option<usize>,
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
    /// The alert itself.
    pub alert: A,
}

/// Why the sink is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
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
}

/// What to send next, and what is settled by it.
#[derive(Debug, Clone)]
pub struct Notification<A> {
    /// Why.
    pub kind: Kind,
    /// The group; `None` where it covers many.
    pub group_key: Option<String>,
    /// The alert to show: the first, of the most severe.
    pub alert: A,
    /// Its level.
    pub level: Level,
    /// The most severe level that the group was told of before.
    pub told: Option<Level>,
    /// Alerts that this covers, at least 1.
    pub count: u64,
    /// When the oldest of them was written, ms since the Unix epoch.
    pub first_ms: i64,
    /// When the latest of them was written.
    pub last_ms: i64,
    /// Where they are.
    pub offsets: Offsets,
    /// How often it was tried before.
    pub attempts: u32,
}

/// Alerts that the sink was not told of.
#[derive(Debug)]
pub(super) struct Pending<A> {
    pub(super) alert: A,
    pub(super) level: Level,
    pub(super) count: u64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) offsets: Offsets,
    pub(super) attempts: u32,
    pub(super) rules: BTreeMap<String, u64>,
}

impl<A> Pending<A> {
    pub(super) fn merge(&mut self, later: Pending<A>) {
        self.count += later.count;
        self.first_ms = self.first_ms.min(later.first_ms);
        self.last_ms = self.last_ms.max(later.last_ms);
        self.offsets.extend(&later.offsets);
        self.attempts = self.attempts.max(later.attempts);
        for (rule, count) in later.rules {
            *self.rules.entry(rule).or_default() += count;
        }
        if later.level > self.level {
            (self.level, self.alert) = (later.level, later.alert);
        }
    }
}

pub(super) fn notification<A>(
    kind: Kind,
    group_key: Option<String>,
    pending: Pending<A>,
) -> Notification<A> {
    Notification {
        kind,
        group_key,
        alert: pending.alert,
        level: pending.level,
        told: None,
        count: pending.count,
        first_ms: pending.first_ms,
        last_ms: pending.last_ms,
        offsets: pending.offsets,
        attempts: pending.attempts,
    }
}

pub(super) fn told_together<A>(overflow: Pending<A>) -> Notification<A> {
    let mut by_count: Vec<(String, u64)> = overflow
        .rules
        .iter()
        .map(|(rule, count)| (rule.clone(), *count))
        .collect();
    by_count.sort_by_key(|(_, count)| Reverse(*count));
    by_count.truncate(MAX_RULES);
    let rules: BTreeMap<String, u64> = by_count.into_iter().collect();
    let others = overflow.count.saturating_sub(rules.values().sum());
    notification(Kind::Overflow { rules, others }, None, overflow)
}
