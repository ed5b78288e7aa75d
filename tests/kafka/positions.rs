//! Where a source begins, what is committed about it, and what happens when records are gone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use watchbell::event::NextOffset;
use watchbell::kafka::session::{OnGap, SessionError, Start};
use watchbell::kafka::topics::Topics;

use super::admin::{expire, grow};
use super::broker::{Broker, clusters, clusters_alone};
use super::passthrough::{Running, Setting, would_stop};
use super::records::{Source, committed, read_committed};
use super::{LIMIT, eventually};

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

/// Write records with these timestamps, in ms, to one partition.
fn write_at(broker: &Broker, topic: &str, partition: i32, times_ms: &[i64]) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .create()
        .expect("a producer");
    for time_ms in times_ms {
        let value = format!("{partition}:{time_ms}");
        let record = BaseRecord::<(), _>::to(topic)
            .partition(partition)
            .timestamp(*time_ms)
            .payload(&value);
        producer.send(record).expect("queued");
    }
    producer.flush(LIMIT).expect("stored");
}

#[test]
fn a_start_by_time_holds_for_the_first_start_and_later_partitions_start_at_their_oldest_record() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "by-time");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let start_ms = now.unwrap().as_millis() as i64 - 60_000;
    let (before, after) = (start_ms - 1_000, start_ms + 1_000);
    setting.config.start = Start::Timestamp(start_ms);
    let (broker, topic) = (&clusters.source, setting.source_topic.as_str());
    write_at(broker, topic, 0, &[before, before, start_ms, after]);
    write_at(broker, topic, 1, &[before, before, before]);
    write_at(broker, topic, 2, &[after, after]);
    let first = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &[4, 3, 2, 0], LIMIT);
    first.stop();
    assert_eq!(values(&clusters.destination, &setting.output), {
        let expected = [(0, start_ms), (0, after), (2, after), (2, after)];
        expected.map(|(partition, ms)| format!("{partition}:{ms}"))
    });

    // Later the time is history: partitions that appear are read whole, the others go on.
    grow(broker, topic, 5);
    let there = eventually(LIMIT, || {
        let topics = Topics::new(&broker.cluster(), LIMIT).expect("an admin client");
        topics.partitions(topic).expect("an answer") == Some(5)
    });
    assert!(there, "the source does not grow");
    write_at(broker, topic, 4, &[before]);
    write_at(broker, topic, 1, &[before]);
    let second = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &[4, 4, 2, 0, 1], LIMIT);
    second.stop();
    assert_eq!(values(&clusters.destination, &setting.output).len(), 6);
}

/// The values of a topic, sorted.
fn values(broker: &Broker, topic: &str) -> Vec<String> {
    let read = read_committed(broker, topic).into_iter();
    let text = |value: Option<Vec<u8>>| String::from_utf8(value.expect("a value")).expect("text");
    let mut values: Vec<String> = read.map(|read| text(read.value)).collect();
    values.sort();
    values
}

#[test]
fn a_source_that_grows_is_read_whole_and_the_session_is_not_ready_until_then() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "grown");
    let refresh = "topic.metadata.refresh.interval.ms";
    let properties = &mut setting.config.destination.properties;
    properties.insert(refresh.into(), "1000".into());
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let members = [0, 1].map(|ordinal| {
        let mut config = setting.config.clone();
        config.ordinal = ordinal;
        Running::start(&config, setting.worker())
    });
    setting.wait_for(&clusters, &source.written, LIMIT);
    let ready = || members.iter().all(|member| member.heard.is_ready());
    assert!(eventually(LIMIT, ready));

    grow(&clusters.source, &setting.source_topic, 6);
    let mut grown = Source::new(&clusters.source, &setting.source_topic, 6);
    grown.written[..4].copy_from_slice(&source.written);
    grown.write(800);
    grown.flush();
    setting.wait_for(&clusters, &grown.written, LIMIT);
    assert!(eventually(LIMIT, ready));
    let owned = |member: &Running| member.heard.assigned.lock().unwrap().len();
    // A partition that moves from one to the other belongs to nobody for a moment.
    let all_owned = || members.iter().map(owned).sum::<usize>() == 6;
    assert!(eventually(LIMIT, all_owned));
    let said = members.map(|member| {
        let heard = member.stop();
        let troubles = heard.troubles.lock().unwrap();
        troubles.contains(&"source_grew")
    });
    assert!(said.contains(&true), "ready although nobody read the rest");
    setting.check_exactly_once(&clusters, &grown.written);
}

#[test]
fn an_ownership_topic_with_more_partitions_than_the_source_does_not_prevent_readiness() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "spacious");
    super::records::create(&clusters.destination, &setting.ownership_topic(), 7);
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let running = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    assert!(eventually(LIMIT, || running.heard.is_ready()));
    running.stop();
    setting.check_exactly_once(&clusters, &source.written);
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
    expire(&clusters.source, &setting.source_topic, &[150; 4]);

    let mut stopping = setting.config.clone();
    stopping.on_gap = OnGap::Stop;
    let error = Running::start(&stopping, setting.worker())
        .wait()
        .expect_err("a gap");
    let SessionError::Gap(gap) = error else {
        panic!("{error}")
    };
    assert_eq!((gap.from, gap.to), (NextOffset(100), NextOffset(150)));
    assert_eq!(gap.records, Some(50));
    assert_eq!(would_stop(&stopping), Some("gap"));
    assert_eq!(would_stop(&setting.config), None, "it goes on over the gap");

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
fn a_position_of_another_cluster_or_topic_stops_the_session() {
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
    assert_eq!(would_stop(&moved), Some("foreign_position"));
    // The same source name, now meaning another topic.
    let mut renamed = setting.config.clone();
    renamed.source_topic += ".other";
    super::records::create(&clusters.source, &renamed.source_topic, 4);
    let error = Running::start(&renamed, setting.worker()).wait();
    let error = error.expect_err("a foreign position").to_string();
    assert!(error.contains(&renamed.source_topic), "{error}");
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
    let clusters = clusters_alone();
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
