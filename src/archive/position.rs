//! How far the partitions of topics are in a table, as application transactions of the Delta log.

use std::sync::Arc;

use crate::event::{NextOffset, Partition};

/// How far a partition of a topic is in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The next record.
    pub next: NextOffset,
    /// A hash of the last record, by which is seen whether the topic is still the same.
    pub last: u32,
}

/// A partition of a topic that is read by a consumer group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The consumer group.
    pub group: Arc<str>,
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: Partition,
}

impl TopicPartition {
    /// The id of the application transaction whose version is the position.
    pub(super) fn position_id(&self) -> String {
        format!("{}/{}/{}", self.group, self.topic, self.partition.0)
    }

    /// The id of the application transaction whose version is the hash of the last record.
    pub(super) fn last_id(&self) -> String {
        format!("{}/last", self.position_id())
    }
}

/// Where rows begin and end in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// The position from which was read; `None` if the table had none.
    pub from: Option<NextOffset>,
    /// The position after the rows.
    pub to: Progress,
}
