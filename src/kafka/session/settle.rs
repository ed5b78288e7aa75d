//! Positions: where an owned partition is read from, judged before its first record.
//! The first start commits explicit positions for every partition at once, through the owner of
//! partition 0; a partition that appears later starts at its oldest record. Positions that the group
//! has lost are put back from the notes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::cluster_facts::REQUEST_TIMEOUT;
use super::committed_position::{CommittedPosition, CommittedPositions, Evidence};
use super::config::{OnGap, Start};
use super::error::SessionError;
use super::failure::{BatchFailure, trouble};
use super::first_positions::FirstPositions;
use super::observe::Gap;
use super::settle_schedule::SETTLE_PAUSE;
use super::turn::{Session, reopen};
use super::verdict::{Verdict, judge};
use super::worker::Outputs;
use crate::event::{Latest, NextOffset, Partition};
use crate::kafka::fault::Side;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// How long a position may lie past the end before it is believed: a leader that has just been
/// elected can lag behind for a moment.
const PAST_END_PATIENCE: Duration = Duration::from_secs(10);

/// Longest wait for the noted positions.
const NOTES_PATIENCE: Duration = Duration::from_secs(10);

/// A position that holds.
struct Settled {
    position: CommittedPosition,
    /// The oldest record that the partition has.
    oldest: NextOffset,
}

