//! The pure pipeline on one thread: what an event costs without Kafka. For `perf` and `callgrind`.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use watchbell::event::{Offset, OutputBuffer, Partition, Position, RawRecord};
use watchbell::pipeline::{Catalogs, Content, Names, OutputList, Path, Pipeline, known};
use watchbell::rules::{CurrentRules, Overrides, RuleSet, RuleSource};

use crate::corpus::{self, Corpus};

/// As many as the daemon commits together at a rate of some 10,000 events a second.
const BATCH_EVENTS: usize = 1000;

/// Prints what an event of the corpus costs, and what a byte costs in each form in which an event may arrive. An alert
/// costs as much as some events, so the latter are events that raise none.
pub fn run(events: usize, rules: &[RuleSource]) {
    let pipeline = pipeline(rules);
    corpus(&pipeline, events);
    for (form, values) in forms() {
        let raises_none = |value: &String| {
            let once = measure(&pipeline, std::slice::from_ref(value), 1);
            once.alerts == 0
        };
        let values: Vec<String> = values.into_iter().filter(raises_none).collect();
        let cost = measure(&pipeline, &values, events / 4);
        println!(
            "{form}: {} shapes, {} bytes, {:.2} ns per byte",
            values.len(),
            cost.bytes_in / (events / 4).max(1),
            cost.nanoseconds as f64 / cost.bytes_in as f64,
        );
    }
}

/// The same for the corpus alone.
pub fn run_corpus(events: usize, rules: &[RuleSource]) {
    corpus(&pipeline(rules), events);
}

fn corpus(pipeline: &Pipeline, events: usize) {
    let mut corpus = Corpus::new(1);
    let values: Vec<String> = (0..events.min(20_000)).map(|_| corpus.next()).collect();
    let cost = measure(pipeline, &values, events);
    println!(
        "{events} events of {} bytes: {} ns each, {} outputs, {:.2} bytes out per byte in",
        cost.bytes_in / events,
        cost.nanoseconds / events as u128,
        cost.outputs,
        cost.bytes_out as f64 / cost.bytes_in as f64,
    );
}

/// Events of each vendor in the forms in which they may arrive.
fn forms() -> [(&'static str, Vec<String>); 3] {
    let confluent = include_str!("../../tests/data/confluent/shapes.ndjson").lines();
    let new_dialect = confluent.filter(|event| event.contains("\"cloudResources\""));
    let shapes = include_str!("../../tests/data/actiontrail/shapes.ndjson").lines();
    let (bare, carried): (Vec<&str>, Vec<&str>) =
        shapes.partition(|event| event.to_ascii_lowercase().starts_with("{\"eventid\""));
    let logged = carried
        .into_iter()
        .filter(|event| event.contains("__topic__"));
    let owned = |events: Vec<&str>| events.into_iter().map(str::to_owned).collect();
    [
        ("Confluent's new dialect", owned(new_dialect.collect())),
        ("ActionTrail, bare", owned(bare)),
        ("ActionTrail, in records of SLS", owned(logged.collect())),
    ]
}

fn pipeline(rules: &[RuleSource]) -> Pipeline {
    let catalogs = Catalogs::shipped().expect("the shipped catalogue");
    let rules = RuleSet::load(
        rules,
        &known(&catalogs),
        &Overrides::default(),
        &Path::parse,
    );
    let names = Names::parse_yaml(&corpus::names(), "names.yaml").expect("names");
    let outputs = OutputList::new(Content::name);
    let rules = Arc::new(CurrentRules::new(rules.expect("sound rules")));
    let names = Arc::new(ArcSwap::from_pointee(names));
    Pipeline::new(outputs, Arc::new(catalogs), rules, names)
}

/// What so many events cost.
struct Cost {
    nanoseconds: u128,
    bytes_in: usize,
    bytes_out: usize,
    outputs: usize,
    alerts: usize,
}

fn measure(pipeline: &Pipeline, values: &[String], events: usize) -> Cost {
    let (mut out, mut outputs, mut bytes_in, mut bytes_out) = (OutputBuffer::default(), 0, 0, 0);
    let mut alerts = 0;
    let started = Instant::now();
    let mut batch = pipeline.begin();
    for (number, value) in values.iter().cycle().take(events).enumerate() {
        if number % BATCH_EVENTS == 0 {
            batch = pipeline.begin();
        }
        let record = RawRecord {
            position: Position {
                topic: "source",
                partition: Partition(0),
                offset: Offset(number as i64),
                element: None,
            },
            timestamp_ms: Some(1_793_500_000_000),
            key: None,
            value: Some(value.as_bytes()),
            headers: Vec::new(),
        };
        batch.process(&record, 1_793_500_000_000, &mut out);
        bytes_in += value.len();
        for output in out.iter() {
            outputs += 1;
            alerts += usize::from(**output.topic == *Content::Alerts.name());
            bytes_out += output.value.map_or(0, <[u8]>::len);
        }
        out.clear();
    }
    Cost {
        nanoseconds: started.elapsed().as_nanos(),
        bytes_in,
        bytes_out,
        outputs,
        alerts,
    }
}
