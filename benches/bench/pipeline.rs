//! The pure pipeline on one thread: what an event costs without Kafka. For `perf` and `callgrind`.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use watchbell::event::{Offset, OutputBuffer, Partition, Position, RawRecord};
use watchbell::pipeline::{Catalogs, Content, Lookups, OutputList, Path, Pipeline, Purpose, known};
use watchbell::route::{NoisePolicy, Routes};
use watchbell::rules::{CurrentRules, Overrides, RuleSet, RuleSource};

use crate::corpus::Corpus;
use crate::enrichment;
use crate::packs;

/// As many as the daemon commits together at a rate of some 10,000 events a second.
const BATCH_EVENTS: usize = 1000;

/// What is measured. Without a word: events of a busy organization, the shipped rules and names.
struct Contender {
    corpus: fn(u64) -> Corpus,
    rules: Vec<RuleSource>,
    lookups: Lookups,
    routes: Routes,
    noise: NoisePolicy,
}

impl Contender {
    fn new(words: &[&str]) -> Contender {
        let mut contender = Contender {
            corpus: Corpus::new,
            rules: packs(),
            lookups: enrichment::names(),
            routes: Routes::default(),
            noise: NoisePolicy::Keep,
        };
        for word in words {
            match *word {
                "quiet" => contender.corpus = Corpus::quiet,
                "drop" => contender.noise = NoisePolicy::Drop,
                "bare" => contender.rules = Vec::new(),
                "plain" => contender.lookups = Lookups::default(),
                "enriched" => {
                    contender.lookups = enrichment::everything();
                    contender.routes = enrichment::routes();
                }
                unknown => panic!("{unknown}: quiet, drop, bare, plain, enriched"),
            }
        }
        contender
    }
}

/// Prints what an event costs. `words` choose the contender: `quiet` for events of a quiet organization, `drop` for
/// that noise policy, `bare` without rules, `plain` without names, `enriched` with names, 5,000 networks, two databases
/// and ten routes.
pub fn run(events: usize, words: &[&str]) {
    let contender = Contender::new(words);
    let mut corpus = (contender.corpus)(1);
    let values: Vec<String> = (0..events.min(20_000)).map(|_| corpus.next()).collect();
    let pipeline = pipeline(&contender.rules, contender.lookups);
    let pipeline = pipeline.routed(Arc::new(contender.routes), contender.noise);
    let cost = measure(&pipeline, &values, events);
    println!(
        "{events} events of {} bytes: {} ns each, {} outputs, {:.2} bytes out per byte in",
        cost.bytes_in / events,
        cost.nanoseconds / events as u128,
        cost.outputs,
        cost.bytes_out as f64 / cost.bytes_in as f64,
    );
}

/// Prints what a byte costs in each form in which an event may arrive, or in those whose name contains `wanted`. No
/// rules are in force, because an alert costs as much as some events.
pub fn run_forms(events: usize, wanted: &str) {
    let pipeline = pipeline(&[], enrichment::names());
    for (form, values) in forms() {
        if !form.contains(wanted) {
            continue;
        }
        let cost = measure(&pipeline, &values, events);
        println!(
            "{form}: {} shapes, {} bytes, {:.2} ns per byte, {:.2} bytes out per byte in",
            values.len(),
            cost.bytes_in / events,
            cost.nanoseconds as f64 / cost.bytes_in as f64,
            cost.bytes_out as f64 / cost.bytes_in as f64,
        );
    }
}

/// Events of each vendor in the forms in which they may arrive.
fn forms() -> [(&'static str, Vec<String>); 4] {
    let confluent = include_str!("../../tests/data/confluent/shapes.ndjson").lines();
    let new_dialect = confluent.filter(|event| event.contains("\"cloudResources\""));
    let seeds = include_str!("../../tests/data/actiontrail/seed.ndjson").lines();
    let shapes = include_str!("../../tests/data/actiontrail/shapes.ndjson").lines();
    let shapes = shapes.filter(|event| event.to_ascii_lowercase().starts_with("{\"eventid\""));
    let bare: Vec<String> = seeds.chain(shapes).map(str::to_owned).collect();
    let (camel_case, pascal_case): (Vec<String>, _) = bare
        .iter()
        .cloned()
        .partition(|event| event.contains("\"eventId\""));
    let in_record = |event: &String| {
        let text = serde_json::Value::from(event.as_str());
        format!(
            "{{\"__topic__\":\"actiontrail_audit_event\",\"__source__\":\"actiontrail\",\"event\":{text}}}"
        )
    };
    let in_records = bare.iter().map(in_record).collect();
    [
        (
            "Confluent's new dialect",
            new_dialect.map(str::to_owned).collect(),
        ),
        ("ActionTrail, camelCase", camel_case),
        ("ActionTrail, PascalCase", pascal_case),
        ("ActionTrail, in records of SLS", in_records),
    ]
}

pub fn pipeline(rules: &[RuleSource], lookups: Lookups) -> Pipeline {
    let catalogs = Catalogs::shipped().expect("the shipped catalogue");
    let rules = RuleSet::load(
        rules,
        &known(&catalogs),
        &Overrides::default(),
        &Path::parse,
    );
    let outputs = enrichment::TOPICS
        .iter()
        .fold(OutputList::new(Content::name), |outputs, topic| {
            outputs.with_events(topic, Purpose::Route)
        });
    let rules = Arc::new(CurrentRules::new(rules.expect("sound rules")));
    let lookups = Arc::new(ArcSwap::from_pointee(lookups));
    Pipeline::new(outputs, Arc::new(catalogs), rules, lookups)
}

/// What so many events cost.
struct Cost {
    nanoseconds: u128,
    bytes_in: usize,
    bytes_out: usize,
    outputs: usize,
}

fn measure(pipeline: &Pipeline, values: &[String], events: usize) -> Cost {
    let (mut out, mut outputs, mut bytes_in, mut bytes_out) = (OutputBuffer::default(), 0, 0, 0);
    let started = Instant::now();
    let mut batch = pipeline.begin();
    for (number, value) in values.iter().cycle().take(events).enumerate() {
        if number % BATCH_EVENTS == 0 {
            pipeline.begin_next(&mut batch);
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
            bytes_out += output.value.map_or(0, <[u8]>::len);
        }
        out.clear();
    }
    Cost {
        nanoseconds: started.elapsed().as_nanos(),
        bytes_in,
        bytes_out,
        outputs,
    }
}
