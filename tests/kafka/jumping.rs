//! Sources whose offsets jump, as those of SLS do: each record once, lag in seconds, faults in plain words, and
//! beside another vendor's source in one daemon.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use watchbell::kafka::topics::ownership_topic;

use super::admin::{expire, re_create};
use super::broker::{Broker, Clusters, turn};
use super::daemon::{Daemon, Deployment, watchbell};
use super::records::{Read, Source, committed, create, offsets_of, read_committed, unique};
use super::sls::{ACCESS_KEY, Logstore, Sls};
use super::{LIMIT, eventually};

const ACTIONTRAIL: &str = include_str!("../data/actiontrail/shapes.ndjson");
const CONFLUENT: &str = include_str!("../data/confluent/shapes.ndjson");

/// A rule for the events of both vendors.
const JOB_DELETED: &str = "39e0a1ba-2f4b-4c35-8d1e-6c1a7d0c9f42";
const RULE: &str = "\
title: Flink job deleted
id: 39e0a1ba-2f4b-4c35-8d1e-6c1a7d0c9f42
taxonomy: ocsf
level: high
logsource: {}
detection:
  deletion: {api.operation: [DeleteStatement, DeleteDeployment]}
  condition: deletion
";

const LOGSTORE: &str = "actiontrail_audit";

/// An endpoint of SLS with an empty Logstore, and a destination.
fn start(partitions: u32) -> (Sls, Clusters) {
    let sls = Sls::start();
    create(&sls.broker, LOGSTORE, partitions);
    let source = Broker::existing(sls.broker.bootstrap());
    (sls, Clusters::of(source, Broker::start()))
}

/// Outputs for these clusters, and the rule for both vendors beside their packs.
fn deployment(clusters: &Clusters, name: &str) -> Deployment {
    let mut deployment = Deployment::new(clusters, name);
    let rule = deployment.file("job_deleted.yaml");
    std::fs::write(&rule, RULE).expect("write a rule");
    deployment.settings += &format!(
        "rules: [pack:confluent, pack:actiontrail, {}]\n",
        rule.display()
    );
    deployment
}

fn shape(shapes: &str, line: usize) -> Value {
    let text = shapes.lines().nth(line - 1).expect("a line");
    serde_json::from_str(text).expect("JSON")
}

/// An event of ActionTrail: a deployment is deleted, or looked at. SLS gives the events of a Logstore as they are, or
/// as strings in an object.
fn actiontrail(number: usize, id: &str, deletion: bool) -> String {
    let mut event = shape(ACTIONTRAIL, 1);
    event["eventId"] = id.into();
    if !deletion {
        event["eventName"] = "GetDeployment".into();
        event["eventRW"] = "Read".into();
    }
    let text = event.to_string();
    match number % 2 {
        0 => text,
        _ => json!({"__topic__": "actiontrail_audit_event", "event": text}).to_string(),
    }
}

/// An event of Confluent: a statement is deleted, or somebody logs in.
fn confluent(_number: usize, id: &str, deletion: bool) -> String {
    let mut event = shape(CONFLUENT, if deletion { 11 } else { 1 });
    event["id"] = id.into();
    event.to_string()
}

/// The next events of a source: every seventh is a deletion.
struct Events {
    prefix: &'static str,
    event: fn(usize, &str, bool) -> String,
    written: usize,
}

impl Events {
    fn trail() -> Events {
        Events {
            prefix: "trail",
            event: actiontrail,
            written: 0,
        }
    }

    fn cloud() -> Events {
        Events {
            prefix: "cloud",
            event: confluent,
            written: 0,
        }
    }

    fn next(&mut self, count: usize) -> Vec<String> {
        let from = self.written;
        self.written += count;
        let event = |number| {
            let id = format!("{}-{number:04}", self.prefix);
            (self.event)(number, &id, is_deletion(number))
        };
        (from..self.written).map(event).collect()
    }

