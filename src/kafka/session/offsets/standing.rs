//! Whether a session that has stopped would stop again: its positions are judged from outside, so that
//! the group stays without members of this source, and somebody can move them meanwhile.
//! Invariant: this finds what a session finds when it starts, by the same judgement.

use super::{Offsets, OffsetsError, PATIENCE, Same};
use crate::event::{Offset, Partition};
use crate::kafka::session::committed_position::CommittedPositions;
use crate::kafka::session::config::{OnGap, SessionConfig};
use crate::kafka::session::error::SessionError;
use crate::kafka::session::verdict::{Verdict, judge};
use crate::kafka::topics::Topics;

/// Why a session of this source would stop; `None` where it would go on. `turned` is called between
/// questions.
///
/// # Errors
/// A cluster does not answer.
pub fn would_stop(
    config: &SessionConfig,
    turned: &dyn Fn(),
) -> Result<Option<SessionError>, OffsetsError> {
    turned();
    let offsets = Offsets::open(config)?;
    turned();
    offsets.would_stop(turned)
}

impl Offsets {
    fn would_stop(&self, turned: &dyn Fn()) -> Result<Option<SessionError>, OffsetsError> {
        let count = self.facts.source_partitions.cast_signed();
        let all: Vec<Partition> = (0..self.owned()?.max(count)).map(Partition).collect();
        let committed = self.committed(&all)?;
        if let Some(partition) = committed.keys().find(|partition| partition.0 >= count) {
            return Ok(Some(SessionError::PartitionGone {
                partition: *partition,
                partitions: self.facts.source_partitions,
            }));
        }
        if let Some(error) = self.lost(&committed)? {
            return Ok(Some(error));
        }
        for partition in committed.keys() {
            turned();
            if let Some(error) = self.judge(*partition, &committed)? {
                return Ok(Some(error));
            }
        }
        Ok(None)
    }

    /// How many partitions of the ownership topic may have positions.
    fn owned(&self) -> Result<i32, OffsetsError> {
        if !self.facts.ownership_is_ours {
            return Ok(0);
        }
        let topics = Topics::new(&self.config.destination, PATIENCE)?;
        let count = topics.partitions(&self.facts.ownership_topic)?;
        Ok(count.unwrap_or(0).cast_signed())
    }

    fn lost(&self, committed: &CommittedPositions) -> Result<Option<SessionError>, OffsetsError> {
        let all = self.partitions();
        if self.config.on_gap == OnGap::Continue || all.iter().all(|p| committed.contains_key(p)) {
            return Ok(None);
        }
        let noted = self.noted()?;
        let lost = noted.keys().filter(|noted| !committed.contains_key(noted));
        let partitions = lost.count();
        Ok((partitions > 0).then(|| SessionError::PositionsLost {
            group: self.config.group.clone(),
            partitions,
        }))
    }

    fn judge(
        &self,
        partition: Partition,
        committed: &CommittedPositions,
    ) -> Result<Option<SessionError>, OffsetsError> {
        let Some(position) = committed.get(&partition) else {
            return Ok(None);
        };
        let (oldest, end) = self.bounds(partition)?;
        let (source, broker) = (&self.facts.source, self.config.broker);
        let verdict = judge(partition, position, source, broker, (oldest, end));
        Ok(match verdict {
            Verdict::Foreign => Some(SessionError::ForeignPosition {
                partition,
                committed: position.evidence.source(),
                found: source.evidence(None).source(),
            }),
            Verdict::PastEnd => Some(SessionError::PastEnd {
                partition,
                position: position.next,
                end,
            }),
            Verdict::Gap(gap) => {
                (self.config.on_gap == OnGap::Stop).then_some(SessionError::Gap(gap))
            }
            Verdict::Resume => {
                let seen = self.look_at(partition, Some(position.clone()), None)?;
                let last = position.evidence.last.as_ref();
                let last = last.filter(|_| seen.last == Same::No);
                last.map(|last| SessionError::AnotherRecord {
                    partition,
                    offset: Offset(last.offset),
                })
            }
        })
    }
}
