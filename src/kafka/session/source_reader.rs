//! The reader: a consumer on the source cluster that is told what to read and from where.
//! It belongs to no group there; its positions live with the outputs. An offset that is no longer
//! there is an error here: no record is skipped without a report.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::Offset as KafkaOffset;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::committed_position::{LastRecord, RecordPosition};
use super::config::{SessionConfig, Start};
use super::figures::{Figures, PartitionFigures};
use super::gathering::Waiting;
use crate::event::{Latest, NextOffset, Offset, Partition, RawRecord};
use crate::kafka::ClientError;
use crate::kafka::client::{READ_COMMITTED, log_line};
use crate::kafka::fault::is_unreadable;
use crate::kafka::partition_list::{assigned_among, with_offsets};
use crate::kafka::record::raw_record;
use crate::kafka::topics::partition_count;

#[derive(Default)]
struct ReaderContext {
    figures: Mutex<Figures>,
}

impl ClientContext for ReaderContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.update(&statistics);
    }
}

impl ConsumerContext for ReaderContext {}

/// A consumer with manual assignment.
pub(super) struct SourceReader {
    /// Shared with a commit for the source's dashboards that waits for its answer.
    consumer: Arc<BaseConsumer<ReaderContext>>,
    topic: String,
}

/// What an attempt to read a partition has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// There is a record at or after the offset, here; at the end of the partition, the offset itself.
    Readable(NextOffset),
    /// What stands there is no record.
    Unreadable(Code),
    /// Nothing came in time.
    Unanswered,
}

/// Longest wait for the answer to one poll of an attempt.
const ATTEMPT_SLICE: Duration = Duration::from_millis(50);

/// A record that is still in the client's buffer.
pub(super) struct Fetched<'r> {
    message: BorrowedMessage<'r>,
    topic: &'r str,
    /// How far the partition's log has come with it, once it is taken in: by the timestamps of its
    /// records, and by all that is known.
    pub(super) latest: Latest,
    pub(super) logged_ms: Option<i64>,
}

impl Waiting for Fetched<'_> {
    fn place(&self) -> RecordPosition {
        (self.partition(), self.offset())
    }

    fn size(&self) -> usize {
        self.message.key_len() + self.message.payload_len()
    }
}

impl SourceReader {
    pub(super) fn new(config: &SessionConfig) -> Result<SourceReader, ClientError> {
        SourceReader::open(config, "reader", "false")
    }

    /// A reader that tells the end of each partition by an error, [`KafkaError::PartitionEOF`].
    pub(super) fn to_the_end(config: &SessionConfig) -> Result<SourceReader, ClientError> {
        SourceReader::open(config, "offsets", "true")
    }

    fn open(config: &SessionConfig, role: &str, eof: &str) -> Result<SourceReader, ClientError> {
        let client = config.source.client_config(
            &format!("{role}-{}", config.transactional_id()),
            &[
                ("queued.min.messages", "20000"),
                ("queued.max.messages.kbytes", "4096"),
                // The compressed size: decompressed it is several times as large, for every partition.
                ("fetch.message.max.bytes", "262144"),
                ("fetch.queue.backoff.ms", "10"),
                ("fetch.wait.max.ms", "100"),
                ("statistics.interval.ms", "5000"),
                ("reconnect.backoff.max.ms", "2000"),
            ],
            &[
                &READ_COMMITTED[..],
                &[
                    // librdkafka asks for a name even where there is no group; commits for the source's
                    // dashboards go to it.
                    (
                        "group.id",
                        config.lag_group.as_ref().unwrap_or(&config.group),
                    ),
                    ("auto.offset.reset", "error"),
                    // What was damaged on disk or on the way is an error, never a record.
                    ("check.crcs", "true"),
                    ("enable.partition.eof", eof),
                ],
            ]
            .concat(),
        );
        let consumer = client
            .create_with_context(ReaderContext::default())
            .map_err(|error| ClientError::new("create the source reader", &error))?;
        Ok(SourceReader {
            consumer: Arc::new(consumer),
            topic: config.source_topic.clone(),
        })
    }

