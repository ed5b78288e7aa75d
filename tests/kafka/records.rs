//! Writes records to a source, and reads the outputs like a `read_committed` consumer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;
use watchbell::kafka::topics::{Topics, WantedTopic};

use super::broker::Broker;
use super::{LIMIT, eventually};

/// A name that no other test of any run uses.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{}-{next}", std::process::id())
}

/// A record as a reader with `isolation.level=read_committed` sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Read {
    /// The value of the last header of this name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().rfind(|(has, _)| has == name)?;
        value
            .as_ref()
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }
}

pub fn create(broker: &Broker, topic: &str, partitions: u32) {
    create_with(broker, &WantedTopic::new(topic, partitions));
}

pub fn create_with(broker: &Broker, topic: &WantedTopic) {
    let topics = Topics::new(&broker.cluster(), LIMIT).expect("an admin client");
    topics.create(topic).expect("create a topic");
    let there = eventually(LIMIT, || {
        topics.partitions(&topic.name).ok().flatten() == Some(topic.partitions)
    });
    assert!(there, "topic {} does not appear", topic.name);
}

/// A producer for a source: in order, nothing twice, and records as large as any broker here takes.
pub fn producer(broker: &Broker) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("message.max.bytes", "33554432")
        .set("queue.buffering.max.kbytes", "131072")
        .create()
        .expect("a producer")
}

/// Writes numbered records: value `<partition>:<number>` and padding, key `key-<number % 50>`.
pub struct Source {
    producer: BaseProducer,
    topic: String,
    /// Records written to each partition so far.
    pub written: Vec<u64>,
}

impl Source {
    pub fn new(broker: &Broker, topic: &str, partitions: usize) -> Source {
        let producer = producer(broker);
        Source {
            producer,
            topic: topic.to_owned(),
            written: vec![0; partitions],
        }
    }

    /// Write `count` records round robin over the partitions; they are handed over, not yet stored.
    pub fn write(&mut self, count: u64) {
        for _ in 0..count {
            let partition = (0..self.written.len())
                .min_by_key(|p| self.written[*p])
                .expect("a partition");
            let number = self.written[partition];
            let head = format!("{partition}:{number}:");
            let value = format!("{head:x<width$}", width = 100);
            self.write_value(partition, value.as_bytes());
        }
    }

    /// Write one value as it is.
    pub fn write_value(&mut self, partition: usize, value: &[u8]) {
        self.write_at(partition, value, None);
    }

    /// The same with a timestamp, in ms since the Unix epoch.
    pub fn write_at(&mut self, partition: usize, value: &[u8], timestamp_ms: Option<i64>) {
        let key = format!("key-{}", self.written[partition] % 50);
        let mut record = BaseRecord::to(&self.topic)
            .partition(partition as i32)
            .key(&key)
            .payload(value);
        record.timestamp = timestamp_ms;
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => {
                    record = returned;
                    self.producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => panic!("write to the source: {error}"),
            }
        }
        self.written[partition] += 1;
        if self.written[partition].is_multiple_of(500) {
            self.producer.poll(Duration::ZERO);
        }
    }

    /// Wait until everything is stored.
    pub fn flush(&self) {
        self.producer.flush(Duration::from_secs(60)).expect("flush");
    }
}

/// Read all that is committed in a topic now.
pub fn read_committed(broker: &Broker, topic: &str) -> Vec<Read> {
    read(broker, topic, "read_committed")
}

/// The offsets of a topic of one partition at which there is a record.
pub fn offsets_of(broker: &Broker, topic: &str) -> Vec<i64> {
    let records = read_committed(broker, topic);
    records.iter().map(|read| read.offset).collect()
}

/// How many records of a topic were written and aborted, or are not committed yet.
pub fn aborted(broker: &Broker, topic: &str) -> usize {
    let written = read(broker, topic, "read_uncommitted").len();
    // What is written and committed between the two reads is no part of the first.
    written.saturating_sub(read_committed(broker, topic).len())
}

fn read(broker: &Broker, topic: &str, isolation: &str) -> Vec<Read> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("group.id", "watchbell-test-reader")
        .set("enable.auto.commit", "false")
        .set("isolation.level", isolation)
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "20")
        .set("auto.offset.reset", "error")
        .create()
        .expect("a consumer");
    let metadata = consumer
        .fetch_metadata(Some(topic), LIMIT)
        .expect("metadata");
    let partitions = metadata.topics()[0].partitions().len();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition as i32, Offset::Beginning)
            .expect("a list");
    }
    consumer.assign(&list).expect("assign");
    let deadline = Instant::now() + Duration::from_secs(60);
    let (mut records, mut ended) = (Vec::new(), 0);
    while ended < partitions {
        assert!(
            Instant::now() < deadline,
            "{topic} cannot be read to its end"
        );
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => panic!("read {topic}: {error}"),
            Some(Ok(message)) => records.push(Read {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers: message.headers().map_or_else(Vec::new, |headers| {
                    let own = |h: rdkafka::message::Header<'_, &[u8]>| {
                        (h.key.to_owned(), h.value.map(<[u8]>::to_vec))
                    };
                    headers.iter().map(own).collect()
                }),
            }),
        }
    }
    records
}

/// Longest wait for the answer of a group's coordinator. Some tests ask only once, and a busy machine may need long.
const ANSWER: Duration = Duration::from_secs(30);

/// The offset that the group has committed for each partition of a topic; negative if there is none.
pub fn committed(broker: &Broker, group: &str, topic: &str, partitions: usize) -> Vec<i64> {
    let Some(answer) = committed_list(broker, group, topic, partitions) else {
        return vec![-1; partitions];
    };
    let offsets: BTreeMap<i32, i64> = answer
        .elements()
        .iter()
        .map(|e| (e.partition(), e.offset().to_raw().unwrap_or(-1)))
        .collect();
    offsets.into_values().collect()
}

/// The worker's state beside each committed position of a group.
pub fn committed_states(
    broker: &Broker,
    group: &str,
    topic: &str,
    partitions: usize,
) -> Vec<Option<String>> {
    let answer = committed_list(broker, group, topic, partitions).expect("an answer");
    let state = |metadata: &str| {
        let evidence: serde_json::Value = serde_json::from_str(metadata).expect("JSON");
        evidence["state"].as_str().map(str::to_owned)
    };
    let elements = answer.elements();
    let states = elements
        .iter()
        .map(|e| (e.partition(), state(e.metadata())));
    states.collect::<BTreeMap<_, _>>().into_values().collect()
}

fn committed_list(
    broker: &Broker,
    group: &str,
    topic: &str,
    partitions: usize,
) -> Option<TopicPartitionList> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("group.id", group)
        .create()
        .expect("a consumer");
    let mut list = TopicPartitionList::new();
    list.add_partition_range(topic, 0, partitions as i32 - 1);
    let answer = consumer.committed_offsets(list, ANSWER);
    answer.ok()
}
