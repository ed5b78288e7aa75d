//! How far the partitions of topics are in a table, as application transactions of the Delta log.

use std::sync::Arc;

use crate::event::{NextOffset, Partition, file_of_topic};

/// The group under whose name the tables hold how far files are.
const FILES: &str = "replay";

/// How the id ends whose version is the other number beside the position.
const LAST: &str = "/last";

/// How far a partition of a topic is in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The next record.
    pub next: NextOffset,
    /// Of a topic, a hash of the last record, by which is seen whether the topic is still the same. Of a file, whether
    /// everything was read.
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
    /// What stands for a file, which has one partition; `topic` is the name that [`crate::event::file_topic`] gives it.
    pub fn of_file(topic: Arc<str>) -> TopicPartition {
        TopicPartition {
            group: FILES.into(),
            topic,
            partition: Partition(0),
        }
    }

    /// The SHA-256 of the file that it stands for, if it stands for one.
    pub(super) fn file(&self) -> Option<[u8; 32]> {
        let is_of_files = *self.group == *FILES && self.partition == Partition(0);
        file_of_topic(&self.topic).filter(|_| is_of_files)
    }

    /// The file of which the id of an application transaction is, and whether its version is the other number that is
    /// kept beside the position.
    pub(super) fn file_of_id(id: &str) -> Option<([u8; 32], bool)> {
        let rest = id.strip_prefix(FILES)?.strip_prefix('/')?;
        let (position, is_last) = match rest.strip_suffix(LAST) {
            Some(position) => (position, true),
            None => (rest, false),
        };
        Some((file_of_topic(position.strip_suffix("/0")?)?, is_last))
    }

    /// The id of the application transaction whose version is the position.
    pub(super) fn position_id(&self) -> String {
        format!("{}/{}/{}", self.group, self.topic, self.partition.0)
    }

    /// The id of the application transaction whose version is the hash of the last record.
    pub(super) fn last_id(&self) -> String {
        format!("{}{LAST}", self.position_id())
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
