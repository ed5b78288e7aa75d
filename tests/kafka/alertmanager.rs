//! Sends alerts to a real Alertmanager (Debian's package, from the path or downloaded by apt into `target`)
//! and checks the result with its API.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;
use watchbell::config;
use watchbell::notice::Notice;
use watchbell::notify::{Client, Message, Sink, SinkAnswer};

use super::broker::clusters;
use super::node::free_ports;
use super::notify::{Alerts, alert, deployment, start};
use super::stub::{Reply, Stub};
use super::{LIMIT, eventually};

/// The program, as Debian names it.
const PROGRAM: &str = "prometheus-alertmanager";

/// A running Alertmanager, ended with the test.
struct Alertmanager {
    child: Child,
    address: SocketAddr,
    data: TempDir,
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the program is; fetched where it is not installed.
fn program() -> PathBuf {
    let installed = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path)
            .map(|folder| folder.join(PROGRAM))
            .find(|program| program.is_file())
    });
    if let Some(program) = installed {
        return program;
    }
    static FETCHING: Mutex<()> = Mutex::new(());
    let _turn = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/alertmanager");
    let program = folder.join("usr/bin").join(PROGRAM);
    if program.is_file() {
        return program;
    }
    let remedy = "install it: apt-get install prometheus-alertmanager";
    let fetched = TempDir::new().expect("a temporary directory");
    let download = || {
        let asked = Command::new("apt-get")
            .args(["download", "-q", PROGRAM])
            .current_dir(fetched.path())
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    };
    let update = || {
        let asked = Command::new("apt-get").args(["update", "-q"]).status();
        asked.is_ok_and(|status| status.success())
    };
    // A fresh machine has no lists of packages.
    assert!(
        download() || (update() && download()),
        "Alertmanager is neither here nor to be had; {remedy}"
    );
    let package = fs::read_dir(fetched.path())
        .expect("the directory")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|e| e == "deb"))
        .expect("a package");
    let partial = folder.with_extension("partial");
    fs::create_dir_all(&partial).expect("a folder below target");
    let unpacked = Command::new("dpkg")
        .arg("-x")
        .arg(package)
        .arg(&partial)
        .status();
    assert!(
        unpacked.is_ok_and(|s| s.success()),
        "dpkg -x failed; {remedy}"
    );
    relocate(&partial.join("usr/bin").join(PROGRAM));
    fs::rename(&partial, &folder).expect("keep the program");
    program
}

/// Debian's build looks for its files at an absolute path. The unpacked copy is to look below its
/// working directory, so that it runs without being installed: a path of the same length.
fn relocate(program: &Path) {
    const ABSOLUTE: &[u8] = b"/usr/share/prometheus/alertmanager";
    const RELATIVE: &[u8] = b"usr/share/prometheus//alertmanager";
    let mut bytes = fs::read(program).expect("the program");
    let length = ABSOLUTE.len();
    let found: Vec<usize> = (0..bytes.len() - length)
        .filter(|at| &bytes[*at..at + length] == ABSOLUTE)
        .collect();
    assert!(!found.is_empty(), "the package is not as it was");
    for at in found {
        bytes[at..at + length].copy_from_slice(RELATIVE);
    }
    fs::write(program, bytes).expect("the relocated program");
}

impl Alertmanager {
    /// Starts one that notifies `receiver` of every alert at once.
    fn start(receiver: &str) -> Alertmanager {
        // No client is given this port before it is bound, or while it is replaced.
        let [port] = free_ports();
        Alertmanager::start_at((Ipv4Addr::LOCALHOST, port).into(), receiver)
    }

    /// Ends it and starts a new one without any alerts in its place.
    fn replaced(mut self, receiver: &str) -> Alertmanager {
        let address = self.address;
        self.child.kill().expect("kill Alertmanager");
        self.child.wait().expect("its end");
        drop(self);
        Alertmanager::start_at(address, receiver)
    }

    fn start_at(address: SocketAddr, receiver: &str) -> Alertmanager {
        let data = TempDir::new().expect("a temporary directory");
        let config = data.path().join("config.yml");
        let text = format!(
            "route: {{receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 200ms}}\n\
             receivers:\n  - name: hook\n    webhook_configs: [{{url: '{receiver}', send_resolved: true}}]\n"
        );
        fs::write(&config, text).expect("a configuration");
        let log = fs::File::create(data.path().join("log")).expect("a log");
        let program = program();
        // Its own folder, or where Debian's templates are: the root.
        let here = program.ancestors().nth(3).expect("a folder").to_owned();
        let child = Command::new(program)
            .current_dir(here)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", data.path().display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("start Alertmanager");
        let alertmanager = Alertmanager {
            child,
            address,
            data,
        };
        let ready = eventually(LIMIT, || alertmanager.get("/-/ready").is_some());
        let log = || fs::read_to_string(alertmanager.data.path().join("log")).unwrap_or_default();
        assert!(ready, "Alertmanager does not start: {}", log());
        alertmanager
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(LIMIT)).ok()?;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nhost: am\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        (head.split(' ').nth(1)? == "200").then(|| body.to_owned())
    }

    fn get(&self, path: &str) -> Option<String> {
        self.ask("GET", path, "")
    }

    fn alerts(&self) -> Vec<Value> {
        let alerts = self.get("/api/v2/alerts").expect("alerts");
        serde_json::from_str(&alerts).expect("JSON")
    }
}

fn sink(alertmanager: &Alertmanager, hold: &str) -> Sink {
    let text = format!(
        "sources: {{a: {{bootstrap: a:1}}}}\ndestination: {{bootstrap: b:1}}\nnotify:\n  \
         am: {{type: alertmanager, urls: ['http://{}'], digest_interval: 1s, hold: {hold}}}\n",
        alertmanager.address
    );
    let loaded = config::from_parts(Some(("w.yaml", &text)), &[]);
    loaded.expect("a configuration").config.sinks.remove(0)
}