    /// Asserts that each event is there once, and one alert of each deletion.
    fn check(&self, clusters: &Clusters, deployment: &Deployment) {
        let expected = |wanted: fn(usize) -> bool| -> BTreeMap<String, usize> {
            let numbers = (0..self.written).filter(|number| wanted(*number));
            let ids = numbers.map(|number| format!("{}-{number:04}", self.prefix));
            ids.map(|id| (id, 1)).collect()
        };
        let events = read_committed(&clusters.destination, &deployment.events);
        let ids = events.iter().filter_map(|read| read.header("ce_id"));
        assert_eq!(self.counted(ids), expected(|_| true));
        let alerts = read_committed(&clusters.destination, &deployment.alerts);
        let of = alerts.iter().map(alert).filter_map(|alert| {
            let info = &alert["finding_info"];
            let event = info["related_events"][0]["uid"].as_str()?;
            (info["analytic"]["uid"] == JOB_DELETED).then(|| event.to_owned())
        });
        assert_eq!(self.counted(of), expected(is_deletion));
    }

    /// How often each id of these events occurs.
    fn counted(&self, ids: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for id in ids.filter(|id| id.starts_with(self.prefix)) {
            *counts.entry(id).or_default() += 1;
        }
        counts
    }

    /// Wait until so many of them are in the events topic.
    fn wait_for(&self, clusters: &Clusters, deployment: &Deployment, count: usize) {
        let mut seen = 0;
        let there = eventually(LIMIT, || {
            let events = read_committed(&clusters.destination, &deployment.events);
            let ids = events.iter().filter_map(|read| read.header("ce_id"));
            seen = self.counted(ids).len();
            seen >= count
        });
        assert!(there, "{seen} of {count} events of {}", self.prefix);
    }
}

fn is_deletion(number: usize) -> bool {
    number % 7 == 3
}

fn alert(read: &Read) -> Value {
    let value = read.value.as_deref().expect("an alert's value");
    serde_json::from_slice(value).expect("JSON")
}

/// The alerts of the built-in rule with this title, in words of their own.
fn titles(clusters: &Clusters, deployment: &Deployment) -> Vec<String> {
    let alerts = read_committed(&clusters.destination, &deployment.alerts);
    let title = |read| alert(read)["message"].as_str().map(str::to_owned);
    alerts.iter().filter_map(title).collect()
}

fn partition(daemon: &Daemon, source: &str, number: &str) -> Value {
    let (_, page) = daemon.page("/status").expect("a page");
    let page: Value = serde_json::from_str(&page).expect("JSON");
    page["sources"][source]["partitions"][number].clone()
}

/// What `offsets show` prints of a source, a line for each partition.
fn shown(deployment: &Deployment) -> Vec<Vec<String>> {
    let config = deployment.file("watchbell.yaml").display().to_string();
    let ran = watchbell(&["offsets", "show", "-c", &config]);
    let (out, err) = (
        ran.stdout,
        String::from_utf8_lossy(&ran.stderr).into_owned(),
    );
    assert!(ran.status.success(), "{err}");
    let lines = String::from_utf8(out).expect("text");
    let words = |line: &str| line.split('\t').map(str::to_owned).collect();
    lines.lines().skip(1).map(words).collect()
}

