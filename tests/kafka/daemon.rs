//! `watchbell run` as an operator runs it: a configuration file, the real binary, its log in a file,
//! its probes and metrics over HTTP, and signals.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::{NamedTempFile, TempDir};
use watchbell::kafka::topics::{WantedTopic, ownership_topic};

use super::audit::Audit;
use super::broker::{Broker, Clusters};
use super::node::signal_process;
use super::records::{committed, create, create_with, unique};
use super::{LIMIT, eventually};

const BINARY: &str = env!("CARGO_BIN_EXE_watchbell");

/// Longest time from SIGTERM to the end: `shutdown_budget` (25 s by default), plus a reserve for a busy machine.
const FAREWELL: Duration = Duration::from_secs(25 + 15);

/// The names that one test's daemons share, and the configuration that holds them.
pub struct Deployment {
    folder: TempDir,
    started: AtomicU32,
    pub group: String,
    pub events: String,
    pub alerts: String,
    pub dead_letters: String,
    sources: String,
    /// Lines of the configuration file after those that every test has.
    pub settings: String,
    /// `host:port` where the daemon reaches the destination.
    pub destination: String,
    /// librdkafka properties of the destination: by default a batch goes at once.
    pub properties: String,
    /// Of `watchbell run`, besides the configuration file.
    pub arguments: Vec<String>,
    /// What the shell does before it becomes `watchbell run`.
    pub prelude: String,
}

impl Deployment {
    /// Output topics on the destination cluster, one of them with several partitions.
    pub fn new(clusters: &Clusters, name: &str) -> Deployment {
        let deployment = Deployment::without_topics(clusters, name);
        create(&clusters.destination, &deployment.events, 3);
        create(&clusters.destination, &deployment.alerts, 1);
        create(&clusters.destination, &deployment.dead_letters, 2);
        create(&clusters.destination, &deployment.ledger(), 1);
        deployment
    }

    /// The same, but nobody has created the output topics.
    pub fn without_topics(clusters: &Clusters, name: &str) -> Deployment {
        let group = unique(name);
        Deployment {
            folder: TempDir::new().expect("a temporary directory"),
            started: AtomicU32::new(0),
            events: format!("{group}.events"),
            alerts: format!("{group}.alerts"),
            dead_letters: format!("{group}.dead-letters"),
            sources: String::new(),
            // One transaction after the other, so that what happens happens to an open one.
            settings: "commit: {interval: 5ms}\n\
                       session_timeout: 14s\n\
                       transaction_timeout: 3s\n"
                .into(),
            destination: clusters.destination.bootstrap().into(),
            properties: "linger.ms: 1".into(),
            arguments: Vec::new(),
            prelude: ":".into(),
            group,
        }
    }

    /// A new topic of audit events with four partitions, read by this deployment.
    pub fn source(&mut self, from: &Broker, name: &str) -> Audit {
        let connection = format!("bootstrap: \"{}\"", from.bootstrap());
        self.source_by(from, name, &connection)
    }

    /// The same, reached by the daemon in a way of its own.
    pub fn source_by(&mut self, from: &Broker, name: &str, connection: &str) -> Audit {
        let source = self.source_name(name);
        let topic = format!("{source}.audit");
        let wanted = WantedTopic::new(&topic, 4).with("max.message.bytes", "33554432");
        create_with(from, &wanted);
        self.name_source(name, &format!("{connection}, topic: {topic}"));
        let one_cluster = from.bootstrap() == self.destination;
        let positions = if one_cluster {
            topic.clone()
        } else {
            ownership_topic(&source)
        };
        Audit::new(from, &topic, 4, positions)
    }

    /// Read a source that is described as in a configuration.
    pub fn name_source(&mut self, name: &str, settings: &str) {
        let source = self.source_name(name);
        self.sources += &format!("  {source}: {{{settings}}}\n");
    }

    /// The topic of the ledger, which is written where there is an archive.
    pub fn ledger(&self) -> String {
        format!("{}.ledger", self.group)
    }

    /// The topic of what people decide of alerts, which is used where there is a page.
    pub fn triage(&self) -> String {
        format!("{}.triage", self.group)
    }

    /// The name in the configuration of a source of this deployment.
    pub fn source_name(&self, name: &str) -> String {
        format!("{}-{name}", self.group)
    }

