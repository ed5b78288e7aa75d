//! `ledger`: what was read, day by day, and with `verify` whether the archive is complete and unaltered.

mod arguments;
mod check;
mod days;
mod list;
mod reader;
mod report;

use anyhow::anyhow;
use clap::{Args, Subcommand};

use self::arguments::{List, Verify};
use self::{check::verify, list::list};
use super::failure::Failure;
use crate::config::{Archive, Config};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Command {
    #[command(subcommand)]
    verify: Option<Verb>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Compare a day of the archive with the ledger, and name every row that is missing, doubled or changed; the exit
    /// code is 1 if there is one.
    Verify(Verify),
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match &command.verify {
        None => {
            let config = command.list.config.load()?;
            list(archive(&config)?, &command.list)
        }
        Some(Verb::Verify(command)) => {
            let config = command.config.load()?;
            verify(&config, archive(&config)?, command)
        }
    }
}

/// The archive, of which the ledger is a table.
fn archive(config: &Config) -> Result<&Archive, Failure> {
    let missing = || {
        let message = "the ledger is a table of the archive, and the configuration has no archive; write the section \
                       `archive`";
        Failure::from(anyhow!(message))
    };
    config.archive.as_ref().ok_or_else(missing)
}

#[cfg(test)]
mod tests;
