//! The deployment files agree with the daemon: cargo test --test deploy (needs kubectl, a JVM and Maven).
//! No image is built and no container is run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Dockerfile and docker-compose.yml.
mod images;
/// The manifests as kubectl renders them.
mod manifests;
/// Kubernetes' own schemas.
mod schemas;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents of a YAML stream.
fn yaml(text: &str) -> Vec<Value> {
    text.split("\n---\n")
        .map(|document| serde_saphyr::from_str(document).expect("YAML"))
        .collect()
}

/// Run `watchbell validate` on a configuration.
fn validate(configuration: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("watchbell.yaml");
    fs::write(&path, configuration).expect("the configuration");
    let ran = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["validate", "-c"])
        .arg(&path)
        .output()
        .expect("run watchbell");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{configuration}\n{said}");
}
