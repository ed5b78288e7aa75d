//! Bad input through `watchbell run`: each record becomes a dead letter with the unchanged original and the
//! reason, or an event without any loss; the daemon keeps running.

use std::collections::BTreeMap;

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use sha2::{Digest, Sha256};
use watchbell::kafka::topics::Topics;

use super::audit::{Audit, Fate, Given};
use super::broker::{Broker, clusters};
use super::daemon::{Daemon, Deployment};
use super::records::{Read, read_committed};
use super::{LIMIT, eventually};

const MB: usize = 1_000_000;

/// A record and its expected result.
struct Case {
    name: &'static str,
    given: Given,
    expected: Expected,
}

enum Expected {
    /// A dead letter with this reason, whose detail says this.
    Refused(&'static str, &'static str),
    /// The same, but too large to be kept: its size and hash are.
    Cut(&'static str),
    /// An event that holds this text as it was written.
    Kept(String),
}
use Expected::{Cut, Kept, Refused};

fn case(name: &'static str, value: impl Into<Vec<u8>>, expected: Expected) -> Case {
    Case {
        name,
        given: Given::value(value),
        expected,
    }
}

/// A Confluent event with this id, and `more` members of its request's data.
fn event(id: &str, more: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"crn://confluent.cloud/","type":"io.confluent.cloud/request","time":"2026-03-14T09:26:53Z","data":{{"serviceName":"crn://confluent.cloud/","methodName":"GetStatement","authenticationInfo":{{"principal":{{"confluentUser":{{"resourceId":"u-5r7t9w"}}}}}},"result":{{"status":"SUCCESS"}},"request":{{"accessType":"READ_ONLY","data":{{{more}}}}}}}}}"#
    )
}

fn nested(depth: usize) -> String {
    format!("{}7{}", "[".repeat(depth), "]".repeat(depth))
}

