//! What the worker writes for records and outputs that are refused, and when it counts.

mod ledger;

use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::alert::{DEAD_LETTER, RECORDS_EXPIRED, RECORDS_UNREADABLE};
use crate::event::{Offset, OutputRecord, Partition, Position, RawRecord};
use crate::notice::Notice;
use crate::observe::{Health, Metrics, SourceState, exposition};
use crate::pipeline::{self, Catalogs, Content, Lookups, OutputList};
use crate::rules::{CurrentRules, Known, Overrides, RuleSet};

fn pipeline() -> Pipeline {
    static SHIPPED: LazyLock<Pipeline> = LazyLock::new(shipped);
    SHIPPED.clone()
}

fn shipped() -> Pipeline {
    let packs = ["pack:confluent".parse().unwrap()];
    let known = pipeline::known(&Catalogs::shipped().unwrap());
    let resolve = pipeline::Path::parse;
    let rules = RuleSet::load(&packs, &known, &Overrides::default(), &resolve).unwrap();
    pipeline_with(Arc::new(CurrentRules::new(rules)))
}

fn pipeline_with(rules: Arc<CurrentRules<pipeline::Path>>) -> Pipeline {
    let outputs = OutputList::new(|content| match content {
        Content::DeadLetters => "dead",
        _ => content.name(),
    });
    let catalog = Arc::new(Catalogs::shipped().unwrap());
    let lookups = Arc::new(ArcSwap::from_pointee(Lookups::default()));
    Pipeline::new(outputs.limited(|_| 1_000_000), catalog, rules, lookups)
}

fn source<'a>(offset: i64, value: &'a [u8], refusals: Option<&'a Refusals>) -> SourceRecord<'a> {
    SourceRecord {
        logged_ms: None,
        history: false,
        record: RawRecord {
            position: Position {
                topic: "audit",
                partition: Partition(0),
                offset: Offset(offset),
                element: None,
            },
            timestamp_ms: Some(1_763_000_000_000),
            key: None,
            value: Some(value),
            headers: Vec::new(),
        },
        refusals,
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
        let text = exposition(&self.metrics, &self.health).unwrap();
        let text = String::from_utf8(text).unwrap();
        text.lines().any(|shown| shown == line)
    }
}

#[test]
fn aborted_batches_are_not_counted_and_committed_ones_are_counted_once() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline(), &session(), &watched.observer);
    let batch = [source(0, b"x", None), source(1, b"y", None)];
    let line = "watchbell_dead_letters_total{reason=\"not_json\",source=\"confluent\"} 2";
    let mut outputs = Outputs::default();
    worker.on_batch(&mut batch.iter(), &mut outputs).unwrap();
    worker.on_abort();
    assert!(!watched.shows(line));
    worker.on_batch(&mut batch.iter(), &mut outputs).unwrap();
    worker.on_batch(&mut batch.iter(), &mut outputs).unwrap();
    worker.on_commit();
    assert!(watched.shows(line));
    let rule = DEAD_LETTER.id;
    let alerts = format!(
        "watchbell_alerts_total{{level=\"medium\",rule=\"{rule}\",source=\"confluent\"}} 2"
    );
    assert!(watched.shows(&alerts));
    // For each record its dead letter, and the alert about it.
    assert_eq!(outputs.len(), 12);
}

#[test]
fn new_rules_apply_from_the_next_transaction_on() {
    let watched = watched();
    let none = |overrides: &Overrides| {
        let known = Known::default();
        RuleSet::load(&[], &known, overrides, &pipeline::Path::parse).unwrap()
    };
    let rules = Arc::new(CurrentRules::new(none(&Overrides::default())));
    let mut worker = Ingest::new(pipeline_with(rules.clone()), &session(), &watched.observer);
    let mut dead_letters_and_alerts = |begins: bool| {
        let mut outputs = Outputs::default();
        if begins {
            worker.on_begin();
        }
        worker
            .on_batch(&mut [source(0, b"x", None)].iter(), &mut outputs)
            .unwrap();
        outputs.len()
    };
    assert_eq!(dead_letters_and_alerts(true), 2);
    rules.replace(none(&Overrides {
        disabled: [DEAD_LETTER.id.to_owned()].into(),
        ..Overrides::default()
    }));
    assert_eq!(dead_letters_and_alerts(false), 2);
    assert_eq!(dead_letters_and_alerts(true), 1);
}

