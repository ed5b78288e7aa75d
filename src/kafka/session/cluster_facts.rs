//! What a session knows of its two clusters before it joins the group, and the topics it provides there.

use std::time::Duration;

use super::committed_position::SourceIdentity;
use super::config::SessionConfig;
use super::failure::Trouble;
use super::source_reader::SourceReader;
use crate::kafka::ClientError;
use crate::kafka::fault::Side;
use crate::kafka::topics::{Topics, WantedTopic, ownership_topic, positions_topic};

/// Longest wait for the answer to one request.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// What is known of the two clusters before the group is joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClusterFacts {
    /// The topic whose partitions stand for the source's.
    pub(super) ownership_topic: String,
    /// Whether it is a topic of our own, to be grown with the source.
    pub(super) ownership_is_ours: bool,
    pub(super) source: SourceIdentity,
    /// How many partitions the source has.
    pub(super) source_partitions: u32,
}

/// Look at both clusters and provide the topics without which no position can be kept.
pub(super) fn survey(
    config: &SessionConfig,
    reader: &SourceReader,
) -> Result<ClusterFacts, Trouble> {
    let facts = look(config, reader)?;
    let topics = Topics::new(&config.destination, REQUEST_TIMEOUT)
        .map_err(|error| unreachable(Side::Destination, &error))?;
    if facts.ownership_is_ours {
        provide_ownership(&topics, &facts.ownership_topic, facts.source_partitions)?;
    }
    provide_notes(&topics, &config.positions_topic)?;
    Ok(facts)
}

/// Look at both clusters and change nothing.
pub(super) fn look(config: &SessionConfig, reader: &SourceReader) -> Result<ClusterFacts, Trouble> {
    // Asked first: a client of its own says what is wrong with a login, the reader cannot.
    let source_cluster = config
        .source
        .cluster_id(REQUEST_TIMEOUT)
        .map_err(|error| source_unreachable(config, &error))?;
    let source_partitions = reader
        .partitions(REQUEST_TIMEOUT)
        .map_err(|error| source_unreachable(config, &error))?
        .ok_or_else(|| source_missing(config))?;
    let destination_cluster = config
        .destination
        .cluster_id(REQUEST_TIMEOUT)
        .map_err(|error| unreachable(Side::Destination, &error))?;
    let same = match (&source_cluster, &destination_cluster) {
        (Some(source), Some(destination)) => source == destination,
        _ => config.source.bootstrap == config.destination.bootstrap,
    };
    Ok(ClusterFacts {
        ownership_topic: if same {
            config.source_topic.clone()
        } else {
            ownership_topic(&config.source_name)
        },
        ownership_is_ours: !same,
        source: SourceIdentity {
            cluster: source_cluster,
            topic: config.source_topic.clone(),
        },
        source_partitions,
    })
}

fn source_unreachable(config: &SessionConfig, error: &ClientError) -> Trouble {
    let mut trouble = unreachable(Side::Source, error);
    if let (ClientError::Login { .. }, Some(remedy)) = (error, config.broker.login_remedy()) {
        trouble.remedy = format!("{}; {remedy}", trouble.remedy);
    }
    trouble
}

fn unreachable(side: Side, error: &ClientError) -> Trouble {
    let cluster = match side {
        Side::Source => "source",
        Side::Destination => "destination",
    };
    let remedy = match error {
        ClientError::Login { .. } => format!("{cluster}: {error}"),
        ClientError::Request {
            repair: Some(repair),
            ..
        } => format!("{cluster}: {error}: {}", repair.remedy(side)),
        _ => format!(
            "{error}: check bootstrap, credentials, the network and the brokers of the {cluster}"
        ),
    };
    Trouble {
        side,
        reason: error.reason(),
        remedy,
    }
}

pub(super) fn source_missing(config: &SessionConfig) -> Trouble {
    Trouble {
        side: Side::Source,
        reason: "source_missing",
        remedy: format!(
            "the source topic {} does not exist, or these credentials may not see it: {}",
            config.source_topic,
            config.broker.topic_remedy()
        ),
    }
}

/// Create the ownership topic, or grow it to the source's number of partitions.
pub(super) fn provide_ownership(topics: &Topics, topic: &str, wanted: u32) -> Result<(), Trouble> {
    let ask = || -> Result<bool, ClientError> {
        match topics.partitions(topic)? {
            None => topics.create(&WantedTopic::new(topic, wanted))?,
            Some(has) if has < wanted => topics.grow(topic, wanted)?,
            Some(_) => return Ok(true),
        }
        Ok(topics.partitions(topic)?.is_some_and(|has| has >= wanted))
    };
    let problem = match ask() {
        Ok(true) => return Ok(()),
        Ok(false) => "its partitions are not there yet".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Trouble {
        side: Side::Destination,
        reason: "ownership_topic",
        remedy: format!(
            "the ownership topic {topic} needs {wanted} partitions: {problem}; create or grow it \
             (watchbell topics create), or grant Create and Alter on it"
        ),
    })
}

/// Create the topic of noted positions where it is missing.
fn provide_notes(topics: &Topics, topic: &str) -> Result<(), Trouble> {
    let ask = || -> Result<bool, ClientError> {
        if topics.partitions(topic)?.is_none() {
            topics.create(&positions_topic(topic))?;
        }
        Ok(topics.partitions(topic)?.is_some())
    };
    let problem = match ask() {
        Ok(true) => return Ok(()),
        Ok(false) => "it is not there yet".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Trouble {
        side: Side::Destination,
        reason: "positions_topic",
        remedy: format!(
            "the topic {topic}, which remembers positions, is needed: {problem}; create it \
             (watchbell topics create), or grant Create, Describe, Read and Write on it"
        ),
    })
}
