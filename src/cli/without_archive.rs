//! The commands that ask the archive, in a build without it: they say how to get it.

use anyhow::anyhow;
use clap::Args;

use super::failure::Failure;

#[derive(Debug, Args)]
pub(super) struct Command {
    /// Options and arguments of the command.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<String>,
}

pub(super) fn run(_: &Command) -> Result<(), Failure> {
    Err(missing())
}

/// Why such a command does not succeed.
pub(super) fn missing() -> Failure {
    anyhow!(
        "this watchbell was built without the archive; build it with `cargo build --release --features archive`"
    )
    .into()
}