#[test]
fn a_gap_raises_one_alert_of_its_built_in_rule_which_is_counted_when_it_is_committed() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline(), &session(), &watched.observer);
    let gap = Gap {
        partition: Partition(3),
        from: NextOffset(5),
        to: NextOffset(12_350),
        records: Some(12_345),
    };
    let mut outputs = Outputs::default();
    worker.on_gap(&gap, Kept::default(), &mut outputs);
    worker.on_abort();
    worker.on_gap(&gap, Kept::default(), &mut outputs);
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

/// The documented event that raises the most alerts.
fn alerting() -> &'static str {
    static SEED: &str = include_str!("../../../tests/data/confluent/seed.ndjson");
    static ALERTING: LazyLock<&str> = LazyLock::new(|| {
        let alerts = |line: &&str| {
            let mut out = OutputBuffer::default();
            pipeline()
                .begin()
                .process(&source(0, line.as_bytes(), None).record, 0, &mut out);
            out.len()
        };
        SEED.lines().max_by_key(alerts).unwrap()
    });
    &ALERTING
}

/// The outputs of a record after these of them were refused.
fn written(value: &[u8], refusals: &Refusals) -> Vec<(u32, OutputRecord)> {
    let watched = watched();
    let mut worker = Ingest::new(pipeline(), &session(), &watched.observer);
    let mut out = OutputBuffer::default();
    let source = source(42, value, Some(refusals));
    worker.process_record(
        &source,
        1_800_000_000_000,
        &mut out,
        &mut BatchCounts::default(),
    );
    out.iter().map(|o| (o.part, o.to_record())).collect()
}

fn bytes(record: &OutputRecord) -> usize {
    let header = |(name, value): &(_, Option<Vec<u8>>)| {
        let name: &std::borrow::Cow<'_, str> = name;
        name.len() + value.as_ref().map_or(0, Vec::len)
    };
    let headers: usize = record.headers.iter().map(header).sum();
    headers + record.value.as_ref().map_or(0, Vec::len)
}

fn notices(outputs: &[(u32, OutputRecord)]) -> Vec<Notice> {
    let alerts = outputs.iter().filter(|(_, o)| o.topic.as_ref() == "alerts");
    let position = source(42, b"", None).record.position;
    alerts
        .map(|(_, o)| Notice::read(o.value.as_deref().unwrap(), position).unwrap())
        .collect()
}

fn refused(times: &[(u32, &str, Cause)]) -> Refusals {
    let mut refusals = Refusals::default();
    for (part, topic, cause) in times {
        refusals.note(*part, topic, *cause, "the broker says no");
    }
    refusals
}

#[test]
fn a_refused_event_is_slimmed_then_becomes_a_dead_letter_and_its_alerts_stay() {
    let value = alerting().as_bytes();
    let whole = written(value, &Refusals::default());
    let alerts = notices(&whole);
    assert!(!alerts.is_empty());
    let once = [(0, "events", Cause::Size)];
    let slimmed = written(value, &refused(&once));
    assert_eq!(slimmed[0].1.topic.as_ref(), "events");
    assert!(bytes(&slimmed[0].1) < bytes(&whole[0].1));
    assert_eq!(notices(&slimmed).len(), alerts.len());
    let content = [(0, "events", Cause::Content)];
    let twice = [once[0], once[0]];
    for (refusals, reason) in [
        (&content[..], "output_invalid"),
        (&twice[..], "output_too_large"),
    ] {
        let replaced = written(value, &refused(refusals));
        let letter = &replaced[0].1;
        assert_eq!(letter.topic.as_ref(), "dead");
        assert_eq!(letter.value.as_deref(), Some(value), "not cut");
        let said = letter.headers.iter().find(|(n, _)| n == "watchbell-reason");
        assert_eq!(said.unwrap().1.as_deref(), Some(reason.as_bytes()));
        let alert: Value = serde_json::from_slice(replaced[1].1.value.as_deref().unwrap()).unwrap();
        assert_eq!(alert["evidences"][0]["data"]["reason"], reason);
        assert_eq!(replaced[2..], whole[1..], "the alerts stay as they are");
    }
}

