//! What the worker writes for records that cannot be processed, and when it counts.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::*;
use crate::alert::RECORDS_EXPIRED;
use crate::event::{Offset, Partition, Position, RawRecord};
use crate::kafka::Cluster;
use crate::kafka::session::Quarantine;
use crate::observe::{Health, Metrics, SourceState};
use crate::pipeline::{self, Catalog, Limits, Names, Settings, Topics};
use crate::rules::{CurrentRules, Known, Overrides, RuleSet};

fn pipeline() -> Pipeline {
    let topics = Topics {
        events: "events".into(),
        alerts: "alerts".into(),
        dead_letters: "dead".into(),
    };
    let settings = Settings {
        topics,
        limits: Limits::all(1_000_000),
    };
    let resolve = pipeline::Path::parse;
    let rules = RuleSet::load(&[], &Known::default(), &Overrides::default(), &resolve).unwrap();
    let names = Arc::new(ArcSwap::from_pointee(Names::default()));
    let catalog = Arc::new(Catalog::shipped().unwrap());
    Pipeline::new(settings, catalog, Arc::new(CurrentRules::new(rules)), names)
}

fn source<'a>(
    offset: i64,
    value: &'a [u8],
    quarantine: Option<&'a Quarantine>,
) -> SourceRecord<'a> {
    SourceRecord {
        logged_ms: None,
        history: false,
        record: RawRecord {
            position: Position {
                topic: "audit",
                partition: Partition(0),
                offset: Offset(offset),
            },
            timestamp_ms: Some(1_763_000_000_000),
            key: None,
            value: Some(value),
            headers: Vec::new(),
        },
        quarantine,
    }
}

fn session() -> SessionConfig {
    let cluster = Cluster::plaintext("localhost:1");
    SessionConfig::new(cluster.clone(), cluster, "confluent", "audit")
}

struct Watched {
    metrics: Arc<Metrics>,
    health: Health,
    observer: SourceObserver,
}

fn watched() -> Watched {
    let metrics = Arc::new(Metrics::new().unwrap());
    let state = Arc::new(SourceState::new("confluent"));
    Watched {
        health: Health::new(vec![state.clone()]),
        observer: SourceObserver::new(state, metrics.clone()),
        metrics,
    }
}

impl Watched {
    fn shows(&self, line: &str) -> bool {
        let text = self.metrics.render(&self.health).unwrap();
        let text = String::from_utf8(text).unwrap();
        text.lines().any(|shown| shown == line)
    }
}

#[test]
fn what_was_taken_back_is_not_counted_and_what_is_committed_is_counted_once() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline(), &session(), &watched.observer);
    let quarantine = Quarantine {
        reason: "output_too_large",
        detail: "events".into(),
        attempt: 1,
    };
    let batch = [
        source(0, b"x", Some(&quarantine)),
        source(1, b"y", Some(&quarantine)),
    ];
    let line = "watchbell_dead_letters_total{reason=\"output_too_large\",source=\"confluent\"} 2";
    let mut outputs = Outputs::default();
    worker.on_batch(&batch, &mut outputs).unwrap();
    worker.on_abort();
    assert!(!watched.shows(line));
    worker.on_batch(&batch, &mut outputs).unwrap();
    worker.on_batch(&batch, &mut outputs).unwrap();
    worker.on_commit();
    assert!(watched.shows(line));
    assert_eq!(outputs.len(), 6);
}

#[test]
fn a_gap_is_one_alert_under_its_built_in_rule_counted_once_it_is_committed() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline(), &session(), &watched.observer);
    let gap = Gap {
        partition: Partition(3),
        from: NextOffset(5),
        to: NextOffset(12_350),
    };
    let mut outputs = Outputs::default();
    worker.on_gap(&gap, &mut outputs);
    worker.on_abort();
    worker.on_gap(&gap, &mut outputs);
    let rule = RECORDS_EXPIRED.id;
    let line =
        format!("watchbell_alerts_total{{level=\"high\",rule=\"{rule}\",source=\"confluent\"}} 1");
    assert!(!watched.shows(&line));
    worker.on_commit();
    assert!(watched.shows(&line));
    let lost = BTreeMap::from([(Partition(0), NextOffset(5))]);
    worker.on_positions_lost(&lost, &mut outputs);
    assert_eq!(outputs.len(), 3);
}
