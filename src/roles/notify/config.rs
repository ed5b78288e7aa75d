//! The configuration of a sink's loop.

use std::sync::Arc;

use crate::config::Config;
use crate::kafka::Cluster;
use crate::notify::Sink;

/// What a sink's loop needs beside the sink itself.
#[derive(Debug, Clone)]
pub struct NotifyConfig {
    /// The cluster of the alerts topic.
    pub cluster: Cluster,
    /// The alerts topic, of one partition.
    pub alerts: String,
    /// The dead-letter topic, for alerts that the sink did not accept.
    pub dead_letters: Arc<str>,
    /// The largest record that the dead-letter topic accepts.
    pub max_dead_letter_bytes: usize,
    /// The consumer group of this sink.
    pub group: String,
}

impl NotifyConfig {
    /// Taken from the configuration; `max_dead_letter_bytes` is what the dead-letter topic accepts.
    pub fn new(config: &Config, sink: &Sink, max_dead_letter_bytes: usize) -> NotifyConfig {
        NotifyConfig {
            cluster: config.destination.clone(),
            alerts: config.topics.alerts.clone(),
            dead_letters: config.topics.dead_letters.as_str().into(),
            max_dead_letter_bytes,
            group: config.sink_group(sink),
        }
    }
}
