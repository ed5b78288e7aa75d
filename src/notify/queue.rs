//! What one sink is told and when: the first alert of a group at once, its repeats as one digest, what
//! is late as one digest over all groups. Pure: alerts and the time come in, notifications and the
//! position to commit go out. The time is that of a clock that never jumps, in ms from any beginning.
//! Invariant: no position beyond an alert that nobody was told of, or beyond one that is not yet kept
//! among the dead letters as it should be, is ever committable; and what a restart reads again is told
//! again only where the commit could not say that it was told.

mod failure;
mod order;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub use self::failure::GivenUp;
use super::note::Note;
use super::notification::About;
pub use super::notification::{Arrival, Notification, NotificationKind, Offered, Pacing};
use super::offsets::Offsets;
use super::pending::{Part, Pending};
use crate::event::NextOffset;
use crate::sigma::Level;

/// Most groups remembered at once; beyond that the quiet ones are forgotten first.
const MAX_GROUPS: usize = 4_096;

/// Most groups waiting for a sink that wants every one of them.
const MAX_WAITING: usize = 1_000;

/// Most runs of offsets kept beyond the position; a reader waits when there are more.
const MAX_RUNS: usize = 50_000;

/// A digest of late alerts is told when none has come for so long, ms.
const QUIET_MS: i64 = 10_000;

/// Into so many age classes the alerts of a group are divided until they are given up.
const AGE_CLASSES: i64 = 8;

/// Order among those that wait: by rank, then the severe, then the old first.
type Turn = (Rank, Reverse<Level>, i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A digest over many groups that has waited for a digest interval.
    Overdue,
    Ordinary,
    /// Those that failed by themselves let the others go first.
    Behind,
    /// A digest over many groups goes last.
    Overflow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// To be told as soon as its turn comes.
    Waiting(Turn),
    /// Being told.
    Sending,
    /// Told; repeats are gathered until then.
    Open { ends: i64 },
    /// Refused, or late and being gathered: its turn comes then.
    Resting { until: i64 },
}

#[derive(Debug)]
struct Group<A> {
    state: State,
    /// The most severe level told.
    told: Option<Level>,
    /// Lowest offset that a restart must read again to know this group.
    anchor: i64,
    /// Since when something of it waits.
    since: i64,
    pending: Option<Pending<A>>,
}

/// When an alert came.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Now, on the queue's clock.
    pub now: i64,
    /// When it came into the topic, on the queue's clock; never decreases from offset to offset.
    pub came: i64,
    /// The record's timestamp, ms since the Unix epoch, for people.
    pub written_ms: i64,
}

impl From<i64> for Times {
    /// An alert that comes at this moment, and is read at once.
    fn from(now: i64) -> Times {
        Times {
            now,
            came: now,
            written_ms: now,
        }
    }
}

/// One sink's queue.
#[derive(Debug)]
pub struct Queue<A> {
    pacing: Pacing,
    next: i64,
    /// No position below it: what lies there is of a topic that is gone.
    base: i64,
    /// Counted up where the topic was re-created.
    topic: u32,
    /// Settled, at or beyond the committable position.
    settled: Offsets,
    /// To be kept among the dead letters, and not yet there.
    owed: Offsets,
    /// What an earlier run left.
    restored: Note,
    groups: HashMap<About, Group<A>>,
    waiting: BTreeMap<Turn, About>,
    /// When open and resting groups are looked at again.
    windows: BTreeSet<(i64, About)>,
    anchors: BTreeSet<i64>,
    /// Which failed since the last success, by their first offset.
    failed: HashSet<i64>,
    /// Which were refused since the last success, by their first offset.
    refused: HashSet<i64>,
    /// Groups that rest, which are few, because they were refused or are late.
    resting: HashSet<About>,
    /// How many notifications the sink accepted.
    accepted: u64,
    /// The offset given last to what stands nowhere any more; no record has a negative one.
    stand_in: i64,
}

