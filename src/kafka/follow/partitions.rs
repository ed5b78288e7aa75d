//! The partitions that the group has given to a member: what was read of each, and which are read now; pure.
//! Invariant: a partition is read only after its position was found, and nothing of a partition is
//! remembered once it is revoked.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::store::StoredPosition;
use super::trail::{Trail, Verdict};
use super::turn::{Assigned, Changed, FollowerEvent, Partitioning};
use crate::event::{NextOffset, Offset, Partition};

/// Pause before a question that was not answered is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How often the end of a partition is looked at while it is read.
const END_CHECK: Duration = Duration::from_secs(10);

/// How long a partition may end before what was read of it, until that is believed: a leader that has just
/// been elected can lag behind for a moment.
const PAST_END_PATIENCE: Duration = Duration::from_secs(10);

/// One partition that is ours.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    pub(super) partition: Partition,
    /// What was read.
    pub(super) trail: Trail,
    /// The offset of the next record.
    pub(super) next: i64,
    /// Whether the group had no position.
    first: bool,
    /// What stood beside the position.
    note: String,
    /// Whether [`FollowerEvent::Assigned`] was told.
    announced: bool,
    reading: Option<Reading>,
    /// Since when the partition ends before what was read of it.
    past_end_since: Option<Instant>,
}

/// How a partition is read; one without is not read until its position is found.
#[derive(Debug, Clone, Copy)]
struct Reading {
    paused: bool,
    end_checked: Instant,
}

impl Followed {
    fn new(partition: Partition) -> Followed {
        Followed {
            partition,
            trail: Trail::default(),
            next: 0,
            first: false,
            note: String::new(),
            announced: false,
            reading: None,
            past_end_since: None,
        }
    }

    /// Whether the group's position is known: it is asked for once.
    pub(super) fn is_announced(&self) -> bool {
        self.announced
    }

    /// Whether the group had no position.
    pub(super) fn is_first(&self) -> bool {
        self.first
    }

    /// Take over the group's position and what stands beside it. Without one, reading begins at the oldest
    /// record, `low`.
    pub(super) fn restore(&mut self, committed: Option<(i64, String)>, low: i64) {
        let Some((next, metadata)) = committed else {
            self.first = true;
            self.next = low;
            return;
        };
        let (note, trail) = Trail::split(&metadata);
        (self.next, self.note, self.trail) = (next, note.to_owned(), trail);
    }

    /// Take over a position that is kept outside of Kafka; as [`Followed::restore`].
    pub(super) fn restore_stored(&mut self, stored: Option<StoredPosition>, low: i64) {
        self.first = stored.is_none();
        self.next = stored.map_or(low, |stored| stored.next.0);
        self.trail = Trail::default();
        if let Some(stored) = stored {
            self.trail.push(stored.next.0 - 1, stored.last);
        }
    }

    /// A record was read.
    pub(super) fn read(&mut self, offset: Offset, hash: u32) {
        self.trail.push(offset.0, hash);
        self.next = offset.next().0;
    }

    /// Whether the partition ends before what was read of it, and that is not to be believed yet.
    pub(super) fn may_catch_up(&mut self, high: i64, now: Instant) -> bool {
        let ends_early = self.next > high || self.trail.last_offset() >= Some(high);
        if !ends_early {
            return false;
        }
        let since = *self.past_end_since.get_or_insert(now);
        now.saturating_duration_since(since) < PAST_END_PATIENCE
    }

    /// What has become of the partition, whose records lie from `low` to before `high` now.
    pub(super) fn change(
        &self,
        verdict: Verdict,
        (low, high): (i64, i64),
        is_other_cluster: bool,
    ) -> Option<Changed> {
        let created_anew = Changed {
            first_new: NextOffset(low),
            kept: false,
        };
        match verdict {
            Verdict::Same => None,
            Verdict::CutShort { first_new } => Some(Changed {
                first_new: NextOffset(first_new),
                kept: true,
            }),
            Verdict::ReCreated => Some(created_anew),
            // Without a trail, a position beyond the end is all that is known.
            Verdict::Unknown => (self.next > high || is_other_cluster).then_some(created_anew),
        }
    }

    /// Decide from where the partition is read; what to tell the user of it.
    pub(super) fn resume(
        &mut self,
        changed: Option<Changed>,
        (low, high): (i64, i64),
    ) -> FollowerEvent {
        let (partition, end) = (self.partition, NextOffset(high));
        let before = self.next;
        let mut expired = 0;
        match changed {
            None => {
                self.next = before.max(low);
                expired = u64::try_from(self.next - before).unwrap_or(0);
            }
            Some(Changed { first_new, kept }) => {
                self.trail.cut(if kept { first_new.0 } else { 0 });
                // What was not read before the change is read, if it is still there.
                let unread = (kept && !self.announced).then_some(before.max(low));
                self.next = unread.map_or(first_new.0, |unread| unread.min(first_new.0));
            }
        }
        match (self.announced, changed) {
            (true, Some(changed)) => FollowerEvent::Changed {
                partition,
                changed,
                end,
            },
            (true, None) => FollowerEvent::Resumed { partition, expired },
            (false, changed) => {
                let note = if expired > 0 { "" } else { &self.note };
                FollowerEvent::Assigned(Assigned {
                    partition,
                    from: NextOffset(self.next),
                    note: note.to_owned(),
                    expired,
                    end,
                    first: self.first && changed.is_none(),
                    changed,
                })
            }
        }
    }

