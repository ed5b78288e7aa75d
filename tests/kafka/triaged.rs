//! What people decide of alerts on several pages at once: all pages show the same, nothing is overwritten silently, and
//! Kafka alone has the state.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use watchbell::kafka::topics::WantedTopic;

use super::broker::{Broker, Clusters, clusters, clusters_alone};
use super::daemon::{Answer, Daemon, Deployment, encoded};
use super::records::{Source, create, create_with, offsets_of, read_committed};
use super::{LIMIT, eventually};

/// Within this time another page shows a decision.
const SHOWN: Duration = Duration::from_secs(1);

/// A deployment with a page.
fn deployment(clusters: &Clusters, name: &str) -> Deployment {
    let mut deployment = Deployment::new(clusters, name);
    let topic = deployment.source_name("one");
    create(&clusters.source, &format!("{topic}.audit"), 1);
    deployment.name_source(
        "one",
        &format!(
            "bootstrap: \"{}\", topic: {topic}.audit",
            clusters.source.bootstrap()
        ),
    );
    deployment.settings += "page: {listen: \"127.0.0.1:0\"}\ncreate_topics: true\n";
    deployment.arguments = vec!["--role".into(), "page".into()];
    deployment
}

/// Writes alerts as ingest does.
struct Alerts {
    topic: Source,
    written: i64,
}

impl Alerts {
    fn of(broker: &Broker, deployment: &Deployment) -> Alerts {
        Alerts {
            topic: Source::new(broker, &deployment.alerts, 1),
            written: 0,
        }
    }

    fn write(&mut self, group: &str) {
        let now_ms = Timestamp::now().as_millisecond();
        let number = self.written;
        let alert = json!({
            "class_uid": 2004, "class_name": "Detection Finding", "category_uid": 2, "category_name": "Findings",
            "activity_id": 1, "activity_name": "Create", "type_uid": 200_401, "severity_id": 4, "severity": "High",
            "status_id": 1, "status": "New", "time": now_ms - 50, "message": format!("<b>{group}</b> raised {number}"),
            "is_alert": true,
            "metadata": {"version": "1.8.0", "uid": format!("{group}-{number}"), "correlation_uid": group,
                "product": {"name": "watchbell", "vendor_name": "watchbell", "version": "0"}},
            "finding_info": {"uid": format!("{group}-{number}"), "title": "t",
                "analytic": {"uid": "1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35", "name": "A rule", "type": "Rule", "type_id": 1}},
            "evidences": [{"actor": {"user": {"uid": "u-1"}}, "api": {"operation": "DeleteTopic"}}],
            "unmapped": {"why": ["api.operation = DeleteTopic"]},
        });
        self.topic
            .write_at(0, alert.to_string().as_bytes(), Some(now_ms));
        self.topic.flush();
        self.written += 1;
    }
}

/// What stands between two texts.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// Every incident of the list, as its form names it.
fn listed(page: &Daemon, query: &str) -> Vec<String> {
    let answer = page.ask_page(&format!("/alerts?{query}"), None);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut parts = answer.body.split("name=\"incident\" value=\"");
    parts.next();
    let references = parts.map(|part| part.split_once('"').expect("a value").0.to_owned());
    references.collect()
}

fn key_of(reference: &str) -> &str {
    reference.split_once(' ').expect("a key").0
}

/// Waits until a page lists this many incidents.
fn wait_for_incidents(page: &Daemon, query: &str, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    let all = eventually(LIMIT, || {
        found = listed(page, query);
        found.len() == count
    });
    assert!(all, "{count} incidents are wanted: {found:?}");
    found
}

fn incident(page: &Daemon, key: &str) -> Answer {
    let mut answer = page.ask_page(&format!("/incident?key={}", encoded(key)), None);
    // The token of forms is another one in each process.
    if let Some(token) = between(&answer.body, "name=\"form-token\" value=\"", "\"") {
        answer.body = answer.body.replace(token, "");
    }
    answer
}

/// The reference that the form of an incident has now.
fn reference(page: &Daemon, key: &str) -> String {
    let body = incident(page, key).body;
    let found = between(&body, "name=\"incident\" value=\"", "\"");
    found
        .unwrap_or_else(|| panic!("no form: {body}"))
        .to_owned()
}

