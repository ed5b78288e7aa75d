//! What `search`, `sql` and `show` answer, compared with the events themselves.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use ipnet::IpNet;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::duckdb;
use super::fixture::Archive;

/// The archive of the documented events of both vendors.
fn documented() -> Archive {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data"));
    Archive::of(&[
        folder.join("confluent/shapes.ndjson"),
        folder.join("actiontrail/shapes.ndjson"),
        folder.join("actiontrail/seed.ndjson"),
    ])
}

/// The events that a search prints as JSON.
fn found(archive: &Archive, arguments: &[&str]) -> Vec<Value> {
    let text = archive.ask("search", &[&["--json", "--all"], arguments].concat());
    let event = |line: &str| serde_json::from_str(line).expect("JSON");
    text.lines().map(event).collect()
}

fn ids(events: &[Value]) -> BTreeSet<String> {
    let id = |event: &Value| {
        event["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    events.iter().map(id).collect()
}

fn texts<'v>(event: &'v Value, pointers: &[&str]) -> Vec<&'v str> {
    let texts = pointers
        .iter()
        .filter_map(|pointer| event.pointer(pointer)?.as_str());
    texts.collect()
}

/// All strings of a value.
fn strings<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(values) => values.iter().for_each(|value| strings(value, out)),
        Value::Object(members) => members.values().for_each(|value| strings(value, out)),
        _ => {}
    }
}

/// Whether an event meets a condition.
type Meets<'m> = Box<dyn Fn(&Value) -> bool + 'm>;

#[test]
fn each_condition_finds_the_events_that_meet_it_and_no_others() {
    let archive = documented();
    let all = found(&archive, &[]);
    assert!(all.len() > 40, "{} events", all.len());
    let actor = [
        "/actor/user/uid",
        "/actor/user/name",
        "/actor/user/email_addr",
    ];
    let resource = |event: &Value, test: &dyn Fn(&Value) -> bool| {
        event["resources"]
            .as_array()
            .is_some_and(|all| all.iter().any(test))
    };
    let is = |text: &Value, wanted: &str| {
        text.as_str()
            .is_some_and(|text| text.eq_ignore_ascii_case(wanted))
    };
    let cases: Vec<(&[&str], Meets)> = vec![
        (
            &["--actor", "U-5R7T9W"],
            Box::new(|event| texts(event, &actor).contains(&"u-5r7t9w")),
        ),
        (
            &["--actor", "lin", "--actor", "sa-*"],
            Box::new(|event| {
                texts(event, &actor)
                    .iter()
                    .any(|text| *text == "lin" || text.starts_with("sa-"))
            }),
        ),
        (
            &["--operation", "delete*"],
            Box::new(|event| {
                texts(event, &["/api/operation"])
                    .iter()
                    .any(|text| text.to_lowercase().starts_with("delete"))
            }),
        ),
        (
            &["--operation", "kafka.?reateTopics"],
            Box::new(|event| event["api"]["operation"] == "kafka.CreateTopics"),
        ),
        (
            &["--status", "failure"],
            Box::new(|event| event["status"] == "Failure"),
        ),
        (
            &["--resource-type", "topic"],
            Box::new(|event| resource(event, &|one| is(&one["type"], "topic"))),
        ),
        (
            &["--resource", "ORDERS*"],
            Box::new(|event| {
                resource(event, &|one| {
                    texts(one, &["/uid", "/name"])
                        .iter()
                        .any(|text| text.to_lowercase().starts_with("orders"))
                })
            }),
        ),
        (
            &["--ip", "203.0.113.0/24"],
            Box::new(|event| {
                let network: IpNet = "203.0.113.0/24".parse().unwrap();
                let address = event["src_endpoint"]["ip"].as_str().unwrap_or_default();
                address
                    .parse()
                    .is_ok_and(|address: std::net::IpAddr| network.contains(&address))
            }),
        ),
        (
            &["--ip", "198.51.100.23"],
            Box::new(|event| event["src_endpoint"]["ip"] == "198.51.100.23"),
        ),
        (
            &["--text", "KAFKA"],
            Box::new(|event| {
                let mut all = Vec::new();
                strings(event, &mut all);
                all.iter().any(|text| text.to_lowercase().contains("kafka"))
            }),
        ),
        (
            &[
                "--where",
                "status: Failure",
                "--where",
                "api.operation|contains: Authorize",
            ],
            Box::new(|event| {
                let operation = texts(event, &["/api/operation"]);
                event["status"] == "Failure"
                    && operation.iter().any(|text| text.contains("Authorize"))
            }),
        ),
        (
            &[
                "--from",
                "2026-03-14T09:26:53Z",
                "--to",
                "2026-03-14T09:26:54Z",
            ],
            Box::new(|event| event["time"].as_i64().unwrap() / 1_000 == 1_773_480_413),
        ),
        (
            &["--to", "2021-01-01"],
            Box::new(|event| event["time"].as_i64().unwrap() < 1_609_459_200_000),
        ),
        (&["--actor", "nobody-%"], Box::new(|_| false)),
    ];
    for (arguments, meets) in &cases {
        let expected: Vec<Value> = all.iter().filter(|event| meets(event)).cloned().collect();
        let found = found(&archive, arguments);
        assert_eq!(ids(&found), ids(&expected), "{arguments:?}");
        assert_eq!(found.len(), expected.len(), "{arguments:?}");
        let is_vain = arguments
            .iter()
            .any(|argument| argument.starts_with("nobody"));
        assert_eq!(expected.is_empty(), is_vain, "{arguments:?} tests nothing");
        let count = archive.ask("search", &[&["--count"], *arguments].concat());
        assert_eq!(
            count.trim(),
            expected.len().to_string(),
            "--count {arguments:?}"
        );
        let times: Vec<i64> = found
            .iter()
            .map(|event| event["time"].as_i64().unwrap())
            .collect();
        assert!(
            times.is_sorted_by(|a, b| a >= b),
            "{arguments:?} is not newest first: {times:?}"
        );
    }
}

