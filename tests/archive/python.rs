//! Programs from PyPI, in an environment of their own below `target`.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const REQUIREMENTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/archive/requirements.txt"
);

/// The folder of the environment's programs; it is made when it is asked for first.
pub fn programs() -> &'static PathBuf {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("archive-python");
        let remedy = "install it: apt-get install python3-venv";
        if !folder.join("bin/python").exists() {
            let made = Command::new("python3")
                .args(["-m", "venv"])
                .arg(&folder)
                .status();
            let made = made.unwrap_or_else(|error| panic!("python3: {error}; {remedy}"));
            assert!(made.success(), "python3 -m venv failed; {remedy}");
        }
        let installed = Command::new(folder.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(REQUIREMENTS)
            .stdin(Stdio::null())
            .status()
            .expect("run pip");
        assert!(installed.success(), "pip could not install {REQUIREMENTS}");
        folder.join("bin")
    })
}
