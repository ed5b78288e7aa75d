//! `tail` and `show` as a person runs them, on topics with outputs of the pipeline.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tempfile::TempDir;
use watchbell::event::{Offset, OutputBuffer, OutputRecord, Partition, Position, RawRecord};
use watchbell::pipeline::{self, Catalogs, Content, Names, OutputList, Pipeline};
use watchbell::rules::{CurrentRules, Overrides, RuleSet};

use super::LIMIT;
use super::broker::{Broker, Clusters, clusters};
use super::flow::settle;
use super::node::signal_process;
use super::records::{committed, create, unique};

const SEED: &str = include_str!("../data/confluent/seed.ndjson");
const NAMES: &str = "u-devccq71mwp: {name: Jane Doe, team: streaming}";

/// Output topics of one test.
struct Topics {
    events: Arc<str>,
    alerts: Arc<str>,
    dead_letters: Arc<str>,
}

/// Topics of one test, and a configuration that names them.
struct House {
    bootstrap: String,
    topics: Topics,
    source_topic: String,
    pipeline: Pipeline,
    folder: TempDir,
}

impl House {
    fn new(clusters: &Clusters, name: &str) -> House {
        let destination = &clusters.destination;
        let topic = |part: &str, partitions| {
            let topic = unique(&format!("{name}.{part}"));
            create(destination, &topic, partitions);
            topic
        };
        let topics = Topics {
            events: topic("events", 3).into(),
            alerts: topic("alerts", 1).into(),
            dead_letters: topic("dead", 1).into(),
        };
        let source_topic = unique(&format!("{name}.source"));
        create(&clusters.source, &source_topic, 2);
        let house = House {
            bootstrap: destination.bootstrap().to_owned(),
            pipeline: pipeline(&topics),
            topics,
            source_topic,
            folder: TempDir::new().unwrap(),
        };
        let config = format!(
            "sources: {{audit: {{bootstrap: '{}', topic: {}}}}}\n\
             destination: {{bootstrap: '{}'}}\n\
             topics: {{events: {}, alerts: {}, dead_letters: {}}}\n\
             group: {name}-viewers\n",
            clusters.source.bootstrap(),
            house.source_topic,
            house.bootstrap,
            house.topics.events,
            house.topics.alerts,
            house.topics.dead_letters,
        );
        fs::write(house.config(), config).unwrap();
        house
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("watchbell.yaml")
    }

    /// What the daemon would write of a value that it read at the source's partition 1.
    fn outputs(&self, value: &str, offset: i64) -> Vec<OutputRecord> {
        let record = RawRecord {
            position: Position {
                topic: &self.source_topic,
                partition: Partition(1),
                offset: Offset(offset),
                element: None,
            },
            timestamp_ms: Some(1_773_480_414_000),
            key: None,
            value: Some(value.as_bytes()),
            headers: Vec::new(),
        };
        let mut out = OutputBuffer::default();
        self.pipeline.begin().process(&record, now_ms(), &mut out);
        out.to_records()
    }

    /// Writes outputs in one transaction; events to the partition.
    fn write(&self, outputs: &[OutputRecord], partition: i32, commit: bool) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .set("transactional.id", unique("viewing"))
            .create()
            .unwrap();
        producer.init_transactions(LIMIT).unwrap();
        producer.begin_transaction().unwrap();
        for output in outputs {
            let mut headers = OwnedHeaders::new();
            for (name, value) in &output.headers {
                let value = value.as_deref();
                headers = headers.insert(Header { key: name, value });
            }
            let of_events = output.topic == self.topics.events;
            let mut record = BaseRecord::<[u8], [u8]>::to(&output.topic)
                .partition(if of_events { partition } else { 0 })
                .headers(headers);
            record = match output.key.as_deref() {
                Some(key) => record.key(key),
                None => record,
            };
            if let Some(value) = output.value.as_deref() {
                record = record.payload(value);
            }
            producer.send(record).map_err(|(error, _)| error).unwrap();
            producer.poll(Duration::ZERO);
        }
        producer.flush(LIMIT).unwrap();
        if commit {
            producer.commit_transaction(LIMIT).unwrap();
        } else {
            producer.abort_transaction(LIMIT).unwrap();
        }
        let topics: BTreeSet<&str> = outputs.iter().map(|output| &*output.topic).collect();
        for topic in topics {
            settle(&Broker::existing(&self.bootstrap), topic);
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
        command.args(arguments).arg("-c").arg(self.config());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(arguments).output().unwrap();
        Ended {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            talk: String::from_utf8(stderr).unwrap(),
        }
    }
}

