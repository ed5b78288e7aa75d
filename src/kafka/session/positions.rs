//! Which partitions a session owns and how far each is committed; pure, without Kafka.
//! Invariant: a position is either known to be committed, or pending: read it from the group
//! before any record of that partition is processed.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::observe::Gap;
use crate::event::{NextOffset, Offset, Partition};

/// What is known of one owned partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The group has to be asked; `past_end_since` is set while its answer lies past the end.
    Pending { past_end_since: Option<Instant> },
    /// Being read.
    Running {
        committed: NextOffset,
        read: NextOffset,
    },
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

    /// The partitions being read and their committed positions.
    pub(super) fn running(&self) -> Vec<(Partition, NextOffset)> {
        let running = |(partition, state): (&Partition, &State)| match state {
            State::Running { committed, .. } => Some((*partition, *committed)),
            State::Pending { .. } => None,
        };
        self.partitions.iter().filter_map(running).collect()
    }

    /// The position is known: read from there.
    pub(super) fn start(&mut self, partition: Partition, committed: NextOffset) {
        if let Some(state) = self.partitions.get_mut(&partition) {
            *state = State::Running {
                committed,
                read: committed,
            };
        }
    }

    /// Since when the committed position lies past the end; the first call starts the clock.
    pub(super) fn past_end_since(&mut self, partition: Partition, now: Instant) -> Instant {
        match self.partitions.get_mut(&partition) {
            Some(State::Pending { past_end_since }) => *past_end_since.get_or_insert(now),
            _ => now,
        }
    }

    /// Forget every position: the group knows better.
    pub(super) fn forget(&mut self) {
        for state in self.partitions.values_mut() {
            *state = PENDING;
        }
    }

    /// Note a record as read; `false` if it is not the next one expected of an owned partition.
    pub(super) fn accept(&mut self, partition: Partition, offset: Offset) -> bool {
        match self.partitions.get_mut(&partition) {
            Some(State::Running { read, .. }) if offset.0 >= read.0 => {
                *read = offset.next();
                true
            }
            _ => false,
        }
    }

    /// Everything read but not committed will be read again.
    pub(super) fn rewind(&mut self) {
        for state in self.partitions.values_mut() {
            if let State::Running { committed, read } = state {
                *read = *committed;
            }
        }
    }

    /// These positions are committed.
    pub(super) fn commit(&mut self, offsets: &BTreeMap<Partition, NextOffset>) {
        for (partition, next) in offsets {
            if let Some(State::Running { committed, .. }) = self.partitions.get_mut(partition) {
                *committed = *next;
            }
        }
    }
}

/// What travels with a committed position, as ASCII JSON: enough to recognize a position that was
/// made on another cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct CommitMetadata {
    /// Id of the source cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cluster: Option<String>,
}

impl CommitMetadata {
    /// Ids that are not plain ASCII are left out: rdkafka 0.39 panics on what is not UTF-8.
    pub(super) fn new(cluster_id: Option<&str>) -> CommitMetadata {
        CommitMetadata {
            cluster: cluster_id.filter(|id| id.is_ascii()).map(str::to_owned),
        }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Metadata of other tools, and none at all, read as knowing nothing.
    pub(super) fn parse(text: &str) -> CommitMetadata {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// What a committed position means for the partition as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Go on from here.
    Resume(NextOffset),
    /// Records are gone.
    Gap(Gap),
    /// The partition ends before the position.
    PastEnd,
    /// The position was made on this other cluster.
    Foreign(String),
}

/// Judge a committed position against the partition's oldest offset and its end.
pub(super) fn judge(
    partition: Partition,
    position: NextOffset,
    metadata: &CommitMetadata,
    source_cluster: Option<&str>,
    (oldest, end): (NextOffset, NextOffset),
) -> Verdict {
    if let (Some(committed), Some(found)) = (metadata.cluster.as_deref(), source_cluster)
        && committed != found
    {
        return Verdict::Foreign(committed.to_owned());
    }
    if position > end {
        return Verdict::PastEnd;
    }
    if position < oldest {
        return Verdict::Gap(Gap {
            partition,
            from: position,
            to: oldest,
        });
    }
    Verdict::Resume(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    const P0: Partition = Partition(0);

    fn started(at: i64) -> Positions {
        let mut positions = Positions::default();
        positions.own(&[P0]);
        positions.start(P0, NextOffset(at));
        positions
    }

    #[test]
    fn a_record_is_accepted_once() {
        let mut positions = started(5);
        assert!(!positions.accept(P0, Offset(4)));
        assert!(positions.accept(P0, Offset(5)));
        assert!(!positions.accept(P0, Offset(5)));
        assert!(positions.accept(P0, Offset(9)), "markers leave holes");
    }

    #[test]
    fn a_rewind_goes_back_to_what_is_committed() {
        let mut positions = started(5);
        positions.accept(P0, Offset(5));
        positions.commit(&BTreeMap::from([(P0, NextOffset(6))]));
        positions.accept(P0, Offset(6));
        positions.rewind();
        assert!(positions.accept(P0, Offset(6)));
        assert_eq!(positions.running(), [(P0, NextOffset(6))]);
    }

    #[test]
    fn nothing_is_accepted_while_the_position_is_pending() {
        let mut positions = started(5);
        positions.forget();
        assert_eq!(positions.pending(), [P0]);
        assert!(!positions.accept(P0, Offset(5)));
    }

    #[test]
    fn a_partition_of_somebody_else_is_never_accepted() {
        let mut positions = started(5);
        positions.disown(&[P0]);
        assert!(!positions.accept(P0, Offset(5)));
        assert!(!positions.owns(P0));
    }

    #[test]
    fn positions_are_judged_against_what_the_partition_still_holds() {
        let known = CommitMetadata::new(Some("here"));
        let judge_at = |at| {
            let bounds = (NextOffset(10), NextOffset(20));
            judge(P0, NextOffset(at), &known, Some("here"), bounds)
        };
        assert_eq!(judge_at(10), Verdict::Resume(NextOffset(10)));
        assert_eq!(judge_at(20), Verdict::Resume(NextOffset(20)));
        assert_eq!(judge_at(21), Verdict::PastEnd);
        let Verdict::Gap(gap) = judge_at(4) else {
            panic!("no gap")
        };
        assert_eq!(gap.records(), 6);
    }

    #[test]
    fn a_position_of_another_cluster_is_foreign_whatever_its_number() {
        let there = CommitMetadata::new(Some("there"));
        let bounds = (NextOffset(0), NextOffset(20));
        assert_eq!(
            judge(P0, NextOffset(5), &there, Some("here"), bounds),
            Verdict::Foreign("there".into())
        );
        assert_eq!(
            judge(P0, NextOffset(5), &there, None, bounds),
            Verdict::Resume(NextOffset(5)),
            "a broker without an id proves nothing"
        );
    }

    #[test]
    fn metadata_survives_its_journey_and_foreign_text_reads_as_nothing() {
        let known = CommitMetadata::new(Some("4L6g3nShT-eMCtK--X86sw"));
        assert!(known.to_json().is_ascii());
        assert_eq!(CommitMetadata::parse(&known.to_json()), known);
        for foreign in ["", "consumer-1", "{\"cluster\":7}"] {
            assert_eq!(CommitMetadata::parse(foreign), CommitMetadata::default());
        }
    }
}
