//! What becomes of a record that makes a stage panic or cannot be read, and who is told of it.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::thread;

use super::*;
use crate::alert::{DEAD_LETTER, REPLAYED, SENSITIVE_DEAD_LETTER, Source, SourceAlert};
use crate::event::{
    Digest, Header, NextOffset, Offset, OutputBuffer, OutputRecord, Partition, Position, RawRecord,
};
use crate::rules::{Overrides, RuleSet, RuleSource};
use crate::sigma::Level;

/// Records that hold several events.
mod lists;

/// Dead letters that are retried.
mod retry;

/// Where events are written.
mod routes;

static CATALOGS: LazyLock<Arc<Catalogs>> = LazyLock::new(|| Arc::new(Catalogs::shipped().unwrap()));

static KNOWN: LazyLock<Known> = LazyLock::new(|| known(&CATALOGS));

const NOW_MS: i64 = 1_800_000_000_000;

fn pipeline() -> Pipeline {
    let rules = RuleSet::load(&[], &Known::default(), &Overrides::default(), &Path::parse).unwrap();
    pipeline_with(rules)
}

fn pipeline_with(rules: RuleSet<Path>) -> Pipeline {
    let outputs = OutputList::new(|content| match content {
        Content::DeadLetters => "dead",
        _ => content.name(),
    });
    Pipeline::new(
        outputs,
        CATALOGS.clone(),
        Arc::new(CurrentRules::new(rules)),
        Arc::default(),
    )
}

fn record(value: &[u8]) -> RawRecord<'_> {
    RawRecord {
        position: Position {
            topic: "audit",
            partition: Partition(2),
            offset: Offset(7),
            element: None,
        },
        timestamp_ms: None,
        key: Some(b"key"),
        value: Some(value),
        headers: vec![Header {
            name: "its",
            value: Some(b"own"),
        }],
    }
}

fn header<'r>(record: &'r OutputRecord, name: &str) -> &'r str {
    let found = record.headers.iter().find(|(known, _)| known == name);
    let (_, value) = found.unwrap_or_else(|| panic!("no header {name}"));
    std::str::from_utf8(value.as_deref().unwrap()).unwrap()
}

#[test]
fn a_panic_leaves_one_dead_letter_with_the_original_and_nothing_of_its_text() {
    let batch = pipeline().begin();
    let earlier = OutputRecord {
        topic: "events".into(),
        key: None,
        value: None,
        headers: Vec::new(),
    };
    let mut out = OutputBuffer::default();
    out.push_record(&earlier);
    let record = record(b"the secret");
    let outcome = batch.guarded(&Forms::WHOLE, &record, NOW_MS, &mut out, |out| {
        out.push_record(&earlier);
        panic!("cannot slice `the secret`")
    });
    let alerts = vec![RaisedAlert::new(DEAD_LETTER.id, Level::Medium)];
    let reason = PANIC;
    assert_eq!(outcome, Outcome::DeadLetter { reason, alerts });
    let out = out.to_records();
    let [kept, letter, alert] = out.as_slice() else {
        panic!("{out:?}")
    };
    assert_eq!(*kept, earlier);
    assert_eq!(letter.value.as_deref(), Some(&b"the secret"[..]));
    assert_eq!(letter.key.as_deref(), Some(&b"key"[..]));
    assert_eq!(header(letter, "its"), "own");
    assert_eq!(header(letter, "watchbell-reason"), "panic");
    assert_eq!(header(letter, "watchbell-source-offset"), "7");
    for (name, value) in &letter.headers {
        let text = String::from_utf8_lossy(value.as_deref().unwrap_or_default());
        assert!(!text.contains("secret"), "{name}: {text}");
    }
    let alert = String::from_utf8_lossy(alert.value.as_deref().unwrap());
    assert!(!alert.contains("secret"), "{alert}");
}

#[test]
fn a_value_too_long_to_hold_is_known_by_size_and_digest() {
    let mut out = OutputBuffer::default();
    let digest = Digest::of(b"abc");
    pipeline()
        .begin()
        .refuse_unread(&record(b""), (TOO_LARGE, "why"), &digest, NOW_MS, &mut out);
    let out = out.to_records();
    let [letter, alert] = out.as_slice() else {
        panic!("{out:?}")
    };
    assert_eq!(letter.value, None);
    assert_eq!(header(letter, "watchbell-reason"), "too_large");
    assert_eq!(header(letter, "watchbell-detail"), "why");
    assert_eq!(header(letter, "watchbell-cut-size"), "3");
    // The vector "abc" of FIPS 180-2, appendix B.1.
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(header(letter, "watchbell-cut-sha256"), sha256);
    let why = &json(alert)["unmapped"]["why"][0];
    assert!(
        why.as_str()
            .unwrap()
            .ends_with("too long to be searched for names of methods")
    );
}

