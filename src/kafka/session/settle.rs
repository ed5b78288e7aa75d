//! Positions: where an owned partition is read from, judged before its first record.
//! The first start commits explicit positions for every partition at once, through the owner of
//! partition 0; a partition that appears later starts at its oldest record.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::config::{OnGap, Start};
use super::error::{SessionError, Setback, Side, Trouble, trouble};
use super::observe::Gap;
use super::open::{QUESTION, provide_ownership, source_missing};
use super::owner::Committed;
use super::positions::{Verdict, judge};
use super::turn::{Session, reopen};
use crate::event::{NextOffset, Partition};
use crate::kafka::topics::Topics;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// How often the source's number of partitions is compared with the ownership topic's.
pub(super) const GROWTH_CHECK: Duration = Duration::from_secs(30);

/// How long a position may lie past the end before it is believed: a leader that has just been
/// elected can lag behind for a moment.
const PAST_END_PATIENCE: Duration = Duration::from_secs(10);

/// Pause between two rounds of questions about positions.
const SETTLE_PAUSE: Duration = Duration::from_millis(500);

impl Session<'_> {
    /// Find out where the pending partitions are read from; those without an answer stay pending.
    pub(super) fn settle(&mut self) -> Result<(), Setback> {
        let pending = self.positions.pending();
        if pending.is_empty() || Instant::now() < self.settle_at {
            return Ok(());
        }
        // Our own open transaction would make us wait for ourselves.
        self.finish()?;
        self.settle_at = Instant::now() + SETTLE_PAUSE;
        let mut begin = Vec::new();
        let settled = pending.iter().try_for_each(|partition| {
            if let Some(next) = self.settle_one(*partition)? {
                begin.push((*partition, next));
            }
            Ok::<(), Setback>(())
        });
        if !begin.is_empty() {
            self.reader.read_from(&begin).map_err(reopen)?;
            for (partition, next) in begin {
                tracing::debug!(partition = partition.0, next = next.0, "reading");
                self.positions.start(partition, next);
            }
        }
        settled
    }

    fn settle_one(&mut self, partition: Partition) -> Result<Option<NextOffset>, Setback> {
        self.observer.turned();
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
        let started_before = committed.get(&anchor).is_some_and(Option::is_some);
        match committed.remove(&partition).flatten() {
            Some(position) => self.resume(partition, &position),
            None if started_before => self.start_at(partition, Start::Earliest),
            None if partition == anchor => self.first_start(),
            // The owner of partition 0 commits everybody's first position.
            None => Ok(None),
        }
    }

    fn resume(
        &mut self,
        partition: Partition,
        position: &Committed,
    ) -> Result<Option<NextOffset>, Setback> {
        let (oldest, end) = match self.reader.bounds(partition, QUESTION) {
            Ok(bounds) => bounds,
            Err(error) => return self.unanswered(Side::Source, &error),
        };
        let source_cluster = self.ground.source_cluster.as_deref();
        let verdict = judge(
            partition,
            position.next,
            &position.metadata,
            source_cluster,
            (oldest, end),
        );
        match verdict {
            Verdict::Resume(next) => Ok(Some(next)),
            Verdict::Gap(gap) => self.cross_gap(gap).map(Some),
            Verdict::PastEnd => {
                let now = Instant::now();
                let since = self.positions.past_end_since(partition, now);
                if now.duration_since(since) < PAST_END_PATIENCE {
                    return Ok(None);
                }
                Err(Setback::Stop(SessionError::PastEnd {
                    partition,
                    position: position.next,
                    end,
                }))
            }
            Verdict::Foreign(committed) => Err(Setback::Stop(SessionError::ForeignPosition {
                partition,
                committed,
                found: source_cluster.unwrap_or_default().to_owned(),
            })),
        }
    }

    fn cross_gap(&mut self, gap: Gap) -> Result<NextOffset, Setback> {
        tracing::error!(
            partition = gap.partition.0,
            from = gap.from.0,
            to = gap.to.0,
            records = gap.records(),
            "records expired before they were read"
        );
        self.observer.gap(gap);
        if self.config.on_gap == OnGap::Stop {
            return Err(Setback::Stop(SessionError::Gap(gap)));
        }
        // Committed at once, so that a restart does not report the same gap again.
        self.commit_positions(&BTreeMap::from([(gap.partition, gap.to)]))?;
        Ok(gap.to)
    }

    fn start_at(
        &mut self,
        partition: Partition,
        start: Start,
    ) -> Result<Option<NextOffset>, Setback> {
        let next = match self.reader.start_of(partition, start, QUESTION) {
            Ok(next) => next,
            Err(error) => return self.unanswered(Side::Source, &error),
        };
        self.commit_positions(&BTreeMap::from([(partition, next)]))?;
        Ok(Some(next))
    }

    /// Nobody of this group has been here: commit where each partition starts, in one request.
    fn first_start(&mut self) -> Result<Option<NextOffset>, Setback> {
        let count = match self.reader.partitions(QUESTION) {
            Ok(Some(count)) => i32::try_from(count).unwrap_or(i32::MAX),
            Ok(None) => {
                self.note_trouble(source_missing(self.config));
                return Ok(None);
            }
            Err(error) => {
                tracing::info!(%error, "source topic");
                return Ok(None);
            }
        };
        let mut starts = BTreeMap::new();
        for partition in (0..count).map(Partition) {
            match self.reader.start_of(partition, self.config.start, QUESTION) {
                Ok(next) => starts.insert(partition, next),
                Err(error) => return self.unanswered(Side::Source, &error),
            };
        }
        self.commit_positions(&starts)?;
        Ok(starts.get(&Partition(0)).copied())
    }

    /// Commit positions without a transaction, as a member of the group.
    pub(super) fn commit_positions(
        &self,
        offsets: &BTreeMap<Partition, NextOffset>,
    ) -> Result<(), Setback> {
        let timeout = self.config.transaction_timeout();
        let Err(error) = self.owner.commit(offsets, &self.metadata, timeout) else {
            return Ok(());
        };
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        Err(Setback::Rebuild {
            reason: "commit_failed",
            detail: error.to_string(),
            trouble: trouble(Side::Destination, code, "commit positions"),
        })
    }

    fn unanswered<T>(&mut self, side: Side, error: &KafkaError) -> Result<Option<T>, Setback> {
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        match trouble(side, code, "ask for positions") {
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

    /// Grow our ownership topic when the source has grown.
    pub(super) fn watch_growth(&mut self) -> Result<(), Setback> {
        let now = Instant::now();
        if !self.ground.ownership_is_ours || now < self.grow_at || self.trouble.is_some() {
            return Ok(());
        }
        self.finish()?;
        self.grow_at = now + GROWTH_CHECK;
        let Ok(Some(wanted)) = self.reader.partitions(QUESTION) else {
            return Ok(());
        };
        let topic = self.ground.ownership_topic.clone();
        let grown = match Topics::new(&self.config.destination, QUESTION) {
            Ok(topics) => provide_ownership(&topics, &topic, wanted),
            Err(error) => Err(Trouble {
                side: Side::Destination,
                reason: "unreachable",
                remedy: error.to_string(),
            }),
        };
        if let Err(trouble) = grown {
            self.note_trouble(trouble);
        }
        Ok(())
    }
}
