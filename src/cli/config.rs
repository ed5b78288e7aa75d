//! `config print`: the effective configuration with the origin of each value.

use std::io::Write;

use clap::Subcommand;

use super::{ConfigFile, Failure, load};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the effective configuration and where each value comes from, secrets redacted.
    Print(ConfigFile),
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Print(file) = command;
    let loaded = load(&file.path)?;
    Ok(std::io::stdout().write_all(loaded.print().as_bytes())?)
}
