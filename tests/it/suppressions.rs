//! Suppressions from the rule file to the alert, and what the commands say of them.

use std::fs;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use tempfile::TempDir;
use watchbell::catalog::Catalogs;
use watchbell::enrich::Lookups;
use watchbell::event::OutputBuffer;
use watchbell::event::{Offset, Partition, Position};
use watchbell::notice::Notice;
use watchbell::pipeline::{self, Content, Outcome, OutputList, Pipeline};
use watchbell::rules::{CurrentRules, Overrides, RuleSet, RuleSource};

use crate::command::{Run, run_in};
use crate::pipeline::record;

const RULE: &str = "\
title: Topic deleted
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {product: confluent}
detection: {deletion: {api.operation: kafka.DeleteTopics}, condition: deletion}
";

/// 2026-12-01T00:00:00Z.
const NOW_MS: i64 = 1_796_083_200_000;

fn suppression(expires: &str) -> String {
    format!(
        "title: Nightly rebuild of staging\n\
         id: 22222222-2222-4222-8222-222222222222\n\
         suppress:\n\
         \x20 rules: [11111111-1111-4111-8111-111111111111]\n\
         \x20 owner: platform team\n\
         \x20 reason: staging is rebuilt every night\n\
         \x20 expires: {expires}\n\
         \x20 detection: {{staging: {{api.request.data.stage|startswith: staging-}}, condition: staging}}\n"
    )
}

/// A folder with the rule, a suppression until this day, and the deletions of a topic in staging and in another stage.
fn folder(expires: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "rules.yaml",
        &format!("{RULE}---\n{}", suppression(expires)),
    );
    let events = [deletion("\"staging-orders\""), deletion("\"orders\"")];
    write("audit.ndjson", &events.join("\n"));
    folder
}

/// A deletion whose request has this stage, JSON.
fn deletion(stage: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"e","source":"crn://confluent.cloud/","type":"io.confluent.kafka.server/request","time":"2026-11-30T10:00:00Z","data":{{"serviceName":"crn://confluent.cloud/kafka=lkc-1","methodName":"kafka.DeleteTopics","resourceName":"crn://confluent.cloud/kafka=lkc-1/topic=x","authenticationInfo":{{"principal":"User:u-1"}},"cloudResources":[{{"scope":{{}},"resource":{{"type":"TOPIC","resourceId":"orders"}}}}],"request":{{"data":{{"stage":{stage}}}}},"result":{{"status":"SUCCESS"}}}}}}"#
    )
}

fn pipeline(folder: &TempDir) -> Pipeline {
    let catalogs = Catalogs::shipped().unwrap();
    let sources = [RuleSource::Path(folder.path().join("rules.yaml"))];
    let known = pipeline::known(&catalogs);
    let rules = RuleSet::load(
        &sources,
        &known,
        &Overrides::default(),
        &pipeline::Path::parse,
    );
    Pipeline::new(
        OutputList::new(Content::name),
        Arc::new(catalogs),
        Arc::new(CurrentRules::new(rules.unwrap())),
        Arc::new(ArcSwap::from_pointee(Lookups::default())),
    )
}

/// The alert for a deletion whose request has this stage, and whether it was counted as suppressed.
fn alert(folder: &TempDir, stage: &str, now_ms: i64) -> (Value, bool) {
    let value = deletion(stage);
    let mut out = OutputBuffer::default();
    let batch = pipeline(folder).begin();
    let outcome = batch.process(&record(Some(value.as_bytes())), now_ms, &mut out);
    let Outcome::Event { alerts, .. } = outcome else {
        panic!("{outcome:?}");
    };
    let records = out.to_records();
    let alert = records
        .iter()
        .find(|record| *record.topic == *"alerts")
        .unwrap();
    let alert = serde_json::from_slice(alert.value.as_deref().unwrap()).unwrap();
    (alert, alerts[0].suppressed)
}

fn is_sent(alert: &Value) -> bool {
    let text = alert.to_string();
    let position = Position {
        topic: "alerts",
        partition: Partition(0),
        offset: Offset(0),
        element: None,
    };
    let notice = Notice::read(text.as_bytes(), position).expect("an alert");
    !notice.suppressed
}

