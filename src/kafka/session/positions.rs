//! Which partitions a session owns and how far each is committed; pure, without Kafka.
//! Invariant: a position is either known to be committed, or pending: read it from the group
//! before any record of that partition is processed.

mod lag;
mod noted;

use std::collections::BTreeMap;
use std::time::Instant;

use super::committed_position::{CommittedPosition, CommittedPositions, Evidence, LastRecord};
use super::observe::Unreadable;
use crate::event::{Latest, NextOffset, Offset, Partition};

/// What is known of one owned partition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// The group has to be asked; `past_end_since` is set while its answer lies past the end.
    Pending { past_end_since: Option<Instant> },
    /// The source has no such partition.
    Absent,
    /// Being read.
    Running(Box<Running>),
}

/// A partition that is being read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Running {
    committed: CommittedPosition,
    read: NextOffset,
    /// How far the log has come with what is read.
    latest: Latest,
    /// The last record is read once more, to see that it is still the same.
    unproven: bool,
    /// Whether a record has come since reading began here: until then the client may still report its
    /// earlier position.
    fresh: bool,
    /// The position last noted outside the group, and when.
    noted: Option<(NextOffset, Instant)>,
    /// When nothing was left to read.
    caught_up: Option<Instant>,
    /// Set while the next records cannot be read; the partition is not read then.
    unreadable: Option<Box<Unreadable>>,
}

impl Running {
    /// Where the last record has to be seen again, it is read first.
    fn proof_or(&self, next: NextOffset) -> NextOffset {
        match &self.committed.evidence.last {
            Some(last) if self.unproven => NextOffset(last.offset),
            _ => next,
        }
    }
}

/// What a record that has arrived is to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The next one to process.
    Next,
    /// The one before the position: it must be this one.
    Proof(LastRecord),
    /// Read before a rewind or a rebalance.
    Stale,
}

/// The owned partitions.
#[derive(Debug, Default)]
pub(super) struct Positions {
    partitions: BTreeMap<Partition, State>,
}

const PENDING: State = State::Pending {
    past_end_since: None,
};

