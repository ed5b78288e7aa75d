//! The page over a large archive, with alerts on a broker: how long each of its pages takes, alone and with many readers at
//! once.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer};
use serde_json::Value;

use crate::broker::Broker;
use crate::contender::{Contender, Kind, cpu_seconds, peak_mb};
use crate::corpus::Corpus;
use crate::{SOURCE, median, normalized, producer};

/// Readers at once.
const READERS: usize = 20;

/// Alerts on the broker.
const ALERTS: usize = 10_000;

/// 2026-10-30T00:00:00Z, and the time from one event to the next, of which a fifth are alerts.
const AFTER_ARCHIVE_MS: i64 = 1_793_318_400_000;
const ALERTS_STEP_MS: i64 = 40_000;

/// How long they read.
const READING: Duration = Duration::from_secs(30);

/// What a reader does between two pages.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a page is asked for alone.
const ALONE: usize = 7;

/// Records that ingest reads as fast as it can, and how often with and without readers of the page.
const INGESTED: u64 = 400_000;
const INGEST_ROUNDS: usize = 8;

/// The page, which ends with its value.
struct Page {
    process: Child,
    address: String,
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An answer of the page.
struct Answer {
    /// Until the first row was there; the whole where there are none.
    first: Duration,
    whole: Duration,
    body: String,
}

impl Page {
    fn start(archive: &Path, broker: &Broker, home: &Path) -> Page {
        let configuration = home.join("watchbell.yaml");
        let text = format!(
            "sources:\n  audit: {{bootstrap: \"{at}\", topic: {SOURCE}}}\ndestination: {{bootstrap: \"{at}\"}}\n\
             rules: [pack:confluent, pack:actiontrail]\narchive: {{url: \"file://{}\"}}\n\
             page: {{listen: \"127.0.0.1:0\"}}\nhttp: {{listen: \"127.0.0.1:0\"}}\n",
            archive.canonicalize().expect("a folder").display(),
            at = broker.bootstrap(),
        );
        fs::write(&configuration, text).expect("a configuration");
        let mut process = Command::new(env!("CARGO_BIN_EXE_watchbell"))
            // As deploy/kustomize/page sets it.
            .env("MALLOC_ARENA_MAX", "2")
            .args(["run", "--role", "page", "--config"])
            .arg(configuration)
            .stderr(Stdio::piped())
            .spawn()
            .expect("run watchbell");
        let mut lines = BufReader::new(process.stderr.take().expect("its log")).lines();
        let address = loop {
            let line = lines.next().expect("it listens").expect("a line");
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if entry["message"] == "serving the page" {
                break entry["listen"].as_str().expect("an address").to_owned();
            }
        };
        thread::spawn(move || lines.for_each(drop));
        Page { process, address }
    }

    fn get(&self, path: &str) -> Answer {
        let started = Instant::now();
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let (mut answer, mut part) = (Vec::new(), vec![0; 64 << 10]);
        let (mut first, mut searched) = (None, 0);
        loop {
            let read = stream.read(&mut part).expect("an answer");
            if read == 0 {
                break;
            }
            answer.extend_from_slice(&part[..read]);
            const ROW: &[u8] = b"<tr data-at";
            if first.is_none() && answer[searched..].windows(ROW.len()).any(|at| at == ROW) {
                first = Some(started.elapsed());
            }
            searched = answer.len().saturating_sub(ROW.len());
        }
        let whole = started.elapsed();
        let body = String::from_utf8_lossy(&answer).into_owned();
        assert!(body.starts_with("HTTP/1.1 200"), "{path}: {body}");
        assert!(!body.contains("role=\"alert\""), "{path}: {body}");
        Answer {
            first: first.unwrap_or(whole),
            whole,
            body,
        }
    }

    /// The processor time that it has taken so far, in seconds.
    fn cpu_s(&self) -> f64 {
        cpu_seconds(self.process.id())
    }

