//! Vendor events through the whole pipeline: outputs are valid OCSF, and no leaf is lost.

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use watchbell::alert::{DEAD_LETTER, SENSITIVE_DEAD_LETTER};
use watchbell::catalog::Catalogs;
use watchbell::encode::{self, DroppedCount, DroppedTotals};
use watchbell::enrich::{LookupFile, LookupOutcome, Lookups};
use watchbell::event::{Offset, OutputBuffer, OutputRecord, Partition, Position, RawRecord};
use watchbell::pipeline::{self, Content, Outcome, OutputList, Pipeline, RaisedAlert};
use watchbell::rules::{CurrentRules, Overrides, RuleSet, RuleSource, pack_names};
use watchbell::sigma::Level;

use crate::vendors::lookups;

pub const NOW_MS: i64 = 1_800_000_000_000;
pub const SEED: &str = include_str!("../data/confluent/seed.ndjson");
pub const SHAPES: &str = include_str!("../data/confluent/shapes.ndjson");

pub fn pipeline_with(names: &str, max_message_bytes: usize) -> Pipeline {
    limited_pipeline(names, |_| max_message_bytes)
}

/// A pipeline with every shipped pack whose outputs accept records of so many bytes.
fn limited_pipeline(names: &str, max_bytes: impl Fn(Content) -> usize) -> Pipeline {
    let catalogs = Catalogs::shipped().unwrap();
    let packs = pack_names().map(|name| RuleSource::Pack(name.to_owned()));
    let sources: Vec<_> = packs.collect();
    let known = pipeline::known(&catalogs);
    let rules = RuleSet::load(
        &sources,
        &known,
        &Overrides::default(),
        &pipeline::Path::parse,
    )
    .unwrap();
    assert!(rules.warnings().is_empty(), "{:?}", rules.warnings());
    let lookups = match names {
        "" => Lookups::default(),
        names => lookups(names),
    };
    let outputs = OutputList::new(|content| match content {
        Content::DeadLetters => "dead",
        _ => content.name(),
    });
    Pipeline::new(
        outputs.limited(|output| max_bytes(output.content)),
        Arc::new(catalogs),
        Arc::new(CurrentRules::new(rules)),
        Arc::new(ArcSwap::from_pointee(lookups)),
    )
}

pub fn record(value: Option<&[u8]>) -> RawRecord<'_> {
    RawRecord {
        position: Position {
            topic: "audit",
            partition: Partition(3),
            offset: Offset(42),
            element: None,
        },
        timestamp_ms: Some(1_773_480_414_000),
        key: None,
        value,
        headers: Vec::new(),
    }
}

fn process(pipeline: &Pipeline, value: &[u8]) -> (Outcome, Vec<OutputRecord>) {
    let mut out = OutputBuffer::default();
    let outcome = pipeline
        .begin()
        .process(&record(Some(value)), NOW_MS, &mut out);
    (outcome, out.to_records())
}

fn json(output: &OutputRecord) -> Value {
    serde_json::from_slice(output.value.as_deref().unwrap()).unwrap()
}

fn leaves(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => map.values().for_each(|v| leaves(v, out)),
        Value::Array(list) if !list.is_empty() => list.iter().for_each(|v| leaves(v, out)),
        leaf => out.push(leaf.to_string()),
    }
}

#[test]
fn every_event_and_alert_is_valid_ocsf_and_no_leaf_is_lost() {
    let pipeline = pipeline_with("", 1_000_000);
    for line in SEED.lines().chain(SHAPES.lines()) {
        let (outcome, outputs) = process(&pipeline, line.as_bytes());
        assert!(matches!(outcome, Outcome::Event { .. }), "{line}");
        for output in &outputs {
            crate::ocsf::validate(&json(output));
        }
        let (mut before, mut after) = (Vec::new(), Vec::new());
        leaves(&serde_json::from_str(line).unwrap(), &mut before);
        leaves(&json(&outputs[0]), &mut after);
        for leaf in before {
            let at = after.iter().position(|kept| *kept == leaf);
            let at = at.unwrap_or_else(|| panic!("{leaf} of {line} is lost"));
            after.swap_remove(at);
        }
    }
}

