//! From a record's append to the source to the moment at which a reader with
//! `isolation.level=read_committed` has the alert, at a hundred events a second.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::PARTITIONS;
use crate::corpus::Corpus;

const PERIOD: Duration = Duration::from_millis(10);
/// Every fifth event raises an alert.
const ALERTS: usize = 5;
const ALERTING: &str = "DeleteKafkaCluster";

/// Writes `events` events to `source`; returns the latencies of the alerts in ms, sorted.
pub fn measure(bootstrap: &str, source: &str, events: usize) -> Vec<f64> {
    let writer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("linger.ms", "0")
        .create()
        .expect("a producer");
    let reader: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "latency")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "100")
        .create()
        .expect("a consumer");
    let mut list = TopicPartitionList::new();
    let (_, end) = reader
        .fetch_watermarks("watchbell.alerts", 0, Duration::from_secs(10))
        .expect("the end of the alerts");
    list.add_partition_offset("watchbell.alerts", 0, Offset::Offset(end))
        .expect("a place");
    reader.assign(&list).expect("an assignment");

    let mut corpus = Corpus::new(2);
    let (mut sent, mut seen) = (HashMap::new(), Vec::new());
    let started = Instant::now();
    let mut number = 0;
    while number < events || !sent.is_empty() {
        assert!(
            started.elapsed() < PERIOD * events as u32 + Duration::from_secs(30),
            "alerts are missing"
        );
        let due = started + PERIOD * number as u32;
        if number < events && Instant::now() >= due {
            let alerting = number % ALERTS == 0;
            let (id, value) = if alerting {
                corpus.next_of(ALERTING)
            } else {
                (String::new(), corpus.next())
            };
            let partition = (number % PARTITIONS as usize) as i32;
            let record: BaseRecord<'_, [u8], str> =
                BaseRecord::to(source).partition(partition).payload(&value);
            if alerting {
                sent.insert(id, Instant::now());
            }
            writer
                .send(record)
                .map_err(|(error, _)| error)
                .expect("a place in the queue");
            number += 1;
        }
        writer.poll(Duration::ZERO);
        if let Some(alert) = reader.poll(Duration::from_millis(1)) {
            let now = Instant::now();
            let alert = alert.expect("an alert");
            let value: serde_json::Value =
                serde_json::from_slice(alert.payload().expect("a value")).expect("JSON");
            let id = value["finding_info"]["related_events"][0]["uid"]
                .as_str()
                .expect("an event");
            if let Some(since) = sent.remove(id) {
                seen.push((now - since).as_secs_f64() * 1e3);
            }
        }
    }
    seen.sort_by(f64::total_cmp);
    seen
}