#[test]
fn a_refused_alert_is_replaced_alone_and_still_says_who_did_what() {
    let value = alerting().as_bytes();
    let whole = written(value, &Refusals::default());
    let once = (1, "alerts", Cause::Size);
    let content = (1, "alerts", Cause::Content);
    for refusals in [&[once][..], &[once, once], &[content]] {
        let replaced = written(value, &refused(refusals));
        assert_eq!(replaced[0], whole[0]);
        assert_eq!(replaced[2..], whole[2..]);
        assert!(bytes(&replaced[1].1) < bytes(&whole[1].1));
        let (before, after) = (&notices(&whole)[0], &notices(&replaced)[0]);
        assert_eq!(after.uid, before.uid);
        assert_eq!(after.rule_id, before.rule_id);
        assert_eq!(after.level, before.level);
        assert_eq!(after.operation, before.operation);
        assert_eq!(after.who.uid, before.who.uid);
    }
    let least = written(value, &refused(&[once, once]));
    let least: Value = serde_json::from_slice(least[1].1.value.as_deref().unwrap()).unwrap();
    assert_eq!(least["unmapped"]["position"], "audit[0]@42");
}

#[test]
fn a_refused_dead_letter_is_cut_for_its_size_and_never_for_its_content() {
    let value = b"no JSON, but worth to be kept";
    let letter = |refusals: &[_]| written(value, &refused(refusals)).remove(0).1;
    let size = (0, "dead", Cause::Size);
    let whole = letter(&[]);
    assert_eq!(whole.value.as_deref(), Some(&value[..]));
    assert_eq!(letter(&[(0, "dead", Cause::Content)]), whole);
    let cut = letter(&[size]);
    assert_eq!(cut.value, None);
    assert!(cut.headers.iter().any(|(n, _)| n == "watchbell-cut-sha256"));
    assert!(bytes(&letter(&[size, size])) <= bytes(&cut));
}

proptest! {
    /// A broker that refuses outputs at random: the refusals end, and after each of them the record is
    /// an event or a dead letter, and no alert is missing.
    #[test]
    fn every_chain_of_refusals_ends_and_no_alert_is_lost(
        verdicts in proptest::collection::vec(proptest::collection::vec(0_u8..4, 8), 64),
    ) {
        let value = alerting().as_bytes();
        let alerts = notices(&written(value, &Refusals::default())).len();
        let mut refusals = Refusals::default();
        let mut rounds = 0;
        for verdict in verdicts {
            let outputs = written(value, &refusals);
            let at = |topic: &str| outputs.iter().filter(|(_, o)| o.topic.as_ref() == topic).count();
            prop_assert_eq!(at("events") + at("dead"), 1);
            // A dead letter raises one alert more.
            prop_assert_eq!(notices(&outputs).len(), alerts + at("dead"));
            let mut refused = Vec::new();
            for (output, (part, record)) in outputs.iter().enumerate() {
                let cause = match verdict[output % 8] {
                    0 | 1 => Cause::Size,
                    2 => Cause::Content,
                    _ => continue,
                };
                refused.push((*part, record.topic.clone(), cause));
            }
            if refused.is_empty() {
                return Ok(());
            }
            rounds += 1;
            for (part, topic, cause) in refused {
                if refusals.note(part, &topic, cause, "no").is_hopeless() {
                    return Ok(());
                }
            }
        }
        // The event, its dead letter, the dead letter's alert and every other alert are each replaced at
        // most twice.
        prop_assert!(rounds <= 2 * (3 + alerts), "{} rounds", rounds);
    }
}

