//! What the loop of a sink is given.

use crate::config::Config;
use crate::kafka::Cluster;
use crate::notify::Sink;
use crate::pipeline::{Content, OutputList, OutputTopic};

/// What a sink's loop needs to know beside the sink.
#[derive(Debug, Clone)]
pub struct NotifyConfig {
    /// Where the alerts are.
    pub cluster: Cluster,
    /// Their topic, of one partition.
    pub alerts: String,
    /// For what no sink takes.
    pub dead_letters: OutputTopic,
    /// Consumer group of this sink.
    pub group: String,
}

impl NotifyConfig {
    /// What the configuration says of where a sink's alerts come from, and the outputs with the largest
    /// records that they accept.
    pub fn new(config: &Config, sink: &Sink, outputs: &OutputList) -> NotifyConfig {
        NotifyConfig {
            cluster: config.destination.clone(),
            alerts: outputs.of(Content::Alerts).topic.to_string(),
            dead_letters: outputs.of(Content::DeadLetters).clone(),
            group: config.sink_group(sink),
        }
    }
}