#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    talk: String,
}

impl Ended {
    fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_millis() as i64
}

fn pipeline(topics: &Topics) -> Pipeline {
    let catalog = Catalogs::shipped().unwrap();
    let sources = ["pack:confluent".parse().unwrap()];
    let known = pipeline::known(&catalog);
    let parse = &pipeline::Path::parse;
    let rules = RuleSet::load(&sources, &known, &Overrides::default(), parse).unwrap();
    let names = Names::parse_yaml(NAMES, "names.yaml").unwrap();
    let rules = Arc::new(CurrentRules::new(rules));
    let lookups = Arc::new(ArcSwap::from_pointee(names.into()));
    let outputs = OutputList::new(|content| match content {
        Content::Events => topics.events.clone(),
        Content::Alerts => topics.alerts.clone(),
        Content::DeadLetters | Content::Ledger => topics.dead_letters.clone(),
    });
    Pipeline::new(outputs, Arc::new(catalog), rules, lookups)
}

fn deletion() -> &'static str {
    let mut lines = SEED.lines();
    lines.find(|line| line.contains("DeleteStatement")).unwrap()
}

/// The deletion under an id of its own.
fn deletion_with_id(id: &str) -> String {
    deletion().replace("de07cd1b-ec0f-4d0e-abce-050a993e7532", id)
}

/// A command that runs on, and its lines as they come.
struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    fn start(house: &House, arguments: &[&str]) -> Following {
        let mut child = house
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        // It says so when what is there has been shown.
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        talk.read_line(&mut said).unwrap();
        assert!(said.starts_with("following "), "{said}");
        thread::spawn(move || talk.read_to_string(&mut String::new()));
        Following { child, lines }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line")
    }

    fn end(mut self, signal: &str) -> (Option<i32>, Vec<String>) {
        signal_process(self.child.id(), signal);
        let code = self.child.wait().unwrap().code();
        (code, self.lines.iter().collect())
    }
}

#[test]
fn tail_shows_existing_and_new_records_and_commits_nothing() {
    let clusters = clusters();
    let house = House::new(&clusters, "tail");
    for (value, partition) in SEED.lines().zip([0, 1, 2].into_iter().cycle()) {
        house.write(&house.outputs(value, 0), partition, true);
    }
    let following = Following::start(&house, &["tail", "-n", "2"]);
    let before = [following.next(), following.next()];
    assert!(before[0].contains("GetStatement"), "{before:?}");
    assert!(before[1].contains("ListStatements"), "{before:?}");
    assert!(before[1].contains("Jane Doe (u-devccq71mwp)"), "{before:?}");
    let place = format!("{}/2@", house.topics.events);
    assert!(before[1].contains(&place), "{before:?}");

    house.write(&house.outputs(&deletion_with_id("taken-back"), 1), 0, false);
    house.write(&house.outputs(&deletion_with_id("kept"), 2), 0, true);
    let line = following.next();
    assert!(line.starts_with("2023-09-22T16:48:05Z  Jane Doe"), "{line}");
    assert!(line.contains("from 134.238.202.222"), "{line}");
    let (code, rest) = following.end("INT");
    assert_eq!(code, Some(0));
    assert!(rest.is_empty(), "{rest:?}");

    let positions = committed(
        &clusters.destination,
        "tail-viewers",
        &house.topics.events,
        3,
    );
    assert!(positions.iter().all(|offset| *offset < 0), "{positions:?}");

    let alerts = house.run(&["tail", "alerts", "--from-beginning", "--no-follow"]);
    assert_eq!(
        (alerts.code, alerts.lines().len()),
        (Some(0), 3),
        "{alerts:?}"
    );
    assert!(
        alerts
            .out
            .contains("[LOW]       Scratch Flink statement deleted: Jane Doe")
    );
    let json = house.run(&["tail", "--since", "1h", "--no-follow", "--json"]);
    let ids: Vec<String> = json
        .lines()
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["metadata"]["uid"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), SEED.lines().count() + 1, "{json:?}");
    assert!(ids.contains(&"kept".to_owned()) && !ids.contains(&"taken-back".to_owned()));
    let later = house.run(&["tail", "--since", "2100-01-01T00:00:00Z", "--no-follow"]);
    assert_eq!((later.code, later.out.as_str()), (Some(0), ""), "{later:?}");
}

