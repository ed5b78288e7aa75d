//! The topics that ingest writes: as they should be, and how large a record they take.

use std::time::Duration;

use crate::kafka::topics::{FoundTopic, Topics, WantedTopic};
use crate::kafka::{ClientError, Cluster};
use crate::pipeline::{Content, OutputList, OutputTopic};

/// Longest wait for one answer of the cluster.
const QUESTION: Duration = Duration::from_secs(5);

/// The same while records wait for the answer.
const DESCRIPTION: Duration = Duration::from_secs(2);

/// Partitions of the events topic when it is created here.
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
    /// Topics are missing, or may not be seen.
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

/// The output topics as they are created: alerts in one partition, since they are read in order.
/// None may be compacted: their keys are actors and groups, and every record counts.
pub fn wanted(outputs: &OutputList) -> Vec<WantedTopic> {
    let wanted = |output: &OutputTopic| match output.content {
        Content::Events => WantedTopic::new(&*output.topic, EVENTS_PARTITIONS),
        Content::Alerts => WantedTopic::new(&*output.topic, 1).exactly(),
        Content::DeadLetters => WantedTopic::new(&*output.topic, 1),
    };
    let topics = outputs.iter().map(wanted);
    let topics = topics.map(|topic| topic.with("cleanup.policy", "delete"));
    topics.collect()
}

/// The output topics as they were found.
#[derive(Debug)]
pub struct Prepared {
    /// With the largest record that each accepts; the broker's default of those that are missing.
    pub outputs: OutputList,
    /// The names of those that are missing, or may not be seen.
    pub missing: Vec<String>,
}

/// Create what is missing, if asked to, and look at the output topics.
///
/// # Errors
/// The cluster does not answer, or refuses.
pub fn prepare(
    cluster: &Cluster,
    outputs: &OutputList,
    create_missing: bool,
) -> Result<Prepared, OutputsError> {
    let topics = Topics::new(cluster, QUESTION)?;
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
    let mut present = outputs.topics();
    present.retain(|name| !missing.iter().any(|missing| missing == name));
    let found = match present.is_empty() {
        true => Vec::new(),
        false => topics.describe(&present)?,
    };
    Ok(Prepared {
        outputs: limited(outputs, &found),
        missing,
    })
}

/// The topics of these names as they are now.
///
/// # Errors
/// The cluster does not answer.
pub fn describe(cluster: &Cluster, names: &[&str]) -> Result<Vec<FoundTopic>, ClientError> {
    Topics::new(cluster, DESCRIPTION)?.describe(names)
}

/// The outputs with the largest record that each topic accepts; one whose settings may not be read
/// accepts what was known.
pub fn limited(outputs: &OutputList, found: &[FoundTopic]) -> OutputList {
    outputs.clone().limited(|output| {
        let topic = found.iter().find(|topic| *topic.name == *output.topic);
        let bytes = topic.and_then(FoundTopic::largest_batch_bytes);
        bytes.unwrap_or(output.max_bytes)
    })
}
