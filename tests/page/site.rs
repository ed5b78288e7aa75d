//! A page that is served over an archive in a folder, with no Kafka behind it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A running page.
pub struct Site {
    folder: TempDir,
    process: Child,
    /// Where it is served, such as `http://127.0.0.1:1234`.
    pub url: String,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The events of the vendors' documentation.
pub fn documented() -> Vec<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    [
        "confluent/shapes.ndjson",
        "actiontrail/shapes.ndjson",
        "actiontrail/seed.ndjson",
    ]
    .map(|file| data.join(file))
    .into()
}

impl Site {
    /// A page over the archive of these files.
    pub fn of(files: &[PathBuf]) -> Site {
        Site::over(|folder, archive| {
            std::fs::create_dir(archive).expect("a folder");
            load(folder, files);
        })
    }

    /// A page over an archive that somebody makes, given the folder of the configuration and that of the archive.
    pub fn over(make: impl FnOnce(&Path, &Path)) -> Site {
        let folder = TempDir::new().expect("a folder");
        let archive = folder.path().join("archive");
        let config = format!(
            "sources:\n  audit: {{bootstrap: \"127.0.0.1:1\"}}\ndestination: {{bootstrap: \"127.0.0.1:1\"}}\n\
             rules: [pack:confluent, pack:actiontrail]\narchive: {{url: \"file://{}\"}}\n\
             page: {{listen: \"127.0.0.1:0\"}}\nhttp: {{listen: \"127.0.0.1:0\"}}\n",
            archive.display()
        );
        std::fs::write(folder.path().join("watchbell.yaml"), config).expect("a configuration");
        make(folder.path(), &archive);
        let (process, url) = serve(folder.path());
        Site {
            folder,
            process,
            url,
        }
    }

    /// Adds the events of a file to the archive.
    pub fn add(&self, file: &Path) {
        load(self.folder.path(), &[file.to_owned()]);
    }

    /// A file with these lines, beside the archive.
    pub fn file(&self, name: &str, lines: &[Value]) -> PathBuf {
        write(self.folder.path(), name, lines)
    }
}

/// A file with these lines.
pub fn write(folder: &Path, name: &str, lines: &[Value]) -> PathBuf {
    let path = folder.join(name);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, text).expect("a file");
    path
}

fn watchbell(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
    command
        .args(arguments)
        .arg("--config")
        .arg(folder.join("watchbell.yaml"));
    command
}

fn load(folder: &Path, files: &[PathBuf]) {
    let output = watchbell(folder, &["replay", "--to-archive"])
        .args(files)
        .output();
    let output = output.expect("run watchbell");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "replay: {told}");
}

/// Runs the role, and waits until it listens.
fn serve(folder: &Path) -> (Child, String) {
    let mut process = watchbell(folder, &["run", "--role", "page"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("run watchbell");
    let mut lines = BufReader::new(process.stderr.take().expect("its log")).lines();
    let mut log = String::new();
    let listen = loop {
        let Some(Ok(line)) = lines.next() else {
            panic!("the page does not listen:\n{log}");
        };
        let entry: Value = serde_json::from_str(&line).unwrap_or_default();
        if entry["message"] == "serving the page" {
            break entry["listen"].as_str().expect("an address").to_owned();
        }
        log += &line;
        log.push('\n');
    };
    // A full pipe would stop it.
    std::thread::spawn(move || lines.for_each(drop));
    (process, format!("http://{listen}"))
}
