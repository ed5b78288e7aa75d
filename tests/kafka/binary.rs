//! The binary as a process: the daemon with what it serves and says, and commands that end.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::broker::{free_ports, signal_process};
use super::eventually;

const BINARY: &str = env!("CARGO_BIN_EXE_watchbell");

/// Run a command to its end.
pub fn watchbell(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("run watchbell")
}

/// `run` in a process of its own.
pub struct Daemon {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Daemon {
    /// Start with a configuration that says nothing of HTTP and the log: those are added.
    pub fn start(configuration: &str) -> Daemon {
        let folder = TempDir::new().expect("a temporary directory");
        let (port, _) = free_ports();
        let whole = format!(
            "{configuration}http: {{listen: \"127.0.0.1:{port}\"}}\nlog: {{filter: debug}}\n"
        );
        let path = folder.path().join("watchbell.yaml");
        std::fs::write(&path, whole).expect("write the configuration");
        let log = File::create(folder.path().join("log")).expect("a log file");
        let child = Command::new(BINARY)
            .args(["run", "-c"])
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("start watchbell");
        Daemon {
            child,
            folder,
            port,
        }
    }

    /// The configuration file.
    pub fn configuration(&self) -> String {
        self.file("watchbell.yaml").display().to_string()
    }

    /// All that was logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).expect("the log")
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        Path::join(self.folder.path(), name)
    }

    /// Status and body of a page; `None` while nobody listens.
    pub fn page(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// Wait until a page is as it should be; returns its body.
    pub fn wait_for(
        &mut self,
        path: &str,
        limit: Duration,
        holds: impl Fn(u16, &str) -> bool,
    ) -> String {
        let mut last = None;
        let held = eventually(limit, || {
            last = self.page(path);
            let ended = self.child.try_wait().expect("a child");
            assert!(ended.is_none(), "{ended:?}\n{}", self.log());
            last.as_ref()
                .is_some_and(|(status, body)| holds(*status, body))
        });
        assert!(held, "{path}: {last:?}\n{}", self.log());
        last.map(|(_, body)| body).unwrap_or_default()
    }

    /// SIGTERM, and a clean end; returns the log.
    pub fn terminate(mut self) -> String {
        signal_process(self.child.id(), "TERM");
        let mut status = None;
        let ended = eventually(Duration::from_secs(40), || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        let log = self.log();
        assert!(ended, "the daemon does not end:\n{log}");
        assert!(
            status.is_some_and(|status| status.success()),
            "{status:?}\n{log}"
        );
        log
    }
}

impl Drop for Daemon {
    /// A failed test leaves no daemon behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
