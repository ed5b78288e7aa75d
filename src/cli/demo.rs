//! `demo`: the whole pipeline on an embedded Kafka over the vendor's documented events.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use serde_json::Value;

use super::Failure;
use super::replay::shipped;
use crate::kafka::embedded::Embedded;
use crate::kafka::session::{self, Commit, Delivery, SessionConfig, SessionObserver, Shutdown};
use crate::observe::{Metrics, SourceObserver, SourceState};
use crate::pipeline::Topics;
use crate::roles::ingest::Ingest;

const SOURCE: &str = "confluent-audit-log-events";
const SEED: &str = include_str!("../../tests/data/confluent/seed.ndjson");
const SHAPES: &str = include_str!("../../tests/data/confluent/shapes.ndjson");
const BROKEN: &str = "{\"specversion\":\"1.0\",\"id\":\"cut off in the mid";
/// How often the typical events are repeated among the documented ones.
const ROUNDS: usize = 12;

/// Ends the session once every record is committed.
struct UntilDone {
    left: AtomicUsize,
    shutdown: Shutdown,
}

impl SessionObserver for UntilDone {
    fn committed(&self, commit: Commit) {
        if self.left.fetch_sub(commit.records, Ordering::Relaxed) <= commit.records {
            self.shutdown.request();
        }
    }
}

pub(super) fn run() -> Result<(), Failure> {
    let topics = Topics {
        events: "watchbell.events".into(),
        alerts: "watchbell.alerts".into(),
        dead_letters: "watchbell.dead-letters".into(),
    };
    let pipeline = shipped(topics.clone())?;
    let repeated = (0..ROUNDS).flat_map(|_| SHAPES.lines());
    let records: Vec<&[u8]> = SEED
        .lines()
        .chain([BROKEN])
        .chain(repeated)
        .map(str::as_bytes)
        .collect();
    let embedded = Embedded::start().context("start the embedded Kafka")?;
    for topic in [
        SOURCE,
        &*topics.events,
        &*topics.alerts,
        &*topics.dead_letters,
        session::DEFAULT_POSITIONS_TOPIC,
    ] {
        embedded.create_topic(topic, 1).context("create a topic")?;
    }
    let count = records.len();
    embedded
        .produce(SOURCE, 0, records)
        .context("write the records")?;
    eprintln!("{count} audit records are in {SOURCE} of an embedded Kafka; reading them …");

    let cluster = embedded.cluster();
    let mut config = SessionConfig::new(cluster.clone(), cluster, "demo", SOURCE);
    config.delivery = Delivery::AtLeastOnce;
    let shutdown = Shutdown::default();
    let observer = UntilDone {
        left: count.into(),
        shutdown: shutdown.clone(),
    };
    let metrics = Arc::new(Metrics::new().context("make the metrics")?);
    let counted = SourceObserver::new(Arc::new(SourceState::new("demo")), metrics);
    let mut worker = Ingest::new(pipeline, &counted);
    session::run(&config, &mut worker, &shutdown, &observer).context("run the session")?;
    report(&embedded, &topics)
}

fn report(embedded: &Embedded, topics: &Topics) -> Result<(), Failure> {
    let read = |topic: &str| embedded.read(topic, 0).context("read the outputs");
    let parse = |value: &Vec<u8>| serde_json::from_slice::<Value>(value).unwrap_or_default();
    let events = read(&topics.events)?;
    let alerts = read(&topics.alerts)?;
    let dead_letters = read(&topics.dead_letters)?;
    println!("\n{} events; the documented ones:", events.len());
    for event in events.iter().take(SEED.lines().count()).map(parse) {
        println!(
            "  {:<14} {:<16} {:<52} {}",
            word(&event, "/actor/user/uid"),
            word(&event, "/api/operation"),
            word(&event, "/resources/0/uid"),
            word(&event, "/status"),
        );
    }
    println!("\n{} alerts; the first ones:", alerts.len());
    for alert in alerts.iter().take(8).map(parse) {
        let severity = word(&alert, "/severity").to_uppercase();
        println!("  [{severity}] {}", word(&alert, "/message"));
    }
    println!(
        "\n{} dead letter(s), the original bytes:",
        dead_letters.len()
    );
    for letter in &dead_letters {
        println!("  {}", String::from_utf8_lossy(letter));
    }
    println!(
        "\nNext: `watchbell replay FILE` with events of your own, `watchbell --help` for the rest."
    );
    Ok(())
}

fn word(value: &Value, pointer: &str) -> String {
    let word = value.pointer(pointer).and_then(Value::as_str);
    word.unwrap_or("-").to_owned()
}
