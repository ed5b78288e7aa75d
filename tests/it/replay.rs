//! `replay` on files of all formats: its output and exit codes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;
use watchbell::event::{Offset, Partition, Position};
use watchbell::notice::Notice;

use crate::command::{Run, run_in, run_with, watchbell};

const SEED: &str = include_str!("../data/confluent/seed.ndjson");

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("a file");
    }
    folder
}

fn replay(files: &[(&str, &[u8])], arguments: &[&str]) -> Run {
    let folder = folder(files);
    run_in(folder.path(), &[&["replay"], arguments].concat())
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

/// Every line of standard output, which must be JSON.
fn lines(run: &Run) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    run.stdout.lines().map(parse).collect()
}

fn texts<'v>(values: &'v [Value], pointer: &str) -> Vec<&'v str> {
    let text = |value: &'v Value| value.pointer(pointer)?.as_str();
    values
        .iter()
        .map(|value| text(value).unwrap_or("-"))
        .collect()
}

/// Whether a line of the summary is `count what`.
fn sums(run: &Run, count: u64, what: &str) -> bool {
    let words = format!("{count} {what}");
    run.stderr.lines().any(|line| {
        let line: Vec<&str> = line.split_whitespace().collect();
        line.join(" ").starts_with(&words)
    })
}

