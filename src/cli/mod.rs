//! The command line: one file for each command. Data goes to standard output, messages to standard
//! error. A command returns its result; only `main` ends the process.

#[cfg(feature = "archive")]
mod archive;
mod columns;
mod completions;
mod config;
mod config_file;
mod dead_letters;
mod demo;
mod event_file;
mod explain;
mod explainer;
mod failure;
mod filters;
mod fire;
mod init;
mod json_line;
#[cfg(feature = "archive")]
mod ledger;
mod lookup_args;
mod offsets;
mod ordinal;
mod output_topic;
mod related;
mod replay;
mod rules;
mod run;
mod say;
mod shipped;
mod show;
mod signals;
mod tail;
mod terminal;
mod test;
mod topics;
mod validate;
#[cfg(not(feature = "archive"))]
mod without_archive;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Normalizes audit logs in Kafka to OCSF, detects with Sigma rules, and alerts on-call.
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
    /// Run documented and typical events through the whole pipeline, on an embedded Kafka.
    Demo(demo::Command),
    /// Run files through the pipeline with the built-in catalogue and rules; needs no configuration.
    Replay(replay::Command),
    /// Follow events, alerts or dead letters, as lines for a person or as JSON.
    Tail(tail::Command),
    /// Show one event, alert or dead letter with everything related to it.
    Show(show::Command),
    /// List dead letters, show one, or put them through the pipeline again.
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Find events, alerts or dead letters in the archive, the newest first; count them, or download them.
    #[cfg(feature = "archive")]
    Search(Box<archive::search::Command>),
    /// Ask the archive in SQL.
    #[cfg(feature = "archive")]
    Sql(archive::sql::Command),
    /// Find events, alerts or dead letters in the archive (not part of this build).
    #[cfg(not(feature = "archive"))]
    Search(without_archive::Command),
    /// Ask the archive in SQL (not part of this build).
    #[cfg(not(feature = "archive"))]
    Sql(without_archive::Command),
    /// Write a commented configuration file to start from.
    Init(init::Command),
    /// Check the configuration, the rules and the names, and report every problem.
    Validate(validate::Command),
    /// List the rules in force, and the alerts that each has raised.
    Rules(rules::Command),
    /// Run the tests of rules, and show why a test fails.
    Test(test::Command),
    /// Show what each part of a rule answers for an event, and so why it matches or does not.
    Explain(explain::Command),
    /// Show or create the topics that watchbell writes.
    #[command(subcommand)]
    Topics(topics::Command),
    /// Show or move the committed positions in the source topics.
    #[command(subcommand)]
    Offsets(offsets::Command),
    /// List what was read of the sources, day by day, or verify that the archive is complete and unaltered.
    #[cfg(feature = "archive")]
    Ledger(ledger::Command),
    /// List what was read of the sources, or verify the archive (not part of this build).
    #[cfg(not(feature = "archive"))]
    Ledger(without_archive::Command),
    /// Send a test alert to the sinks.
    Fire(fire::Command),
    /// Show the configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Print the completion script for a shell.
    Completions(completions::Command),
}

impl Cli {
    /// Runs the command. Exit codes: 0 success, 1 failure, 2 invalid arguments, 78 invalid configuration, 141 standard
    /// output was closed.
    pub fn run(self) -> ExitCode {
        let result = match self.command {
            Command::Run(command) => run::run(&command),
            Command::Demo(command) => demo::run(&command),
            Command::Replay(command) => replay::run(&command),
            Command::Tail(command) => tail::run(&command),
            Command::Show(command) => show::run(&command),
            #[cfg(feature = "archive")]
            Command::Search(command) => archive::search::run(&command),
            #[cfg(feature = "archive")]
            Command::Sql(command) => archive::sql::run(&command),
            #[cfg(not(feature = "archive"))]
            Command::Search(command) | Command::Sql(command) | Command::Ledger(command) => {
                without_archive::run(&command)
            }
            Command::DeadLetters(command) => dead_letters::run(&command),
            Command::Validate(command) => validate::run(&command),
            Command::Rules(command) => rules::run(&command),
            Command::Test(command) => test::run(&command),
            Command::Explain(command) => explain::run(&command),
            Command::Topics(command) => topics::run(&command),
            Command::Offsets(command) => offsets::run(&command),
            #[cfg(feature = "archive")]
            Command::Ledger(command) => ledger::run(&command),
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
