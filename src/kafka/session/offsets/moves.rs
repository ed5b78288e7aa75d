//! Positions moved from outside, while no session runs: planned, shown, executed.
//! Invariant: nothing is written while the group has members, and a position that is written carries
//! its evidence: the source cluster, and the record before it where there is one.

use rdkafka::consumer::{CommitMode, Consumer};

use super::{Offsets, OffsetsError, PATIENCE};
use crate::event::{NextOffset, Partition};
use crate::kafka::ClientError;
use crate::kafka::session::config::Start;
use crate::kafka::session::mark::{Evidence, Mark, Marks};
use crate::kafka::session::open::provide_ownership;
use crate::kafka::session::owner::offsets;
use crate::kafka::topics::Topics;

/// How far back the record before a position is looked for: between records there can be markers of
/// transactions, one after each.
const LOOK_BACK: i64 = 16;

/// Where a position is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To the oldest record there is.
    Earliest,
    /// To the end: what is there now is never read.
    Latest,
    /// To this offset.
    Offset(NextOffset),
    /// To the first record at or after this time, in ms since the Unix epoch; else to the end.
    Time(i64),
    /// To the position last noted outside the group.
    Noted,
}

/// One position's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Partition of the source.
    pub partition: Partition,
    /// The committed position.
    pub from: Option<NextOffset>,
    /// Where it goes.
    pub to: NextOffset,
    evidence: Evidence,
}

impl Offsets {
    /// Where these positions would go; nothing is changed.
    ///
    /// # Errors
    /// A partition does not exist, the target does not exist in it, or a cluster does not answer.
    pub fn plan(&self, of: &[Partition], target: Target) -> Result<Vec<Move>, OffsetsError> {
        let count = self.ground.source_partitions;
        let absent = of.iter().find(|p| !(0..count.cast_signed()).contains(&p.0));
        if let Some(partition) = absent {
            return Err(OffsetsError::NoPartition {
                partition: *partition,
                count,
            });
        }
        let committed = self.committed(of)?;
        let noted = match target {
            Target::Noted => self.noted()?,
            _ => Marks::new(),
        };
        let plan = |partition: &Partition| {
            let (to, evidence) = if target == Target::Noted {
                let mark = noted.get(partition);
                let mark = mark.ok_or(OffsetsError::NotNoted(*partition))?;
                (mark.next, mark.evidence.clone())
            } else {
                self.aim(*partition, target)?
            };
            Ok(Move {
                partition: *partition,
                from: committed.get(partition).map(|mark| mark.next),
                to,
                evidence,
            })
        };
        of.iter().map(plan).collect()
    }

    /// The offset that a target means in a partition, and the evidence for it.
    fn aim(
        &self,
        partition: Partition,
        target: Target,
    ) -> Result<(NextOffset, Evidence), OffsetsError> {
        let (oldest, end) = self.bounds(partition)?;
        let to = match target {
            Target::Earliest | Target::Noted => oldest,
            Target::Latest => end,
            Target::Offset(to) => to,
            Target::Time(since_ms) => self
                .reader
                .start_of(partition, Start::Timestamp(since_ms), PATIENCE)
                .map_err(|error| ClientError::new("look up a time", &error))?,
        };
        if to < oldest || to > end {
            return Err(OffsetsError::OutOfRange {
                partition,
                to,
                oldest,
                end,
            });
        }
        let mut last = None;
        let from = NextOffset((to.0 - LOOK_BACK).max(oldest.0));
        self.scan(partition, from, to, |record| {
            let before = record.offset < to.0;
            if before {
                last = Some(record);
            }
            before
        })?;
        let cluster = self.ground.source_cluster.as_deref();
        let evidence = Evidence::new(cluster, &self.config.source_topic, last);
        Ok((to, evidence))
    }

    /// Move positions as planned.
    ///
    /// # Errors
    /// The group has members, or the destination does not answer or refuses.
    pub fn execute(&self, moves: &[Move]) -> Result<(), OffsetsError> {
        let members = self.members()?;
        if members > 0 {
            return Err(OffsetsError::Running {
                group: self.config.group.clone(),
                members,
            });
        }
        if self.ground.ownership_is_ours {
            let topics = Topics::new(&self.config.destination, PATIENCE)?;
            let (topic, count) = (&self.ground.ownership_topic, self.ground.source_partitions);
            provide_ownership(&topics, topic, count)
                .map_err(|trouble| OffsetsError::Ground(trouble.remedy))?;
        }
        let mark = |step: &Move| {
            let mark = Mark {
                next: step.to,
                evidence: step.evidence.clone(),
            };
            (step.partition, mark)
        };
        let marks: Marks = moves.iter().map(mark).collect();
        // The broker refuses as well if somebody has joined meanwhile.
        let commit = || {
            let list = offsets(&self.ground.ownership_topic, &marks)?;
            self.group.commit(&list, CommitMode::Sync)
        };
        commit().map_err(|error| ClientError::new("commit the positions", &error).into())
    }
}
