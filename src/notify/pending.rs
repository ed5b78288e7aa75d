//! The alerts of one notification, a group or a digest over many groups, that the sink has not accepted.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::offsets::Offsets;
use crate::sigma::Level;

/// Most rules that a digest over many groups names.
const MAX_RULES: usize = 20;

/// Most critical alerts that a digest of late alerts names.
const MAX_NAMED: usize = 20;

/// Pending alerts of one age class.
#[derive(Debug, Clone)]
pub(super) struct PendingPart<A> {
    pub(super) alert: A,
    pub(super) level: Level,
    pub(super) count: u64,
    /// When the oldest and the latest of them arrived, ms on the queue's clock.
    pub(super) oldest: i64,
    pub(super) latest: i64,
    /// The lowest and the highest timestamp of their records, ms since the Unix epoch.
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) offsets: Offsets,
    pub(super) rules: BTreeMap<String, u64>,
    pub(super) critical: Vec<A>,
    pub(super) critical_count: u64,
}

impl<A> PendingPart<A> {
    fn merge(&mut self, later: PendingPart<A>) {
        self.count += later.count;
        self.oldest = self.oldest.min(later.oldest);
        self.latest = self.latest.max(later.latest);
        self.first_ms = self.first_ms.min(later.first_ms);
        self.last_ms = self.last_ms.max(later.last_ms);
        self.offsets.extend(&later.offsets);
        self.critical_count += later.critical_count;
        let room = MAX_NAMED.saturating_sub(self.critical.len());
        self.critical.extend(later.critical.into_iter().take(room));
        for (rule, count) in later.rules {
            *self.rules.entry(rule).or_default() += count;
        }
        if later.level > self.level {
            (self.level, self.alert) = (later.level, later.alert);
        }
    }
}

/// Alerts that the sink has not accepted, in parts by age, so that those that are too old can be given
/// up without the others.
#[derive(Debug, Clone)]
pub(super) struct Pending<A> {
    /// By age class, the oldest first.
    parts: BTreeMap<i64, PendingPart<A>>,
    pub(super) attempts: u32,
    pub(super) refusals: RefusalCounts,
}

/// How often the sink refused a notification, and whether it accepted others meanwhile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RefusalCounts {
    /// All refusals of this notification.
    pub(super) count: u32,
    /// Its refusals since another notification was accepted after the first refusal.
    pub(super) alone: u32,
    /// How many notifications the sink had accepted at the first refusal.
    pub(super) accepted_before: u64,
}

impl<A: Clone> Pending<A> {
    pub(super) fn new(age_class: i64, part: PendingPart<A>) -> Pending<A> {
        Pending {
            parts: BTreeMap::from([(age_class, part)]),
            attempts: 0,
            refusals: RefusalCounts::default(),
        }
    }

    pub(super) fn merge(&mut self, other: Pending<A>) {
        self.attempts = self.attempts.max(other.attempts);
        if other.refusals.count > self.refusals.count {
            self.refusals = other.refusals;
        }
        for (age_class, part) in other.parts {
            match self.parts.get_mut(&age_class) {
                Some(before) => before.merge(part),
                None => {
                    self.parts.insert(age_class, part);
                }
            }
        }
    }

    /// Remove the parts in which even the latest alert arrived before `limit`.
    pub(super) fn take_older(&mut self, limit: i64) -> Vec<PendingPart<A>> {
        let mut older = Vec::new();
        while let Some(part) = self.parts.first_entry()
            && part.get().latest < limit
        {
            older.push(part.remove());
        }
        older
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn level(&self) -> Level {
        let levels = self.parts.values().map(|part| part.level);
        levels.max().unwrap_or(Level::Informational)
    }

    pub(super) fn count(&self) -> u64 {
        self.parts.values().map(|part| part.count).sum()
    }

    /// When the oldest alert arrived, ms on the queue's clock.
    pub(super) fn oldest(&self) -> Option<i64> {
        self.parts.values().map(|part| part.oldest).min()
    }

    pub(super) fn first_offset(&self) -> Option<i64> {
        let firsts = self.parts.values().filter_map(|part| part.offsets.first());
        firsts.min()
    }

    pub(super) fn offsets(&self) -> Offsets {
        let mut all = Offsets::default();
        for part in self.parts.values() {
            all.extend(&part.offsets);
        }
        all
    }

    /// The records from `limit` on no longer exist. A part without any record left gets the offset
    /// `placeholder`.
    pub(super) fn replace_offsets_from(&mut self, limit: i64, placeholder: i64) {
        for part in self.parts.values_mut() {
            part.offsets.remove_from(limit);
            if part.offsets.is_empty() {
                part.offsets.insert(placeholder);
            }
        }
    }

    /// Number of alerts by rule, for the rules with the most alerts; and of all other rules together.
    pub(super) fn rules(&self) -> (BTreeMap<String, u64>, u64) {
        let mut all: BTreeMap<&str, u64> = BTreeMap::new();
        for (rule, count) in self.parts.values().flat_map(|part| &part.rules) {
            *all.entry(rule).or_default() += count;
        }
        let mut by_count: Vec<(&str, u64)> = all.into_iter().collect();
        by_count.sort_by_key(|(_, count)| Reverse(*count));
        by_count.truncate(MAX_RULES);
        let named = by_count.into_iter();
        let named: BTreeMap<String, u64> = named.map(|(rule, n)| (rule.to_owned(), n)).collect();
        let others = self.count().saturating_sub(named.values().sum());
        (named, others)
    }

    /// The critical alerts to name in a digest, the oldest first.
    pub(super) fn named_critical(&self) -> Vec<A> {
        let critical = self.parts.values().flat_map(|part| &part.critical);
        critical.take(MAX_NAMED).cloned().collect()
    }

    /// The parts by age, the oldest first.
    pub(super) fn parts(&self) -> impl Iterator<Item = &PendingPart<A>> + Clone {
        self.parts.values()
    }
}