#[test]
fn a_deleted_statement_alerts_by_its_name() {
    let pipeline = pipeline_with("u-devccq71mwp: {name: Jane Doe, team: data}", 1_000_000);
    let scratch = SEED
        .lines()
        .find(|l| l.contains("DeleteStatement"))
        .unwrap();
    let level = |text: &str| match process(&pipeline, text.as_bytes()).0 {
        Outcome::Event { alerts, .. } => alerts.iter().map(|a| format!("{:?}", a.level)).collect(),
        other => vec![format!("{other:?}")],
    };
    assert_eq!(level(scratch), ["Low"]);
    let named = scratch.replace("workspace-2023-09-19-024944", "orders");
    assert_eq!(level(&named), ["High"]);
    let (_, outputs) = process(&pipeline, named.as_bytes());
    let (event, alert) = (json(&outputs[0]), json(&outputs[1]));
    assert_eq!(event["actor"]["user"]["name"], "Jane Doe");
    assert_eq!(event["api"]["operation"], "DeleteStatement");
    assert_eq!(alert["class_uid"], 2004);
    assert!(alert["message"].as_str().unwrap().contains("Jane Doe"));
    let key = alert["metadata"]["correlation_uid"].as_str().unwrap();
    assert_eq!(outputs[1].key.as_deref(), Some(key.as_bytes()));
    let again = json(&process(&pipeline, named.as_bytes()).1[1]);
    assert_eq!(again["finding_info"]["uid"], alert["finding_info"]["uid"]);
}

/// What is known of an address is remembered from batch to batch, and forgotten when the databases change.
#[test]
fn a_place_is_known_until_the_databases_change() {
    let lookups = Arc::new(ArcSwap::from_pointee(lookups("{}")));
    let catalogs = Catalogs::shipped().unwrap();
    let rules = RuleSet::load(
        &[],
        &pipeline::known(&catalogs),
        &Overrides::default(),
        &pipeline::Path::parse,
    );
    let pipeline = Pipeline::new(
        OutputList::new(Content::name),
        Arc::new(catalogs),
        Arc::new(CurrentRules::new(rules.unwrap())),
        lookups.clone(),
    );
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "crn://confluent.cloud/", "type": "io.confluent.cloud/request",
        "data": {"methodName": "GetEnvironments", "requestMetadata": {"clientAddress": [{"ip": "134.238.1.1"}]}},
    });
    let event = event.to_string();
    let mut batch = pipeline.begin();
    let system = |batch: &pipeline::Batch| {
        let mut out = OutputBuffer::default();
        batch.process(&record(Some(event.as_bytes())), NOW_MS, &mut out);
        let written = json(&out.to_records()[0]);
        let counts = batch.take_lookup_counts();
        let hits = counts.of(LookupFile::Asn, LookupOutcome::Hit);
        (
            written["src_endpoint"]["autonomous_system"]["number"].as_i64(),
            hits,
        )
    };
    assert_eq!(system(&batch), (Some(64_496), 1));
    pipeline.begin_next(&mut batch);
    assert_eq!(system(&batch), (Some(64_496), 1), "remembered and counted");
    lookups.store(Arc::default());
    assert_eq!(
        system(&batch),
        (Some(64_496), 1),
        "the batch goes on as it began"
    );
    pipeline.begin_next(&mut batch);
    assert_eq!(system(&batch), (None, 0));
}

/// A dead letter that names nothing sensitive, and the alert that tells of it.
fn told(reason: &'static str) -> Outcome {
    let alerts = vec![RaisedAlert::new(DEAD_LETTER.id, Level::Medium)];
    Outcome::DeadLetter { reason, alerts }
}

#[test]
fn bad_input_becomes_one_dead_letter_with_the_original_bytes() {
    let pipeline = pipeline_with("", 1_000_000);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let cases: [(&[u8], &str); 7] = [
        (b"", "empty"),
        (b"{\"id\":", "not_json"),
        (b"\xff\xfe", "not_utf8"),
        (b"{\"id\":\"a\0b\"}", "not_json"),
        (b"[1]", "not_an_object"),
        (b"{\"x\":1}", "unrecognized"),
        (deep.as_bytes(), "too_deep"),
    ];
    for (value, reason) in cases {
        let (outcome, outputs) = process(&pipeline, value);
        assert_eq!(outcome, told(reason));
        assert_eq!(outputs.len(), 2);
        assert_eq!(outputs[0].value.as_deref(), Some(value));
        let header = ("watchbell-reason".into(), Some(reason.into()));
        assert!(outputs[0].headers.contains(&header));
        let alert = json(&outputs[1]);
        crate::ocsf::validate(&alert);
        assert_eq!(alert["evidences"][0]["data"]["reason"], reason);
    }
    let mut out = OutputBuffer::default();
    let outcome = pipeline.begin().process(&record(None), NOW_MS, &mut out);
    assert_eq!(outcome, told("tombstone"));
    assert_eq!(out.iter().next().unwrap().value, None);
}