fn decide(page: &Daemon, reference: &str, state: &str, comment: &str) -> Answer {
    let fields = [
        ("incident", reference),
        ("state", state),
        ("assignee", "jane"),
        ("comment", comment),
    ];
    page.ask_page(
        &format!("/incident?key={}", encoded(key_of(reference))),
        Some(&fields),
    )
}

/// What a page shows of an incident.
fn shown(page: &Daemon, key: &str) -> String {
    let answer = incident(page, key);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// The triage records of a deployment.
fn records(broker: &Broker, deployment: &Deployment) -> Vec<Value> {
    let read = read_committed(broker, &deployment.triage());
    let values = read.into_iter().map(|record| {
        let value: Value = serde_json::from_slice(&record.value.expect("a value")).expect("JSON");
        let key = String::from_utf8(record.key.expect("a key")).expect("UTF-8");
        assert_eq!(value["metadata"]["uid"], key);
        value
    });
    values.collect()
}

#[test]
fn two_pages_show_the_same_within_a_second_and_no_decision_overwrites_another_one() {
    let clusters = clusters_alone();
    let deployment = deployment(&clusters, "triaged");
    let mut alerts = Alerts::of(&clusters.destination, &deployment);
    alerts.write("a");
    alerts.write("a");
    alerts.write("b");
    let pages = [deployment.start(0), deployment.start(1)];
    for page in &pages {
        wait_for_incidents(page, "", 2);
    }
    let of_a = |found: Vec<String>| {
        found
            .into_iter()
            .find(|one| one.starts_with("a."))
            .expect("the incident")
    };
    let first = of_a(listed(&pages[0], ""));
    assert_eq!(
        of_a(listed(&pages[1], "")),
        first,
        "both pages name it alike"
    );
    let key = key_of(&first);
    let body = shown(&pages[0], key);
    assert!(body.contains("api.operation = DeleteTopic"), "{body}");
    assert!(!body.contains("<b>a"), "a value became markup: {body}");

    // What one decides, the other one sees.
    let answer = decide(&pages[0], &first, "in_progress", "I look at it");
    assert_eq!(answer.status, 303, "{}", answer.body);
    let incident_url = format!("/incident?key={key}");
    assert_eq!(answer.location.as_ref(), Some(&incident_url));
    let decided = Instant::now();
    let seen = eventually(LIMIT, || shown(&pages[1], key).contains("I look at it"));
    let after = decided.elapsed();
    println!("  shown by the other page after {after:?}");
    assert!(seen && after < SHOWN, "{after:?}");
    assert!(
        shown(&pages[0], key).contains("I look at it"),
        "acknowledged before it was read back"
    );

    // Who has not seen that is told, and decides again.
    let answer = decide(&pages[1], &first, "resolved", "over");
    assert_eq!(answer.status, 409, "{}", answer.body);
    let told = ["Nothing was written", "I look at it", ">over</textarea>"];
    assert!(
        told.iter().all(|text| answer.body.contains(text)),
        "{}",
        answer.body
    );
    assert_eq!(records(&clusters.destination, &deployment).len(), 1);
    let again = between(&answer.body, "name=\"incident\" value=\"", "\"").expect("a form");
    let answer = decide(&pages[1], again, "new", "back");
    assert_eq!(answer.status, 303, "{}", answer.body);

    // Two at the same time, each on a page of its own: one is written.
    let mut written = 2;
    for round in 0..10 {
        let seen = reference(&pages[0], key);
        let said = [format!("left {round}"), format!("right {round}")];
        let one = |number: usize| decide(&pages[number], &seen, "in_progress", &said[number]);
        let mut statuses = std::thread::scope(|scope| {
            let others = scope.spawn(|| one(1).status);
            [one(0).status, others.join().expect("an answer")]
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 409], "round {round}");
        written += 1;
        let stored = records(&clusters.destination, &deployment);
        assert_eq!(stored.len(), written, "round {round}");
    }
    let stored = records(&clusters.destination, &deployment);
    let last = stored.last().expect("a record");
    assert_eq!(last["class_uid"], 2005);
    assert_eq!(last["unmapped"]["changes"], written);
    let history = last["unmapped"]["history"].as_array().expect("a history");
    let comments: BTreeSet<&str> = history
        .iter()
        .filter_map(|change| change["comment"].as_str())
        .collect();
    assert_eq!(
        comments.len(),
        written,
        "each decision knows those before it: {comments:?}"
    );

    // Further alerts: into the open incident, and after it is closed into a new one.
    alerts.write("a");
    let joined = eventually(LIMIT, || reference(&pages[0], key).ends_with(" 3"));
    assert!(joined, "{}", reference(&pages[0], key));
    let answer = decide(
        &pages[0],
        &reference(&pages[0], key),
        "expected",
        "the nightly rebuild",
    );
    assert_eq!(answer.status, 303, "{}", answer.body);
    let body = shown(&pages[0], key);
    let yaml = [
        "suppress:",
        "api.operation: &quot;DeleteTopic&quot;",
        "the nightly rebuild",
    ];
    assert!(yaml.iter().all(|text| body.contains(text)), "{body}");
    alerts.write("a");
    // Until a page has read the decision, the old incident is one of the open ones.
    let mut open = Vec::new();
    let is_new = eventually(LIMIT, || {
        open = listed(&pages[1], "state=open");
        open.len() == 2
            && open.iter().all(|one| key_of(one) != key)
            && listed(&pages[0], "state=open") == open
    });
    assert!(is_new, "{open:?}");

    // Several at once, and one of them was decided on meanwhile.
    assert_eq!(decide(&pages[0], &open[0], "in_progress", "").status, 303);
    let mut fields: Vec<(&str, &str)> = open.iter().map(|one| ("incident", one.as_str())).collect();
    fields.extend([
        ("state", "false_positive"),
        ("assignee", ""),
        ("comment", "all of them"),
    ]);
    let answer = pages[1].ask_page("/alerts?state=open", Some(&fields));
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert!(answer.body.contains("left as they are"), "{}", answer.body);
    let closed = wait_for_incidents(&pages[0], "state=false_positive", 1);
    assert_eq!(key_of(&closed[0]), key_of(&open[1]));
    let left = listed(&pages[1], "state=open");
    assert_eq!(left.len(), 1);
    assert_eq!(key_of(&left[0]), key_of(&open[0]));

    // Nothing of it is anywhere but in Kafka.
    let before = [key.to_owned(), key_of(&open[0]).to_owned()].map(|key| shown(&pages[0], &key));
    let [first, second] = pages;
    first.kill();
    let third = deployment.start(2);
    wait_for_incidents(&third, "", 3);
    let after = [key.to_owned(), key_of(&open[0]).to_owned()];
    let same = || {
        after
            .iter()
            .map(|key| shown(&third, key))
            .eq(before.iter().cloned())
    };
    assert!(eventually(LIMIT, same), "the new page shows something else");
    let same = || listed(&third, "") == listed(&second, "");
    assert!(eventually(LIMIT, same), "the new page lists something else");
    second.terminate();
    third.terminate();
}

#[test]
fn pages_that_are_killed_while_people_decide_lose_nothing_that_was_acknowledged() {
    let clusters = clusters();
    let deployment = deployment(&clusters, "killed");
    let mut alerts = Alerts::of(&clusters.destination, &deployment);
    alerts.write("a");
    let other = deployment.start(0);
    let key = key_of(&wait_for_incidents(&other, "", 1)[0]).to_owned();
    let mut acknowledged = Vec::new();
    for round in 1..=5 {
        let page = deployment.start(round);
        let ready = eventually(LIMIT, || {
            !listed(&page, "state=open").is_empty()
                && reference(&page, &key) == reference(&other, &key)
        });
        assert!(ready, "a new page has read everything");
        let said = format!("round {round}");
        let seen = reference(&page, &key);
        if decide(&page, &seen, "in_progress", &said).status == 303 {
            acknowledged.push(said);
        }
        // Killed with the transactional id in its hand; the other page goes on at once.
        page.kill();
        let said = format!("after {round}");
        let mut status = 0;
        let taken = eventually(LIMIT, || {
            status = decide(&other, &reference(&other, &key), "in_progress", &said).status;
            status != 409
        });
        assert!(taken && status == 303, "{status}");
        acknowledged.push(said);
    }
    assert_eq!(acknowledged.len(), 10);
    let body = shown(&other, &key);
    assert!(
        acknowledged.iter().all(|said| body.contains(said)),
        "{body}"
    );
    other.terminate();
}

#[test]
fn compaction_leaves_the_last_record_of_each_incident_with_its_history() {
    let clusters = clusters();
    let deployment = deployment(&clusters, "compacted");
    let topic = WantedTopic::new(deployment.triage(), 1)
        .with("cleanup.policy", "compact")
        .with("segment.ms", "50")
        .with("min.cleanable.dirty.ratio", "0.001")
        .with("delete.retention.ms", "0");
    create_with(&clusters.destination, &topic);
    let mut alerts = Alerts::of(&clusters.destination, &deployment);
    alerts.write("a");
    alerts.write("b");
    let page = deployment.start(0);
    let found = wait_for_incidents(&page, "", 2);
    let key = |group: &str| {
        key_of(
            found
                .iter()
                .find(|one| one.starts_with(group))
                .expect("an incident"),
        )
        .to_owned()
    };
    let (a, b) = (key("a."), key("b."));
    for number in 0..5 {
        let answer = decide(
            &page,
            &reference(&page, &a),
            "in_progress",
            &format!("said {number}"),
        );
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
    let offsets = || offsets_of(&clusters.destination, &deployment.triage());
    let last_of_a = *offsets().last().expect("a record");
    let mut number = 0;
    let compacted = eventually(LIMIT, || {
        // The segment that is written to is never compacted.
        number += 1;
        let answer = decide(
            &page,
            &reference(&page, &b),
            "in_progress",
            &format!("roll {number}"),
        );
        assert_eq!(answer.status, 303, "{}", answer.body);
        offsets().first() == Some(&last_of_a)
    });
    assert!(compacted, "{:?}", offsets());
    let before = shown(&page, &a);
    assert!(
        (0..5).all(|number| before.contains(&format!("said {number}"))),
        "{before}"
    );
    page.terminate();
    let page = deployment.start(1);
    let same = eventually(LIMIT, || incident(&page, &a).body == before);
    assert!(same, "{}", incident(&page, &a).body);
    page.terminate();
}

#[test]
fn without_kafka_incidents_are_shown_and_the_form_says_that_nothing_is_written() {
    let mut clusters = clusters();
    let mut deployment = deployment(&clusters, "away");
    let url = format!("file://{}", deployment.file("archive").display());
    deployment.settings += &format!("archive: {{url: \"{url}\", interval: 200ms}}\n");
    deployment
        .arguments
        .extend(["--role".into(), "archive".into()]);
    let mut alerts = Alerts::of(&clusters.destination, &deployment);
    alerts.write("a");
    let page = deployment.start(0);
    let found = wait_for_incidents(&page, "", 1);
    let key = key_of(&found[0]).to_owned();
    assert_eq!(
        decide(&page, &found[0], "in_progress", "before").status,
        303
    );
    let archived = || {
        deployment
            .file("archive")
            .join("alerts")
            .read_dir()
            .is_ok_and(|days| days.count() > 1)
    };
    assert!(
        eventually(LIMIT, archived),
        "the alert is not archived: {}",
        page.log()
    );
    clusters.destination.stop();
    let told = eventually(LIMIT, || {
        incident(&page, &key)
            .body
            .contains("Decisions cannot be read at the moment")
    });
    let body = incident(&page, &key).body;
    assert!(told && body.contains("before"), "{body}");
    let answer = decide(
        &page,
        &reference(&page, &key),
        "resolved",
        "while it is away",
    );
    assert_eq!(answer.status, 503, "{}", answer.body);
    let told = ["Nothing was written", ">while it is away</textarea>"];
    assert!(
        told.iter().all(|text| answer.body.contains(text)),
        "{}",
        answer.body
    );
    clusters.destination.start_again();
    let written = eventually(LIMIT, || {
        decide(&page, &reference(&page, &key), "resolved", "again").status == 303
    });
    assert!(written, "{}", page.log());
    let body = shown(&page, &key);
    assert!(
        body.contains("again") && !body.contains("while it is away"),
        "{body}"
    );
    page.terminate();
}
