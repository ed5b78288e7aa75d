//! `completions`: prints the script with which a shell completes watchbell's command line.

use std::io::Write;

use clap::Args;
use clap_complete::{Shell, generate};

use super::failure::Failure;

#[derive(Debug, Args)]
pub(super) struct Command {
    /// The shell to print the script for.
    shell: Shell,
}

pub(super) fn run(command: &Command, mut root: clap::Command) -> Result<(), Failure> {
    let mut text = Vec::new();
    generate(command.shell, &mut root, "watchbell", &mut text);
    Ok(std::io::stdout().write_all(&text)?)
}
