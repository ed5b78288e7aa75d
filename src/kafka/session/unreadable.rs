//! Records of the source that cannot be read: a batch that is corrupted on the broker's disk, or that
//! the broker itself cannot read. librdkafka reports the error without partition and offset, and may
//! go on after the batch. So reading stops at the first such error, every partition is tried by itself,
//! and the one that cannot be read is held there while the others go on.
//! Invariant: a position never moves over records that could not be read, unless somebody moves it.

use std::time::{Duration, Instant};

use super::cluster_facts::REQUEST_TIMEOUT;
use super::committed_position::CommittedPositions;
use super::config::SessionConfig;
use super::deadline::close_within;
use super::failure::BatchFailure;
use super::figures::PartitionFigures;
use super::observe::{NotReady, Unreadable};
use super::readable_search::{ReadableSearch, SearchStep};
use super::source_reader::{Attempt, SourceReader};
use super::turn::{Session, reopen};
use super::worker::Outputs;
use crate::event::{NextOffset, Offset, Partition};
use rdkafka::types::RDKafkaErrorCode as Code;

/// Longest wait for the first record of one partition.
const ATTEMPT_PATIENCE: Duration = Duration::from_secs(3);

/// Longest search for the first record that can be read again.
const SEARCH_PATIENCE: Duration = Duration::from_secs(10);

/// How often it is tried whether what could not be read can be read now: a sound replica may lead.
const RECHECK_PAUSE: Duration = Duration::from_secs(15);

