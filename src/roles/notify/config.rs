//! The configuration of a sink's loop.

use crate::config::Config;
use crate::kafka::Cluster;
use crate::notify::Sink;
use crate::pipeline::{Content, OutputList, OutputTopic};

/// What a sink's loop needs beside the sink itself.
#[derive(Debug, Clone)]
pub struct NotifyConfig {
    /// The cluster of the alerts topic.
    pub cluster: Cluster,
    /// The alerts topic, of one partition.
    pub alerts: String,
    /// The dead-letter topic, for alerts that the sink did not accept.
    pub dead_letters: OutputTopic,
    /// Whether nothing of an alert is kept in its dead letter.
    pub seals_dead_letters: bool,
    /// The consumer group of this sink.
    pub group: String,
}

impl NotifyConfig {
    /// Taken from the configuration, and from the outputs with the largest records that they accept.
    pub fn new(config: &Config, sink: &Sink, outputs: &OutputList) -> NotifyConfig {
        NotifyConfig {
            cluster: config.destination.clone(),
            alerts: outputs.of(Content::Alerts).topic.to_string(),
            dead_letters: outputs.of(Content::DeadLetters).clone(),
            seals_dead_letters: config.privacy.seals_dead_letters(),
            group: config.sink_group(sink),
        }
    }
}