impl Positions {
    pub(super) fn own(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.partitions.insert(*partition, PENDING);
        }
    }

    pub(super) fn disown(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.partitions.remove(partition);
        }
    }

    pub(super) fn owned(&self) -> Vec<Partition> {
        self.partitions.keys().copied().collect()
    }

    pub(super) fn owns(&self, partition: Partition) -> bool {
        self.partitions.contains_key(&partition)
    }

    pub(super) fn pending(&self) -> Vec<Partition> {
        let pending = |state: &State| matches!(state, State::Pending { .. });
        let of = self.partitions.iter().filter(|(_, state)| pending(state));
        of.map(|(partition, _)| *partition).collect()
    }

    fn running(&self) -> impl Iterator<Item = (Partition, &Running)> {
        self.partitions
            .iter()
            .filter_map(|(partition, state)| match state {
                State::Running(running) => Some((*partition, running.as_ref())),
                _ => None,
            })
    }

    fn running_mut(&mut self, partition: Partition) -> Option<&mut Running> {
        match self.partitions.get_mut(&partition) {
            Some(State::Running(running)) => Some(running.as_mut()),
            _ => None,
        }
    }

    /// The committed positions of the partitions being read.
    pub(super) fn committed(&self) -> BTreeMap<Partition, NextOffset> {
        let running = self.running();
        running.map(|(of, r)| (of, r.committed.next)).collect()
    }

    /// From where the partitions are read that can be read: one record early where the last one has
    /// to be seen again.
    pub(super) fn sought(&self) -> Vec<(Partition, NextOffset)> {
        let readable = self.running().filter(|(_, r)| r.unreadable.is_none());
        let from = |running: &Running| running.proof_or(running.committed.next);
        readable.map(|(of, running)| (of, from(running))).collect()
    }

    /// The same after what was already read, committed or not.
    pub(super) fn sought_on(&self) -> Vec<(Partition, NextOffset)> {
        let readable = self.running().filter(|(_, r)| r.unreadable.is_none());
        let from = |running: &Running| running.proof_or(running.read);
        readable.map(|(of, running)| (of, from(running))).collect()
    }

    /// Reading begins anew after what was already read.
    pub(super) fn read_on(&mut self) {
        for state in self.partitions.values_mut() {
            if let State::Running(running) = state {
                running.fresh = false;
            }
        }
    }

    /// The last record cannot be read again, which proves nothing; the next one may be readable.
    /// Where the partition is to be read instead, or `None` where the last record was not asked for.
    pub(super) fn give_up_proof(&mut self, partition: Partition) -> Option<NextOffset> {
        let running = self.running_mut(partition)?;
        std::mem::take(&mut running.unproven).then_some(running.read)
    }

    /// The next records of a partition cannot be read.
    pub(super) fn hold(&mut self, unreadable: Unreadable) {
        if let Some(running) = self.running_mut(unreadable.partition) {
            running.unreadable = Some(Box::new(unreadable));
        }
    }

    /// They can be read now.
    pub(super) fn release(&mut self, partition: Partition) {
        if let Some(running) = self.running_mut(partition) {
            running.unreadable = None;
        }
    }

    /// Whether a partition is held because its next records cannot be read.
    pub(super) fn is_held(&self, partition: Partition) -> bool {
        matches!(self.partitions.get(&partition), Some(State::Running(running)) if running.unreadable.is_some())
    }

    /// What cannot be read.
    pub(super) fn held(&self) -> Vec<Unreadable> {
        let held = self.running().filter_map(|(_, r)| r.unreadable.as_deref());
        held.cloned().collect()
    }

    /// Records that cannot be read and that no alert reports yet, although everything before them is
    /// committed; with the position that remembers the report.
    pub(super) fn unreported(&self) -> Vec<(Unreadable, CommittedPosition)> {
        let unreported = self.running().filter_map(|(_, running)| {
            let (unreadable, committed) = (running.unreadable.as_deref()?, &running.committed);
            let reported = committed.evidence.unreadable == Some(unreadable.offset.0);
            if reported || running.read != committed.next {
                return None;
            }
            let mut position = committed.clone();
            position.evidence.unreadable = Some(unreadable.offset.0);
            Some((unreadable.clone(), position))
        });
        unreported.collect()
    }

    /// The position is known: read from there. The last record is asked for once more where it can
    /// still be there, that is at or after `oldest`.
    pub(super) fn start(
        &mut self,
        partition: Partition,
        committed: CommittedPosition,
        oldest: NextOffset,
    ) {
        let last = committed.evidence.last.as_ref();
        let unproven = last.is_some_and(|last| {
            let offset = NextOffset(last.offset);
            offset >= oldest && offset < committed.next
        });
        if let Some(state) = self.partitions.get_mut(&partition) {
            *state = State::Running(Box::new(Running {
                read: committed.next,
                latest: Latest(committed.evidence.latest_ms),
                committed,
                unproven,
                fresh: false,
                noted: None,
                caught_up: None,
                unreadable: None,
            }));
        }
    }

    /// The source has no such partition: nothing is waited for until [`Positions::look_again`].
    pub(super) fn absent(&mut self, partition: Partition) {
        if let Some(state) = self.partitions.get_mut(&partition) {
            *state = State::Absent;
        }
    }

    /// The source has grown: what was absent may be there now.
    pub(super) fn look_again(&mut self) {
        for state in self.partitions.values_mut() {
            if *state == State::Absent {
                *state = PENDING;
            }
        }
    }

    /// Since when the committed position lies past the end; the first call starts the clock.
    pub(super) fn past_end_since(&mut self, partition: Partition, now: Instant) -> Instant {
        match self.partitions.get_mut(&partition) {
            Some(State::Pending { past_end_since }) => *past_end_since.get_or_insert(now),
            _ => now,
        }
    }

    /// Forget every position: the group is asked for them again.
    pub(super) fn forget(&mut self) {
        for state in self.partitions.values_mut() {
            *state = PENDING;
        }
    }

    /// Note a record as read, and say what it is.
    pub(super) fn arrive(&mut self, partition: Partition, offset: Offset) -> Arrival {
        let Some(running) = self.running_mut(partition) else {
            return Arrival::Stale;
        };
        running.fresh = true;
        if let Some(last) = running.committed.evidence.last.as_ref()
            && running.unproven
            && offset.0 >= last.offset
        {
            running.unproven = false;
            if offset.0 == last.offset {
                return Arrival::Proof(last.clone());
            }
            tracing::debug!(
                partition = partition.0,
                offset = last.offset,
                "the last record that was consumed is gone: it may have expired, so that this is no fault"
            );
        }
        if offset.0 < running.read.0 {
            return Arrival::Stale;
        }
        running.read = offset.next();
        Arrival::Next
    }

    /// A record to be processed was read now. Returns how far the log has come by the timestamps of its
    /// records, and by all that is known: a record was written after the moment in which nothing was
    /// left to read, whatever its timestamp and the wall clock say.
    pub(super) fn see(
        &mut self,
        of: Partition,
        timestamp_ms: Option<i64>,
        (now_ms, now): (i64, Instant),
    ) -> (Latest, Option<i64>) {
        let Some(running) = self.running_mut(of) else {
            return (Latest::default(), None);
        };
        running.latest.see(timestamp_ms, now_ms);
        let since_ms = running.caught_up.map(|at| {
            let since = now.saturating_duration_since(at).as_millis();
            now_ms.saturating_sub(i64::try_from(since).unwrap_or(i64::MAX))
        });
        (running.latest, running.latest.0.max(since_ms))
    }

    /// The committed position of a partition that is being read.
    pub(super) fn position(&self, of: Partition) -> Option<&CommittedPosition> {
        match self.partitions.get(&of) {
            Some(State::Running(running)) => Some(&running.committed),
            _ => None,
        }
    }

    /// The evidence beside it.
    pub(super) fn evidence(&self, of: Partition) -> Option<&Evidence> {
        self.position(of).map(|position| &position.evidence)
    }

    /// Whether the partition held the record already when it was read for the first time.
    pub(super) fn is_history(&self, of: Partition, offset: Offset) -> bool {
        let end = self.evidence(of).and_then(|evidence| evidence.history);
        end.is_some_and(|end| offset.0 < end)
    }

    /// Everything read but not committed will be read again.
    pub(super) fn rewind(&mut self) {
        for state in self.partitions.values_mut() {
            if let State::Running(running) = state {
                if running.read != running.committed.next {
                    // What comes before the record that cannot be read is read again.
                    running.unreadable = None;
                }
                running.read = running.committed.next;
                running.latest = Latest(running.committed.evidence.latest_ms);
                running.fresh = false;
            }
        }
    }

    /// These positions are committed.
    pub(super) fn commit(&mut self, next_positions: &CommittedPositions) {
        for (partition, position) in next_positions {
            if let Some(running) = self.running_mut(*partition) {
                running.committed = position.clone();
                running.read = running.read.max(position.next);
                running.unproven = false;
            }
        }
    }

    /// Positions that can move on without a record: every record is committed, and what the client
    /// has `handed_over` since goes further.
    pub(super) fn skippable(
        &self,
        handed_over: &BTreeMap<Partition, NextOffset>,
    ) -> CommittedPositions {
        let mut next_positions = CommittedPositions::new();
        for (partition, running) in self.running() {
            let committed = &running.committed;
            let idle = running.fresh && !running.unproven && running.read == committed.next;
            if let Some(next) = handed_over.get(&partition)
                && idle
                && *next > committed.next
            {
                let (next, evidence) = (*next, committed.evidence.clone());
                next_positions.insert(partition, CommittedPosition { next, evidence });
            }
        }
        next_positions
    }
}

#[cfg(test)]
mod tests;
