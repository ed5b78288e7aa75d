//! `validate`: checks the configuration, the rules and the names, and reports every problem in one pass; with
//! `--connect` it also checks the clusters and sinks. The commands that grant missing rights are the only thing on
//! standard output, so that they can be kept or piped.

use std::io::Write;

use anyhow::anyhow;
use clap::Args;

use super::config_file::{ConfigFile, check_archive};
use super::failure::Failure;
use super::fire;
use super::say::say;
use crate::config::{Config, Draft, Fault, Loaded};
use crate::diagnostic::Diagnostic;
use crate::pipeline::{self, Catalogs};
use crate::roles::inspection::{Inspection, inspect};
use crate::roles::rulebook::Rulebook;
use crate::rules;

#[derive(Debug, Args)]
pub(super) struct Command {
    #[command(flatten)]
    file: ConfigFile,
    /// Also check the clusters (logins, topics, and the rights to read, write and commit) and the sinks,
    /// without sending an alert. Nothing is changed; missing rights are printed as commands that grant them.
    #[arg(long)]
    connect: bool,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let (loaded, rulebook) = load(command.file.draft())?;
    let config = &loaded.config;
    check_archive(config)?;
    let rules = rulebook.rules().snapshot();
    loaded.warnings().iter().for_each(say);
    rules.warnings().iter().for_each(say);
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let suppressions = rules.suppressions().iter();
    let ending: Vec<Diagnostic> = suppressions.filter_map(|one| one.warning(now_ms)).collect();
    ending.iter().for_each(say);
    let routes = route_warnings(config, &rulebook.catalogs());
    routes.iter().for_each(say);
    let count = rules.rules().len();
    let warnings = rules.warnings().len() + loaded.warnings().len() + ending.len() + routes.len();
    let always = match rules.without_witness().count() {
        0 => String::new(),
        always => format!(" ({always} evaluated on every event of their log source)"),
    };
    say(format_args!(
        "configuration fine, {count} rules in force{always}, {warnings} warnings"
    ));
    if command.connect {
        check_connections(config)?;
    }
    Ok(())
}

/// Warnings about routes whose conditions have lines that no event meets.
fn route_warnings(config: &Config, catalogs: &Catalogs) -> Vec<Fault> {
    let known = pipeline::known(catalogs);
    let mut warnings = Vec::new();
    for route in config.routes.all() {
        let problems = route
            .when
            .as_ref()
            .map(|when| rules::unmatchable(when, &known));
        for problem in problems.into_iter().flatten() {
            let fault = Fault::warning("routes", format!("{}: {}", route.name, problem.message));
            warnings.push(match problem.remedy {
                Some(remedy) => fault.remedy(remedy),
                None => fault,
            });
        }
    }
    warnings
}

/// Loads the configuration with its rules and names. Returns the faults of all of them together, so that a
/// fault in one does not hide those in the others.
fn load(draft: Draft) -> Result<(Loaded, Rulebook), Failure> {
    let rulebook = draft.config().map(Rulebook::load);
    match (draft.valid(), rulebook) {
        (Ok(loaded), Some(Ok(rulebook))) => Ok((loaded, rulebook)),
        (configuration, rulebook) => {
            let faults = configuration.err().unwrap_or_default();
            let faults = faults.iter().map(ToString::to_string);
            let diagnostics = rulebook.and_then(Result::err).unwrap_or_default();
            let diagnostics = diagnostics.iter().map(ToString::to_string);
            Err(Failure::Configuration(faults.chain(diagnostics).collect()))
        }
    }
}

/// Checks the clusters and the sinks, and prints what was found.
fn check_connections(config: &Config) -> Result<(), Failure> {
    let mut problems = 0;
    let mut out = std::io::stdout().lock();
    for inspection in inspect(config) {
        report(&inspection);
        problems += inspection.problems.len();
        if !inspection.commands.is_empty() {
            writeln!(out, "# {}", inspection.name)?;
        }
        for command in &inspection.commands {
            writeln!(out, "{command}")?;
        }
    }
    for sink in &config.sinks {
        let name = &sink.name;
        match fire::check_one(sink)? {
            Ok(found) => say(format_args!("sink {name}: fine: {found}")),
            Err(problem) => {
                say(format_args!("sink {name}: error: {problem}"));
                problems += 1;
            }
        }
    }
    match problems {
        0 => {
            say("clusters fine; readers of the outputs need isolation.level=read_committed");
            Ok(())
        }
        1 => Err(anyhow!("1 problem was found").into()),
        _ => Err(anyhow!("{problems} problems were found").into()),
    }
}

fn report(inspection: &Inspection) {
    let name = &inspection.name;
    for fine in &inspection.fine {
        say(format_args!("{name}: fine: {fine}"));
    }
    for warning in &inspection.warnings {
        say(format_args!("{name}: warning: {warning}"));
    }
    for problem in &inspection.problems {
        say(format_args!("{name}: error: {problem}"));
    }
}
