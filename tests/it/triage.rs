//! What people decide of alerts: the records are OCSF, and what is expected becomes a suppression that rule sets take.

use std::fs;

use serde_json::Value;
use watchbell::sigma::Level;
use watchbell::triage::{
    Alert, Board, Change, Deed, Incident, Mark, Triage, TriageState, gather, proposal,
};

use crate::command::run_in;
use crate::ocsf;

const RULE: &str = "\
title: Topic deleted
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {product: confluent}
detection: {deletion: {api.operation: kafka.DeleteTopics}, condition: deletion}
";

/// Texts that are written into YAML and read back: quotes, escapes, what is invisible, wildcards, and keys of YAML.
const HOSTILE: [&str; 6] = [
    "plain",
    "a \"b\" \\ 'c' # d: {e}, [f] - g",
    "line\nbreak\u{202e}\u{e0001}\u{0}\u{85}",
    "* ? \\* %env%",
    "\u{4e2d}\u{6587} & <b>",
    "- suppress:\n    rules: any",
];

fn incident() -> Incident {
    let alert = Alert {
        topic: "watchbell.alerts".into(),
        mark: Mark {
            offset: 7,
            written_ms: 1_790_000_000_000,
        },
        time_ms: 1_789_999_999_000,
        group: "0af1".into(),
        level: Some(Level::High),
        rule_id: "11111111-1111-4111-8111-111111111111".into(),
        rule: "Topic deleted".into(),
        title: "Topic deleted: jane deleted orders".into(),
    };
    let mut incidents = gather([alert], &Board::default());
    incidents.remove(0)
}

fn triage(state: TriageState, assignee: &str, comment: &str, before: Option<&Triage>) -> Triage {
    let incident = incident();
    let change = Change {
        at_ms: 1_790_000_100_000,
        who: "jane \"the\" admin".into(),
        state,
        assignee: assignee.into(),
        comment: comment.into(),
    };
    Triage::new(incident.seen, change, before)
}

#[test]
fn records_of_every_state_are_ocsf() {
    let mut before = None;
    for state in TriageState::ALL {
        for (assignee, comment) in [("", ""), ("jane", HOSTILE[2])] {
            let triage = triage(state, assignee, comment, before.as_ref());
            let record: Value = serde_json::from_slice(&triage.to_json()).expect("JSON");
            ocsf::validate(&record);
            before = Some(triage);
        }
    }
}

#[test]
fn what_is_expected_becomes_a_suppression_that_validate_takes_whatever_the_values_are() {
    for hostile in HOSTILE {
        let triage = triage(TriageState::Expected, "", hostile, None);
        for values in [
            Vec::new(),
            vec![
                ("actor.user.uid", hostile.to_owned()),
                ("api.operation", "kafka.DeleteTopics".into()),
            ],
            vec![("resources.name", hostile.to_owned())],
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let yaml = proposal(&triage, &Deed { values }, "2999-12-31");
            assert!(
                yaml.lines().all(|line| !line.contains(char::is_control)),
                "{yaml}"
            );
            let rules = format!("{RULE}---\n{yaml}");
            fs::write(folder.path().join("rules.yaml"), rules).expect("a file");
            let config = "sources: {a: {bootstrap: 'a.example:9092'}}\n\
                          destination: {bootstrap: 'b.example:9092'}\nrules: [rules.yaml]\n";
            fs::write(folder.path().join("watchbell.yaml"), config).expect("a file");
            let run = run_in(folder.path(), &["validate"]);
            assert_eq!(run.code, Some(0), "{}\n{yaml}", run.stderr);
            assert!(
                run.stderr.contains("1 rules in force, 0 warnings"),
                "{}\n{yaml}",
                run.stderr
            );
            let listed = run_in(folder.path(), &["rules", "--json"]);
            let last: Value =
                serde_json::from_str(listed.stdout.lines().last().expect("a line")).expect("JSON");
            assert_eq!(last["expires"], "3000-01-01T00:00:00Z");
            assert_eq!(last["owner"], "jane \"the\" admin");
            assert_eq!(last["reason"], *hostile.trim(), "{yaml}");
        }
    }
}

/// A deletion by somebody, and its resource.
fn deletion(who: &str, resource: &str) -> String {
    let event = serde_json::json!({
        "specversion": "1.0", "id": format!("{who}-{resource}"), "source": "crn://confluent.cloud/",
        "type": "io.confluent.kafka.server/request", "time": "2026-11-30T10:00:00Z",
        "data": {
            "serviceName": "crn://confluent.cloud/kafka=lkc-1", "methodName": "kafka.DeleteTopics",
            "resourceName": "crn://confluent.cloud/kafka=lkc-1/topic=x",
            "authenticationInfo": {"principal": format!("User:{who}")},
            "cloudResources": [{"scope": {}, "resource": {"type": "TOPIC", "resourceId": resource}}],
            "result": {"status": "SUCCESS"},
        },
    });
    event.to_string()
}

#[test]
fn the_proposal_suppresses_what_was_expected_and_nothing_that_is_only_alike() {
    let triage = triage(TriageState::Expected, "", "every night", None);
    let values = vec![
        ("actor.user.uid", "u*1".to_owned()),
        ("api.operation", "kafka.DeleteTopics".to_owned()),
        ("resources.uid", "or\\ders?".to_owned()),
    ];
    let yaml = proposal(&triage, &Deed { values }, "2999-12-31");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("rules.yaml"),
        format!("{RULE}---\n{yaml}"),
    )
    .expect("a file");
    let events = [
        deletion("u*1", "or\\ders?"),
        deletion("u-1", "or\\ders?"),
        deletion("u*1", "or\\dersx"),
    ];
    fs::write(folder.path().join("audit.ndjson"), events.join("\n")).expect("a file");
    let arguments = [
        "replay",
        "audit.ndjson",
        "--rules",
        "rules.yaml",
        "--summary",
    ];
    let run = run_in(folder.path(), &arguments);
    assert_eq!(run.code, Some(0), "{run:?}");
    let heading = "Topic deleted: 2 alerts, 1 more suppressed  (";
    assert!(run.stdout.contains(heading), "{}\n{yaml}", run.stdout);
}
