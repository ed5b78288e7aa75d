//! A source topic that was re-created, truncated or deleted stops the session; records that only expired or
//! were compacted do not.

use std::sync::atomic::Ordering;

use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use watchbell::event::{NextOffset, Offset, Partition};
use watchbell::kafka::session::{Lag, MoveTarget, Offsets, OnGap, Same, SessionError};
use watchbell::kafka::topics::WantedTopic;

use super::admin::{expire, re_create};
use super::broker::{Broker, clusters};
use super::passthrough::{Running, Setting, would_stop};
use super::records::{Source, committed, create_with, offsets_of, read_committed};
use super::{LIMIT, eventually};

/// Consume `count` records of a new source and stop.
fn consume(setting: &Setting, clusters: &super::broker::Clusters, count: u64) -> Source {
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(count);
    source.flush();
    let first = Running::start(&setting.config, setting.worker());
    setting.wait_for(clusters, &source.written, LIMIT);
    first.stop();
    source
}

#[test]
fn a_source_re_created_with_fewer_records_or_partitions_stops_the_session() {
    let clusters = clusters();
    let again = |partitions| {
        let setting = Setting::across(&clusters, "smaller");
        consume(&setting, &clusters, 400);
        re_create(&clusters.source, &setting.source_topic, partitions);
        setting
    };
    let setting = again(4);
    assert_eq!(would_stop(&setting.config), Some("past_end"));
    let fewer_records = Running::start(&setting.config, setting.worker());
    let setting = again(1);
    move_to_the_start(&setting);
    assert_eq!(would_stop(&setting.config), Some("partition_gone"));
    let fewer_partitions = Running::start(&setting.config, setting.worker());
    let error = fewer_records.wait().expect_err("past the end");
    assert!(matches!(error, SessionError::PastEnd { .. }), "{error}");
    let remedy = error.remedy("audit").expect("a remedy");
    let command = "watchbell offsets set --source audit --all --to earliest --execute";
    assert!(remedy.contains(command), "{remedy}");
    let error = fewer_partitions.wait().expect_err("partitions are gone");
    let gone = matches!(error, SessionError::PartitionGone { partitions: 1, .. });
    assert!(gone, "{error}");
}

/// Move every position that the source still has a partition for.
fn move_to_the_start(setting: &Setting) {
    let offsets = Offsets::open(&setting.config).expect("both clusters");
    let all = offsets.partitions();
    let moves = offsets.plan(&all, MoveTarget::Earliest).expect("a plan");
    let gone = eventually(LIMIT, || {
        offsets.members().expect("an answer").of_source == 0
    });
    assert!(gone, "the group has members");
    offsets.execute(&moves).expect("moved");
}

#[test]
fn a_source_re_created_and_regrown_stops_the_session_until_its_positions_are_moved() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "regrown");
    consume(&setting, &clusters, 400);
    re_create(&clusters.source, &setting.source_topic, 4);
    // The same values again, but later: another record at every offset.
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(800);
    source.flush();
    let error = Running::start(&setting.config, setting.worker()).wait();
    match error.expect_err("another record") {
        SessionError::AnotherRecord { offset, .. } => assert_eq!(offset, Offset(99)),
        error => panic!("{error}"),
    }
    assert_eq!(
        read_committed(&clusters.destination, &setting.output).len(),
        400,
        "nothing of the new topic has come out"
    );

    let offsets = Offsets::open(&setting.config).expect("both clusters");
    let seen = offsets.show().expect("positions");
    assert!(seen.iter().all(|seen| seen.source == Same::Yes));
    assert!(seen.iter().all(|seen| seen.last == Same::No), "{seen:?}");
    assert_eq!(would_stop(&setting.config), Some("another_record"));
    move_to_the_start(&setting);
    assert_eq!(would_stop(&setting.config), None);
    let again = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    assert_eq!(again.stop().records.load(Ordering::Relaxed), 800);
}

#[test]
fn an_expired_last_record_does_not_stop_the_session() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "all-expired");
    setting.config.on_gap = OnGap::Stop;
    let mut source = consume(&setting, &clusters, 400);
    expire(&clusters.source, &setting.source_topic, &[100; 4]);
    source.write(400);
    source.flush();
    assert_eq!(would_stop(&setting.config), None);
    let second = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    second.stop();
    setting.check_exactly_once(&clusters, &source.written);
}

