//! To which topics an event is written, in which shape, and what is counted.

use serde_json::{Value, json};

use super::*;
use crate::route::{self, Noise, NoisePolicy};
use crate::yaml;

const RULE: &str = "title: Topic deleted
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {product: confluent}
detection: {s: {api.operation: kafka.DeleteTopics}, condition: s}
";

/// A pipeline with a rule about deleted topics, the name of one account, and these routes.
pub(super) fn routed(routes: &str, noise: NoisePolicy) -> Pipeline {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rule.yaml");
    std::fs::write(&path, RULE).unwrap();
    let sources = [RuleSource::Path(path)];
    let rules = RuleSet::load(&sources, &KNOWN, &Overrides::default(), &Path::parse).unwrap();
    let (routes, problems) = route::read(&yaml::document(routes).unwrap());
    assert!(problems.is_empty(), "{problems:?}");
    let mut outputs = OutputList::new(Content::name)
        .with_events("routine", Purpose::Routine { is_required: false });
    for topic in ["team", "copies", "rest"] {
        outputs = outputs.with_events(topic, Purpose::Route);
    }
    let names = Names::parse_yaml("{u-known: {name: Ann}}", "names.yaml").unwrap();
    Pipeline::new(
        outputs,
        CATALOGS.clone(),
        Arc::new(CurrentRules::new(rules)),
        Arc::new(ArcSwap::from_pointee(names.into())),
    )
    .routed(Arc::new(routes), noise)
}

fn event(kind: &str, method: &str, actor: &str, status: &str) -> String {
    json!({
        "specversion": "1.0", "id": "1", "source": "crn://confluent.cloud/",
        "type": format!("io.confluent.{kind}"), "time": "2026-11-28T10:00:00Z",
        "data": {
            "serviceName": "crn://confluent.cloud/", "methodName": method,
            "authenticationInfo": {"principal": {"confluentUser": {"resourceId": actor}}},
            "request": {"data": {"name": "orders"}}, "own": 7,
            "result": {"status": status},
        },
    })
    .to_string()
}

pub(super) fn deletion() -> String {
    event(
        "kafka.server/request",
        "kafka.DeleteTopics",
        "u-1",
        "SUCCESS",
    )
}

fn reading() -> String {
    event("kafka.server/request", "GetKafkaClusters", "u-1", "SUCCESS")
}

/// The topics, keys and values that are written of an event, its outcome, and the counts by name.
struct Processed {
    outputs: Vec<(String, Option<String>, Value)>,
    outcome: Outcome,
    counts: Vec<(String, u64, u64)>,
    records: Vec<(u32, OutputRecord)>,
}

fn process_as(pipeline: &Pipeline, forms: &Forms, value: &str) -> Processed {
    let batch = pipeline.begin();
    let mut out = OutputBuffer::default();
    let outcome = batch.process_as(forms, &record(value.as_bytes()), NOW_MS, &mut out);
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
    let outputs = out.iter().map(|output| {
        let value = serde_json::from_slice(output.value.unwrap_or(b"null"));
        (
            output.topic.to_string(),
            text(output.key),
            value.unwrap_or_default(),
        )
    });
    let counts = pipeline.route_names().into_iter().zip(batch.take_counts());
    let counts = counts.filter(|(_, count)| count.records > 0);
    Processed {
        outputs: outputs.collect(),
        counts: counts
            .map(|(name, count)| (name.to_string(), count.records, count.bytes))
            .collect(),
        records: out.iter().map(|o| (o.part, o.to_record())).collect(),
        outcome,
    }
}

fn process(pipeline: &Pipeline, value: &str) -> Processed {
    process_as(pipeline, &Forms::WHOLE, value)
}

fn topics(processed: &Processed) -> Vec<&str> {
    processed
        .outputs
        .iter()
        .map(|(topic, ..)| &**topic)
        .collect()
}

