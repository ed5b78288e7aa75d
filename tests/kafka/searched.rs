//! Questions to the archive and to what the topics hold beyond it, while both move.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchbell::archive::{Storage, TableKind};
use watchbell::kafka::topics::WantedTopic;

use super::archived::archived;
use super::audit::{Fate, Given};
use super::bad_input::noise;
use super::broker::clusters;
use super::daemon::{Deployment, watchbell};
use super::records::{create, create_with, read_committed};
use super::{LIMIT, eventually};

/// Runs a command that asks, with the configuration of the deployment.
fn ask(deployment: &Deployment, command: &str, arguments: &[&str]) -> Output {
    let config = deployment.write();
    let config = config.to_str().expect("a path");
    watchbell(&[&[command], arguments, &["--config", config]].concat())
}

/// The lines that a command prints that succeeds.
fn lines(deployment: &Deployment, command: &str, arguments: &[&str]) -> Vec<String> {
    let output = ask(deployment, command, arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command} {arguments:?}: {told}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// The offsets that SQL sees in each partition of the events topic.
fn seen(deployment: &Deployment) -> BTreeMap<i64, BTreeSet<i64>> {
    let query = r#"SELECT partition AS p, "offset" AS o FROM events"#;
    let mut seen: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for line in lines(deployment, "sql", &["--json", query]) {
        let row: Value = serde_json::from_str(&line).expect("JSON");
        let (partition, offset) = (row["p"].as_i64().expect("p"), row["o"].as_i64().expect("o"));
        let is_new = seen.entry(partition).or_default().insert(offset);
        assert!(
            is_new,
            "partition {partition} offset {offset} is seen twice"
        );
    }
    seen
}

#[test]
fn the_archive_and_the_ends_of_the_topics_hold_every_event_once_while_files_are_committed_and_merged()
 {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "searched");
    let url = format!("file://{}", deployment.file("archive").display());
    deployment.settings += &format!("archive: {{url: \"{url}\", interval: 200ms}}\n");
    let mut audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    let until = Instant::now() + Duration::from_secs(30);
    let mut answers = Vec::new();
    // However slow the machine is, there are some answers.
    while Instant::now() < until || answers.len() <= 5 {
        audit.write(40);
        answers.push(seen(&deployment));
    }
    audit.flush();
    deployment.wait_for(&clusters, &audit, LIMIT);
    let mut all: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for record in read_committed(&clusters.destination, &deployment.events) {
        let partition = i64::from(record.partition);
        all.entry(partition).or_default().insert(record.offset);
    }
    for (number, answer) in answers.iter().enumerate() {
        for (partition, offsets) in answer {
            let last = *offsets.last().expect("an offset");
            let expected: BTreeSet<i64> = all[partition].range(..=last).copied().collect();
            let missing: Vec<_> = expected.difference(offsets).collect();
            assert!(
                missing.is_empty(),
                "answer {number} lacks {missing:?} of partition {partition}"
            );
        }
    }
    assert!(answers.len() > 5, "only {} answers", answers.len());
    println!("  {} answers while events flowed", answers.len());
    assert_eq!(seen(&deployment), all, "at the end");
    daemon.terminate();
    assert_eq!(seen(&deployment), all, "without the daemon");
}

#[test]
fn an_event_is_found_within_seconds_although_it_is_not_archived_for_an_hour() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "found");
    let url = format!("file://{}", deployment.file("archive").display());
    deployment.settings += &format!("archive: {{url: \"{url}\", interval: 1h}}\n");
    let mut audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    audit.write(100);
    let id = audit.next_id(0);
    audit.write_event(0);
    audit.flush();
    let started = Instant::now();
    let found = eventually(LIMIT, || {
        !lines(&deployment, "search", &["--event-id", &id, "--json"]).is_empty()
    });
    assert!(found, "{id} is not found");
    println!("  found after {:?}", started.elapsed());
    // What was written to the other partitions may come later.
    deployment.wait_for(&clusters, &audit, LIMIT);
    let mut told = String::new();
    // The tables are made when their topics are first assigned.
    let is_empty = eventually(LIMIT, || {
        let alone = ask(&deployment, "search", &["--event-id", &id, "--no-live"]);
        assert!(alone.stdout.is_empty(), "it is archived already");
        told = String::from_utf8_lossy(&alone.stderr).into_owned();
        told.contains("nothing was found")
    });
    assert!(is_empty, "{told}");
    // Of the alerts, only those of the rules have events.
    let deletions = lines(&deployment, "search", &["--rule", "*", "--count"]);
    let alerts = lines(
        &deployment,
        "sql",
        &[
            "--json",
            "SELECT count(DISTINCT event_id) AS n FROM alerts WHERE event_id IS NOT NULL",
        ],
    );
    assert_eq!(alerts, [format!("{{\"n\":{}}}", deletions[0])]);
    let shown = lines(&deployment, "show", &[&id]);
    assert!(shown.iter().any(|line| line.contains(&id)), "{shown:?}");
    daemon.terminate();
    // What was archived at the end is shown from there when the topics have forgotten it.
    let shown = lines(&deployment, "show", &["--json", &id]);
    assert!(shown[0].contains(&id), "{shown:?}");
}