#[test]
fn access_sensitivity_product_environment_and_the_rule_are_conditions() {
    let archive = documented();
    let sql = |condition: &str| {
        let query = format!("SELECT count(*) AS n FROM events WHERE {condition}");
        let row: Value = serde_json::from_str(&archive.ask("sql", &["--json", &query])).unwrap();
        row["n"].as_u64().unwrap()
    };
    for (arguments, condition) in [
        (&["--access", "write"][..], "access = 'write'"),
        (&["--sensitive"], "sensitivity = 'high'"),
        (&["--sensitive=medium"], "sensitivity IN ('high', 'medium')"),
        (&["--product", "ACTIONTRAIL"], "product = 'actiontrail'"),
        (
            &["--environment", "env-q7x2k9"],
            "environment = 'env-q7x2k9'",
        ),
        (&["--access-key", "QWERTY*"], "credential LIKE 'QWERTY%'"),
        (&["--service", "*ecs*"], "service ILIKE '%ecs%'"),
        (
            &["--level", "high", "--level", "critical"],
            "event_id IN (SELECT event_id FROM alerts WHERE level IN ('high', 'critical'))",
        ),
        (
            &["--rule", "*deleted*"],
            "event_id IN (SELECT event_id FROM alerts WHERE rule ILIKE '%deleted%')",
        ),
    ] {
        let count = archive.ask("search", &[&["--count"], arguments].concat());
        let expected = sql(condition);
        assert!(expected > 0, "{condition} is true of no event");
        assert_eq!(count.trim(), expected.to_string(), "{arguments:?}");
    }
    let alerts = archive.ask("search", &["alerts", "--level", "high", "--all", "--json"]);
    for alert in alerts.lines() {
        let alert: Value = serde_json::from_str(alert).unwrap();
        assert_eq!(alert["severity"], "High");
    }
    assert!(!alerts.is_empty());
}