impl Session<'_> {
    /// The reader has found something that is no record: find out where, and hold that partition.
    pub(super) fn find_unreadable(&mut self, code: Code) -> Result<(), BatchFailure> {
        // What follows takes time: no transaction stays open meanwhile.
        self.finish()?;
        // No record after it may be taken in.
        self.reader.stop(&self.positions.owned()).map_err(reopen)?;
        let found = self.try_each_partition(code);
        self.positions.read_on();
        let sought = self.positions.sought_on();
        self.reader.read_from(&sought).map_err(reopen)?;
        if !found? {
            let source = &self.config.source_name;
            tracing::warn!(source, %code, "the records that could not be read can be read now");
        }
        self.recheck_at = Instant::now() + RECHECK_PAUSE;
        Ok(())
    }

    /// Whether a partition was found that cannot be read; it is held.
    fn try_each_partition(&mut self, code: Code) -> Result<bool, BatchFailure> {
        let Ok(probe) = SourceReader::to_the_end(self.config) else {
            return Ok(false);
        };
        let mut found = false;
        let mut unanswered = Vec::new();
        for (partition, from) in self.positions.sought_on() {
            self.serve_owner(Duration::ZERO)?;
            match self.attempt(&probe, partition, from)? {
                Attempt::Readable(_) => {}
                Attempt::Unanswered => unanswered.push((partition, from)),
                Attempt::Unreadable(code) => found |= self.hold(&probe, (partition, from), code)?,
            }
        }
        // Where the others can all be read, the error came from the one that does not answer.
        if let ([place], false) = (unanswered.as_slice(), found) {
            found = self.hold(&probe, *place, code)?;
        }
        close_within(REQUEST_TIMEOUT, move || drop(probe));
        Ok(found)
    }

    fn attempt(
        &self,
        probe: &SourceReader,
        partition: Partition,
        from: NextOffset,
    ) -> Result<Attempt, BatchFailure> {
        let turn = || self.observer.turned();
        probe
            .attempt(partition, from, ATTEMPT_PATIENCE, turn)
            .map_err(reopen)
    }

    /// Hold a partition that cannot be read from an offset on; `false` where only the record before
    /// the position is damaged, which was consumed long ago.
    fn hold(
        &mut self,
        probe: &SourceReader,
        (partition, from): (Partition, NextOffset),
        code: Code,
    ) -> Result<bool, BatchFailure> {
        let (mut from, mut code) = (from, code);
        if let Some(next) = self.positions.give_up_proof(partition) {
            tracing::debug!(
                partition = partition.0,
                "the last record cannot be read again"
            );
            match self.attempt(probe, partition, next)? {
                Attempt::Readable(_) => return Ok(false),
                Attempt::Unreadable(found) => code = found,
                Attempt::Unanswered => {}
            }
            from = next;
        }
        let unreadable = Unreadable {
            partition,
            offset: Offset(from.0),
            next: self.first_readable(probe, partition, from)?,
            detail: code.to_string(),
        };
        tracing::error!(
            source = self.config.source_name,
            partition = partition.0,
            offset = from.0,
            %code,
            "{}",
            way_past(self.config, &unreadable)
        );
        self.positions.hold(unreadable);
        Ok(true)
    }

    /// The first record after an offset that can be read; `None` where no answer comes in time.
    fn first_readable(
        &mut self,
        probe: &SourceReader,
        partition: Partition,
        offset: NextOffset,
    ) -> Result<Option<NextOffset>, BatchFailure> {
        let deadline = Instant::now() + SEARCH_PATIENCE;
        let Ok((_, end)) = self.reader.bounds(partition, REQUEST_TIMEOUT) else {
            return Ok(None);
        };
        let mut search = ReadableSearch::new(offset.0, end.0);
        loop {
            let next = match search.next() {
                SearchStep::Found(next) => return Ok(Some(NextOffset(next))),
                SearchStep::Try(next) if Instant::now() < deadline => next,
                SearchStep::Try(_) | SearchStep::NotFound => return Ok(None),
            };
            self.serve_owner(Duration::ZERO)?;
            match self.attempt(probe, partition, NextOffset(next))? {
                Attempt::Readable(_) => search.tried(next, true),
                Attempt::Unreadable(_) => search.tried(next, false),
                // The client may still pause after the previous error: the same offset is tried again.
                Attempt::Unanswered => {}
            }
        }
    }

    /// Raise an alert for what cannot be read, once everything before it is committed: once for a
    /// place, also across restarts, since the position remembers it.
    pub(super) fn report_unreadable(&mut self) -> Result<(), BatchFailure> {
        if self.transaction.is_some() || !self.gathering.is_empty() {
            return Ok(());
        }
        for (unreadable, position) in self.positions.unreported() {
            let mut outputs = Outputs::default();
            self.worker.on_unreadable(&unreadable, &mut outputs);
            let positions = CommittedPositions::from([(unreadable.partition, position)]);
            self.commit_positions_with(&positions, &outputs)?;
            self.positions.commit(&positions);
            self.worker.on_commit();
        }
        Ok(())
    }

    /// Try from time to time whether what could not be read can be read now.
    pub(super) fn recheck_unreadable(&mut self) -> Result<(), BatchFailure> {
        let held = self.positions.held();
        if held.is_empty() || Instant::now() < self.recheck_at {
            return Ok(());
        }
        self.finish()?;
        self.recheck_at = Instant::now() + RECHECK_PAUSE;
        let Ok(probe) = SourceReader::to_the_end(self.config) else {
            return Ok(());
        };
        for unreadable in held {
            let partition = unreadable.partition;
            let from = NextOffset(unreadable.offset.0);
            self.serve_owner(Duration::ZERO)?;
            if let Attempt::Readable(_) = self.attempt(&probe, partition, from)? {
                let source = &self.config.source_name;
                tracing::info!(
                    source,
                    partition = partition.0,
                    "the partition can be read again"
                );
                self.positions.release(partition);
                self.reader
                    .read_from(&[(partition, from)])
                    .map_err(reopen)?;
                continue;
            }
            if unreadable.next.is_none() {
                // The search took too long the last time.
                let next = self.first_readable(&probe, partition, from)?;
                self.positions.hold(Unreadable { next, ..unreadable });
            }
            if let Ok((_, end)) = self.reader.bounds(partition, REQUEST_TIMEOUT) {
                let figures = PartitionFigures {
                    partition,
                    end: Some(end),
                    idle: false,
                };
                self.report_lag_of(figures, None);
            }
        }
        close_within(REQUEST_TIMEOUT, move || drop(probe));
        Ok(())
    }
}

/// Why a session is not ready while records cannot be read.
pub(super) fn unreadable_state(config: &SessionConfig, held: &[Unreadable]) -> Option<NotReady> {
    let ways: Vec<String> = held.iter().map(|of| way_past(config, of)).collect();
    (!ways.is_empty()).then(|| NotReady {
        reason: "unreadable",
        remedy: ways.join("; "),
    })
}

/// What cannot be read, and what a person can do about it.
fn way_past(config: &SessionConfig, unreadable: &Unreadable) -> String {
    let (topic, source) = (&config.source_topic, &config.source_name);
    let (partition, offset) = (unreadable.partition.0, unreadable.offset.0);
    format!(
        "partition {partition} of {topic} cannot be read from offset {offset} on ({}); the other \
         partitions are read on. Make a sound replica its leader; where there is none, stop watchbell and \
         give these records up: watchbell offsets set --source {source} --partition {partition} --to {} \
         --execute",
        unreadable.detail,
        unreadable.past().0
    )
}
