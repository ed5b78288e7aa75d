//! The positions of the follower, which are those of the table.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::config::ArchiveConfig;
use super::store::SharedTable;
use crate::archive::TopicPartition;
use crate::event::{NextOffset, Partition};
use crate::kafka::follow::{PositionStore, StoredPosition};

/// The positions that the table had when the partitions were assigned: rows are appended only where they still hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Bases(Arc<Mutex<HashMap<Partition, Option<NextOffset>>>>);

impl Bases {
    /// The position at which the partition was begun.
    pub(super) fn get(&self, partition: Partition) -> Option<NextOffset> {
        let bases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bases.get(&partition).copied().flatten()
    }

    fn set(&self, partition: Partition, next: Option<NextOffset>) {
        let mut bases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bases.insert(partition, next);
    }
}

/// Looks positions up in the table.
pub(super) struct TablePositions {
    table: SharedTable,
    bases: Bases,
    group: Arc<str>,
    topic: Arc<str>,
}

impl TablePositions {
    pub(super) fn new(config: &ArchiveConfig, table: SharedTable, bases: Bases) -> TablePositions {
        TablePositions {
            table,
            bases,
            group: config.group.as_str().into(),
            topic: config.topic.as_str().into(),
        }
    }
}

impl PositionStore for TablePositions {
    fn position(&mut self, partition: Partition) -> Result<Option<StoredPosition>, String> {
        let of = TopicPartition {
            group: self.group.clone(),
            topic: self.topic.clone(),
            partition,
        };
        let progress = self.table.progress(&of)?;
        self.bases
            .set(partition, progress.map(|progress| progress.next));
        Ok(progress.map(|progress| StoredPosition {
            next: progress.next,
            last: progress.last,
        }))
    }
}
