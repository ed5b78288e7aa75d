//! What one sink is told and when: the first alert of a group at once, its repeats as one digest.
//! Pure: alerts and the time come in, notifications and the position to commit go out.
//! Invariant: no position beyond an alert that nobody was told of is ever committable, and what a
//! restart reads again is told again only where the commit could not say that it was told.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub use super::notification::{Kind, Notification, Offered, Pacing};
use super::notification::{Pending, notification, told_together};
use super::offsets::Offsets;
use crate::event::NextOffset;
use crate::sigma::Level;

/// Most groups remembered at once; beyond that the quiet ones are forgotten first.
const MAX_GROUPS: usize = 4_096;

/// Most groups waiting for a sink that wants every one of them.
const MAX_WAITING: usize = 1_000;

/// Most runs of offsets kept beyond the position; a reader waits when there are more.
const MAX_RUNS: usize = 50_000;

/// A notification that failed this often lets the others go before it.
const ATTEMPTS_IN_FRONT: u32 = 3;

/// Order among those that wait: those that fail by themselves last; the severe, the old first.
type Turn = (bool, Reverse<Level>, i64);

/// The first of those that let the others go before them.
const BEHIND: Turn = (true, Reverse(Level::Critical), i64::MIN);

/// Whether the others go first: after some failures, but for one more chance
/// ([`Queue::bring_forward`]) when the sink has worked since.
fn is_behind(attempts: u32) -> bool {
    attempts == ATTEMPTS_IN_FRONT || attempts > ATTEMPTS_IN_FRONT + 1
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// To be told as soon as its turn comes.
    Waiting(Turn),
    /// Being told.
    Sending,
    /// Told; repeats are gathered until then.
    Open { ends_ms: i64 },
}

#[derive(Debug)]
struct Group<A> {
    state: State,
    /// The most severe level told.
    told: Option<Level>,
    /// Lowest offset that a restart must read again to know this group.
    anchor: i64,
    pending: Option<Pending<A>>,
}

/// One sink's queue.
#[derive(Debug)]
pub struct Queue<A> {
    pacing: Pacing,
    next: i64,
    /// Settled, at or beyond the committable position.
    settled: Offsets,
    /// Settled by an earlier run.
    restored: Offsets,
    groups: HashMap<String, Group<A>>,
    waiting: BTreeMap<Turn, String>,
    windows: BTreeSet<(i64, String)>,
    anchors: BTreeSet<i64>,
    overflow: Option<Pending<A>>,
    /// Since when there is one, ms; it goes before the others once it is a digest interval old.
    overflow_since_ms: Option<i64>,
    /// The overflow being told.
    overflow_sending: Option<Offsets>,
    /// Which failed since the last success, by their first offset.
    failed: HashSet<i64>,
}

impl<A: Clone> Queue<A> {
    /// Go on from a committed position; `settled` is what the commit said of offsets beyond it.
    pub fn resume(pacing: Pacing, from: NextOffset, settled: Offsets) -> Queue<A> {
        Queue {
            pacing,
            next: from.0,
            settled: settled.clone(),
            restored: settled,
            groups: HashMap::new(),
            waiting: BTreeMap::new(),
            windows: BTreeSet::new(),
            anchors: BTreeSet::new(),
            overflow: None,
            overflow_since_ms: None,
            overflow_sending: None,
            failed: HashSet::new(),
        }
    }

    /// Take the next record of the topic. `at_ms` is when it was written; `None` is one that the
    /// sink is not to be told of.
    pub fn offer(&mut self, offset: i64, at_ms: i64, offered: Option<Offered<A>>) {
        self.next = offset + 1;
        let Some(offered) = offered else {
            self.settled.insert(offset);
            return;
        };
        if self.restored.contains(offset) {
            self.reopen(offset, at_ms, offered);
            return;
        }
        let pending = Pending {
            alert: offered.alert,
            level: offered.level,
            count: 1,
            first_ms: at_ms,
            last_ms: at_ms,
            offsets: [offset].into_iter().collect(),
            attempts: 0,
            rules: [(offered.rule, 1)].into(),
        };
        let key = offered.group_key;
        match self.groups.get_mut(&key) {
            None => {
                self.anchors.insert(offset);
                let group = Group {
                    state: State::Sending,
                    told: None,
                    anchor: offset,
                    pending: Some(pending),
                };
                self.groups.insert(key.clone(), group);
                self.wait(&key);
            }
            Some(group) => {
                match &mut group.pending {
                    Some(before) => before.merge(pending),
                    None => group.pending = Some(pending),
                }
                if group.state != State::Sending {
                    self.hurry(&key);
                }
            }
        }
        self.fold();
    }

    /// Whether an earlier run settled this offset.
    pub fn was_settled(&self, offset: i64) -> bool {
        self.restored.contains(offset)
    }

