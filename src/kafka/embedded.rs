//! An in-process Kafka for the demo and for fast tests: librdkafka's mock cluster.
//! It keeps ordinary offset commits but ignores what a transaction does, so sessions on it run
//! `at_least_once` and nothing seen here is evidence about delivery.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Message, Offset, TopicPartitionList};

use super::client::{ClientError, Cluster};
use crate::event::OutputRecord;

/// Longest wait for one answer.
const QUESTION: Duration = Duration::from_secs(10);

/// A running embedded cluster; dropping it ends it.
pub struct Embedded {
    producer: BaseProducer,
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Embedded {
    /// Start a cluster of one broker on a free local port.
    ///
    /// # Errors
    /// No local port could be opened.
    pub fn start() -> Result<Embedded, ClientError> {
        let cluster = MockCluster::new(1)
            .map_err(|error| ClientError::new("start the embedded cluster", &error))?;
        let producer = Cluster::plaintext(cluster.bootstrap_servers())
            .client_config("demo", &[("linger.ms", "5")], &[])
            .create()
            .map_err(|error| ClientError::new("write to the embedded cluster", &error))?;
        Ok(Embedded { producer, cluster })
    }

    /// How to reach it.
    pub fn cluster(&self) -> Cluster {
        Cluster::plaintext(self.cluster.bootstrap_servers())
    }

    /// Create a topic.
    ///
    /// # Errors
    /// The topic exists already.
    pub fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), ClientError> {
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        self.cluster
            .create_topic(topic, partitions, 1)
            .map_err(|error| ClientError::new("create a topic", &error))
    }

    /// Write values without a key, in order, to one partition, and wait until they are stored.
    ///
    /// # Errors
    /// The topic does not exist, or a value is larger than 1 MB.
    pub fn produce<'a>(
        &self,
        topic: &str,
        partition: i32,
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), ClientError> {
        let failed = |error| ClientError::new("write to the embedded cluster", &error);
        for value in values {
            let record = BaseRecord::<[u8], [u8]>::to(topic)
                .partition(partition)
                .payload(value);
            self.producer
                .send(record)
                .map_err(|(error, _)| failed(error))?;
            self.producer.poll(Duration::ZERO);
        }
        self.producer.flush(QUESTION).map_err(failed)
    }

    /// The offset of the next record that will be written to a partition.
    ///
    /// # Errors
    /// The topic does not exist.
    pub fn end(&self, topic: &str, partition: i32) -> Result<i64, ClientError> {
        let (_, end) = self
            .producer
            .client()
            .fetch_watermarks(topic, partition, QUESTION)
            .map_err(|error| ClientError::new("ask the embedded cluster", &error))?;
        Ok(end)
    }

    /// The records of one partition from its start to its present end, as they were written.
    ///
    /// # Errors
    /// The topic does not exist, or it could not be read within ten seconds.
    pub fn read(&self, topic: &str, partition: i32) -> Result<Vec<OutputRecord>, ClientError> {
        let failed = |error| ClientError::new("read the embedded cluster", &error);
        let consumer: BaseConsumer = self
            .cluster()
            .client_config("demo", &[("group.id", "demo-reader")], &[])
            .create()
            .map_err(failed)?;
        let (first, end) = consumer
            .fetch_watermarks(topic, partition, QUESTION)
            .map_err(failed)?;
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(topic, partition, Offset::Offset(first))
            .map_err(failed)?;
        consumer.assign(&from).map_err(failed)?;
        let mut records = Vec::new();
        let deadline = Instant::now() + QUESTION;
        while (records.len() as i64) < end - first {
            if Instant::now() >= deadline {
                let late = KafkaError::Global(RDKafkaErrorCode::OperationTimedOut);
                return Err(failed(late));
            }
            if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                records.push(written(&message.map_err(failed)?));
            }
        }
        Ok(records)
    }
}

fn written(message: &BorrowedMessage<'_>) -> OutputRecord {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    OutputRecord {
        topic: message.topic().into(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers
            .map(|header| {
                let value = header.value.map(<[u8]>::to_vec);
                (header.key.to_owned().into(), value)
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::thread;

    use super::*;
    use crate::kafka::session::{
        Commit, DEFAULT_POSITIONS_TOPIC, Delivery, Outputs, Refusal, SessionConfig,
        SessionObserver, Shutdown, SourceRecord, Worker, run,
    };

    /// Doubles each value, and counts what it is asked.
    #[derive(Default)]
    struct Doubler {
        begun: usize,
        batches: usize,
    }

    impl Worker for Doubler {
        fn on_begin(&mut self) {
            self.begun += 1;
        }

        fn on_batch(
            &mut self,
            batch: &[SourceRecord<'_>],
            outputs: &mut Outputs,
        ) -> Result<(), Refusal> {
            assert!(self.begun > 0, "a batch without a beginning");
            self.batches += 1;
            for (index, source) in batch.iter().enumerate() {
                let value = source.record.value.unwrap_or_default();
                outputs.of(index, |out| {
                    out.push(&Arc::from("out"), None, [], |twice| {
                        twice.extend([value, value].concat());
                    });
                });
            }
            Ok(())
        }
    }

    /// Stops the session when enough records are committed.
    struct StopAfter {
        left: AtomicUsize,
        commits: AtomicUsize,
        shutdown: Shutdown,
    }

    impl SessionObserver for StopAfter {
        fn committed(&self, commit: Commit) {
            self.commits.fetch_add(1, Relaxed);
            if self.left.fetch_sub(commit.records, Relaxed) == commit.records {
                self.shutdown.request();
            }
        }
    }

    #[test]
    fn a_session_runs_on_the_embedded_cluster_and_begins_a_transaction_once_for_all_its_batches() {
        let embedded = Embedded::start().expect("a cluster");
        embedded.create_topic("in", 2).expect("a topic");
        embedded.create_topic("out", 1).expect("a topic");
        let positions = DEFAULT_POSITIONS_TOPIC;
        embedded.create_topic(positions, 1).expect("a topic");
        let values: Vec<Vec<u8>> = (0..500_u32).map(|n| n.to_be_bytes().to_vec()).collect();
        for partition in 0..2 {
            let values = values.iter().map(Vec::as_slice);
            embedded.produce("in", partition, values).expect("records");
        }
        let cluster = embedded.cluster();
        let mut config = SessionConfig::new(cluster.clone(), cluster.clone(), "demo", "in");
        config.delivery = Delivery::AtLeastOnce;
        // Longer than processing takes, so that a transaction has several batches.
        config.commit_interval_ms = 1_000;
        let shutdown = Shutdown::default();
        let mut worker = Doubler::default();
        let observer = StopAfter {
            left: 1_000.into(),
            commits: 0.into(),
            shutdown: shutdown.clone(),
        };
        thread::scope(|scope| {
            let session = || run(&config, &mut worker, &shutdown, &observer).expect("a clean end");
            let session = scope.spawn(session);
            let deadline = Instant::now() + Duration::from_secs(20);
            while !session.is_finished() {
                if Instant::now() >= deadline {
                    shutdown.request();
                }
                thread::sleep(Duration::from_millis(10));
            }
        });
        let reader: BaseConsumer<_> = cluster.probe().expect("a client");
        let (first, end) = reader
            .fetch_watermarks("out", 0, Duration::from_secs(5))
            .expect("offsets");
        assert_eq!(end - first, 1_000);
        assert_eq!(worker.begun, observer.commits.into_inner());
        assert!(worker.batches > worker.begun, "{} batches", worker.batches);
    }
}