#[test]
fn who_did_how_much_of_what_is_counted() {
    let archive = documented();
    let all = found(&archive, &[]);
    let failures = all
        .iter()
        .filter(|event| event["status"] == "Failure")
        .count();
    let by = archive.ask("search", &["--by", "status", "--csv"]);
    assert!(
        by.lines().any(|line| line == format!("Failure,{failures}")),
        "{by}"
    );
    let month = archive.ask("search", &["--histogram=month", "--json"]);
    let counts: Vec<Value> = month
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sum: u64 = counts
        .iter()
        .map(|row| row["count"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, all.len() as u64, "{month}");
    let table = archive.ask("search", &["--by", "actor,operation", "-n", "3"]);
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.starts_with("ACTOR "), "{table}");
    let unknown = archive.run("search", &["--by", "colour"]);
    let told = String::from_utf8_lossy(&unknown.stderr);
    assert!(
        told.contains("--by colour: the table events has no such column; there are actor"),
        "{told}"
    );
    assert_eq!(unknown.status.code(), Some(2));
    let blanks = archive.ask("search", &["--by", "Actor, OPERATION", "-n", "3"]);
    assert_eq!(blanks, table);
}

/// Runs a command as it is, with a configuration of this text.
fn run_with(archive: &Archive, config: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let path = archive.file("other.yaml");
    fs::write(&path, config).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(arguments)
        .arg("--config")
        .arg(&path)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), told)
}

#[test]
fn the_exit_code_tells_faults_of_arguments_of_the_configuration_and_of_the_archive() {
    let archive = documented();
    for (arguments, expected) in [
        (
            ["search", "--level", "severe"].as_slice(),
            "--level severe: there is no such one; write one of informational, low",
        ),
        (
            &["search", "--product", "confluentt"],
            "--product confluentt: there is no such one; write one of confluent, actiontrail",
        ),
        (
            &["search", "--from", "2026-03-14", "--to", "2026-03-13"],
            "--from is not before --to",
        ),
        (
            &["search", "--from", "2026-03-29T02:30[Europe/Berlin]"],
            "there is no such time in Europe/Berlin",
        ),
        (
            &["search", "--ip", "10.0.0.0/8", "--ip", "1.*"],
            "write an address such as",
        ),
        (
            &["search", "alerts", "--ip", "10.0.0.0/8", "--access", "read"],
            "the table alerts does not have it",
        ),
        (&["search", "--output", "x.txt"], "the name must end in"),
        (
            &["sql", "SELECT 1", "--output", "x.txt"],
            "the name must end in",
        ),
        (&["search", "--histogram", "-n", "3"], "cannot be used with"),
        (&["ledger", "verify"], "--day"),
        (
            &[
                "ledger",
                "--day",
                "2026-03-14",
                "verify",
                "--day",
                "2026-03-15",
            ],
            "options before `verify`",
        ),
        (&["show"], "ID"),
    ] {
        let config = fs::read_to_string(archive.config()).unwrap();
        let (code, told) = run_with(&archive, &config, arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {told}");
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
    // Patterns are no words of a list, and letter case does not matter.
    assert_eq!(
        archive.ask("search", &["--level", "sev*", "--count"]),
        "0\n"
    );
    let high = archive.ask("search", &["--level", "HIGH", "--count"]);
    assert_eq!(high, archive.ask("search", &["--level", "high", "--count"]));
    let config = fs::read_to_string(archive.config()).unwrap();
    let without = config.lines().filter(|line| !line.starts_with("archive:"));
    let without = without.collect::<Vec<_>>().join("\n");
    for (config, code, expected) in [
        (without.as_str(), 78, "there is no archive to ask"),
        ("sources: 3\n", 78, "a map is expected, not a number"),
        (
            &config.replace("/archive", "/nowhere"),
            1,
            "holds no archive",
        ),
    ] {
        for arguments in [
            ["search", "--count", "--no-live"].as_slice(),
            &["sql", "SELECT 1", "--no-live"],
            &["ledger"],
            &["ledger", "verify", "--day", "2026-03-14"],
        ] {
            let (found, told) = run_with(&archive, config, arguments);
            assert_eq!(found, Some(code), "{arguments:?}: {told}");
            // Of an archive without a ledger, `ledger` says that.
            let is_ledger = arguments[0] == "ledger" && code == 1;
            let expected = if is_ledger {
                "has no ledger yet"
            } else {
                expected
            };
            assert!(told.contains(expected), "{arguments:?}: {told}");
        }
    }
    let before = archive.config();
    let output = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["ledger", "--config", before.to_str().unwrap(), "verify"])
        .args(["--day", "2026-03-14"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has no ledger yet"));
}

#[test]
fn a_record_is_shown_from_the_archive_alone_and_before_the_topics_are_asked() {
    let archive = documented();
    let id = found(&archive, &[])[0]["metadata"]["uid"]
        .as_str()
        .unwrap()
        .to_owned();
    let started = Instant::now();
    let shown = archive.ask("show", &[&id]);
    assert!(shown.contains(&id), "{shown}");
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    let unknown = archive.run("show", &["there-is-no-such-id"]);
    let told = String::from_utf8_lossy(&unknown.stderr);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        told.contains("there-is-no-such-id is not in the archive file://"),
        "{told}"
    );
    // With the topics, which do not answer, the record is printed before they are waited for.
    let mut asked = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["show", &id, "--config"])
        .arg(archive.config())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    asked
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    assert!(asked.try_wait().unwrap().is_none(), "nobody was waited for");
    asked.kill().unwrap();
    asked.wait().unwrap();
}

#[test]
fn on_a_full_disk_a_download_fails_and_leaves_nothing() {
    let archive = documented();
    for name in ["x.csv", "x.csv.gz", "x.ndjson", "x.ndjson.gz", "x.parquet"] {
        for (command, arguments) in [
            ("search", ["--output"].as_slice()),
            ("sql", &["SELECT * FROM events", "--output"]),
        ] {
            let path = archive.file(name);
            let partial = archive.file(&format!("{name}.partial"));
            std::os::unix::fs::symlink("/dev/full", &partial).unwrap();
            let output = archive.run(command, &[arguments, &[path.to_str().unwrap()]].concat());
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{name}: {told}");
            let expected = format!("write {}: No space left on device", path.display());
            assert!(told.contains(&expected), "{name}: {told}");
            assert!(
                !path.exists() && partial.symlink_metadata().is_err(),
                "{name}"
            );
            assert!(!archive.file(&format!("{name}.manifest.json")).exists());
        }
    }
    for format in ["--json", "--csv"] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_watchbell"))
            .args(["search", "--no-live", "--all", format, "--config"])
            .arg(archive.config())
            .stdout(full)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.contains("write to standard output: No space left"),
            "{told}"
        );
    }
}