#[test]
fn every_record_is_printed_with_topic_key_and_headers() {
    let run = replay(&[("seed.ndjson", SEED.as_bytes())], &["seed.ndjson"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let records = lines(&run);
    let topics = texts(&records, "/topic");
    assert_eq!(
        topics
            .iter()
            .filter(|topic| **topic == "watchbell.events")
            .count(),
        9
    );
    assert_eq!(
        topics
            .iter()
            .filter(|topic| **topic == "watchbell.alerts")
            .count(),
        2
    );
    assert_eq!(records.len(), 11);
    let first = &records[0];
    assert_eq!(first["key"], "u-stgccvzzdqn");
    assert_eq!(first["headers"]["ce_type"], "watchbell.event.v1");
    assert_eq!(first["value"]["api"]["operation"], "CreateWorkspace");
    assert!(sums(&run, 9, "records in "), "{}", run.stderr);
    assert!(sums(&run, 9, "events"), "{}", run.stderr);
    assert!(
        sums(&run, 1, "medium Flink workspace deleted"),
        "{}",
        run.stderr
    );
    assert!(
        sums(&run, 1, "low Scratch Flink statement deleted"),
        "{}",
        run.stderr
    );
    assert!(sums(&run, 0, "dead letters"), "{}", run.stderr);
}

#[test]
fn one_document_an_array_ndjson_gzip_and_stdin_give_the_same_events() {
    let events: Vec<Value> = SEED
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let pretty: Vec<String> = events
        .iter()
        .map(|event| serde_json::to_string_pretty(event).unwrap())
        .collect();
    let array = serde_json::to_string_pretty(&events).unwrap();
    let expected = texts(&events, "/id");
    let zipped = gzip(array.as_bytes());
    let files: [(&str, &[u8]); 5] = [
        ("lines.txt", SEED.as_bytes()),
        ("array.json", array.as_bytes()),
        ("array.json.gz", &zipped),
        ("no-name-says-gzip", &zipped),
        ("jq.json", &pretty.join("\n").into_bytes()),
    ];
    for (name, _) in &files {
        let run = replay(&files, &["--emit", "events", name]);
        assert_eq!(texts(&lines(&run), "/metadata/uid"), expected, "{name}");
    }
    let input = zipped.as_slice();
    let run = run_with(watchbell().args(["replay", "--emit", "events", "-"]), input);
    assert_eq!(texts(&lines(&run), "/metadata/uid"), expected);
    let one = replay(
        &[("one.json", pretty[0].as_bytes())],
        &["--emit", "events", "one.json"],
    );
    assert_eq!(texts(&lines(&one), "/metadata/uid"), expected[..1]);
}

#[test]
fn the_output_has_the_order_of_the_input_across_files_and_cores() {
    let event: Value = serde_json::from_str(SEED.lines().next().unwrap()).unwrap();
    let numbered = |range: std::ops::Range<u32>| {
        let mut text = String::new();
        for number in range {
            let mut event = event.clone();
            event["id"] = number.to_string().into();
            text.push_str(&event.to_string());
            text.push('\n');
        }
        text
    };
    let (first, second) = (numbered(0..3_000), numbered(3_000..5_000));
    let files: [(&str, &[u8]); 2] = [
        ("a.ndjson", first.as_bytes()),
        ("b.ndjson", second.as_bytes()),
    ];
    let run = replay(&files, &["--emit", "events", "a.ndjson", "b.ndjson"]);
    let expected: Vec<String> = (0..5_000).map(|number| number.to_string()).collect();
    assert!(texts(&lines(&run), "/metadata/uid") == expected);
    assert!(run.stderr.contains("5,000 records in "), "{}", run.stderr);
}

#[test]
fn after_a_syntax_error_events_are_read_on_and_the_loss_is_reported_with_exit_code_1() {
    let event = SEED.lines().next().unwrap();
    let cut = &event[..event.len() / 2];
    let text = format!("[{event},\n{cut},\n{event},\n{event}\n]\n{event}");
    let run = replay(&[("cut.json", text.as_bytes())], &["cut.json"]);
    assert_eq!(run.code, Some(1));
    let records = lines(&run);
    let topics = texts(&records, "/topic");
    let of_topic = |name: &str| topics.iter().filter(|topic| **topic == name).count();
    let outputs = ["dead-letters", "events", "alerts"];
    let counts = outputs.map(|name| of_topic(&format!("watchbell.{name}")));
    assert_eq!(counts, [1, 4, 1]);
    let of = |topic: &str| records.iter().find(|record| record["topic"] == topic);
    let alert = &of("watchbell.alerts").expect("an alert")["value"];
    assert_eq!(alert["severity"], "Medium");
    assert_eq!(
        alert["metadata"]["labels"],
        serde_json::json!(["origin:replay"])
    );
    assert!(
        sums(&run, 1, "medium Audit record became a dead letter"),
        "{}",
        run.stderr
    );
    let letter = of("watchbell.dead-letters").expect("a dead letter");
    assert_eq!(letter["headers"]["watchbell-reason"], "not_json");
    assert_eq!(letter["headers"]["watchbell-source-topic"], "cut.json");
    assert_eq!(letter["headers"]["watchbell-source-offset"], "1");
    assert_eq!(letter["value"], format!("{cut},"));
    let at = event.len() + 3;
    let detail = letter["headers"]["watchbell-detail"].as_str().unwrap();
    assert!(
        detail.starts_with(&format!("not JSON from byte {at} on: ")),
        "{detail}"
    );
    assert!(sums(&run, 1, "not_json"), "{}", run.stderr);
    let bytes = cut.len() as u64 + 1;
    assert!(sums(&run, bytes, "bytes of damaged JSON"), "{}", run.stderr);
    let place = format!("cut.json:2: {bytes} bytes lost from byte {at} on: ");
    assert!(run.stderr.contains(&place), "{}", run.stderr);
}

#[test]
fn an_array_that_is_not_closed_is_reported_with_exit_code_1() {
    let event = SEED.lines().next().unwrap();
    let text = format!("[{event},\n{event}");
    let run = replay(
        &[("a.json", text.as_bytes())],
        &["--emit", "events", "a.json"],
    );
    assert_eq!((run.code, lines(&run).len()), (Some(1), 2));
    let said = "a.json:1: 0 bytes lost from byte 0 on: the array that begins here is not closed";
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

#[test]
fn a_bad_line_is_a_dead_letter_of_one_line_and_the_next_is_an_event() {
    let event = SEED.lines().next().unwrap();
    let mut text = format!("{event}\nnull\n{{\"cut\": \"off\n").into_bytes();
    text.extend(b"{\"a\": \"\xff\xfe\"}\n");
    text.extend(event.as_bytes());
    let files: [(&str, &[u8]); 1] = [("a.ndjson", &text)];
    let letters = lines(&replay(&files, &["--emit", "dead-letters", "a.ndjson"]));
    let expected = [
        Value::Null,
        Value::from("{\"cut\": \"off"),
        serde_json::json!({"value_base64": "eyJhIjogIv/+In0="}),
    ];
    assert_eq!(letters, expected);
    let all = replay(&files, &["a.ndjson"]);
    assert_eq!(all.code, Some(0), "{}", all.stderr);
    let all = lines(&all);
    let is_alert = |record: &&Value| record["topic"] == "watchbell.alerts";
    assert_eq!(all.iter().filter(is_alert).count(), 3);
    let is_letter = |record: &&Value| record["topic"] == "watchbell.dead-letters";
    let letters: Vec<&Value> = all.iter().filter(is_letter).collect();
    let reason = |letter: &&Value| letter["headers"]["watchbell-reason"].clone();
    let reasons: Vec<Value> = letters.iter().map(reason).collect();
    assert_eq!(reasons, ["not_an_object", "not_json", "not_utf8"]);
    assert_eq!(letters[2]["value_base64"], "eyJhIjogIv/+In0=");
    assert!(letters[2].get("value").is_none());
    assert_eq!(letters[2]["key"], Value::Null);
}

/// The deletion of a cluster, with this number as its id.
fn deletion(number: u32, request: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"w{number}","source":"crn://confluent.cloud/","type":"io.confluent.cloud/request","time":"2026-11-20T10:00:00Z","data":{{"serviceName":"crn://confluent.cloud/","methodName":"DeleteKafkaCluster","authenticationInfo":{{"principal":{{"confluentUser":{{"resourceId":"u-1"}}}}}},"request":{{"data":{request}}},"result":{{"status":"SUCCESS"}}}}}}"#
    )
}

