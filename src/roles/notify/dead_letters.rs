//! Alerts that a sink was not told of, kept as dead letters with the sink's name.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::config::NotifyConfig;
use crate::encode::{self, DeadLetter};
use crate::event::{Offset, OutputRecord, Partition, RawRecord};
use crate::kafka::append::Appender;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{ClientError, Cluster, Span};
use crate::notify::offsets::Offsets;

/// Dead letters written together.
const BATCH: usize = 200;

/// The header of the sink's name, without the name.
const SINK_BYTES: usize = 32;

/// Longest silence of the cluster while alerts are read again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why alerts are to become dead letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cause {
    /// Metric label and dead-letter reason.
    pub(super) reason: &'static str,
    /// For a person.
    pub(super) detail: String,
    /// Whether nothing else is to be done about the alerts.
    pub(super) settles: bool,
}

/// Alerts could not be kept; they wait.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotKept {
    /// Reading them again failed.
    #[error("read the alerts again: {0}")]
    Read(#[from] ReadError),
    /// Writing them failed.
    #[error(transparent)]
    Write(#[from] ClientError),
}

/// The dead-letter topic, as one sink writes it.
pub(super) struct DeadLetters {
    appender: Appender,
    cluster: Cluster,
    alerts: String,
    topic: Arc<str>,
    /// The largest record that the topic takes.
    max_bytes: usize,
    sink: String,
}

impl DeadLetters {
    pub(super) fn new(config: &NotifyConfig, sink: &str) -> Result<DeadLetters, ClientError> {
        Ok(DeadLetters {
            appender: Appender::new(&config.cluster, "notify", config.dead_letters.max_bytes)?,
            cluster: config.cluster.clone(),
            alerts: config.alerts.clone(),
            topic: Arc::clone(&config.dead_letters.topic),
            max_bytes: config.dead_letters.max_bytes,
            sink: sink.to_owned(),
        })
    }

    /// Read the alerts again and keep them as they are; returns how many were still there.
    pub(super) fn store(&self, offsets: &Offsets, cause: &Cause) -> Result<u64, NotKept> {
        let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
            return Ok(0);
        };
        let span = Span {
            partition: Partition(0),
            from: Offset(first),
            to: Offset(last).next(),
        };
        let reader = TopicReader::open(&self.cluster, "watchbell-notify", &self.alerts, PATIENCE)?;
        let mut batch = Vec::new();
        let mut stored = 0;
        let mut result = Ok(());
        reader.read(&[span], &|| false, &mut |record| {
            if offsets.contains(record.position.offset.0) {
                batch.push(self.dead_letter(record, cause));
                stored += 1;
            }
            if batch.len() >= BATCH {
                result = self.appender.append(&batch);
                batch.clear();
            }
            match result {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        result?;
        self.appender.append(&batch)?;
        Ok(stored)
    }

    fn dead_letter(&self, record: &RawRecord<'_>, cause: &Cause) -> OutputRecord {
        let why = DeadLetter {
            reason: cause.reason,
            detail: &cause.detail,
            // The sink's name comes on top.
            max_bytes: self.max_bytes.saturating_sub(SINK_BYTES + self.sink.len()),
            cut: false,
            unread: None,
        };
        let mut letter = encode::dead_letter(record, &self.topic, why);
        let sink = self.sink.clone().into_bytes();
        letter
            .headers
            .push((Cow::Borrowed("watchbell-sink"), Some(sink)));
        letter
    }
}