#[test]
fn tail_continues_when_the_broker_restarts_and_when_the_topic_grows() {
    let mut clusters = clusters();
    let house = House::new(&clusters, "restart");
    let following = Following::start(&house, &["tail", "-n", "0"]);
    house.write(&house.outputs(&deletion_with_id("before"), 0), 0, true);
    assert!(following.next().contains("events"));
    clusters.destination.stop();
    clusters.destination.start_again();
    house.write(&house.outputs(&deletion_with_id("after"), 1), 0, true);
    let place = format!("{}/0@2", house.topics.events);
    let line = following.next();
    assert!(line.ends_with(&place), "{line}");
    let topics = watchbell::kafka::topics::Topics::new(&clusters.destination.cluster(), LIMIT);
    topics.unwrap().grow(&house.topics.events, 4).unwrap();
    house.write(&house.outputs(&deletion_with_id("new"), 2), 3, true);
    let place = format!("{}/3@0", house.topics.events);
    let line = following.next();
    assert!(line.ends_with(&place), "{line}");
    let (code, rest) = following.end("TERM");
    assert_eq!((code, rest), (Some(0), Vec::new()));
}

#[test]
fn tail_filters_and_refuses_a_wrong_filter() {
    let clusters = clusters();
    let house = House::new(&clusters, "filter");
    for value in SEED.lines() {
        house.write(&house.outputs(value, 0), 1, true);
    }
    house.write(&house.outputs("{\"cut\u{1b}[2J", 7), 0, true);
    let shown = |arguments: &[&str]| {
        let mut all = vec!["tail", "--no-follow"];
        all.extend(arguments);
        let ended = house.run(&all);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.out
    };
    let by_name = shown(&["--filter", "actor.user.name: Jane Doe"]);
    assert_eq!(by_name.lines().count(), 2, "{by_name}");
    let both = shown(&[
        "--filter",
        "actor.user.name: Jane Doe",
        "--filter",
        "api.operation|startswith: Delete",
    ]);
    assert_eq!(both.lines().count(), 1, "{both}");
    let newest = shown(&["-n", "1", "--filter", "api.operation|endswith: Workspace"]);
    assert!(
        newest.contains("UpdateWorkspace") && newest.lines().count() == 1,
        "{newest}"
    );
    let rule = house.folder.path().join("rule.yaml");
    fs::write(
        &rule,
        "s: {resources.type: STATEMENT}\nt: {activity_name: Read}\ncondition: s and not t",
    )
    .unwrap();
    let by_file = shown(&["--from-beginning", "--filter-file", rule.to_str().unwrap()]);
    assert_eq!(by_file.lines().count(), 2, "{by_file}");
    let dead = shown(&["dead-letters", "--filter", "watchbell-reason: not_json"]);
    let place = format!("read at {}/1@7", house.source_topic);
    assert!(
        dead.contains(&place) && dead.contains("{\"cut\\u001b[2J"),
        "{dead}"
    );
    assert!(!dead.contains('\u{1b}'), "{dead:?}");
    let dead = shown(&["dead-letters", "--json"]);
    let dead: serde_json::Value = serde_json::from_str(&dead).unwrap();
    assert_eq!(dead["value"], "{\"cut\u{1b}[2J");
    assert_eq!(dead["headers"]["watchbell-reason"], "not_json");

    let refused = house.run(&["tail", "--filter", "api.operatoin: x"]);
    assert_eq!(refused.code, Some(78));
    assert_eq!(
        refused.talk,
        "--filter:1:1: error: unknown field `api.operatoin`\n  help: did you mean `api.operation`?\n"
    );
    let moment = house.run(&["tail", "--since", "yesterday"]);
    assert_eq!(moment.code, Some(2));
    assert!(moment.talk.contains("such as 10m"), "{moment:?}");
}