    /// A file beside the configuration.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> String {
        format!(
            "sources:\n{}destination:\n  bootstrap: \"{}\"\n  kafka: {{{}}}\n\
             topics: {{events: {}, alerts: {}, dead_letters: {}, ledger: {}, triage: {}}}\n\
             group: {}\nhttp: {{listen: \"127.0.0.1:0\"}}\n{}",
            self.sources,
            self.destination,
            self.properties,
            self.events,
            self.alerts,
            self.dead_letters,
            self.ledger(),
            self.triage(),
            self.group,
            self.settings
        )
    }

    /// Write the configuration; its path.
    pub fn write(&self) -> PathBuf {
        let path = self.file("watchbell.yaml");
        // A process that was started just now may still have to read it, and must not find half of it.
        let new = NamedTempFile::new_in(path.parent().expect("a folder"));
        let new = new.expect("a file");
        fs::write(new.path(), self.config()).expect("write the configuration");
        new.persist(&path).expect("the configuration");
        path
    }

    /// Start the binary as the process of this number.
    pub fn start(&self, ordinal: u32) -> Daemon {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let path = self.write();
        let log = self.file(&format!("{number}.log"));
        Daemon::start_with(&path, log, ordinal, (&self.prelude, &self.arguments))
    }

    /// Wait until the group has committed everything that was written.
    pub fn wait_for(&self, clusters: &Clusters, audit: &Audit, limit: Duration) {
        let expected: Vec<i64> = audit.written();
        let (group, topic) = (&self.group, &audit.positions);
        let mut last = Vec::new();
        let done = eventually(limit, || {
            last = committed(&clusters.destination, group, topic, expected.len());
            last == expected
        });
        assert!(done, "committed {last:?} of {expected:?}");
    }
}

/// Limited resources that a process uses.
#[derive(Debug, Clone, Copy)]
pub struct Resources {
    /// Memory, in KiB.
    pub resident_kb: u64,
    /// Open files and sockets.
    pub descriptors: usize,
    pub threads: usize,
}

/// A running `watchbell run`.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

/// An answer of the page.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
}

/// A value in a form or a URL.
pub fn encoded(value: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(byte).collect()
}

/// The token of the forms of a page.
pub fn form_token(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("name=\"form-token\" value=\"")?;
    rest.split('"').next()
}

