//! A contender runs as a process of its own, so that its CPU and memory can be measured; its progress is read
//! from the broker.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::PARTITIONS;

const PATIENCE: Duration = Duration::from_secs(10);

/// The events topic of every contender.
pub const EVENTS: &str = "watchbell.events";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The yardstick.
    PassThrough,
    /// watchbell with the shipped rules and names.
    Watchbell,
    /// The same of the binary at this path.
    OtherVersion(&'static str),
    /// watchbell with a hundred rules more.
    ManyRules,
    /// watchbell with this noise policy.
    Noise(&'static str),
    /// watchbell that archives what is read, its events topic.
    Archive,
    /// watchbell that tells a webhook there of every alert.
    Telling(SocketAddr),
}

/// One running contender.
pub struct Contender {
    process: Child,
    group: String,
    source: String,
    bootstrap: String,
    listen: SocketAddr,
}

/// What one run gave.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub events_per_s: f64,
    pub cpu_s_per_million: f64,
    pub peak_mb: f64,
    /// Mean from the first output handed over to the confirmed commit; watchbell only.
    pub commit_ms: f64,
}

impl Contender {
    /// Starts one that reads `source` from its beginning. `home` has the names and the rules.
    pub fn start(
        kind: Kind,
        exactly_once: bool,
        bootstrap: &str,
        source: &str,
        group: &str,
        home: &Path,
    ) -> Contender {
        let delivery = if exactly_once {
            "exactly_once"
        } else {
            "at_least_once"
        };
        let listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut command = if kind == Kind::PassThrough {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["--yardstick", bootstrap, group, source, EVENTS, delivery]);
            command
        } else {
            let more = match kind {
                Kind::ManyRules => format!(", {}", home.join("rules").display()),
                _ => String::new(),
            };
            let further = match kind {
                Kind::Telling(sink) => {
                    format!("notify: {{hook: {{type: webhook, url: 'http://{sink}/'}}}}\n")
                }
                Kind::Noise(policy) => format!("noise: {policy}\n"),
                Kind::Archive => format!(
                    "archive: {{url: 'file://{}', group: {group}, interval: 2s}}\n",
                    home.join("archive").display()
                ),
                _ => String::new(),
            };
            // What is archived is no source.
            let topic = if kind == Kind::Archive {
                crate::SOURCE
            } else {
                source
            };
            let file = home.join(format!("{group}.yaml"));
            let text = format!(
                "sources: {{bench: {{bootstrap: '{bootstrap}', topic: {topic}}}}}\n\
                 destination: {{bootstrap: '{bootstrap}'}}\n\
                 group: {group}\nordinal: 0\ndelivery: {delivery}\n\
                 rules: ['pack:confluent'{more}]\nnames: {}\n\
                 http: {{listen: '{listen}'}}\nlog: {{filter: error}}\n{further}",
                home.join("names.yaml").display(),
            );
            fs::write(&file, text).expect("a configuration");
            let binary = match kind {
                Kind::OtherVersion(path) => path,
                _ => env!("CARGO_BIN_EXE_watchbell"),
            };
            let mut command = Command::new(binary);
            command.args(["run", "-c"]).arg(file);
            if kind == Kind::Archive {
                command.args(["--role", "archive"]);
            }
            command
        };
        command.stdout(Stdio::null());
        Contender {
            process: command.spawn().expect("a process"),
            group: group.to_owned(),
            source: source.to_owned(),
            bootstrap: bootstrap.to_owned(),
            listen,
        }
    }

    /// The figures once all `records` are committed.
    pub fn finish(mut self, records: u64) -> Figures {
        let events_per_s = self.read_all(records);
        let figures = self.figures(events_per_s, records);
        self.stop();
        figures
    }

    /// Waits until all `records` are committed; how many there were in a second, from the first commit seen on, which
    /// leaves out joining the group.
    pub fn read_all(&mut self, records: u64) -> f64 {
        let asker = asker(&self.bootstrap, &self.group);
        let deadline = Instant::now() + Duration::from_secs(300);
        let mut first = None;
        loop {
            let now = Instant::now();
            let committed = committed(&asker, &self.source);
            match first {
                None if committed > 0 => first = Some((now, committed)),
                Some((since, before)) if committed >= records => {
                    return (records - before) as f64 / (now - since).as_secs_f64();
                }
                _ => {}
            }
            assert!(
                now < deadline,
                "{} has come to {committed} of {records}",
                self.group
            );
            let ended = self.process.try_wait().expect("a process");
            assert!(ended.is_none(), "{} ended: {ended:?}", self.group);
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// The figures so far; CPU counts from the start of the process.
    pub fn figures(&self, events_per_s: f64, records: u64) -> Figures {
        Figures {
            events_per_s,
            cpu_s_per_million: cpu_seconds(self.process.id()) * 1e6 / records as f64,
            peak_mb: peak_mb(self.process.id()).expect("VmHWM"),
            commit_ms: self.commit_ms(),
        }
    }

    /// Waits until it owns its partitions.
    pub fn ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self
            .page("/readyz")
            .is_some_and(|page| page.starts_with("HTTP/1.1 200"))
        {
            assert!(
                Instant::now() < deadline,
                "{} does not get ready",
                self.group
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks it to end and waits for that.
    pub fn stop(mut self) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(sent.expect("run kill").success());
        self.process.wait().expect("an end");
    }

    /// Mean commit latency by its metrics; NaN where there are none.
    fn commit_ms(&self) -> f64 {
        let name = "watchbell_commit_duration_seconds";
        self.metric(&format!("{name}_sum")) / self.metric(&format!("{name}_count")) * 1e3
    }

    /// The first value whose line begins so; NaN where there is none.
    pub fn metric(&self, begin: &str) -> f64 {
        let page = self.page("/metrics").unwrap_or_default();
        let line = page.lines().find(|line| line.starts_with(begin));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
        value.unwrap_or(f64::NAN)
    }

    fn page(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.listen).ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut page = String::new();
        stream.read_to_string(&mut page).ok()?;
        Some(page)
    }
}

impl Drop for Contender {
    /// Nothing is left running after a failure.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Looks into a group without being in it.
fn asker(bootstrap: &str, group: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .create()
        .expect("a consumer")
}

fn committed(asker: &BaseConsumer, topic: &str) -> u64 {
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition(topic, partition as i32);
    }
    let Ok(answer) = asker.committed_offsets(list, PATIENCE) else {
        return 0;
    };
    let offsets = answer
        .elements()
        .into_iter()
        .map(|element| match element.offset() {
            Offset::Offset(offset) => offset as u64,
            _ => 0,
        });
    offsets.sum()
}

/// User and system time of a process so far, from clock ticks of 10 ms.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("/proc");
    let (_, fields) = stat.rsplit_once(") ").expect("fields");
    let ticks = |number: usize| fields.split(' ').nth(number)?.parse::<f64>().ok();
    (ticks(11).expect("utime") + ticks(12).expect("stime")) / 100.0
}

/// The most memory that a process has had, in MB; nothing once it has ended.
pub fn peak_mb(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kb.map(|kb| kb * 1024.0 / 1e6)
}
