//! Routes and the noise policy in a running daemon: events are in the topics that the routes name, once, whatever
//! happens to the daemon; what was dropped is told for each day; a topic that is missing costs time and no event.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::broker::{Broker, clusters};
use super::daemon::{Deployment, watchbell};
use super::records::{Source, create, read_committed};
use super::{LIMIT, eventually};

const PARTITIONS: usize = 4;

const DAY_MS: i64 = 86_400_000;

fn event(id: &str, method: &str) -> Vec<u8> {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "crn://confluent.cloud/",
        "type": "io.confluent.kafka.server/request",
        "data": {
            "serviceName": "crn://confluent.cloud/", "methodName": method,
            "authenticationInfo": {"principal": {"confluentUser": {"resourceId": "u-7k2m9p"}}},
            "request": {"data": {"name": "orders"}},
            "result": {"status": "SUCCESS"},
        },
    });
    event.to_string().into_bytes()
}

/// Writes a read, a creation and a deletion to each partition, `count` times, at this time.
fn write(source: &mut Source, name: &str, count: usize, time_ms: i64) {
    for partition in 0..PARTITIONS {
        for number in 0..count {
            let id = format!("{name}-{partition}-{number}");
            for method in [
                "GetKafkaClusters",
                "CreateEnvironment",
                "DeleteKafkaCluster",
            ] {
                let value = event(&format!("{method}-{id}"), method);
                source.write_at(partition, &value, Some(time_ms));
            }
        }
    }
    source.flush();
}

/// The values in a topic.
fn values(broker: &Broker, topic: &str) -> Vec<Value> {
    let read = read_committed(broker, topic);
    let parse = |value: &Vec<u8>| serde_json::from_slice(value).expect("JSON");
    read.iter()
        .filter_map(|read| read.value.as_ref().map(parse))
        .collect()
}

/// How often each id occurs, and how many of them there are.
fn ids(values: &[Value], path: &[&str]) -> (usize, usize) {
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for value in values {
        let id = path.iter().fold(value, |value, name| &value[*name]);
        *ids.entry(id.to_string()).or_default() += 1;
    }
    (ids.len(), ids.values().copied().max().unwrap_or_default())
}

#[test]
fn events_are_where_routes_say_once_and_what_was_dropped_is_told_once_a_day() {
    let clusters = clusters();
    // Brokers delete records that are much older.
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let yesterday_ms = now_ms - now_ms % DAY_MS - DAY_MS;
    let mut deployment = Deployment::new(&clusters, "routes");
    let audit = deployment.source(&clusters.source, "one");
    let (team, copies) = (
        format!("{}.team", deployment.group),
        format!("{}.copies", deployment.group),
    );
    create(&clusters.destination, &team, 2);
    deployment.settings += &format!(
        "noise: drop\nroutes:\n\
         - {{name: copies, when: {{api.operation: DeleteKafkaCluster}}, to: {copies}, shape: raw, key: none, continue: true}}\n\
         - {{name: team, when: {{api.operation|startswith: Delete}}, to: {team}, shape: {{fields: [metadata.uid, api]}}}}\n"
    );
    let mut source = Source::new(&clusters.source, &audit.topic, PARTITIONS);
    write(&mut source, "first", 20, yesterday_ms + 1_000);

    // A topic of a route is missing: nothing is read, and the daemon says which.
    let daemon = deployment.start(0);
    let asks_for_topic = || daemon.ready().is_err_and(|page| page.contains(&copies));
    assert!(eventually(LIMIT, asks_for_topic), "{:?}", daemon.ready());
    assert!(values(&clusters.destination, &deployment.events).is_empty());
    create(&clusters.destination, &copies, 2);
    daemon.wait_until_ready();
    let has = |topic: &str, count: usize| values(&clusters.destination, topic).len() >= count;
    assert!(eventually(LIMIT, || has(&team, 20 * PARTITIONS)));
    daemon.kill();

    write(&mut source, "second", 30, yesterday_ms + 2_000);
    let daemon = deployment.start(0);
    assert!(eventually(LIMIT, || has(&team, 25 * PARTITIONS)));
    daemon.kill();

    // The first event of the next day tells of the day before.
    write(&mut source, "third", 5, yesterday_ms + DAY_MS);
    let daemon = deployment.start(0);
    assert!(eventually(LIMIT, || has(&team, 55 * PARTITIONS)));
    let is_total = |value: &&Value| value["class_uid"] == 0;
    let told = || {
        let events = values(&clusters.destination, &deployment.events);
        events.iter().filter(is_total).count()
    };
    assert!(eventually(LIMIT, || told() == PARTITIONS), "{}", told());

    let events = values(&clusters.destination, &deployment.events);
    let (totals, events): (Vec<Value>, Vec<Value>) =
        events.into_iter().partition(|value| is_total(&value));
    let all = 55 * PARTITIONS;
    assert_eq!(events.len(), all);
    assert!(
        events
            .iter()
            .all(|event| event["api"]["operation"] == "CreateEnvironment")
    );
    assert_eq!(ids(&events, &["metadata", "uid"]), (all, 1));
    let of_team = values(&clusters.destination, &team);
    assert_eq!(of_team.len(), all);
    assert_eq!(ids(&of_team, &["metadata", "uid"]), (all, 1));
    assert!(of_team[0].get("actor").is_none());
    let copied = values(&clusters.destination, &copies);
    assert_eq!(copied.len(), all);
    assert_eq!(ids(&copied, &["id"]), (all, 1));

    let mut partitions = Vec::new();
    for total in &totals {
        let dropped = total["unmapped"]["dropped"].as_array().expect("a list");
        assert_eq!(dropped.len(), 1, "{total}");
        assert_eq!(dropped[0]["reason"], "noise_reads");
        assert_eq!(dropped[0]["records"], 50, "{total}");
        assert!(dropped[0]["bytes"].as_u64().expect("bytes") > 50 * 300);
        assert_eq!(total["start_time"], yesterday_ms);
        partitions.push(total["unmapped"]["source"]["partition"].as_i64());
    }
    partitions.sort_unstable();
    assert_eq!(partitions, [Some(0), Some(1), Some(2), Some(3)]);

    let metric = |name: &str, route: &str| {
        let source = deployment.source_name("one");
        daemon.metric(&format!(
            "watchbell_routed_{name}_total{{route=\"{route}\",source=\"{source}\"}}"
        ))
    };
    // The last commit is counted a moment after the broker has it.
    let counted = || {
        let copies = metric("records", "copies");
        copies >= 5 * PARTITIONS as u64 && metric("records", "team") == copies
    };
    assert!(eventually(LIMIT, counted));
    assert!(metric("bytes", "noise_reads") > 300);
    daemon.terminate();
}