    /// It is being read, and the user knows of it.
    pub(super) fn begin(&mut self, now: Instant) {
        self.announced = true;
        self.past_end_since = None;
        self.reading = Some(Reading {
            paused: false,
            end_checked: now,
        });
    }
}

/// All partitions that are ours.
#[derive(Debug)]
pub(super) struct Partitions {
    partitioning: Partitioning,
    owned: BTreeMap<Partition, Followed>,
    /// When the next question for a position is asked.
    ask_at: Instant,
    /// The partition whose position was asked for last.
    asked: Option<Partition>,
}

impl Partitions {
    pub(super) fn new(partitioning: Partitioning, now: Instant) -> Partitions {
        Partitions {
            partitioning,
            owned: BTreeMap::new(),
            ask_at: now,
            asked: None,
        }
    }

    /// The group has given us these partitions.
    pub(super) fn own(&mut self, partitions: &[Partition], now: Instant) {
        for partition in partitions {
            self.owned.insert(*partition, Followed::new(*partition));
        }
        self.ask_at = now;
    }

    /// The group has taken these partitions from us; those of them that the user was told of.
    pub(super) fn disown(&mut self, partitions: &[Partition]) -> Vec<Partition> {
        let removed = partitions.iter().filter_map(|of| self.owned.remove(of));
        let announced = removed.filter(|followed| followed.announced);
        announced.map(|followed| followed.partition).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.owned.is_empty()
    }

    /// Those that the group has given to us.
    pub(super) fn owned(&self) -> Vec<Partition> {
        self.owned.keys().copied().collect()
    }

    /// Whether the topic is known to have more partitions than it may have.
    pub(super) fn are_too_many(&self) -> bool {
        let is_other = |partition: &Partition| *partition != Partition(0);
        self.partitioning == Partitioning::Single && self.owned.keys().any(is_other)
    }

    /// The next partition that is not read, if its position may be asked for now: each in its turn.
    pub(super) fn next_to_begin(&mut self, now: Instant) -> Option<&mut Followed> {
        if now < self.ask_at || self.are_too_many() {
            return None;
        }
        let pending = || {
            let all = self.owned.values();
            let pending = all.filter(|followed| followed.reading.is_none());
            pending.map(|followed| followed.partition)
        };
        let after = pending().find(|partition| Some(*partition) > self.asked);
        self.asked = Some(after.or_else(|| pending().next())?);
        self.owned.get_mut(&self.asked?)
    }

    /// The last question had no answer: no other is asked for a moment, so that what is read goes on.
    pub(super) fn unanswered(&mut self, now: Instant) {
        self.ask_at = now + ASK_AGAIN;
    }

    /// The partition, if it is being read.
    pub(super) fn read_now(&mut self, partition: Partition) -> Option<&mut Followed> {
        let followed = self.owned.get_mut(&partition);
        followed.filter(|followed| followed.reading.is_some())
    }

    /// The partition, if it is ours.
    pub(super) fn get(&self, partition: Partition) -> Option<&Followed> {
        self.owned.get(&partition)
    }

    /// These partitions are not read until it is known what has become of them; those that were read.
    pub(super) fn doubt(&mut self, of: impl Fn(&Followed) -> bool, now: Instant) -> Vec<Partition> {
        let all = self.owned.values_mut();
        let doubted = all.filter_map(|followed| {
            let was_read = of(followed) && followed.reading.take().is_some();
            was_read.then_some(followed.partition)
        });
        let doubted: Vec<Partition> = doubted.collect();
        if !doubted.is_empty() {
            self.ask_at = now;
        }
        doubted
    }

    /// The partitions to pause, or to resume, so that all that are read are.
    pub(super) fn to_pause(&self, paused: bool) -> Vec<Partition> {
        let other = |reading: Reading| reading.paused != paused;
        let all = self.owned.values();
        all.filter(|followed| followed.reading.is_some_and(other))
            .map(|followed| followed.partition)
            .collect()
    }

    /// All that are read are paused, or resumed.
    pub(super) fn set_paused(&mut self, paused: bool) {
        let all = self.owned.values_mut();
        for reading in all.filter_map(|followed| followed.reading.as_mut()) {
            reading.paused = paused;
        }
    }

    /// A partition of which something was read, and whose end was not looked at for a while; with the last
    /// offset that was read. It counts as looked at.
    pub(super) fn due_end_check(&mut self, now: Instant) -> Option<(Partition, i64)> {
        self.owned.values_mut().find_map(|followed| {
            let reading = followed.reading.as_mut()?;
            let last = followed.trail.last_offset()?;
            let is_due = now.saturating_duration_since(reading.end_checked) >= END_CHECK;
            is_due.then(|| {
                reading.end_checked = now;
                (followed.partition, last)
            })
        })
    }
}

#[cfg(test)]
mod tests;
