//! `demo` on its embedded Kafka.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use watchbell::observe::descriptors::raise_limit;
use watchbell::observe::http::{EXCHANGE_TIMEOUT, MAX_CONNECTIONS};

use crate::command::{run_with, watchbell};

/// Deadline for anything that another process does.
const DEADLINE: Duration = Duration::from_secs(120);

/// The lines from the one that holds `first` up to the next blank one.
fn block<'t>(text: &'t str, first: &str) -> Vec<&'t str> {
    let block: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.contains(first))
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .collect();
    assert!(!block.is_empty(), "no {first} in\n{text}");
    block
}

/// A line without times, which differ in every run.
fn without_times(line: &str) -> String {
    let line = line.trim_end();
    match line.split_once("  records read") {
        Some((count, _)) => format!("{count}  records read"),
        None if line.starts_with("    when ") => line
            .split_once("Z, ")
            .map_or_else(String::new, |(_, rest)| rest.to_owned()),
        None => line.to_owned(),
    }
}

#[test]
fn the_readme_shows_what_it_prints() {
    let readme = include_str!("../../README.md");
    let (_, shown) = readme
        .split_once("what it prints:\n\n```\n")
        .expect("the demo's output");
    let (shown, _) = shown.split_once("```").expect("its end");
    let run = run_with(watchbell().arg("demo"), b"");
    let printed: Vec<String> = run.stdout.lines().map(without_times).collect();
    // Each block between blank lines must be printed as a whole.
    for block in shown.split("\n\n") {
        let block: Vec<String> = block.lines().map(without_times).collect();
        let found = printed.windows(block.len()).any(|lines| lines == block);
        assert!(found, "{block:#?} not in\n{}", run.stdout);
    }
}