    pub(super) fn poll(&self, wait: Duration) -> Option<KafkaResult<Fetched<'_>>> {
        let polled = self.consumer.poll(wait)?;
        Some(polled.map(|message| Fetched {
            message,
            topic: &self.topic,
            latest: Latest::default(),
            logged_ms: None,
        }))
    }

    /// Read these partitions from these positions; those being read already begin anew.
    pub(super) fn read_from(&self, positions: &[(Partition, NextOffset)]) -> KafkaResult<()> {
        let places = positions.iter();
        let places = places.map(|(partition, next)| (*partition, KafkaOffset::Offset(next.0)));
        let list = with_offsets(&self.topic, places)?;
        self.consumer.incremental_assign(&list)
    }

    /// Stop reading these partitions; those not being read are left out.
    pub(super) fn stop(&self, partitions: &[Partition]) -> KafkaResult<()> {
        let partitions = partitions.iter().copied();
        let list = assigned_among(&self.consumer, &self.topic, partitions)?;
        if list.count() == 0 {
            return Ok(());
        }
        self.consumer.incremental_unassign(&list)
    }

    /// How far each partition has been handed over. librdkafka counts the markers of the source's own
    /// transactions as well, in their order among the records (`rd_kafka_op_handle_std`).
    pub(super) fn handed_over(&self) -> BTreeMap<Partition, NextOffset> {
        let Ok(list) = self.consumer.position() else {
            return BTreeMap::new();
        };
        let elements = list.elements();
        let known = elements
            .iter()
            .filter_map(|element| match element.offset() {
                KafkaOffset::Offset(next) => {
                    Some((Partition(element.partition()), NextOffset(next)))
                }
                _ => None,
            });
        known.collect()
    }

    /// The oldest offset and the end of what is committed.
    pub(super) fn bounds(
        &self,
        partition: Partition,
        timeout: Duration,
    ) -> KafkaResult<(NextOffset, NextOffset)> {
        let asked = self
            .consumer
            .fetch_watermarks(&self.topic, partition.0, timeout);
        if asked.is_err() {
            // librdkafka asks the leader that it knows, and looks for another one only while it reads
            // the partition. This request tells it the leader for the next question.
            let _ = self.consumer.fetch_metadata(Some(&self.topic), timeout);
        }
        let (oldest, end) = asked?;
        Ok((NextOffset(oldest), NextOffset(end)))
    }

    /// The offset that `start` means in a partition.
    pub(super) fn start_of(
        &self,
        partition: Partition,
        start: Start,
        timeout: Duration,
    ) -> KafkaResult<NextOffset> {
        let (oldest, end) = self.bounds(partition, timeout)?;
        let Start::Timestamp(since_ms) = start else {
            return Ok(if start == Start::Latest { end } else { oldest });
        };
        let list = with_offsets(&self.topic, [(partition, KafkaOffset::Offset(since_ms))])?;
        let answer = self.consumer.offsets_for_times(list, timeout)?;
        for element in answer.elements() {
            element.error()?;
            if let KafkaOffset::Offset(offset) = element.offset() {
                return Ok(NextOffset(offset));
            }
        }
        Ok(end)
    }

    /// Try to read one partition from an offset, with a reader that tells its ends and reads nothing
    /// else. `turn` is called while it waits.
    pub(super) fn attempt(
        &self,
        partition: Partition,
        from: NextOffset,
        timeout: Duration,
        mut turn: impl FnMut(),
    ) -> KafkaResult<Attempt> {
        self.read_from(&[(partition, from)])?;
        let deadline = Instant::now() + timeout;
        let mut attempt = Attempt::Unanswered;
        while Instant::now() < deadline {
            turn();
            match self.poll(ATTEMPT_SLICE) {
                Some(Ok(fetched)) => attempt = Attempt::Readable(NextOffset(fetched.offset().0)),
                Some(Err(KafkaError::PartitionEOF(_))) => attempt = Attempt::Readable(from),
                Some(Err(error)) if is_unreadable(&error) => {
                    let code = error.rdkafka_error_code();
                    attempt = Attempt::Unreadable(code.unwrap_or(Code::BadMessage));
                }
                Some(Err(_)) | None => continue,
            }
            break;
        }
        self.stop(&[partition])?;
        Ok(attempt)
    }

    /// How many partitions the source has; `None` where it does not exist or may not be seen.
    pub(super) fn partitions(&self, timeout: Duration) -> Result<Option<u32>, ClientError> {
        partition_count(&self.consumer, &self.topic, timeout)
            .map_err(|error| ClientError::new("describe the source topic", &error))
    }

    /// A commit of these positions under the reader's group name, to be run where waiting for its
    /// answer harms nobody. The positions that count live on the destination.
    pub(super) fn commit_later(
        &self,
        positions: &BTreeMap<Partition, NextOffset>,
    ) -> KafkaResult<impl FnOnce() -> KafkaResult<()> + Send + use<>> {
        let places = positions.iter();
        let places = places.map(|(partition, next)| (*partition, KafkaOffset::Offset(next.0)));
        let list = with_offsets(&self.topic, places)?;
        let consumer = Arc::clone(&self.consumer);
        Ok(move || consumer.commit(&list, CommitMode::Sync))
    }

    /// What the client's statistics say of the partitions, if new ones have arrived since the last call.
    pub(super) fn take_figures(&self) -> Vec<PartitionFigures> {
        let figures = &self.consumer.context().figures;
        let mut figures = figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.take()
    }
}

impl Fetched<'_> {
    pub(super) fn partition(&self) -> Partition {
        Partition(self.message.partition())
    }

    pub(super) fn offset(&self) -> Offset {
        Offset(self.message.offset())
    }

    /// The record's timestamp, ms since the Unix epoch.
    pub(super) fn timestamp_ms(&self) -> Option<i64> {
        self.message.timestamp().to_millis()
    }

    /// What is committed of it beside the position after it.
    pub(super) fn last_record(&self) -> LastRecord {
        LastRecord::new(
            self.offset(),
            self.timestamp_ms(),
            self.message.key(),
            self.message.payload(),
        )
    }

    pub(super) fn record(&self) -> RawRecord<'_> {
        raw_record(&self.message, self.topic)
    }
}
