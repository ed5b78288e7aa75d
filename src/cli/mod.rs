//! The command line: one file for each command. Data goes to standard output, talk to standard
//! error; a command returns, and only `main` ends the process.

mod asked;
mod completions;
mod config;
mod demo;
mod fire;
mod init;
mod json_line;
mod offsets;
mod ordinal;
mod replay;
mod run;
mod shipped;
mod show;
mod tail;
mod topics;
mod validate;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Draft, Loaded};
use crate::kafka::topic_reader::ReadError;
use crate::observe::panics;
use crate::printable::printable_lines;

/// `EX_CONFIG` of sysexits.h.
const EXIT_CONFIG: u8 = 78;

/// What a shell reports of a tool that SIGPIPE ended.
const EXIT_CLOSED: u8 = 141;

/// Watches audit-log topics in Kafka: OCSF, Sigma, exactly once, on-call.
#[derive(Debug, Parser)]
#[command(name = "watchbell", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon.
    Run(run::Command),
    /// Run the whole pipeline on an embedded Kafka over documented and typical events.
    Demo(demo::Command),
    /// Run files through the pipeline with the shipped catalogue and rules; no configuration.
    Replay(replay::Command),
    /// Follow events, alerts or dead letters, as lines for a person or as JSON.
    Tail(tail::Command),
    /// Show one event, alert or dead letter with all that belongs to it.
    Show(show::Command),
    /// Write a commented configuration to begin with.
    Init(init::Command),
    /// Check the configuration, the rules and the names, and say everything that is wrong.
    Validate(validate::Command),
    /// Show or create the topics that watchbell writes.
    #[command(subcommand)]
    Topics(topics::Command),
    /// Show or move the positions in the sources.
    #[command(subcommand)]
    Offsets(offsets::Command),
    /// Send a test alert through the sinks.
    Fire(fire::Command),
    /// Show the configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Print completions for a shell.
    Completions(completions::Command),
}

/// Where the configuration is.
#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(
        short = 'c',
        long = "config",
        value_name = "FILE",
        default_value = "watchbell.yaml"
    )]
    path: PathBuf,
}

impl ConfigFile {
    fn load(&self) -> Result<Config, Failure> {
        let loaded = load(&self.path)?;
        loaded.warnings().iter().for_each(say);
        Ok(loaded.config)
    }

    /// The same, whatever is wrong in it.
    fn draft(&self) -> Draft {
        crate::config::draft(&self.path)
    }
}

fn load(path: &Path) -> Result<Loaded, Failure> {
    crate::config::load(path).map_err(Failure::configuration)
}

/// Why a command did not succeed.
#[derive(Debug)]
enum Failure {
    /// The configuration is wrong; every fault in words.
    Configuration(Vec<String>),
    /// It was right, and something else went wrong.
    Failed(anyhow::Error),
    /// Whoever read standard output has had enough.
    Closed,
}

impl Failure {
    fn configuration<T: fmt::Display>(faults: impl IntoIterator<Item = T>) -> Failure {
        Failure::Configuration(faults.into_iter().map(|fault| fault.to_string()).collect())
    }
}

/// Write a line to standard error; whoever closed it does not want to read it.
fn say(line: impl fmt::Display) {
    let line = line.to_string();
    let _ = writeln!(io::stderr(), "{}", printable_lines(&line));
}

/// Say of every panic where it was, and nothing else.
fn say_panics() {
    panics::report(|place| say(format_args!("watchbell: a panic at {place}")));
}

/// Of writing to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            ErrorKind::BrokenPipe => Failure::Closed,
            _ => anyhow!(error).context("write to standard output").into(),
        }
    }
}

/// Of reading the output topics.
impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Failure {
        anyhow!(error).context("the destination").into()
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Failed(error)
    }
}

impl Cli {
    /// Run the command; 0 is fine, 1 failed, 78 a bad configuration, 141 nobody reads any more.
    pub fn run(self) -> ExitCode {
        let result = match self.command {
            Command::Run(command) => run::run(&command),
            Command::Demo(command) => demo::run(&command),
            Command::Replay(command) => replay::run(&command),
            Command::Tail(command) => tail::run(&command),
            Command::Show(command) => show::run(&command),
            Command::Validate(command) => validate::run(&command),
            Command::Topics(command) => topics::run(&command),
            Command::Offsets(command) => offsets::run(&command),
            Command::Fire(command) => fire::run(&command),
            Command::Config(command) => config::run(&command),
            Command::Init(command) => init::run(&command),
            Command::Completions(command) => completions::run(&command),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(Failure::Configuration(faults)) => {
                faults.iter().for_each(say);
                ExitCode::from(EXIT_CONFIG)
            }
            Err(Failure::Closed) => ExitCode::from(EXIT_CLOSED),
            Err(Failure::Failed(error)) => {
                say(format_args!("watchbell: {error:#}"));
                ExitCode::FAILURE
            }
        }
    }
}