impl<A: Clone> Queue<A> {
    /// Go on from a committed position, beside which `note` stood.
    pub fn resume(pacing: Pacing, from: NextOffset, note: Note) -> Queue<A> {
        Queue {
            pacing,
            next: from.0,
            base: from.0,
            topic: 0,
            settled: note.settled.clone(),
            owed: Offsets::default(),
            restored: note,
            groups: HashMap::new(),
            waiting: BTreeMap::new(),
            windows: BTreeSet::new(),
            anchors: BTreeSet::new(),
            failed: HashSet::new(),
            refused: HashSet::new(),
            resting: HashSet::new(),
            accepted: 0,
            stand_in: 0,
        }
    }

    /// Take the next record of the topic; `None` is one that the sink is not to be told of.
    pub fn offer(&mut self, offset: i64, times: impl Into<Times>, offered: Option<Offered<A>>) {
        let times = times.into();
        self.next = offset + 1;
        let Some(offered) = offered else {
            self.settled.insert(offset);
            return;
        };
        let about = About::of(&offered);
        if self.restored.settled.contains(offset) {
            self.reopen(about, offset, times.came, offered.level);
            return;
        }
        let part = part(offset, times, offered);
        let level = part.level;
        let class_ms = (self.pacing.max_age_ms / AGE_CLASSES).max(1);
        let pending = Pending::new(times.came.div_euclid(class_ms), part);
        match self.groups.get_mut(&about) {
            None => {
                self.insert(about.clone(), offset, times.now, pending);
                match about {
                    About::Late | About::History => self.rest(&about, times.now + QUIET_MS),
                    About::Group(_) | About::Overflow => self.wait(&about, times.now),
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
                self.expedite(&about, times.now, before < Some(level));
            }
        }
        self.fold(times.now);
    }

    /// Whether an unreadable alert is to be kept among the dead letters, before it is offered. Then it
    /// holds the position until [`Queue::stored`].
    pub fn owe(&mut self, offset: i64) -> bool {
        let note = &self.restored;
        let is_owed = !note.settled.contains(offset) || note.owed.contains(offset);
        if is_owed {
            self.owed.insert(offset);
        }
        is_owed
    }

    /// The dead letters have these. `settles` says that nothing else is to be done about them: they
    /// were given up.
    pub fn stored(&mut self, offsets: &Offsets, settles: bool) {
        self.owed.remove(offsets);
        if settles {
            self.settled.extend(offsets);
        }
    }

    /// The alerts topic has lost its records from `first_new` on, or, if none was `kept`, all of them,
    /// and `first_new` is read next. What waits is told all the same, also if it is gone there.
    pub fn cut(&mut self, first_new: NextOffset, kept: bool, now: i64) {
        self.topic += 1;
        self.next = first_new.0;
        let mut limit = first_new.0;
        if !kept {
            self.base = first_new.0;
            limit = i64::MIN;
        }
        for offsets in [
            &mut self.settled,
            &mut self.owed,
            &mut self.restored.settled,
            &mut self.restored.owed,
        ] {
            offsets.remove_from(limit);
        }
        self.failed.clear();
        self.refused.clear();
        self.anchors.clear();
        let mut moved = Vec::new();
        for (about, group) in &mut self.groups {
            self.stand_in -= 1;
            if group.anchor >= limit {
                group.anchor = self.stand_in;
            }
            self.anchors.insert(group.anchor);
            if let Some(pending) = &mut group.pending {
                pending.cut(limit, self.stand_in);
            }
            if matches!(group.state, State::Waiting(_)) {
                moved.push(about.clone());
            }
        }
        for about in moved {
            self.wait(&about, now);
        }
    }

    /// Add a group with something to tell; its state is to be decided next.
    fn insert(&mut self, about: About, anchor: i64, now: i64, pending: Pending<A>) {
        self.anchors.insert(anchor);
        let group = Group {
            state: State::Sending,
            told: None,
            anchor,
            since: now,
            pending: Some(pending),
        };
        self.groups.insert(about, group);
    }

    /// An alert that an earlier run told of: its group is open, as it was then.
    fn reopen(&mut self, about: About, offset: i64, came: i64, level: Level) {
        if let Some(group) = self.groups.get_mut(&about) {
            group.told = group.told.max(Some(level));
            return;
        }
        let ends = came + self.pacing.digest_interval_ms;
        self.anchors.insert(offset);
        self.windows.insert((ends, about.clone()));
        let group = Group {
            state: State::Open { ends },
            told: Some(level),
            anchor: offset,
            since: came,
            pending: None,
        };
        self.groups.insert(about, group);
    }

    /// What the sink is to be told now, if anything. Call [`Queue::told`], [`Queue::failed`] or
    /// [`Queue::refused`] with it before the next call.
    pub fn next(&mut self, now: i64) -> Option<Notification<A>> {
        self.close_windows(now);
        if let Some(overflow) = self.groups.get(&About::Overflow)
            && matches!(overflow.state, State::Waiting((Rank::Overflow, ..)))
        {
            self.wait(&About::Overflow, now);
        }
        let (_, about) = self.waiting.pop_first()?;
        let group = self.groups.get_mut(&about)?;
        let pending = group.pending.take()?;
        group.state = State::Sending;
        Notification::of(pending, about, group.told, self.topic)
    }

    /// The sink accepted it.
    pub fn told(&mut self, now: i64, told: &Notification<A>) {
        self.forgive(now);
        self.accepted += 1;
        let is_current = told.topic == self.topic;
        if is_current {
            self.settled.extend(&told.offsets);
        }
        let about = told.about();
        let Some(group) = self.groups.get_mut(&about) else {
            return;
        };
        self.anchors.remove(&group.anchor);
        if about == About::Overflow {
            match group.pending.as_ref().and_then(Pending::first_offset) {
                Some(first) => {
                    group.anchor = first;
                    self.anchors.insert(first);
                    self.wait(&about, now);
                }
                None => {
                    self.groups.remove(&about);
                }
            }
            return;
        }
        // A restart must find the last alert told, to know that the group is open.
        if is_current {
            group.anchor = told.offsets.last().unwrap_or(group.anchor);
        }
        self.anchors.insert(group.anchor);
        group.told = group.told.max(Some(told.level));
        let ends = now + self.pacing.digest_interval_ms;
        group.state = State::Open { ends };
        self.windows.insert((ends, about.clone()));
        self.expedite(&about, now, false);
    }

    /// The position that may be committed, and what is settled beyond it.
    pub fn committable(&mut self) -> (NextOffset, Note) {
        let held = [self.anchors.first().copied(), self.owed.first()];
        let position = held.into_iter().flatten().min().unwrap_or(self.next);
        let position = position.max(self.base);
        self.settled.remove_below(position);
        self.restored.settled.remove_below(position);
        self.restored.owed.remove_below(position);
        let note = Note {
            settled: self.settled.clone(),
            owed: self.settled.common(&self.owed),
        };
        (NextOffset(position), note)
    }

    /// Whether there is room for another record.
    pub fn has_room(&self) -> bool {
        self.settled.runs() < MAX_RUNS && self.waiting.len() < MAX_WAITING
    }

    /// Whether something is to be told, now or when the sink may be asked again.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// When the oldest alert that waits to be told came; those gathered in an open group are not
    /// waiting.
    pub fn oldest(&self) -> Option<i64> {
        let waiting = self.waiting.values().chain(&self.resting);
        let oldest = waiting.filter_map(|about| self.groups.get(about)?.pending.as_ref()?.oldest());
        oldest.min()
    }

    /// How many alerts nobody was told of yet.
    pub fn untold(&self) -> u64 {
        let pending = self.groups.values().filter_map(|g| g.pending.as_ref());
        pending.map(Pending::count).sum()
    }
}

fn part<A: Clone>(offset: i64, times: Times, offered: Offered<A>) -> Part<A> {
    let is_named = offered.arrival != Arrival::InTime && offered.level == Level::Critical;
    let critical = is_named.then(|| offered.alert.clone());
    Part {
        critical_count: u64::from(is_named),
        critical: critical.into_iter().collect(),
        alert: offered.alert,
        level: offered.level,
        count: 1,
        oldest: times.came,
        latest: times.came,
        first_ms: times.written_ms,
        last_ms: times.written_ms,
        offsets: [offset].into_iter().collect(),
        rules: [(offered.rule, 1)].into(),
    }
}

#[cfg(test)]
mod tests;