impl Session<'_> {
    /// Find out where the pending partitions are read from; those without an answer stay pending.
    pub(super) fn settle(&mut self) -> Result<(), BatchFailure> {
        let pending = self.positions.pending();
        let now = Instant::now();
        if pending.is_empty() || !self.settling.is_due(now) {
            return Ok(());
        }
        // The group answers only once our own transaction has ended.
        self.finish()?;
        let (mut begin, mut started) = (Vec::new(), Vec::new());
        let asked = self.settling.begin(pending, now);
        let settled = asked.into_iter().try_for_each(|partition| {
            if !self.settling.ask(partition, Instant::now()) {
                return Ok(());
            }
            if let Some(settled) = self.settle_one(partition)? {
                begin.push((partition, settled));
            }
            Ok::<(), BatchFailure>(())
        });
        self.settling.end(Instant::now());
        if !begin.is_empty() {
            for (partition, Settled { position, oldest }) in begin.drain(..) {
                tracing::debug!(partition = partition.0, next = position.next.0, "reading");
                self.positions.start(partition, position, oldest);
                started.push(partition);
            }
            let mut sought = self.positions.sought();
            sought.retain(|(partition, _)| started.contains(partition));
            self.reader.read_from(&sought).map_err(reopen)?;
            self.give_states_back(&started);
        }
        settled
    }

    /// Tell the worker from where these partitions are read, with the state it had there.
    pub(super) fn give_states_back(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            if let Some(position) = self.positions.position(*partition) {
                let kept = position.evidence.kept();
                self.worker.on_position(*partition, position.next, kept);
            }
        }
    }

    fn settle_one(&mut self, partition: Partition) -> Result<Option<Settled>, BatchFailure> {
        self.observer.turned();
        // With many partitions this takes longer than the group waits for a sign of life.
        self.serve_owner(Duration::ZERO)?;
        let anchor = Partition(0);
        let asked = if partition == anchor {
            vec![anchor]
        } else {
            vec![anchor, partition]
        };
        // A position inside somebody's open transaction is not answered in time: ask again later.
        let mut committed = match self.owner.committed(&asked, SETTLE_PAUSE) {
            Ok(committed) => committed,
            Err(error) => return self.unanswered(Side::Destination, &error),
        };
        let started_before = committed.contains_key(&anchor);
        let position = committed.remove(&partition);
        if !self.source_has(partition) {
            return match position {
                Some(_) => self.gone(partition),
                None => {
                    self.positions.absent(partition);
                    Ok(None)
                }
            };
        }
        match position {
            Some(position) => self.resume(partition, position),
            None if started_before => self.late_start(partition),
            None if partition == anchor => self.first_start(),
            // The owner of partition 0 commits everybody's first position.
            None => Ok(None),
        }
    }

    /// Whether the source has the partition, as far as is known. The ownership topic can have more.
    fn source_has(&mut self, partition: Partition) -> bool {
        let known = |session: &Self| partition.0 < session.facts.source_partitions.cast_signed();
        if !known(self) {
            self.look_for_growth();
        }
        known(self)
    }

    /// What is found can be so for a moment without a fault: stop with this error only if it stays so.
    fn stop_if_it_stays(
        &mut self,
        partition: Partition,
        error: SessionError,
    ) -> Result<(), BatchFailure> {
        let now = Instant::now();
        let since = self.positions.past_end_since(partition, now);
        if now.duration_since(since) < PAST_END_PATIENCE {
            return Ok(());
        }
        Err(BatchFailure::Stop(error))
    }

    fn gone(&mut self, partition: Partition) -> Result<Option<Settled>, BatchFailure> {
        let partitions = self.facts.source_partitions;
        let error = SessionError::PartitionGone {
            partition,
            partitions,
        };
        self.stop_if_it_stays(partition, error).map(|()| None)
    }

    fn resume(
        &mut self,
        partition: Partition,
        position: CommittedPosition,
    ) -> Result<Option<Settled>, BatchFailure> {
        let (oldest, end) = match self.reader.bounds(partition, REQUEST_TIMEOUT) {
            Ok(bounds) => bounds,
            Err(error) => return self.unanswered(Side::Source, &error),
        };
        let source = &self.facts.source;
        match judge(
            partition,
            &position,
            source,
            self.config.broker,
            (oldest, end),
        ) {
            Verdict::Resume => Ok(Some(Settled { position, oldest })),
            Verdict::Gap(gap) => self.cross_gap(gap, &position.evidence).map(Some),
            Verdict::PastEnd => {
                let error = SessionError::PastEnd {
                    partition,
                    position: position.next,
                    end,
                };
                self.stop_if_it_stays(partition, error).map(|()| None)
            }
            Verdict::Foreign => Err(BatchFailure::Stop(SessionError::ForeignPosition {
                partition,
                committed: position.evidence.source(),
                found: source.evidence(None).source(),
            })),
        }
    }

    fn cross_gap(&mut self, gap: Gap, before: &Evidence) -> Result<Settled, BatchFailure> {
        tracing::error!(
            source = self.config.source_name,
            partition = gap.partition.0,
            from = gap.from.0,
            to = gap.to.0,
            records = gap.records,
            "records expired before they were read"
        );
        if self.config.on_gap == OnGap::Stop {
            self.observer.gap(gap);
            return Err(BatchFailure::Stop(SessionError::Gap(gap)));
        }
        // Committed at once, so that a restart does not report the same gap again.
        let mut position = self.facts.source.bare(gap.to);
        let latest = Latest(before.latest_ms);
        position.evidence = position.evidence.after(before, latest, gap.to);
        let mut outputs = Outputs::default();
        position.evidence.state = self.worker.on_gap(&gap, before.kept(), &mut outputs);
        let positions = CommittedPositions::from([(gap.partition, position.clone())]);
        self.commit_positions_with(&positions, &outputs)?;
        self.worker.on_commit();
        self.observer.gap(gap);
        Ok(Settled {
            position,
            oldest: gap.to,
        })
    }

    /// The others have positions, this partition has none: it is new, or its position was lost.
    fn late_start(&mut self, partition: Partition) -> Result<Option<Settled>, BatchFailure> {
        let Some(mut noted) = self.read_notes()? else {
            return Ok(None);
        };
        if let Some(position) = noted.remove(&partition) {
            let lost = BTreeMap::from([(partition, position.next)]);
            return self.put_back(&CommittedPositions::from([(partition, position)]), &lost);
        }
        let position = match self
            .reader
            .start_of(partition, Start::Earliest, REQUEST_TIMEOUT)
        {
            Ok(next) => self.facts.source.bare(next),
            Err(error) => return self.unanswered(Side::Source, &error),
        };
        self.commit_positions(&CommittedPositions::from([(partition, position)]))?;
        self.settling.set(Instant::now());
        Ok(None)
    }

    /// Partition 0 has no position, and the owners of the other partitions wait for one. On the first start,
    /// commit where each partition begins; where positions are lost, put the noted ones back. Either is
    /// done in one transaction, and leaves the positions that the group has as they are.
    fn first_start(&mut self) -> Result<Option<Settled>, BatchFailure> {
        let Some(noted) = self.read_notes()? else {
            return Ok(None);
        };
        let wanted = FirstPositions::wanted(self.facts.source_partitions, &noted);
        let committed = match self.owner.committed(&wanted, SETTLE_PAUSE) {
            Ok(committed) => committed,
            Err(error) => return self.unanswered(Side::Destination, &error),
        };
        let mut first = FirstPositions::new(wanted, noted, &committed);
        let start = first.start(self.config.start);
        for partition in first.to_begin() {
            let begin = self.reader.start_of(partition, start, REQUEST_TIMEOUT);
            let end = self.reader.bounds(partition, REQUEST_TIMEOUT);
            match (begin, end) {
                (Ok(begin), Ok((_, end))) => {
                    first.begin(partition, self.facts.source.bare(begin), end);
                }
                (Err(error), _) | (_, Err(error)) => {
                    return self.unanswered(Side::Source, &error);
                }
            }
        }
        let positions = first.positions();
        if !first.lost().is_empty() {
            return self.put_back(positions, first.lost());
        }
        let source = &self.config.source_name;
        tracing::info!(source, ?start, partitions = positions.len(), "first start");
        self.commit_positions(positions)?;
        self.settling.set(Instant::now());
        Ok(None)
    }

    /// The group has lost positions: go on from the noted ones, or stop. They are judged like any
    /// other position in the next round, so that what has expired since is found to be a gap.
    fn put_back(
        &mut self,
        positions: &CommittedPositions,
        lost: &BTreeMap<Partition, NextOffset>,
    ) -> Result<Option<Settled>, BatchFailure> {
        let (source, group) = (&self.config.source_name, &self.config.group);
        tracing::error!(
            source,
            group,
            partitions = lost.len(),
            "the group has lost its positions (deleted, or without members for longer than \
             offsets.retention.minutes); from the last noted ones on, up to a minute of records may be \
             processed again"
        );
        if self.config.on_gap == OnGap::Stop {
            self.observer.positions_lost(lost.len());
            return Err(BatchFailure::Stop(SessionError::PositionsLost {
                group: group.clone(),
                partitions: lost.len(),
            }));
        }
        let mut outputs = Outputs::default();
        self.worker.on_positions_lost(lost, &mut outputs);
        self.commit_positions_with(positions, &outputs)?;
        self.worker.on_commit();
        self.observer.positions_lost(lost.len());
        self.settling.set(Instant::now());
        Ok(None)
    }

    /// Move positions over what is no record: markers of the source's own transactions, once every
    /// record before them is committed. A position that stayed before a marker would look like a gap
    /// after the marker has expired.
    pub(super) fn skip_markers(&mut self) -> Result<(), BatchFailure> {
        let positions = self.positions.skippable(&self.reader.handed_over());
        if positions.is_empty() {
            return Ok(());
        }
        self.commit_positions(&positions)?;
        self.positions.commit(&positions);
        let partitions: Vec<Partition> = positions.into_keys().collect();
        self.positions.note(&partitions, Instant::now());
        Ok(())
    }

    /// The noted positions; `None` if they cannot be read now.
    fn read_notes(&mut self) -> Result<Option<CommittedPositions>, BatchFailure> {
        let observer = self.observer;
        let read = self
            .notes
            .read(self.config, NOTES_PATIENCE, || observer.turned());
        match read {
            Ok(noted) => Ok(Some(noted)),
            Err(error) => {
                tracing::info!(source = self.config.source_name, %error, "read the noted positions");
                Ok(None)
            }
        }
    }

    fn unanswered<T>(&mut self, side: Side, error: &KafkaError) -> Result<Option<T>, BatchFailure> {
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        let context = match side {
            Side::Source => format!("ask for offsets of {}", self.config.source_topic),
            Side::Destination => format!("ask for positions of the group {}", self.config.group),
        };
        match trouble(side, code, &context) {
            Some(trouble) => self.report_trouble(trouble),
            None => tracing::debug!(%error, "positions are not known yet"),
        }
        Ok(None)
    }

    /// A partition's position was refused by the source: judge the positions again.
    pub(super) fn resettle(&mut self) -> Result<(), BatchFailure> {
        self.finish()?;
        self.reader.stop(&self.positions.owned()).map_err(reopen)?;
        self.gathering.clear();
        self.positions.forget();
        self.settling.set(Instant::now());
        Ok(())
    }
}
