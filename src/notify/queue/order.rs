//! In which order a queue's groups are sent, and when a group that is open or delayed becomes due.

use std::cmp::Reverse;

use super::failure::is_behind;
use super::{GroupState, MAX_GROUPS, NotificationKey, Pending, QUIET_MS, Queue, Rank};
use crate::sigma::Level;

impl<A: Clone> Queue<A> {
    /// Remove a group from the waiting groups or from the windows. The caller must set its state next.
    fn unschedule(&mut self, key: &NotificationKey) {
        match self.groups.get(key).map(|group| group.state) {
            Some(GroupState::Waiting(priority)) => {
                self.waiting.remove(&priority);
            }
            Some(GroupState::Open { ends: at } | GroupState::Delayed { until: at }) => {
                self.windows.remove(&(at, key.clone()));
                self.delayed.remove(key);
            }
            Some(GroupState::Sending) | None => {}
        }
    }

    /// Add a group with pending alerts to the waiting groups, or move it to its new place among them.
    pub(super) fn enqueue(&mut self, key: &NotificationKey, now: i64) {
        self.unschedule(key);
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        let Some(pending) = &group.pending else {
            return;
        };
        let is_overdue = now - group.since >= self.pacing.digest_interval_ms;
        let rank = match key {
            NotificationKey::Overflow if is_overdue => Rank::Overdue,
            NotificationKey::Overflow => Rank::Overflow,
            _ if is_behind(pending.attempts) => Rank::Behind,
            _ => Rank::Ordinary,
        };
        let first = pending.first_offset().unwrap_or(group.anchor);
        let priority = (rank, Reverse(pending.level()), first);
        group.state = GroupState::Waiting(priority);
        self.waiting.insert(priority, key.clone());
    }

    /// Send nothing of a group before `until`.
    pub(super) fn delay(&mut self, key: &NotificationKey, until: i64) {
        self.unschedule(key);
        if let Some(group) = self.groups.get_mut(key) {
            group.state = GroupState::Delayed { until };
            self.windows.insert((until, key.clone()));
            self.delayed.insert(key.clone());
        }
    }

    /// More alerts have arrived for a group. If its level is now higher than what the sink accepted, or
    /// was `raised` above that of the alerts that waited, it is sent without further delay.
    pub(super) fn reschedule(&mut self, key: &NotificationKey, now: i64, raised: bool) {
        let Some(group) = self.groups.get(key) else {
            return;
        };
        let level = group.pending.as_ref().map(Pending::level);
        let pending = group.pending.as_ref();
        let was_refused = pending.is_some_and(|pending| pending.refusals.count > 0);
        let is_late = matches!(key, NotificationKey::Late | NotificationKey::History);
        match group.state {
            GroupState::Sending => {}
            GroupState::Waiting(_) => self.enqueue(key, now),
            GroupState::Open { .. } if level <= group.sent_level => {}
            // More late alerts may follow soon.
            GroupState::Open { .. } if is_late => self.delay(key, now + QUIET_MS),
            GroupState::Open { .. } => self.enqueue(key, now),
            GroupState::Delayed { .. } if is_late && !was_refused => {
                let longest = self.pacing.digest_interval_ms.max(QUIET_MS);
                let until = (now + QUIET_MS).min(group.since + longest);
                self.delay(key, until);
            }
            GroupState::Delayed { .. } if raised => self.enqueue(key, now),
            GroupState::Delayed { .. } => {}
        }
    }

    /// If more groups wait than `max_waiting`, those of the lowest level, the latest first, are merged
    /// into the digest over many groups.
    pub(super) fn limit_waiting(&mut self, now: i64) {
        let Some(max_waiting) = self.pacing.max_waiting else {
            return;
        };
        while self.waiting_groups() > max_waiting {
            // In an outage groups of a high level fail, too, and go behind the others. Their level
            // still counts here.
            let behind = (Rank::Behind, Reverse(Level::Critical), i64::MIN);
            let (front, behind) = (self.waiting.range(..behind), self.waiting.range(behind..));
            let last = [front, behind]
                .into_iter()
                .filter_map(|mut range| range.rfind(|(_, key)| is_group(key)));
            let last = last.max_by_key(|((_, level, first), _)| (*level, *first));
            let Some(key) = last.map(|(_, key)| key.clone()) else {
                return;
            };
            let Some(pending) = self.forget(&key) else {
                continue;
            };
            self.add_to_overflow(pending, now);
        }
    }

    fn waiting_groups(&self) -> usize {
        let is_waiting = |key: &&NotificationKey| {
            let group = self.groups.get(key);
            group.is_some_and(|group| matches!(group.state, GroupState::Waiting(_)))
        };
        let others = [
            NotificationKey::Overflow,
            NotificationKey::Late,
            NotificationKey::History,
        ];
        self.waiting.len() - others.iter().filter(is_waiting).count()
    }

    fn add_to_overflow(&mut self, pending: Pending<A>, now: i64) {
        let key = NotificationKey::Overflow;
        let first = pending.first_offset().unwrap_or(self.base);
        let Some(group) = self.groups.get_mut(&key) else {
            self.insert(key.clone(), first, now, pending);
            self.enqueue(&key, now);
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
        if matches!(group.state, GroupState::Waiting(_)) {
            self.enqueue(&key, now);
        }
    }

    /// Remove a group; returns its pending alerts.
    pub(super) fn forget(&mut self, key: &NotificationKey) -> Option<Pending<A>> {
        self.unschedule(key);
        let group = self.groups.remove(key)?;
        self.anchors.remove(&group.anchor);
        group.pending
    }

    /// Handle the windows that have ended: a group with pending alerts is to be sent, one without is
    /// forgotten.
    pub(super) fn close_windows(&mut self, now: i64) {
        while let Some((at, _)) = self.windows.first()
            && (*at <= now || self.groups.len() > MAX_GROUPS)
        {
            let Some((_, key)) = self.windows.pop_first() else {
                return;
            };
            let pending = self.groups.get(&key).map(|g| g.pending.is_some());
            match pending {
                Some(true) => self.enqueue(&key, now),
                Some(false) => {
                    self.forget(&key);
                }
                None => {}
            }
        }
        self.limit_waiting(now);
    }
}

fn is_group(key: &NotificationKey) -> bool {
    matches!(key, NotificationKey::Group(_))
}
