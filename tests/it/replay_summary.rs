//! `replay --summary`: alerts by rule and day, the comparison with a baseline, and the limit for a day.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Run, run_in};

const DELETED: &str = "11111111-1111-4111-8111-111111111111";
const ANY: &str = "22222222-2222-4222-8222-222222222222";

fn rule(id: &str, title: &str, level: &str, operation: &str) -> String {
    format!(
        "title: {title}\nid: {id}\nlevel: {level}\nlogsource: {{product: confluent}}\n\
         detection: {{call: {{api.operation|startswith: {operation}}}, condition: call}}\n"
    )
}

fn event(method: &str, time: &str) -> String {
    let event = json!({
        "specversion": "1.0", "id": format!("{method}-{time}"), "source": "crn://confluent.cloud/",
        "type": "io.confluent.cloud/request", "time": time,
        "data": {
            "serviceName": "crn://confluent.cloud/", "methodName": method,
            "authenticationInfo": {"principal": {"confluentUser": {"resourceId": "u-1"}}},
            "result": {"status": "SUCCESS"},
        },
    });
    event.to_string()
}

/// A folder with five events, and with rules before and after a change.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let events = [
        event("DeleteKafkaCluster", "2026-11-21T00:30:00+02:00"),
        event("DeleteKafkaCluster", "2026-11-20T10:00:00Z"),
        event("CreateKafkaCluster", "2026-11-20T09:00:00Z"),
        event("DeleteEnvironment", "2026-11-22T10:00:00Z"),
        event("GetKafkaCluster", "2026-11-22T11:00:00Z"),
        "{\"specversion\":\"1.0\"".to_owned(),
    ];
    write("audit.ndjson", &events.join("\n"));
    write("old.yaml", &rule(DELETED, "Deleted", "medium", "Delete"));
    let narrowed = rule(DELETED, "Deleted", "high", "DeleteKafka");
    let added = rule(ANY, "Any cluster", "low", "CreateKafka");
    write("new.yaml", &format!("{narrowed}---\n{added}"));
    folder
}

fn summary(folder: &Path, arguments: &[&str]) -> Run {
    let head = ["replay", "audit.ndjson", "--summary"];
    run_in(folder, &[&head, arguments].concat())
}

