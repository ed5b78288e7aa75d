//! The positions that are committed where partition 0 has none; pure. Either this is the first start, or
//! the group has lost its positions, and there are notes of them.
//! Invariant: a position that the group has is left as it is, and a noted one is put back.

use std::collections::{BTreeMap, BTreeSet};

use super::committed_position::{CommittedPosition, CommittedPositions};
use super::config::Start;
use crate::event::{NextOffset, Partition};

/// The positions, as far as they are known.
#[derive(Debug)]
pub(super) struct FirstPositions {
    /// Partitions without a position in the group.
    missing: BTreeSet<Partition>,
    /// Whether nothing was ever noted.
    is_first_start: bool,
    /// What is to be committed.
    positions: CommittedPositions,
    /// Those of them that are put back.
    lost: BTreeMap<Partition, NextOffset>,
}

impl FirstPositions {
    /// The partitions that must have a position: all of the source, and those with a note.
    pub(super) fn wanted(count: u32, noted: &CommittedPositions) -> Vec<Partition> {
        let all: BTreeSet<Partition> = (0..count.cast_signed()).map(Partition).collect();
        let noted = noted.keys().copied().collect();
        all.union(&noted).copied().collect()
    }

    /// Of the `wanted` partitions the group has `committed` some.
    pub(super) fn new(
        wanted: Vec<Partition>,
        noted: CommittedPositions,
        committed: &CommittedPositions,
    ) -> FirstPositions {
        let is_missing = |partition: &Partition| !committed.contains_key(partition);
        let is_first_start = noted.is_empty();
        let mut positions = noted;
        positions.retain(|partition, _| is_missing(partition));
        let lost = positions.iter().map(|(of, position)| (*of, position.next));
        FirstPositions {
            missing: wanted.into_iter().filter(is_missing).collect(),
            is_first_start,
            lost: lost.collect(),
            positions,
        }
    }

    /// Where partitions begin that have neither a position nor a note.
    pub(super) fn start(&self, configured: Start) -> Start {
        match self.is_first_start {
            true => configured,
            false => Start::Earliest,
        }
    }

    /// Those partitions.
    pub(super) fn to_begin(&self) -> Vec<Partition> {
        let unknown = |of: &&Partition| !self.positions.contains_key(*of);
        self.missing.iter().filter(unknown).copied().collect()
    }

    /// One of them begins here, and ends at `end` now. What it holds already is history, unless positions
    /// were only lost.
    pub(super) fn begin(
        &mut self,
        partition: Partition,
        mut position: CommittedPosition,
        end: NextOffset,
    ) {
        let is_history = self.is_first_start && position.next < end;
        position.evidence.history = is_history.then_some(end.0);
        self.positions.insert(partition, position);
    }

    /// What is to be committed.
    pub(super) fn positions(&self) -> &CommittedPositions {
        &self.positions
    }

    /// The noted positions among them, which the group had and has lost.
    pub(super) fn lost(&self) -> &BTreeMap<Partition, NextOffset> {
        &self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::session::committed_position::SourceIdentity;

    fn position(next: i64) -> CommittedPosition {
        let source = SourceIdentity {
            cluster: None,
            topic: "audit".into(),
        };
        source.bare(NextOffset(next))
    }

    fn positions<const N: usize>(of: [(i32, i64); N]) -> CommittedPositions {
        let each = of.into_iter();
        each.map(|(of, next)| (Partition(of), position(next)))
            .collect()
    }

    fn first<const N: usize, const C: usize>(
        count: u32,
        noted: [(i32, i64); N],
        committed: [(i32, i64); C],
    ) -> FirstPositions {
        let noted = positions(noted);
        let wanted = FirstPositions::wanted(count, &noted);
        FirstPositions::new(wanted, noted, &positions(committed))
    }

    #[test]
    fn on_a_first_start_each_partition_begins_where_the_configuration_says_and_the_rest_is_history()
    {
        let mut first = first(3, [], [(2, 70)]);
        assert_eq!(first.start(Start::Latest), Start::Latest);
        assert_eq!(first.to_begin(), [Partition(0), Partition(1)]);
        first.begin(Partition(0), position(5), NextOffset(9));
        first.begin(Partition(1), position(9), NextOffset(9));
        let history = |of| first.positions()[&Partition(of)].evidence.history;
        assert_eq!((history(0), history(1)), (Some(9), None));
        assert_eq!(first.positions().len(), 2, "partition 2 has a position");
        assert!(first.lost().is_empty() && first.to_begin().is_empty());
    }

    #[test]
    fn lost_positions_are_put_back_and_partitions_without_a_note_begin_with_the_oldest_record() {
        // Partition 4 has a note, although the source has three partitions only now.
        let mut first = first(3, [(0, 5), (1, 6), (4, 8)], [(1, 66)]);
        let lost = BTreeMap::from([(Partition(0), NextOffset(5)), (Partition(4), NextOffset(8))]);
        assert_eq!(first.lost(), &lost);
        assert_eq!(first.start(Start::Latest), Start::Earliest);
        assert_eq!(first.to_begin(), [Partition(2)]);
        first.begin(Partition(2), position(0), NextOffset(9));
        assert_eq!(*first.positions(), positions([(0, 5), (2, 0), (4, 8)]));
    }

    #[test]
    fn where_the_group_has_every_noted_position_nothing_is_lost() {
        let first = first(2, [(1, 6)], [(1, 66)]);
        assert!(first.lost().is_empty() && first.positions().is_empty());
        assert_eq!(first.to_begin(), [Partition(0)]);
        assert_eq!(first.start(Start::Latest), Start::Earliest);
    }
}
