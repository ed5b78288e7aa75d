//! The command line: one file for each command. Data goes to standard output, messages to standard
//! error. A command returns its result; only `main` ends the process.

mod asked;
mod completions;
mod config;
mod config_file;
mod demo;
mod failure;
mod fire;
mod init;
mod json_line;
mod offsets;
mod ordinal;
mod replay;
mod run;
mod say;
mod shipped;
mod show;
mod signals;
mod tail;
mod topics;
mod validate;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

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
    /// Show one event, alert or dead letter with everything related to it.
    Show(show::Command),
    /// Write a commented configuration to begin with.
    Init(init::Command),
    /// Check the configuration, the rules and the names, and report everything that is wrong.
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

impl Cli {
    /// Run the command. Exit codes: 0 success, 1 failure, 78 invalid configuration, 141 standard output
    /// was closed.
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
            Command::Completions(command) => completions::run(&command, Cli::command()),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.report(),
        }
    }
}