#[test]
fn a_last_record_that_was_compacted_away_does_not_stop_the_session() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "compacted");
    setting.config.on_gap = OnGap::Stop;
    setting.source_topic += ".compact";
    setting.config.source_topic = setting.source_topic.clone();
    let topic = WantedTopic::new(&setting.source_topic, 1)
        .with("cleanup.policy", "compact")
        .with("segment.ms", "50")
        .with("min.cleanable.dirty.ratio", "0.001")
        .with("delete.retention.ms", "0");
    create_with(&clusters.source, &topic);
    let broker = &clusters.source;
    // Ten of one key: none but the last survives.
    write_keyed(broker, &setting.source_topic, 10);
    let first = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &[10], LIMIT);
    first.stop();
    let mut written = 10;
    let gone = eventually(LIMIT, || {
        // The segment that is written to is never compacted: roll it.
        written += 1;
        write_keyed(broker, &setting.source_topic, 1);
        !offsets_of(broker, &setting.source_topic).contains(&9)
    });
    assert!(gone, "{:?}", offsets_of(broker, &setting.source_topic));
    let second = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &[written], LIMIT);
    second.stop();
}

fn write_keyed(broker: &Broker, topic: &str, count: usize) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .create()
        .expect("a producer");
    for number in 0..count {
        let value = number.to_string();
        let record = BaseRecord::to(topic)
            .partition(0)
            .key("key")
            .payload(&value);
        producer.send(record).expect("queued");
    }
    producer.flush(LIMIT).expect("stored");
}

#[test]
fn markers_of_a_transactional_source_are_neither_lag_nor_gap_nor_another_record() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "markers");
    setting.look_often();
    setting.config.on_gap = OnGap::Stop;
    let topic = &setting.source_topic;
    let writer = TransactionalSource::new(&clusters.source, topic);
    // Ten records and a marker, then five that are aborted and their marker.
    writer.write(10, true);
    writer.write(5, false);
    let first = Running::start(&setting.config, setting.worker());
    // The position ends behind the last marker: 10 + 1 + 5 + 1.
    let at = |broker| committed(broker, &setting.config.group, &setting.ownership_topic(), 4)[0];
    let passed = eventually(LIMIT, || at(&clusters.destination) == 17);
    assert!(passed, "{}", at(&clusters.destination));
    let lag = || first.heard.lag.lock().unwrap().get(&Partition(0)).copied();
    let caught_up = eventually(LIMIT, || lag() == Some(Lag::CAUGHT_UP));
    assert!(caught_up, "{:?}", lag());
    first.stop();

    // The record at 9 is found before two markers and five records nobody may see.
    writer.write(3, true);
    let second = Running::start(&setting.config, setting.worker());
    assert!(eventually(LIMIT, || at(&clusters.destination) >= 20));
    // Asked to stop, a session passes the markers before it leaves.
    second.stop();
    assert_eq!(at(&clusters.destination), 21);

    // Everything expires, the markers as well: nothing was missed.
    expire(&clusters.source, topic, &[21, 0, 0, 0]);
    writer.write(2, true);
    let third = Running::start(&setting.config, setting.worker());
    assert!(eventually(LIMIT, || at(&clusters.destination) >= 23));
    assert!(third.stop().gaps.lock().unwrap().is_empty());
    let offsets = Offsets::open(&setting.config).expect("both clusters");
    let seen = &offsets.show().expect("positions")[0];
    assert_eq!((seen.distance(), seen.last), (Some(0), Same::Yes));
    assert_eq!(seen.position, Some(NextOffset(24)));
    assert_eq!(
        read_committed(&clusters.destination, &setting.output).len(),
        15
    );
}

/// Writes to partition 0 in transactions.
struct TransactionalSource {
    producer: BaseProducer,
    topic: String,
}

impl TransactionalSource {
    fn new(broker: &Broker, topic: &str) -> TransactionalSource {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .set("transactional.id", topic)
            .create()
            .expect("a producer");
        producer.init_transactions(LIMIT).expect("initialized");
        TransactionalSource {
            producer,
            topic: topic.to_owned(),
        }
    }

    /// One transaction.
    fn write(&self, count: usize, keep: bool) {
        self.producer.begin_transaction().expect("begun");
        for number in 0..count {
            let value = number.to_string();
            let record = BaseRecord::<(), _>::to(&self.topic)
                .partition(0)
                .payload(&value);
            self.producer.send(record).expect("queued");
        }
        self.producer.flush(LIMIT).expect("stored");
        if keep {
            self.producer.commit_transaction(LIMIT).expect("committed");
        } else {
            self.producer.abort_transaction(LIMIT).expect("aborted");
        }
    }
}
