//! Which notifications one sink gets and when: the first alert of a group at once, its repeats as one
//! digest, late alerts as one digest over all groups. Pure: alerts and the time go in, notifications
//! and the position to commit come out. Times are those of a monotonic clock, in ms since any moment.
//! Invariant: a position can be committed only if every alert before it was accepted by the sink or is
//! a dead letter, and every dead letter due before it is written. After a restart an alert is sent
//! again only if the last commit does not say that it was accepted.

mod failure;
mod order;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub use self::failure::GivenUp;
use super::commit_metadata::CommitMetadata;
use super::notification::NotificationKey;
pub use super::notification::{Arrival, Notification, NotificationKind, Offered, Pacing};
use super::offsets::Offsets;
use super::pending::{Pending, PendingPart};
use crate::event::NextOffset;
use crate::sigma::Level;

/// Most groups remembered at once; beyond that the groups whose windows end first are forgotten.
const MAX_GROUPS: usize = 4_096;

/// Most groups that wait if the sink has no `max_waiting`; beyond that no records are read.
const MAX_WAITING: usize = 1_000;

/// Most runs of settled offsets beyond the position; beyond that no records are read.
const MAX_RUNS: usize = 50_000;

/// A digest of late alerts is sent when no late alert has arrived for this long, ms.
const QUIET_MS: i64 = 10_000;

/// Number of age classes within `max_age`. Alerts of one class become dead letters together.
const AGE_CLASSES: i64 = 8;