#[test]
fn a_replay_writes_to_the_topics_of_the_routes_and_marks_what_it_writes() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "replayed");
    let audit = deployment.source(&clusters.source, "one");
    let team = format!("{}.team", deployment.group);
    create(&clusters.destination, &team, 2);
    deployment.settings += &format!(
        "noise: drop\nroutes:\n- {{name: team, when: {{api.operation|startswith: Delete}}, to: {team}}}\n"
    );
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let mut source = Source::new(&clusters.source, &audit.topic, PARTITIONS);
    write(&mut source, "old", 25, now_ms - 7_200_000);
    write(&mut source, "new", 10, now_ms);
    let file = deployment.file("events.ndjson");
    let lines = [
        "DeleteKafkaCluster",
        "GetKafkaClusters",
        "CreateEnvironment",
    ]
    .map(|method| event(&format!("file-{method}"), method));
    std::fs::write(&file, lines.join(&b'\n')).expect("a file");
    let config = deployment.write();
    let config = config.to_str().expect("UTF-8");

    let name = deployment.source_name("one");
    let range = ["--topic", &name, "--from", "1h"];
    let of_topic = watchbell(&[&["replay", "-c", config, "--to-topics"], &range[..]].concat());
    let said = String::from_utf8_lossy(&of_topic.stderr).into_owned();
    assert!(of_topic.status.success(), "{said}");
    assert!(of_topic.stdout.is_empty());
    let file = file.to_str().expect("UTF-8");
    let of_file = watchbell(&["replay", "-c", config, "--to-topics", file]);
    let said = String::from_utf8_lossy(&of_file.stderr).into_owned();
    assert!(of_file.status.success(), "{said}");
    // The deletion, its alert, and the creation; the read is noise.
    assert!(said.contains("written: 3 records"), "{said}");

    let deletions = values(&clusters.destination, &team);
    let expected = 10 * PARTITIONS + 1;
    assert_eq!(deletions.len(), expected);
    assert_eq!(ids(&deletions, &["metadata", "uid"]), (expected, 1));
    let events = values(&clusters.destination, &deployment.events);
    assert_eq!(events.len(), expected);
    let alerts = values(&clusters.destination, &deployment.alerts);
    assert_eq!(alerts.len(), expected);
    for value in deletions.iter().chain(&events).chain(&alerts) {
        let labels = value["metadata"]["labels"].as_array().expect("labels");
        assert!(labels.contains(&json!("origin:replay")), "{value}");
    }

    // A topic that is missing stops it before it writes anything.
    deployment.settings = deployment
        .settings
        .replace(&team, &format!("{team}.missing"));
    let config = deployment.write();
    let config = config.to_str().expect("UTF-8");
    let refused = watchbell(&["replay", "-c", config, "--to-topics", file]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains(&format!("missing on the destination: {team}.missing")),
        "{said}"
    );
    assert_eq!(
        values(&clusters.destination, &deployment.events).len(),
        expected
    );
}