    fn peak_mb(&self) -> f64 {
        peak_mb(self.process.id()).expect("its peak")
    }
}

/// Alerts of the time after the archive.
fn add_alerts(broker: &Broker) {
    let mut corpus = Corpus::new(1).at(AFTER_ARCHIVE_MS, ALERTS_STEP_MS);
    let producer = producer(broker);
    for alert in normalized::alerts(&mut corpus, ALERTS) {
        let headers = alert
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: value.as_ref(),
                })
            });
        let mut record = BaseRecord::to("watchbell.alerts")
            .headers(headers)
            .key(alert.key.as_deref().expect("a key"))
            .payload(alert.value.as_deref().expect("an alert"));
        while let Err((_, back)) = producer.send(record) {
            record = back;
            producer.poll(Duration::from_millis(5));
        }
    }
    producer.flush(Duration::from_secs(60)).expect("flush");
}

/// The addresses that a page has in links that begin so.
fn links(body: &str, begin: &str) -> Vec<String> {
    let mark = format!("href=\"{begin}");
    let mut parts = body.split(&*mark);
    parts.next();
    let ends = parts.filter_map(|part| part.split_once('"'));
    ends.map(|(rest, _)| format!("{begin}{}", rest.replace("&amp;", "&")))
        .collect()
}

/// The address of a profile of all the time that there is.
fn of_all_time(profile: &str) -> String {
    profile.replace("when=30d", "when=all")
}

/// Asks all pages and prints the figures. The archive is one of `tables`.
pub fn run(archive: &Path) {
    let home = tempfile::tempdir().expect("a folder");
    let broker = crate::start();
    add_alerts(&broker);
    let page = Page::start(archive, &broker, home.path());
    let started = Instant::now();
    let list = page.get("/events");
    println!(
        "the first page after the start: {} ms",
        started.elapsed().as_millis()
    );
    // Not every record names both.
    let found = links(&list.body, "/record?")
        .into_iter()
        .find_map(|record| {
            let body = page.get(&record).body;
            let actor = links(&body, "/actor?").into_iter().next()?;
            let resource = links(&body, "/resource?").into_iter().next()?;
            Some((record, actor, resource))
        });
    let (record, actor, resource) = found.expect("a record with an actor and a resource");
    let day = "from=2026-09-10T00:00:00Z&to=2026-09-11T00:00:00Z";
    let pages = [
        ("the newest events", "/events".to_owned()),
        ("a day", format!("/events?{day}")),
        (
            "a day with three conditions",
            format!("/events?{day}&operation=kafka.Create*&status=success&environment=env-q7x03k"),
        ),
        ("a record", record),
        ("an actor, 90 days", of_all_time(&actor)),
        ("a resource, 90 days", of_all_time(&resource)),
        ("the alerts", "/alerts".to_owned()),
        ("the rules", "/rules".to_owned()),
        ("the sources", "/sources".to_owned()),
        ("completed values", "/values?of=actor&part=u-".to_owned()),
    ];
    println!("alone, first and median of {ALONE}: first row and whole, ms; and processor time");
    for (name, path) in &pages {
        let unknown = page.get(path);
        let cpu_s = page.cpu_s();
        let mut times: Vec<(u128, u128)> = (0..ALONE)
            .map(|_| page.get(path))
            .map(|answer| (answer.first.as_millis(), answer.whole.as_millis()))
            .collect();
        times.sort_unstable();
        let (first, whole) = times[ALONE / 2];
        let (first_unknown, unknown) = (unknown.first.as_millis(), unknown.whole.as_millis());
        let cpu_ms = (page.cpu_s() - cpu_s) * 1e3 / ALONE as f64;
        println!("{name}: {first_unknown} and {unknown}, then {first} and {whole}; {cpu_ms:.0} ms");
    }
    println!(
        "{READERS} readers, each a page after {PAUSE:?}: first row 50 %, 95 %; whole 50 %, 95 %, ms"
    );
    let cpu_s = page.cpu_s();
    let end = Instant::now() + READING;
    let all = read_by_all(&page, &pages, &|| Instant::now() > end);
    print_times(&pages, &all);
    let cores = (page.cpu_s() - cpu_s) / READING.as_secs_f64();
    println!("they keep {cores:.2} cores busy");
    println!("peak of memory: {:.0} MB", page.peak_mb());
    ingest_beside(&page, &pages);
    println!("peak of memory: {:.0} MB", page.peak_mb());
}

