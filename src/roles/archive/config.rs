//! How a topic is archived, as it follows from the configuration.

use std::sync::Arc;
use std::time::Duration;

use super::caretaker::Caretaker;
use crate::archive::{Storage, StorageError, TableKind};
use crate::config::{self, Config};
use crate::kafka::Cluster;
use crate::pipeline::{Content, OutputTopic};
use crate::privacy::Policy;
use crate::query::archive::table_of;

/// Which topic is written to which table, and when.
#[derive(Debug, Clone)]
pub struct ArchiveConfig {
    /// The cluster of the topic.
    pub cluster: Cluster,
    /// The consumer group, which is part of the positions' names.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// The table.
    pub kind: TableKind,
    /// Where the table is.
    pub storage: Storage,
    /// Longest time from the first record of a batch to its commit.
    pub interval: Duration,
    /// Most bytes of a batch.
    pub bytes: usize,
    /// What the archive does not show of the topic.
    pub policy: Option<Arc<Policy>>,
    /// Is told whether partition 0 is ours, of the topic whose owner cares for the tables.
    pub caretaker: Option<Caretaker>,
}

impl ArchiveConfig {
    /// How a topic is archived.
    ///
    /// # Errors
    /// The URL of the archive cannot be read.
    pub fn new(
        config: &Config,
        archive: &config::Archive,
        output: &OutputTopic,
        caretaker: &Caretaker,
    ) -> Result<ArchiveConfig, StorageError> {
        let first = &config.outputs.of(Content::Events).topic;
        Ok(ArchiveConfig {
            cluster: config.destination.clone(),
            group: archive.group.clone(),
            topic: output.topic.to_string(),
            kind: table_of(output.content),
            storage: Storage::open(&archive.url, &archive.options)?,
            policy: config.privacy.of_archive(&output.topic).cloned(),
            interval: archive.interval,
            bytes: archive.bytes,
            caretaker: (output.topic == *first).then(|| caretaker.clone()),
        })
    }
}