#[test]
fn show_finds_by_id_by_position_and_by_source_position() {
    let clusters = clusters();
    let house = House::new(&clusters, "show");
    let source = super::records::Source::new(&clusters.source, &house.source_topic, 2);
    let value = deletion_with_id("event-1");
    write_source(source, &value);
    house.write(&house.outputs(&value, 0), 2, true);
    house.write(&house.outputs("{\"id\":\"cut-off\",", 5), 0, true);
    for number in 0..40 {
        let listing = SEED.lines().last().unwrap();
        let id = format!("after-{number}");
        let listing = listing.replace("5e6bc2d3-9881-442b-af0c-a0a6aa127867", &id);
        house.write(&house.outputs(&listing, number), 2, true);
    }
    let alert_id = {
        let alerts = house.run(&["tail", "alerts", "--no-follow", "--json"]);
        // The second one tells of the dead letter.
        let alert = alerts.lines()[0];
        let alert: serde_json::Value = serde_json::from_str(alert).unwrap();
        alert["finding_info"]["uid"].as_str().unwrap().to_owned()
    };

    let event_page = house.run(&["show", "event-1"]);
    assert_eq!(event_page.code, Some(0), "{event_page:?}");
    let first = "DeleteStatement by Jane Doe (u-devccq71mwp): Success\n";
    assert!(event_page.out.starts_with(first), "{event_page:?}");
    for part in [
        "Related resources\n  STATEMENT workspace-2023-09-19",
        "belongs to    ORGANIZATION e9eb4f2c-ef73-475c-ba7f-6b37a4ff00e5 > ENVIRONMENT env-v6x7j0",
        "\"StatementName\": \"workspace-2023-09-19",
        "Alerts raised by it\n  2023-09-22T16:48:05Z  [LOW]",
        &alert_id,
    ] {
        assert!(
            event_page.out.contains(part),
            "{part} in {}",
            event_page.out
        );
    }
    let by_place = house.run(&["show", &format!("{}/2@0", house.topics.events)]);
    assert_eq!(by_place.out, event_page.out);
    let by_source = house.run(&["show", &format!("{}[1]@0", house.source_topic)]);
    assert_eq!(by_source.out, event_page.out, "{by_source:?}");

    let alert_page = house.run(&["show", &alert_id]);
    assert!(
        alert_page.out.starts_with("[LOW] Scratch Flink"),
        "{alert_page:?}"
    );
    assert!(
        alert_page
            .out
            .contains("The event behind it\nDeleteStatement by Jane Doe")
    );
    let json = house.run(&["show", "event-1", "--json", "--since", "1h"]);
    let event: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (event["metadata"]["uid"].as_str(), json.lines().len()),
        (Some("event-1"), 1)
    );
    let dead = house.run(&["show", &format!("{}/1@5", house.source_topic)]);
    assert!(dead.out.starts_with("Dead letter: not_json\n"), "{dead:?}");
    let dead = house.run(&["show", "cut-off"]);
    assert!(dead.out.contains("{\"id\":\"cut-off\","), "{dead:?}");

    for reference in [
        "event-1",
        &alert_id,
        &format!("{}/2@0", house.topics.events),
    ] {
        let rule = "Scratch Flink statement deleted";
        let explained = house.run(&["explain", rule, "--event", reference]);
        assert_eq!(explained.code, Some(0), "{explained:?}");
        let seen = "yes      api.operation: DeleteStatement  (the event has DeleteStatement)";
        assert!(explained.out.contains(seen), "{reference}: {explained:?}");
    }
    let explained = house.run(&["explain", "Scratch Flink statement deleted", "--event", "x"]);
    assert_eq!(explained.code, Some(1), "{explained:?}");
}

fn write_source(mut source: super::records::Source, value: &str) {
    source.write_value(1, value.as_bytes());
    source.flush();
}

#[test]
fn show_says_where_it_searched_without_success() {
    let clusters = clusters();
    let house = House::new(&clusters, "vain");
    house.write(&house.outputs(&deletion_with_id("taken-back"), 0), 0, false);
    house.write(&house.outputs(deletion(), 1), 0, true);
    let (events, alerts) = (&house.topics.events, &house.topics.alerts);
    let cases = [
        (
            "taken-back".to_owned(),
            vec![
                format!("1 records of {events}, back to 20"),
                format!("1 records of {alerts}"),
            ],
        ),
        (
            format!("{events}/0@0"),
            vec!["a record of an aborted transaction".to_owned()],
        ),
        (
            format!("{events}/0@99"),
            vec!["begins at offset 0, and its end offset is 4".to_owned()],
        ),
        (
            format!("{events}/9@0"),
            vec!["has no such partition: it has 3".to_owned()],
        ),
        (
            "elsewhere/0@0".to_owned(),
            vec![format!("neither the topic of a source nor one of {events}")],
        ),
        (
            format!("{}/1@3", house.source_topic),
            vec!["no output of the source record".to_owned()],
        ),
    ];
    for (reference, said) in cases {
        let ended = house.run(&["show", &reference]);
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(1), ""),
            "{reference}: {ended:?}"
        );
        for part in said {
            assert!(ended.talk.contains(&part), "{part} in {ended:?}");
        }
    }
}