#[test]
fn comma_separated_values_tell_null_from_an_empty_text() {
    let archive = documented();
    let query = "SELECT NULL AS a, '' AS b, 'x, \"y\"' AS c, 1.5 AS d, true AS e, TIMESTAMP '2026-03-14T01:02:03Z' AS f";
    let answer = archive.ask("sql", &["--csv", query]);
    assert_eq!(
        answer,
        "a,b,c,d,e,f\n,\"\",\"x, \"\"y\"\"\",1.5,true,2026-03-14T01:02:03\n"
    );
}

#[test]
fn a_download_is_whole_and_its_manifest_says_so() {
    let archive = documented();
    let all = found(&archive, &[]);
    for name in [
        "all.ndjson",
        "all.ndjson.gz",
        "all.csv",
        "all.csv.gz",
        "all.parquet",
    ] {
        let path = archive.file(name);
        archive.ask("search", &["--output", path.to_str().unwrap()]);
        let bytes = fs::read(&path).unwrap();
        let manifest = fs::read_to_string(archive.file(&format!("{name}.manifest.json"))).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest["rows"], all.len(), "{name}");
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes));
        assert_eq!(manifest["sha256"], hash, "{name}");
        assert_eq!(manifest["bytes"], bytes.len(), "{name}");
        let query = manifest["query"].as_str().unwrap();
        assert!(query.starts_with("watchbell search --config"), "{query}");
        let mut text = String::new();
        if name.ends_with(".gz") {
            GzDecoder::new(&bytes[..])
                .read_to_string(&mut text)
                .unwrap();
        } else if !name.ends_with(".parquet") {
            text = String::from_utf8(bytes).unwrap();
        }
        if name.contains("ndjson") {
            let events: Vec<Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(events, all, "{name}");
        }
        if name.contains("csv") {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let column = reader
                .headers()
                .unwrap()
                .iter()
                .position(|name| name == "event")
                .unwrap();
            let rows = reader.records().map(|row| row.unwrap()[column].to_owned());
            let events: Vec<Value> = rows
                .map(|event| serde_json::from_str(&event).unwrap())
                .collect();
            assert_eq!(events, all, "{name}");
        }
        assert!(!archive.file(&format!("{name}.partial")).exists(), "{name}");
    }
    let parquet = archive.file("all.parquet");
    let query = format!(
        "SELECT count(DISTINCT event_id) AS ids, count(*) AS rows FROM '{}'",
        parquet.display()
    );
    let counts = duckdb::query(&query);
    assert_eq!(
        (&counts[0]["ids"], &counts[0]["rows"]),
        (&ids(&all).len().into(), &all.len().into())
    );
    let refused = archive.run("search", &["--output", "all.xlsx"]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        told.contains("must end in .csv, .ndjson or .parquet"),
        "{told}"
    );
}

