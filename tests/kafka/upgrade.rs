//! Upgrade from a release with the transactional ids `<group>-<source>-<ordinal>-<worker>`: the old id is not
//! fenced. The group's generation prevents commits of the old process, and the transaction's time-out limits
//! how long the new one waits for it.

use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::broker::{Broker, clusters};
use super::passthrough::{Running, Setting};
use super::records::{Source, aborted, create};
use super::stable::BUSY;
use super::{LIMIT, eventually};

/// As long as a broker allows at least.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);

/// A process of the old release, as Kafka sees it.
struct Old {
    member: BaseConsumer,
    producer: BaseProducer,
    positions: String,
    output: String,
}

impl Old {
    fn start(broker: &Broker, setting: &Setting) -> Old {
        let config = &setting.config;
        let timeout_ms = SESSION_TIMEOUT.as_millis().to_string();
        let member: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .set("group.id", &config.group)
            .set("session.timeout.ms", &timeout_ms)
            .set("max.poll.interval.ms", &timeout_ms)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("enable.auto.commit", "false")
            .create()
            .expect("a consumer");
        let positions = setting.ownership_topic();
        member.subscribe(&[&positions]).expect("subscribed");
        let owns = eventually(LIMIT, || {
            let _ = member.poll(Duration::from_millis(10));
            member.assignment().expect("a list").count() == 4
        });
        assert!(owns, "it gets no partitions");
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .set(
                "transactional.id",
                format!("{}-{}-0-0", config.group, config.source_name),
            )
            .set("transaction.timeout.ms", "3000")
            .create()
            .expect("a producer");
        producer.init_transactions(LIMIT).expect("initialized");
        Old {
            member,
            producer,
            positions,
            output: setting.output.clone(),
        }
    }

    /// Begin a transaction with these records of each partition and the positions after them.
    fn begin(&self, records: std::ops::Range<i64>) -> Result<(), rdkafka::error::KafkaError> {
        let membership = self.member.group_metadata().expect("a member");
        self.producer.begin_transaction()?;
        let mut list = TopicPartitionList::new();
        for partition in 0..4 {
            for offset in records.clone() {
                let place = format!("{partition}:{offset}");
                let header = Header {
                    key: "place",
                    value: Some(&place),
                };
                let record = BaseRecord::<(), _>::to(&self.output)
                    .partition(0)
                    .payload("old")
                    .headers(OwnedHeaders::new().insert(header));
                self.producer.send(record).map_err(|(error, _)| error)?;
            }
            list.add_partition_offset(&self.positions, partition, Offset::Offset(records.end))?;
        }
        self.producer.flush(LIMIT)?;
        self.producer
            .send_offsets_to_transaction(&list, &membership, LIMIT)
    }
}

#[test]
fn an_old_process_with_an_open_transaction_commits_nothing_and_keeps_the_new_one_waiting_no_longer()
{
    let clusters = clusters();
    let setting = Setting::across(&clusters, "upgrade");
    create(&clusters.destination, &setting.ownership_topic(), 4);
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let old = Old::start(&clusters.destination, &setting);
    old.begin(0..10).expect("begun");
    old.producer.commit_transaction(LIMIT).expect("committed");
    old.begin(10..20).expect("begun");

    // It is suspended with an open transaction. The group removes it after its session timeout, and the
    // cluster aborts the transaction before that.
    let begun = Instant::now();
    let new = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    let waited = begun.elapsed();
    println!("  the new process waited {waited:?} for the old one");
    assert!(waited < SESSION_TIMEOUT + BUSY + BUSY, "{waited:?}");
    assert_eq!(aborted(&clusters.destination, &setting.output), 40);

    // The old process continues.
    let late = old.producer.commit_transaction(LIMIT);
    late.expect_err("its transaction is over");
    source.write(400);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);

    // Another one of the old name, with what it remembers of its membership.
    let again: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", clusters.destination.bootstrap())
        .set(
            "transactional.id",
            format!(
                "{}-{}-0-0",
                setting.config.group, setting.config.source_name
            ),
        )
        .create()
        .expect("a producer");
    again.init_transactions(LIMIT).expect("initialized");
    let old = Old {
        producer: again,
        ..old
    };
    old.begin(10..20).expect_err("it is no member any more");
    old.producer.abort_transaction(LIMIT).expect("aborted");
    new.stop();
    setting.check_exactly_once(&clusters, &source.written);
    // The old release knew of no state.
    setting.check_states(&clusters, 10, &source.written);
}
