//! A batch between the worker and the commit: what it came from and what it covers; pure.

use std::time::Instant;

use super::mark::Marks;
use super::worker::Outputs;
use crate::event::{Offset, Partition};

/// A record of the source, by partition and offset.
pub(super) type Place = (Partition, Offset);

/// A batch the worker has processed.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) cargo: Cargo,
    pub(super) outputs: Outputs,
}

/// What a batch consists of.
#[derive(Debug, Default)]
pub(super) struct Cargo {
    /// Where each source record stood, in the batch's order.
    pub(super) places: Vec<Place>,
    /// The positions to commit: after the last record of each partition.
    pub(super) marks: Marks,
    /// Bytes of the source records' keys and values.
    pub(super) bytes: usize,
}

/// Batches whose outputs are on their way, to be committed together.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) cargo: Cargo,
    pub(super) batches: usize,
    pub(super) outputs: usize,
    pub(super) started: Instant,
}

impl Flight {
    /// An empty one, started now.
    pub(super) fn new() -> Flight {
        Flight {
            cargo: Cargo::default(),
            batches: 0,
            outputs: 0,
            started: Instant::now(),
        }
    }

    /// One more batch.
    pub(super) fn load(&mut self, cargo: Cargo, outputs: usize) {
        self.cargo.places.extend(cargo.places);
        self.cargo.marks.extend(cargo.marks);
        self.cargo.bytes += cargo.bytes;
        self.batches += 1;
        self.outputs += outputs;
    }
}
