//! Parse the command line, run the command, turn its result into an exit code.

use std::process::ExitCode;

use clap::Parser;
use watchbell::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
