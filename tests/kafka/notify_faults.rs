//! `watchbell run --role notify` on a real broker: alerts that are late, refused or unreadable, dead
//! letters that cannot be written, and an alerts topic that is deleted and created anew.

use std::collections::BTreeSet;

use serde_json::Value;

use super::admin::{delete, re_create};
use super::audit::STATEMENT_DELETED;
use super::broker::clusters;
use super::daemon::{Daemon, Deployment};
use super::notify::{Alerts, SHAPES, alert, deployment, every, now_ms, position, start, told};
use super::records::{Source, create, read_committed};
use super::stub::{Received, Reply, Stub, ok};
use super::{LIMIT, eventually};

const HOUR_MS: i64 = 3_600_000;

fn hook(stub: &Stub) -> String {
    format!("  hook: {{type: webhook, url: '{}/'}}\n", stub.url())
}

/// What the webhook was told, by its kind.
fn told_as(stub: &Stub, kind: &str) -> Vec<Value> {
    let data = stub
        .accepted()
        .into_iter()
        .map(|r| r.json()["data"].clone());
    data.filter(|data| data["kind"] == kind).collect()
}

fn waits_for(daemon: &Daemon, reason: &str) -> bool {
    daemon.ready().is_err_and(|said| said.contains(reason))
}

#[test]
fn unreadable_alerts_are_sent_while_their_topic_refuses_dead_letters_and_stored_afterwards() {
    let clusters = clusters();
    let stub = Stub::start(|_| ok());
    // It is told of critical alerts alone, and of other rules: one that cannot be read may be both.
    let sink = format!(
        "  hook: {{type: webhook, url: '{}/', min_level: critical}}\n",
        stub.url()
    );
    let deployment = deployment(&clusters, "notify-letters", &sink);
    let mut alerts = Alerts::new(&clusters, &deployment);
    let daemon = start(&clusters, &deployment, &["hook"]);
    delete(&clusters.destination, &deployment.dead_letters);
    alerts.topic.write_value(0, b"no alert at all");
    for number in 0..20 {
        alerts.write(&alert(number, &format!("group {number}"), 5));
    }
    alerts.topic.flush();
    let titles = || -> BTreeSet<String> {
        let accepted = stub.accepted().into_iter();
        accepted
            .map(|r| r.json()["data"]["title"].to_string())
            .collect()
    };
    let all = eventually(LIMIT, || stub.accepted().len() == 21);
    assert!(all, "{:?}", titles());
    assert!(titles().contains("\"[CRITICAL] An alert could not be read\""));
    let waiting = "watchbell_notify_dead_letters_waiting{sink=\"hook\"}";
    assert!(eventually(LIMIT, || daemon.metric(waiting) == 1));
    assert!(eventually(LIMIT, || waits_for(&daemon, "dead_letters")));
    assert_eq!(position(&clusters, &deployment, "hook"), 0);

    // Whoever comes after tells what is new while the topic is still missing.
    daemon.terminate();
    let daemon = deployment.start(0);
    alerts.write(&alert(20, "group 20", 5));
    alerts.topic.flush();
    assert!(eventually(LIMIT, || stub.accepted().len() == 22));

    // It keeps the letter once it can, and notifies nobody again.
    create(&clusters.destination, &deployment.dead_letters, 1);
    let letters = || read_committed(&clusters.destination, &deployment.dead_letters);
    assert!(eventually(LIMIT, || letters().len() == 1));
    assert_eq!(letters()[0].value.as_deref(), Some(&b"no alert at all"[..]));
    assert!(eventually(LIMIT, || daemon.metric(waiting) == 0));
    assert!(eventually(LIMIT, || daemon.ready().is_ok()));
    assert_eq!(stub.accepted().len(), 22, "told again");
    daemon.terminate();
}

#[test]
fn a_receiver_that_refuses_everything_for_some_seconds_loses_nothing() {
    let clusters = clusters();
    let stub = Stub::start(|_| Reply::Status(400, "", "not now".into()));
    let deployment = deployment(&clusters, "notify-refuses", &hook(&stub));
    let mut alerts = Alerts::new(&clusters, &deployment);
    let daemon = start(&clusters, &deployment, &["hook"]);
    alerts.write_groups(10);
    let refusing = "watchbell_notify_refusing{sink=\"hook\"}";
    assert!(eventually(LIMIT, || daemon.metric(refusing) == 1));
    assert!(eventually(LIMIT, || stub.received().len() >= 5));
    stub.answer(|_| ok());
    let done = eventually(LIMIT, || {
        told(&stub).into_iter().collect::<BTreeSet<_>>() == every(10)
    });
    assert!(done, "{:?}", told(&stub));
    assert_eq!(told(&stub).len(), 10);
    assert!(eventually(LIMIT, || daemon.metric(refusing) == 0));
    let letters = read_committed(&clusters.destination, &deployment.dead_letters);
    assert_eq!(letters.len(), 0);
    daemon.terminate();
}

/// A deletion, written when the timestamp says, whatever its own time is.
fn delete_statement(audit: &mut Source, number: usize, timestamp_ms: i64) {
    let deletion = SHAPES.lines().nth(10).expect("a deletion");
    let mut event: Value = serde_json::from_str(deletion).expect("an event");
    event["id"] = format!("late-{number}").into();
    audit.write_at(0, event.to_string().as_bytes(), Some(timestamp_ms));
}