#[test]
fn a_too_large_event_loses_its_raw_parts_and_then_becomes_a_cut_dead_letter() {
    let pipeline = pipeline_with("", 100_000);
    let line = SEED.lines().next().unwrap();
    let event = line.replace(
        "\"service_account\":null",
        &format!("\"x\":\"{}\"", "y".repeat(200_000)),
    );
    let (outcome, outputs) = process(&pipeline, event.as_bytes());
    assert!(matches!(outcome, Outcome::Event { .. }));
    let value = json(&outputs[0]);
    crate::ocsf::validate(&value);
    let labels = value["metadata"]["labels"].as_array().unwrap();
    assert!(labels.contains(&"raw:slimmed".into()));
    let (_, outputs) = process(&pipeline, "x".repeat(20_000_000).as_bytes());
    assert_eq!(outputs[0].value, None);
    let size = ("watchbell-cut-size".into(), Some(b"20000000".to_vec()));
    assert!(outputs[0].headers.contains(&size));
}

#[test]
fn an_alert_holds_its_event_where_that_fits() {
    let line = SEED
        .lines()
        .find(|l| l.contains("DeleteStatement"))
        .unwrap();
    let padded = line.replace(
        "\"datacontenttype\"",
        &format!("\"padding\":\"{}\",\"datacontenttype\"", "x".repeat(60_000)),
    );
    for (alerts, held) in [(1_000_000, true), (62_000, false)] {
        let (outcome, outputs) = process(&alerts_limited(alerts), padded.as_bytes());
        assert!(matches!(outcome, Outcome::Event { .. }), "{outcome:?}");
        let (event, alert) = (json(&outputs[0]), json(&outputs[1]));
        assert_eq!(event["unmapped"]["padding"], "x".repeat(60_000));
        let evidence = &alert["evidences"][0];
        assert_eq!(evidence["data"] == event, held);
        assert_eq!(evidence.get("data").is_some(), held);
        assert_eq!(evidence["api"]["operation"], "DeleteStatement");
        crate::ocsf::validate(&alert);
    }
}

fn alerts_limited(alerts: usize) -> Pipeline {
    limited_pipeline("", |content| match content {
        Content::Alerts => alerts,
        _ => 1_000_000,
    })
}

#[test]
fn an_event_that_is_too_large_is_a_dead_letter_and_alerts_all_the_same() {
    let line = SEED.lines().find(|line| line.contains("DeleteStatement"));
    let mut event: Value = serde_json::from_str(line.unwrap()).unwrap();
    let name = "n".repeat(40_000);
    event["data"]["cloudResources"][0]["resource"]["resourceId"] = name.as_str().into();
    let value = event.to_string();
    let pipeline = limited_pipeline("", |content| match content {
        Content::Events => 20_000,
        _ => 1_000_000,
    });
    let (outcome, outputs) = process(&pipeline, value.as_bytes());
    let Outcome::DeadLetter { reason, alerts } = outcome else {
        panic!("{outcome:?}");
    };
    let [letter, told, alert] = outputs.as_slice() else {
        panic!("{} outputs", outputs.len());
    };
    assert_eq!((reason, alerts.len()), ("too_large", 2));
    assert_eq!(*alerts[0].rule, *SENSITIVE_DEAD_LETTER.id);
    crate::ocsf::validate(&json(told));
    assert_eq!(letter.value.as_deref(), Some(value.as_bytes()));
    let alert = json(alert);
    crate::ocsf::validate(&alert);
    assert_eq!(
        alert["finding_info"]["analytic"]["uid"].as_str(),
        Some(&*alerts[1].rule)
    );
    assert!(alert.to_string().contains(&name));
}

