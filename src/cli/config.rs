//! `config print`: the effective configuration with the origin of each value; `config schema`: the
//! JSON Schema of the configuration file.

use std::io::Write;

use clap::Subcommand;

use super::config_file::{ConfigFile, load};
use super::failure::Failure;
use crate::config::json_schema;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the effective configuration and where each value comes from, secrets redacted.
    Print(ConfigFile),
    /// Print the JSON Schema of the configuration file.
    Schema,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let text = match command {
        Command::Print(file) => load(&file.path)?.print().to_owned(),
        Command::Schema => format!("{:#}\n", json_schema()),
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
