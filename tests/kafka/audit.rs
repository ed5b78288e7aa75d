//! Confluent audit events with unique ids, bad input among them, and a ledger of the expected result of
//! every record. An event's id is `<topic>/<partition>/<offset>`, so every output can be traced.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use serde_json::Value;

use super::broker::{Broker, Clusters};
use super::daemon::Deployment;
use super::records::{Read, producer, read_committed};

const SHAPES: &str = include_str!("../data/confluent/shapes.ndjson");
const SEED: &str = include_str!("../data/confluent/seed.ndjson");

pub const STATEMENT_DELETED: &str = "c6c488e7-369c-4286-a8cc-d81b69940fda";
pub const SCRATCH_STATEMENT_DELETED: &str = "9172c0c0-c3c4-4bcc-80ff-886ffc459db5";
pub const ORGANIZATION_ADMIN_BOUND: &str = "0191acfc-0566-4fbc-8dc9-ed96302fbd61";

/// Lines of the shapes, from 1, that are typical traffic and that no rule matches: logins and
/// authorizations of all three dialects, requests.
const TYPICAL: [usize; 13] = [1, 3, 4, 5, 6, 7, 14, 18, 19, 21, 22, 24, 25];

/// The expected result of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// An event that no rule matches.
    Event,
    /// An event, and an alert of this rule.
    Alert(&'static str),
    /// A dead letter with this reason.
    DeadLetter(&'static str),
    /// Nothing: it expires before it is read.
    Expired,
}

/// A record as it is written to the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(&'static str, Option<Vec<u8>>)>,
}

impl Given {
    /// A value with a key and no headers.
    pub fn value(value: impl Into<Vec<u8>>) -> Given {
        Given {
            key: Some(b"audit".to_vec()),
            value: Some(value.into()),
            headers: Vec::new(),
        }
    }
}

/// An event without its id.
struct Template {
    before: String,
    after: String,
    fate: Fate,
}

impl Template {
    /// The line of a fixture, from 1, with this expected result.
    fn new(lines: &str, line: usize, fate: Fate) -> Template {
        let text = lines.lines().nth(line - 1).expect("a line");
        let event: Value = serde_json::from_str(text).expect("JSON");
        let id = format!("\"id\":\"{}\"", event["id"].as_str().expect("an id"));
        let (before, after) = text.split_once(&id).expect("the id in the text");
        Template {
            before: before.into(),
            after: after.into(),
            fate,
        }
    }

    fn with_id(&self, id: &str) -> String {
        format!("{}\"id\":\"{id}\"{}", self.before, self.after)
    }
}

/// A source topic and the expected results of its records.
pub struct Audit {
    producer: BaseProducer,
    pub topic: String,
    /// The topic under whose name the daemon commits positions.
    pub positions: String,
    /// By partition and offset.
    fates: Vec<Vec<Fate>>,
    typical: Vec<Template>,
    alerting: Vec<Template>,
    written: usize,
    /// The records of topics that were deleted.
    kept: HashMap<String, Vec<Read>>,
}

impl Audit {
    pub fn new(broker: &Broker, topic: &str, partitions: usize, positions: String) -> Audit {
        let producer = producer(broker);
        let typical = TYPICAL.map(|line| Template::new(SHAPES, line, Fate::Event));
        let alerting = [
            Template::new(SHAPES, 11, Fate::Alert(STATEMENT_DELETED)),
            Template::new(SEED, 7, Fate::Alert(SCRATCH_STATEMENT_DELETED)),
            Template::new(SHAPES, 8, Fate::Alert(ORGANIZATION_ADMIN_BOUND)),
        ];
        Audit {
            producer,
            topic: topic.to_owned(),
            positions,
            fates: vec![Vec::new(); partitions],
            typical: typical.into(),
            alerting: alerting.into(),
            written: 0,
            kept: HashMap::new(),
        }
    }

    /// The source's name in the configuration.
    pub fn source(&self) -> &str {
        self.topic.strip_suffix(".audit").expect("a topic of ours")
    }

    /// Records written to each partition so far.
    pub fn written(&self) -> Vec<i64> {
        self.fates.iter().map(|fates| fates.len() as i64).collect()
    }

    /// The expected result of every record, by partition and offset.
    pub fn fates(&self) -> impl Iterator<Item = ((usize, usize), Fate)> {
        let partitions = self.fates.iter().enumerate();
        partitions.flat_map(|(partition, fates)| {
            let offsets = fates.iter().enumerate();
            offsets.map(move |(offset, fate)| ((partition, offset), *fate))
        })
    }

    /// The id of the next event of a partition.
    pub fn next_id(&self, partition: usize) -> String {
        format!("{}/{partition}/{}", self.topic, self.fates[partition].len())
    }

