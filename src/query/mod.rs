//! What commands and the page ask of the output topics: one record, what belongs to it, the newest.
//! Invariant: it joins no group, commits nothing and writes nothing; how far it has come is reported, and
//! it ends when it is asked to.

mod find;
mod newest;
mod related;
mod search;
mod since;

pub use newest::newest;
pub use since::{InvalidTime, Since};

use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Config;
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Cluster, Span};
use crate::view::At;

/// Longest wait for one answer of the cluster, and for a cluster that has fallen silent.
const QUESTION: Duration = Duration::from_secs(20);

/// A cluster that takes longer to answer is reported.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is reported while a search runs.
#[derive(Clone, Copy)]
pub enum Report<'r> {
    /// So much of a topic was looked through, such as `12 records of watchbell.events`.
    Looked(&'r dyn fmt::Display),
    /// A remark about the answer, such as a topic that is missing.
    Note(&'r dyn fmt::Display),
}

/// Why there is no answer.
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
    /// No output topic exists.
    #[error("none of the output topics can be looked through")]
    NoOutputs,
    /// The topic has fewer partitions.
    #[error("{topic}: there are {count} partitions")]
    NoPartition {
        /// The topic.
        topic: String,
        /// How many it has.
        count: usize,
    },
    /// The partition does not hold this offset.
    #[error("nothing at {at}: the partition holds {from} to before {to}")]
    NotHeld {
        /// Where was looked.
        at: At,
        /// The first offset that it holds.
        from: i64,
        /// The offset after the last one.
        to: i64,
    },
    /// The offset exists and holds no record.
    #[error("no record at {0}: a transaction's marker, or a record of an aborted transaction")]
    NoRecord(At),
    /// Everything was searched.
    #[error("{what} among what was written{since}: {looked}")]
    Nothing {
        /// What was looked for.
        what: String,
        /// ` since` when, or nothing.
        since: String,
        /// How far was looked.
        looked: String,
    },
    /// It was asked to stop.
    #[error("asked to stop after {looked}")]
    Stopped {
        /// How far was looked.
        looked: String,
    },
}

/// A question to the output topics.
pub struct Query<'q> {
    /// Where they are.
    pub config: &'q Config,
    /// How far back to search; `None` searches the whole topics.
    pub since: Option<Since>,
    /// The wall clock, from which `since` counts.
    pub now: Timestamp,
    /// Ends the search.
    pub stop: &'q Shutdown,
    /// Gets the progress of the search.
    pub report: &'q (dyn Fn(Report<'_>) + Sync),
}

impl Query<'_> {
    fn note(&self, note: impl fmt::Display) {
        (self.report)(Report::Note(&note));
    }

    /// What every partition of a topic holds now.
    fn spans(&self, reader: &TopicReader) -> Result<Vec<Span>, ReadError> {
        spans(reader, &|note| (self.report)(Report::Note(&note)))
    }
}

/// A reader of a topic of the destination.
///
/// # Errors
/// The client's properties are refused.
pub fn reader(config: &Config, topic: &str) -> Result<TopicReader, ReadError> {
    reader_of(&config.destination, config, topic)
}

/// A reader of a topic of any cluster.
fn reader_of(cluster: &Cluster, config: &Config, topic: &str) -> Result<TopicReader, ReadError> {
    TopicReader::open(cluster, &config.session.group, topic, QUESTION)
}

/// What every partition of the topic holds now; `note` gets a remark if the cluster answers late.
///
/// # Errors
/// The topic cannot be described.
pub fn spans(reader: &TopicReader, note: &(dyn Fn(&str) + Sync)) -> Result<Vec<Span>, ReadError> {
    let (answered, answer) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if answer.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let (topic, limit_s) = (reader.topic(), QUESTION.as_secs());
                note(&format!(
                    "the cluster does not answer about {topic}; waiting for up to {limit_s} s"
                ));
            }
        });
        let spans = reader.spans();
        drop(answered);
        spans
    })
}
