//! Positions: where an owned partition is read from, judged before its first record.
//! The first start commits explicit positions for every partition at once, through the owner of
//! partition 0; a partition that appears later starts at its oldest record. Positions that the group
//! has lost are put back from the notes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::config::{OnGap, Start};
use super::error::{SessionError, Setback, trouble};
use super::fault::Side;
use super::mark::{Evidence, Mark, Marks};
use super::observe::Gap;
use super::open::QUESTION;
use super::positions::{Verdict, judge};
use super::turn::{Session, reopen};
use super::worker::Outputs;
use crate::event::{Latest, NextOffset, Partition};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// How long a position may lie past the end before it is believed: a leader that has just been
/// elected can lag behind for a moment.
const PAST_END_PATIENCE: Duration = Duration::from_secs(10);

/// Pause between two rounds of questions about positions.
const SETTLE_PAUSE: Duration = Duration::from_millis(500);

/// After this a round of questions asks no more: what flows waits meanwhile.
const SETTLE_ROUND: Duration = Duration::from_secs(2);

/// Longest wait for the noted positions.
const NOTES_PATIENCE: Duration = Duration::from_secs(10);

/// A position that holds.
struct Settled {
    mark: Mark,
    /// The oldest record that the partition has.
    oldest: NextOffset,
}