    /// An alert that an earlier run told of: its group is open, as it was then.
    fn reopen(&mut self, offset: i64, at_ms: i64, offered: Offered<A>) {
        if let Some(group) = self.groups.get_mut(&offered.group_key) {
            group.told = group.told.max(Some(offered.level));
            return;
        }
        let ends_ms = at_ms + self.pacing.digest_interval_ms;
        self.anchors.insert(offset);
        self.windows.insert((ends_ms, offered.group_key.clone()));
        let group = Group {
            state: State::Open { ends_ms },
            told: Some(offered.level),
            anchor: offset,
            pending: None,
        };
        self.groups.insert(offered.group_key, group);
    }

    /// Put a group with pending alerts in line for its turn, or on its new place there.
    fn wait(&mut self, key: &str) {
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        let Some(pending) = &group.pending else {
            return;
        };
        let first = pending.offsets.first().unwrap_or(group.anchor);
        let turn = (is_behind(pending.attempts), Reverse(pending.level), first);
        match group.state {
            State::Waiting(before) => {
                self.waiting.remove(&before);
            }
            State::Open { ends_ms } => {
                self.windows.remove(&(ends_ms, key.to_owned()));
            }
            State::Sending => {}
        }
        group.state = State::Waiting(turn);
        self.waiting.insert(turn, key.to_owned());
    }

    /// Tell at once what is more severe than anything told of the group, or moves it forward.
    fn hurry(&mut self, key: &str) {
        let Some(group) = self.groups.get(key) else {
            return;
        };
        let worse = group
            .pending
            .as_ref()
            .is_some_and(|p| Some(p.level) > group.told);
        if matches!(group.state, State::Waiting(_)) || worse {
            self.wait(key);
        }
    }

    /// Where more groups wait than may, the least severe and latest join the digest over many.
    fn fold(&mut self) {
        let Some(max_waiting) = self.pacing.max_waiting else {
            return;
        };
        while self.waiting.len() > max_waiting {
            // In an outage the severe fail, too, and let others go before them; that makes them no
            // less severe.
            let (front, behind) = (self.waiting.range(..BEHIND), self.waiting.range(BEHIND..));
            let last = [front, behind]
                .into_iter()
                .filter_map(|mut r| r.next_back());
            let last = last.max_by_key(|((_, level, first), _)| (*level, *first));
            let Some((turn, _)) = last else {
                return;
            };
            let turn = *turn;
            let Some(key) = self.waiting.remove(&turn) else {
                return;
            };
            let Some(group) = self.groups.remove(&key) else {
                continue;
            };
            self.anchors.remove(&group.anchor);
            if let Some(pending) = group.pending {
                self.overflow_with(pending);
            }
        }
    }

    fn overflow_with(&mut self, pending: Pending<A>) {
        match &mut self.overflow {
            Some(overflow) => overflow.merge(pending),
            None => self.overflow = Some(pending),
        }
    }

    /// What the sink is to be told now, if anything. Call [`Queue::told`], [`Queue::settle`] or
    /// [`Queue::put_back`] with it before the next call.
    pub fn next(&mut self, now_ms: i64) -> Option<Notification<A>> {
        self.close_windows(now_ms);
        if self.overflow.is_some() {
            let since_ms = *self.overflow_since_ms.get_or_insert(now_ms);
            let is_overdue = now_ms - since_ms >= self.pacing.digest_interval_ms;
            if (self.waiting.is_empty() || is_overdue)
                && let Some(overflow) = self.overflow.take()
            {
                self.overflow_since_ms = None;
                self.overflow_sending = Some(overflow.offsets.clone());
                return Some(told_together(overflow));
            }
        }
        let (_, key) = self.waiting.pop_first()?;
        let group = self.groups.get_mut(&key)?;
        let pending = group.pending.take()?;
        group.state = State::Sending;
        let kind = if group.told < Some(pending.level) {
            Kind::First
        } else {
            Kind::Digest
        };
        let told = group.told;
        Some(Notification {
            told,
            ..notification(kind, Some(key), pending)
        })
    }

    /// Windows that end: what was gathered is to be told, a quiet group is forgotten.
    fn close_windows(&mut self, now_ms: i64) {
        while let Some((ends_ms, _)) = self.windows.first()
            && (*ends_ms <= now_ms || self.groups.len() > MAX_GROUPS)
        {
            let Some((_, key)) = self.windows.pop_first() else {
                return;
            };
            let Some(group) = self.groups.get(&key) else {
                continue;
            };
            if group.pending.is_some() {
                self.wait(&key);
            } else {
                self.forget(&key);
            }
        }
        self.fold();
    }

    fn forget(&mut self, key: &str) {
        if let Some(group) = self.groups.remove(key) {
            self.anchors.remove(&group.anchor);
        }
    }

