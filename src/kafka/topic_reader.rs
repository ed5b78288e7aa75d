//! Reads a topic for a person: committed records only, any stretch of it or its growing end.
//! Invariant: it joins no group, commits nothing and writes nothing, so it disturbs nobody.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset as KafkaOffset;

use super::client::{ClientError, Cluster, Quiet, READ_COMMITTED, explain};
use super::fault::{is_missing, is_topic_denied};
use super::partition_list::with_offsets;
use super::record::raw_record;
use super::span::Span;
use super::topics::partition_count;
use crate::event::{NextOffset, Offset, Partition, RawRecord};

/// Longest wait for the client in one turn, and so the longest time until a wish to stop is noticed.
const TURN: Duration = Duration::from_millis(100);

/// How often a followed topic is asked whether it has new partitions.
const GROWTH: Duration = Duration::from_secs(10);

/// A topic cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The cluster does not answer, or refuses.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It is not there, or these credentials may not see it.
    #[error("the topic {0} does not exist, or may not be described with these credentials")]
    Missing(String),
    /// It may not be read.
    #[error("the topic {topic} may not be read: {detail}; grant Read on it")]
    Refused {
        /// The topic.
        topic: String,
        /// librdkafka's explanation.
        detail: String,
    },
    /// Somebody's transaction stays open.
    #[error(
        "a transaction has been open in the topic {topic} for more than {seconds} s, so that what stands behind its \
         beginning cannot be read: end the producer that has left it open, or abort it (kafka-transactions.sh)"
    )]
    Unsettled {
        /// The topic.
        topic: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The cluster has stopped answering.
    #[error("nothing came from the topic {topic} for {seconds} s{}", detail.as_deref().unwrap_or_default())]
    Silent {
        /// The topic.
        topic: String,
        /// How long was waited.
        seconds: u64,
        /// The client's last complaint, after a colon.
        detail: Option<String>,
    },
}

/// What one read of a followed topic brings.
#[derive(Debug)]
pub enum TopicRead<'r> {
    /// A record.
    Record(RawRecord<'r>),
    /// Nothing for the moment.
    Idle,
    /// The client complains, and goes on trying.
    Trouble(String),
}

/// A consumer of one topic, without a group.
pub struct TopicReader {
    consumer: BaseConsumer<Quiet>,
    topic: String,
    timeout: Duration,
}

impl TopicReader {
    /// Prepares to read; nothing is sent yet. `timeout` bounds each question, and how long a read
    /// waits for a cluster that has fallen silent.
    ///
    /// # Errors
    /// librdkafka refuses the properties.
    pub fn open(
        cluster: &Cluster,
        group: &str,
        topic: &str,
        timeout: Duration,
    ) -> Result<TopicReader, ReadError> {
        let config = cluster.client_config(
            "view",
            &[
                // One window of a backward search is fetched ahead, not more.
                ("queued.min.messages", "20000"),
                ("queued.max.messages.kbytes", "16384"),
                ("fetch.queue.backoff.ms", "10"),
                ("fetch.wait.max.ms", "100"),
                ("reconnect.backoff.max.ms", "2000"),
            ],
            &[
                &READ_COMMITTED[..],
                &[
                    // librdkafka asks for a name even where there is no group.
                    ("group.id", group),
                    // Records that retention deletes meanwhile are left out; the others are shown.
                    ("auto.offset.reset", "earliest"),
                    ("check.crcs", "true"),
                    ("enable.partition.eof", "true"),
                ],
            ]
            .concat(),
        );
        let consumer = config
            .create_with_context(Quiet::default())
            .map_err(|error| ClientError::new("create a reader", &error))?;
        Ok(TopicReader {
            consumer,
            topic: topic.to_owned(),
            timeout,
        })
    }

