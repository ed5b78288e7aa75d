//! The border between a session and what it runs: records in, outputs out, no Kafka types.
//! Invariant: every output names the source record it came from and which of its outputs it is, so
//! that one that the cluster refuses is replaced alone.

use std::collections::BTreeMap;

use super::observe::{Gap, Unreadable};
use super::worker_state::{Kept, WorkerState};
use crate::event::{NextOffset, Output, OutputBuffer, Partition, RawRecord};

/// Why the cluster refused an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It is larger than its topic accepts.
    Size,
    /// Its topic refuses its content.
    Content,
}

impl Cause {
    /// Metric label and dead-letter header.
    pub const fn reason(self) -> &'static str {
        match self {
            Cause::Size => "output_too_large",
            Cause::Content => "output_invalid",
        }
    }
}

/// One output of a source record that the cluster refused, perhaps more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedOutput {
    /// Which of the record's outputs, see [`crate::event::event_and_output`].
    pub part: u32,
    /// The topic that refused it. A part can go to another topic after it was refused by one.
    pub topic: String,
    /// What the cluster said the last time.
    pub detail: String,
    /// How often it was refused for its size.
    pub by_size: u32,
    /// How often it was refused for its content.
    pub by_content: u32,
}

impl RefusedOutput {
    /// How many other forms of an output are tried after the first one was refused.
    pub const MOST_REPLACEMENTS: u32 = 2;

    /// Metric label and dead-letter header.
    pub fn reason(&self) -> &'static str {
        match self.by_content {
            0 => Cause::Size.reason(),
            _ => Cause::Content.reason(),
        }
    }

    /// Whether it was refused in every form that there is.
    pub fn is_hopeless(&self) -> bool {
        self.by_size + self.by_content > RefusedOutput::MOST_REPLACEMENTS
    }
}

/// What was refused of one source record's outputs: each is replaced, the others stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals(Vec<RefusedOutput>);

impl Refusals {
    /// One more refusal; the output with all that was refused of it so far.
    pub fn note(&mut self, part: u32, topic: &str, cause: Cause, detail: &str) -> &RefusedOutput {
        let known = self
            .0
            .iter()
            .position(|output| output.part == part && output.topic == topic);
        let index = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(RefusedOutput {
                part,
                topic: topic.to_owned(),
                detail: String::new(),
                by_size: 0,
                by_content: 0,
            });
        }
        let output = &mut self.0[index];
        detail.clone_into(&mut output.detail);
        match cause {
            Cause::Size => output.by_size += 1,
            Cause::Content => output.by_content += 1,
        }
        output
    }

    /// The refused outputs, each once.
    pub fn iter(&self) -> impl Iterator<Item = &RefusedOutput> {
        self.0.iter()
    }
}

/// What a worker says about refused outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// The records may be to blame: refused outputs are replaced.
    Replace,
    /// The topics take less than was known. From now on outputs are made to fit them, in batches of
    /// so many bytes at most; no record is to blame.
    Fit {
        /// As [`super::SessionConfig::output_batch_bytes`].
        batch_bytes: usize,
    },
    /// A setting of a topic is to blame, and somebody has to correct it.
    Repair {
        /// Metric label.
        reason: &'static str,
        /// What is wrong and what to repair, for a person.
        remedy: String,
    },
}

/// A source record and, where outputs of it were refused before, which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord<'a> {
    /// The record as it was read.
    pub record: RawRecord<'a>,
    /// Set when the worker must write something else in place of some outputs.
    pub refusals: Option<&'a Refusals>,
    /// How far the partition's log had come when the record was read: the greatest timestamp of its
    /// records so far, ms since the Unix epoch.
    pub logged_ms: Option<i64>,
    /// Whether the partition held it already when it was read for the first time.
    pub history: bool,
}

/// The records of a batch, one after the other. A record is read when it is asked for and freed soon after, because
/// what is allocated and freed in turns costs less than what is held for a whole batch.
pub trait Records {
    /// The next one.
    fn next_record(&mut self) -> Option<SourceRecord<'_>>;
}

impl Records for std::slice::Iter<'_, SourceRecord<'_>> {
    fn next_record(&mut self) -> Option<SourceRecord<'_>> {
        self.next().cloned()
    }
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
        self.records.begin_event(0);
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

    /// Copies of all outputs, in order.
    #[cfg(test)]
    pub fn records(&self) -> Vec<crate::event::OutputRecord> {
        self.records.to_records()
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

    /// The next record of this partition is the first one at or after the committed position `next`. This
    /// is called before the first record after an assignment, and again after every abort. `kept` has what
    /// [`Worker::state`] gave when the last batch before the position was committed; none where it gave
    /// nothing, and on the first start. Where `offsets set` has moved the position, it is that of the position before,
    /// which is named. A position that is put back from its note comes with the state in the note.
    fn on_position(&mut self, _partition: Partition, _next: NextOffset, _kept: Kept<'_>) {}

    /// The next call of [`Worker::on_batch`] begins a transaction; all batches up to the next such call
    /// belong to it. The transaction before may still be on its way to its commit.
    fn on_begin(&mut self) {}

    /// Turn records into outputs. Records of one partition come in order; none is skipped. What the worker does not
    /// take from `batch` counts as processed, too.
    ///
    /// # Errors
    /// The transaction is aborted, and its records are offered again in smaller batches.
    fn on_batch(&mut self, batch: &mut dyn Records, outputs: &mut Outputs) -> Result<(), Refusal>;

    /// What to commit beside the position after the last record that was processed of this partition. It
    /// is asked after [`Worker::on_batch`], for each partition of the batch.
    fn state(&self, _partition: Partition) -> Option<WorkerState> {
        None
    }

    /// Outputs were refused by these topics; called before a record is blamed for it.
    fn on_refused(&mut self, _refused: &[(&str, Cause)]) -> Advice {
        Advice::Replace
    }

    /// The transaction was aborted: forget what was done since the last [`Worker::on_commit`].
    fn on_abort(&mut self) {}

    /// The oldest batch that was not yet committed is committed: one call for each batch.
    fn on_commit(&mut self) {}

    /// Records expired before they were read, and the position moves over them: what is written here
    /// is committed together with the move. It counts as a batch without records: the source index
    /// of its outputs is 0, and [`Worker::on_commit`] or [`Worker::on_abort`] follows. `kept` is as in
    /// [`Worker::on_position`], which follows; what is given is committed in its place.
    fn on_gap(
        &mut self,
        _gap: &Gap,
        kept: Kept<'_>,
        _outputs: &mut Outputs,
    ) -> Option<WorkerState> {
        kept.state_here().cloned()
    }

    /// The group had lost these positions; they are put back as they were last noted. The same as
    /// [`Worker::on_gap`] holds for the outputs.
    fn on_positions_lost(
        &mut self,
        _noted: &BTreeMap<Partition, NextOffset>,
        _outputs: &mut Outputs,
    ) {
    }

    /// Records of a partition cannot be read: what is written here is committed beside the position,
    /// which does not move. The same as [`Worker::on_gap`] holds for the outputs.
    fn on_unreadable(&mut self, _unreadable: &Unreadable, _outputs: &mut Outputs) {}

    /// These partitions are no longer ours.
    fn on_revoke(&mut self, _partitions: &[Partition]) {}
}