/// What `record` becomes, and the rules and levels that are counted.
fn refused(
    pipeline: &Pipeline,
    record: &RawRecord<'_>,
) -> (Vec<OutputRecord>, Vec<(String, Level)>) {
    let mut out = OutputBuffer::default();
    let Outcome::DeadLetter { alerts, .. } = pipeline.begin().process(record, NOW_MS, &mut out)
    else {
        panic!("no dead letter");
    };
    let alerts = alerts
        .into_iter()
        .map(|alert| (alert.rule.to_string(), alert.level));
    (out.to_records(), alerts.collect())
}

#[test]
fn a_dead_letter_is_told_of_and_one_that_names_a_highly_sensitive_method_is_critical() {
    let pipeline = pipeline().of_source("confluent");
    let (out, counted) = refused(&pipeline, &record(b"{\"methodName\": \"GetKafkaCluster\""));
    assert_eq!(counted, [(DEAD_LETTER.id.to_owned(), Level::Medium)]);
    let [letter, alert] = out.as_slice() else {
        panic!("{out:?}")
    };
    assert_eq!(letter.topic, "dead".into());
    assert_eq!(alert.topic, "alerts".into());
    let medium = json(alert);
    assert_eq!(medium["severity"], "Medium");
    let data = &medium["evidences"][0]["data"];
    assert_eq!(data["reason"], "not_json");
    assert_eq!(data["source"], "confluent");
    assert_eq!(data["methods"], serde_json::json!(["GetKafkaCluster"]));
    assert_eq!(data["show"], "watchbell show audit/2@7");

    let escaped = br#"{"methodName":"\u0044eleteKafkaCluster","a":1e}"#;
    let (out, counted) = refused(&pipeline, &record(escaped));
    assert_eq!(
        counted,
        [(SENSITIVE_DEAD_LETTER.id.to_owned(), Level::Critical)]
    );
    let critical = json(&out[1]);
    assert_eq!(critical["severity"], "Critical");
    // A critical one is an incident of its own.
    let group = |alert: &serde_json::Value| alert["metadata"]["correlation_uid"].clone();
    assert_ne!(group(&critical), group(&medium));

    let mut in_header = record(b"{");
    in_header.headers = vec![Header {
        name: "ce_subject",
        value: Some(b"DeleteEnvironment"),
    }];
    assert_eq!(refused(&pipeline, &in_header).1[0].1, Level::Critical);
    let mut tombstone = record(b"");
    tombstone.value = None;
    assert_eq!(refused(&pipeline, &tombstone).1[0].1, Level::Medium);
}

#[test]
fn the_alert_of_a_dead_letter_is_the_same_when_the_record_is_read_again_and_says_that_it_was_replayed()
 {
    let uid = |pipeline: &Pipeline| {
        let alert = json(&refused(pipeline, &record(b"{")).0[1]);
        let labels = alert["metadata"]["labels"].clone();
        (alert["metadata"]["uid"].clone(), labels)
    };
    let pipeline = pipeline();
    let (first, labels) = uid(&pipeline);
    assert_eq!(uid(&pipeline).0, first);
    assert_eq!(labels, serde_json::Value::Null);
    let (again, labels) = uid(&pipeline.replaying(false));
    assert_eq!(again, first);
    assert_eq!(labels, serde_json::json!([REPLAYED]));
}

#[test]
fn the_alert_of_a_dead_letter_is_made_to_fit_its_topic_and_is_a_part_of_its_own() {
    let limited = |alerts| {
        let mut pipeline = pipeline();
        let known = pipeline.outputs().clone();
        pipeline.set_outputs(known.limited(|output| match output.content {
            Content::Alerts => alerts,
            _ => output.max_bytes,
        }));
        pipeline
    };
    let bytes = limits::record_size;
    let (whole, _) = refused(&limited(10_000), &record(b"{"));
    let whole_bytes = bytes(&whole[1]);
    for limit in [whole_bytes - 100, 100] {
        let (reduced, counted) = refused(&limited(limit), &record(b"{"));
        assert!(bytes(&reduced[1]) <= (whole_bytes - 100));
        assert_eq!(counted.len(), 1);
        let uid = |alert| json(alert)["finding_info"]["uid"].clone();
        assert_eq!(uid(&reduced[1]), uid(&whole[1]));
    }
    // What the cluster refuses of it comes smaller.
    let mut out = OutputBuffer::default();
    pipeline().begin().process(&record(b"{"), NOW_MS, &mut out);
    let parts: Vec<u32> = out.iter().map(|output| output.part).collect();
    let mut forms = Forms::WHOLE;
    forms.findings.push((parts[1], FindingForm::Minimal));
    out.clear();
    pipeline()
        .begin()
        .process_as(&forms, &record(b"{"), NOW_MS, &mut out);
    let again: Vec<u32> = out.iter().map(|output| output.part).collect();
    assert_eq!(again, parts);
    let minimal = bytes(&out.to_records()[1]);
    assert!(minimal < whole_bytes, "{minimal} of {whole_bytes}");
}