#[test]
fn an_alert_is_shortened_where_even_without_its_event_it_does_not_fit() {
    let line = SEED
        .lines()
        .find(|line| line.contains("DeleteStatement"))
        .unwrap();
    let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
    let name = "n".repeat(40_000);
    event["data"]["cloudResources"][0]["resource"]["resourceId"] = name.as_str().into();
    let (outcome, outputs) = process(&alerts_limited(10_000), event.to_string().as_bytes());
    assert!(matches!(outcome, Outcome::Event { .. }), "{outcome:?}");
    assert!(json(&outputs[0]).to_string().contains(&name));
    let alert = json(&outputs[1]);
    crate::ocsf::validate(&alert);
    assert!(alert.to_string().len() < 10_000);
    assert_eq!(
        alert["metadata"]["labels"],
        serde_json::json!(["alert:shortened"])
    );
    assert_eq!(alert["evidences"][0]["api"]["operation"], "DeleteStatement");
    let whole = json(&process(&alerts_limited(1_000_000), event.to_string().as_bytes()).1[1]);
    for part in [
        "/finding_info/uid",
        "/metadata/correlation_uid",
        "/unmapped/rule_set",
    ] {
        assert_eq!(alert.pointer(part), whole.pointer(part), "{part}");
    }
}

#[test]
fn an_alert_is_never_left_out_however_small_the_limit_of_its_topic() {
    let mut event: Value = serde_json::from_str(SHAPES.lines().nth(10).unwrap()).unwrap();
    let long = "x".repeat(20_000);
    event["data"]["cloudResources"][0]["resource"]["resourceId"] = long.into();
    for limit in [1_000, 2_000, 2_500] {
        let (outcome, outputs) = process(&alerts_limited(limit), event.to_string().as_bytes());
        assert!(matches!(outcome, Outcome::Event { .. }), "{outcome:?}");
        let alert = json(&outputs[1]);
        crate::ocsf::validate(&alert);
        assert!(outputs[1].value.as_ref().unwrap().len() < 2_500);
        let labels = alert["metadata"]["labels"].as_array().unwrap();
        assert!(labels.iter().any(|label| label == "alert:minimal"));
        assert_eq!(alert["unmapped"]["position"], "audit[3]@42");
        assert!(alert["evidences"][0]["api"]["operation"].is_string());
    }
}

#[test]
fn a_small_limit_of_one_topic_does_not_apply_to_another() {
    let limited = |events, dead_letters| {
        limited_pipeline("", |content| match content {
            Content::Events => events,
            Content::DeadLetters | Content::Ledger => dead_letters,
            Content::Alerts => 1_000_000,
        })
    };
    let broken = "{".repeat(50_000);
    let whole = limited(3_000, 1_000_000);
    let (_, outputs) = process(&whole, broken.as_bytes());
    assert_eq!(outputs[0].value.as_deref(), Some(broken.as_bytes()));
    let small = limited(1_000_000, 2_000);
    let (_, outputs) = process(&small, broken.as_bytes());
    assert_eq!(outputs[0].value, None);
    // A small one stays whole although the topic takes no large ones.
    let (_, outputs) = process(&small, b"{");
    assert_eq!(outputs[0].value.as_deref(), Some(&b"{"[..]));
}

#[test]
fn what_was_dropped_in_a_day_is_an_ocsf_event() {
    let count = |reason, records, bytes| DroppedCount {
        reason,
        records,
        bytes,
    };
    let totals = DroppedTotals {
        start_ms: 1_764_288_000_000,
        end_ms: 1_764_374_399_999,
        counts: vec![count("noise_reads", 50, 20_000), count("route", 1, 300)],
    };
    let mut out = Vec::new();
    encode::dropped(&totals, "dropped/a/3/1", ("a", "audit", 3), &mut out);
    let event: Value = serde_json::from_slice(&out).expect("JSON");
    crate::ocsf::validate(&event);
    assert_eq!(event["count"], 51);
    assert_eq!(
        event["message"],
        "51 events of a, partition 3, were not written: 20300 bytes"
    );
    assert_eq!(
        event["unmapped"]["dropped"][0],
        json!({"reason": "noise_reads", "records": 50, "bytes": 20_000})
    );
}
