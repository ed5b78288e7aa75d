//! Positions moved from outside, while no session of the source runs: planned, shown, executed.
//! Invariant: nothing is written while the source has readers, and a position that is written carries
//! its evidence: the source cluster, and the record before it where there is one.

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer};

use super::{Offsets, OffsetsError, PATIENCE};
use crate::event::{NextOffset, Partition};
use crate::kafka::ClientError;
use crate::kafka::client::Quiet;
use crate::kafka::session::cluster_facts::provide_ownership;
use crate::kafka::session::committed_position::{CommittedPosition, CommittedPositions, Evidence};
use crate::kafka::session::config::Start;
use crate::kafka::session::owner::offsets;
use crate::kafka::topics::Topics;

/// How far back the record before a position is looked for: between records there can be markers of
/// transactions, one after each.
const LOOK_BACK: i64 = 16;

/// Where a position is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveTarget {
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

/// How one position is moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Partition of the source.
    pub partition: Partition,
    /// The committed position.
    pub from: Option<NextOffset>,
    /// Where it goes.
    pub to: NextOffset,
    /// Whether the distance between the two says nothing about the number of records.
    pub offsets_jump: bool,
    evidence: Evidence,
}

impl Offsets {
    /// Where these positions would go; nothing is changed.
    ///
    /// # Errors
    /// A partition does not exist, the target does not exist in it, or a cluster does not answer.
    pub fn plan(&self, of: &[Partition], target: MoveTarget) -> Result<Vec<Move>, OffsetsError> {
        let count = self.facts.source_partitions;
        let absent = of.iter().find(|p| !(0..count.cast_signed()).contains(&p.0));
        if let Some(partition) = absent {
            return Err(OffsetsError::NoPartition {
                partition: *partition,
                count,
            });
        }
        let committed = self.committed(of)?;
        let noted = match target {
            MoveTarget::Noted => self.noted()?,
            _ => CommittedPositions::new(),
        };
        let plan = |partition: &Partition| {
            let (to, evidence) = if target == MoveTarget::Noted {
                let position = noted.get(partition);
                let position = position.ok_or(OffsetsError::NotNoted(*partition))?;
                (position.next, position.evidence.clone())
            } else {
                self.aim(*partition, target)?
            };
            let before = committed.get(partition);
            Ok(Move {
                partition: *partition,
                from: before.map(|before| before.next),
                to,
                offsets_jump: self.config.broker.offsets_jump(),
                evidence: match before {
                    Some(before) => evidence.moved(before.next, &before.evidence, to),
                    None => evidence,
                },
            })
        };
        of.iter().map(plan).collect()
    }

    /// The offset that a target means in a partition, and the evidence for it.
    fn aim(
        &self,
        partition: Partition,
        target: MoveTarget,
    ) -> Result<(NextOffset, Evidence), OffsetsError> {
        let (oldest, end) = self.bounds(partition)?;
        let to = match target {
            MoveTarget::Earliest | MoveTarget::Noted => oldest,
            MoveTarget::Latest => end,
            MoveTarget::Offset(to) => to,
            MoveTarget::Time(since_ms) => self
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
        Ok((to, self.facts.source.evidence(last)))
    }

    /// Move positions as planned.
    ///
    /// # Errors
    /// The source has readers, or the destination does not answer or refuses.
    pub fn execute(&self, moves: &[Move]) -> Result<(), OffsetsError> {
        let members = self.members()?;
        if members.of_source > 0 {
            return Err(OffsetsError::Running {
                group: self.config.group.clone(),
                members: members.of_source,
            });
        }
        if self.facts.ownership_is_ours {
            let topics = Topics::new(&self.config.destination, PATIENCE)?;
            let (topic, count) = (&self.facts.ownership_topic, self.facts.source_partitions);
            provide_ownership(&topics, topic, count)
                .map_err(|trouble| OffsetsError::Clusters(trouble.remedy))?;
        }
        let position = |step: &Move| {
            let position = CommittedPosition {
                next: step.to,
                evidence: step.evidence.clone(),
            };
            (step.partition, position)
        };
        let positions: CommittedPositions = moves.iter().map(position).collect();
        if members.of_group > 0 {
            return self.commit_beside_members(&positions);
        }
        // The broker refuses as well if somebody has joined meanwhile.
        let commit = || {
            let list = offsets(&self.facts.ownership_topic, &positions)?;
            self.group.commit(&list, CommitMode::Sync)
        };
        commit().map_err(|error| ClientError::new("commit the positions", &error).into())
    }

    /// Commit while the group has members, all of which read other sources. From who is no member the
    /// broker takes positions only within a transaction, and then looks at no generation: so it is
    /// looked here whether somebody has joined meanwhile.
    fn commit_beside_members(&self, positions: &CommittedPositions) -> Result<(), OffsetsError> {
        let failed = |error: KafkaError| ClientError::new("commit the positions", &error);
        let producer: BaseProducer<Quiet> = self
            .config
            .destination
            .client_config(
                "offsets",
                &[],
                &[
                    (
                        "transactional.id",
                        &self.config.transactional_id_of("offsets"),
                    ),
                    ("transaction.timeout.ms", "10000"),
                ],
            )
            .create_with_context(Quiet::default())
            .map_err(failed)?;
        let membership = self.group.group_metadata();
        let membership = membership.ok_or(OffsetsError::Joined)?;
        let commit = || {
            let list = offsets(&self.facts.ownership_topic, positions)?;
            producer.init_transactions(PATIENCE)?;
            producer.begin_transaction()?;
            producer.send_offsets_to_transaction(&list, &membership, PATIENCE)?;
            producer.commit_transaction(PATIENCE)
        };
        commit().map_err(failed)?;
        match self.members()?.of_source {
            0 => Ok(()),
            _ => Err(OffsetsError::Joined),
        }
    }
}