#[test]
fn the_rules_about_dead_letters_are_disabled_and_set_by_their_ids() {
    let pipeline = |overrides: Overrides| {
        let rules = RuleSet::load(&[], &KNOWN, &overrides, &Path::parse).unwrap();
        assert!(rules.warnings().is_empty(), "{:?}", rules.warnings());
        pipeline_with(rules)
    };
    let low = pipeline(Overrides {
        levels: [(DEAD_LETTER.id.to_owned(), Level::Low)].into(),
        ..Overrides::default()
    });
    let (out, counted) = refused(&low, &record(b"{"));
    assert_eq!(counted[0].1, Level::Low);
    assert_eq!(json(&out[1])["severity"], "Low");
    let deletion = record(b"DeleteKafkaCluster");
    assert_eq!(refused(&low, &deletion).1[0].1, Level::Critical);
    let without = pipeline(Overrides {
        disabled: [DEAD_LETTER.id.to_owned()].into(),
        ..Overrides::default()
    });
    assert_eq!(refused(&without, &record(b"{")).0.len(), 1);
    assert_eq!(refused(&without, &deletion).0.len(), 2);
}

/// One rule that every event matches.
fn rule_for_everything(id: &str) -> RuleSet<Path> {
    let rule = format!(
        "title: T\nid: {id}\nstatus: stable\nlevel: high\nlogsource: {{product: confluent}}\n\
         detection: {{s: {{api.operation|exists: true}}, condition: s}}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rule.yaml");
    std::fs::write(&file, rule).unwrap();
    let sources = [RuleSource::Path(file)];
    RuleSet::load(&sources, &KNOWN, &Overrides::default(), &Path::parse).unwrap()
}

#[test]
fn a_batch_keeps_its_rules_and_names_whatever_another_thread_puts_in_force() {
    let ids = [
        "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000002",
    ];
    let known_as = |name: &str| {
        Lookups::from(Names::parse_yaml(&format!("u-1: {{name: {name}}}\n"), "names.yaml").unwrap())
    };
    let rules = Arc::new(CurrentRules::new(rule_for_everything(ids[0])));
    let names = Arc::new(ArcSwap::from_pointee(known_as("Ann")));
    let catalog = CATALOGS.clone();
    let outputs = pipeline().context.outputs;
    let pipeline = Pipeline::new(outputs, catalog, rules.clone(), names.clone());
    let first = pipeline.begin();
    let before = versions(&first);
    rules.replace(rule_for_everything(ids[1]));
    names.store(Arc::new(known_as("Bea")));
    // One that has begun goes on as it began; the next one sees what is in force now.
    assert_eq!(versions(&first), before);
    let after = versions(&pipeline.begin());
    assert_eq!((before.len(), after.len()), (2, 2), "{before:?} {after:?}");
    assert!(before.is_disjoint(&after), "{before:?} {after:?}");
    let mut next = first;
    pipeline.begin_next(&mut next);
    assert_eq!(
        versions(&next),
        after,
        "the same with the memory of the one before"
    );
    assert_eq!(
        next.take_counts()
            .iter()
            .map(|count| count.records)
            .sum::<u64>(),
        1
    );

    thread::scope(|scope| {
        let swaps = scope.spawn(|| {
            for number in 0..100 {
                rules.replace(rule_for_everything(ids[number % 2]));
                names.store(Arc::new(known_as(["Ann", "Bea"][number % 2])));
            }
        });
        while !swaps.is_finished() {
            pipeline.begin_next(&mut next);
            for batch in [&pipeline.begin(), &next] {
                let seen: BTreeSet<String> = (0..10).flat_map(|_| versions(batch)).collect();
                assert_eq!(seen.len(), 2, "{seen:?}");
            }
        }
    });
}

/// The rule-set hashes in the headers of all kinds of outputs of a batch, and the names of its actor.
fn versions(batch: &Batch) -> BTreeSet<String> {
    let event = br#"{"id":"1","source":"crn://x/","specversion":"1.0","type":"io.confluent.kafka.server/request",
        "data":{"serviceName":"crn://x/","methodName":"CreateTopic",
        "authenticationInfo":{"principal":"User:u-1"}}}"#;
    let source = Source {
        name: "confluent",
        topic: "audit",
    };
    let expired = SourceAlert::expired(
        source,
        Partition(0),
        (NextOffset(1), NextOffset(2)),
        Some(1),
    );
    let mut out = OutputBuffer::default();
    batch.process(&record(event), NOW_MS, &mut out);
    batch.process(&record(b"{"), NOW_MS, &mut out);
    out.push_record(&batch.source_alert(&expired, NOW_MS).unwrap().record);
    let out = out.to_records();
    let topics: Vec<&str> = out.iter().map(|output| &*output.topic).collect();
    assert_eq!(topics, ["events", "alerts", "dead", "alerts", "alerts"]);
    let mut versions: BTreeSet<String> = out
        .iter()
        .filter(|output| &*output.topic != "dead")
        .map(|output| header(output, "ce_watchbellruleset").to_owned())
        .collect();
    let name = &json(&out[0])["actor"]["user"]["name"];
    versions.insert(name.as_str().unwrap().to_owned());
    versions
}

fn json(record: &OutputRecord) -> serde_json::Value {
    serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()
}