#[test]
fn a_suppressed_alert_is_written_and_marked_and_nobody_is_told() {
    let folder = folder("2026-12-31");
    let (suppressed, counted) = alert(&folder, "\"staging-orders\"", NOW_MS);
    assert!(counted);
    crate::ocsf::validate(&suppressed);
    assert_eq!(suppressed["status"], "Suppressed");
    assert_eq!(suppressed["status_id"], 3);
    assert_eq!(suppressed["is_alert"], false);
    assert_eq!(
        suppressed["metadata"]["labels"],
        json!(["status:suppressed"])
    );
    assert_eq!(
        suppressed["unmapped"]["suppression"],
        json!({
            "uid": "22222222-2222-4222-8222-222222222222",
            "title": "Nightly rebuild of staging",
            "owner": "platform team",
            "reason": "staging is rebuilt every night",
            "expires": "2027-01-01T00:00:00Z",
        })
    );
    assert!(!is_sent(&suppressed));
    let (other, counted) = alert(&folder, "\"orders\"", NOW_MS);
    assert!(!counted);
    assert_eq!(other["status"], "New");
    assert_eq!(other["is_alert"], true);
    assert_eq!(other["unmapped"]["suppression"], Value::Null);
    assert!(is_sent(&other));
}

#[test]
fn after_its_end_the_alert_is_sent_again() {
    let folder = folder("2026-12-01T00:00:01Z");
    let sent = |now_ms| is_sent(&alert(&folder, "\"staging-orders\"", now_ms).0);
    assert!(!sent(NOW_MS + 999));
    assert!(sent(NOW_MS + 1_000));
}

#[test]
fn an_event_that_can_also_be_read_otherwise_is_not_suppressed() {
    let folder = folder("2026-12-31");
    let (alert, suppressed) = alert(&folder, "\"staging-orders\",\"stage\":\"orders\"", NOW_MS);
    assert!(!suppressed, "{alert}");
}

fn run(folder: &TempDir, arguments: &[&str]) -> Run {
    run_in(folder.path(), arguments)
}

#[test]
fn replay_counts_suppressed_alerts_apart() {
    let folder = folder("9000-12-31");
    let run = run(
        &folder,
        &[
            "replay",
            "audit.ndjson",
            "--rules",
            "rules.yaml",
            "--summary",
            "--max-alerts-per-day",
            "1",
        ],
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    let heading = "Topic deleted: 1 alert, 1 more suppressed  (";
    assert!(run.stdout.contains(heading), "{}", run.stdout);
    assert_eq!(run.stdout.matches("e.g.").count(), 1);
    assert!(run.stdout.contains("audit.ndjson/0@1"), "{}", run.stdout);
    assert!(
        run.stderr.contains("           1 suppressed alerts\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn explain_and_rules_name_the_suppression() {
    let folder = folder("9000-12-31");
    let explained = run(
        &folder,
        &["explain", "rules.yaml", "--event", "audit.ndjson"],
    );
    assert_eq!(explained.code, Some(0), "{explained:?}");
    let said = "  its alert is suppressed until 9001-01-01T00:00:00Z by `Nightly rebuild of staging` of platform \
                team: staging is rebuilt every night\n";
    assert_eq!(
        explained.stdout.matches(said).count(),
        1,
        "{}",
        explained.stdout
    );
    let config = "sources: {a: {bootstrap: 'a.example:9092'}}\ndestination: {bootstrap: 'b.example:9092'}\n\
                  rules: [rules.yaml]\nhttp: {listen: '127.0.0.1:1'}\n";
    fs::write(folder.path().join("watchbell.yaml"), config).unwrap();
    let listed = run(&folder, &["rules"]);
    let line = "22222222-2222-4222-8222-222222222222  9001-01-01T00:00:00Z  platform team  rules.yaml  Nightly \
                rebuild of staging  staging is rebuilt every night\n";
    assert!(listed.stdout.ends_with(line), "{}", listed.stdout);
    let json = run(&folder, &["rules", "--json"]);
    let last: Value = serde_json::from_str(json.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["suppression"], "22222222-2222-4222-8222-222222222222");
    assert_eq!(last["expires"], "9001-01-01T00:00:00Z");
    assert!(!run(&folder, &["validate"]).stderr.contains("suppression"));
}

#[test]
fn validate_warns_of_a_suppression_that_has_ended() {
    let folder = folder("2026-01-31");
    let config = "sources: {a: {bootstrap: 'a.example:9092'}}\ndestination: {bootstrap: 'b.example:9092'}\n\
                  rules: [rules.yaml]\n";
    fs::write(folder.path().join("watchbell.yaml"), config).unwrap();
    let run = run(&folder, &["validate"]);
    assert_eq!(run.code, Some(0));
    let said = "rules.yaml:13:12: warning: the suppression `Nightly rebuild of staging` ended at 2026-02-01T00:00:00Z\n  \
                help: ask platform team whether it is still needed: write a later day, or delete it\n";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert!(
        run.stderr.contains("1 rules in force, 1 warnings"),
        "{}",
        run.stderr
    );
}
