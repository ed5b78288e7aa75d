//! `ledger`: what was read, day by day, and with `verify` whether the archive is complete and unaltered.

mod arguments;
mod check;
mod list;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use self::arguments::{List, Verify};
use self::{check::verify, list::list};
use super::config_file::ConfigFile;
use super::failure::Failure;

#[derive(Debug, Args)]
pub(super) struct Command {
    /// The configuration file.
    #[arg(
        short = 'c',
        long = "config",
        value_name = "FILE",
        default_value = "watchbell.yaml",
        global = true
    )]
    config: PathBuf,
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
    if command.verify.is_some() && !command.list.is_empty() {
        return Err(Failure::Usage(
            "options before `verify` are those of the list; write them after it".into(),
        ));
    }
    let file = ConfigFile {
        path: command.config.clone(),
    };
    let (config, archive) = file.load_with_archive()?;
    match &command.verify {
        None => list(&archive, &command.list),
        Some(Verb::Verify(command)) => verify(&config, &archive, command),
    }
}