/// Values that are not JSON, or that must be refused.
fn values() -> Vec<Case> {
    let whole = event("x", r#""a":1"#);
    let with = |from: &str, to: &str| whole.replacen(from, to, 1);
    vec![
        case(
            "cut off",
            &whole.as_bytes()[..whole.len() / 2],
            Refused("not_json", "not JSON"),
        ),
        case("too deep", nested(200), Refused("too_deep", "128 levels")),
        case("large and no text", noise(20 * MB), Cut("not_utf8")),
        case(
            "no UTF-8",
            b"{\"id\":\"\xff\xfe\"}",
            Refused("not_utf8", "byte 7"),
        ),
        case(
            "two readings",
            with("\"id\":\"x\"", "\"id\":\"x\",\"id\":\"y\""),
            Refused("duplicate_key", "\"id\""),
        ),
        case("empty", "", Refused("empty", "empty")),
        case("white space", " \n\t", Refused("empty", "empty")),
        case("NUL bytes", "\0\0\0", Refused("not_json", "byte 0")),
        case(
            "a NUL in a string",
            with("READ_ONLY", "READ\0ONLY"),
            Refused("not_json", "not JSON"),
        ),
        case(
            "a schema registry's prefix",
            [b"\0\0\0\0\x07", whole.as_bytes()].concat(),
            Refused("not_json", "byte 0"),
        ),
        case("an array", "[1, 2]", Refused("not_an_object", "object")),
        case("a number", "7", Refused("not_an_object", "object")),
        case("a string", "\"text\"", Refused("not_an_object", "object")),
        case("null", "null", Refused("not_an_object", "object")),
        case(
            "of another kind",
            r#"{"log":"started"}"#,
            Refused("unrecognized", "an event of a known audit log"),
        ),
        case(
            "a method that is a number",
            r#"{"data":{"methodName":7}}"#,
            Refused("wrong_type", "data.methodName"),
        ),
    ]
}

/// Unusual keys and headers.
fn headers_and_keys() -> Vec<Case> {
    let odd = vec![
        ("", Some(b"nameless".to_vec())),
        ("null", None),
        ("twice", Some(b"1".to_vec())),
        ("twice", Some(b"".to_vec())),
        ("schnee ☃", Some(b"\xff\0\xfe".to_vec())),
        ("watchbell-reason", Some(b"forged".to_vec())),
    ];
    let with = |value: Option<&[u8]>, headers, name, expected| Case {
        name,
        given: Given {
            key: Some(b"\xffkey\0".to_vec()),
            value: value.map(<[u8]>::to_vec),
            headers,
        },
        expected,
    };
    let binary = |id: &[u8]| vec![("ce_specversion", None), ("ce_id", Some(id.to_vec()))];
    let mut twice = binary(b"1");
    twice.extend(binary(b"2"));
    let tombstone = Refused("tombstone", "no value");
    let mut cases = vec![
        with(None, odd.clone(), "a tombstone", tombstone),
        with(
            Some(b"{"),
            odd,
            "odd headers",
            Refused("not_json", "byte 1"),
        ),
        with(
            Some(b"{}"),
            binary(b"\xff"),
            "a header's bytes",
            Refused("not_utf8", "ce_id"),
        ),
        with(
            Some(b"{}"),
            twice,
            "a header twice",
            Refused("duplicate_key", "ce_id"),
        ),
        with(
            Some(b"{}"),
            binary(b"1"),
            "half an envelope",
            Refused("unrecognized", "neither a CloudEvent"),
        ),
    ];
    cases.push(Case {
        name: "no key, empty value",
        given: Given {
            key: None,
            ..Given::value("")
        },
        expected: Refused("empty", "empty"),
    });
    cases.push(Case {
        name: "empty key",
        given: Given {
            key: Some(Vec::new()),
            ..Given::value("[]")
        },
        expected: Refused("no_events", "the list of events is empty"),
    });
    cases
}

/// Unusual records that are events; each needs an id made of its position.
fn kept(name: &'static str) -> impl Fn(&str) -> Case {
    move |id| {
        let (more, found) = match name {
            "100 levels" => {
                let deep = format!("\"deep\":{}", nested(100));
                (deep.clone(), deep)
            }
            "twice inside" => (r#""a":1,"a":2"#.into(), r#""a":1,"a":2"#.into()),
            "an escaped NUL" => (r#""a":"\u0000""#.into(), r#""a":"\u0000""#.into()),
            "a number beyond doubles" => (r#""a":1e999"#.into(), r#""a":"1e999""#.into()),
            "half a surrogate pair" => (r#""a":"\ud800""#.into(), r#""a":"\\ud800""#.into()),
            "a precise number" => (
                r#""a":0.10000000000000000000001"#.into(),
                "0.10000000000000000000001".into(),
            ),
            _ => (
                format!("\"large\":\"{}\"", "x".repeat(20 * MB)),
                "raw:slimmed".into(),
            ),
        };
        case(name, event(id, &more), Kept(found))
    }
}

/// Random bytes, which do not compress.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8 | 0x80
    };
    (0..length).map(next).collect()
}

/// Write a case; returns it with its partition and offset.
fn put(audit: &mut Audit, partition: usize, case: Case) -> (Case, usize, usize) {
    let fate = match &case.expected {
        Refused(reason, _) | Cut(reason) => Fate::DeadLetter(reason),
        Kept(_) => Fate::Event,
    };
    let offset = audit.put(partition, &case.given, fate);
    (case, partition, offset)
}

#[test]
fn bad_input_becomes_an_event_or_a_dead_letter_with_a_reason_and_affects_no_other_record() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "bad");
    let mut audit = deployment.source(&clusters.source, "one");
    let mut written = Vec::new();
    for (index, case) in values().into_iter().chain(headers_and_keys()).enumerate() {
        audit.write_event(index % 4);
        written.push(put(&mut audit, index % 4, case));
    }
    for (partition, name) in [
        (0, "100 levels"),
        (1, "twice inside"),
        (2, "an escaped NUL"),
        (3, "a precise number"),
        (0, "a number beyond doubles"),
        (2, "half a surrogate pair"),
        (1, "20 MB"),
    ] {
        let case = kept(name)(&audit.next_id(partition));
        written.push(put(&mut audit, partition, case));
    }
    audit.write(100);
    audit.flush();
    let daemon = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);

    // The limit of the events topic is lowered later.
    limit_records(&clusters.destination, &deployment.events, 20_000);
    let hex: String = noise(30_000).iter().map(|b| format!("{b:02x}")).collect();
    audit.write(100);
    let large = event(&audit.next_id(2), &format!("\"large\":\"{hex}\""));
    let large = case("too large", large, Kept("raw:slimmed".into()));
    written.push(put(&mut audit, 2, large));
    audit.write(100);
    audit.flush();
    deployment.wait_for(&clusters, &audit, LIMIT);

    audit.check_exactly_once(&clusters, &deployment);
    let events = read_committed(&clusters.destination, &deployment.events);
    let dead_letters = read_committed(&clusters.destination, &deployment.dead_letters);
    for (case, partition, offset) in &written {
        check(
            case,
            (&audit.topic, *partition, *offset),
            &events,
            &dead_letters,
        );
    }
    check_metrics(&daemon, &audit, &events, &dead_letters);
    daemon.wait_until_ready();
    let (log, _) = daemon.terminate();
    assert!(!log.contains("panic"), "{log}");
}