#[test]
fn the_first_route_that_matches_decides_unless_it_continues() {
    let pipeline = routed(
        "[{name: a, when: {status: Failure}, to: rest},
          {name: b, when: {actor.user.uid: u-1}, to: copies, continue: true},
          {name: c, when: {api.operation|startswith: kafka.}, to: team},
          {name: d, when: {api.operation: kafka.DeleteTopics}, drop: true}]",
        NoisePolicy::Drop,
    );
    assert_eq!(
        topics(&process(&pipeline, &deletion())),
        ["copies", "team", "alerts"]
    );
    let failed = deletion().replace("SUCCESS", "FAILURE");
    assert_eq!(topics(&process(&pipeline, &failed)), ["rest", "alerts"]);
    let other = event(
        "kafka.server/request",
        "CreateEnvironment",
        "u-2",
        "SUCCESS",
    );
    let other = process(&pipeline, &other);
    assert_eq!(topics(&other), ["events"]);
    assert_eq!(other.counts[0].0, "default");
    // What a route has taken and left to the next ones may still be noise.
    let read = process(&pipeline, &reading());
    assert_eq!(topics(&read), ["copies"]);
    let names: Vec<&str> = read.counts.iter().map(|(name, ..)| &**name).collect();
    assert_eq!(names, ["b", "noise_reads"]);
}

#[test]
fn each_shape_has_what_it_says_and_the_key_of_its_route() {
    let pipeline = routed(
        "[{name: a, to: copies, shape: lean, key: api.operation, continue: true},
          {name: b, to: team, shape: {fields: [actor.user.uid, api.request.data, unmapped.data.own]},
           key: none, continue: true},
          {name: c, to: rest, shape: raw, key: cloud.region}]",
        NoisePolicy::Keep,
    );
    let processed = process(&pipeline, &deletion());
    let [
        (lean_topic, lean_key, lean),
        (_, fields_key, fields),
        (_, raw_key, _),
        _,
    ] = &*processed.outputs
    else {
        panic!("{:?}", topics(&processed));
    };
    assert_eq!(
        (&**lean_topic, lean_key.as_deref()),
        ("copies", Some("kafka.DeleteTopics"))
    );
    assert_eq!(lean["actor"]["user"]["uid"], "u-1");
    assert!(lean.get("unmapped").is_none() && lean["api"]["request"].get("data").is_none());
    assert_eq!(*fields_key, None);
    let expected = json!({
        "actor": {"user": {"uid": "u-1"}},
        "api": {"request": {"data": {"name": "orders"}}},
        "unmapped": {"data": {"own": 7}},
    });
    assert_eq!(*fields, expected);
    assert_eq!(*raw_key, None, "the event has no region");
    let (_, raw) = &processed.records[2];
    assert_eq!(raw.value.as_deref(), Some(deletion().as_bytes()));
    assert_eq!(header(raw, "its"), "own");
    assert_eq!(header(raw, "watchbell-source-topic"), "audit");
    assert_eq!(header(raw, "watchbell-source-offset"), "7");
    let (_, fields) = &processed.records[1];
    assert_eq!(header(fields, "ce_type"), "watchbell.fields.v1");
    // The evidence of the alert is the whole event, whatever its routes.
    let (_, _, alert) = &processed.outputs[3];
    let evidence = &alert["evidences"][0]["data"];
    assert_eq!(evidence["unmapped"]["data"]["own"], 7);
    let written: u64 = processed.records[..3]
        .iter()
        .map(|(_, record)| super::super::limits::record_size(record) as u64)
        .sum();
    assert_eq!(
        processed
            .counts
            .iter()
            .map(|(_, _, bytes)| bytes)
            .sum::<u64>(),
        written
    );
}

