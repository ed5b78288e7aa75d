//! Alerts of one group, or of a digest over many, that the sink was not told of.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::offsets::Offsets;
use crate::sigma::Level;

/// Most rules named in a digest over many groups.
const MAX_RULES: usize = 20;

/// Most critical alerts named in a digest of late alerts.
const MAX_NAMED: usize = 20;

/// Alerts of about the same age.
#[derive(Debug, Clone)]
pub(super) struct Part<A> {
    pub(super) alert: A,
    pub(super) level: Level,
    pub(super) count: u64,
    /// When the oldest and the latest of them came, ms on the queue's clock.
    pub(super) oldest: i64,
    pub(super) latest: i64,
    /// When the oldest and the latest alert were written, ms since the Unix epoch by the records' timestamps.
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) offsets: Offsets,
    pub(super) rules: BTreeMap<String, u64>,
    pub(super) critical: Vec<A>,
    pub(super) critical_count: u64,
}

impl<A> Part<A> {
    fn merge(&mut self, later: Part<A>) {
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

/// Alerts that the sink was not told of, in parts by age, so that those that are too old can be given
/// up without the others.
#[derive(Debug, Clone)]
pub(super) struct Pending<A> {
    /// The first, and what came later by its age class.
    parts: BTreeMap<i64, Part<A>>,
    pub(super) attempts: u32,
    pub(super) refusals: Refusals,
}

/// How often the sink refused something, and whether it took something else meanwhile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Refusals {
    /// All of them.
    pub(super) count: u32,
    /// Those since something else was accepted after the first of them.
    pub(super) alone: u32,
    /// How many notifications the sink had accepted at the first of them.
    pub(super) accepted_before: u64,
}

impl<A: Clone> Pending<A> {
    pub(super) fn new(age_class: i64, part: Part<A>) -> Pending<A> {
        Pending {
            parts: BTreeMap::from([(age_class, part)]),
            attempts: 0,
            refusals: Refusals::default(),
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

    /// Take out the parts of which even the latest alert came before `limit`.
    pub(super) fn take_older(&mut self, limit: i64) -> Vec<Part<A>> {
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

    /// When the oldest alert came, ms on the queue's clock.
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

    /// The records from `limit` on are gone: what has none left stands at `stand_in`.
    pub(super) fn cut(&mut self, limit: i64, stand_in: i64) {
        for part in self.parts.values_mut() {
            part.offsets.remove_from(limit);
            if part.offsets.is_empty() {
                part.offsets.insert(stand_in);
            }
        }
    }

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

    /// The critical alerts that are named, the oldest first.
    pub(super) fn named_critical(&self) -> Vec<A> {
        let critical = self.parts.values().flat_map(|part| &part.critical);
        critical.take(MAX_NAMED).cloned().collect()
    }

    /// By age, the oldest first.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part<A>> + Clone {
        self.parts.values()
    }
}
