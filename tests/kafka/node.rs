//! One Kafka process with its own data: formatted, started, ended, started again. It always ends with the test
//! process, and its data are removed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tempfile::TempDir;

use super::{LIMIT, eventually};

/// A JVM that runs Kafka.
pub struct Node {
    data: TempDir,
    jars: PathBuf,
    heap_mb: u32,
    /// Ends the process when its standard input closes, that is when the test process is gone, and
    /// removes its data unless it was told to keep them.
    guard: Option<Child>,
    pid: u32,
}

impl Node {
    /// Write the settings, which name the folder they are given, and format the storage.
    pub fn format(
        cluster_id: &str,
        heap_mb: u32,
        users: &[String],
        settings: impl FnOnce(&Path) -> String,
    ) -> Node {
        let jars = jars();
        let data = TempDir::new().expect("a temporary directory");
        let properties = data.path().join("server.properties");
        fs::write(&properties, settings(data.path())).expect("settings");
        let formatted = java(&jars)
            .args(["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c"])
            .arg(&properties)
            .args(users.iter().flat_map(|user| ["--add-scram", user]))
            .output()
            .expect("run java: install a JVM (Java 17 or later)");
        assert!(
            formatted.status.success(),
            "kafka storage format: {}",
            String::from_utf8_lossy(&formatted.stderr)
        );
        Node {
            data,
            jars,
            heap_mb,
            guard: None,
            pid: 0,
        }
    }

    /// Start the process; it takes some seconds to be of use.
    pub fn launch(&mut self) {
        self.launch_where("true");
    }

    /// The same, in a shell that has run a command before, such as `ulimit`.
    pub fn launch_where(&mut self, command: &str) {
        let log = self.log_file();
        let output = fs::File::create(&log).expect("a log file");
        let script = format!(
            r#"{command}
"$@" >"$LOG" 2>&1 & echo $!
read -r order
kill -9 $!
wait $!
[ "$order" = keep ] || rm -rf "$DATA""#
        );
        let java = java(&self.jars);
        let mut guard = Command::new("sh")
            .args(["-c", &script, "sh"])
            .arg(java.get_program())
            .arg(format!("-Xmx{}m", self.heap_mb))
            .arg(format!("-Xms{}m", self.heap_mb / 2))
            // Native libraries are unpacked beside the data, and go with them.
            .arg(format!("-Djava.io.tmpdir={}", self.data.path().display()))
            .args(java.get_args())
            .arg("kafka.Kafka")
            .arg(self.data.path().join("server.properties"))
            .env("LOG", &log)
            .env("DATA", self.data.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(output)
            .spawn()
            .expect("run sh");
        let mut line = String::new();
        BufReader::new(guard.stdout.take().expect("stdout"))
            .read_line(&mut line)
            .expect("the process id");
        self.pid = line.trim().parse().expect("a process id");
        self.guard = Some(guard);
    }

    /// Send a signal that ends it, and wait until it has ended.
    pub fn end(&mut self, signal: &str) {
        signal_process(self.pid, signal);
        self.wait();
    }

    /// Wait until it has ended by itself.
    pub fn wait(&mut self) {
        let gone = eventually(LIMIT, || !is_running(self.pid));
        assert!(gone, "Kafka does not end: {}", self.log());
        self.end_guard();
    }

    /// The folder of its data.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Everything it has logged since it was launched.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.data.path().join("broker.log")
    }

    fn end_guard(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            if let Some(mut orders) = guard.stdin.take() {
                // A guard that is gone has nothing to keep.
                let _ = orders.write_all(b"keep\n");
            }
            let _ = guard.wait();
        }
    }
}

impl Drop for Node {
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
        .args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
        .arg(jars.join("*"));
    command
}

/// Kafka's jars, fetched by Maven where they are not there yet.
pub fn jars() -> PathBuf {
    static FETCHING: Mutex<()> = Mutex::new(());
    let _turn = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Ports that nobody listens on, no two of them the same in this process. They lie below those that the
/// system gives to clients (32768 and more on Linux), so that a broker that is started again finds its port
/// free.
pub fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    const FIRST: u16 = 12_000;
    const PORTS: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that run side by side begin elsewhere.
    let begin = std::process::id().wrapping_mul(997);
    let mut candidates = std::iter::repeat_with(|| {
        let next = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        FIRST + (next % PORTS) as u16
    });
    [(); COUNT].map(|()| {
        candidates
            .by_ref()
            .take(PORTS as usize)
            .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
            .expect("a free port")
    })
}

/// 22 characters that decode to 16 bytes, different for every cluster of this machine.
pub fn cluster_id(port: u16) -> String {
    let nanos = Instant::now().elapsed().subsec_nanos();
    let id = format!(
        "watchbell{:05}{:05}{port:05}",
        std::process::id() % 100_000,
        nanos % 100_000
    );
    format!("{}A", &id[id.len() - 21..])
}