    /// Write typical traffic round robin over the partitions: of 21 records one raises an alert and
    /// one is broken. They are handed over, not yet stored.
    pub fn write(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.written;
            self.written += 1;
            let partition = number % self.fates.len();
            let id = self.next_id(partition);
            let (given, fate) = match number % 21 {
                4 => broken(number / 21, &self.typical[0].with_id(&id)),
                11 => pick(&self.alerting, number / 21, &id),
                _ => pick(&self.typical, number, &id),
            };
            self.put(partition, &given, fate);
        }
    }

    /// Write one typical event that no rule matches.
    pub fn write_event(&mut self, partition: usize) {
        let (given, fate) = pick(&self.typical, 0, &self.next_id(partition));
        self.put(partition, &given, fate);
    }

    /// The next event of a partition, to be changed: one that no rule matches, or a statement that is
    /// deleted.
    pub fn next_event(&self, partition: usize, deletion: bool) -> Value {
        let template = match deletion {
            true => &self.alerting[0],
            false => &self.typical[0],
        };
        let text = template.with_id(&self.next_id(partition));
        serde_json::from_str(&text).expect("JSON")
    }

    /// Write one record as it is; returns its offset.
    pub fn put(&mut self, partition: usize, given: &Given, fate: Fate) -> usize {
        let mut record: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&self.topic).partition(partition as i32);
        record.key = given.key.as_deref();
        record.payload = given.value.as_deref();
        if !given.headers.is_empty() {
            let mut headers = OwnedHeaders::new();
            for (key, value) in &given.headers {
                let value = value.as_ref();
                headers = headers.insert(Header { key, value });
            }
            record.headers = Some(headers);
        }
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
        self.producer.poll(Duration::ZERO);
        let offset = self.fates[partition].len();
        self.fates[partition].push(fate);
        offset
    }

    /// Marks these records as expired before they were read.
    pub fn expire(&mut self, partition: usize, offsets: Range<usize>) {
        self.fates[partition][offsets].fill(Fate::Expired);
    }

    /// Remembers the records of an output topic that is about to be deleted.
    pub fn keep(&mut self, broker: &Broker, topic: &str) {
        let kept = self.kept.entry(topic.to_owned()).or_default();
        kept.extend(read_committed(broker, topic));
    }

    /// The same, of one that is deleted already.
    pub fn remember(&mut self, topic: &str, stood: Vec<Read>) {
        self.kept.entry(topic.to_owned()).or_default().extend(stood);
    }

    /// Wait until everything is stored.
    pub fn flush(&self) {
        self.producer.flush(Duration::from_secs(60)).expect("flush");
    }

    /// Asserts that every record has its expected result exactly once, in order, for a `read_committed`
    /// consumer.
    pub fn check_exactly_once(&self, clusters: &Clusters, deployment: &Deployment) {
        let outcomes = self.outcomes(clusters, deployment);
        let repeated: Vec<&Outcome> = repeated(&outcomes).take(5).collect();
        assert!(repeated.is_empty(), "more than once: {repeated:?}");
        println!("  {}, each exactly once, in order", self.summary());
    }

    /// Asserts that every record has its expected result at least once.
    pub fn check_at_least_once(&self, clusters: &Clusters, deployment: &Deployment) {
        let outcomes = self.outcomes(clusters, deployment);
        let repeated = repeated(&outcomes).count();
        println!(
            "  {}, none missing, {repeated} outputs repeated",
            self.summary()
        );
    }

    fn summary(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for fate in self.fates.iter().flatten() {
            let name = match fate {
                Fate::Event => "events",
                Fate::Alert(_) => "alerting events",
                Fate::DeadLetter(_) => "dead letters",
                Fate::Expired => "expired records",
            };
            *counts.entry(name).or_default() += 1;
        }
        format!("{counts:?}")
    }

    /// How often each result was seen. Asserts that all expected ones are there and no others, and that those
    /// of one source partition first appear in order within each output partition.
    fn outcomes(&self, clusters: &Clusters, deployment: &Deployment) -> HashMap<Outcome, u64> {
        let read = |topic: &str| {
            let mut all = self.kept.get(topic).cloned().unwrap_or_default();
            all.extend(read_committed(&clusters.destination, topic));
            all
        };
        let events = read(&deployment.events);
        let alerts = read(&deployment.alerts);
        let dead_letters = read(&deployment.dead_letters);
        let mut seen = HashMap::new();
        let topics: [(&[Read], Trace); 3] = [
            (&events, event_outcome),
            (&alerts, alert_outcome),
            (&dead_letters, dead_letter_outcome),
        ];
        for (records, trace) in topics {
            let mut order: HashMap<(i32, usize, &str), usize> = HashMap::new();
            for read in records {
                let Some(outcome) = trace(read, &self.topic) else {
                    continue;
                };
                let ((partition, offset), what) = (outcome.place, outcome.what);
                let count = seen.entry(outcome).or_insert(0);
                *count += 1;
                if *count == 1 {
                    let before = order.insert((read.partition, partition, what), offset);
                    assert!(
                        before.is_none_or(|before| before < offset),
                        "offset {offset} of partition {partition} after {before:?}"
                    );
                }
            }
        }
        let expected = self.expected();
        let missing: Vec<&Outcome> = expected.iter().filter(|o| !seen.contains_key(o)).collect();
        let count = missing.len();
        assert!(count == 0, "{count} missing, such as {:?}", missing[0]);
        let strange: Vec<&Outcome> = seen.keys().filter(|o| !expected.contains(o)).collect();
        let count = strange.len();
        assert!(count == 0, "{count} unexpected, such as {:?}", strange[0]);
        let ours = alerts
            .iter()
            .filter(|alert| alert_outcome(alert, &self.topic).is_some());
        let uids: HashSet<_> = ours.map(|alert| alert.header("ce_id")).collect();
        let is_alert = |outcome: &&Outcome| matches!(outcome.what, "alert" | "told dead letter");
        let alerts = expected.iter().filter(is_alert).count();
        assert_eq!(uids.len(), alerts, "a uid for each alert");
        seen
    }

    fn expected(&self) -> HashSet<Outcome> {
        let mut expected = HashSet::new();
        for (partition, fates) in self.fates.iter().enumerate() {
            for (offset, fate) in fates.iter().enumerate() {
                let place = (partition, offset);
                let mut expect = |what, detail: &str| {
                    let detail = detail.to_owned();
                    expected.insert(Outcome {
                        place,
                        what,
                        detail,
                    });
                };
                match fate {
                    Fate::Event => expect("event", ""),
                    Fate::Alert(rule) => {
                        expect("event", "");
                        expect("alert", rule);
                    }
                    Fate::DeadLetter(reason) => {
                        expect("dead letter", reason);
                        expect("told dead letter", reason);
                    }
                    Fate::Expired => {}
                }
            }
        }
        expected
    }
}