#[test]
fn without_kafka_the_archive_answers_and_says_what_is_missing() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "away");
    let url = format!("file://{}", deployment.file("archive").display());
    deployment.settings += &format!("archive: {{url: \"{url}\", interval: 200ms}}\n");
    let mut audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    audit.write(20);
    audit.flush();
    deployment.wait_for(&clusters, &audit, LIMIT);
    let all = lines(&deployment, "search", &["--count"]);
    let archived = || {
        let output = ask(&deployment, "search", &["--count", "--no-live"]);
        String::from_utf8_lossy(&output.stdout).trim() == all[0]
    };
    assert!(eventually(LIMIT, archived), "not archived");
    daemon.terminate();
    let config = std::fs::read_to_string(deployment.write()).expect("a configuration");
    let away = config.replace(clusters.destination.bootstrap(), "127.0.0.1:1");
    let path = deployment.file("away.yaml");
    std::fs::write(&path, away).expect("a configuration");
    let output = watchbell(&[
        "search",
        "--config",
        path.to_str().expect("a path"),
        "--count",
    ]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        all[0],
        "{told}"
    );
    let missing = format!(
        "what the archive does not hold yet of the topic {} is left out",
        deployment.events
    );
    assert!(told.contains(&missing), "{told}");
}

#[test]
fn what_the_archive_hides_is_hidden_before_and_after_it_is_archived_and_the_ledger_says_so() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "masked");
    let url = format!("file://{}", deployment.file("archive").display());
    let settings = deployment.settings.clone();
    let masked = |interval: &str| {
        format!(
            "{settings}archive: {{url: \"{url}\", interval: {interval}}}\n\
             privacy: {{policies: [{{name: people, fields: {{actor.user: mask}}, archive: [{}, watchbell.routine]}}]}}\n",
            deployment.events
        )
    };
    let (late, soon) = (masked("1h"), masked("200ms"));
    deployment.settings = late;
    let mut audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    audit.write(50);
    audit.flush();
    deployment.wait_for(&clusters, &audit, LIMIT);
    let events: Vec<Value> = read_committed(&clusters.destination, &deployment.events)
        .into_iter()
        .map(|record| serde_json::from_slice(&record.value.unwrap()).unwrap())
        .collect();
    let text = |event: &Value, pointer: &str| event.pointer(pointer)?.as_str().map(str::to_owned);
    let people: BTreeMap<String, String> = events
        .iter()
        .filter_map(|event| {
            Some((
                text(event, "/metadata/uid")?,
                text(event, "/actor/user/uid")?,
            ))
        })
        .filter(|(_, person)| person.len() >= 8)
        .collect();
    assert!(!people.is_empty(), "the topic shows nobody");
    let shown = |deployment: &Deployment, arguments: &[&str]| {
        let lines = lines(
            deployment,
            "search",
            &[&["--json", "--all"], arguments].concat(),
        );
        assert_eq!(lines.len(), events.len());
        for line in &lines {
            let event: Value = serde_json::from_str(line).unwrap();
            let id = text(&event, "/metadata/uid").unwrap_or_default();
            let person = people.get(&id);
            assert!(
                person.is_none_or(|person| !line.contains(person)),
                "{person:?} is in {line}"
            );
        }
    };
    shown(&deployment, &[]);
    daemon.terminate();
    deployment.settings = soon;
    let daemon = deployment.start(0);
    let archived = || {
        let output = ask(&deployment, "search", &["--count", "--no-live"]);
        // The ledger is a table of its own, which is committed before or after the events.
        let listed = ask(&deployment, "ledger", &["--json"]);
        String::from_utf8_lossy(&output.stdout).trim() == events.len().to_string()
            && listed.status.success()
            && !listed.stdout.is_empty()
    };
    assert!(eventually(LIMIT, archived), "not archived");
    shown(&deployment, &["--no-live"]);
    let listed = lines(&deployment, "ledger", &["--json"]);
    let listed: Value = serde_json::from_str(&listed[0]).unwrap();
    let day = listed["day"].as_str().unwrap().to_owned();
    // What was published within the last minute may not be archived yet, so that it would not be judged.
    let verified = || {
        let output = ask(&deployment, "ledger", &["verify", "--day", &day]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}{told}");
        text.contains("rows are there with another value: the archive has a policy of privacy")
            && !text.contains("may not be archived yet")
    };
    assert!(
        eventually(LIMIT, verified),
        "the ledger says nothing of what is hidden"
    );
    // Until then it archives the rest of the ledger.
    daemon.terminate();
}

