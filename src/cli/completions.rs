//! `completions`: what a shell sources to complete the command line.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, Failure};

#[derive(Debug, Args)]
pub(super) struct Command {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let mut text = Vec::new();
    generate(command.shell, &mut Cli::command(), "watchbell", &mut text);
    Ok(std::io::stdout().write_all(&text)?)
}