#[test]
fn history_and_alerts_after_an_outage_are_a_digest_each_and_new_alerts_are_sent_by_themselves() {
    let clusters = clusters();
    let (stub, pages) = (Stub::start(|_| ok()), Stub::start(|_| ok()));
    let mut deployment = Deployment::new(&clusters, "notify-late");
    let key = deployment.file("key");
    std::fs::write(&key, "KEY").expect("a key");
    deployment.settings += &format!(
        "notify:\n{}  pages: {{type: pagerduty, url: '{}', routing_key_file: {}}}\n",
        hook(&stub),
        pages.url(),
        key.display()
    );
    deployment.source(&clusters.source, "audit");
    let topic = format!("{}.audit", deployment.source_name("audit"));
    let mut audit = Source::new(&clusters.source, &topic, 4);
    // Within the retention time of the cluster, however long it takes to read them.
    let days_ago = now_ms() - 6 * 24 * HOUR_MS;
    for number in 0..30 {
        delete_statement(&mut audit, number, days_ago + number as i64 * 1_000);
    }
    audit.flush();
    let daemon = deployment.start(0);
    let done = eventually(LIMIT, || !told_as(&stub, "history").is_empty());
    assert!(done, "{}", daemon.log());
    let history = told_as(&stub, "history").remove(0);
    assert_eq!(history["count"], 30);
    assert_eq!(history["level"], "informational");
    assert!(eventually(LIMIT, || !pages.accepted().is_empty()));
    let paths: Vec<String> = pages.accepted().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/v2/change/enqueue"], "it pages nobody");

    // A producer whose clock is days behind makes nothing late while others write.
    delete_statement(&mut audit, 100, now_ms());
    delete_statement(&mut audit, 101, days_ago);
    audit.flush();
    let fresh = || told_as(&stub, "first").len() + told_as(&stub, "digest").len();
    assert!(eventually(LIMIT, || fresh() >= 1));
    daemon.terminate();

    // The outage: two hours in which nothing was read.
    let mut later = Source::new(&clusters.source, &topic, 4);
    for number in 0..20 {
        // In another partition, whose log was quiet until then.
        let timestamp_ms = now_ms() - 2 * HOUR_MS + number as i64;
        let deletion = SHAPES.lines().nth(10).expect("a deletion");
        let mut event: Value = serde_json::from_str(deletion).expect("an event");
        event["id"] = format!("outage-{number}").into();
        later.write_at(1, event.to_string().as_bytes(), Some(timestamp_ms));
    }
    later.flush();
    let before = pages.accepted().len();
    let daemon = deployment.start(0);
    let done = eventually(LIMIT, || !told_as(&stub, "late").is_empty());
    assert!(done, "{}", daemon.log());
    let late = told_as(&stub, "late");
    assert_eq!(late[0]["count"], 20, "{late:?}");
    assert_eq!(late[0]["alert"]["rule_id"], STATEMENT_DELETED);
    let paged = |received: &Received| received.path == "/v2/enqueue";
    assert!(eventually(LIMIT, || pages.accepted()[before..]
        .iter()
        .any(paged)));
    assert_eq!(told_as(&stub, "history").len(), 1);
    daemon.terminate();
}

#[test]
fn every_alert_of_a_re_created_alerts_topic_is_sent_once() {
    let clusters = clusters();
    let stub = Stub::start(|_| ok());
    let deployment = deployment(&clusters, "notify-anew", &hook(&stub));
    let mut alerts = Alerts::new(&clusters, &deployment);
    let daemon = start(&clusters, &deployment, &["hook"]);
    alerts.write_groups(30);
    assert!(eventually(LIMIT, || told(&stub).len() == 30));
    // While it is up: fewer alerts than before.
    re_create(&clusters.destination, &deployment.alerts, 1);
    alerts.write_groups(5);
    let done = eventually(LIMIT, || told(&stub).len() >= 35);
    assert!(done, "{:?}\n{}", told(&stub), daemon.log());
    assert_eq!(told(&stub), (0..35).collect::<Vec<_>>());
    assert!(eventually(LIMIT, || daemon.ready().is_ok()));
    // And more of them.
    re_create(&clusters.destination, &deployment.alerts, 1);
    alerts.write_groups(15);
    let done = eventually(LIMIT, || told(&stub).len() >= 50);
    assert!(done, "{:?}\n{}", told(&stub), daemon.log());
    let (log, _) = daemon.terminate();
    assert!(log.contains("created anew"), "{log}");
    // A restart knows the new topic.
    let daemon = deployment.start(0);
    alerts.write_groups(1);
    assert!(eventually(LIMIT, || told(&stub).len() >= 51));
    daemon.terminate();
    // While it is down: more alerts than before.
    re_create(&clusters.destination, &deployment.alerts, 1);
    alerts.write_groups(20);
    let daemon = deployment.start(0);
    let done = eventually(LIMIT, || told(&stub).len() >= 71);
    assert!(done, "{:?}\n{}", told(&stub), daemon.log());
    alerts.write_groups(1);
    assert!(eventually(LIMIT, || told(&stub).len() >= 72));
    let each = (0..72).collect::<Vec<_>>();
    assert_eq!(told(&stub), each, "each once, in order");
    daemon.terminate();
}