#[test]
fn an_alert_that_was_too_large_for_its_event_is_shown_with_it() {
    let clusters = clusters();
    let house = House::new(&clusters, "apart");
    let mut outputs = house.outputs(&deletion_with_id("event-2"), 0);
    let alert = outputs[1].value.as_deref().unwrap();
    let mut alert: serde_json::Value = serde_json::from_slice(alert).unwrap();
    alert["evidences"][0]
        .as_object_mut()
        .unwrap()
        .remove("data");
    outputs[1].value = Some(alert.to_string().into());
    house.write(&outputs, 1, true);
    let page = house.run(&["show", &format!("{}/0@0", house.topics.alerts)]);
    let behind = "The event behind it\nDeleteStatement by Jane Doe (u-devccq71mwp): Success";
    assert!(page.out.contains(behind), "{page:?}");
    assert!(
        page.out.contains(&format!("{}/1@0", house.topics.events)),
        "{page:?}"
    );
}

#[test]
fn tail_ends_without_an_error_when_stdout_is_closed() {
    let clusters = clusters();
    let house = House::new(&clusters, "closed");
    house.write(&house.outputs(deletion(), 0), 0, true);
    let mut child = house
        .command(&["tail", "--from-beginning"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    child.wait().unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("following "), "{said}");
}

#[test]
fn replay_runs_the_part_of_a_source_topic_that_a_range_of_time_names() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let clusters = clusters();
    let house = House::new(&clusters, "ranged");
    let mut source = super::records::Source::new(&clusters.source, &house.source_topic, 2);
    // Within the retention time of the cluster.
    let first_ms = now_ms() - 6 * DAY_MS;
    let time = |later_ms: i64| {
        let time = jiff::Timestamp::from_millisecond(first_ms + later_ms).unwrap();
        time.to_string()
    };
    for day in 0..6 {
        let value = deletion_with_id(&format!("day-{day}"));
        let partition = usize::from(day % 2 == 1);
        source.write_at(partition, value.as_bytes(), Some(first_ms + day * DAY_MS));
    }
    // Behind a record that is a minute younger.
    let late_ms = 4 * DAY_MS - 60_000;
    source.write_at(0, b"{", Some(first_ms + late_ms));
    source.flush();
    source.write_at(0, b"{", Some(first_ms));
    source.flush();
    let replay = |arguments: &[&str]| {
        let topic = ["replay", "--topic", &house.source_topic];
        house.run(&[&topic, arguments].concat())
    };
    let all = replay(&["--emit", "events"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    assert_eq!(all.lines().len(), 6, "{all:?}");
    assert!(all.talk.contains("8 records in "), "{all:?}");
    let (from, to) = (time(2 * DAY_MS), time(4 * DAY_MS));
    let range = ["--from", &from, "--to", &to];
    let part = replay(&[&range[..], &["--summary", "--json"]].concat());
    assert_eq!(part.code, Some(0), "{part:?}");
    let summary: serde_json::Value = serde_json::from_str(&part.out).unwrap();
    assert_eq!(summary["events"], 2, "{part:?}");
    assert_eq!(summary["dead_letters"]["not_json"], 1, "{part:?}");
    let letter = &summary["rules"][0];
    assert_eq!(
        letter["title"], "Audit record became a dead letter",
        "{part:?}"
    );
    // The day of a dead letter is that of its record.
    assert_eq!(letter["days"][&time(late_ms)[..10]], 1, "{part:?}");
    let at = format!("{}/0@3", house.source_topic);
    assert_eq!(letter["samples"][0]["at"], at, "{part:?}");
    // A source is also found by its name; nothing was written in the last hour.
    let recent = house.run(&["replay", "--topic", "audit", "--from", "1h", "--summary"]);
    assert_eq!(recent.code, Some(0), "{recent:?}");
    assert!(recent.out.starts_with("0 alerts of 0 rules"), "{recent:?}");
    let other = house.run(&["replay", "--topic", "nothing"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.talk.contains("its sources are audit"), "{other:?}");
}

#[test]
fn the_error_names_a_missing_topic() {
    let clusters = clusters();
    let house = House::new(&clusters, "missing");
    let config = fs::read_to_string(house.config()).unwrap();
    fs::write(
        house.config(),
        config.replace(&*house.topics.alerts, "no.such.topic"),
    )
    .unwrap();
    let ended = house.run(&["tail", "alerts"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .talk
            .contains("the topic no.such.topic does not exist"),
        "{ended:?}"
    );
}
