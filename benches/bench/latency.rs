//! From a record's append to the source to the moment at which a reader with
//! `isolation.level=read_committed` has the alert, and to the moment at which a sink has the request,
//! at a hundred events a second.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;

use crate::PARTITIONS;
use crate::corpus::Corpus;
use crate::stub::Stub;

const PERIOD: Duration = Duration::from_millis(10);
/// Every fifth event raises an alert.
const ALERTS: usize = 5;
const ALERTING: &str = "DeleteKafkaCluster";

/// Latencies of every alert, in ms, sorted.
pub struct Latencies {
    /// To the reader of the alerts topic.
    pub read: Vec<f64>,
    /// To the sink.
    pub told: Vec<f64>,
}

/// Writes `events` events to `source` and waits for their alerts, on the topic and at `sink`.
pub fn measure(bootstrap: &str, source: &str, events: usize, sink: &Stub) -> Latencies {
    let writer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("linger.ms", "0")
        .create()
        .expect("a producer");
    let reader = reader(bootstrap);
    let mut corpus = Corpus::new(2);
    let (mut sent, mut seen) = (HashMap::new(), HashMap::new());
    let started = Instant::now();
    let mut number = 0;
    while number < events || seen.len() < sent.len() {
        assert!(
            started.elapsed() < PERIOD * events as u32 + Duration::from_secs(30),
            "alerts are missing"
        );
        let due = started + PERIOD * number as u32;
        if number < events && Instant::now() >= due {
            let alerting = number % ALERTS == 0;
            let (id, value) = if alerting {
                alert(&mut corpus, number)
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
            let value: Value =
                serde_json::from_slice(alert.payload().expect("a value")).expect("JSON");
            let id = value["finding_info"]["related_events"][0]["uid"].as_str();
            let id = id.expect("an event");
            if sent.contains_key(id) {
                seen.insert(id.to_owned(), now);
            }
        }
    }
    Latencies {
        read: since(&sent, seen),
        told: since(&sent, told(sink, &sent)),
    }
}

/// Follows the alerts from their end.
fn reader(bootstrap: &str) -> BaseConsumer {
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
    reader
}

/// A deletion of now, by somebody of its own: repeats would be gathered. Returns its id, too.
fn alert(corpus: &mut Corpus, number: usize) -> (String, String) {
    let (id, value) = corpus.next_of(ALERTING);
    let mut event: Value = serde_json::from_str(&value).expect("JSON");
    event["time"] = jiff::Timestamp::now().to_string().into();
    event["data"]["authenticationInfo"]["principal"]["confluentUser"]["resourceId"] =
        format!("u-alert{number}").into();
    (id, event.to_string())
}

/// When the sink was first asked to tell of each.
fn told(sink: &Stub, sent: &HashMap<String, Instant>) -> HashMap<String, Instant> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut told = HashMap::new();
        for request in sink.received() {
            let id = request.json()["data"]["alert"]["events"][0].clone();
            if let Some(id) = id.as_str().filter(|id| sent.contains_key(*id)) {
                told.entry(id.to_owned()).or_insert(request.at);
            }
        }
        if told.len() == sent.len() {
            return told;
        }
        let (some, all) = (told.len(), sent.len());
        assert!(Instant::now() < deadline, "told of {some} of {all}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn since(sent: &HashMap<String, Instant>, arrived: HashMap<String, Instant>) -> Vec<f64> {
    let ms = |(id, at): (String, Instant)| (at - sent[&id]).as_secs_f64() * 1e3;
    let mut ms: Vec<f64> = arrived.into_iter().map(ms).collect();
    ms.sort_by(f64::total_cmp);
    ms
}
