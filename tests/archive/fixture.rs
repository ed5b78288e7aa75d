//! An archive in a folder, made of the events and alerts that `watchbell replay` gives for some files, and the commands
//! that ask it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;
use watchbell::archive::{Rows, Storage, Table, TableKind, data_files};
use watchbell::event::{Header, Offset, Partition, Position, RawRecord};
use watchbell::query::archive::Engine;
use watchbell::view::Emitted;

/// An archive, and a configuration that names it.
pub struct Archive {
    folder: TempDir,
}

impl Archive {
    /// The archive of what becomes of these files.
    pub fn of(files: &[PathBuf]) -> Archive {
        Archive::with(files, &[])
    }

    /// The same, with further arguments of `replay`.
    pub fn with(files: &[PathBuf], arguments: &[&str]) -> Archive {
        let archive = Archive {
            folder: TempDir::new().expect("a folder"),
        };
        let url = format!("file://{}", archive.folder.path().join("archive").display());
        std::fs::create_dir(archive.folder.path().join("archive")).expect("a folder");
        let config = format!(
            "sources:\n  audit: {{bootstrap: \"127.0.0.1:1\"}}\ndestination: {{bootstrap: \"127.0.0.1:1\"}}\n\
             rules: [pack:confluent, pack:actiontrail]\narchive: {{url: \"{url}\"}}\n"
        );
        std::fs::write(archive.config(), config).expect("a configuration");
        let storage = Storage::open(&url, &[]).expect("a folder");
        for (kind, emitted, topic) in [
            (TableKind::Events, "events", "watchbell.events"),
            (TableKind::Alerts, "alerts", "watchbell.alerts"),
            (
                TableKind::DeadLetters,
                "dead-letters",
                "watchbell.dead-letters",
            ),
        ] {
            fill(&storage, kind, topic, &replayed(emitted, files, arguments));
        }
        archive
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("watchbell.yaml")
    }

    /// A file beside the archive.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What answers questions about it.
    pub fn engine(&self) -> Engine {
        let url = format!("file://{}", self.file("archive").display());
        let storage = Storage::open(&url, &[]).expect("a folder");
        let mut engine = Engine::new(256 << 20).expect("an engine");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        for kind in [TableKind::Events, TableKind::Alerts] {
            let table = runtime.block_on(Table::open_existing(&storage, kind));
            let table = table.expect("a table").expect("a table");
            engine.add(&table, &[]).expect("a table");
        }
        engine
    }

    /// Runs a command that asks it.
    pub fn run(&self, command: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_watchbell"))
            .arg(command)
            .arg("--config")
            .arg(self.config())
            .args(["--no-live"])
            .args(arguments)
            .output()
            .expect("run watchbell")
    }

    /// What a command prints that succeeds.
    pub fn ask(&self, command: &str, arguments: &[&str]) -> String {
        let output = self.run(command, arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command} {arguments:?}: {told}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// What `watchbell replay` gives, one JSON document a line.
fn replayed(emit: &str, files: &[PathBuf], arguments: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["replay", "--emit", emit])
        .args(arguments)
        .args(files)
        .output()
        .expect("run watchbell");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "replay {arguments:?}: {told}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// Appends the records, each at the next offset of partition 0.
fn fill(storage: &Storage, kind: TableKind, topic: &str, values: &[String]) {
    let mut rows = Rows::new(kind);
    for (offset, value) in values.iter().enumerate() {
        let headers = match kind {
            TableKind::DeadLetters => vec![Header {
                name: "watchbell-reason",
                value: Some(b"not_json"),
            }],
            _ => Vec::new(),
        };
        rows.push(&Emitted::new(RawRecord {
            position: Position {
                topic,
                partition: Partition(0),
                offset: Offset(offset as i64),
                element: None,
            },
            timestamp_ms: Some(1_793_500_000_000),
            headers,
            ..RawRecord::of_value(topic, value.as_bytes())
        }));
    }
    let rows = rows.take().expect("rows");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut table = Table::open(storage, kind).await.expect("a table");
        let files = data_files(kind, &rows).expect("files");
        table
            .append(files, &BTreeMap::new())
            .await
            .expect("appended");
    });
}
