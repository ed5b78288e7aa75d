//! Outputs larger than their topics allow: events without raw parts, shortened alerts, dead letters without a
//! value. Each record has its result exactly once, and other records are not affected.

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest, Sha256};
use watchbell::kafka::topics::WantedTopic;

use super::LIMIT;
use super::audit::{Audit, Fate, Given, STATEMENT_DELETED};
use super::bad_input::{limit_records, noise};
use super::broker::{Clusters, clusters};
use super::daemon::{Daemon, Deployment};
use super::records::{Read, create_with, read_committed};

/// What the topics take, in bytes.
const EVENTS: usize = 60_000;
const ALERTS: usize = 12_000;
const DEAD_LETTERS: usize = 20_000;

/// Text that lz4 cannot make much smaller.
fn text(bytes: usize) -> String {
    let hex = |byte: u8| format!("{byte:02x}");
    noise(bytes / 2).into_iter().map(hex).collect()
}

/// Write an event after a change; its id.
fn put(audit: &mut Audit, partition: usize, fate: Fate, change: impl FnOnce(&mut Value)) -> String {
    let mut event = audit.next_event(partition, matches!(fate, Fate::Alert(_)));
    let id = audit.next_id(partition);
    change(&mut event);
    audit.put(partition, &Given::value(event.to_string()), fate);
    id
}

fn deployment(clusters: &Clusters) -> Deployment {
    let deployment = Deployment::without_topics(clusters, "large");
    for (name, partitions, limit) in [
        (&deployment.events, 3, EVENTS),
        (&deployment.alerts, 1, ALERTS),
        (&deployment.dead_letters, 2, DEAD_LETTERS),
    ] {
        let topic = WantedTopic::new(name, partitions).with("max.message.bytes", limit.to_string());
        create_with(&clusters.destination, &topic);
    }
    deployment
}

/// The values of a topic by the id of the event they are about.
fn by_event(clusters: &Clusters, topic: &str) -> HashMap<String, Value> {
    let read = read_committed(&clusters.destination, topic);
    let values = read.iter().map(|read| {
        let value: Value = serde_json::from_slice(read.value.as_deref().unwrap()).expect("JSON");
        let related = value["finding_info"]["related_events"][0]["uid"].as_str();
        let id = related.or(value["metadata"]["uid"].as_str());
        (id.expect("an id").to_owned(), value)
    });
    values.collect()
}

fn has_label(value: &Value, label: &str) -> bool {
    let labels = value["metadata"]["labels"].as_array();
    labels.is_some_and(|labels| labels.iter().any(|has| has == label))
}

#[test]
fn too_large_outputs_are_reduced_and_other_records_are_not_affected() {
    let clusters = clusters();
    let mut deployment = deployment(&clusters);
    // Whatever fits a batch goes in it.
    deployment.properties = "linger.ms: 20".into();
    let mut audit = deployment.source(&clusters.source, "one");
    let alert = Fate::Alert(STATEMENT_DELETED);
    let too_large = Fate::DeadLetter("too_large");
    let principal = "/data/authenticationInfo/principalResourceId";
    let resource = "/data/cloudResources/0/resource/resourceId";
    let pad = |bytes| move |event: &mut Value| event["padding"] = text(bytes).into();
    let name = |place: &'static str, bytes| {
        move |event: &mut Value| *event.pointer_mut(place).expect(place) = text(bytes).into()
    };

    audit.write(2_000);
    let slimmed = put(&mut audit, 0, Fate::Event, pad(100_000));
    audit.write(8);
    let bare = put(&mut audit, 1, alert, pad(40_000));
    let both = put(&mut audit, 1, alert, pad(200_000));
    audit.write(8);
    let shortened = put(&mut audit, 2, alert, name(resource, 14_000));
    let refused = put(&mut audit, 3, too_large, name(principal, 80_000));
    audit.write(8);
    let broken = noise(40_000);
    let fate = Fate::DeadLetter("not_utf8");
    let cut = audit.put(3, &Given::value(broken.clone()), fate);
    audit.write(2_000);
    audit.flush();
    let daemon = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);

    let events = by_event(&clusters, &deployment.events);
    let alerts = by_event(&clusters, &deployment.alerts);
    assert!(has_label(&events[&slimmed], "raw:slimmed"));
    assert!(!has_label(&events[&bare], "raw:slimmed"));
    assert_eq!(alerts[&bare]["evidences"][0].get("data"), None);
    assert!(!has_label(&alerts[&bare], "alert:shortened"));
    assert!(has_label(&events[&both], "raw:slimmed"));
    assert!(!has_label(&alerts[&both], "alert:shortened"));
    assert!(!has_label(&events[&shortened], "raw:slimmed"));
    assert!(has_label(&alerts[&shortened], "alert:shortened"));
    assert!(!events.contains_key(&refused));
    let letters = read_committed(&clusters.destination, &deployment.dead_letters);
    check_cut(&letters, (3, cut), &broken);
    assert_eq!(taken_back(&daemon, "poison"), 0, "all was foreseen");

    limits_that_change(&clusters, &deployment, &daemon, &mut audit);
    audit.check_exactly_once(&clusters, &deployment);
    daemon.terminate();
}

