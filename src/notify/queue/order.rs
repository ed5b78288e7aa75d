//! In which order a queue's groups are told, and when those come that wait for something: repeats that
//! are gathered, what was refused, what is late.

use std::cmp::Reverse;

use super::failure::is_behind;
use super::{About, MAX_GROUPS, Pending, QUIET_MS, Queue, Rank, State};
use crate::sigma::Level;

impl<A: Clone> Queue<A> {
    /// Take a group out of the line, or out of its window; its state is to be decided next.
    fn unplace(&mut self, about: &About) {
        match self.groups.get(about).map(|group| group.state) {
            Some(State::Waiting(turn)) => {
                self.waiting.remove(&turn);
            }
            Some(State::Open { ends: at } | State::Resting { until: at }) => {
                self.windows.remove(&(at, about.clone()));
                self.resting.remove(about);
            }
            Some(State::Sending) | None => {}
        }
    }

    /// Put a group with pending alerts in line for its turn, or on its new place there.
    pub(super) fn wait(&mut self, about: &About, now: i64) {
        self.unplace(about);
        let Some(group) = self.groups.get_mut(about) else {
            return;
        };
        let Some(pending) = &group.pending else {
            return;
        };
        let is_overdue = now - group.since >= self.pacing.digest_interval_ms;
        let rank = match about {
            About::Overflow if is_overdue => Rank::Overdue,
            About::Overflow => Rank::Overflow,
            _ if is_behind(pending.attempts) => Rank::Behind,
            _ => Rank::Ordinary,
        };
        let first = pending.first_offset().unwrap_or(group.anchor);
        let turn = (rank, Reverse(pending.level()), first);
        group.state = State::Waiting(turn);
        self.waiting.insert(turn, about.clone());
    }

    /// Leave a group alone until then.
    pub(super) fn rest(&mut self, about: &About, until: i64) {
        self.unplace(about);
        if let Some(group) = self.groups.get_mut(about) {
            group.state = State::Resting { until };
            self.windows.insert((until, about.clone()));
            self.resting.insert(about.clone());
        }
    }

    /// More has come for a group: tell at once what is more severe than anything told of it, or
    /// `raised` above what waited, and move it forward.
    pub(super) fn expedite(&mut self, about: &About, now: i64, raised: bool) {
        let Some(group) = self.groups.get(about) else {
            return;
        };
        let level = group.pending.as_ref().map(Pending::level);
        let pending = group.pending.as_ref();
        let was_refused = pending.is_some_and(|pending| pending.refusals.count > 0);
        let is_late = matches!(about, About::Late | About::History);
        match group.state {
            State::Sending => {}
            State::Waiting(_) => self.wait(about, now),
            State::Open { .. } if level <= group.told => {}
            // More of them may be on their way.
            State::Open { .. } if is_late => self.rest(about, now + QUIET_MS),
            State::Open { .. } => self.wait(about, now),
            State::Resting { .. } if is_late && !was_refused => {
                let longest = self.pacing.digest_interval_ms.max(QUIET_MS);
                let until = (now + QUIET_MS).min(group.since + longest);
                self.rest(about, until);
            }
            State::Resting { .. } if raised => self.wait(about, now),
            State::Resting { .. } => {}
        }
    }

    /// Where more groups wait than may, the least severe and latest join the digest over many.
    pub(super) fn fold(&mut self, now: i64) {
        let Some(max_waiting) = self.pacing.max_waiting else {
            return;
        };
        while self.waiting_groups() > max_waiting {
            // In an outage the severe fail, too, and let others go before them; that makes them no
            // less severe.
            let behind = (Rank::Behind, Reverse(Level::Critical), i64::MIN);
            let (front, behind) = (self.waiting.range(..behind), self.waiting.range(behind..));
            let last = [front, behind]
                .into_iter()
                .filter_map(|mut range| range.rfind(|(_, about)| is_group(about)));
            let last = last.max_by_key(|((_, level, first), _)| (*level, *first));
            let Some(about) = last.map(|(_, about)| about.clone()) else {
                return;
            };
            let Some(pending) = self.forget(&about) else {
                continue;
            };
            self.overflow_with(pending, now);
        }
    }

    fn waiting_groups(&self) -> usize {
        let is_waiting = |about: &&About| {
            let group = self.groups.get(about);
            group.is_some_and(|group| matches!(group.state, State::Waiting(_)))
        };
        let others = [About::Overflow, About::Late, About::History];
        self.waiting.len() - others.iter().filter(is_waiting).count()
    }

    fn overflow_with(&mut self, pending: Pending<A>, now: i64) {
        let about = About::Overflow;
        let first = pending.first_offset().unwrap_or(self.base);
        let Some(group) = self.groups.get_mut(&about) else {
            self.insert(about.clone(), first, now, pending);
            self.wait(&about, now);
            return;
        };
        self.anchors.remove(&group.anchor);
        group.anchor = group.anchor.min(first);
        self.anchors.insert(group.anchor);
        match &mut group.pending {
            Some(before) => before.merge(pending),
            None => {
                group.pending = Some(pending);
                group.since = now;
            }
        }
        if matches!(group.state, State::Waiting(_)) {
            self.wait(&about, now);
        }
    }

    /// Remove a group; what of it nobody was told of.
    pub(super) fn forget(&mut self, about: &About) -> Option<Pending<A>> {
        self.unplace(about);
        let group = self.groups.remove(about)?;
        self.anchors.remove(&group.anchor);
        group.pending
    }

    /// Windows that end: what was gathered or refused is to be told, a quiet group is forgotten.
    pub(super) fn close_windows(&mut self, now: i64) {
        while let Some((at, _)) = self.windows.first()
            && (*at <= now || self.groups.len() > MAX_GROUPS)
        {
            let Some((_, about)) = self.windows.pop_first() else {
                return;
            };
            let pending = self.groups.get(&about).map(|g| g.pending.is_some());
            match pending {
                Some(true) => self.wait(&about, now),
                Some(false) => {
                    self.forget(&about);
                }
                None => {}
            }
        }
        self.fold(now);
    }
}

fn is_group(about: &About) -> bool {
    matches!(about, About::Group(_))
}
