use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use watchbell::observe::http::{self, Pages};
use watchbell::observe::{Health, Metrics};
use watchbell::pipeline;
use watchbell::rules::{CurrentRules, Known, Overrides, RuleSet};
use watchbell::sigma::Level;

use crate::command::{Run, run_in};

const RULE: &str = "\
title: Topic deleted
id: 1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35
date: 2026-11-21
status: test
level: high
logsource: {product: confluent}
detection: {deletion: {api.operation: kafka.DeleteTopics}, condition: deletion}
";

const ID: &str = "1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35";
const DEAD_LETTER: &str = "3f2b8c61-5d0e-4a7a-9c1f-8e6d27b4a053";
const LOST: &str = "c1d1f3a8-7e0b-4f43-9b62-2f8f5f0d9e17";

/// A configuration with one rule whose level it overrides, which also disables a built-in rule.
fn folder(listen: SocketAddr) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    let config = format!(
        "sources: {{a: {{bootstrap: 'audit.example:9092'}}}}\n\
         destination: {{bootstrap: 'own.example:9092'}}\n\
         rules: [rule.yaml]\n\
         overrides: {{disabled: [{LOST}], levels: {{{ID}: critical}}}}\n\
         http: {{listen: '{listen}'}}\n"
    );
    write("watchbell.yaml", &config);
    write("rule.yaml", RULE);
    folder
}

/// An address on which nothing listens.
fn closed() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// The pages of a daemon that has raised three alerts of the rule in two sources, and has no rule in force.
fn daemon(runtime: &tokio::runtime::Runtime) -> SocketAddr {
    let metrics = Metrics::new().expect("metrics");
    metrics.alert("a", ID, Level::High);
    metrics.alert("a", ID, Level::High);
    metrics.alert("b", ID, Level::Critical);
    let resolve = &pipeline::Path::parse;
    let rules = RuleSet::load(&[], &Known::default(), &Overrides::default(), resolve);
    let pages = Pages {
        health: Health::new(Vec::new()),
        metrics: Arc::new(metrics),
        rules: Arc::new(CurrentRules::new(rules.expect("no rules"))),
    };
    let listener = http::bind("127.0.0.1:0".parse().unwrap(), http::SERVED).expect("a free port");
    let address = listener.local_addr().expect("its address");
    let _inside = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    runtime.spawn(http::serve(listener, pages, std::future::pending()));
    address
}

fn row(run: &Run, id: &str) -> Value {
    let mut rows = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.find(|row| row["id"] == id)
        .unwrap_or_else(|| panic!("{}", run.stdout))
}

#[test]
fn rules_in_force_are_listed_with_the_level_and_version_in_force() {
    let folder = folder(closed());
    let run = run_in(folder.path(), &["rules"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let lines: Vec<&str> = run.stdout.lines().collect();
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words(lines[0]),
        ["ID", "LEVEL", "STATUS", "VERSION", "SOURCE", "TITLE"]
    );
    let first = words(lines[1]);
    assert_eq!(first[..3], [ID, "critical", "test"]);
    assert!(
        first[3].starts_with("2026-11-21.") && first[3].len() == 19,
        "{first:?}"
    );
    assert_eq!(first[4..], ["rule.yaml", "Topic", "deleted"]);
    let title = lines[0].find("TITLE").unwrap();
    assert_eq!(&lines[1][title..], "Topic deleted");
    assert_eq!(lines.len(), 2 + 8, "{}", run.stdout);
    let dead_letter = lines
        .iter()
        .find(|line| line.starts_with(DEAD_LETTER))
        .unwrap();
    assert_eq!(words(dead_letter)[1..5], ["medium", "-", "-", "built-in"]);
    assert!(!run.stdout.contains(LOST), "{}", run.stdout);
}

#[test]
fn a_rule_that_is_evaluated_on_every_event_is_marked() {
    let folder = folder(closed());
    let marked = || {
        let run = run_in(folder.path(), &["rules", "--json"]);
        row(&run, ID).get("on_every_event").cloned()
    };
    assert_eq!(marked(), None);
    let negated = RULE.replace("condition: deletion", "condition: not deletion");
    fs::write(folder.path().join("rule.yaml"), negated).expect("a file");
    assert_eq!(marked(), Some(json!(true)));
}

#[test]
fn a_daemon_that_cannot_be_reached_is_named_once_and_the_alerts_are_left_out() {
    let listen = closed();
    let folder = folder(listen);
    for arguments in [&["rules"][..], &["rules", "--json"]] {
        let run = run_in(folder.path(), arguments);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        let said = format!("the alerts of each rule are not shown: no daemon at http://{listen}: ");
        assert!(run.stderr.starts_with(&said), "{}", run.stderr);
        assert!(
            !run.stdout.to_lowercase().contains("hits"),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn the_alerts_that_each_rule_has_raised_are_those_of_the_daemons_metric() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listen = daemon(&runtime);
    let folder = folder(listen);
    let table = run_in(folder.path(), &["rules"]);
    assert_eq!(table.code, Some(0), "{}", table.stderr);
    let line = table.stdout.lines().nth(1).unwrap();
    assert!(
        line.contains(" critical  test       3  2026-11-21."),
        "{}",
        table.stdout
    );
    assert_eq!(
        table.stderr,
        "the daemon has other rules in force than the configuration names\n"
    );
    let elsewhere = self::folder(closed());
    let url = format!("http://{listen}/");
    let json = run_in(elsewhere.path(), &["rules", "--json", "--daemon", &url]);
    assert_eq!(json.code, Some(0), "{}", json.stderr);
    let rule = row(&json, ID);
    let version = rule["version"].clone();
    assert_eq!(
        rule,
        json!({"id": ID, "level": "critical", "status": "test", "version": version,
               "source": "rule.yaml", "title": "Topic deleted", "hits": 3})
    );
    let built_in = row(&json, DEAD_LETTER);
    assert_eq!(
        (&built_in["hits"], &built_in["version"]),
        (&json!(0), &Value::Null)
    );
}

#[test]
fn faults_of_the_configuration_and_of_rules_end_with_78() {
    let folder = folder(closed());
    fs::write(
        folder.path().join("rule.yaml"),
        RULE.replace("high", "hihg"),
    )
    .expect("a file");
    let run = run_in(folder.path(), &["rules"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(78), ""));
    assert!(
        run.stderr
            .contains("rule.yaml:5:8: error: `hihg` is no level"),
        "{}",
        run.stderr
    );
}
