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
mod tests;