    /// The topic's name.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// What every partition holds now.
    ///
    /// # Errors
    /// The topic is not there, or the cluster does not answer.
    pub fn spans(&self) -> Result<Vec<Span>, ReadError> {
        let count = partition_count(&self.consumer, &self.topic, self.timeout)
            .map_err(|error| explain(&self.consumer, "describe a topic", &error))?;
        let count = count.ok_or_else(|| ReadError::Missing(self.topic.clone()))?;
        let partitions = (0..i32::try_from(count).unwrap_or(i32::MAX)).map(Partition);
        partitions.map(|partition| self.span(partition)).collect()
    }

    fn span(&self, partition: Partition) -> Result<Span, ReadError> {
        let bounds = self
            .consumer
            .fetch_watermarks(&self.topic, partition.0, self.timeout);
        let (from, to) = bounds.map_err(|error| self.failed(&error))?;
        Ok(Span {
            partition,
            from: Offset(from),
            to: NextOffset(to),
        })
    }

    /// What every partition holds once all that has been written by now is committed or aborted: nothing that was
    /// committed before this call is missing. `spans` alone ends before the oldest open transaction, whoever has
    /// begun it, although newer ones may be committed.
    ///
    /// # Errors
    /// The topic is not there, the cluster does not answer, or a transaction stays open for longer than `patience`.
    pub fn settled_spans(
        &self,
        cluster: &Cluster,
        patience: Duration,
    ) -> Result<Vec<Span>, ReadError> {
        let config = cluster.client_config("view", &[], &[("isolation.level", "read_uncommitted")]);
        let probe: BaseConsumer<Quiet> = config
            .create_with_context(Quiet::default())
            .map_err(|error| ClientError::new("create a reader", &error))?;
        let mut written = Vec::new();
        for span in self.spans()? {
            let bounds = probe.fetch_watermarks(&self.topic, span.partition.0, self.timeout);
            written.push(bounds.map_err(|error| self.failed(&error))?.1);
        }
        let deadline = Instant::now() + patience;
        loop {
            let spans = self.spans()?;
            let mut both = spans.iter().zip(&written);
            if both.all(|(span, written)| span.to.0 >= *written) {
                return Ok(spans);
            }
            if Instant::now() >= deadline {
                return Err(ReadError::Unsettled {
                    topic: self.topic.clone(),
                    seconds: patience.as_secs(),
                });
            }
            std::thread::sleep(TURN);
        }
    }

