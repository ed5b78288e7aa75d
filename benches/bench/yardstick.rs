//! The pass-through: copies records unchanged from one topic to another, without watchbell's code. One
//! thread, one transaction per 10,000 records or 100 ms, delivery awaited before the commit, and the same
//! client settings: the cost of exactly-once delivery for any program based on librdkafka.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

const BATCH_RECORDS: usize = 10_000;
const BATCH_TIME: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// Copies for as long as the process lives. `group` names the consumer group and the transactions.
pub fn run(bootstrap: &str, group: &str, source: &str, output: &str, exactly_once: bool) -> ! {
    let mut reader = ClientConfig::new();
    for (name, value) in [
        ("bootstrap.servers", bootstrap),
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "earliest"),
        ("isolation.level", "read_committed"),
        ("queued.min.messages", "20000"),
        ("queued.max.messages.kbytes", "4096"),
        ("fetch.message.max.bytes", "262144"),
        ("fetch.queue.backoff.ms", "10"),
        ("fetch.wait.max.ms", "100"),
    ] {
        reader.set(name, value);
    }
    let mut writer = ClientConfig::new();
    for (name, value) in [
        ("bootstrap.servers", bootstrap),
        ("enable.idempotence", "true"),
        ("partitioner", "murmur2_random"),
        ("linger.ms", "20"),
        ("batch.size", "1000000"),
        ("compression.type", "lz4"),
        ("queue.buffering.max.kbytes", "65536"),
    ] {
        writer.set(name, value);
    }
    if exactly_once {
        writer.set("transactional.id", group);
        writer.set("transaction.timeout.ms", "30000");
    }
    let reader: BaseConsumer = reader.create().expect("a consumer");
    let writer: BaseProducer = writer.create().expect("a producer");
    reader.subscribe(&[source]).expect("a subscription");
    if exactly_once {
        writer.init_transactions(PATIENCE).expect("transactions");
    }
    loop {
        let Some(first) = reader.poll(Duration::from_millis(100)) else {
            continue;
        };
        if exactly_once {
            writer.begin_transaction().expect("a transaction");
        }
        let mut next = BTreeMap::new();
        let mut message = Some(first);
        let until = Instant::now() + BATCH_TIME;
        for count in 1.. {
            if let Some(message) = message.take() {
                let message = message.expect("a record");
                next.insert(message.partition(), message.offset() + 1);
                send(&writer, output, &message);
            }
            if count >= BATCH_RECORDS || Instant::now() >= until {
                break;
            }
            if count % 250 == 0 {
                writer.poll(Duration::ZERO);
            }
            message = reader.poll(until.saturating_duration_since(Instant::now()));
        }
        while writer.in_flight_count() > 0 {
            await_reports(&writer);
        }
        let mut offsets = TopicPartitionList::new();
        for (partition, next) in next {
            let added = offsets.add_partition_offset(source, partition, Offset::Offset(next));
            added.expect("an offset");
        }
        if exactly_once {
            let member = reader.group_metadata().expect("a membership");
            let sent = writer.send_offsets_to_transaction(&offsets, &member, PATIENCE);
            sent.expect("offsets in the transaction");
            writer.commit_transaction(PATIENCE).expect("a commit");
        } else {
            reader.commit(&offsets, CommitMode::Sync).expect("a commit");
        }
    }
}

fn send(writer: &BaseProducer, output: &str, message: &BorrowedMessage<'_>) {
    let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(output);
    record.key = message.key();
    record.payload = message.payload();
    record.headers = message.headers().map(|headers| headers.detach());
    while let Err((error, back)) = writer.send(record) {
        assert_eq!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::QueueFull)
        );
        record = back;
        await_reports(writer);
    }
}

/// A short `poll` of rdkafka 0.39 spins, which would make the yardstick look worse than it is.
fn await_reports(writer: &BaseProducer) {
    let before = writer.in_flight_count();
    writer.poll(Duration::ZERO);
    if writer.in_flight_count() == before {
        std::thread::sleep(Duration::from_micros(500));
    }
}
