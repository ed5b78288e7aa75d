//! Apache Kafka on the JVM: started on free ports, restarted on the same data, ended with the test
//! process. `WATCHBELL_TEST_BOOTSTRAPS=host:port,host:port` puts two clusters of one's own in place
//! of the started ones; tests that restart brokers then fail and say so.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use watchbell::kafka::Cluster;

use super::eventually;
use super::proxy::Proxy;

/// One cluster of one broker.
pub struct Broker {
    bootstrap: String,
    own: Option<Own>,
}

/// A broker that this process started.
struct Own {
    data: TempDir,
    jars: PathBuf,
    /// Ends the broker when its standard input closes, that is when the test process is gone.
    guard: Option<Child>,
    broker_pid: u32,
}

/// What a broker has beyond one listener in plaintext.
#[derive(Default)]
pub struct Extras {
    /// Name, port and security protocol of further listeners.
    pub listeners: Vec<(&'static str, u16, &'static str)>,
    /// A listener that clients reach by a proxy, and the proxy's port.
    pub proxied: Option<(&'static str, u16)>,
    /// Lines of `server.properties`.
    pub settings: String,
    /// Arguments of `kafka-storage format`: users that exist from the start.
    pub users: Vec<String>,
}

/// The source and the destination, for one test at a time.
pub struct Clusters {
    pub source: Broker,
    pub destination: Broker,
    /// In front of the destination, for clients that are sent there.
    pub proxy: Option<Proxy>,
}

impl Clusters {
    /// The proxy in front of the destination.
    pub fn proxy(&self) -> &Proxy {
        self.proxy
            .as_ref()
            .expect("this test needs its proxy: unset WATCHBELL_TEST_BOOTSTRAPS")
    }
}

/// The clusters shared by all tests. Tests take turns: two cores cannot do more, and some of them
/// restart brokers.
pub fn clusters() -> MutexGuard<'static, Clusters> {
    static CLUSTERS: OnceLock<Mutex<Clusters>> = OnceLock::new();
    let start = || {
        let clusters = match std::env::var("WATCHBELL_TEST_BOOTSTRAPS") {
            Ok(both) => {
                let (source, destination) = both
                    .split_once(',')
                    .expect("WATCHBELL_TEST_BOOTSTRAPS is host:port,host:port");
                Clusters {
                    source: Broker::existing(source),
                    destination: Broker::existing(destination),
                    proxy: None,
                }
            }
            Err(_) => {
                let (port, _) = free_ports();
                let proxy = Proxy::start(port);
                let extras = Extras {
                    listeners: vec![("PROXIED", port, "PLAINTEXT")],
                    proxied: Some(("PROXIED", proxy.port())),
                    ..Extras::default()
                };
                Clusters {
                    source: Broker::start(),
                    destination: Broker::start_with(&extras),
                    proxy: Some(proxy),
                }
            }
        };
        Mutex::new(clusters)
    };
    CLUSTERS
        .get_or_init(start)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

impl Broker {
    /// A cluster that somebody else has started.
    pub fn existing(bootstrap: &str) -> Broker {
        Broker {
            bootstrap: bootstrap.to_owned(),
            own: None,
        }
    }

    /// Start a new, empty cluster.
    pub fn start() -> Broker {
        Broker::start_with(&Extras::default())
    }

    /// The same, with more than a listener in plaintext.
    pub fn start_with(extras: &Extras) -> Broker {
        let jars = jars();
        let data = TempDir::new().expect("a temporary directory");
        let (port, controller_port) = free_ports();
        let bootstrap = format!("127.0.0.1:{port}");
        let properties = data.path().join("server.properties");
        let settings = settings(data.path(), port, controller_port, extras);
        fs::write(&properties, settings).expect("settings");
        let formatted = java(&jars)
            .args(["kafka.tools.StorageTool", "format", "-t", &cluster_id(port)])
            .arg("-c")
            .arg(&properties)
            .args(extras.users.iter().flat_map(|user| ["--add-scram", user]))
            .output()
            .expect("run java: install a JVM (Java 17 or later)");
        assert!(
            formatted.status.success(),
            "kafka storage format: {}",
            String::from_utf8_lossy(&formatted.stderr)
        );
        let mut broker = Broker {
            bootstrap,
            own: Some(Own {
                data,
                jars,
                guard: None,
                broker_pid: 0,
            }),
        };
        broker.launch();
        broker
    }

    /// How to reach it.
    pub fn cluster(&self) -> Cluster {
        Cluster::plaintext(&self.bootstrap)
    }

    /// `host:port`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// End the broker at once, as a power cut would.
    pub fn kill(&mut self) {
        self.end("KILL");
    }