#[test]
fn noise_is_what_only_read_and_was_granted_and_raised_no_alert() {
    let kept = routed("[]", NoisePolicy::Keep);
    let routine = routed("[]", NoisePolicy::RoutineIfPresent);
    let dropped = routed("[]", NoisePolicy::Drop);
    let login = |actor| event("cloud/authentication", "SignIn", actor, "SUCCESS");
    let check = event(
        "kafka.server/authorization",
        "mds.Authorize",
        "u-1",
        "SUCCESS",
    );
    for (value, noise) in [
        (reading(), Some("noise_reads")),
        (check.clone(), Some("noise_authorizations")),
        (login("u-known"), Some("noise_logins")),
        (login("u-new"), None),
        (reading().replace("SUCCESS", "FAILURE"), None),
        (check.replace("SUCCESS", "FAILURE"), None),
        (login("u-known").replace("SUCCESS", "FAILURE"), None),
        (
            event(
                "kafka.server/request",
                "CreateEnvironment",
                "u-1",
                "SUCCESS",
            ),
            None,
        ),
        (
            event(
                "kafka.server/authorization",
                "kafka.CreateTopics",
                "u-1",
                "SUCCESS",
            ),
            None,
        ),
    ] {
        assert_eq!(topics(&process(&kept, &value)), ["events"], "{value}");
        let set_apart = process(&routine, &value);
        let topic = if noise.is_some() { "routine" } else { "events" };
        assert_eq!(topics(&set_apart), [topic], "{value}");
        assert_eq!(set_apart.counts[0].0, noise.unwrap_or("default"), "{value}");
        let gone = process(&dropped, &value);
        let Outcome::Event { dropped, .. } = gone.outcome else {
            panic!("{:?}", gone.outcome);
        };
        assert_eq!(gone.outputs.is_empty(), noise.is_some(), "{value}");
        assert_eq!(
            dropped.and_then(|dropped| dropped.noise).map(Noise::name),
            noise
        );
        if noise.is_some() {
            let bytes = value.len() as u64;
            assert_eq!(dropped.unwrap().bytes, bytes);
            assert_eq!((gone.counts[0].1, gone.counts[0].2), (1, bytes));
        }
    }
    let rules = RULE.replace("kafka.DeleteTopics", "GetKafkaClusters");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.yaml"), rules).unwrap();
    let sources = [RuleSource::Path(folder.path().to_owned())];
    let rules = RuleSet::load(&sources, &KNOWN, &Overrides::default(), &Path::parse).unwrap();
    let alerting = pipeline_with(rules).routed(Arc::default(), NoisePolicy::Drop);
    assert_eq!(
        topics(&process(&alerting, &reading())),
        ["events", "alerts"]
    );
}

#[test]
fn a_route_that_drops_takes_no_alert_away() {
    let pipeline = routed(
        "[{name: all, when: {class_uid: 6003}, drop: true}]",
        NoisePolicy::Keep,
    );
    let processed = process(&pipeline, &deletion());
    assert_eq!(topics(&processed), ["alerts"]);
    let Outcome::Event {
        dropped, alerts, ..
    } = processed.outcome
    else {
        panic!("{:?}", processed.outcome);
    };
    assert_eq!(dropped.map(|dropped| dropped.noise), Some(None));
    assert_eq!(alerts.len(), 1);
    assert_eq!(
        processed.counts,
        [("all".to_owned(), 1, deletion().len() as u64)]
    );
}

#[test]
fn an_output_that_is_refused_leaves_the_others_as_they_are() {
    let routes = "[{name: a, to: copies, continue: true}, {name: b, to: team, shape: raw}]";
    let pipeline = routed(routes, NoisePolicy::Keep);
    let whole = process(&pipeline, &deletion());
    assert_eq!(topics(&whole), ["copies", "team", "alerts"]);
    let part = whole.records[0].0;
    let mut forms = Forms::WHOLE;
    let detail = "no".to_owned();
    forms.events.push((
        part,
        EventForm::DeadLetter {
            reason: "refused",
            detail,
        },
    ));
    let refused = process_as(&pipeline, &forms, &deletion());
    let written = topics(&refused);
    assert_eq!(written, ["dead_letters", "alerts", "team", "alerts"]);
    assert_eq!(refused.records[2], whole.records[1]);
    assert_eq!(refused.records[3].0, whole.records[2].0);
    let Outcome::Several(outcomes) = refused.outcome else {
        panic!("{:?}", refused.outcome);
    };
    assert!(matches!(
        outcomes[0],
        Outcome::DeadLetter {
            reason: "refused",
            ..
        }
    ));
    assert!(matches!(&outcomes[1], Outcome::Event { alerts, .. } if alerts.len() == 1));

    let mut slim = Forms::WHOLE;
    slim.events.push((part, EventForm::Slimmed));
    let slimmed = process_as(&pipeline, &slim, &deletion());
    let (_, _, event) = &slimmed.outputs[0];
    assert!(event["unmapped"]["data"].is_null());
    assert!(
        event["metadata"]["labels"]
            .as_array()
            .unwrap()
            .contains(&json!("raw:slimmed"))
    );
    assert_eq!(slimmed.records[1], whole.records[1]);
}

