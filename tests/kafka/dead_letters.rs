//! `dead-letters`: what was repaired, or is supported by now, becomes its event and its alerts once, whoever is killed
//! and however many do it at the same time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use watchbell::encode::{self, DeadLetter};
use watchbell::event::{Offset, OutputRecord, Partition, Position, RawRecord};
use watchbell::kafka::topics::WantedTopic;

use super::bad_input::limit_records;
use super::broker::{Broker, Clusters, clusters};
use super::daemon::{Deployment, watchbell};
use super::flow::{Ends, settle};
use super::node::signal_process;
use super::records::{Read, Source, create_with, producer, read_committed, unique};
use super::stub::{Received, Stub, ok};
use super::{Dice, LIMIT, eventually};

const RULE: &str = "title: Topic deleted\n\
     id: 11111111-1111-4111-8111-111111111111\n\
     level: high\n\
     logsource: {product: confluent}\n\
     detection: {deletion: {api.operation: kafka.DeleteTopics}, condition: deletion}\n";

pub fn deletion(id: &str, actor: &str) -> Vec<u8> {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "crn://confluent.cloud/",
        "type": "io.confluent.kafka.server/request",
        "data": {
            "serviceName": "crn://confluent.cloud/", "methodName": "kafka.DeleteTopics",
            "authenticationInfo": {"principal": {"confluentUser": {"resourceId": actor}}},
            "result": {"status": "SUCCESS"},
        },
    });
    event.to_string().into_bytes()
}

/// A deployment with one rule.
pub fn with_rule(mut deployment: Deployment) -> Deployment {
    let rule = deployment.file("rule.yaml");
    std::fs::write(&rule, RULE).expect("a rule");
    deployment.settings += &format!("rules: [{}]\n", rule.display());
    deployment
}