    /// The parts of the spans that were written at or after a time, by the records' timestamps.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn since(&self, spans: &[Span], time_ms: i64) -> Result<Vec<Span>, ReadError> {
        let at = |span: &Span| (span.partition, KafkaOffset::Offset(time_ms));
        let list = with_offsets(&self.topic, spans.iter().map(at));
        let list = list.map_err(|error| self.failed(&error))?;
        let answer = self.consumer.offsets_for_times(list, self.timeout);
        let answer = answer.map_err(|error| self.failed(&error))?;
        let mut later = Vec::with_capacity(spans.len());
        for span in spans {
            let found = answer.find_partition(&self.topic, span.partition.0);
            if let Some(Err(error)) = found.as_ref().map(|element| element.error()) {
                return Err(self.failed(&error));
            }
            let from = match found.map(|element| element.offset()) {
                Some(KafkaOffset::Offset(offset)) => offset.clamp(span.from.0, span.to.0),
                // Everything is older.
                _ => span.to.0,
            };
            later.push(Span {
                from: Offset(from),
                ..*span
            });
        }
        Ok(later)
    }

    /// Reads the spans, each in its order, until their end or `Break`; `stop` is asked between
    /// records.
    ///
    /// # Errors
    /// The topic may not be read, or nothing comes for as long as the time-out.
    pub fn read(
        &self,
        spans: &[Span],
        stop: &dyn Fn() -> bool,
        on_record: &mut dyn FnMut(&RawRecord<'_>) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let mut open: BTreeSet<i32> = BTreeSet::new();
        open.extend(
            spans
                .iter()
                .filter(|s| !s.is_empty())
                .map(|s| s.partition.0),
        );
        let ends = |partition: i32| {
            let span = spans.iter().find(|span| span.partition.0 == partition);
            span.map_or(0, |span| span.to.0)
        };
        self.assign(spans.iter().filter(|span| !span.is_empty()))?;
        let mut heard = Instant::now();
        let mut complaint = None;
        while !open.is_empty() && !stop() {
            match self.consumer.poll(TURN) {
                None => {}
                Some(Ok(message)) => {
                    let record = raw_record(&message, &self.topic);
                    let partition = record.position.partition.0;
                    let to = ends(partition);
                    if record.position.offset.0 < to
                        && open.contains(&partition)
                        && on_record(&record).is_break()
                    {
                        break;
                    }
                    if record.position.offset.next().0 >= to {
                        open.remove(&partition);
                    }
                    // What is done with a record may take its time.
                    heard = Instant::now();
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    heard = Instant::now();
                    open.remove(&partition);
                }
                Some(Err(error)) => complaint = Some(self.complaint(&error)?),
            }
            if heard.elapsed() > self.timeout {
                return Err(ReadError::Silent {
                    topic: self.topic.clone(),
                    seconds: self.timeout.as_secs(),
                    detail: complaint.map(|complaint| format!(": {complaint}")),
                });
            }
        }
        self.assign([])
    }

    /// Reads from the beginnings of the spans on, partitions that appear later from their start,
    /// until `Break`.
    ///
    /// # Errors
    /// The topic may not be read.
    pub fn follow(
        &self,
        spans: &[Span],
        on_turn: &mut dyn FnMut(TopicRead<'_>) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        self.assign(spans)?;
        let mut known = spans.len();
        let mut asked = Instant::now();
        loop {
            let flow = match self.consumer.poll(TURN) {
                Some(Ok(message)) => on_turn(TopicRead::Record(raw_record(&message, &self.topic))),
                None | Some(Err(KafkaError::PartitionEOF(_))) => on_turn(TopicRead::Idle),
                Some(Err(error)) => on_turn(TopicRead::Trouble(self.complaint(&error)?)),
            };
            if flow.is_break() {
                return Ok(());
            }
            if asked.elapsed() >= GROWTH {
                known = self.grow(known);
                asked = Instant::now();
            }
        }
    }

    /// Also reads partitions from number `known` on; returns how many are read now. A cluster that
    /// does not answer is asked again later.
    fn grow(&self, known: usize) -> usize {
        let count = partition_count(&self.consumer, &self.topic, self.timeout);
        let count = count.ok().flatten().unwrap_or(0) as usize;
        if count <= known {
            return known;
        }
        let new = (known..count).map(|partition| {
            let partition = i32::try_from(partition).unwrap_or(i32::MAX);
            (Partition(partition), KafkaOffset::Beginning)
        });
        let list = with_offsets(&self.topic, new);
        let added = list.and_then(|list| self.consumer.incremental_assign(&list));
        if added.is_ok() { count } else { known }
    }

    fn assign<'s>(&self, spans: impl IntoIterator<Item = &'s Span>) -> Result<(), ReadError> {
        let from = |span: &Span| (span.partition, KafkaOffset::Offset(span.from.0));
        let list = with_offsets(&self.topic, spans.into_iter().map(from));
        let list = list.map_err(|error| self.failed(&error))?;
        let assigned = self.consumer.assign(&list);
        assigned.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &KafkaError) -> ReadError {
        match error.rdkafka_error_code() {
            Some(code) if is_missing(code) => ReadError::Missing(self.topic.clone()),
            Some(code) if is_topic_denied(code) => ReadError::Refused {
                topic: self.topic.clone(),
                detail: error.to_string(),
            },
            _ => ClientError::new("read a topic", error).into(),
        }
    }

    /// The text of an error that should pass by itself; any other is returned as an error.
    fn complaint(&self, error: &KafkaError) -> Result<String, ReadError> {
        match self.failed(error) {
            ReadError::Client(error) => Ok(error.to_string()),
            error => Err(error),
        }
    }
}