fn parsed(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

#[test]
fn the_alerts_of_each_rule_are_listed_by_the_day_of_their_events_with_the_oldest_as_samples() {
    let folder = folder();
    let run = summary(folder.path(), &["--rules", "old.yaml"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let expected = [
        "4 alerts of 2 rules on 3 days, in 5 events and 1 dead letter",
        "",
        "medium    Deleted: 3 alerts  (11111111-1111-4111-8111-111111111111)",
        "  2026-11-20          2",
        "  2026-11-22          1",
    ];
    assert_eq!(run.stdout.lines().take(5).collect::<Vec<_>>(), expected);
    let samples: Vec<&str> = run.stdout.lines().filter(|l| l.contains("e.g.")).collect();
    let places = ["@1", "@0", "@3", "@5"];
    assert_eq!(samples.len(), places.len(), "{}", run.stdout);
    for (sample, place) in samples.iter().zip(places) {
        let at = format!("  audit.ndjson/0{place}");
        assert!(sample.ends_with(&at), "{sample}");
    }
    assert!(samples[1].starts_with("  e.g. 2026-11-20T22:30:00Z  u-1 "));
    // What standard error says of a replay, but for the rules.
    assert!(
        run.stderr.contains("4 alerts\n           1 dead letters\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_json_of_the_summary_has_the_same_and_is_the_same_in_every_run() {
    let folder = folder();
    let run = || summary(folder.path(), &["--rules", "old.yaml", "--json"]);
    let (first, second) = (run(), run());
    let mut value = parsed(&first);
    let rule = value["rules"][0].take();
    assert_eq!(rule["id"], DELETED);
    assert_eq!(rule["title"], "Deleted");
    assert_eq!(rule["level"], "medium");
    assert_eq!(rule["alerts"], 3);
    assert_eq!(rule["days"], json!({"2026-11-20": 2, "2026-11-22": 1}));
    assert_eq!(rule["samples"][0]["time"], "2026-11-20T10:00:00Z");
    assert_eq!(rule["samples"][0]["at"], "audit.ndjson/0@1");
    // A dead letter of a file has no time that would be the same tomorrow.
    assert_eq!(value["rules"][1]["days"], json!({"unknown": 1}));
    assert_eq!(value["events"], 5);
    assert_eq!(value["dead_letters"], json!({"not_json": 1}));
    let days = |run: &Run| parsed(run)["rules"][0].clone();
    assert_eq!(days(&second), rule);
}

#[test]
fn a_baseline_shows_new_gone_more_and_fewer_alerts() {
    let folder = folder();
    let before = summary(folder.path(), &["--rules", "old.yaml", "--json"]);
    fs::write(folder.path().join("before.json"), &before.stdout).unwrap();
    let run = summary(
        folder.path(),
        &["--rules", "new.yaml", "--baseline", "before.json"],
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let lines: Vec<&str> = run.stdout.lines().filter(|l| !l.contains("e.g.")).collect();
    let expected = [
        "Compared with before.json: 1 new, 0 gone, 0 with more alerts, 1 with fewer alerts, \
         0 with another level only, 1 the same",
        "",
        "new    low       Any cluster: 0 → 1 alert  (22222222-2222-4222-8222-222222222222)",
        "",
        "fewer  high      Deleted: 3 → 2 alerts, level medium before  \
         (11111111-1111-4111-8111-111111111111)",
    ];
    assert_eq!(lines, expected);
    let after = ["--rules", "new.yaml", "--json", "--baseline", "before.json"];
    let changes = parsed(&summary(folder.path(), &after))["comparison"].take();
    assert_eq!(changes["events_before"], 5);
    assert_eq!(changes["same"], 1);
    let expected = json!([
        {"change": "new", "id": ANY, "title": "Any cluster", "level": "low", "alerts": 1,
         "alerts_before": 0},
        {"change": "fewer", "id": DELETED, "title": "Deleted", "level": "high",
         "level_before": "medium", "alerts": 2, "alerts_before": 3},
    ]);
    assert_eq!(changes["changes"], expected);
    // The other way round, and on other events.
    let after = summary(folder.path(), &after);
    fs::write(folder.path().join("after.json"), &after.stdout).unwrap();
    fs::write(
        folder.path().join("audit.ndjson"),
        event("DeleteEnvironment", "2026-11-22T10:00:00Z"),
    )
    .unwrap();
    let back = summary(
        folder.path(),
        &["--rules", "old.yaml", "--baseline", "after.json"],
    );
    let said = "The events are not the same: 1 now, 5 in the baseline.";
    assert!(back.stdout.contains(said), "{}", back.stdout);
    let gone = "gone   low       Any cluster: 1 → 0 alerts";
    assert!(back.stdout.contains(gone), "{}", back.stdout);
}

#[test]
fn a_day_with_too_many_alerts_fails_the_command_and_is_named() {
    let folder = folder();
    let run = |most| {
        let limit = ["--rules", "old.yaml", "--max-alerts-per-day", most];
        summary(folder.path(), &limit)
    };
    assert_eq!(run("2").code, Some(0));
    let failed = run("1");
    assert_eq!(failed.code, Some(1));
    let said = "watchbell: more than 1 alert on a day: 2026-11-20 has 2\n";
    assert!(failed.stderr.ends_with(said), "{}", failed.stderr);
    assert!(failed.stdout.contains("Deleted: 3 alerts"));
}

#[test]
fn a_baseline_that_is_no_summary_is_refused_with_its_place_and_the_remedy() {
    let folder = folder();
    let remedy = "write the baseline with `watchbell replay --summary --json`";
    for (text, said) in [
        (
            "{\"summary_version\": 1,\n \"events\": true}",
            "b.json:2:15: no summary; ",
        ),
        ("", "b.json:1:1: no summary; "),
        (
            "{\"summary_version\": 9, \"events\": 0, \"dead_letters\": {}, \"rules\": []}",
            "b.json: version 9 of the summary; this program reads version 1",
        ),
    ] {
        fs::write(folder.path().join("b.json"), text).unwrap();
        let run = summary(folder.path(), &["--baseline", "b.json"]);
        assert_eq!((run.code, &*run.stdout), (Some(78), ""), "{text}");
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert!(run.stderr.contains(remedy), "{}", run.stderr);
    }
    let missing = summary(folder.path(), &["--baseline", "missing.json"]);
    assert_eq!(missing.code, Some(78));
    assert!(
        missing.stderr.contains("missing.json: "),
        "{}",
        missing.stderr
    );
}

#[test]
fn options_that_would_have_no_effect_are_refused() {
    let folder = folder();
    for arguments in [
        &["replay", "audit.ndjson", "--json"][..],
        &["replay", "audit.ndjson", "--baseline", "b.json"],
        &["replay", "audit.ndjson", "--max-alerts-per-day", "1"],
        &["replay", "audit.ndjson", "--summary", "--emit", "alerts"],
        &["replay", "audit.ndjson", "--from", "7d"],
        &["replay", "audit.ndjson", "--topic", "audit", "-c", "c.yaml"],
        &["replay", "--topic", "audit"],
        &["replay"],
    ] {
        let run = run_in(folder.path(), arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.stderr);
    }
}