#[test]
fn sql_only_reads_and_says_what_is_wrong() {
    let archive = documented();
    let outside = archive.file("outside.csv");
    let copy = format!("COPY events TO '{}'", outside.display());
    for (query, expected) in [
        (copy.as_str(), "the archive is only read"),
        ("DELETE FROM events", "the archive is only read"),
        ("CREATE TABLE x AS SELECT 1", "the archive is only read"),
        (
            "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
            "the archive is only read",
        ),
        (
            "SET datafusion.execution.batch_size = 1",
            "the archive is only read",
        ),
        ("SELECT * FROM '/etc/passwd'", "not found"),
        ("SELECT colour FROM events", "colour"),
        ("SELECT 1 FROM", "the SQL cannot be read"),
    ] {
        let output = archive.run("sql", &[query]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{query}: {told}");
        assert!(told.contains(expected), "{query}: {told}");
    }
    assert!(!outside.exists());
    let described = archive.ask("sql", &["DESCRIBE alerts"]);
    assert!(described.contains("group_key"), "{described}");
    let networks = archive.ask(
        "sql",
        &[
            "--csv",
            "SELECT count(*) FROM events WHERE in_network(address, '203.0.113.0/24')",
        ],
    );
    assert_ne!(networks.lines().nth(1), Some("0"), "{networks}");
    let resources = archive.ask(
        "sql",
        &[
            "--csv",
            "SELECT count(*) FROM events WHERE any_ilike(resource_uid, 'ORDERS%')",
        ],
    );
    assert_ne!(resources.lines().nth(1), Some("0"), "{resources}");
}

#[test]
fn a_question_that_needs_too_much_memory_fails_and_says_so() {
    let archive = documented();
    let output = archive.run(
        "sql",
        &[
            "--memory",
            "16MB",
            "SELECT array_agg(value) FROM generate_series(1, 100000000) AS t(value)",
        ],
    );
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("--memory"), "{told}");
    let sorted = archive.ask(
        "sql",
        &[
            "--memory",
            "32MB",
            "--csv",
            "SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY value % 1000) AS place FROM \
             generate_series(1, 5000000) AS t(value)) WHERE place > 4999990",
        ],
    );
    // What is sorted and does not fit is written to temporary files.
    assert_eq!(sorted.lines().nth(1), Some("10"), "{sorted}");
}

/// Whether a process has a handler for SIGINT, by its file `status`.
fn catches_interrupts(status: &str) -> bool {
    let text = fs::read_to_string(status).expect("a process");
    let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask & 0b10 != 0)
}

#[test]
fn an_interrupted_question_ends_at_once() {
    let archive = documented();
    let mut asked = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["sql", "--no-live", "--config"])
        .arg(archive.config())
        .arg("SELECT sum(a.value * b.value) FROM generate_series(1, 1000000) AS a(value), generate_series(1, 1000000) AS b(value)")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // From then on a signal does not end it without a word.
    let status = format!("/proc/{}/status", asked.id());
    let deadline = Instant::now() + Duration::from_secs(120);
    while !catches_interrupts(&status) {
        assert!(Instant::now() < deadline, "it does not wait for signals");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Long enough for the question to begin; where it has not, the signal ends it as well.
    std::thread::sleep(Duration::from_secs(3));
    assert!(
        asked.try_wait().unwrap().is_none(),
        "it should take for hours"
    );
    let started = Instant::now();
    Command::new("kill")
        .args(["-INT", &asked.id().to_string()])
        .status()
        .unwrap();
    let output = asked.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("stopped before the answer was complete"),
        "{told}"
    );
}

