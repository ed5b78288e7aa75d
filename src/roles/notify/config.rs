//! What the loop of a sink is given.

use std::sync::Arc;

use crate::config::Config;
use crate::kafka::Cluster;
use crate::notify::Sink;

/// What a sink's loop needs to know beside the sink.
#[derive(Debug, Clone)]
pub struct NotifyConfig {
    /// Where the alerts are.
    pub cluster: Cluster,
    /// Their topic, of one partition.
    pub alerts: String,
    /// For what no sink takes.
    pub dead_letters: Arc<str>,
    /// The largest record that the dead letters' topic takes.
    pub max_dead_letter_bytes: usize,
    /// Consumer group of this sink.
    pub group: String,
}

impl NotifyConfig {
    /// What the configuration says of where a sink's alerts come from; its dead letters may be so large.
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
