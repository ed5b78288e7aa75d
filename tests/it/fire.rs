//! `fire`: a test alert through real connections, from the command line to the sink.

use std::fs;

use tempfile::TempDir;
use watchbell::alert::SENSITIVE_DEAD_LETTER;

use crate::command::{Run, run_in};
use crate::stub::{Reply, Stub, ok};

/// A folder with a configuration of these sinks.
fn folder(sinks: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "sources: {{a: {{bootstrap: a:1}}}}\ndestination: {{bootstrap: b:1}}\n\
         rules: ['pack:confluent']\nnotify:\n{sinks}"
    );
    fs::write(folder.path().join("watchbell.yaml"), text).expect("a configuration");
    folder
}

fn fire(folder: &TempDir, arguments: &[&str]) -> Run {
    run_in(
        folder.path(),
        &[&["fire", "-c", "watchbell.yaml"], arguments].concat(),
    )
}

#[test]
fn a_test_alert_goes_to_all_sinks_or_the_one_given_and_is_marked_as_a_test() {
    let (one, other) = (Stub::start(|_| ok()), Stub::start(|_| ok()));
    let folder = folder(&format!(
        "  one: {{type: webhook, url: '{}/', min_level: critical}}\n  \
         other: {{type: alertmanager, urls: ['{}']}}\n",
        one.url(),
        other.url()
    ));
    let run = fire(&folder, &[]);
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(0), "one: accepted\nother: accepted\n"),
        "{}",
        run.stderr
    );
    let event = one.received().remove(0).json();
    assert_eq!(event["data"]["kind"], "test");
    assert_eq!(
        event["data"]["title"],
        "[TEST] [HIGH] Jane Doe deleted Flink statement orders-agg in prod"
    );
    let alert = other.received().remove(0).json();
    let summary = &alert[0]["annotations"]["summary"];
    assert!(summary.as_str().is_some_and(|s| s.starts_with("[TEST]")));

    let run = fire(&folder, &["--sink", "other"]);
    assert_eq!(run.stdout, "other: accepted\n");
    assert_eq!((one.received().len(), other.received().len()), (1, 2));
    let run = fire(&folder, &["--sink", "nobody"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("there are: one, other"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_test_of_a_rule_looks_like_its_alert_and_reaches_the_same_sinks() {
    let (all, critical) = (Stub::start(|_| ok()), Stub::start(|_| ok()));
    let folder = folder(&format!(
        "  all: {{type: webhook, url: '{}/'}}\n  \
         critical: {{type: webhook, url: '{}/', min_level: critical}}\n",
        all.url(),
        critical.url()
    ));
    let run = fire(&folder, &["--rule", "Flink statement deleted"]);
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (
            Some(0),
            "all: accepted\ncritical: skipped: excluded by this sink's filter\n"
        ),
        "{}",
        run.stderr
    );
    let alert = all.received().remove(0).json()["data"]["alert"].clone();
    assert_eq!(alert["rule"], "Flink statement deleted");
    let runbook = alert["runbook"].as_str().expect("a runbook");
    assert!(runbook.starts_with("Ask the actor"), "{runbook}");
    assert!(critical.received().is_empty());
    let run = fire(&folder, &["--rule", SENSITIVE_DEAD_LETTER.id]);
    assert_eq!(
        run.stdout, "all: accepted\ncritical: accepted\n",
        "{}",
        run.stderr
    );
    let alert = critical.received().remove(0).json()["data"]["alert"].clone();
    assert_eq!(alert["rule"], SENSITIVE_DEAD_LETTER.title);
    let run = fire(&folder, &["--rule", "no such rule"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("no rule in force"), "{}", run.stderr);
}

#[test]
fn the_answer_of_a_sink_is_printed_and_a_check_sends_no_alert() {
    let stub = Stub::start(|_| Reply::Status(400, "", "no such field".into()));
    let folder = folder(&format!(
        "  hook: {{type: webhook, url: '{}/hook'}}\n  gone: {{type: webhook, url: 'http://127.0.0.1:1/'}}\n",
        stub.url()
    ));
    let run = fire(&folder, &[]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout.starts_with("gone: not accepted: "),
        "{}",
        run.stdout
    );
    let refused = "hook: refused: status 400: no such field\n";
    assert!(run.stdout.ends_with(refused), "{}", run.stdout);

    let asked = stub.received().len();
    let run = fire(&folder, &["--check"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("gone: error: "), "{}", run.stdout);
    assert!(
        run.stdout.contains("hook: the host answers"),
        "{}",
        run.stdout
    );
    let probe = &stub.received()[asked..];
    assert!(probe.iter().all(|r| r.path == "/" && r.body.is_empty()));
}
