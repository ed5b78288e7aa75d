//! Runs the built binary like a user, with arguments and input, and returns output and exit code.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// The result of a run.
#[derive(Debug)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    /// `None` if a signal ended it.
    pub code: Option<i32>,
}

/// The binary, without the variables of the test's environment that it would read.
pub fn watchbell() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WATCHBELL__") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs to the end with `input` on standard input.
pub fn run_with(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let feeding = thread::spawn(move || {
        // A command that reads no input closes the pipe.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("its output");
    feeding.join().expect("the input");
    Run {
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        code: output.status.code(),
    }
}

/// Runs in a folder to the end.
pub fn run_in(folder: &Path, arguments: &[&str]) -> Run {
    run_with(watchbell().current_dir(folder).args(arguments), b"")
}
