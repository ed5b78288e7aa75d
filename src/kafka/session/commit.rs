//! From a processed batch to its commit: outputs, positions and notes in one transaction.
//! Invariant: a position is committed together with the outputs of every record before it; one that
//! moves without records is committed alone, with nothing else under way.

use std::collections::btree_map::Entry;
use std::time::Instant;

use super::deliveries::NO_SOURCE;
use super::error::{Setback, trouble};
use super::fault::Side;
use super::flight::{Cargo, Flight, Prepared};
use super::mark::{Evidence, LastRecord, Mark, Marks};
use super::observe::Commit;
use super::owner::COMMIT_PATIENCE;
use super::reader::Fetched;
use super::turn::{Session, reopen};
use super::worker::Outputs;
use crate::event::{OutputBuffer, Partition};
use rdkafka::types::RDKafkaErrorCode as Code;

impl Session<'_> {
    /// The positions after a batch.
    pub(super) fn marks(&self, batch: &[Fetched<'_>]) -> Marks {
        let mut marks = Marks::new();
        for fetched in batch.iter().rev() {
            if let Entry::Vacant(vacant) = marks.entry(fetched.partition()) {
                let next = fetched.offset().next();
                let evidence = self.evidence(Some(fetched.last_record()));
                let before = self.positions.evidence(fetched.partition());
                let evidence = match before {
                    Some(before) => evidence.after(before, fetched.latest, next),
                    None => evidence,
                };
                vacant.insert(Mark { next, evidence });
            }
        }
        marks
    }

    /// What is committed beside a position.
    pub(super) fn evidence(&self, last: Option<LastRecord>) -> Evidence {
        let cluster = self.ground.source_cluster.as_deref();
        Evidence::new(cluster, &self.config.source_topic, last)
    }

    /// Hand a batch's outputs to the writer, in the transaction under way or a new one.
    pub(super) fn dispatch(&mut self, prepared: Prepared) -> Result<(), Setback> {
        let Prepared { cargo, mut outputs } = prepared;
        let result = self.hand_over(cargo, &outputs);
        outputs.clear();
        self.spare = outputs;
        result
    }

    fn hand_over(&mut self, cargo: Cargo, outputs: &Outputs) -> Result<(), Setback> {
        if cargo.places.is_empty() {
            return Ok(());
        }
        let first = self.flight.is_none();
        let flight = self.flight.get_or_insert_with(Flight::new);
        let base = flight.cargo.places.len();
        flight.load(cargo, outputs.len());
        if first {
            self.writer.begin()?;
        }
        let deadline = self.deadline();
        for (source_index, output) in outputs.iter() {
            self.writer.send(base + source_index, output, deadline)?;
        }
        // What is delivered meanwhile leaves its memory to the outputs that follow.
        self.writer.serve();
        Ok(())
    }

    /// Hand notes of positions to the writer.
    fn send_notes<'m>(
        &self,
        marks: impl Iterator<Item = (&'m Partition, &'m Mark)>,
        deadline: Instant,
    ) -> Result<(), Setback> {
        let mut notes = OutputBuffer::default();
        for (partition, mark) in marks {
            notes.push_record(&self.notes.record(*partition, mark));
        }
        notes
            .iter()
            .try_for_each(|note| self.writer.send(NO_SOURCE, note, deadline))
    }

    /// Deliver and commit what is under way.
    pub(super) fn finish(&mut self) -> Result<(), Setback> {
        let Some(flight) = self.flight.take() else {
            return Ok(());
        };
        let deadline = self.deadline_of(flight.started);
        let marks = &flight.cargo.marks;
        let noted = self.positions.due_notes(marks, Instant::now());
        let due = marks.iter().filter(|(of, _)| noted.contains(of));
        let sent = self.send_notes(due, deadline);
        if let Err(setback) = sent.and_then(|()| self.seal(marks, deadline)) {
            // What it came from is needed to find out who is to blame.
            self.flight = Some(flight);
            return Err(setback);
        }
        let now = Instant::now();
        self.positions.commit(&flight.cargo.marks);
        self.positions.note(&noted, now);
        self.blame.committed(&flight.cargo);
        self.last_commit = now;
        self.setbacks = 0;
        self.batch_records = (self.batch_records * 2).min(self.config.commit_records);
        self.clear_trouble(Side::Destination);
        (0..flight.batches).for_each(|_| self.worker.on_commit());
        self.observer.committed(Commit {
            records: flight.cargo.places.len(),
            outputs: flight.outputs,
            bytes: flight.cargo.bytes,
            latency: flight.started.elapsed(),
        });
        Ok(())
    }

    /// Commit positions to which no record leads, and note them, in one transaction. Nothing else is
    /// under way.
    pub(super) fn commit_marks(&mut self, marks: &Marks) -> Result<(), Setback> {
        self.commit_marks_with(marks, &Outputs::default())
    }

    /// The same together with outputs that no record has caused.
    pub(super) fn commit_marks_with(
        &mut self,
        marks: &Marks,
        outputs: &Outputs,
    ) -> Result<(), Setback> {
        let deadline = self.deadline();
        self.writer.begin()?;
        for (_, output) in outputs.iter() {
            self.writer.send(NO_SOURCE, output, deadline)?;
        }
        self.send_notes(marks.iter(), deadline)?;
        self.seal(marks, deadline)?;
        self.blame.passed(marks);
        Ok(())
    }

    /// Wait for what was handed to the writer, then commit it together with these positions.
    fn seal(&mut self, marks: &Marks, deadline: Instant) -> Result<(), Setback> {
        let observer = self.observer;
        self.writer.drain(deadline, || observer.turned())?;
        let Some(membership) = self.owner.membership() else {
            return Err(Setback::Abort {
                reason: "assignment_lost",
                detail: "partitions may belong to another member".into(),
            });
        };
        if self.writer.is_transactional() {
            let list = self.owner.offsets(marks).map_err(reopen)?;
            let turned = || observer.turned();
            return self.writer.commit(&list, membership, deadline, turned);
        }
        let asked = Instant::now();
        let committed = self
            .owner
            .commit(marks, || self.no_later_than(asked + COMMIT_PATIENCE));
        let Err(error) = committed else {
            return Ok(());
        };
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        let context = format!("commit positions of the group {}", self.config.group);
        Err(Setback::Rebuild {
            reason: "commit_failed",
            detail: error.to_string(),
            trouble: trouble(Side::Destination, code, &context),
        })
    }

    /// Until when the batch under way, or one that begins now, must be committed.
    pub(super) fn deadline(&self) -> Instant {
        let started = self.flight.as_ref().map(|flight| flight.started);
        self.deadline_of(started.unwrap_or_else(Instant::now))
    }

    fn deadline_of(&self, started: Instant) -> Instant {
        self.no_later_than(started + self.config.transaction_timeout())
    }

    /// A deadline, or an earlier one once the session is asked to stop.
    fn no_later_than(&self, deadline: Instant) -> Instant {
        match self.shutdown.requested_at() {
            // A part of the budget belongs to leaving the group.
            Some(since) => deadline.min(since + self.config.shutdown_budget() * 6 / 10),
            None => deadline,
        }
    }
}