#[test]
fn each_record_of_a_source_whose_offsets_jump_passes_once_although_the_daemon_is_killed() {
    let _turn = turn();
    let (sls, clusters) = start(2);
    let mut logstore = Logstore::new(&sls, LOGSTORE, 2);
    let mut deployment = deployment(&clusters, "jumping");
    deployment.name_source("trail", &sls.source(LOGSTORE));
    let name = deployment.source_name("trail");
    let mut events = Events::trail();
    // The first record is not at offset 0.
    logstore.leave_hole();
    expire(&sls.broker, LOGSTORE, &[30, 30]);
    logstore.write(&events.next(30));
    sls.take_no_more_groups(true);

    let mut daemon = deployment.start(0);
    for round in 1..=3 {
        events.wait_for(&clusters, &deployment, 30 * round);
        // Killed while it reads.
        logstore.write(&events.next(15));
        daemon.kill();
        logstore.write(&events.next(15));
        daemon = deployment.start(0);
    }
    events.wait_for(&clusters, &deployment, events.written);
    let offsets = offsets_of(&sls.broker, LOGSTORE).len();
    assert_eq!(offsets, events.written);
    events.check(&clusters, &deployment);

    // The end moves away from the last record, and nothing waits.
    sls.jump_ahead(5_000);
    let caught_up = eventually(LIMIT, || {
        ["0", "1"].iter().all(|of| {
            let partition = partition(&daemon, &name, of);
            partition["lag_seconds"] == 0.0 && partition["lag_records"].is_null()
        })
    });
    assert!(caught_up, "{:?}", daemon.page("/status"));
    let refused = format!("watchbell_source_offset_commit_failures_total{{source=\"{name}\"}}");
    assert!(eventually(LIMIT, || daemon.metric(&refused) > 0));
    let (_, metrics) = daemon.page("/metrics").expect("metrics");
    let of = |metric: &str| format!("watchbell_{metric}{{partition=\"1\",source=\"{name}\"}} ");
    assert!(metrics.contains(&(of("lag_seconds") + "0\n")), "{metrics}");
    assert!(!metrics.contains(&of("lag_records")), "{metrics}");
    assert_eq!(daemon.ready(), Ok(()));
    let (log, _) = daemon.terminate();
    let said = "a Logstore takes at most 30 consumer groups";
    assert_eq!(log.matches(said).count(), 1, "{log}");

    for line in shown(&deployment) {
        let [_, _, _, _, lag, _, _, source, last] = line.as_slice() else {
            panic!("{line:?}");
        };
        let words = [lag, source, last].map(String::as_str);
        assert_eq!(words, ["0s", "same", "same"], "{line:?}");
    }
    assert_eq!(sls.unknown_requests(), [] as [i16; 0]);
}

#[test]
fn a_gap_where_offsets_jump_has_no_number_and_another_record_is_noticed() {
    let _turn = turn();
    let (sls, clusters) = start(1);
    let mut logstore = Logstore::new(&sls, LOGSTORE, 1);
    let mut deployment = deployment(&clusters, "holes");
    deployment.name_source("trail", &sls.source(LOGSTORE));
    let name = deployment.source_name("trail");
    let mut events = Events::trail();
    logstore.write(&events.next(6));
    let daemon = deployment.start(0);
    events.wait_for(&clusters, &deployment, 6);
    daemon.terminate();

    // Written and expired while nobody reads.
    logstore.write(&events.next(6));
    let offsets = offsets_of(&sls.broker, LOGSTORE);
    expire(&sls.broker, LOGSTORE, &[offsets[9]]);
    let daemon = deployment.start(0);
    events.wait_for(&clusters, &deployment, 9);
    let gaps = format!("watchbell_gaps_total{{source=\"{name}\"}}");
    // A commit is counted a moment after the broker has it.
    let counted = eventually(LIMIT, || daemon.metric(&gaps) == 1);
    assert!(counted, "{}", daemon.metric(&gaps));
    let records = format!("watchbell_gap_records_total{{source=\"{name}\"}}");
    assert_eq!(daemon.metric(&records), 0, "nobody knows how many");
    let expected = format!("Audit records of {name}/partition 0 expired before they were read");
    let titles = titles(&clusters, &deployment);
    assert!(titles.contains(&expected), "{titles:?}");
    let (log, _) = daemon.terminate();
    assert!(!log.contains("\"records\":"), "{log}");

    // Another topic of the same name that has a record where the last one was.
    let ownership = ownership_topic(&name);
    let position = || committed(&clusters.destination, &deployment.group, &ownership, 1)[0];
    let before = position();
    let last = *offsets.last().expect("records");
    assert!(
        before > last + 1,
        "{before} is right after the record at {last}"
    );
    re_create(&sls.broker, LOGSTORE, 1);
    let mut other = Source::new(&sls.broker, LOGSTORE, 1);
    other.write(before as u64 + 5);
    other.flush();
    let daemon = deployment.start(0);
    daemon.wait_for_page("/readyz", LIMIT, |status, body| {
        status == 503 && body.contains("another_record")
    });
    assert_eq!(position(), before);
}

