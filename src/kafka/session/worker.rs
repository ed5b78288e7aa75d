//! The border between a session and what it runs: records in, outputs out, no Kafka types.
//! Invariant: every output names the source record it came from, so that an output the cluster
//! refuses is traced back to that record and to no other.

use std::collections::BTreeMap;

use super::observe::Gap;
use crate::event::{NextOffset, Output, OutputBuffer, Partition, RawRecord};

/// Why a source record must not be processed in the ordinary way again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Metric label and dead-letter header.
    pub reason: &'static str,
    /// What the cluster said.
    pub detail: String,
    /// 1 on the first return; from 2 on, the dead letter itself was refused and must be cut.
    pub attempt: u32,
}

/// A source record and, where an output of it was refused before, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord<'a> {
    /// The record as it was read.
    pub record: RawRecord<'a>,
    /// Set when the worker must write a dead letter in place of the usual outputs.
    pub quarantine: Option<&'a Quarantine>,
    /// How far the partition's log had come when the record was read: the greatest timestamp of its
    /// records so far, ms since the Unix epoch.
    pub logged_ms: Option<i64>,
    /// Whether the partition held it already when it was read for the first time.
    pub history: bool,
}

/// Outputs of one batch, in the order in which they are written.
#[derive(Debug, Default)]
pub struct Outputs {
    records: OutputBuffer,
    /// The source record of each.
    sources: Vec<usize>,
}

impl Outputs {
    /// What `write` appends is written because of the batch's record at `source_index`.
    pub fn of<T>(&mut self, source_index: usize, write: impl FnOnce(&mut OutputBuffer) -> T) -> T {
        let result = write(&mut self.records);
        self.sources.resize(self.records.len(), source_index);
        result
    }

    /// How many outputs there are so far.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Each with the index of its source record.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, Output<'_>)> {
        self.sources.iter().copied().zip(self.records.iter())
    }

    /// Forget all of them, and keep their memory for the next ones.
    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.sources.clear();
    }
}

/// A worker could not process a batch, through no fault of one record.
#[derive(Debug, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// Metric label.
    pub reason: &'static str,
    /// For the log.
    pub detail: String,
}

/// What a session runs. All calls come from the session's one thread.
pub trait Worker {
    /// These partitions are ours from now on; the batches that follow may hold their records.
    fn on_assign(&mut self, _partitions: &[Partition]) {}

    /// Turn records into outputs. Records of one partition come in order; none is skipped.
    ///
    /// # Errors
    /// The whole batch is taken back and offered again, smaller.
    fn on_batch(
        &mut self,
        batch: &[SourceRecord<'_>],
        outputs: &mut Outputs,
    ) -> Result<(), Refusal>;

    /// What was done since the last [`Worker::on_commit`] did not happen: forget it.
    fn on_abort(&mut self) {}

    /// The oldest batch that was not yet committed is committed: one call for each batch.
    fn on_commit(&mut self) {}

    /// Records expired before they were read, and the position moves over them: what is written here
    /// is committed together with the move. It counts as a batch without records: the source index
    /// of its outputs is 0, and [`Worker::on_commit`] or [`Worker::on_abort`] follows.
    fn on_gap(&mut self, _gap: &Gap, _outputs: &mut Outputs) {}

    /// The group had lost these positions; they are put back as they were last noted. The same as
    /// [`Worker::on_gap`] holds for the outputs.
    fn on_positions_lost(
        &mut self,
        _noted: &BTreeMap<Partition, NextOffset>,
        _outputs: &mut Outputs,
    ) {
    }

    /// These partitions are no longer ours.
    fn on_revoke(&mut self, _partitions: &[Partition]) {}
}