/// Runs `watchbell dead-letters`; its exit code, and what it has written to standard output and standard error.
fn dead_letters(deployment: &Deployment, arguments: &[&str]) -> (Option<i32>, String, String) {
    let config = deployment.write();
    let config = ["-c", config.to_str().expect("UTF-8")];
    let Output {
        status,
        stdout,
        stderr,
    } = watchbell(&[&["dead-letters"], arguments, &config].concat());
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

/// The same, which must succeed.
fn succeeds(deployment: &Deployment, arguments: &[&str]) -> String {
    let (code, out, said) = dead_letters(deployment, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {out}{said}");
    out
}

pub fn list(deployment: &Deployment) -> Vec<Value> {
    let lines = succeeds(deployment, &["list", "--json"]);
    let line = |line| serde_json::from_str(line).expect("a line of JSON");
    lines.lines().map(line).collect()
}

fn values(broker: &Broker, topic: &str) -> Vec<Value> {
    let parse = |read: &Read| {
        read.value
            .as_ref()
            .map(|value| serde_json::from_slice(value))
    };
    let read = read_committed(broker, topic);
    let values = read.iter().filter_map(parse);
    values.map(|value| value.expect("JSON")).collect()
}

/// Alerts of the rule, not those of watchbell's own.
fn alerts_of_rule(broker: &Broker, deployment: &Deployment) -> Vec<Value> {
    let mut alerts = values(broker, &deployment.alerts);
    alerts.retain(|alert| alert["finding_info"]["analytic"]["name"] == "Topic deleted");
    alerts
}

fn has_label(value: &Value, label: &str) -> bool {
    let labels = value["metadata"]["labels"].as_array();
    labels.is_some_and(|labels| labels.iter().any(|has| has == label))
}

/// How many records the topics of events, alerts and dead letters hold.
fn counts(broker: &Broker, deployment: &Deployment) -> [usize; 3] {
    let topics = [
        &deployment.events,
        &deployment.alerts,
        &deployment.dead_letters,
    ];
    topics.map(|topic| {
        settle(broker, topic);
        read_committed(broker, topic).len()
    })
}

#[test]
fn a_repaired_value_becomes_its_event_and_a_late_alert_once() {
    let clusters = clusters();
    let destination = &clusters.destination;
    let stub = Stub::start(|_| ok());
    let mut deployment = with_rule(Deployment::new(&clusters, "letters"));
    let audit = deployment.source(&clusters.source, "one");
    deployment.settings += &format!(
        "notify:\n  oncall: {{type: webhook, url: \"{}\"}}\n",
        stub.url()
    );
    let whole = deletion("repaired", "u-7k2m9p");
    let broken = &whole[..whole.len() - 1];
    let two_hours_ago_ms = jiff::Timestamp::now().as_millisecond() - 7_200_000;
    let mut source = Source::new(&clusters.source, &audit.topic, 4);
    source.write_at(3, broken, Some(two_hours_ago_ms));
    source.flush();
    let daemon = deployment.start(0);
    let is_dead = || counts(destination, &deployment) == [0, 1, 1];
    assert!(
        eventually(LIMIT, is_dead),
        "{:?}",
        counts(destination, &deployment)
    );

    let letters = list(&deployment);
    assert_eq!(letters.len(), 1, "{letters:?}");
    let (letter, source) = (&letters[0], format!("{}/3@0", audit.topic));
    assert_eq!(letter["reason"], "not_json");
    assert_eq!(letter["source"], *source);
    assert_eq!(letter["bytes"], broken.len());
    assert_eq!(letter["source_timestamp_ms"], two_hours_ago_ms);
    assert_eq!(
        (&letter["retried"], &letter["obstacle"]),
        (&json!(false), &Value::Null)
    );
    let position = letter["position"].as_str().expect("a position");
    let raw = succeeds(&deployment, &["show", "--raw", &source]);
    assert_eq!(raw.as_bytes(), broken);
    let page = succeeds(&deployment, &["show", position]);
    assert!(
        page.contains(&format!("watchbell dead-letters retry {position}")),
        "{page}"
    );

    // What still cannot be read stays, and nobody is told of it again.
    let (code, out, said) = dead_letters(&deployment, &["retry", position]);
    assert_eq!(code, Some(1), "{out}{said}");
    assert!(out.contains("stays a dead letter: not_json: "), "{out}");
    assert_eq!(counts(destination, &deployment), [0, 1, 1]);

    let file = deployment.file("repaired.json");
    std::fs::write(&file, &whole).expect("a file");
    let file = file.to_str().expect("UTF-8");
    let retry = ["retry", position, "--repaired", file];
    let said = succeeds(&deployment, &[&retry[..], &["--dry-run"]].concat());
    let (events, alerts) = (&deployment.events, &deployment.alerts);
    let expected = format!("would be retried: 1 to {alerts}, 1 to {events}\n");
    assert!(said.ends_with(&expected), "{said}");
    assert_eq!(counts(destination, &deployment), [0, 1, 1]);
    let said = succeeds(&deployment, &retry);
    assert!(
        said.ends_with(&format!("  retried: 1 to {alerts}, 1 to {events}\n")),
        "{said}"
    );
    assert_eq!(counts(destination, &deployment), [1, 2, 2]);

    let event = &read_committed(destination, events)[0];
    assert_eq!(event.header("watchbell-origin").as_deref(), Some("retry"));
    assert_eq!(event.header("ce_id").as_deref(), Some("repaired"));
    assert_eq!(event.key.as_deref(), Some(&b"u-7k2m9p"[..]));
    assert!(has_label(&values(destination, events)[0], "origin:retry"));
    let alert = &alerts_of_rule(destination, &deployment)[0];
    assert!(has_label(alert, "origin:retry"), "{alert}");
    let letters = read_committed(destination, &deployment.dead_letters);
    let receipt = letters
        .iter()
        .find(|read| read.header("watchbell-retried").is_some());
    let receipt = receipt.expect("a receipt");
    assert_eq!(
        receipt.header("watchbell-retried").as_deref(),
        Some(position)
    );
    assert!(receipt.header("watchbell-repaired-sha256").is_some());
    assert!(
        position.contains(&format!("/{}@", receipt.partition)),
        "{position}"
    );

    // The sink gets it as it gets late alerts.
    let is_told = |received: Received| {
        let told = received.json();
        let data = &told["data"];
        data["kind"] == "late" && data.to_string().contains("Topic deleted")
    };
    let told = || stub.accepted().into_iter().any(is_told);
    assert!(eventually(LIMIT, told), "{:?}", stub.accepted().len());

    // Once: neither by its position, nor by that of its source, nor with all others.
    let whole_run: [&[&str]; 3] = [&retry, &["retry", &source], &["retry", "--all"]];
    for again in whole_run {
        succeeds(&deployment, again);
        assert_eq!(counts(destination, &deployment), [1, 2, 2]);
    }
    assert_eq!(list(&deployment)[0]["retried"], true);
    let page = succeeds(&deployment, &["show", position]);
    assert!(page.contains("the receipt is "), "{page}");
    let (code, _, said) = dead_letters(&deployment, &["retry", "--since", "1d", "x/0@1"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("no dead letter at x/0@1"), "{said}");
    daemon.terminate();
}

#[test]
fn an_event_that_was_too_large_for_its_topic_is_written_and_its_alert_is_not_repeated() {
    let clusters = clusters();
    let destination = &clusters.destination;
    let mut deployment = with_rule(Deployment::without_topics(&clusters, "grown"));
    let dead_letters_topic = WantedTopic::new(&deployment.dead_letters, 1);
    create_with(destination, &dead_letters_topic);
    create_with(destination, &WantedTopic::new(&deployment.alerts, 1));
    let small = WantedTopic::new(&deployment.events, 2).with("max.message.bytes", "2000");
    create_with(destination, &small);
    let audit = deployment.source(&clusters.source, "one");
    let mut source = Source::new(&clusters.source, &audit.topic, 4);
    source.write_value(0, &deletion("large", &"x".repeat(4_000)));
    source.flush();
    let daemon = deployment.start(0);
    // The alert of the rule, and that about the dead letter.
    let is_dead = || counts(destination, &deployment) == [0, 2, 1];
    assert!(
        eventually(LIMIT, is_dead),
        "{:?}",
        counts(destination, &deployment)
    );
    daemon.terminate();

    let all = ["retry", "--reason", "too_large"];
    let (code, out, _) = dead_letters(&deployment, &all);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("stays a dead letter: too_large: "), "{out}");
    limit_records(destination, &deployment.events, 1_000_000);
    let out = succeeds(&deployment, &all);
    assert!(
        out.ends_with(&format!("  retried: 1 to {}\n", deployment.events)),
        "{out}"
    );
    assert_eq!(counts(destination, &deployment), [1, 2, 2]);
    assert_eq!(alerts_of_rule(destination, &deployment).len(), 1);
}

/// Dead letters of events that were not supported when they were read, as the daemon writes them.
fn write_letters(clusters: &Clusters, deployment: &Deployment, numbers: std::ops::Range<usize>) {
    let values = numbers.map(|number| {
        let value = deletion(&format!("event-{number}"), "u-7k2m9p");
        (number, "unrecognized", value)
    });
    write_letters_of(&clusters.destination, &deployment.dead_letters, values);
}

/// Dead letters with these numbers, reasons and values, each in the partition that is its number modulo 2.
pub fn write_letters_of(
    broker: &Broker,
    topic: &str,
    letters: impl Iterator<Item = (usize, &'static str, Vec<u8>)>,
) {
    let producer = producer(broker);
    let topic: Arc<str> = topic.into();
    for (number, reason, value) in letters {
        let record = RawRecord {
            position: Position {
                topic: "audit",
                partition: Partition(0),
                offset: Offset(number as i64),
                element: None,
            },
            timestamp_ms: Some(jiff::Timestamp::now().as_millisecond()),
            key: None,
            value: Some(&value),
            headers: Vec::new(),
        };
        let why = DeadLetter {
            reason,
            detail: "of a later version",
            max_bytes: 1_000_000,
            cut: false,
            sealed: false,
            unread: None,
            output: None,
            origin: None,
        };
        send(
            &producer,
            &encode::dead_letter(&record, &topic, why),
            (number % 2) as i32,
        );
    }
    producer.flush(LIMIT).expect("flush");
}

fn send(producer: &BaseProducer, letter: &OutputRecord, partition: i32) {
    let mut headers = OwnedHeaders::new();
    for (key, value) in &letter.headers {
        let value = value.as_deref();
        headers = headers.insert(Header { key, value });
    }
    let record = BaseRecord::<[u8], [u8]>::to(&letter.topic);
    let record = record.partition(partition).headers(headers);
    let record = record.payload(letter.value.as_deref().expect("a value"));
    producer
        .send(record)
        .map_err(|(error, _)| error)
        .expect("sent");
}

fn start_retry(config: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["dead-letters", "retry", "--all", "-c"])
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start watchbell")
}

pub fn producer_of_transactions(broker: &Broker) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("transactional.id", unique("busy"))
        // Whoever waits for its end may need longer than the usual minute.
        .set("transaction.timeout.ms", "600000")
        .create()
        .expect("a producer");
    producer.init_transactions(LIMIT).expect("transactions");
    producer
}

/// Begins a transaction in both partitions of a topic.
pub fn open_transaction(producer: &BaseProducer, topic: &str) {
    producer.begin_transaction().expect("a transaction");
    for partition in 0..2 {
        let record = BaseRecord::<[u8], [u8]>::to(topic)
            .partition(partition)
            .payload(b"open");
        producer
            .send(record)
            .map_err(|(error, _)| error)
            .expect("sent");
    }
    producer.flush(LIMIT).expect("flush");
}

#[test]
fn letters_are_retried_once_whoever_is_killed_and_whoever_begins_at_the_same_time() {
    const LETTERS: usize = 2_500;
    let clusters = clusters();
    let destination = &clusters.destination;
    let mut deployment = with_rule(Deployment::new(&clusters, "once"));
    deployment.source(&clusters.source, "idle");
    write_letters(&clusters, &deployment, 0..LETTERS);
    let config = deployment.write();
    let mut dice = Dice::new(29);
    let ends = Ends::of(destination, &deployment.events, 3);
    let mut kills_in_transactions = 0;
    for round in 0..8 {
        let mut first = start_retry(&config);
        let mut second = (round % 2 == 1).then(|| start_retry(&config));
        let written = ends.written();
        let begins = || ends.written() != written || first.try_wait().expect("a process").is_some();
        assert!(eventually(LIMIT, begins));
        std::thread::sleep(Duration::from_millis(dice.below(60)));
        kills_in_transactions += usize::from(ends.is_open());
        first.kill().expect("kill -9");
        first.wait().expect("an end");
        if let Some(second) = &mut second {
            std::thread::sleep(Duration::from_millis(dice.below(200)));
            second.kill().expect("kill -9");
            second.wait().expect("an end");
        }
    }
    println!("  killed within a transaction: {kills_in_transactions} of 8");

    // One that sleeps within a transaction while another one does its work writes nothing when it wakes up. The ends
    // of transactions that it cleans up take up to one offset in each partition.
    let written = || ends.written().into_iter().flatten().sum::<i64>();
    let mut letters = LETTERS;
    let mut attempt = 0;
    let woken = loop {
        attempt += 1;
        write_letters(&clusters, &deployment, letters..letters + LETTERS);
        letters += LETTERS;
        let before = written();
        let sleeping = start_retry(&config);
        assert!(eventually(LIMIT, || written() > before + 10));
        signal_process(sleeping.id(), "STOP");
        let (code, out, said) = dead_letters(&deployment, &["retry", "--all"]);
        assert_eq!(code, Some(0), "{out}{said}");
        println!("  left to the last call: {}", out.lines().count());
        signal_process(sleeping.id(), "CONT");
        let woken = sleeping.wait_with_output().expect("an end");
        // It had done everything before it was stopped: again, with more letters.
        let was_late = said.contains("retried: 0,");
        if !was_late || attempt == 10 {
            break woken;
        }
    };
    let said = String::from_utf8_lossy(&woken.stderr).into_owned();
    assert_eq!(woken.status.code(), Some(1), "{said}");
    // It hears that another one has begun, unless it first sees that its records have waited for too long.
    let fenced = said.contains("another process has begun");
    let too_late = said.contains("MessageTimedOut") && said.contains("call it again");
    assert!(fenced || too_late, "{said}");
    assert_once(destination, &deployment, letters);
}

#[test]
fn receipts_behind_somebody_elses_open_transaction_are_waited_for() {
    const LETTERS: usize = 1_500;
    let clusters = clusters();
    let destination = &clusters.destination;
    let mut deployment = with_rule(Deployment::new(&clusters, "behind"));
    deployment.source(&clusters.source, "idle");
    let config = deployment.write();
    let busy = producer_of_transactions(destination);
    let ends = Ends::of(destination, &deployment.events, 3);
    let mut letters = 0;
    for attempt in 1.. {
        write_letters(&clusters, &deployment, letters..letters + LETTERS);
        letters += LETTERS;
        let written = ends.written();
        let first = start_retry(&config);
        assert!(eventually(LIMIT, || ends.written() != written));
        // A daemon begins a transaction, and is busy with it.
        open_transaction(&busy, &deployment.dead_letters);
        let first = first.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&first.stderr).into_owned();
        assert!(first.status.success(), "{said}");
        let visible = read_committed(destination, &deployment.dead_letters).len();
        if visible < 2 * letters {
            break;
        }
        // The first one had ended before: again, with more letters.
        assert!(attempt < 10, "no receipt is behind the open transaction");
        busy.abort_transaction(LIMIT).expect("aborted");
    }

    let both = [start_retry(&config), start_retry(&config)];
    std::thread::sleep(Duration::from_secs(2));
    busy.abort_transaction(LIMIT).expect("aborted");
    let ended = both.map(|child| child.wait_with_output().expect("an end"));
    for output in ended {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = format!("retried: 0, were retried before: {letters}");
        let is_fenced = said.contains("another process has begun");
        assert!(is_fenced || said.contains(&expected), "{said}");
    }
    assert_once(destination, &deployment, letters);
}

/// Every dead letter is retried, and became one event and one alert.
fn assert_once(destination: &Broker, deployment: &Deployment, count: usize) {
    for topic in [&deployment.events, &deployment.alerts] {
        settle(destination, topic);
        let mut ids: BTreeMap<String, usize> = BTreeMap::new();
        for read in read_committed(destination, topic) {
            *ids.entry(read.header("ce_id").expect("an id")).or_default() += 1;
        }
        let repeated: Vec<_> = ids.iter().filter(|(_, count)| **count != 1).collect();
        assert!(repeated.is_empty(), "{topic}: {repeated:?}");
        assert_eq!(ids.len(), count, "{topic}");
    }
    let letters = list(deployment);
    assert_eq!(letters.len(), count);
    assert!(letters.iter().all(|letter| letter["retried"] == true));
    let expected = [count, count, 2 * count];
    assert_eq!(counts(destination, deployment), expected);
}