impl Session<'_> {
    /// Find out where the pending partitions are read from; those without an answer stay pending.
    pub(super) fn settle(&mut self) -> Result<(), Setback> {
        let pending = self.positions.pending();
        let begun = Instant::now();
        if pending.is_empty() || begun < self.settle_at {
            return Ok(());
        }
        // Our own open transaction would make us wait for ourselves.
        self.finish()?;
        self.settle_at = begun + SETTLE_PAUSE;
        let (mut begin, mut started) = (Vec::new(), Vec::new());
        let settled = self.in_turn(pending).into_iter().try_for_each(|partition| {
            if begun.elapsed() >= SETTLE_ROUND {
                return Ok(());
            }
            self.settled_last = Some(partition);
            if let Some(settled) = self.settle_one(partition)? {
                begin.push((partition, settled));
            }
            Ok::<(), Setback>(())
        });
        if begun.elapsed() >= SETTLE_ROUND {
            // What has no answer takes no more time than what flows.
            self.settle_at = Instant::now() + begun.elapsed();
        }
        if !begin.is_empty() {
            for (partition, Settled { mark, oldest }) in begin.drain(..) {
                tracing::debug!(partition = partition.0, next = mark.next.0, "reading");
                self.positions.start(partition, mark, oldest);
                started.push(partition);
            }
            let mut sought = self.positions.sought();
            sought.retain(|(partition, _)| started.contains(partition));
            self.reader.read_from(&sought).map_err(reopen)?;
        }
        settled
    }

    /// Those after the one that was asked about last come first: a leader that does not answer must
    /// not keep the others waiting.
    fn in_turn(&self, mut pending: Vec<Partition>) -> Vec<Partition> {
        let asked = pending.partition_point(|partition| Some(*partition) <= self.settled_last);
        pending.rotate_left(asked);
        pending
    }

    fn settle_one(&mut self, partition: Partition) -> Result<Option<Settled>, Setback> {
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
        let mark = committed.remove(&partition);
        if !self.source_has(partition) {
            return match mark {
                Some(_) => self.gone(partition),
                None => {
                    self.positions.absent(partition);
                    Ok(None)
                }
            };
        }
        match mark {
            Some(mark) => self.resume(partition, mark),
            None if started_before => self.late_start(partition),
            None if partition == anchor => self.first_start(),
            // The owner of partition 0 commits everybody's first position.
            None => Ok(None),
        }
    }

    /// Whether the source has the partition, as far as is known. The ownership topic can have more.
    fn source_has(&mut self, partition: Partition) -> bool {
        let known = |session: &Self| partition.0 < session.ground.source_partitions.cast_signed();
        if !known(self) {
            self.note_growth();
        }
        known(self)
    }

    /// What cannot be true for longer than a moment: wait, then believe it.
    fn believe(&mut self, partition: Partition, error: SessionError) -> Result<(), Setback> {
        let now = Instant::now();
        let since = self.positions.past_end_since(partition, now);
        if now.duration_since(since) < PAST_END_PATIENCE {
            return Ok(());
        }
        Err(Setback::Stop(error))
    }

    fn gone(&mut self, partition: Partition) -> Result<Option<Settled>, Setback> {
        let partitions = self.ground.source_partitions;
        let error = SessionError::PartitionGone {
            partition,
            partitions,
        };
        self.believe(partition, error).map(|()| None)
    }

    fn resume(&mut self, partition: Partition, mark: Mark) -> Result<Option<Settled>, Setback> {
        let (oldest, end) = match self.reader.bounds(partition, QUESTION) {
            Ok(bounds) => bounds,
            Err(error) => return self.unanswered(Side::Source, &error),
        };
        let cluster = self.ground.source_cluster.as_deref();
        let topic = self.config.source_topic.as_str();
        match judge(partition, &mark, (cluster, topic), (oldest, end)) {
            Verdict::Resume => Ok(Some(Settled { mark, oldest })),
            Verdict::Gap(gap) => self.cross_gap(gap, &mark.evidence).map(Some),
            Verdict::PastEnd => {
                let error = SessionError::PastEnd {
                    partition,
                    position: mark.next,
                    end,
                };
                self.believe(partition, error).map(|()| None)
            }
            Verdict::Foreign => Err(Setback::Stop(SessionError::ForeignPosition {
                partition,
                committed: mark.evidence.source(),
                found: self.evidence(None).source(),
            })),
        }
    }

    fn cross_gap(&mut self, gap: Gap, before: &Evidence) -> Result<Settled, Setback> {
        tracing::error!(
            source = self.config.source_name,
            partition = gap.partition.0,
            from = gap.from.0,
            to = gap.to.0,
            records = gap.records(),
            "records expired before they were read"
        );
        if self.config.on_gap == OnGap::Stop {
            self.observer.gap(gap);
            return Err(Setback::Stop(SessionError::Gap(gap)));
        }
        // Committed at once, so that a restart does not report the same gap again.
        let mut mark = self.bare(gap.to);
        let latest = Latest(before.latest_ms);
        mark.evidence = mark.evidence.after(before, latest, gap.to);
        let mut outputs = Outputs::default();
        self.worker.on_gap(&gap, &mut outputs);
        let marks = Marks::from([(gap.partition, mark.clone())]);
        self.commit_marks_with(&marks, &outputs)?;
        self.worker.on_commit();
        self.observer.gap(gap);
        Ok(Settled {
            mark,
            oldest: gap.to,
        })
    }

    /// A position before which nothing was consumed.
    fn bare(&self, next: NextOffset) -> Mark {
        Mark {
            next,
            evidence: self.evidence(None),
        }
    }

    /// The others have positions, this partition has none: it is new, or its position was lost.
    fn late_start(&mut self, partition: Partition) -> Result<Option<Settled>, Setback> {
        let Some(mut noted) = self.read_notes()? else {
            return Ok(None);
        };
        if let Some(mark) = noted.remove(&partition) {
            let lost = BTreeMap::from([(partition, mark.next)]);
            return self.put_back(&Marks::from([(partition, mark)]), &lost);
        }
        let mark = match self.reader.start_of(partition, Start::Earliest, QUESTION) {
            Ok(next) => self.bare(next),
            Err(error) => return self.unanswered(Side::Source, &error),
        };
        self.commit_marks(&Marks::from([(partition, mark)]))?;
        self.settle_at = Instant::now();
        Ok(None)
    }

    /// Partition 0 has no position, so nobody goes on without us. Either nobody has been here: commit
    /// where each partition starts. Or positions are lost: put the noted ones back. Both in one
    /// transaction, and without touching positions that are there.
    fn first_start(&mut self) -> Result<Option<Settled>, Setback> {
        let Some(noted) = self.read_notes()? else {
            return Ok(None);
        };
        let count = self.ground.source_partitions.cast_signed();
        let mut missing: BTreeSet<Partition> = (0..count).map(Partition).collect();
        missing.extend(noted.keys());
        let asked: Vec<Partition> = missing.iter().copied().collect();
        match self.owner.committed(&asked, SETTLE_PAUSE) {
            Ok(committed) => missing.retain(|partition| !committed.contains_key(partition)),
            Err(error) => return self.unanswered(Side::Destination, &error),
        }
        let is_first = noted.is_empty();
        let start = if is_first {
            self.config.start
        } else {
            Start::Earliest
        };
        let mut marks = noted;
        marks.retain(|partition, _| missing.contains(partition));
        let lost: BTreeMap<_, _> = marks.iter().map(|(of, mark)| (*of, mark.next)).collect();
        for partition in missing {
            if marks.contains_key(&partition) {
                continue;
            }
            let begin = self.reader.start_of(partition, start, QUESTION);
            let end = self.reader.bounds(partition, QUESTION);
            let (next, (_, end)) = match (begin, end) {
                (Ok(begin), Ok(end)) => (begin, end),
                (Err(error), _) | (_, Err(error)) => {
                    return self.unanswered(Side::Source, &error);
                }
            };
            let mut mark = self.bare(next);
            // What is there already is history, unless positions were only lost.
            mark.evidence.history = (is_first && next < end).then_some(end.0);
            marks.insert(partition, mark);
        }
        if !lost.is_empty() {
            return self.put_back(&marks, &lost);
        }
        let source = &self.config.source_name;
        tracing::info!(source, ?start, partitions = marks.len(), "first start");
        self.commit_marks(&marks)?;
        self.settle_at = Instant::now();
        Ok(None)
    }

    /// The group has lost positions: go on from the noted ones, or stop. They are judged like any
    /// other position in the next round, so that what has expired since is found to be a gap.
    fn put_back(
        &mut self,
        marks: &Marks,
        lost: &BTreeMap<Partition, NextOffset>,
    ) -> Result<Option<Settled>, Setback> {
        let (source, group) = (&self.config.source_name, &self.config.group);
        tracing::error!(
            source,
            group,
            partitions = lost.len(),
            "the group has lost its positions (deleted, or without members for longer than \
             offsets.retention.minutes); the last noted ones may repeat the last minute"
        );
        if self.config.on_gap == OnGap::Stop {
            self.observer.positions_lost(lost.len());
            return Err(Setback::Stop(SessionError::PositionsLost {
                group: group.clone(),
                partitions: lost.len(),
            }));
        }
        let mut outputs = Outputs::default();
        self.worker.on_positions_lost(lost, &mut outputs);
        self.commit_marks_with(marks, &outputs)?;
        self.worker.on_commit();
        self.observer.positions_lost(lost.len());
        self.settle_at = Instant::now();
        Ok(None)
    }

    /// Move positions over what is no record: markers of the source's own transactions, once every
    /// record before them is committed. A position that stayed before a marker would look like a gap
    /// after the marker has expired.
    pub(super) fn skip_markers(&mut self) -> Result<(), Setback> {
        let marks = self.positions.skippable(&self.reader.handed_over());
        if marks.is_empty() {
            return Ok(());
        }
        self.commit_marks(&marks)?;
        self.positions.commit(&marks);
        let partitions: Vec<Partition> = marks.into_keys().collect();
        self.positions.note(&partitions, Instant::now());
        Ok(())
    }

    /// The noted positions; `None` if they cannot be read now.
    fn read_notes(&mut self) -> Result<Option<Marks>, Setback> {
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

    fn unanswered<T>(&mut self, side: Side, error: &KafkaError) -> Result<Option<T>, Setback> {
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        let context = match side {
            Side::Source => format!("ask for offsets of {}", self.config.source_topic),
            Side::Destination => format!("ask for positions of the group {}", self.config.group),
        };
        match trouble(side, code, &context) {
            Some(trouble) => self.note_trouble(trouble),
            None => tracing::debug!(%error, "positions are not known yet"),
        }
        Ok(None)
    }

    /// A partition's position was refused by the source: judge the positions again.
    pub(super) fn resettle(&mut self) -> Result<(), Setback> {
        self.finish()?;
        self.reader.stop(&self.positions.owned()).map_err(reopen)?;
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.positions.forget();
        self.settle_at = Instant::now();
        Ok(())
    }
}
