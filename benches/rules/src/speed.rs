//! How long one event takes with more and more rules, here and in rsigma, in turns.

use std::cell::OnceCell;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use rsigma_eval::event::JsonEvent;
use rsigma_parser::{LogSource, SigmaRule, parse_sigma_yaml};
use watchbell::event::{self, RawRecord};
use watchbell::json::{Document, Memory};
use watchbell::normalize::{Normalized, Within, normalize};
use watchbell::pipeline::Catalogs;
use watchbell::sigma::{
    Detection, Engine, Logsource, LogsourceDetection, Origin, Placeholders, Rule, Scratch,
    documents,
};

use crate::generator::{NATIVE, OCSF, audit_events, process_events, rule};
use crate::{plain, public};

/// Different events, which are repeated.
const DISTINCT: usize = 2_000;
/// Rounds, of which the median counts.
const ROUNDS: usize = 7;
/// How long each contender runs in a round.
const ROUND: Duration = Duration::from_millis(400);

/// The size that events have on average, in bytes.
const SIZES: [usize; 2] = [700, 2_000];

/// Prints a table of nanoseconds for each event.
pub fn run(directory: Option<&Path>) {
    println!(
        "parse, normalize and match on one core: µs per event, medians of {ROUNDS} rounds in turns"
    );
    println!("| rules | event bytes | compiled in ms | watchbell | rsigma | ratio |");
    println!("|---|---|---|---|---|---|");
    for size in SIZES {
        let events = audit_events(size, DISTINCT);
        for count in [0, 10, 100, 1_000, 4_000] {
            let texts = |dialect| (0..count).map(move |number| rule(number, dialect));
            let started = Instant::now();
            let ours: Vec<Rule> = texts(&OCSF)
                .map(|text| one(documents(&text, &Placeholders::default()).rules))
                .collect();
            let parsed_in = started.elapsed();
            let started = Instant::now();
            let engine = compiled(
                ours.iter().map(|rule| (&rule.logsource, &rule.detection)),
                &event::Path::parse,
            );
            let compiled_in = started.elapsed();
            let theirs: Vec<SigmaRule> = texts(&NATIVE)
                .map(|text| one(parse_sigma_yaml(&text).expect("a rule").rules))
                .collect();
            let (theirs, _) = their_engine(&theirs);
            let catalogs = Catalogs::shipped().expect("the shipped catalogue");
            let mut scratch = Scratch::default();
            let memory = Memory::default();
            let mut here = |event: &str| {
                let record = RawRecord::of_value("bench", event.as_bytes());
                let portable = OnceCell::new();
                let within = Within::default();
                match normalize(&record, &portable, &within, &catalogs, Some(&memory)) {
                    Ok(Normalized::Event(event)) => engine.matches(&event, &mut scratch).len(),
                    _ => panic!("not an event: {event}"),
                }
            };
            let mut there = |event: &str| {
                let value: serde_json::Value = serde_json::from_str(event).expect("JSON");
                theirs.evaluate(&JsonEvent::borrow(&value)).len()
            };
            let built = format!("{:.0} + {:.0}", ms(parsed_in), ms(compiled_in));
            print_row(&count.to_string(), &built, &events, &mut here, &mut there);
        }
    }
    if let Some(directory) = directory {
        public_rules(directory);
    }
}

/// The same with public rules, and with events that are plain JSON.
fn public_rules(directory: &Path) {
    let rules = public::load(directory);
    let ours: Vec<&Rule> = rules
        .iter()
        .filter_map(|rule| rule.ours.as_ref().ok())
        .collect();
    let theirs: Vec<SigmaRule> = rules
        .iter()
        .filter_map(|rule| rule.theirs.clone().ok())
        .collect();
    let started = Instant::now();
    let engine = compiled(
        ours.iter().map(|rule| (&rule.logsource, &rule.detection)),
        &plain::Path::parse,
    );
    let built = format!("{:.0}", ms(started.elapsed()));
    let started = Instant::now();
    let (theirs, refused) = their_engine(&theirs);
    println!(
        "\n{} public rules here, {} of them without a witness; {} in rsigma, {refused} refused, compiled in {:.0} ms",
        ours.len(),
        engine.without_witness().count(),
        theirs.rule_count(),
        ms(started.elapsed()),
    );
    let logsource = LogSource {
        product: Some("windows".to_owned()),
        category: Some("process_creation".to_owned()),
        ..LogSource::default()
    };
    let origin = Origin {
        product: Some("windows"),
        service: None,
        category: Some("process_creation"),
    };
    for size in SIZES {
        let events = process_events(size, DISTINCT);
        let mut scratch = Scratch::default();
        let memory = Memory::default();
        let mut here = |event: &str| {
            let document = Document::parse_in(Some(&memory), event.as_bytes()).expect("JSON");
            let event = plain::PlainEvent { document, origin };
            engine.matches(&event, &mut scratch).len()
        };
        let mut there = |event: &str| {
            let value: serde_json::Value = serde_json::from_str(event).expect("JSON");
            theirs
                .evaluate_with_logsource(&JsonEvent::borrow(&value), &logsource)
                .len()
        };
        print_row(
            &ours.len().to_string(),
            &built,
            &events,
            &mut here,
            &mut there,
        );
    }
}

fn print_row(
    rules: &str,
    built: &str,
    events: &[String],
    here: &mut dyn FnMut(&str) -> usize,
    there: &mut dyn FnMut(&str) -> usize,
) {
    let bytes = events.iter().map(String::len).sum::<usize>() / events.len();
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (here, there) = (measure(events, here), measure(events, there));
        // The first round fills caches.
        if round > 0 {
            ours.push(here);
            theirs.push(there);
            ratios.push(there / here);
        }
    }
    println!(
        "| {rules} | {bytes} | {built} | {:.2} | {:.2} | {:.1} |",
        median(ours),
        median(theirs),
        median(ratios)
    );
}

/// µs for each event.
fn measure(events: &[String], evaluate: &mut dyn FnMut(&str) -> usize) -> f64 {
    let (started, mut done) = (Instant::now(), 0);
    while started.elapsed() < ROUND {
        for event in events.iter().skip(done % DISTINCT).take(100) {
            black_box(evaluate(event));
        }
        done += 100;
    }
    started.elapsed().as_secs_f64() * 1e6 / done as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn one<T>(mut rules: Vec<T>) -> T {
    rules.pop().expect("a sound rule")
}

/// Compiles rules that have only known fields.
pub fn compiled<'r, P>(
    rules: impl Iterator<Item = (&'r Logsource, &'r Detection)>,
    resolve: &dyn Fn(&str) -> Result<P, watchbell::sigma::UnknownField>,
) -> Engine<P> {
    let rules = rules.map(|(logsource, detection)| LogsourceDetection {
        logsource,
        detection,
    });
    Engine::compile(rules, resolve).unwrap_or_else(|_| panic!("a field is unknown"))
}

/// Their engine, and how many rules it refuses.
pub fn their_engine(rules: &[SigmaRule]) -> (rsigma_eval::Engine, usize) {
    let mut engine = rsigma_eval::Engine::new();
    let refused = engine.add_rules(rules).len();
    (engine, refused)
}