#[test]
fn a_record_is_shown_with_what_belongs_to_it() {
    let archive = documented();
    let alert = found(&archive, &["--rule", "*deleted*"]);
    let id = alert[0]["metadata"]["uid"].as_str().unwrap();
    let show = |id: &str| archive.ask("show", &[id]);
    let page = show(id);
    assert!(page.contains("Alerts raised by it"), "{page}");
    let alert_id = page
        .lines()
        .find_map(|line| line.trim().strip_prefix("alert id "));
    let alert = show(alert_id.unwrap());
    assert!(alert.contains(id), "{alert}");
    let at = show("watchbell.events/0@3");
    assert!(at.contains("watchbell.events/0@3"), "{at}");
}

#[test]
fn many_values_long_expressions_and_wide_cells_are_answered() {
    let archive = documented();
    let many: Vec<String> = (0..2_000)
        .flat_map(|number| ["--actor".to_owned(), format!("u{number}")])
        .collect();
    let mut arguments: Vec<&str> = many.iter().map(String::as_str).collect();
    arguments.extend(["--actor", "lin", "--count"]);
    let lin = archive.ask("search", &["--actor", "lin", "--count"]);
    assert_eq!(archive.ask("search", &arguments), lin);
    let sum = vec!["1"; 3_000].join("+");
    let answer = archive.ask("sql", &["--csv", &format!("SELECT {sum} AS sum")]);
    assert_eq!(answer, "sum\n3000\n");
    let wide = archive.ask("sql", &["SELECT repeat('ab', 100000) AS a, 2 AS b"]);
    assert!(wide.len() > 200_000, "{} bytes", wide.len());
    let either = archive.ask(
        "search",
        &["--text", "Delete", "--text", "Create", "--count"],
    );
    let number = |text: &str| -> usize {
        let count = archive.ask("search", &["--text", text, "--count"]);
        count.trim().parse().unwrap()
    };
    let either: usize = either.trim().parse().unwrap();
    assert!(
        either > number("Delete") && either > number("Create"),
        "{either}"
    );
}

#[test]
fn times_are_shown_with_their_zone_and_errors_are_no_values() {
    let archive = documented();
    let shown = archive.ask(
        "sql",
        &["SELECT to_timestamp('2026-03-14T09:26:53Z') AT TIME ZONE 'Asia/Shanghai' AS t, TIMESTAMP '2026-03-14 09:26:53' AS u"],
    );
    assert!(shown.contains("2026-03-14T17:26:53.000+08:00"), "{shown}");
    let wrong = archive.run("sql", &["SELECT arrow_cast(2147483647, 'Date32') AS t"]);
    assert_eq!(
        wrong.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&wrong.stdout)
    );
}

#[test]
fn asking_writes_nothing_and_leaves_nothing_behind() {
    let archive = documented();
    let files = |folder: &std::path::Path| {
        let listed = Command::new("find")
            .arg(folder)
            .args(["-type", "f"])
            .output()
            .unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let mut listed: Vec<String> = listed.lines().map(str::to_owned).collect();
        listed.sort();
        listed
    };
    let before = files(archive.config().parent().unwrap());
    archive.ask("search", &["--count"]);
    archive.ask("sql", &["SELECT count(*) FROM events"]);
    let spilled = archive.file("spilled");
    fs::create_dir(&spilled).unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["sql", "--no-live", "--memory", "16MB", "--config"])
        .arg(archive.config())
        .arg("SELECT array_agg(value ORDER BY value % 7) FROM generate_series(1, 20000000) AS t(value)")
        .env("TMPDIR", &spilled)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        fs::read_dir(&spilled).unwrap().next().is_none(),
        "temporary files stay"
    );
    fs::remove_dir(&spilled).unwrap();
    let full = archive.run("search", &["--output", "/dev/full/x.csv"]);
    assert_eq!(full.status.code(), Some(1));
    assert_eq!(files(archive.config().parent().unwrap()), before);
}

