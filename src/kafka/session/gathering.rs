//! Records that were read and wait to be processed; pure.
//! Invariant: they leave in the order in which they arrived, and `bytes` is the sum of their sizes.

use std::collections::VecDeque;

use super::committed_position::RecordPosition;
use crate::event::Partition;

/// A record that can be gathered.
pub(super) trait Waiting {
    fn place(&self) -> RecordPosition;
    /// Bytes of key and value.
    fn size(&self) -> usize;
}

/// How much more fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Room {
    /// No more than `most` of either.
    pub(super) fn at_most(self, most: Room) -> Room {
        Room {
            records: self.records.min(most.records),
            bytes: self.bytes.min(most.bytes),
        }
    }
}

/// The records that wait.
#[derive(Debug)]
pub(super) struct Gathering<T> {
    waiting: VecDeque<T>,
    bytes: usize,
}

impl<T: Waiting> Gathering<T> {
    pub(super) fn new() -> Gathering<T> {
        Gathering {
            waiting: VecDeque::new(),
            bytes: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether there is enough to fill `room`.
    pub(super) fn fills(&self, room: Room) -> bool {
        self.waiting.len() >= room.records || self.bytes >= room.bytes
    }

    pub(super) fn push(&mut self, record: T) {
        self.bytes += record.size();
        self.waiting.push_back(record);
    }

    /// Forget everything; it will be read again.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.bytes = 0;
    }

    /// Forget the records of partitions that are not kept.
    pub(super) fn retain(&mut self, keep: impl Fn(Partition) -> bool) {
        self.waiting.retain(|record| keep(record.place().0));
        self.bytes = self.waiting.iter().map(Waiting::size).sum();
    }

    /// The next records that fit into `room`, and their bytes. Whatever its size, the first record of a
    /// transaction that `begins` is taken; one that `isolates` names is taken alone.
    pub(super) fn take(
        &mut self,
        room: Room,
        begins: bool,
        isolates: impl Fn(RecordPosition) -> bool,
    ) -> (Vec<T>, usize) {
        let mut batch = Vec::with_capacity(self.waiting.len().min(room.records));
        let mut bytes = 0;
        while let Some(next) = self.waiting.front() {
            let isolated = isolates(next.place());
            let full = batch.len() >= room.records || bytes + next.size() > room.bytes;
            let first = batch.is_empty() && begins;
            if !first && (full || isolated) {
                break;
            }
            bytes += next.size();
            batch.extend(self.waiting.pop_front());
            if isolated {
                break;
            }
        }
        self.bytes -= bytes;
        (batch, bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Offset;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Record(i32, i64, usize);

    impl Waiting for Record {
        fn place(&self) -> RecordPosition {
            (Partition(self.0), Offset(self.1))
        }

        fn size(&self) -> usize {
            self.2
        }
    }

    fn gathered(records: &[Record]) -> Gathering<Record> {
        let mut gathering = Gathering::new();
        records.iter().for_each(|record| gathering.push(*record));
        gathering
    }

    const WIDE: Room = Room {
        records: 100,
        bytes: 100,
    };

    #[test]
    fn a_record_larger_than_the_room_begins_a_transaction_and_never_joins_one() {
        let mut gathering = gathered(&[Record(0, 5, 900), Record(0, 6, 1)]);
        assert_eq!(gathering.take(WIDE, false, |_| false), (vec![], 0));
        let (batch, bytes) = gathering.take(WIDE, true, |_| false);
        assert_eq!((batch, bytes), (vec![Record(0, 5, 900)], 900));
        assert_eq!(gathering.bytes, 1);
    }

    #[test]
    fn an_isolated_record_is_taken_alone() {
        let records = [Record(0, 5, 1), Record(0, 6, 1), Record(0, 7, 1)];
        let mut gathering = gathered(&records);
        let isolates = |(_, offset): RecordPosition| offset == Offset(6);
        let mut taken = || gathering.take(WIDE, true, isolates).0;
        assert_eq!(taken(), [records[0]]);
        assert_eq!(taken(), [records[1]]);
        assert_eq!(taken(), [records[2]]);
    }

    #[test]
    fn the_records_of_other_partitions_stay() {
        let mut gathering = gathered(&[Record(0, 5, 3), Record(1, 5, 4), Record(0, 6, 5)]);
        gathering.retain(|partition| partition == Partition(1));
        assert_eq!(gathering.bytes, 4);
        assert_eq!(gathering.take(WIDE, true, |_| false).0, [Record(1, 5, 4)]);
    }

    proptest! {
        #[test]
        fn batches_join_to_what_was_gathered_and_none_is_larger_than_its_room(
            sizes in prop::collection::vec(0_usize..40, 0..60),
            records in 1_usize..10,
            bytes in 1_usize..80,
        ) {
            let numbered = sizes.iter().enumerate();
            let all: Vec<Record> = numbered.map(|(at, size)| Record(0, at as i64, *size)).collect();
            let mut gathering = gathered(&all);
            let room = Room { records, bytes };
            let mut taken = Vec::new();
            while !gathering.is_empty() {
                let (batch, sum) = gathering.take(room, true, |_| false);
                prop_assert!(!batch.is_empty() && batch.len() <= records);
                prop_assert_eq!(sum, batch.iter().map(Waiting::size).sum::<usize>());
                prop_assert!(sum <= bytes || batch.len() == 1);
                taken.extend(batch);
                let left: usize = all[taken.len()..].iter().map(Waiting::size).sum();
                prop_assert_eq!(gathering.bytes, left);
            }
            prop_assert_eq!(taken, all);
        }
    }
}