/// Every deletion alerts, by its id.
fn alerts_of(run: &Run) -> Vec<String> {
    let id = |alert: &Value| alert["finding_info"]["related_events"][0]["uid"].to_string();
    lines(run).iter().map(id).collect()
}

const THREE: [&str; 3] = ["\"w0\"", "\"w1\"", "\"w2\""];

#[test]
fn no_event_is_lost_where_a_window_over_the_file_ends_within_a_number() {
    const WINDOW: usize = 256 << 10;
    for (number, cut) in [("-5", 1), ("1.5", 2), ("1e5", 2), ("1e+5", 3)] {
        let head = |pad: usize| deletion(0, &format!("{{\"pad\":\"{}\",\"x\":", "p".repeat(pad)));
        let at = head(0).find("\"x\":").expect("the number") + "\"x\":".len() + "[".len();
        let first = deletion(
            0,
            &format!(
                "{{\"pad\":\"{}\",\"x\":{number}}}",
                "p".repeat(WINDOW - cut - at)
            ),
        );
        let text = format!("[{first},{},{}]", deletion(1, "{}"), deletion(2, "{}"));
        assert!(text[WINDOW - cut..].starts_with(number));
        let run = replay(
            &[("a.json", text.as_bytes())],
            &["--emit", "alerts", "a.json"],
        );
        assert_eq!(run.code, Some(0), "{number}: {}", run.stderr);
        assert_eq!(alerts_of(&run), THREE, "{number}");
    }
}

