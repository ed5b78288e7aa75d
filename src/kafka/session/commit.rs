//! From a processed batch to its commit: outputs, positions and notes in one transaction.
//! Invariant: a position is committed together with the outputs of every record before it; one that
//! moves without records is committed alone, with nothing else under way.

use std::collections::BTreeMap;
use std::time::Instant;

use super::committed_position::{CommittedPosition, CommittedPositions};
use super::deliveries::NO_SOURCE;
use super::failure::{BatchFailure, trouble};
use super::observe::Commit;
use super::owner::COMMIT_PATIENCE;
use super::source_reader::Fetched;
use super::transaction::{BatchContents, OpenTransaction, ProcessedBatch};
use super::turn::{Session, reopen};
use super::worker::Outputs;
use crate::event::{OutputBuffer, Partition};
use crate::kafka::fault::Side;
use rdkafka::types::RDKafkaErrorCode as Code;

impl Session<'_> {
    /// The positions after a batch, given the last record of each partition.
    pub(super) fn positions_after(
        &self,
        last: &BTreeMap<Partition, Fetched<'_>>,
    ) -> CommittedPositions {
        let position = |(partition, fetched): (&Partition, &Fetched<'_>)| {
            let next = fetched.offset().next();
            let mut evidence = self.facts.source.evidence(Some(fetched.last_record()));
            if let Some(before) = self.positions.evidence(*partition) {
                evidence = evidence.after(before, fetched.latest, next);
            }
            evidence.state = self.worker.state(*partition);
            (*partition, CommittedPosition { next, evidence })
        };
        last.iter().map(position).collect()
    }

    /// Hand a batch's outputs to the writer, in the transaction under way or a new one.
    pub(super) fn dispatch(&mut self, processed: ProcessedBatch) -> Result<(), BatchFailure> {
        let ProcessedBatch {
            contents,
            mut outputs,
        } = processed;
        let result = self.hand_over(contents, &outputs);
        outputs.clear();
        self.spare = outputs;
        result
    }

    fn hand_over(
        &mut self,
        contents: BatchContents,
        outputs: &Outputs,
    ) -> Result<(), BatchFailure> {
        if contents.places.is_empty() {
            return Ok(());
        }
        let first = self.transaction.is_none();
        let transaction = self
            .transaction
            .get_or_insert_with(|| OpenTransaction::new(Instant::now()));
        let base = transaction.add(contents, outputs.len());
        if first {
            self.writer.begin()?;
        }
        let deadline = self.deadline();
        for (source_index, output) in outputs.iter() {
            self.writer.send(base + source_index, output, deadline)?;
        }
        // Outputs that are delivered meanwhile leave their memory to those that follow.
        self.writer.serve();
        Ok(())
    }

    /// Hand notes of positions to the writer.
    fn send_notes<'m>(
        &self,
        positions: impl Iterator<Item = (&'m Partition, &'m CommittedPosition)>,
        deadline: Instant,
    ) -> Result<(), BatchFailure> {
        let mut notes = OutputBuffer::default();
        for (partition, position) in positions {
            notes.push_record(&self.notes.record(*partition, position));
        }
        notes
            .iter()
            .try_for_each(|note| self.writer.send(NO_SOURCE, note, deadline))
    }

    /// Deliver and commit what is under way.
    pub(super) fn finish(&mut self) -> Result<(), BatchFailure> {
        let Some(transaction) = self.transaction.take() else {
            return Ok(());
        };
        let deadline = self.deadline_of(transaction.started);
        let positions = &transaction.contents.positions;
        let noted = self.positions.due_notes(positions, Instant::now());
        let due = positions.iter().filter(|(of, _)| noted.contains(of));
        let sent = self.send_notes(due, deadline);
        if let Err(failure) = sent.and_then(|()| self.seal(positions, deadline)) {
            // Its records are needed to find out whose output was refused.
            self.transaction = Some(transaction);
            return Err(failure);
        }
        let now = Instant::now();
        self.positions.commit(&transaction.contents.positions);
        self.positions.note(&noted, now);
        self.blame.committed(&transaction.contents);
        self.pace.committed(now);
        self.clear_trouble(Side::Destination);
        (0..transaction.batches).for_each(|_| self.worker.on_commit());
        self.observer.committed(Commit {
            records: transaction.contents.places.len(),
            outputs: transaction.outputs,
            bytes: transaction.contents.bytes,
            latency: transaction.started.elapsed(),
        });
        Ok(())
    }

    /// Commit positions to which no record leads, and note them, in one transaction. Nothing else is
    /// under way.
    pub(super) fn commit_positions(
        &mut self,
        positions: &CommittedPositions,
    ) -> Result<(), BatchFailure> {
        self.commit_positions_with(positions, &Outputs::default())
    }

    /// The same together with outputs that no record has caused.
    pub(super) fn commit_positions_with(
        &mut self,
        positions: &CommittedPositions,
        outputs: &Outputs,
    ) -> Result<(), BatchFailure> {
        let deadline = self.deadline();
        self.writer.begin()?;
        for (_, output) in outputs.iter() {
            self.writer.send(NO_SOURCE, output, deadline)?;
        }
        self.send_notes(positions.iter(), deadline)?;
        self.seal(positions, deadline)?;
        self.blame.passed(positions);
        Ok(())
    }

    /// Wait for what was handed to the writer, then commit it together with these positions.
    fn seal(
        &mut self,
        positions: &CommittedPositions,
        deadline: Instant,
    ) -> Result<(), BatchFailure> {
        let observer = self.observer;
        self.writer.drain(deadline, || observer.turned())?;
        let Some(membership) = self.owner.membership() else {
            return Err(BatchFailure::Abort {
                reason: "assignment_lost",
                detail: "partitions may belong to another member".into(),
            });
        };
        if self.writer.is_transactional() {
            let list = self.owner.offsets(positions).map_err(reopen)?;
            let turned = || observer.turned();
            return self.writer.commit(&list, membership, deadline, turned);
        }
        let asked = Instant::now();
        let committed = self
            .owner
            .commit(positions, || self.no_later_than(asked + COMMIT_PATIENCE));
        let Err(error) = committed else {
            return Ok(());
        };
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        let context = format!("commit positions of the group {}", self.config.group);
        Err(BatchFailure::Rebuild {
            reason: "commit_failed",
            detail: error.to_string(),
            trouble: trouble(Side::Destination, code, &context),
        })
    }

    /// Until when the batch under way, or one that begins now, must be committed.
    pub(super) fn deadline(&self) -> Instant {
        let started = self
            .transaction
            .as_ref()
            .map(|transaction| transaction.started);
        self.deadline_of(started.unwrap_or_else(Instant::now))
    }

    fn deadline_of(&self, started: Instant) -> Instant {
        self.no_later_than(started + self.config.transaction_timeout())
    }

    /// A deadline, or an earlier one once the session is asked to stop.
    fn no_later_than(&self, deadline: Instant) -> Instant {
        match self.shutdown.requested_at() {
            // A part of the budget is kept for leaving the group.
            Some(since) => deadline.min(since + self.config.shutdown_budget() * 6 / 10),
            None => deadline,
        }
    }
}