/// A result of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Outcome {
    /// Partition and offset of the source.
    place: (usize, usize),
    what: &'static str,
    /// The rule of an alert, the reason of a dead letter.
    detail: String,
}

/// Traces an output to a record of the source topic; `None` if it is another source's.
type Trace = fn(&Read, &str) -> Option<Outcome>;

fn event_outcome(read: &Read, topic: &str) -> Option<Outcome> {
    let id = read.header("ce_id").expect("an event's id");
    Some(Outcome {
        place: place(&id, topic)?,
        what: "event",
        detail: String::new(),
    })
}

fn alert_outcome(read: &Read, topic: &str) -> Option<Outcome> {
    let value = read.value.as_deref().expect("an alert's value");
    let alert: Value = serde_json::from_slice(value).expect("JSON");
    let info = &alert["finding_info"];
    assert_eq!(info["uid"].as_str(), read.header("ce_id").as_deref());
    let dead_letter = &alert["evidences"][0]["data"];
    if let (Some(reason), Some(offset)) = (
        dead_letter["reason"].as_str(),
        dead_letter["offset"].as_u64(),
    ) {
        let partition = dead_letter["partition"].as_u64().expect("a partition");
        return (dead_letter["topic"] == topic).then(|| Outcome {
            place: (partition as usize, offset as usize),
            what: "told dead letter",
            detail: reason.to_owned(),
        });
    }
    // An alert about the source as a whole has none.
    let id = info["related_events"][0]["uid"].as_str()?;
    Some(Outcome {
        place: place(id, topic)?,
        what: "alert",
        detail: info["analytic"]["uid"].as_str().expect("a rule").into(),
    })
}

fn dead_letter_outcome(read: &Read, topic: &str) -> Option<Outcome> {
    let header = |name| read.header(name).expect("a header of ours");
    (header("watchbell-source-topic") == topic).then(|| Outcome {
        place: (
            header("watchbell-source-partition").parse().unwrap(),
            header("watchbell-source-offset").parse().unwrap(),
        ),
        what: "dead letter",
        detail: header("watchbell-reason"),
    })
}

fn place(id: &str, topic: &str) -> Option<(usize, usize)> {
    let (partition, offset) = id.strip_prefix(topic)?.strip_prefix('/')?.split_once('/')?;
    Some((partition.parse().unwrap(), offset.parse().unwrap()))
}

fn repeated(outcomes: &HashMap<Outcome, u64>) -> impl Iterator<Item = &Outcome> {
    let repeated = outcomes.iter().filter(|(_, count)| **count > 1);
    repeated.map(|(outcome, _)| outcome)
}

fn pick(templates: &[Template], number: usize, id: &str) -> (Given, Fate) {
    let template = &templates[number % templates.len()];
    (Given::value(template.with_id(id)), template.fate)
}

/// One of the ways in which records are broken.
fn broken(number: usize, event: &str) -> (Given, Fate) {
    let (value, reason): (Option<Vec<u8>>, _) = match number % 5 {
        0 => (Some(event[..event.len() / 2].into()), "not_json"),
        1 => (None, "tombstone"),
        2 => (Some(b"".into()), "empty"),
        3 => (Some(b"{\"id\":\"\xff\"}".into()), "not_utf8"),
        _ => (Some(b"[1, 2]".into()), "not_an_object"),
    };
    let given = Given {
        value,
        ..Given::value("")
    };
    (given, Fate::DeadLetter(reason))
}