fn topic(name: &str, settings: &[(&str, &str)]) -> FoundTopic {
    FoundTopic {
        name: name.into(),
        partitions: 1,
        settings: settings
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
    }
}

#[test]
fn limits_are_read_again_after_a_refusal_and_the_next_transaction_fits_them() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline(), &session(), &watched.observer);
    let refused = [("events", Cause::Size)];
    let write = |worker: &mut Ingest<'_>| {
        let mut out = OutputBuffer::default();
        worker.on_begin();
        let source = source(7, alerting().as_bytes(), None);
        worker.process_record(&source, 0, &mut out, &mut BatchCounts::default());
        out.to_records()
    };
    let whole = write(&mut worker);
    worker.describe = |_, _| Ok(vec![topic("events", &[("max.message.bytes", "2500")])]);
    let fit = Advice::Fit { batch_bytes: 2_500 };
    assert_eq!(worker.on_refused(&refused), fit);
    assert!(bytes(&write(&mut worker)[0]) < bytes(&whole[0]));
    // The limits have not changed, so the record is at fault.
    assert_eq!(worker.on_refused(&refused), Advice::Replace);
    worker.describe = |_, _| Ok(vec![topic("events", &[("max.message.bytes", "1000000")])]);
    assert!(matches!(worker.on_refused(&refused), Advice::Fit { .. }));
    assert_eq!(write(&mut worker), whole);
}

#[test]
fn a_topic_setting_that_refuses_records_is_reported_instead_of_the_record() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline(), &session(), &watched.observer);
    worker.describe = |_, _| Ok(vec![topic("events", &[("cleanup.policy", "compact")])]);
    let advice = worker.on_refused(&[("events", Cause::Content)]);
    let Advice::Repair { remedy, .. } = advice else {
        panic!("{advice:?}");
    };
    assert!(remedy.contains("events") && remedy.contains("cleanup.policy=compact"));
    assert_eq!(
        worker.on_refused(&[("events", Cause::Size)]),
        Advice::Replace
    );
    assert_eq!(
        worker.on_refused(&[("alerts", Cause::Content)]),
        Advice::Replace
    );
}

#[test]
fn unreadable_records_raise_one_critical_alert() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline(), &session(), &watched.observer);
    let unreadable = Unreadable {
        partition: Partition(3),
        offset: Offset(41),
        next: Some(NextOffset(48)),
        detail: "BadMessage".into(),
    };
    let mut outputs = Outputs::default();
    worker.on_unreadable(&unreadable, &mut outputs);
    worker.on_commit();
    assert_eq!(outputs.len(), 1);
    let rule = RECORDS_UNREADABLE.id;
    let line = format!(
        "watchbell_alerts_total{{level=\"critical\",rule=\"{rule}\",source=\"confluent\"}} 1"
    );
    assert!(watched.shows(&line));
}

#[test]
fn a_value_that_was_inferred_is_counted() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline(), &session(), &watched.observer);
    let event = br#"{"type":"io.confluent.cloud/request","data":{"methodName":"RotateX",
        "request":{"accessType":"DELETION"},"result":{"status":"QUOTA_DENIED"}}}"#;
    let mut outputs = Outputs::default();
    let batch = [source(0, event, None)];
    worker.on_batch(&mut batch.iter(), &mut outputs).unwrap();
    worker.on_commit();
    for of in ["status", "access"] {
        let line = format!("watchbell_inferred_total{{of=\"{of}\",source=\"confluent\"}} 1");
        assert!(watched.shows(&line), "{of}");
    }
}
