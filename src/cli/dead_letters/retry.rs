//! `dead-letters retry`: dead letters through the pipeline again, each once; says what becomes of each.

mod fate_text;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{ArgGroup, Args};
use jiff::Timestamp;

use super::conditions::Conditions;
use crate::cli::config_file::ConfigFile;
use crate::cli::event_file;
use crate::cli::failure::Failure;
use crate::cli::say::{report_panics, say};
use crate::cli::signals::shutdown_on_signal;
use crate::config::Config;
use crate::kafka::atomic::AtomicAppender;
use crate::pipeline::OutputList;
use crate::query::retry_id;
use crate::retry::{self, Retry, RetryError};
use crate::roles::outputs;
use crate::roles::rulebook::Rulebook;
use crate::view::At;
use fate_text::{counts_text, fate_text, problems};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true).args(
    ["positions", "since", "until", "reason", "source", "all"]
)))]
pub(in crate::cli) struct Command {
    /// topic/partition@offset of dead letters or of their source records.
    #[arg(value_name = "POSITION")]
    positions: Vec<At>,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    conditions: Conditions,
    /// Every dead letter in the topic.
    #[arg(long)]
    all: bool,
    /// Only say what would become of each.
    #[arg(long)]
    dry_run: bool,
    /// The bytes of this file (or `-`, standard input) replace the value of the dead letter; with one position.
    #[arg(
        long,
        value_name = "FILE",
        requires = "positions",
        conflicts_with = "all"
    )]
    repaired: Option<PathBuf>,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = &command.config.load()?;
    let repaired = command.repaired()?;
    let rulebook = Rulebook::load(config).map_err(Failure::configuration)?;
    rulebook.rules().snapshot().warnings().iter().for_each(say);
    report_panics();
    let stop = shutdown_on_signal()?;
    let is_dry_run = command.dry_run;
    let may_create = config.create_topics && !is_dry_run;
    let outputs = outputs::existing(&config.destination, &config.outputs, may_create);
    let outputs = outputs.map_err(anyhow::Error::from)?;
    let appender = (!is_dry_run).then(|| open(config, &outputs));
    let appender = appender.transpose()?;
    let choice = command.conditions.choice(config, &command.positions);
    let retry = Retry {
        config,
        pipeline: &rulebook.pipeline(config, outputs),
        appender: appender.as_ref(),
        choice: &choice,
        repaired: repaired.as_deref(),
        limit: None,
        now: Timestamp::now(),
        stop: &stop,
        note: &|note| say(note),
    };
    let mut out = io::stdout();
    let summary = retry
        .run(&mut |position, fate| writeln!(out, "{position}  {}", fate_text(fate, is_dry_run)))?;
    say(counts_text(&summary.counts, is_dry_run));
    summary.ended?;
    let problems = problems(&summary.counts, &summary.missing, stop.is_requested());
    match problems.is_empty() {
        true => Ok(()),
        false => Err(anyhow!(problems.join("; ")).into()),
    }
}

/// Opens the transactional id of retries.
fn open(config: &Config, outputs: &OutputList) -> anyhow::Result<AtomicAppender> {
    retry::open(config, outputs).with_context(|| {
        let id = retry_id(&config.session.group);
        format!(
            "the destination, with the transactional id {id} (Describe and Write on it are needed)"
        )
    })
}

impl From<RetryError> for Failure {
    fn from(error: RetryError) -> Failure {
        match error {
            RetryError::Read(error) => error.into(),
            RetryError::Told(error) => error.into(),
            error => anyhow!("{error}").into(),
        }
    }
}

impl Command {
    /// The value that replaces that of the dead letter.
    fn repaired(&self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(path) = &self.repaired else {
            return Ok(None);
        };
        if self.positions.len() != 1 {
            return Err(
                anyhow!("--repaired needs exactly one position: one file is one value").into(),
            );
        }
        Ok(Some(read_file(path)?))
    }
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = path.display();
    let file = event_file::open(path).map_err(|problem| anyhow!("--repaired {name}: {problem}"));
    let mut bytes = Vec::new();
    let read = file?.read_to_end(&mut bytes);
    read.with_context(|| format!("--repaired {name}"))?;
    Ok(bytes)
}
