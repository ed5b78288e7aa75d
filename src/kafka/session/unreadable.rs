//! Records of the source that cannot be read: a batch that is corrupted on the broker's disk, or that
//! the broker itself cannot read. librdkafka tells an error without partition and offset, and may go
//! on behind the batch. So reading stops at the first such error, every partition is tried by itself,
//! and the one that cannot be read is held there while the others go on.
//! Invariant: a position never moves over records that could not be read, unless somebody moves it.

use std::time::{Duration, Instant};

use super::cluster_facts::REQUEST_TIMEOUT;
use super::committed_position::CommittedPositions;
use super::deadline::close_within;
use super::failure::BatchFailure;
use super::observe::{NotReady, Unreadable};
use super::reader::{Attempt, Reader};
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
    /// The reader met something that is no record: find out where, and hold that partition.
    pub(super) fn find_unreadable(&mut self, code: Code) -> Result<(), BatchFailure> {
        // What follows takes its time: nothing stays open meanwhile.
        self.finish()?;
        // Nothing that stands behind it may come in.
        self.reader.stop(&self.positions.owned()).map_err(reopen)?;
        let found = self.try_each_partition(code);
        self.positions.read_on();
        let sought = self.positions.sought_on();
        self.reader.read_from(&sought).map_err(reopen)?;
        if !found? {
            let source = &self.config.source_name;
            tracing::warn!(source, %code, "what could not be read can be read now");
        }
        self.recheck_at = Instant::now() + RECHECK_PAUSE;
        Ok(())
    }

    /// Whether a partition was found that cannot be read; it is held.
    fn try_each_partition(&mut self, code: Code) -> Result<bool, BatchFailure> {
        let Ok(probe) = Reader::to_the_end(self.config) else {
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
        probe: &Reader,
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
        probe: &Reader,
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
            self.way_past(&unreadable)
        );
        self.positions.hold(unreadable);
        Ok(true)
    }

    /// The first record after an offset that can be read: looked for in steps that double, then
    /// between the last two. `None` where no answer comes in time.
    fn first_readable(
        &mut self,
        probe: &Reader,
        partition: Partition,
        offset: NextOffset,
    ) -> Result<Option<NextOffset>, BatchFailure> {
        let deadline = Instant::now() + SEARCH_PATIENCE;
        let Ok((_, end)) = self.reader.bounds(partition, REQUEST_TIMEOUT) else {
            return Ok(None);
        };
        let (mut bad, mut step, mut good) = (offset.0, 1, None);
        while good.is_none_or(|good| good - bad > 1) {
            if Instant::now() >= deadline {
                return Ok(None);
            }
            self.serve_owner(Duration::ZERO)?;
            let next = match good {
                Some(good) => bad + (good - bad) / 2,
                None => (bad + step).min(end.0),
            };
            if good.is_none() && next <= bad {
                return Ok(None);
            }
            match self.attempt(probe, partition, NextOffset(next))? {
                Attempt::Readable(_) => good = Some(next),
                Attempt::Unreadable(_) => bad = next,
                // The client may be resting after the error before: the same is asked again.
                Attempt::Unanswered => continue,
            }
            step *= 2;
        }
        Ok(good.map(NextOffset))
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
        let Ok(probe) = Reader::to_the_end(self.config) else {
            return Ok(());
        };
        for unreadable in held {
            let partition = unreadable.partition;
            let from = NextOffset(unreadable.offset.0);
            self.serve_owner(Duration::ZERO)?;
            if let Attempt::Readable(_) = self.attempt(&probe, partition, from)? {
                let source = &self.config.source_name;
                tracing::info!(source, partition = partition.0, "it can be read again");
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
                self.report_lag_of(partition, end, None);
            }
        }
        close_within(REQUEST_TIMEOUT, move || drop(probe));
        Ok(())
    }

    /// Why the session is not ready while records cannot be read.
    pub(super) fn unreadable_state(&self, held: &[Unreadable]) -> Option<NotReady> {
        let ways: Vec<String> = held.iter().map(|place| self.way_past(place)).collect();
        (!ways.is_empty()).then(|| NotReady {
            reason: "unreadable",
            remedy: ways.join("; "),
        })
    }

    fn way_past(&self, unreadable: &Unreadable) -> String {
        let Unreadable {
            partition, offset, ..
        } = unreadable;
        let (topic, source) = (&self.config.source_topic, &self.config.source_name);
        format!(
            "partition {} of {topic} cannot be read from offset {} on ({}); the other partitions go \
             on. Make a sound replica its leader; where there is none, stop watchbell and give these \
             records up: watchbell offsets set --source {source} --partition {} --to {} --execute",
            partition.0,
            offset.0,
            unreadable.detail,
            partition.0,
            unreadable.past().0
        )
    }
}