    /// The sink accepted it.
    pub fn told(&mut self, now_ms: i64, told: &Notification<A>) {
        // Several failed and now one did not: it was the sink, not they.
        let all = self.failed.len() > 1;
        self.bring_forward(all);
        self.failed.clear();
        self.settled.extend(&told.offsets);
        let Some(key) = &told.group_key else {
            self.overflow_sending = None;
            return;
        };
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        // A restart must find the last alert told, to know that the group is open.
        self.anchors.remove(&group.anchor);
        group.anchor = told.offsets.last().unwrap_or(group.anchor);
        self.anchors.insert(group.anchor);
        group.told = group.told.max(Some(told.level));
        let ends_ms = now_ms + self.pacing.digest_interval_ms;
        group.state = State::Open { ends_ms };
        self.windows.insert((ends_ms, key.clone()));
        self.hurry(key);
    }

    /// It is settled otherwise: the sink will never accept it, and somebody else keeps it.
    pub fn settle(&mut self, given_up: &Notification<A>) {
        self.settled.extend(&given_up.offsets);
        let Some(key) = &given_up.group_key else {
            self.overflow_sending = None;
            return;
        };
        let rest = self.groups.get_mut(key).and_then(|g| g.pending.take());
        self.forget(key);
        if let Some(rest) = rest {
            let anchor = rest.offsets.first().unwrap_or(self.next);
            self.anchors.insert(anchor);
            let group = Group {
                state: State::Sending,
                told: None,
                anchor,
                pending: Some(rest),
            };
            self.groups.insert(key.clone(), group);
            self.wait(key);
        }
    }

    /// The sink did not take it, but may later.
    pub fn put_back(&mut self, failed: Notification<A>) {
        self.failed.extend(failed.offsets.first());
        let key = failed.group_key.clone();
        let rules = match &failed.kind {
            Kind::Overflow { rules, .. } => rules.clone(),
            Kind::First | Kind::Digest => BTreeMap::new(),
        };
        let mut pending = Pending {
            alert: failed.alert,
            level: failed.level,
            count: failed.count,
            first_ms: failed.first_ms,
            last_ms: failed.last_ms,
            offsets: failed.offsets,
            attempts: failed.attempts + 1,
            rules,
        };
        let Some(key) = key else {
            self.overflow_sending = None;
            if let Some(since) = self.overflow.take() {
                pending.merge(since);
            }
            self.overflow = Some(pending);
            return;
        };
        if let Some(group) = self.groups.get_mut(&key) {
            if let Some(since) = group.pending.take() {
                pending.merge(since);
            }
            group.pending = Some(pending);
            self.wait(&key);
            self.fold();
        }
    }

    /// Put what failed in front again: everything, or what may have met an outage alone.
    fn bring_forward(&mut self, all: bool) {
        let behind = self.waiting.iter().filter(|((behind, ..), _)| *behind);
        let keys: Vec<String> = behind.map(|(_, key)| key.clone()).collect();
        for key in keys {
            let pending = self.groups.get_mut(&key).and_then(|g| g.pending.as_mut());
            match pending {
                Some(pending) if all => pending.attempts = 0,
                // If it fails again, it is its own fault.
                Some(pending) if pending.attempts == ATTEMPTS_IN_FRONT => pending.attempts += 1,
                _ => continue,
            }
            self.wait(&key);
        }
    }

    /// The position that may be committed, and what is settled beyond it.
    pub fn committable(&mut self) -> (NextOffset, &Offsets) {
        let held = [
            self.anchors.first().copied(),
            self.overflow.as_ref().and_then(|o| o.offsets.first()),
            self.overflow_sending.as_ref().and_then(Offsets::first),
        ];
        let position = held.into_iter().flatten().min().unwrap_or(self.next);
        self.settled.remove_below(position);
        self.restored.remove_below(position);
        (NextOffset(position), &self.settled)
    }

    /// Whether there is room for another record.
    pub fn has_room(&self) -> bool {
        self.settled.runs() < MAX_RUNS && self.waiting.len() < MAX_WAITING
    }

    /// When the oldest alert that waits to be told was written; those gathered in an open group
    /// are not waiting.
    pub fn oldest_ms(&self) -> Option<i64> {
        let waiting = self.waiting.values();
        let waiting =
            waiting.filter_map(|key| Some(self.groups.get(key)?.pending.as_ref()?.first_ms));
        waiting
            .chain(self.overflow.as_ref().map(|overflow| overflow.first_ms))
            .min()
    }

    /// How many alerts nobody was told of yet.
    pub fn untold(&self) -> u64 {
        let grouped = self.groups.values().filter_map(|g| g.pending.as_ref());
        grouped.chain(&self.overflow).map(|p| p.count).sum()
    }
}

#[cfg(test)]
mod tests;
