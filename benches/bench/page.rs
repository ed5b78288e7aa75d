//! The page over a large archive, with no Kafka behind it: how long each of its pages takes, alone and with many readers at
//! once.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Readers at once.
const READERS: usize = 20;

/// How long they read.
const READING: Duration = Duration::from_secs(30);

/// What a reader does between two pages.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a page is asked for alone.
const ALONE: usize = 7;

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
    fn start(archive: &Path, home: &Path) -> Page {
        let configuration = home.join("watchbell.yaml");
        let text = format!(
            "sources:\n  audit: {{bootstrap: \"127.0.0.1:1\"}}\ndestination: {{bootstrap: \"127.0.0.1:1\"}}\n\
             rules: [pack:confluent, pack:actiontrail]\narchive: {{url: \"file://{}\"}}\n\
             page: {{listen: \"127.0.0.1:0\"}}\nhttp: {{listen: \"127.0.0.1:0\"}}\n",
            archive.canonicalize().expect("a folder").display()
        );
        fs::write(&configuration, text).expect("a configuration");
        let mut process = Command::new(env!("CARGO_BIN_EXE_watchbell"))
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
        Answer {
            first: first.unwrap_or(whole),
            whole,
            body,
        }
    }

    fn peak_mb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("its state");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kb = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kb.expect("its peak") / 1_024
    }
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
    let page = Page::start(archive, home.path());
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
    println!("alone, median of {ALONE}: first row and whole, ms");
    for (name, path) in &pages {
        let mut times: Vec<(u128, u128)> = (0..ALONE)
            .map(|_| page.get(path))
            .map(|answer| (answer.first.as_millis(), answer.whole.as_millis()))
            .collect();
        times.sort_unstable();
        let (first, whole) = times[ALONE / 2];
        println!("{name}: {first} and {whole}");
    }
    println!(
        "{READERS} readers, each a page after {PAUSE:?}: first row 50 %, 95 %; whole 50 %, 95 %, ms"
    );
    let all: Vec<(usize, Answer)> = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                scope.spawn({
                    let (page, pages) = (&page, &pages);
                    move || read(page, pages, reader)
                })
            })
            .collect();
        readers
            .into_iter()
            .flat_map(|reader| reader.join().expect("no panic"))
            .collect()
    });
    for (number, (name, _)) in pages.iter().enumerate() {
        let of_page = || {
            all.iter()
                .filter(|(at, _)| *at == number)
                .map(|(_, answer)| answer)
        };
        let part = |mut times: Vec<u128>, percent: usize| {
            times.sort_unstable();
            times[(times.len() * percent / 100).min(times.len() - 1)]
        };
        let first = || {
            of_page()
                .map(|answer| answer.first.as_millis())
                .collect::<Vec<_>>()
        };
        let whole = || {
            of_page()
                .map(|answer| answer.whole.as_millis())
                .collect::<Vec<_>>()
        };
        println!(
            "{name}: {}, {}; {}, {} ({} times)",
            part(first(), 50),
            part(first(), 95),
            part(whole(), 50),
            part(whole(), 95),
            of_page().count()
        );
    }
    println!("peak of memory: {} MB", page.peak_mb());
}

/// What a reader sees: pages in turn, each reader from another one on.
fn read(page: &Page, pages: &[(&str, String)], reader: usize) -> Vec<(usize, Answer)> {
    let end = Instant::now() + READING;
    let mut seen = Vec::new();
    // Not all at the same moment.
    thread::sleep(PAUSE * reader as u32 / READERS as u32);
    for turn in reader.. {
        if Instant::now() > end {
            break;
        }
        let number = turn % pages.len();
        seen.push((number, page.get(&pages[number].1)));
        thread::sleep(PAUSE);
    }
    seen
}
