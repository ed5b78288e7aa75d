//! Why a session ends without being asked to, and what a person can do about it.

use super::observe::Gap;
use crate::event::{NextOffset, Offset, Partition};
use crate::kafka::ClientError;

/// Why a session ended without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The settings contradict each other.
    #[error("{0}")]
    Config(String),
    /// A client could not be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Records expired before they were read, and `on_gap` is `stop`.
    #[error(
        "{} of partition {} expired before they were read (offsets {} to {})",
        .0.count(), .0.partition.0, .0.from.0, .0.to.0
    )]
    Gap(Gap),
    /// The position lies past the end: the topic was deleted and created again, or lost data.
    #[error(
        "the position {} of partition {} lies past its end {}: the source topic was re-created or \
         truncated", .position.0, .partition.0, .end.0
    )]
    PastEnd {
        /// Partition of the source.
        partition: Partition,
        /// The committed position.
        position: NextOffset,
        /// The end of the partition.
        end: NextOffset,
    },
    /// The source has no such partition any more: the topic was deleted and created again.
    #[error(
        "the group has a position for partition {}, but the source has {partitions} partitions only: \
         the source topic was re-created smaller", .partition.0
    )]
    PartitionGone {
        /// Partition of the source.
        partition: Partition,
        /// How many partitions the source has.
        partitions: u32,
    },
    /// The last record consumed is another one now: the topic was deleted and created again.
    #[error(
        "the record at offset {} of partition {} is not the one that was consumed there: the source \
         topic was re-created and has grown past the position", .offset.0, .partition.0
    )]
    AnotherRecord {
        /// Partition of the source.
        partition: Partition,
        /// The record before the position.
        offset: Offset,
    },
    /// The position was committed while reading another cluster or topic.
    #[error(
        "the position of partition {} belongs to {committed}, but the source is now {found}",
        .partition.0
    )]
    ForeignPosition {
        /// Partition of the source.
        partition: Partition,
        /// What the commit's metadata names.
        committed: String,
        /// What the source is.
        found: String,
    },
    /// The group has no positions although this deployment had some, and `on_gap` is `stop`.
    #[error(
        "the group {group} has lost the positions of {partitions} partitions: it was deleted, or had \
         no members for longer than the broker's offsets.retention.minutes"
    )]
    PositionsLost {
        /// The ownership group.
        group: String,
        /// How many partitions had a position.
        partitions: usize,
    },
}

impl SessionError {
    /// What a person can do so that the source is read again, with the commands to copy; `None` where
    /// the error itself says it.
    pub fn remedy(&self, source: &str) -> Option<String> {
        let set = |which: &str, to: &str| {
            format!("watchbell offsets set --source {source} {which} --to {to} --execute")
        };
        let another_name =
            "give the source another name in the configuration, so that it begins anew";
        Some(match self {
            SessionError::Config(_) | SessionError::Client(_) => return None,
            SessionError::Gap(gap) => format!(
                "to go on after them, set on_gap: continue, or move the position: {}",
                set(&format!("--partition {}", gap.partition.0), "earliest")
            ),
            SessionError::PastEnd { .. } | SessionError::AnotherRecord { .. } => format!(
                "look with watchbell offsets show --source {source}, then read it from its start with {}",
                set("--all", "earliest")
            ),
            SessionError::PartitionGone { .. } => another_name.to_owned(),
            SessionError::ForeignPosition { .. } => format!(
                "{another_name}, or read it from its start with {}",
                set("--all", "earliest")
            ),
            SessionError::PositionsLost { .. } => format!(
                "to go on from the last noted ones, set on_gap: continue, or put them back: {}",
                set("--all", "noted")
            ),
        })
    }

    /// What tells this error from others of its reason, and stays the same while records come and go:
    /// other processes, and later looks, find the same. `None` where nothing does.
    pub fn identity(&self) -> Option<String> {
        match self {
            SessionError::Gap(gap) => Some(format!("{}@{}", gap.partition.0, gap.from.0)),
            SessionError::PastEnd {
                partition,
                position,
                ..
            } => Some(format!("{}@{}", partition.0, position.0)),
            SessionError::PartitionGone { partition, .. } => Some(partition.0.to_string()),
            SessionError::AnotherRecord { partition, offset } => {
                Some(format!("{}@{}", partition.0, offset.0))
            }
            SessionError::ForeignPosition {
                committed, found, ..
            } => Some(format!("{committed} {found}")),
            SessionError::PositionsLost { group, .. } => Some(group.clone()),
            _ => None,
        }
    }

    /// Metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            SessionError::Config(_) => "config",
            SessionError::Client(_) => "client",
            SessionError::Gap(_) => "gap",
            SessionError::PastEnd { .. } => "past_end",
            SessionError::PartitionGone { .. } => "partition_gone",
            SessionError::AnotherRecord { .. } => "another_record",
            SessionError::ForeignPosition { .. } => "foreign_position",
            SessionError::PositionsLost { .. } => "positions_lost",
        }
    }
}
