//! Where a source begins, what is committed about it, and what happens when records are gone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use watchbell::event::NextOffset;
use watchbell::kafka::session::{OnGap, SessionError, Start};
use watchbell::kafka::topics::Topics;

use super::broker::{Broker, clusters};
use super::eventually;
use super::passthrough::{Running, Setting};
use super::records::{Source, committed, read_committed};

const LIMIT: Duration = Duration::from_secs(60);

/// Let the first `count` records of every partition expire.
fn expire(broker: &Broker, topic: &str, count: i64) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .create()
        .expect("an admin client");
    let mut list = TopicPartitionList::new();
    for partition in 0..4 {
        list.add_partition_offset(topic, partition, Offset::Offset(count))
            .expect("a list");
    }
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(admin.delete_records(&list, &AdminOptions::new()))
        .expect("records are deleted");
}

#[test]
fn latest_begins_with_what_comes_after_the_first_start() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "latest");
    setting.config.start = Start::Latest;
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let topic = setting.ownership_topic();
    let first = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    first.stop();
    // Written while nobody runs: the position of the first start holds, not the latest again.
    source.write(400);
    source.flush();
    let second = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    second.stop();
    let read = read_committed(&clusters.destination, &setting.output);
    assert_eq!(read.len(), 400);
    let places = |group: &str| committed(&clusters.destination, group, &topic, 4);
    assert_eq!(places(&setting.config.group), [200; 4]);
}

#[test]
fn expired_records_are_a_gap_that_is_measured_once() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "expired");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let first = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    first.stop();
    source.write(400);
    source.flush();
    expire(&clusters.source, &setting.source_topic, 150);

    let mut stopping = setting.config.clone();
    stopping.on_gap = OnGap::Stop;
    let error = Running::start(&stopping, setting.worker())
        .wait()
        .expect_err("a gap");
    let SessionError::Gap(gap) = error else {
        panic!("{error}")
    };
    assert_eq!((gap.from, gap.to), (NextOffset(100), NextOffset(150)));
    assert_eq!(gap.records(), 50);

    let going_on = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    let heard = going_on.stop();
    assert_eq!(heard.gaps.lock().unwrap().len(), 4);
    assert_eq!(heard.records.load(Ordering::Relaxed), 200);
    let again = Running::start(&setting.config, setting.worker());
    assert!(eventually(LIMIT, || again.heard.is_ready()));
    assert!(again.stop().gaps.lock().unwrap().is_empty());
}

#[test]
fn a_position_of_another_cluster_stops_the_session() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "foreign");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let first = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    first.stop();
    // The same source name, now meaning a topic of a third cluster.
    let third = Broker::start();
    super::records::create(&third, &setting.source_topic, 4);
    let mut moved = setting.config.clone();
    moved.source = third.cluster();
    let error = Running::start(&moved, setting.worker())
        .wait()
        .expect_err("a foreign position");
    assert!(
        matches!(error, SessionError::ForeignPosition { .. }),
        "{error}"
    );
}

#[test]
fn the_ownership_topic_has_the_sources_partitions_and_no_records() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "ownership");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let running = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    running.stop();
    let topics = Topics::new(&clusters.destination.cluster(), LIMIT).expect("an admin client");
    let topic = setting.ownership_topic();
    assert_eq!(topics.partitions(&topic).expect("an answer"), Some(4));
    assert!(read_committed(&clusters.destination, &topic).is_empty());
}

#[test]
fn a_record_is_visible_soon_after_a_pause() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "latency");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    let running = Running::start(&setting.config, setting.worker());
    assert!(eventually(LIMIT, || running.heard.is_ready()));
    let mut slowest = Duration::ZERO;
    for round in 1..=20 {
        source.write(1);
        source.flush();
        let written = std::time::Instant::now();
        while running.heard.records.load(Ordering::Relaxed) < round {
            assert!(written.elapsed() < LIMIT, "nothing comes out");
            std::thread::sleep(Duration::from_millis(1));
        }
        slowest = slowest.max(written.elapsed());
    }
    running.stop();
    println!("  slowest of 20 records committed {slowest:?} after it was stored");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}
