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

/// Prints nanoseconds per event and bytes out per byte in.
pub fn run(events: usize, rules: &[RuleSource]) {
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
    let pipeline = Pipeline::new(outputs, Arc::new(catalogs), rules, names);

    let mut corpus = Corpus::new(1);
    let values: Vec<String> = (0..events.min(20_000)).map(|_| corpus.next()).collect();
    let (mut out, mut outputs, mut bytes_in, mut bytes_out) = (OutputBuffer::default(), 0, 0, 0);
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
            bytes_out += output.value.map_or(0, <[u8]>::len);
        }
        out.clear();
    }
    let elapsed = started.elapsed();
    println!(
        "{events} events of {} bytes: {} ns each, {outputs} outputs, {:.2} bytes out per byte in",
        bytes_in / events,
        elapsed.as_nanos() / events as u128,
        bytes_out as f64 / bytes_in as f64,
    );
}
