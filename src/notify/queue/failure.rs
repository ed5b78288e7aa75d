//! What becomes of a notification that the sink did not accept. It is tried again until it is older than
//! `max_age`. If it is refused several times while others are accepted, it becomes a dead letter. If
//! nothing is accepted, the fault is the sink's, and nothing is given up for it.

use std::cmp::Reverse;

use super::{GroupState, NotificationKey, Pending, PendingPart, Queue, Rank};
use crate::notify::notification::Notification;
use crate::notify::offsets::Offsets;
use crate::notify::pending::RefusalCounts;
use crate::sigma::Level;

/// After this many failed attempts a notification goes behind the others.
pub(super) const ATTEMPTS_IN_FRONT: u32 = 3;

/// After this many refusals while others were accepted, a notification is given up.
const REFUSALS: u32 = 3;

/// Delay before a refused notification is tried again, ms: doubled each time, up to the longest.
const FIRST_DELAY_MS: i64 = 1_000;
const LONGEST_DELAY_MS: i64 = 60_000;

/// Whether a notification that failed this often goes behind the others. With exactly one attempt more
/// than [`ATTEMPTS_IN_FRONT`] it does not: that is its one chance after the sink has worked again.
pub(super) fn is_behind(attempts: u32) -> bool {
    attempts == ATTEMPTS_IN_FRONT || attempts > ATTEMPTS_IN_FRONT + 1
}

/// Alerts that will not be sent to the sink. The position stays before them until their dead letters
/// are written: [`Queue::dead_letters_written`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// Why: `expired` or `refused`.
    pub reason: &'static str,
    /// Their offsets; fewer than `count` if dead letters of some are written or due already, or if
    /// their topic no longer exists.
    pub offsets: Offsets,
    /// How many they are.
    pub count: u64,
}

impl<A: Clone> Queue<A> {
    /// The sink did not accept it, but may accept it later. Returns the alerts that are too old by now.
    pub fn failed(&mut self, now: i64, failed: Notification<A>) -> Option<GivenUp> {
        self.failed.extend(failed.offsets.first());
        let key = failed.key();
        let mut pending = failed.pending;
        pending.attempts += 1;
        self.put_back(now, key, pending, failed.topic, None)
    }

    /// The sink refused it. The fault is the notification's if others are accepted, else the sink's.
    /// Returns the alerts that are given up.
    pub fn refused(&mut self, now: i64, refused: Notification<A>) -> Option<GivenUp> {
        let first = refused.offsets.first();
        let only_this = self.refused.iter().all(|other| Some(*other) == first);
        self.refused.extend(first);
        let key = refused.key();
        let mut pending = refused.pending;
        let refusals = &mut pending.refusals;
        if refusals.count == 0 {
            refusals.accepted_before = self.accepted_count;
        } else if only_this && self.accepted_count > refusals.accepted_before {
            refusals.alone += 1;
        }
        refusals.count += 1;
        if refusals.alone < REFUSALS {
            let delay_ms = refusal_delay_ms(*refusals);
            return self.put_back(now, key, pending, refused.topic, Some(now + delay_ms));
        }
        self.refused.clear();
        let (offsets, count) = (pending.offsets(), pending.count());
        let since = self.forget(&key);
        if let Some(since) = since {
            let anchor = since.first_offset().unwrap_or(self.next);
            self.insert(key.clone(), anchor, now, since);
            self.enqueue(&key, now);
        }
        Some(self.give_up("refused", offsets, count, refused.topic))
    }

    /// Whether the sink has refused several different notifications and accepted none since.
    pub fn refuses_all(&self) -> bool {
        self.refused.len() > 1
    }

    fn put_back(
        &mut self,
        now: i64,
        key: NotificationKey,
        mut pending: Pending<A>,
        topic: u32,
        delay_until: Option<i64>,
    ) -> Option<GivenUp> {
        let older = pending.take_older(now - self.pacing.max_age_ms);
        let given_up = self.expired(older, topic);
        let Some(group) = self.groups.get_mut(&key) else {
            return given_up;
        };
        if topic != self.topic {
            self.placeholder -= 1;
            pending.replace_offsets_from(i64::MIN, self.placeholder);
        }
        if let Some(since) = group.pending.take() {
            pending.merge(since);
        }
        if pending.is_empty() {
            self.forget(&key);
            return given_up;
        }
        if group.sent_level.is_none() && topic == self.topic {
            self.anchors.remove(&group.anchor);
            group.anchor = pending.first_offset().unwrap_or(group.anchor);
            self.anchors.insert(group.anchor);
        }
        group.pending = Some(pending);
        match delay_until {
            Some(until) => self.delay(&key, until),
            None => self.enqueue(&key, now),
        }
        self.limit_waiting(now);
        given_up
    }

    fn expired(&mut self, older: Vec<PendingPart<A>>, topic: u32) -> Option<GivenUp> {
        let mut offsets = Offsets::default();
        let mut count = 0;
        for part in older {
            offsets.extend(&part.offsets);
            count += part.count;
        }
        (count > 0).then(|| self.give_up("expired", offsets, count, topic))
    }

    fn give_up(
        &mut self,
        reason: &'static str,
        mut offsets: Offsets,
        count: u64,
        topic: u32,
    ) -> GivenUp {
        if topic != self.topic || offsets.first() < Some(0) {
            // Their records no longer exist, so no dead letter can be written of them.
            offsets = Offsets::default();
        }
        // The dead letter of an unreadable alert is due already; it must not be written twice.
        let already_due = offsets.common(&self.dead_letters_due);
        offsets.remove(&already_due);
        self.settled.extend(&already_due);
        self.dead_letters_due.extend(&offsets);
        GivenUp {
            reason,
            offsets,
            count,
        }
    }

    /// The sink has accepted a notification. Others that failed or were refused before are tried again:
    /// all of them if they were several, since then the fault was the sink's; a single one once more,
    /// since it may only have met an outage.
    pub(super) fn retry_after_success(&mut self, now: i64) {
        let all = self.failed.len() + self.refused.len() > 1;
        self.failed.clear();
        self.refused.clear();
        let behind = (Rank::Behind, Reverse(Level::Critical), i64::MIN);
        let behind = self.waiting.range(behind..).map(|(_, key)| key);
        let keys: Vec<NotificationKey> = behind.chain(&self.delayed).cloned().collect();
        for key in keys {
            let Some(group) = self.groups.get_mut(&key) else {
                continue;
            };
            let is_delayed = matches!(group.state, GroupState::Delayed { .. });
            let Some(pending) = &mut group.pending else {
                continue;
            };
            match is_delayed {
                true if pending.refusals.count == 0 || pending.refusals.alone > 0 => continue,
                true => {}
                false if all => pending.attempts = 0,
                // If it fails again, the fault is its own.
                false if pending.attempts == ATTEMPTS_IN_FRONT => pending.attempts += 1,
                false => continue,
            }
            self.enqueue(&key, now);
        }
    }
}

/// How long to wait before a refused notification is tried again. Once others were accepted, only its
/// refusals since then count.
fn refusal_delay_ms(refusals: RefusalCounts) -> i64 {
    let doubled = match refusals.alone {
        0 => refusals.count - 1,
        alone => alone,
    };
    (FIRST_DELAY_MS << doubled.min(10)).min(LONGEST_DELAY_MS)
}