#[test]
fn a_record_that_is_too_large_for_one_topic_is_a_dead_letter_of_that_output_alone() {
    let routes = "[{name: a, to: copies, shape: raw, continue: true}, {name: b, to: team}]";
    let mut pipeline = routed(routes, NoisePolicy::Keep);
    let limit = |output: &OutputTopic| match &*output.topic {
        "copies" => 100,
        _ => 1_000_000,
    };
    let outputs = pipeline.outputs().clone().limited(limit);
    pipeline.set_outputs(outputs);
    let processed = process(&pipeline, &deletion());
    assert_eq!(
        topics(&processed),
        ["dead_letters", "alerts", "team", "alerts"]
    );
    assert_eq!(
        header(&processed.records[0].1, "watchbell-reason"),
        TOO_LARGE
    );
    assert_eq!(
        header(&processed.records[0].1, "watchbell-detail"),
        "route a: larger than the 100 bytes that copies takes"
    );
}

#[test]
fn several_dead_letters_of_one_event_are_told_once() {
    let routes = "[{name: a, to: copies, continue: true}, {name: b, to: team, shape: raw}]";
    let mut pipeline = routed(routes, NoisePolicy::Keep);
    let limit = |output: &OutputTopic| match &*output.topic {
        "copies" | "team" => 100,
        _ => 1_000_000,
    };
    let outputs = pipeline.outputs().clone().limited(limit);
    pipeline.set_outputs(outputs);
    let processed = process(&pipeline, &deletion());
    let expected = ["dead_letters", "alerts", "dead_letters", "alerts"];
    assert_eq!(topics(&processed), expected);
    let Outcome::Several(outcomes) = processed.outcome else {
        panic!("{:?}", processed.outcome);
    };
    let alerts = outcomes.iter().map(|outcome| match outcome {
        Outcome::DeadLetter { alerts, .. } => alerts.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        alerts.sum::<usize>(),
        2,
        "one about the letters, one of the rule"
    );
}

#[test]
fn an_event_of_some_fields_is_slimmed_before_it_is_refused() {
    let routes =
        "[{name: a, to: copies, shape: {fields: [metadata.uid, api.operation, api.request.data]}}]";
    let mut pipeline = routed(routes, NoisePolicy::Keep);
    let outputs = pipeline.outputs().clone().limited(|_| 1_000);
    pipeline.set_outputs(outputs);
    let long = deletion().replace("orders", &"x".repeat(2_000));
    let processed = process(&pipeline, &long);
    let (topic, _, value) = &processed.outputs[0];
    assert_eq!(topic, "copies");
    let expected = json!({"api": {"operation": "kafka.DeleteTopics"}, "metadata": {"uid": "1"}});
    assert_eq!(*value, expected);
}

#[test]
fn a_raw_record_keeps_its_key_and_a_replayed_one_says_so() {
    let pipeline = routed("[{name: a, to: rest, shape: raw}]", NoisePolicy::Keep);
    let live = process(&pipeline, &reading());
    let (_, record) = &live.records[0];
    assert_eq!(record.key.as_deref(), Some(&b"key"[..]));
    let has_origin = |record: &OutputRecord| {
        let mut names = record.headers.iter();
        names.any(|(name, value)| name == "watchbell-origin" && value.as_deref() == Some(b"replay"))
    };
    assert!(!has_origin(record));
    let replayed = process(&pipeline.replaying(true), &reading());
    assert!(has_origin(&replayed.records[0].1));
}