#[test]
fn where_there_is_no_archive_nothing_is_counted() {
    let archive = documented();
    fs::remove_dir_all(archive.file("archive")).unwrap();
    let output = archive.run("search", &["--count"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("holds no archive"), "{told}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_reader_that_goes_away_ends_the_answer() {
    let archive = documented();
    for format in ["--csv", "--json"] {
        let mut asked = Command::new(env!("CARGO_BIN_EXE_watchbell"))
            .args(["sql", "--no-live", format, "--config"])
            .arg(archive.config())
            .arg("SELECT value FROM generate_series(1, 100000000) AS t(value)")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(asked.stdout.take());
        assert_eq!(asked.wait().unwrap().code(), Some(141), "{format}");
    }
}

#[test]
fn an_attribute_that_a_table_lacks_is_refused() {
    let archive = documented();
    for (arguments, expected) in [
        (
            &["dead-letters", "--actor", "lin"][..],
            "--actor: the table dead_letters does not have it",
        ),
        (
            &["alerts", "--access", "read"],
            "--access: the table alerts does not have it",
        ),
        (&["--ip", "10.0.0.0/33"], "--ip 10.0.0.0/33"),
        (&["--where", "api.operation|starts: x"], "starts"),
        (
            &["--from", "2026-03-15", "--to", "2026-03-14"],
            "--from is not before --to",
        ),
        (&["--limit", "0"], "--limit"),
    ] {
        let output = archive.run("search", arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
}

/// A file of an archive, what becomes of its bytes (`None`: it is deleted), and what is said of it.
type Damaged<'d> = (&'d Path, fn(Vec<u8>) -> Option<Vec<u8>>, &'d str);

#[test]
fn of_a_damaged_archive_is_said_which_file_it_is_and_what_to_do() {
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/confluent/shapes.ndjson"
    );
    let archive = Archive::of(&[fixture.into()]);
    let events = archive.file("archive/events");
    let day = fs::read_dir(events.join("day=2026-03-14")).unwrap().next();
    let data = day.unwrap().unwrap().path();
    let [made, rows] = [0, 1].map(|version| events.join(format!("_delta_log/{version:020}.json")));
    let half = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() / 2);
        Some(bytes)
    };
    let damages: [Damaged<'_>; 8] = [
        (&rows, half, "00000000000000000001.json is cut off in line "),
        (
            &rows,
            |_| Some(b"{}\nPAR1".into()),
            "00000000000000000001.json is not JSON in line 2",
        ),
        (
            &made,
            half,
            "00000000000000000000.json is cut off in line 1",
        ),
        (&made, |_| None, "00000000000000000000.json is missing"),
        (&data, |_| None, " is missing"),
        (&data, half, " bytes in place of "),
        (
            &data,
            |bytes| Some(vec![0; bytes.len()]),
            " does not end as a Parquet file does",
        ),
        (
            &data,
            |mut bytes| {
                let end = bytes.len();
                bytes[4..end / 2].fill(0);
                Some(bytes)
            },
            " cannot be read as Parquet (",
        ),
    ];
    for (path, damage, expected) in damages {
        let before = fs::read(path).unwrap();
        match damage(before.clone()) {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let sql = "SELECT count(event), max(operation) FROM events";
        for (command, arguments) in [
            ("search", ["--all", "--json"].as_slice()),
            ("sql", [sql].as_slice()),
        ] {
            let output = archive.run(command, arguments);
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{told}");
            let path = path.strip_prefix(&events).unwrap().display();
            let starts = format!("the table events is damaged: {path} ");
            assert!(
                told.contains(&starts) && told.contains(expected),
                "{expected}: {told}"
            );
            assert!(told.contains("; restore this file from a backup"), "{told}");
            assert_eq!(told.matches("is damaged").count(), 1, "{told}");
            assert!(
                !told.contains("backtrace") && !told.contains("Kernel"),
                "{told}"
            );
        }
        fs::write(path, before).unwrap();
    }
    assert_ne!(archive.ask("search", &["--count"]), "0\n");
}
