//! The output topics: the settings that they should have, and the largest record that each accepts.

use std::time::Duration;

use crate::kafka::topics::{FoundTopic, Topics, WantedTopic};
use crate::kafka::{ClientError, Cluster};
use crate::pipeline::{Content, OutputList, OutputTopic, Purpose};

/// Timeout of one request to the cluster.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The same for [`describe`], which is called while a batch waits.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the routine topic that watchbell creates keeps its records: one day.
const ROUTINE_RETENTION_MS: &str = "86400000";

/// Partitions of an events topic that watchbell creates.
const EVENTS_PARTITIONS: u32 = 6;

/// The output topics are not as they must be.
#[derive(Debug, thiserror::Error)]
pub enum OutputsError {
    /// The cluster does not answer, or refuses.
    #[error(
        "destination: {0}: check bootstrap, credentials, the network, the brokers, and the right to \
         create topics"
    )]
    Client(ClientError),
    /// The cluster refuses the login, or TLS fails.
    #[error("destination: {0}")]
    Login(ClientError),
    /// Topics do not exist, or may not be described.
    #[error(
        "missing on the destination: {}; create them (watchbell topics create, or create_topics: \
         true), or grant Describe on them",
        .0.join(", ")
    )]
    Missing(Vec<String>),
}

impl From<ClientError> for OutputsError {
    fn from(error: ClientError) -> OutputsError {
        match error {
            ClientError::Login { .. } => OutputsError::Login(error),
            _ => OutputsError::Client(error),
        }
    }
}

impl OutputsError {
    /// Metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            OutputsError::Client(error) | OutputsError::Login(error) => error.reason(),
            OutputsError::Missing(_) => "topic_missing",
        }
    }
}

/// The output topics that must exist, as watchbell creates them. Alerts have one partition, since they are read in
/// order. None may be compacted: keys are actors and alert groups, so compaction would delete records.
pub fn wanted(outputs: &OutputList) -> Vec<WantedTopic> {
    let required = outputs.iter().filter(|output| !output.is_optional());
    required.map(wanted_topic).collect()
}

/// The routine topic that the configuration does not ask for. It is used if it exists, and neither created nor missed:
/// events stay in the events topic then, which keeps them longer.
pub fn optional(outputs: &OutputList) -> Option<WantedTopic> {
    let mut optional = outputs.iter().filter(|output| output.is_optional());
    optional.next().map(wanted_topic)
}

fn wanted_topic(output: &OutputTopic) -> WantedTopic {
    let name = &*output.topic;
    let topic = match output.content {
        Content::Events => WantedTopic::new(name, EVENTS_PARTITIONS).any_if_exists(),
        Content::Alerts => WantedTopic::new(name, 1).exactly(),
        Content::DeadLetters | Content::Ledger => WantedTopic::new(name, 1),
    };
    let topic = topic.with("cleanup.policy", "delete");
    match output.purpose {
        Purpose::Routine { .. } => topic.with("retention.ms", ROUTINE_RETENTION_MS),
        Purpose::Default | Purpose::Route => topic,
    }
}

/// What was found out about the output topics.
#[derive(Debug)]
pub struct FoundOutputs {
    /// With the largest record that each accepts; the broker's default for a topic that is missing.
    pub outputs: OutputList,
    /// The names of those that do not exist, or may not be described.
    pub missing: Vec<String>,
}

/// Describe the output topics, and create the missing ones if `create_missing`.
///
/// # Errors
/// The cluster does not answer, or refuses.
pub fn prepare(
    cluster: &Cluster,
    outputs: &OutputList,
    create_missing: bool,
) -> Result<FoundOutputs, OutputsError> {
    let topics = Topics::new(cluster, REQUEST_TIMEOUT)?;
    let mut missing = Vec::new();
    for wanted in wanted(outputs) {
        if topics.partitions(&wanted.name)?.is_some() {
            continue;
        }
        if create_missing {
            topics.create(&wanted)?;
            tracing::info!(topic = wanted.name, "topic created");
        } else {
            missing.push(wanted.name);
        }
    }
    let outputs = match optional(outputs) {
        Some(optional) if topics.partitions(&optional.name)?.is_none() => {
            &outputs.clone().retained(|output| !output.is_optional())
        }
        _ => outputs,
    };
    let mut present = outputs.topics();
    present.retain(|name| !missing.iter().any(|missing| missing == name));
    let found = match present.is_empty() {
        true => Vec::new(),
        false => topics.describe(&present)?,
    };
    Ok(FoundOutputs {
        outputs: limited(outputs, &found),
        missing,
    })
}

/// The same for a command, which does not wait until somebody creates what is missing.
///
/// # Errors
/// The cluster does not answer or refuses, or topics are missing.
pub fn existing(
    cluster: &Cluster,
    outputs: &OutputList,
    create_missing: bool,
) -> Result<OutputList, OutputsError> {
    let found = prepare(cluster, outputs, create_missing)?;
    match found.missing.is_empty() {
        true => Ok(found.outputs),
        false => Err(OutputsError::Missing(found.missing)),
    }
}

/// Describe the topics of these names.
///
/// # Errors
/// The cluster does not answer.
pub fn describe(cluster: &Cluster, names: &[&str]) -> Result<Vec<FoundTopic>, ClientError> {
    Topics::new(cluster, DESCRIBE_TIMEOUT)?.describe(names)
}

/// The outputs with the largest record that each topic accepts. For a topic whose settings may not be read
/// it is the one that was known.
pub fn limited(outputs: &OutputList, found: &[FoundTopic]) -> OutputList {
    outputs.clone().limited(|output| {
        let topic = found.iter().find(|topic| *topic.name == *output.topic);
        let bytes = topic.and_then(FoundTopic::largest_batch_bytes);
        bytes.unwrap_or(output.max_bytes)
    })
}
