//! A batch between the worker and the commit: the records it came from and what it covers; pure.
//! Invariant: an open transaction commits, for each partition, the position after the last record that
//! was added to it.

use std::time::Instant;

use super::committed_position::{CommittedPositions, RecordPosition};
use super::gathering::Room;
use super::worker::Outputs;

/// A batch the worker has processed.
#[derive(Debug, Default)]
pub(super) struct ProcessedBatch {
    pub(super) contents: BatchContents,
    pub(super) outputs: Outputs,
}

/// What a batch consists of.
#[derive(Debug, Default)]
pub(super) struct BatchContents {
    /// Where each source record stood, in the batch's order.
    pub(super) places: Vec<RecordPosition>,
    /// The positions to commit: after the last record of each partition.
    pub(super) positions: CommittedPositions,
    /// Bytes of the source records' keys and values.
    pub(super) bytes: usize,
}

/// The transaction under way: batches whose outputs were handed over, to be committed together.
#[derive(Debug)]
pub(super) struct OpenTransaction {
    pub(super) contents: BatchContents,
    pub(super) batches: usize,
    pub(super) outputs: usize,
    pub(super) started: Instant,
}

impl OpenTransaction {
    /// An empty one.
    pub(super) fn new(started: Instant) -> OpenTransaction {
        OpenTransaction {
            contents: BatchContents::default(),
            batches: 0,
            outputs: 0,
            started,
        }
    }

    /// Add a batch; returns the index of its first record in the transaction.
    pub(super) fn add(&mut self, contents: BatchContents, outputs: usize) -> usize {
        let base = self.contents.places.len();
        self.contents.places.extend(contents.places);
        self.contents.positions.extend(contents.positions);
        self.contents.bytes += contents.bytes;
        self.batches += 1;
        self.outputs += outputs;
        base
    }

    /// What still fits, where `most` is the size of a whole transaction.
    pub(super) fn room(&self, most: Room) -> Room {
        Room {
            records: most.records.saturating_sub(self.contents.places.len()),
            bytes: most.bytes.saturating_sub(self.contents.bytes),
        }
    }

    /// Whether it has as much as it may have.
    pub(super) fn is_full(&self, most: Room) -> bool {
        let room = self.room(most);
        room.records == 0 || room.bytes == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{NextOffset, Offset, Partition};
    use crate::kafka::session::committed_position::{CommittedPosition, Evidence};

    fn batch(places: &[(i32, i64)], bytes: usize) -> BatchContents {
        let position = |offset: &i64| CommittedPosition {
            next: NextOffset(offset + 1),
            evidence: Evidence::default(),
        };
        let positions = places.iter().map(|(of, at)| (Partition(*of), position(at)));
        let places = places.iter().map(|(of, at)| (Partition(*of), Offset(*at)));
        BatchContents {
            places: places.collect(),
            positions: positions.collect(),
            bytes,
        }
    }

    #[test]
    fn batches_are_numbered_on_and_the_last_position_of_a_partition_is_committed() {
        let mut transaction = OpenTransaction::new(Instant::now());
        assert_eq!(transaction.add(batch(&[(0, 5), (1, 7)], 10), 3), 0);
        assert_eq!(transaction.add(batch(&[(0, 6)], 4), 1), 2);
        assert_eq!(transaction.add(batch(&[], 0), 0), 3);
        let next = |of| transaction.contents.positions[&Partition(of)].next;
        assert_eq!((next(0), next(1)), (NextOffset(7), NextOffset(8)));
        assert_eq!(transaction.contents.bytes, 14);
        assert_eq!((transaction.batches, transaction.outputs), (3, 4));
    }

    #[test]
    fn a_transaction_is_full_by_records_or_by_bytes() {
        let mut transaction = OpenTransaction::new(Instant::now());
        transaction.add(batch(&[(0, 5), (0, 6)], 10), 0);
        let most = |records, bytes| Room { records, bytes };
        assert!(!transaction.is_full(most(3, 11)));
        assert_eq!(transaction.room(most(3, 11)), most(1, 1));
        assert!(transaction.is_full(most(2, 100)));
        assert!(transaction.is_full(most(100, 10)));
        // The size of a batch may have been halved meanwhile.
        assert_eq!(transaction.room(most(1, 1)), most(0, 0));
    }
}