#[test]
fn noise_around_the_events_is_counted_and_listed_and_no_dead_letter() {
    let warning =
        "[2026-11-20 12:20:50,405] WARN The configuration \u{1b}[31mx was supplied. (a.B)";
    let text = format!(
        "{warning}\n{}\nCreateTime:1\tnull\t{}\n{warning}\r\n{}\nProcessed a total of 3 messages\n",
        deletion(0, "{}"),
        deletion(1, "{}"),
        deletion(2, "{}")
    );
    let files: [(&str, &[u8]); 1] = [("console.ndjson", text.as_bytes())];
    let run = replay(&files, &["--emit", "alerts", "console.ndjson"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(alerts_of(&run), THREE);
    for (count, what) in [
        (3, "lines of other text, no events"),
        (1, "events after other text"),
        (0, "dead letters"),
        (3, "records in "),
    ] {
        assert!(sums(&run, count, what), "{what}\n{}", run.stderr);
    }
    let listed =
        "console.ndjson:1: no event: [2026-11-20 12:20:50,405] WARN The configuration \\u001b[31mx";
    assert!(run.stderr.contains(listed), "{}", run.stderr);
}

#[test]
fn text_after_a_gzip_member_is_read() {
    let [first, second, third] = [0, 1, 2].map(|number| deletion(number, "{}"));
    let second = gzip(format!("\u{feff}{second}\n").as_bytes());
    let padded = [&gzip(first.as_bytes()), &[0; 1_000][..], &second].concat();
    let all = [&padded[..], third.as_bytes()].concat();
    let files: [(&str, Vec<u8>, u64); 5] = [
        ("twice.gz", gzip(&gzip(&all)), 0),
        (
            "member.gz",
            [&padded[..], &gzip(third.as_bytes())].concat(),
            0,
        ),
        ("text.gz", all, 0),
        (
            "noise.gz",
            [&padded[..], b"noise", &gzip(third.as_bytes())].concat(),
            1,
        ),
        (
            "line.gz",
            [&padded[..], b"\n", &gzip(third.as_bytes())].concat(),
            0,
        ),
    ];
    for (name, bytes, noise_lines) in &files {
        let run = replay(&[(name, bytes)], &["--emit", "alerts", name]);
        assert_eq!(run.code, Some(0), "{name}\n{}", run.stderr);
        assert_eq!(alerts_of(&run), THREE, "{name}");
        let says = sums(&run, 1, "lines of other text, no events");
        assert_eq!(says, *noise_lines == 1, "{name}\n{}", run.stderr);
    }
}

#[test]
fn utf_16_files_of_powershell_are_read() {
    let text = format!(
        "\u{feff}{}\r\n{}\r\n",
        deletion(0, "{}"),
        deletion(1, "\"é😀\"")
    );
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let run = replay(&[("a.json", &bytes)], &["--emit", "alerts", "a.json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(alerts_of(&run), THREE[..2]);
}

#[test]
fn outputs_are_reduced_to_the_default_limit_of_topics_like_those_of_the_daemon() {
    let large = format!("{{\"a\":\"{}\"}}\n", "x".repeat(2_000_000));
    let run = replay(&[("a.ndjson", large.as_bytes())], &["a.ndjson"]);
    let records = lines(&run);
    let topics = texts(&records, "/topic");
    assert_eq!(topics, ["watchbell.dead-letters", "watchbell.alerts"]);
    assert_eq!(records[0]["value"], Value::Null);
    assert_eq!(records[0]["headers"]["watchbell-cut-size"], "2000008");
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_are_replayed() {
    let event = SEED.lines().next().unwrap();
    let mut damaged = gzip(SEED.as_bytes());
    damaged.truncate(damaged.len() - 12);
    let files: [(&str, &[u8]); 3] = [
        ("a.ndjson", event.as_bytes()),
        ("damaged.gz", &damaged),
        ("z.ndjson", event.as_bytes()),
    ];
    let arguments = [
        "--emit",
        "events",
        "a.ndjson",
        "missing.json",
        "damaged.gz",
        ".",
        "z.ndjson",
    ];
    let run = replay(&files, &arguments);
    assert_eq!(run.code, Some(1));
    let read = lines(&run).len();
    assert!(
        read > 2,
        "{read}: what stands before the damage is replayed, too"
    );
    for said in [
        "watchbell: missing.json: there is no such file",
        "watchbell: damaged.gz: the gzip is damaged: ",
        "watchbell: .: it is a directory",
        "watchbell: 3 of 5 files could not be read to the end",
    ] {
        assert!(run.stderr.contains(said), "{said}\n{}", run.stderr);
    }
    // The event in which the damage is counts, as a dead letter.
    let after = format!("(after {} records)", read - 2 + 1);
    assert!(run.stderr.contains(&after), "{after}\n{}", run.stderr);
    assert!(sums(&run, read as u64, "events"), "{}", run.stderr);
}

#[test]
fn it_ends_without_an_error_when_stdout_is_closed() {
    let folder = folder(&[("a.ndjson", SEED.repeat(500).as_bytes())]);
    let mut child = watchbell()
        .current_dir(folder.path())
        .args(["replay", "a.ndjson"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut line = String::new();
    // Reads one line and closes the pipe, as `head -1` does.
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdout.read_line(&mut line).expect("a line");
    drop(stdout);
    let output = child.wait_with_output().expect("its end");
    assert!(line.starts_with("{\"topic\":"), "{line}");
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn an_empty_file_has_no_events_and_no_file_is_an_error() {
    let run = replay(&[("empty", b"")], &["empty"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    assert!(sums(&run, 0, "records in "), "{}", run.stderr);
    assert_eq!(run_in(Path::new("."), &["replay"]).code, Some(2));
}

#[test]
fn replayed_alerts_are_labelled_and_sinks_skip_them() {
    let run = replay(
        &[("seed.ndjson", SEED.as_bytes())],
        &["--emit", "alerts", "seed.ndjson"],
    );
    let alerts = lines(&run);
    assert_eq!(alerts.len(), 2);
    for alert in alerts {
        let position = Position {
            topic: "watchbell.alerts",
            partition: Partition(0),
            offset: Offset(0),
            element: None,
        };
        let text = alert.to_string();
        let notice = Notice::read(text.as_bytes(), position).expect("an alert");
        assert!(notice.replayed, "{text}");
    }
}

/// A rule about statements that Jane Doe lists.
const LISTING: &str = "\
title: Jane listed statements
id: 4b8d2f6e-93a1-4c55-8a0e-7d1f2c3b4a59
taxonomy: ocsf
level: high
logsource: {product: confluent, service: flink}
detection:
  listing: {api.operation: ListStatements, actor.user.name: Jane Doe}
  condition: listing
";

const CONFIG: &str = "\
sources: {audit: {bootstrap: 'localhost:9092'}}
destination: {bootstrap: 'localhost:9092'}
topics: {alerts: security.alerts}
rules: [listing.yaml, pack:confluent]
names: names.yaml
overrides: {levels: {4b8d2f6e-93a1-4c55-8a0e-7d1f2c3b4a59: critical}}
";

#[test]
fn rules_names_overrides_and_topics_are_those_of_the_configuration_unless_others_are_given() {
    let user = "u-devccq71mwp";
    let names = |name: &str| format!("{user}: {{name: {name}}}");
    let (jane, john) = (names("Jane Doe"), names("John Roe"));
    let files: [(&str, &[u8]); 6] = [
        ("seed.ndjson", SEED.as_bytes()),
        ("watchbell.yaml", CONFIG.as_bytes()),
        ("listing.yaml", LISTING.as_bytes()),
        ("names.yaml", jane.as_bytes()),
        ("others.yaml", john.as_bytes()),
        ("broken.yaml", b"title: x\n"),
    ];
    let folder = folder(&files);
    let alerts = |arguments: &[&str]| {
        let run = run_in(
            folder.path(),
            &[&["replay", "seed.ndjson"], arguments].concat(),
        );
        assert_eq!(run.code, Some(0), "{run:?}");
        let records = lines(&run);
        let alerts = records.iter().filter(|record| {
            record["topic"]
                .as_str()
                .is_some_and(|topic| topic.ends_with(".alerts"))
        });
        let mut raised: Vec<String> = alerts
            .map(|alert| {
                let value = &alert["value"];
                format!(
                    "{} {} {}",
                    alert["topic"].as_str().unwrap_or_default(),
                    value["severity"].as_str().unwrap_or_default(),
                    value["finding_info"]["analytic"]["name"]
                        .as_str()
                        .unwrap_or_default(),
                )
            })
            .collect();
        raised.sort();
        raised.dedup();
        raised
    };
    let listed = "security.alerts Critical Jane listed statements";
    let of_pack = alerts(&[]);
    assert!(!of_pack.is_empty() && of_pack.iter().all(|alert| alert.starts_with("watchbell.")));
    let of_config = alerts(&["-c", "watchbell.yaml"]);
    assert!(of_config.contains(&listed.to_owned()), "{of_config:?}");
    assert_eq!(of_config.len(), of_pack.len() + 1, "{of_config:?}");
    let with_rules = alerts(&["-c", "watchbell.yaml", "--rules", "listing.yaml"]);
    assert_eq!(with_rules, [listed]);
    let other_names = [
        "-c",
        "watchbell.yaml",
        "--rules",
        "listing.yaml",
        "--names",
        "others.yaml",
    ];
    assert_eq!(alerts(&other_names), [""; 0]);
    let without_config = ["--rules", "listing.yaml", "--names", "names.yaml"];
    assert_eq!(
        alerts(&without_config),
        ["watchbell.alerts High Jane listed statements"]
    );
    let run = run_in(
        folder.path(),
        &[
            "replay",
            "seed.ndjson",
            "--rules",
            "broken.yaml",
            "--names",
            "none.yaml",
        ],
    );
    assert_eq!(run.code, Some(78), "{run:?}");
    for part in ["broken.yaml:1:1: error:", "none.yaml:1:1: error:"] {
        assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
    }
}