/// Most memory of the process that archives records of 20 MB and nothing else: librdkafka holds what it has fetched, and
/// a batch is held as rows and as a file.
const LARGE_KB: u64 = 512 * 1024;

#[test]
fn dead_letters_of_20_mb_are_archived_whole_in_bounded_memory_and_are_found() {
    let clusters = clusters();
    let mut deployment = Deployment::without_topics(&clusters, "large");
    create(&clusters.destination, &deployment.events, 1);
    create(&clusters.destination, &deployment.alerts, 1);
    create(&clusters.destination, &deployment.ledger(), 1);
    let letters =
        WantedTopic::new(&deployment.dead_letters, 1).with("max.message.bytes", "33554432");
    create_with(&clusters.destination, &letters);
    let url = format!("file://{}", deployment.file("archive").display());
    deployment.settings += &format!("archive: {{url: \"{url}\", interval: 500ms}}\n");
    let mut audit = deployment.source(&clusters.source, "one");
    let values: Vec<Vec<u8>> = (0..3).map(|_| noise(20_000_000)).collect();
    for value in &values {
        let large = Given::value(value.clone());
        audit.put(0, &large, Fate::DeadLetter("not_utf8"));
    }
    audit.write_event(0);
    audit.flush();
    deployment.arguments = vec!["--role".into(), "ingest".into()];
    let ingest = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    ingest.terminate();
    deployment.arguments = vec!["--role".into(), "archive".into()];
    let archive = deployment.start(1);
    let storage = Storage::open(&url, &[]).expect("a folder");
    let mut found = BTreeMap::new();
    let all = eventually(LIMIT, || {
        found = archived(&storage, TableKind::DeadLetters, &deployment.dead_letters);
        found.len() == values.len()
    });
    assert!(all, "{} are archived: {}", found.len(), archive.log());
    // A transaction that was aborted and made again leaves other offsets.
    let (partition, offset) = *found.keys().next().expect("a place");
    assert!(
        found
            .into_values()
            .eq(values.iter().map(|value| vec![value.clone()])),
        "other values are archived"
    );
    println!("  {} MB at most", archive.peak_kb() / 1024);
    assert!(archive.peak_kb() < LARGE_KB, "{} KB", archive.peak_kb());
    archive.terminate();
    let query = "SELECT count(*) AS n FROM dead_letters WHERE value IS NOT NULL";
    let found = lines(&deployment, "sql", &["--no-live", "--json", query]);
    assert_eq!(found, [format!("{{\"n\":{}}}", values.len())]);
    let found = lines(
        &deployment,
        "search",
        &["--no-live", "dead-letters", "--reason", "not_utf8"],
    );
    assert_eq!(found.len(), values.len());
    assert!(
        found.iter().all(|line| line.len() < 2_000),
        "a line is too long"
    );
    let place = format!("{}/{partition}@{offset}", deployment.dead_letters);
    let shown = lines(&deployment, "show", &[&place]);
    assert!(
        shown.iter().any(|line| line.contains("not_utf8")),
        "{shown:?}"
    );
}