/// Topics take less than they did at the start, and the dead letters' for a while nothing at all.
fn limits_that_change(
    clusters: &Clusters,
    deployment: &Deployment,
    daemon: &Daemon,
    audit: &mut Audit,
) {
    limit_records(&clusters.destination, &deployment.events, 10_000);
    limit_records(&clusters.destination, &deployment.dead_letters, 5_000);
    let alert = Fate::Alert(STATEMENT_DELETED);
    let pad = |event: &mut Value| event["padding"] = text(18_000).into();
    audit.write(21);
    let deleted: Vec<String> = (0..64).map(|n| put(audit, n % 4, alert, pad)).collect();
    let broken = noise(18_000);
    let fate = Fate::DeadLetter("not_utf8");
    let offset = audit.put(1, &Given::value(broken.clone()), fate);
    audit.write(21);
    audit.flush();
    deployment.wait_for(clusters, audit, LIMIT);
    let letters = read_committed(&clusters.destination, &deployment.dead_letters);
    check_cut(&letters, (1, offset), &broken);
    let alerts = by_event(clusters, &deployment.alerts);
    let events = by_event(clusters, &deployment.events);
    for id in deleted {
        assert!(has_label(&events[&id], "raw:slimmed"));
        assert!(alerts.contains_key(&id), "{id} alerts nobody");
    }
    // The first refusal tells the limits: the other records are made to fit at once.
    let refusals = taken_back(daemon, "poison");
    assert!((1..=3).contains(&refusals), "{refusals}");
    let quarantined = daemon.metric_sum("watchbell_quarantined_records_total");
    assert_eq!(quarantined, 0, "no record is to blame");

    limit_records(&clusters.destination, &deployment.dead_letters, 200);
    audit.write_event(2);
    let fate = Fate::DeadLetter("not_an_object");
    let offset = audit.put(2, &Given::value("[1, 2]"), fate);
    audit.write_event(2);
    audit.flush();
    let says = |status, body: &str| {
        status == 503
            && body.contains("output_refused")
            && body.contains(&deployment.dead_letters)
            && body.contains("raise max.message.bytes")
    };
    let said = daemon.wait_for_page("/readyz", LIMIT, says);
    println!("  {}", said.trim());
    limit_records(&clusters.destination, &deployment.dead_letters, 20_000);
    deployment.wait_for(clusters, audit, LIMIT);
    daemon.wait_until_ready();
    let letters = read_committed(&clusters.destination, &deployment.dead_letters);
    let letter = letters.iter().find(|read| is_at(read, (2, offset)));
    let value = letter.expect("a dead letter").value.as_deref();
    assert_eq!(value, Some(&b"[1, 2]"[..]), "nothing is cut any more");
}

fn taken_back(daemon: &Daemon, reason: &str) -> u64 {
    daemon.metric_sum(&format!("watchbell_aborts_total{{reason=\"{reason}\""))
}

/// Whether this is the dead letter of a place.
fn is_at(read: &Read, (partition, offset): (usize, usize)) -> bool {
    read.header("watchbell-source-partition") == Some(partition.to_string())
        && read.header("watchbell-source-offset") == Some(offset.to_string())
}

/// The dead letter of this place has no value, but its size and hash.
fn check_cut(letters: &[Read], place: (usize, usize), value: &[u8]) {
    let letter = letters.iter().find(|read| is_at(read, place));
    let letter = letter.expect("a dead letter");
    assert_eq!(letter.value, None);
    let header = |name| letter.header(name).expect("a header");
    assert_eq!(header("watchbell-cut-size"), value.len().to_string());
    let hash = Sha256::digest(value);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(header("watchbell-cut-sha256"), hex);
}