fn check(case: &Case, place: (&str, usize, usize), events: &[Read], dead_letters: &[Read]) {
    let (name, (topic, partition, offset)) = (case.name, place);
    if let Kept(text) = &case.expected {
        let id = format!("{topic}/{partition}/{offset}");
        let event = events
            .iter()
            .find(|event| event.header("ce_id").as_ref() == Some(&id))
            .expect("an event");
        let value = String::from_utf8_lossy(event.value.as_deref().expect("a value"));
        assert!(value.contains(text), "{name}: {value}");
        return;
    }
    let at = |read: &&Read| {
        read.header("watchbell-source-partition") == Some(partition.to_string())
            && read.header("watchbell-source-offset") == Some(offset.to_string())
    };
    let letter = dead_letters.iter().find(at).expect("a dead letter");
    // Consumers use the last header of a name, and a forged one comes before the real one.
    let ours = |name: &str| letter.header(name).unwrap_or_default();
    assert_eq!(ours("watchbell-source-topic"), topic, "{name}");
    assert_eq!(ours("watchbell-version"), env!("CARGO_PKG_VERSION"));
    assert!(ours("watchbell-source-timestamp").parse::<u64>().is_ok());
    let given = &case.given;
    match case.expected {
        Refused(reason, detail) => {
            assert_eq!(ours("watchbell-reason"), reason, "{name}");
            let said = ours("watchbell-detail");
            assert!(said.contains(detail), "{name}: {said}");
            assert_eq!(letter.key, given.key, "{name}");
            assert_eq!(letter.value, given.value, "{name}");
            let theirs: Vec<_> = letter.headers[..given.headers.len()]
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone()))
                .collect();
            assert_eq!(theirs, given.headers, "{name}");
        }
        Cut(reason) => {
            assert_eq!(ours("watchbell-reason"), reason, "{name}");
            let value = given.value.as_deref().expect("a value");
            assert_eq!(ours("watchbell-cut-size"), value.len().to_string());
            let hash = Sha256::digest(value);
            let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(ours("watchbell-cut-sha256"), hex);
            assert_eq!(letter.value, None);
        }
        Kept(_) => {}
    }
}

/// Asserts that the counters agree with the topics.
fn check_metrics(daemon: &Daemon, audit: &Audit, events: &[Read], dead_letters: &[Read]) {
    let source = audit.topic.strip_suffix(".audit").expect("a topic of ours");
    let counter = |name: &str| format!("watchbell_{name}{{source=\"{source}\"}}");
    let records: i64 = audit.written().iter().sum();
    // The last commit is counted a moment after the broker has it.
    let assert_counted = |name: &str, expected: u64| {
        let counted = eventually(LIMIT, || daemon.metric(name) == expected);
        assert!(counted, "{name}: {} of {expected}", daemon.metric(name));
    };
    assert_counted(&counter("records_total"), records as u64);
    assert_counted(&counter("events_total"), events.len() as u64);
    assert_eq!(daemon.metric(&counter("panics_total")), 0);
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for letter in dead_letters {
        let reason = letter.header("watchbell-reason").expect("a reason");
        *reasons.entry(reason).or_default() += 1;
    }
    for (reason, count) in reasons {
        let labels = format!("{{reason=\"{reason}\",source=\"{source}\"}}");
        assert_counted(&format!("watchbell_dead_letters_total{labels}"), count);
    }
    let poison = format!("watchbell_aborts_total{{reason=\"poison\",source=\"{source}\"}}");
    assert!(daemon.metric(&poison) >= 1, "nothing was taken back");
}

/// From now on the topic takes no larger batches.
pub fn limit_records(broker: &Broker, topic: &str, limit_bytes: usize) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .create()
        .expect("an admin client");
    let bytes = limit_bytes.to_string();
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("max.message.bytes", &bytes);
    let altered = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(admin.alter_configs(&[change], &AdminOptions::new()))
        .expect("an answer");
    assert!(altered.iter().all(Result::is_ok), "{altered:?}");
    let topics = Topics::new(&broker.cluster(), LIMIT).expect("an admin client");
    let applied = eventually(LIMIT, || {
        let found = topics.describe(&[topic]).expect("an answer");
        found[0].max_message_bytes() == Some(limit_bytes)
    });
    assert!(applied, "{topic} still takes other records");
}