/// The body of a form with these fields.
pub fn form_body(fields: &[(&str, &str)], token: Option<&str>) -> String {
    let token = token.map(|token| ("form-token", token));
    let pairs = fields.iter().copied().chain(token);
    let pairs = pairs.map(|(name, value)| format!("{name}={}", encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Run a command to its end.
pub fn watchbell(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("run watchbell")
}

impl Daemon {
    /// Run a configuration; the log goes to a file.
    pub fn start(configuration: &Path, log: PathBuf, ordinal: u32) -> Daemon {
        Daemon::start_with(configuration, log, ordinal, (":", &[]))
    }

    fn start_with(
        configuration: &Path,
        log: PathBuf,
        ordinal: u32,
        (prelude, arguments): (&str, &[String]),
    ) -> Daemon {
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!("{prelude}; exec \"$0\" \"$@\""))
            .arg(BINARY)
            .args(["run", "-c"])
            .arg(configuration)
            .args(arguments)
            .env("WATCHBELL__ORDINAL", ordinal.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).expect("a log file"))
            .spawn()
            .expect("start watchbell");
        Daemon { child, log }
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// Waits until it listens on its port; from then on it handles signals.
    pub fn wait_for_http(&self) -> SocketAddr {
        let mut address = None;
        let listening = eventually(LIMIT, || {
            address = listens_at(&self.log, "serving /livez");
            address.is_some()
        });
        assert!(listening, "watchbell does not listen");
        address.expect("an address")
    }

    /// Asks the page for a path, or sends it the fields of a form; the status, the header `Location` and the body.
    pub fn ask_page(&self, path: &str, form: Option<&[(&str, &str)]>) -> Answer {
        self.ask_page_as("", path, form)
    }

    /// The same with these headers, each with its end of line.
    pub fn ask_page_as(&self, headers: &str, path: &str, form: Option<&[(&str, &str)]>) -> Answer {
        let body = form.map(|fields| {
            // The form of the page has a token, which belongs to who reads.
            let mut page = self.ask_page_as(headers, path, None);
            if let Some(other) = &page.location {
                page = self.ask_page_as(headers, other, None);
            }
            form_body(fields, form_token(&page.body))
        });
        self.ask_page_with(headers, path, body.as_deref())
    }

    /// The same with the body of a form.
    pub fn ask_page_with(&self, headers: &str, path: &str, form: Option<&str>) -> Answer {
        let mut stream = self.send_to_page(headers, path, form);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let location = head
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        Answer {
            status: status.expect("a status"),
            location: location.map(str::to_owned),
            body: body.to_owned(),
        }
    }

    /// Sends the page a request, or a form, and does not wait for the answer.
    pub fn send_to_page(&self, headers: &str, path: &str, form: Option<&str>) -> TcpStream {
        let mut address = None;
        let listening = eventually(LIMIT, || {
            address = listens_at(&self.log, "serving the page");
            address.is_some()
        });
        assert!(listening, "the page does not listen");
        let address = address.expect("an address");
        let method = if form.is_some() { "POST" } else { "GET" };
        let body = form.unwrap_or_default();
        let mut stream = TcpStream::connect(address).expect("the page listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: close\r\n\
             {headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("the page reads");
        stream
    }

    /// Whether `/readyz` is ok; otherwise its text.
    pub fn ready(&self) -> Result<(), String> {
        match self.fetch("/readyz") {
            Some((200, _)) => Ok(()),
            Some((_, said)) => Err(said),
            None => Err("no answer".into()),
        }
    }

    pub fn wait_until_ready(&self) {
        let mut said = String::new();
        let ready = eventually(LIMIT, || match self.ready() {
            Ok(()) => true,
            Err(why) => {
                said = why;
                false
            }
        });
        assert!(ready, "not ready: {said}");
    }

    /// The value of one line of `/metrics`, named with its labels; 0 where there is none.
    pub fn metric(&self, name: &str) -> u64 {
        let (status, text) = self.fetch("/metrics").expect("metrics");
        assert_eq!(status, 200, "{text}");
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0, |value| value.trim().parse().expect("a whole number"))
    }

    /// The sum over all lines of `/metrics` whose name begins so.
    pub fn metric_sum(&self, prefix: &str) -> u64 {
        let (_, text) = self.fetch("/metrics").expect("metrics");
        text.lines()
            .filter(|line| line.starts_with(prefix))
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
            .sum()
    }

    /// Wait until a page is as it should be; returns its body.
    pub fn wait_for_page(
        &self,
        path: &str,
        limit: Duration,
        holds: impl Fn(u16, &str) -> bool,
    ) -> String {
        let mut last = None;
        let held = eventually(limit, || {
            last = self.fetch(path);
            last.as_ref()
                .is_some_and(|(status, body)| holds(*status, body))
        });
        assert!(held, "{path}: {last:?}");
        last.map(|(_, body)| body).unwrap_or_default()
    }

    /// Status and body of a page; `None` where nobody answers.
    pub fn page(&self, path: &str) -> Option<(u16, String)> {
        self.fetch(path)
    }

    fn fetch(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.wait_for_http()).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: watchbell\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// Memory that the process holds, in KiB.
    pub fn resident_kb(&self) -> u64 {
        self.memory_kb("VmRSS:")
    }

    /// The most memory that the process has held, in KiB.
    pub fn peak_kb(&self) -> u64 {
        self.memory_kb("VmHWM:")
    }

    fn memory_kb(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(path).expect("the process' status");
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        number.and_then(|kb| kb.parse().ok()).expect("a size")
    }

    /// What the process holds.
    pub fn resources(&self) -> Resources {
        let count = |what: &str| {
            let entries = fs::read_dir(format!("/proc/{}/{what}", self.child.id()));
            entries.expect("the process' entries").count()
        };
        Resources {
            resident_kb: self.resident_kb(),
            descriptors: count("fd"),
            threads: count("task"),
        }
    }

    /// From now on the process cannot write files beyond this size, as if the disk were full; `None` lifts that. Its shell
    /// has to ignore XFSZ.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let status = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string()])
            .arg(format!("--fsize={soft}:unlimited"))
            .status()
            .expect("run prlimit: apt-get install util-linux");
        assert!(status.success(), "prlimit: {status}");
    }

    /// Send a signal by name.
    pub fn signal(&self, signal: &str) {
        signal_process(self.child.id(), signal);
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("kill -9");
        self.child.wait().expect("a dead process");
    }

    /// SIGTERM, and exit code 0 within the budget; returns the log and how long it took.
    pub fn terminate(self) -> (String, Duration) {
        self.wait_for_http();
        self.signal("TERM");
        let asked = Instant::now();
        let (status, log) = self.wait();
        assert_eq!(status.code(), Some(0), "{status}");
        assert!(
            log.contains("\"message\":\"the daemon has ended\""),
            "no last line in the log"
        );
        (log, asked.elapsed())
    }

    /// Wait until it ends by itself.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let mut status = None;
        let ended = eventually(FAREWELL, || {
            status = self.child.try_wait().expect("a process");
            status.is_some()
        });
        assert!(ended, "watchbell does not end");
        (status.expect("a status"), self.log())
    }
}

impl Drop for Daemon {
    /// After a failed test no daemons keep running, and shows what they said last.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(30)..];
            eprintln!("{}:\n{}", self.log.display(), last.join("\n"));
        }
    }
}

/// The address in the log line that names it.
fn listens_at(log: &Path, what: &str) -> Option<SocketAddr> {
    let text = fs::read_to_string(log).ok()?;
    let line = text
        .lines()
        .find(|line| line.contains("\"listen\":") && line.contains(what))?;
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    line["listen"].as_str()?.parse().ok()
}
