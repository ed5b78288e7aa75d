//! Alerts that a sink was not told of, kept as dead letters with the sink's name.

use std::borrow::Cow;
use std::sync::Arc;

use super::NotifyConfig;
use crate::encode::{self, DeadLetter};
use crate::event::{Offset, OutputRecord, RawRecord};
use crate::kafka::ClientError;
use crate::kafka::append::Appender;
use crate::kafka::follow::Follower;
use crate::notify::offsets::Offsets;

/// Dead letters written together.
const BATCH: usize = 200;

/// Why an alert is a dead letter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Why<'a> {
    /// One word.
    pub(super) reason: &'static str,
    /// For a person.
    pub(super) detail: &'a str,
}

/// The dead-letter topic, as one sink writes it.
pub(super) struct DeadLetters {
    appender: Appender,
    topic: Arc<str>,
    /// The largest record that the topic takes.
    max_bytes: usize,
    sink: String,
}

impl DeadLetters {
    pub(super) fn new(config: &NotifyConfig, sink: &str) -> Result<DeadLetters, ClientError> {
        Ok(DeadLetters {
            appender: Appender::new(&config.cluster, "notify")?,
            topic: Arc::clone(&config.dead_letters),
            max_bytes: config.max_message_bytes,
            sink: sink.to_owned(),
        })
    }

    /// Keep one record.
    pub(super) fn store_one(
        &self,
        record: &RawRecord<'_>,
        why: Why<'_>,
    ) -> Result<(), ClientError> {
        self.appender.append(&[self.dead_letter(record, why)])
    }

    /// Read the alerts again and keep them as they are; returns how many were still there.
    pub(super) fn store(
        &self,
        follower: &Follower,
        offsets: &Offsets,
        why: Why<'_>,
    ) -> Result<u64, ClientError> {
        let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
            return Ok(0);
        };
        let mut batch = Vec::new();
        let mut stored = 0;
        let mut result = Ok(());
        follower.reread(Offset(first), Offset(last), &mut |record| {
            if result.is_ok() && offsets.contains(record.position.offset.0) {
                batch.push(self.dead_letter(record, why));
                stored += 1;
                if batch.len() >= BATCH {
                    result = self.appender.append(&batch);
                    batch.clear();
                }
            }
        })?;
        result?;
        self.appender.append(&batch)?;
        Ok(stored)
    }

    fn dead_letter(&self, record: &RawRecord<'_>, why: Why<'_>) -> OutputRecord {
        let why = DeadLetter {
            reason: why.reason,
            detail: why.detail,
            max_bytes: self.max_bytes,
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
