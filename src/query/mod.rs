//! Queries on the output topics, for the commands and the web page: one record, the records related to it, and
//! the newest records.
//! Invariant: a query joins no consumer group, commits nothing and writes nothing. It reports its progress, and
//! it ends when a stop is requested.

#[cfg(feature = "archive")]
pub mod archive;
mod dead_letters;
mod find;
#[cfg(feature = "archive")]
pub mod ledger;
mod newest;
#[cfg(feature = "archive")]
pub mod parallel;
mod past_time;
mod related;
mod search;

pub use dead_letters::{
    DeadLetterChoice, DeadLetterPosition, Letter, Obstacle, Receipts, RetryOf, retry_id,
};
pub use newest::newest;
pub use past_time::{InvalidTime, PastTime};

use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{Config, Source};
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Cluster, Span};
use crate::view::At;

/// Longest wait for one response of the cluster, and for the next records of a cluster that stopped sending them.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

/// If the cluster takes longer to respond, this is reported.
const SLOW_RESPONSE: Duration = Duration::from_secs(3);

/// A report of a query while it runs.
#[derive(Clone, Copy)]
pub enum Report<'r> {
    /// How much of a topic has been searched so far, such as `12 records of watchbell.events`.
    Looked(&'r dyn fmt::Display),
    /// A note about the result, such as that a topic does not exist.
    Note(&'r dyn fmt::Display),
}

/// Why a query has no result.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A topic cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The topic is neither a source nor an output.
    #[error("{topic} is neither the topic of a source nor one of {outputs}")]
    OtherTopic {
        /// The topic.
        topic: String,
        /// The output topics.
        outputs: String,
    },
    /// It stands for a file and not for a topic.
    #[error(
        "{0} is a record of a file that `replay --to-archive` has read: it is in the archive alone, and not in the topics"
    )]
    File(At),
    /// No output topic exists, or these credentials may not describe any of them.
    #[error("no output topic exists, or these credentials may not describe any of them")]
    NoOutputs,
    /// The topic has no partition with this number.
    #[error("{topic} has no such partition: it has {count}, numbered from 0")]
    NoPartition {
        /// The topic.
        topic: String,
        /// The number of its partitions.
        count: usize,
    },
    /// The offset lies outside those that the partition holds.
    #[error("no record at {at}: the partition begins at offset {from}, and its end offset is {to}")]
    NotHeld {
        /// The position that was asked for.
        at: At,
        /// The partition's beginning offset.
        from: i64,
        /// The partition's end offset: the offset after the last committed record.
        to: i64,
    },
    /// The partition holds the offset, but no committed record at it.
    #[error(
        "no record at {0}: the offset is that of a transaction marker, or of a record of an aborted transaction"
    )]
    NoRecord(At),
    /// The record at the position is another one.
    #[error("the record at {0} is no dead letter")]
    NoLetter(At),
    /// Everything was searched, and there is no such record.
    #[error("{what} was found{since}; searched: {looked}")]
    Nothing {
        /// The beginning of the message, such as `no record with the id 7`.
        what: String,
        /// Since when, such as ` among the records written since 12h ago`; empty if the whole topics were searched.
        since: String,
        /// How much of each topic was searched.
        looked: String,
    },
    /// A stop was requested before the search was complete.
    #[error("stopped before the search was complete; searched: {looked}")]
    Stopped {
        /// How much of each topic was searched.
        looked: String,
    },
}

/// A query on the output topics.
pub struct Query<'q> {
    /// The configuration, which names the topics and clusters.
    pub config: &'q Config,
    /// How far back to search; `None` searches the whole topics.
    pub since: Option<PastTime>,
    /// The current time, from which [`PastTime::Ago`] counts back.
    pub now: Timestamp,
    /// The request to stop, which ends the search.
    pub stop: &'q Shutdown,
    /// Receives the reports while the query runs.
    pub report: &'q (dyn Fn(Report<'_>) + Sync),
}

impl Query<'_> {
    fn note(&self, note: impl fmt::Display) {
        (self.report)(Report::Note(&note));
    }

    /// See [`spans`]; notes go to [`Query::report`].
    fn spans(&self, reader: &TopicReader) -> Result<Vec<Span>, ReadError> {
        spans(reader, &|note| (self.report)(Report::Note(&note)))
    }
}

/// A reader of a topic of the destination cluster.
///
/// # Errors
/// The Kafka client refuses its properties.
pub fn reader(config: &Config, topic: &str) -> Result<TopicReader, ReadError> {
    reader_of(&config.destination, config, topic)
}

/// A reader of the topic of a source.
///
/// # Errors
/// The Kafka client refuses its properties.
pub fn source_reader(config: &Config, source: &Source) -> Result<TopicReader, ReadError> {
    reader_of(&source.cluster, config, &source.topic)
}

/// A reader of a topic of any cluster.
fn reader_of(cluster: &Cluster, config: &Config, topic: &str) -> Result<TopicReader, ReadError> {
    TopicReader::open(cluster, &config.session.group, topic, RESPONSE_TIMEOUT)
}

/// The offsets that each partition of the topic holds now, in the order of the partitions. `note` is called, on
/// another thread, if the cluster is slow to respond.
///
/// # Errors
/// The topic cannot be described.
pub fn spans(reader: &TopicReader, note: &(dyn Fn(&str) + Sync)) -> Result<Vec<Span>, ReadError> {
    let (response_sender, response) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if response.recv_timeout(SLOW_RESPONSE) == Err(RecvTimeoutError::Timeout) {
                let (topic, limit_s) = (reader.topic(), RESPONSE_TIMEOUT.as_secs());
                note(&format!(
                    "the cluster does not answer a request for the topic {topic} yet; waiting for up to {limit_s} s"
                ));
            }
        });
        let spans = reader.spans();
        drop(response_sender);
        spans
    })
}