/// How long each page took, of all answers with the numbers of their pages.
fn print_times(pages: &[(&str, String)], all: &[(usize, Answer)]) {
    for (number, (name, _)) in pages.iter().enumerate() {
        let of_page = all.iter().filter(|(at, _)| *at == number);
        let (mut first, mut whole): (Vec<u128>, Vec<u128>) = of_page
            .map(|(_, answer)| (answer.first.as_millis(), answer.whole.as_millis()))
            .unzip();
        let part = |times: &mut Vec<u128>, percent: usize| {
            times.sort_unstable();
            let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
            times.get(at).copied().unwrap_or_default()
        };
        println!(
            "{name}: {}, {}; {}, {} ({} times)",
            part(&mut first, 50),
            part(&mut first, 95),
            part(&mut whole, 50),
            part(&mut whole, 95),
            whole.len()
        );
    }
}

/// How fast ingest is on the same machine, with a cluster of its own, while nobody reads and while all do.
fn ingest_beside(page: &Page, pages: &[(&str, String)]) {
    let (home, broker) = (crate::home(), crate::start());
    crate::fill(&broker, SOURCE, Corpus::new(1), INGESTED);
    let mut number = 0;
    let mut ingest = || {
        number += 1;
        let group = format!("beside-{number}");
        let at = broker.bootstrap();
        let contender = Contender::start(Kind::Watchbell, true, at, SOURCE, &group, home.path());
        contender.finish(INGESTED)
    };
    // The broker is warm afterwards.
    ingest();
    let (mut rates, mut costs, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..INGEST_ROUNDS {
        let alone_first = (round % 2 == 0).then(&mut ingest);
        let (cpu_s, begun) = (page.cpu_s(), Instant::now());
        let is_over = AtomicBool::new(false);
        let (beside, mut answers) = thread::scope(|scope| {
            let until = || is_over.load(Ordering::Relaxed);
            let readers = scope.spawn(move || read_by_all(page, pages, &until));
            let beside = ingest();
            is_over.store(true, Ordering::Relaxed);
            (beside, readers.join().expect("no panic"))
        });
        all.append(&mut answers);
        let cores = (page.cpu_s() - cpu_s) / begun.elapsed().as_secs_f64();
        // Neither has the better place in every round.
        let alone = alone_first.unwrap_or_else(&mut ingest);
        println!(
            "ingest: {:.0} events/s and {:.1} CPU s per million, beside {READERS} readers, who keep {cores:.2} cores busy, {:.0} and {:.1}",
            alone.events_per_s,
            alone.cpu_s_per_million,
            beside.events_per_s,
            beside.cpu_s_per_million
        );
        rates.push(beside.events_per_s / alone.events_per_s);
        costs.push(beside.cpu_s_per_million / alone.cpu_s_per_million);
    }
    println!(
        "ingest beside readers: {:.2} times the events/s, {:.2} times the CPU",
        median(rates.into_iter()),
        median(costs.into_iter())
    );
    println!("the readers beside it: first row 50 %, 95 %; whole 50 %, 95 %, ms");
    print_times(pages, &all);
}

/// What all readers see, each page by its number.
fn read_by_all(
    page: &Page,
    pages: &[(&str, String)],
    is_over: &(dyn Fn() -> bool + Sync),
) -> Vec<(usize, Answer)> {
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|reader| scope.spawn(move || read(page, pages, reader, is_over)))
            .collect();
        readers
            .into_iter()
            .flat_map(|reader| reader.join().expect("no panic"))
            .collect()
    })
}

/// What a reader sees: pages in turn, each reader from another one on.
fn read(
    page: &Page,
    pages: &[(&str, String)],
    reader: usize,
    is_over: &dyn Fn() -> bool,
) -> Vec<(usize, Answer)> {
    let mut seen = Vec::new();
    // Not all at the same moment.
    thread::sleep(PAUSE * reader as u32 / READERS as u32);
    for turn in reader.. {
        if is_over() {
            break;
        }
        let number = turn % pages.len();
        seen.push((number, page.get(&pages[number].1)));
        thread::sleep(PAUSE);
    }
    seen
}