fn tell(sink: &Sink, notice: &Notice) {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let message = Message::of_one(&sink.name, notice.clone(), now_ms, None);
    let requests = sink.endpoint.requests(&message, now_ms);
    let answer = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(Client::new(sink).expect("a client").send(requests));
    assert_eq!(answer, SinkAnswer::Accepted);
}

fn notice(group: &str) -> Notice {
    let mut notice = Notice::example(jiff::Timestamp::now().as_millisecond());
    notice.group_key = group.into();
    notice
}

#[test]
fn alertmanager_groups_repeats_silences_and_resolves() {
    let hook = Stub::start(|_| Reply::Status(200, "", String::new()));
    let alertmanager = Alertmanager::start(&hook.url());
    let lasting = sink(&alertmanager, "10m");
    tell(&lasting, &notice("one"));
    tell(&lasting, &notice("two"));
    let mut repeat = notice("one");
    // Values that differ between repetitions are not labels.
    repeat.resources[0].name = Some("another".into());
    repeat.uid = "another".into();
    tell(&lasting, &repeat);
    let alerts = alertmanager.alerts();
    assert_eq!(alerts.len(), 2, "a repeat is no second alert: {alerts:#?}");
    let one = alerts
        .iter()
        .find(|alert| alert["labels"]["group_key"] == "one")
        .expect("the first group");
    for (label, value) in [
        ("alertname", "watchbell delivery test"),
        ("severity", "high"),
        ("environment", "prod"),
        ("team", "orders,streaming"),
    ] {
        assert_eq!(one["labels"][label], value);
    }
    assert_eq!(one["annotations"]["uid"], "another", "the latest is shown");
    let told = |status: &'static str| {
        let hook = hook.clone();
        move || {
            let received = hook.received();
            let mut alerts = received.iter().flat_map(|r| {
                let body = r.json();
                body["alerts"].as_array().cloned().unwrap_or_default()
            });
            alerts.any(|alert| alert["status"] == status)
        }
    };
    assert!(eventually(LIMIT, told("firing")), "the receiver is told");

    let silence = json!({
        "matchers": [{"name": "group_key", "value": "two", "isRegex": false, "isEqual": true}],
        "startsAt": jiff::Timestamp::now().to_string(),
        "endsAt": "2100-01-01T00:00:00Z",
        "createdBy": "a test", "comment": "quiet",
    });
    let silenced = alertmanager.ask("POST", "/api/v2/silences", &silence.to_string());
    silenced.expect("a silence");
    let quiet = eventually(LIMIT, || {
        let two = alertmanager.alerts();
        let two = two.iter().find(|a| a["labels"]["group_key"] == "two");
        two.is_some_and(|two| two["status"]["state"] == "suppressed")
    });
    assert!(quiet, "a silence by our labels holds");

    tell(&sink(&alertmanager, "2s"), &notice("brief"));
    assert!(
        eventually(LIMIT, told("resolved")),
        "what is not repeated resolves"
    );
    assert_eq!(alertmanager.alerts().len(), 2, "and the others stand");
}

#[test]
fn active_alerts_are_sent_again_after_a_restart_of_alertmanager_and_of_watchbell() {
    let clusters = clusters();
    let hook = Stub::start(|_| Reply::Status(200, "", String::new()));
    let (brief, long) = (
        Alertmanager::start(&hook.url()),
        Alertmanager::start(&hook.url()),
    );
    let sinks = format!(
        "  brief: {{type: alertmanager, urls: ['http://{}'], digest_interval: 1s, hold: 40s}}\n  \
         long: {{type: alertmanager, urls: ['http://{}'], digest_interval: 1s, hold: 10m}}\n",
        brief.address, long.address
    );
    let deployment = deployment(&clusters, "am-restarts", &sinks);
    let mut alerts = Alerts::new(&clusters, &deployment);
    let daemon = start(&clusters, &deployment, &["brief", "long"]);
    let told = |alertmanager: &Alertmanager, group: &'static str| {
        let alerts = alertmanager.alerts().into_iter();
        let mut of_group = alerts.filter(|alert| alert["labels"]["group_key"] == group);
        let found = of_group.next();
        assert!(of_group.next().is_none(), "{group} is one alert");
        found
    };
    alerts.write(&alert(0, "group 0", 5));
    alerts.write_groups(1);
    let there = |am: &Alertmanager| {
        eventually(LIMIT, || {
            told(am, "group 0").is_some() && told(am, "group 1").is_some()
        })
    };
    assert!(there(&brief) && there(&long), "both are told");
    let before = told(&brief, "group 0").expect("the alert");
    let ends: jiff::Timestamp = before["endsAt"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");

    // A quarter of `hold` later at most.
    let brief = brief.replaced(&hook.url());
    assert!(there(&brief), "it is told again what it has forgotten");
    let again = told(&brief, "group 0").expect("the alert");
    for part in ["labels", "annotations", "startsAt", "endsAt"] {
        assert_eq!(again[part], before[part], "{part}");
    }
    assert!(ends > jiff::Timestamp::now(), "before its time was over");

    let sent = |sink: &str| {
        let name = format!("watchbell_notify_sent_total{{kind=\"first\",sink=\"{sink}\"}}");
        daemon.metric(&name)
    };
    assert_eq!(
        (sent("brief"), sent("long")),
        (2, 2),
        "what is told again is no new alert"
    );

    daemon.terminate();
    let long = long.replaced(&hook.url());
    assert!(long.alerts().is_empty());
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    assert!(
        there(&long),
        "read back from the topic, it is told by the next watchbell"
    );
    daemon.terminate();
}