#[test]
fn it_shows_who_did_what_to_which_resource_the_alerts_and_a_dead_letter() {
    let run = run_with(watchbell().arg("demo"), b"");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let page = &run.stdout;

    let deletion = block(page, "DeleteStatement  Success");
    assert_eq!(
        deletion,
        [
            "2023-09-22T16:48:05Z  DeleteStatement  Success",
            "who    Mei Tanaka (u-devccq71mwp), human, team streaming",
            "what   Deletes a Flink SQL statement, stopping it if it runs.",
            "which  STATEMENT workspace-2023-09-19-024944-b9c724de-c284-486e-a45f-e7dc1100e181",
            "in     environment env-v6x7j0, region aws.us-west-2, organization",
            "e9eb4f2c-ef73-475c-ba7f-6b37a4ff00e5",
            "from   134.238.202.222",
        ]
    );
    for operation in [
        "CreateWorkspace",
        "DeleteWorkspace",
        "GetWorkspace",
        "ListWorkspace",
        "UpdateWorkspace",
        "CreateStatement",
        "GetStatement",
        "ListStatements",
    ] {
        let shown = block(page, &format!("  {operation}  Success"));
        assert!(shown[1].starts_with("who    "), "{shown:?}");
    }

    let scratch = block(page, "Scratch Flink statement deleted");
    assert!(scratch[0].starts_with("LOW "), "{scratch:?}");
    assert!(
        scratch[1].contains("Mei Tanaka deleted Flink statement"),
        "{scratch:?}"
    );
    let other = block(page, "  Flink statement deleted");
    assert!(other[0].starts_with("HIGH "), "{other:?}");
    let said = other.join(" ");
    for words in [
        "what   deployment pipeline deleted Flink statement order enrichment in production",
        "why    api.operation = DeleteStatement",
        "do     Ask the actor whether the deletion was meant.",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }

    let all = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "MEDIUM Audit record became a dead letter",
        "not_json: not JSON: a closing quote expected at byte 45; the record is \
         confluent-audit-log-events/0@9 (watchbell show confluent-audit-log-events/0@9)",
        "not_json: not JSON: an opening brace before the first name expected at byte 2; the record is \
         actiontrail_audit/0@4 (watchbell show actiontrail_audit/0@4); it names AppendVswitchId",
        "HIGH Flink deployment deleted",
        "HIGH DataWorks alarm rule silenced",
        "which ACS::RealtimeCompute::Deployment guiyuan-kafka-writer",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
    let (_, letters) = page
        .split_once("What could not be read")
        .expect("dead letters");
    let letter = block(
        letters,
        "where  confluent-audit-log-events, partition 0, offset 9",
    );
    assert!(
        letter[1].starts_with("bytes  {\"specversion\":"),
        "{letter:?}"
    );
    let letter = block(letters, "where  actiontrail_audit, partition 0, offset 4");
    assert!(
        letter[1].starts_with("bytes  \"ApiVersion\": \"2019-06-24\""),
        "{letter:?}"
    );

    let sum = block(page, "records read");
    assert!(sum[0].starts_with("515  records read"), "{sum:?}");
    assert_eq!(sum[1], "513  events in watchbell.events");
    assert!(sum[2].contains("of them noise (94 %)"), "{sum:?}");
    assert_eq!(sum[4], "2  dead letters in watchbell.dead-letters");

    assert!(
        page.lines().all(|line| line.chars().count() <= 100),
        "{page}"
    );
    assert!(!page.contains('\u{1b}'), "no color but on a terminal");
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lines as they are printed.
fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The whole answer to `GET path`.
fn ask(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("a time limit");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn events_total(address: &str) -> u64 {
    let answer = ask(address, "/metrics");
    let line = answer.lines().find_map(|line| {
        line.strip_prefix("watchbell_events_total{source=\"confluent-audit-log-events\"} ")
    });
    line.and_then(|count| count.parse().ok())
        .unwrap_or_else(|| panic!("no count in {answer}"))
}

/// The demo on free ports. Only a build with the archive has the page.
#[cfg(feature = "archive")]
const SERVE: [&str; 6] = [
    "demo",
    "--serve",
    "--listen",
    "127.0.0.1:0",
    "--page",
    "127.0.0.1:0",
];
#[cfg(not(feature = "archive"))]
const SERVE: [&str; 4] = ["demo", "--serve", "--listen", "127.0.0.1:0"];

/// A demo that serves.
struct Served {
    child: Running,
    lines: Receiver<String>,
    address: String,
}

/// Start a command that is `demo --serve`, and wait until it serves.
fn serve(command: &mut Command) -> Served {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map(Running)
        .expect("the binary");
    let lines = lines_of(child.0.stdout.take().expect("a pipe"));
    let address = loop {
        let line = lines
            .recv_timeout(DEADLINE)
            .expect("the address before the end");
        let address = line.trim().strip_prefix("http://");
        if let Some(address) = address.and_then(|rest| rest.strip_suffix("/metrics")) {
            break address.to_owned();
        }
    };
    Served {
        child,
        lines,
        address,
    }
}

#[test]
fn idle_connections_keep_neither_probes_waiting_nor_descriptors() {
    // The demo has the same listener and limit as the daemon.
    raise_limit();
    let binary = env!("CARGO_BIN_EXE_watchbell");
    let arguments = SERVE.join(" ");
    let script = format!("ulimit -Sn 256; exec {binary} {arguments}");
    let served = serve(Command::new("sh").args(["-c", &script]));
    let address = &served.address;
    let process = format!("/proc/{}", served.child.0.id());
    let descriptors = || {
        let entries = std::fs::read_dir(format!("{process}/fd"));
        entries.expect("its descriptors").count()
    };
    let before = descriptors();
    let mut idle: Vec<TcpStream> = Vec::new();
    for number in 0..1_090 {
        let mut stream = TcpStream::connect(address).expect("a connection");
        if number % 2 == 0 {
            // A request that never ends. Its connection may have been closed already.
            let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost");
        }
        idle.push(stream);
        if number % 100 == 0 {
            let asked = Instant::now();
            let answer = ask(address, "/livez");
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
            assert!(asked.elapsed() < EXCHANGE_TIMEOUT, "{:?}", asked.elapsed());
        }
    }
    let held = descriptors();
    // The pipeline opens and closes descriptors in the meantime.
    assert!(
        held <= before + MAX_CONNECTIONS + 32,
        "{before}, then {held}"
    );

    // Connections without a request, and those whose request does not end, are closed.
    for mut stream in idle.into_iter().rev().take(2) {
        stream.set_read_timeout(Some(DEADLINE)).expect("a limit");
        let mut rest = Vec::new();
        match stream.read_to_end(&mut rest) {
            Ok(_) => assert!(rest.is_empty(), "{rest:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
    // So are connections whose request was answered.
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a limit");
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.ends_with("ok\n"), "{answer}");

    let limits = std::fs::read_to_string(format!("{process}/limits")).expect("its limits");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let numbers: Vec<&str> = files.expect("a limit").split_whitespace().skip(3).collect();
    assert_eq!(numbers[0], numbers[1], "the limit was not raised: {limits}");
}

#[test]
fn it_serves_metrics_while_events_flow_and_ends_cleanly_when_asked() {
    let Served {
        mut child,
        lines,
        address,
    } = serve(watchbell().args(SERVE));
    for probe in ["/livez", "/readyz"] {
        let answer = ask(&address, probe);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{probe}: {answer}");
    }
    let started = Instant::now();
    let before = events_total(&address);
    while events_total(&address) <= before {
        assert!(started.elapsed() < DEADLINE, "no events flow");
        thread::sleep(Duration::from_millis(50));
    }

    let asked = Command::new("kill")
        .args(["-TERM", &child.0.id().to_string()])
        .status();
    assert!(asked.expect("kill (Debian: procps)").success());
    let last = loop {
        let line = lines.recv_timeout(DEADLINE).expect("a last line");
        if line.contains("ended with") {
            break line;
        }
    };
    assert!(last.ends_with(" 2 dead letters"), "{last}");
    assert_eq!(child.0.wait().expect("its end").code(), Some(0));
}

#[test]
fn an_address_in_use_is_reported() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let run = run_with(
        watchbell().args(["demo", "--serve", "--listen", &address]),
        b"",
    );
    assert_eq!(run.code, Some(1));
    let said = format!("watchbell: listen on {address}: ");
    assert!(run.stderr.contains(&said), "{}", run.stderr);
}
