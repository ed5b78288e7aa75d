//! Writes alerts to the dead-letter topic, with the name of the sink.

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

/// Most dead letters written together.
const BATCH: usize = 200;

/// Bytes of the header `watchbell-sink` without its value, rounded up.
const SINK_HEADER_BYTES: usize = 32;

/// If the cluster sends nothing for this long while alerts are read again, reading fails.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// Why alerts are to become dead letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeadLetterCause {
    /// Metric label and dead-letter reason.
    pub(super) reason: &'static str,
    /// Details for people.
    pub(super) detail: String,
    /// Whether the alerts were given up, so that nothing else remains to be done about them.
    pub(super) settles: bool,
}

/// Dead letters could not be written; they are tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// Reading them again failed.
    #[error("read the alerts again: {0}")]
    Read(#[from] ReadError),
    /// Writing them failed.
    #[error(transparent)]
    Write(#[from] ClientError),
}

/// Writes the dead letters of one sink.
pub(super) struct DeadLetterWriter {
    appender: Appender,
    cluster: Cluster,
    alerts: String,
    topic: Arc<str>,
    /// The largest record that the topic accepts.
    max_bytes: usize,
    sink: String,
    /// Whether nothing of the alert is kept, because a privacy policy exists.
    is_sealed: bool,
}

impl DeadLetterWriter {
    pub(super) fn new(config: &NotifyConfig, sink: &str) -> Result<DeadLetterWriter, ClientError> {
        Ok(DeadLetterWriter {
            appender: Appender::new(&config.cluster, "notify", config.dead_letters.max_bytes)?,
            cluster: config.cluster.clone(),
            alerts: config.alerts.clone(),
            topic: Arc::clone(&config.dead_letters.topic),
            max_bytes: config.dead_letters.max_bytes,
            sink: sink.to_owned(),
            is_sealed: config.seals_dead_letters,
        })
    }

    /// Read the alerts again and write them unchanged as dead letters; returns how many still existed.
    pub(super) fn store(
        &self,
        offsets: &Offsets,
        cause: &DeadLetterCause,
    ) -> Result<u64, StoreError> {
        let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
            return Ok(0);
        };
        let span = Span {
            partition: Partition(0),
            from: Offset(first),
            to: Offset(last).next(),
        };
        let reader = TopicReader::open(
            &self.cluster,
            "watchbell-notify",
            &self.alerts,
            READ_TIMEOUT,
        )?;
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

    fn dead_letter(&self, record: &RawRecord<'_>, cause: &DeadLetterCause) -> OutputRecord {
        let why = DeadLetter {
            reason: cause.reason,
            detail: &cause.detail,
            // The header with the sink's name is added afterwards.
            max_bytes: self
                .max_bytes
                .saturating_sub(SINK_HEADER_BYTES + self.sink.len()),
            cut: false,
            sealed: self.is_sealed,
            unread: None,
            output: None,
            origin: None,
        };
        let mut letter = encode::dead_letter(record, &self.topic, why);
        let sink = self.sink.clone().into_bytes();
        letter
            .headers
            .push((Cow::Borrowed("watchbell-sink"), Some(sink)));
        letter
    }
}
