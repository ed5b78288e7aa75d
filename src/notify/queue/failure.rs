//! What becomes of a notification that the sink did not take. It waits for another try until it is too
//! old. One that is refused while others pass is refused itself; where nothing passes, the sink is at
//! fault.

use std::cmp::Reverse;

use super::{About, Part, Pending, Queue, Rank, State};
use crate::notify::notification::Notification;
use crate::notify::offsets::Offsets;
use crate::notify::pending::Refusals;
use crate::sigma::Level;

/// A notification that failed this often lets the others go before it.
pub(super) const ATTEMPTS_IN_FRONT: u32 = 3;

/// Refused so often while others are accepted, a notification is refused for good.
const REFUSALS: u32 = 3;

/// Pauses before what was refused is tried again, ms: doubled each time, up to the longest.
const FIRST_REST_MS: i64 = 1_000;
const LONGEST_REST_MS: i64 = 60_000;

/// Whether the others go first: after some failures, but for one more chance when the sink has worked
/// since.
pub(super) fn is_behind(attempts: u32) -> bool {
    attempts == ATTEMPTS_IN_FRONT || attempts > ATTEMPTS_IN_FRONT + 1
}

/// Alerts that the sink will not be told of. They hold the position until the dead letters have them:
/// [`Queue::stored`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// Why: `expired` or `refused`.
    pub reason: &'static str,
    /// Where they are; fewer than `count` where a dead letter is written of them already, or they are
    /// of a topic that is gone.
    pub offsets: Offsets,
    /// How many they are.
    pub count: u64,
}

impl<A: Clone> Queue<A> {
    /// The sink did not take it, but may later. Returns what of it is too old by now.
    pub fn failed(&mut self, now: i64, failed: Notification<A>) -> Option<GivenUp> {
        self.failed.extend(failed.offsets.first());
        let about = failed.about();
        let mut pending = failed.pending;
        pending.attempts += 1;
        self.put_back(now, about, pending, failed.topic, None)
    }

    /// The sink does not want it: its own fault if others are accepted, else the sink's. Returns what
    /// of it is given up.
    pub fn refused(&mut self, now: i64, refused: Notification<A>) -> Option<GivenUp> {
        let first = refused.offsets.first();
        let only_this = self.refused.iter().all(|other| Some(*other) == first);
        self.refused.extend(first);
        let about = refused.about();
        let mut pending = refused.pending;
        let refusals = &mut pending.refusals;
        if refusals.count == 0 {
            refusals.accepted_before = self.accepted;
        } else if only_this && self.accepted > refusals.accepted_before {
            refusals.alone += 1;
        }
        refusals.count += 1;
        if refusals.alone < REFUSALS {
            let rest = rest_ms(*refusals);
            return self.put_back(now, about, pending, refused.topic, Some(now + rest));
        }
        self.refused.clear();
        let (offsets, count) = (pending.offsets(), pending.count());
        let since = self.forget(&about);
        if let Some(since) = since {
            let anchor = since.first_offset().unwrap_or(self.next);
            self.insert(about.clone(), anchor, now, since);
            self.wait(&about, now);
        }
        Some(self.give_up("refused", offsets, count, refused.topic))
    }

    /// Whether the sink refuses whatever it is sent, as far as is known.
    pub fn refuses_all(&self) -> bool {
        self.refused.len() > 1
    }

    fn put_back(
        &mut self,
        now: i64,
        about: About,
        mut pending: Pending<A>,
        topic: u32,
        rest_until: Option<i64>,
    ) -> Option<GivenUp> {
        let older = pending.take_older(now - self.pacing.max_age_ms);
        let given_up = self.expired(older, topic);
        let Some(group) = self.groups.get_mut(&about) else {
            return given_up;
        };
        if topic != self.topic {
            self.stand_in -= 1;
            pending.cut(i64::MIN, self.stand_in);
        }
        if let Some(since) = group.pending.take() {
            pending.merge(since);
        }
        if pending.is_empty() {
            self.forget(&about);
            return given_up;
        }
        if group.told.is_none() && topic == self.topic {
            self.anchors.remove(&group.anchor);
            group.anchor = pending.first_offset().unwrap_or(group.anchor);
            self.anchors.insert(group.anchor);
        }
        group.pending = Some(pending);
        match rest_until {
            Some(until) => self.rest(&about, until),
            None => self.wait(&about, now),
        }
        self.fold(now);
        given_up
    }

    fn expired(&mut self, older: Vec<Part<A>>, topic: u32) -> Option<GivenUp> {
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
            // Nothing can be read there any more.
            offsets = Offsets::default();
        }
        // What cannot be read is a dead letter already, or is on the way to it.
        let owed = offsets.common(&self.owed);
        offsets.remove(&owed);
        self.settled.extend(&owed);
        self.owed.extend(&offsets);
        GivenUp {
            reason,
            offsets,
            count,
        }
    }

    /// The sink has accepted something. What failed or was refused meanwhile is tried again: all of it
    /// where several did, since then it was the sink; else what may have met an outage alone.
    pub(super) fn forgive(&mut self, now: i64) {
        let all = self.failed.len() + self.refused.len() > 1;
        self.failed.clear();
        self.refused.clear();
        let behind = (Rank::Behind, Reverse(Level::Critical), i64::MIN);
        let behind = self.waiting.range(behind..).map(|(_, about)| about);
        let abouts: Vec<About> = behind.chain(&self.resting).cloned().collect();
        for about in abouts {
            let Some(group) = self.groups.get_mut(&about) else {
                continue;
            };
            let is_resting = matches!(group.state, State::Resting { .. });
            let Some(pending) = &mut group.pending else {
                continue;
            };
            match is_resting {
                true if pending.refusals.count == 0 || pending.refusals.alone > 0 => continue,
                true => {}
                false if all => pending.attempts = 0,
                // If it fails again, it is its own fault.
                false if pending.attempts == ATTEMPTS_IN_FRONT => pending.attempts += 1,
                false => continue,
            }
            self.wait(&about, now);
        }
    }
}

/// How long something refused is left alone. Once others were accepted its own refusals count.
fn rest_ms(refusals: Refusals) -> i64 {
    let doubled = match refusals.alone {
        0 => refusals.count - 1,
        alone => alone,
    };
    (FIRST_REST_MS << doubled.min(10)).min(LONGEST_REST_MS)
}