    /// Let the broker shut down in order.
    pub fn stop(&mut self) {
        self.end("TERM");
    }

    /// Start an ended broker on its data.
    pub fn start_again(&mut self) {
        self.launch();
    }

    fn own(&mut self) -> &mut Own {
        self.own
            .as_mut()
            .expect("this test restarts brokers: unset WATCHBELL_TEST_BOOTSTRAPS")
    }

    fn launch(&mut self) {
        let own = self.own();
        let log = own.data.path().join("broker.log");
        let output = fs::File::create(&log).expect("a log file");
        let script = r#""$@" >"$LOG" 2>&1 & echo $!; cat >/dev/null; kill -9 $!"#;
        let java = java(&own.jars);
        let mut guard = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(java.get_program())
            .args(java.get_args())
            .arg("kafka.Kafka")
            .arg(own.data.path().join("server.properties"))
            .env("LOG", &log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(output)
            .spawn()
            .expect("run sh");
        let mut line = String::new();
        BufReader::new(guard.stdout.take().expect("stdout"))
            .read_line(&mut line)
            .expect("the broker's process id");
        own.broker_pid = line.trim().parse().expect("a process id");
        own.guard = Some(guard);
        let cluster = self.cluster();
        let ready = eventually(Duration::from_secs(60), || {
            cluster.cluster_id(Duration::from_secs(1)).is_ok()
        });
        let log = || {
            let mut text = String::new();
            let file = fs::File::open(&log).ok();
            file.map(|mut file| file.read_to_string(&mut text));
            text
        };
        assert!(ready, "the broker does not start: {}", log());
    }

    fn end(&mut self, signal: &str) {
        let own = self.own();
        signal_process(own.broker_pid, signal);
        let pid = own.broker_pid;
        let gone = eventually(Duration::from_secs(30), || !is_running(pid));
        assert!(gone, "the broker does not end");
        own.end_guard();
    }
}

impl Own {
    fn end_guard(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            let _ = guard.wait();
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.end_guard();
    }
}

/// Send a signal by name to one process.
pub fn signal_process(pid: u32, signal: &str) {
    let sent = Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .status()
        .expect("run kill");
    assert!(sent.success(), "kill -s {signal} {pid}");
}

/// Whether a process exists and is no zombie.
fn is_running(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
}

/// A JVM with Kafka on its class path.
pub fn java(jars: &Path) -> Command {
    let mut command = Command::new("java");
    command
        .args([
            "-Xmx512m",
            "-Xms256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
        ])
        .arg(jars.join("*"));
    command
}

/// Kafka's jars, fetched by Maven where they are not there yet.
pub fn jars() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let jars = std::env::var_os("WATCHBELL_KAFKA_JARS")
        .map_or_else(|| here.join("target/kafka-jars"), PathBuf::from);
    if jars.is_dir() {
        return jars;
    }
    let partial = jars.with_extension("partial");
    let fetched = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(here.join("tests/kafka/pom.xml"))
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", partial.display()))
        .status()
        .expect("run mvn: install Maven, or set WATCHBELL_KAFKA_JARS");
    assert!(fetched.success(), "Maven could not fetch Apache Kafka");
    fs::rename(&partial, &jars).expect("keep the jars");
    jars
}

/// Two ports that nobody listens on.
pub fn free_ports() -> (u16, u16) {
    let open = || TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (one, two) = (open(), open());
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    (port(&one), port(&two))
}

/// 22 characters that decode to 16 bytes, different for every cluster of this machine.
fn cluster_id(port: u16) -> String {
    let nanos = Instant::now().elapsed().subsec_nanos();
    let id = format!(
        "watchbell{:05}{:05}{port:05}",
        std::process::id() % 100_000,
        nanos % 100_000
    );
    format!("{}A", &id[id.len() - 21..])
}

fn settings(data: &Path, port: u16, controller_port: u16, extras: &Extras) -> String {
    let log_dir = data.join("log");
    let mut listeners = format!("PLAINTEXT://127.0.0.1:{port}");
    let mut advertised = listeners.clone();
    let mut protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
    for (name, port, protocol) in &extras.listeners {
        let found_at = match extras.proxied {
            Some((proxied, proxy)) if proxied == *name => proxy,
            _ => *port,
        };
        listeners += &format!(",{name}://127.0.0.1:{port}");
        advertised += &format!(",{name}://127.0.0.1:{found_at}");
        protocols += &format!(",{name}:{protocol}");
    }
    let extras = &extras.settings;
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners={listeners},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners={advertised}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map={protocols}
log.dirs={}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
log.cleaner.backoff.ms=100
group.coordinator.rebalance.protocols=classic
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
{extras}",
        log_dir.display()
    )
}