#[test]
fn validate_says_in_plain_words_what_is_wrong_with_a_source_of_sls() {
    let _turn = turn();
    let (sls, clusters) = start(2);
    let validate = |settings: &str| {
        let mut deployment = deployment(&clusters, "checked");
        deployment.name_source("trail", settings);
        let config = deployment.write().display().to_string();
        let ran = watchbell(&["validate", "--connect", "-c", &config]);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!said.contains("SECRET"), "{said}");
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        (ran.status.code(), said, out)
    };
    let (code, said, out) = validate(&sls.source(LOGSTORE));
    assert_eq!((code, out.as_str()), (Some(0), ""), "{said}");
    for fine in [
        "fine: topic actiontrail_audit has 2 partitions",
        "fine: Read on topic actiontrail_audit",
        "fine: offsets jump there: lag is given in seconds",
        "one of the 30 consumer groups",
        "lag_group: none",
    ] {
        assert!(said.contains(fine), "{fine}\n{said}");
    }

    // Cut off at the number sign, as a shell or YAML would.
    let (id, _) = ACCESS_KEY.split_once('#').expect("a number sign");
    let (code, said, _) = validate(&sls.source_with(LOGSTORE, id));
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("sasl.password is <AccessKeyId>#<AccessKeySecret>"),
        "{said}"
    );

    let (code, said, out) = validate(&sls.source("actiontrail_other"));
    assert_eq!((code, out.as_str()), (Some(1), ""), "{said}");
    assert!(
        said.contains("the topic actiontrail_other does not exist"),
        "{said}"
    );
    assert!(
        said.contains("the name of the Logstore (actiontrail_<trail>)"),
        "{said}"
    );
    assert_eq!(sls.unknown_requests(), [] as [i16; 0]);
}

#[test]
fn one_daemon_reads_a_source_of_each_vendor_with_one_rule_set() {
    let _turn = turn();
    let (sls, mut clusters) = start(2);
    clusters.source = Broker::start();
    let mut deployment = deployment(&clusters, "both");
    deployment.name_source("trail", &sls.source(LOGSTORE));
    let topic = unique("cloud");
    create(&clusters.source, &topic, 2);
    let bootstrap = clusters.source.bootstrap();
    deployment.name_source(
        "cloud",
        &format!("bootstrap: \"{bootstrap}\", topic: {topic}"),
    );
    let mut logstore = Logstore::new(&sls, LOGSTORE, 2);
    let mut cloud = Source::new(&clusters.source, &topic, 2);
    let mut write = |trail: &mut Events, audit: &mut Events| {
        logstore.write(&trail.next(20));
        for (number, event) in audit.next(50).iter().enumerate() {
            cloud.write_value(number % 2, event.as_bytes());
        }
        cloud.flush();
    };
    let (mut trail, mut audit) = (Events::trail(), Events::cloud());
    write(&mut trail, &mut audit);
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    write(&mut trail, &mut audit);
    for events in [&trail, &audit] {
        events.wait_for(&clusters, &deployment, events.written);
        events.check(&clusters, &deployment);
    }
    assert!(read_committed(&clusters.destination, &deployment.dead_letters).is_empty());

    // The number of records where it means something, and only there.
    let [trail, cloud] = ["trail", "cloud"].map(|name| deployment.source_name(name));
    let figures = eventually(LIMIT, || {
        let [trail, cloud] = [&trail, &cloud].map(|name| partition(&daemon, name, "0"));
        trail["lag_records"].is_null()
            && trail["lag_seconds"] == 0.0
            && cloud["lag_records"] == 0
            && cloud["lag_seconds"] == 0.0
    });
    assert!(figures, "{:?}", daemon.page("/status"));
    for (source, expected) in [(trail, 6), (cloud, 14)] {
        let alerts = format!(
            "watchbell_alerts_total{{level=\"high\",rule=\"{JOB_DELETED}\",source=\"{source}\"}}"
        );
        let counted = eventually(LIMIT, || daemon.metric(&alerts) == expected);
        assert!(counted, "{source}: {}", daemon.metric(&alerts));
    }
    daemon.terminate();
}