/// Order of the waiting groups: by rank, then the highest level, then the lowest offset.
type Priority = (Rank, Reverse<Level>, i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A digest over many groups that has waited for a digest interval goes first.
    Overdue,
    Ordinary,
    /// A group that failed while others did not goes after the others.
    Behind,
    /// A digest over many groups goes last.
    Overflow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GroupState {
    /// To be sent as soon as no group of a higher priority waits.
    Waiting(Priority),
    /// A notification of it was taken out of the queue and has no answer yet.
    Sending,
    /// A notification of it was accepted; repeats are gathered until `ends`.
    Open { ends: i64 },
    /// Not before `until`: it was refused, or it is a digest of late alerts that gathers more.
    Delayed { until: i64 },
}

#[derive(Debug)]
struct Group<A> {
    state: GroupState,
    /// The highest level that the sink accepted.
    sent_level: Option<Level>,
    /// Lowest offset that must be read again after a restart to rebuild this group.
    anchor: i64,
    /// Since when it has pending alerts.
    since: i64,
    pending: Option<Pending<A>>,
}

/// When an alert arrived.
#[derive(Debug, Clone, Copy)]
pub struct ArrivalTimes {
    /// Now, on the queue's clock.
    pub now: i64,
    /// When it was written to the topic, on the queue's clock; never decreases from offset to offset.
    pub arrived: i64,
    /// The record's timestamp, ms since the Unix epoch: the time shown to people.
    pub written_ms: i64,
}

impl From<i64> for ArrivalTimes {
    /// An alert that is written and read at this moment.
    fn from(now: i64) -> ArrivalTimes {
        ArrivalTimes {
            now,
            arrived: now,
            written_ms: now,
        }
    }
}

/// One sink's queue.
#[derive(Debug)]
pub struct Queue<A> {
    pacing: Pacing,
    next: i64,
    /// The lowest position that may be committed: offsets below it belong to a topic that no longer
    /// exists.
    base: i64,
    /// Grows whenever the topic was truncated or re-created.
    topic: u32,
    /// Settled alerts at or after the committable position: accepted, filtered out, or dead letters.
    settled: Offsets,
    /// Alerts of which a dead letter is due and not yet written.
    dead_letters_due: Offsets,
    /// What the last commit before this run says.
    restored: CommitMetadata,
    groups: HashMap<NotificationKey, Group<A>>,
    waiting: BTreeMap<Priority, NotificationKey>,
    /// When open and delayed groups are due.
    windows: BTreeSet<(i64, NotificationKey)>,
    anchors: BTreeSet<i64>,
    /// Notifications that failed since the last success, by their first offset.
    failed: HashSet<i64>,
    /// Notifications that were refused since the last success, by their first offset.
    refused: HashSet<i64>,
    /// Delayed groups: refused ones and digests of late alerts. They are few.
    delayed: HashSet<NotificationKey>,
    /// How many notifications the sink accepted.
    accepted_count: u64,
    /// The last placeholder offset given to alerts whose records no longer exist; negative, so that no
    /// record has it.
    placeholder: i64,
}

impl<A: Clone> Queue<A> {
    /// Go on from a committed position with its metadata.
    pub fn resume(pacing: Pacing, from: NextOffset, metadata: CommitMetadata) -> Queue<A> {
        Queue {
            pacing,
            next: from.0,
            base: from.0,
            topic: 0,
            settled: metadata.settled.clone(),
            dead_letters_due: Offsets::default(),
            restored: metadata,
            groups: HashMap::new(),
            waiting: BTreeMap::new(),
            windows: BTreeSet::new(),
            anchors: BTreeSet::new(),
            failed: HashSet::new(),
            refused: HashSet::new(),
            delayed: HashSet::new(),
            accepted_count: 0,
            placeholder: 0,
        }
    }

    /// Add the next record of the topic. `None`: the sink's filter excludes it.
    pub fn offer(
        &mut self,
        offset: i64,
        times: impl Into<ArrivalTimes>,
        offered: Option<Offered<A>>,
    ) {
        let times = times.into();
        self.next = offset + 1;
        let Some(offered) = offered else {
            self.settled.insert(offset);
            return;
        };
        let key = NotificationKey::of(&offered);
        if self.restored.settled.contains(offset) {
            self.reopen(key, offset, times.arrived, offered.level);
            return;
        }
        let part = part(offset, times, offered);
        let level = part.level;
        let class_ms = (self.pacing.max_age_ms / AGE_CLASSES).max(1);
        let pending = Pending::new(times.arrived.div_euclid(class_ms), part);
        match self.groups.get_mut(&key) {
            None => {
                self.insert(key.clone(), offset, times.now, pending);
                match key {
                    NotificationKey::Late | NotificationKey::History => {
                        self.delay(&key, times.now + QUIET_MS)
                    }
                    NotificationKey::Group(_) | NotificationKey::Overflow => {
                        self.enqueue(&key, times.now)
                    }
                }
            }
            Some(group) => {
                let before = group.pending.as_ref().map(Pending::level);
                match &mut group.pending {
                    Some(before) => before.merge(pending),
                    None => {
                        group.pending = Some(pending);
                        group.since = times.now;
                    }
                }
                self.reschedule(&key, times.now, before < Some(level));
            }
        }
        self.limit_waiting(times.now);
    }

    /// Call this for an unreadable alert before it is offered. Returns whether its dead letter is still
    /// to be written; if so, the position stays before it until [`Queue::dead_letters_written`].
    pub fn require_dead_letter(&mut self, offset: i64) -> bool {
        let restored = &self.restored;
        let is_due =
            !restored.settled.contains(offset) || restored.dead_letters_due.contains(offset);
        if is_due {
            self.dead_letters_due.insert(offset);
        }
        is_due
    }

    /// The dead letters of these alerts are written. `settles`: the alerts were given up, so nothing
    /// else remains to be done about them.
    pub fn dead_letters_written(&mut self, offsets: &Offsets, settles: bool) {
        self.dead_letters_due.remove(offsets);
        if settles {
            self.settled.extend(offsets);
        }
    }

    /// The alerts topic was truncated from `first_new` on or, unless older records were `kept`,
    /// re-created; `first_new` is read next. Pending alerts are still sent, although their records no
    /// longer exist.
    pub fn topic_changed(&mut self, first_new: NextOffset, kept: bool, now: i64) {
        self.topic += 1;
        self.next = first_new.0;
        let mut limit = first_new.0;
        if !kept {
            self.base = first_new.0;
            limit = i64::MIN;
        }
        for offsets in [
            &mut self.settled,
            &mut self.dead_letters_due,
            &mut self.restored.settled,
            &mut self.restored.dead_letters_due,
        ] {
            offsets.remove_from(limit);
        }
        self.failed.clear();
        self.refused.clear();
        self.anchors.clear();
        let mut moved = Vec::new();
        for (key, group) in &mut self.groups {
            self.placeholder -= 1;
            if group.anchor >= limit {
                group.anchor = self.placeholder;
            }
            self.anchors.insert(group.anchor);
            if let Some(pending) = &mut group.pending {
                pending.replace_offsets_from(limit, self.placeholder);
            }
            if matches!(group.state, GroupState::Waiting(_)) {
                moved.push(key.clone());
            }
        }
        for key in moved {
            self.enqueue(&key, now);
        }
    }

    /// Add a group with pending alerts. The caller must set its state next.
    fn insert(&mut self, key: NotificationKey, anchor: i64, now: i64, pending: Pending<A>) {
        self.anchors.insert(anchor);
        let group = Group {
            state: GroupState::Sending,
            sent_level: None,
            anchor,
            since: now,
            pending: Some(pending),
        };
        self.groups.insert(key, group);
    }

    /// An alert that was accepted before the restart: its group is open, as it was then.
    fn reopen(&mut self, key: NotificationKey, offset: i64, arrived: i64, level: Level) {
        if let Some(group) = self.groups.get_mut(&key) {
            group.sent_level = group.sent_level.max(Some(level));
            return;
        }
        let ends = arrived + self.pacing.digest_interval_ms;
        self.anchors.insert(offset);
        self.windows.insert((ends, key.clone()));
        let group = Group {
            state: GroupState::Open { ends },
            sent_level: Some(level),
            anchor: offset,
            since: arrived,
            pending: None,
        };
        self.groups.insert(key, group);
    }

    /// The notification to send now, if any. Call [`Queue::accepted`], [`Queue::failed`] or
    /// [`Queue::refused`] with it before the next call.
    pub fn next(&mut self, now: i64) -> Option<Notification<A>> {
        self.close_windows(now);
        if let Some(overflow) = self.groups.get(&NotificationKey::Overflow)
            && matches!(overflow.state, GroupState::Waiting((Rank::Overflow, ..)))
        {
            self.enqueue(&NotificationKey::Overflow, now);
        }
        let (_, key) = self.waiting.pop_first()?;
        let group = self.groups.get_mut(&key)?;
        let pending = group.pending.take()?;
        group.state = GroupState::Sending;
        Notification::of(pending, key, group.sent_level, self.topic)
    }

    /// The sink accepted it.
    pub fn accepted(&mut self, now: i64, accepted: &Notification<A>) {
        self.retry_after_success(now);
        self.accepted_count += 1;
        let is_current = accepted.topic == self.topic;
        if is_current {
            self.settled.extend(&accepted.offsets);
        }
        let key = accepted.key();
        let Some(group) = self.groups.get_mut(&key) else {
            return;
        };
        self.anchors.remove(&group.anchor);
        if key == NotificationKey::Overflow {
            match group.pending.as_ref().and_then(Pending::first_offset) {
                Some(first) => {
                    group.anchor = first;
                    self.anchors.insert(first);
                    self.enqueue(&key, now);
                }
                None => {
                    self.groups.remove(&key);
                }
            }
            return;
        }
        // After a restart the last accepted alert is read again, which opens the group again.
        if is_current {
            group.anchor = accepted.offsets.last().unwrap_or(group.anchor);
        }
        self.anchors.insert(group.anchor);
        group.sent_level = group.sent_level.max(Some(accepted.level));
        let ends = now + self.pacing.digest_interval_ms;
        group.state = GroupState::Open { ends };
        self.windows.insert((ends, key.clone()));
        self.reschedule(&key, now, false);
    }

    /// The position that may be committed, and the metadata to commit with it.
    pub fn committable(&mut self) -> (NextOffset, CommitMetadata) {
        let held = [self.anchors.first().copied(), self.dead_letters_due.first()];
        let position = held.into_iter().flatten().min().unwrap_or(self.next);
        let position = position.max(self.base);
        self.settled.remove_below(position);
        self.restored.settled.remove_below(position);
        self.restored.dead_letters_due.remove_below(position);
        let metadata = CommitMetadata {
            settled: self.settled.clone(),
            dead_letters_due: self.settled.common(&self.dead_letters_due),
        };
        (NextOffset(position), metadata)
    }

    /// Whether there is room for another record.
    pub fn has_room(&self) -> bool {
        self.settled.runs() < MAX_RUNS && self.waiting.len() < MAX_WAITING
    }

    /// Whether a notification is ready to be sent, now or as soon as the sink's pace allows.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// When the oldest waiting alert arrived. Repeats that are gathered in an open group do not count as
    /// waiting.
    pub fn oldest(&self) -> Option<i64> {
        let waiting = self.waiting.values().chain(&self.delayed);
        let oldest = waiting.filter_map(|key| self.groups.get(key)?.pending.as_ref()?.oldest());
        oldest.min()
    }

    /// How many alerts the sink has not accepted yet.
    pub fn unsent(&self) -> u64 {
        let pending = self.groups.values().filter_map(|g| g.pending.as_ref());
        pending.map(Pending::count).sum()
    }
}

fn part<A: Clone>(offset: i64, times: ArrivalTimes, offered: Offered<A>) -> PendingPart<A> {
    let is_named = offered.arrival != Arrival::InTime && offered.level == Level::Critical;
    let critical = is_named.then(|| offered.alert.clone());
    PendingPart {
        critical_count: u64::from(is_named),
        critical: critical.into_iter().collect(),
        alert: offered.alert,
        level: offered.level,
        count: 1,
        oldest: times.arrived,
        latest: times.arrived,
        first_ms: times.written_ms,
        last_ms: times.written_ms,
        offsets: [offset].into_iter().collect(),
        rules: [(offered.rule, 1)].into(),
    }
}

#[cfg(test)]
mod tests;
