//! The topics that ingest writes: as they should be, and how large a record they take.

use std::time::Duration;

use crate::config::Topics as Names;
use crate::kafka::topics::{FoundTopic, Topics, WantedTopic};
use crate::kafka::{ClientError, Cluster};
use crate::pipeline::{DEFAULT_MAX_MESSAGE_BYTES, Limits};

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
pub fn wanted(names: &Names) -> [WantedTopic; 3] {
    [
        WantedTopic::new(&names.events, EVENTS_PARTITIONS),
        WantedTopic::new(&names.alerts, 1).exactly(),
        WantedTopic::new(&names.dead_letters, 1),
    ]
    .map(|topic| topic.with("cleanup.policy", "delete"))
}

/// The output topics as they were found.
#[derive(Debug)]
pub struct Prepared {
    /// The largest record that each takes; the broker's default of those that are missing.
    pub limits: Limits,
    /// The names of those that are missing, or may not be seen.
    pub missing: Vec<String>,
}

/// Create what is missing, if asked to, and look at the output topics.
///
/// # Errors
/// The cluster does not answer, or refuses.
pub fn prepare(
    cluster: &Cluster,
    names: &Names,
    create_missing: bool,
) -> Result<Prepared, OutputsError> {
    let topics = Topics::new(cluster, QUESTION)?;
    let mut missing = Vec::new();
    for wanted in wanted(names) {
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
    let mut present = names.all().to_vec();
    present.retain(|name| !missing.iter().any(|missing| missing == name));
    let found = match present.is_empty() {
        true => Vec::new(),
        false => topics.describe(&present)?,
    };
    let known = Limits::all(DEFAULT_MAX_MESSAGE_BYTES);
    Ok(Prepared {
        limits: limits(&found, names.all(), known),
        missing,
    })
}

/// The output topics as they are now: the event's, the alerts' and the dead letters', in this order.
///
/// # Errors
/// The cluster does not answer.
pub fn describe(cluster: &Cluster, names: &[&str; 3]) -> Result<Vec<FoundTopic>, ClientError> {
    Topics::new(cluster, DESCRIPTION)?.describe(names)
}

/// The largest record that each of these topics takes: the event's, the alerts' and the dead letters'.
/// One whose settings may not be read takes what was `known`.
pub fn limits(
    found: &[FoundTopic],
    [events, alerts, dead_letters]: [&str; 3],
    known: Limits,
) -> Limits {
    let limit = |name: &str, known| {
        let topic = found.iter().find(|topic| topic.name == name);
        let bytes = topic.and_then(FoundTopic::largest_batch_bytes);
        bytes.unwrap_or(known)
    };
    Limits {
        events: limit(events, known.events),
        alerts: limit(alerts, known.alerts),
        dead_letters: limit(dead_letters, known.dead_letters),
    }
}
