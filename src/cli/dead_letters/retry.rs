//! `dead-letters retry`: dead letters through the pipeline again, each once.
//! Invariant: the outputs of a dead letter and its receipt are committed in one transaction, under one transactional
//! id for a deployment. Whoever opens the id ends the transactions of whoever had it before, and then reads all
//! receipts; so a dead letter with a receipt is never retried again, whoever is killed and whoever else begins.

mod ledger;
mod work;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

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
use crate::kafka::atomic::{AtomicAppender, AtomicConfig};
use crate::pipeline::{Content, OutputList, Pipeline};
use crate::query::{self, Receipts, retry_id};
use crate::roles::outputs;
use crate::roles::rulebook::Rulebook;
use crate::view::At;
use ledger::RetryLedger;
use work::{Pipelines, Work};

/// How much longer than a transaction may last its end is waited for: the cluster looks for abandoned ones every ten
/// seconds.
const SETTLING: Duration = Duration::from_secs(50);

/// How long the destination may take to give the transactional id to this process.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

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
    let mut config = command.config.load()?;
    // A follower of a partition may know less of it than its leader, and receipts would be missed.
    config.destination.properties.remove("client.rack");
    let config = &config;
    let repaired = command.repaired()?;
    let rulebook = Rulebook::load(config).map_err(Failure::configuration)?;
    rulebook.rules().snapshot().warnings().iter().for_each(say);
    report_panics();
    let stop = shutdown_on_signal()?;
    let cluster = &config.destination;
    let may_create = config.create_topics && !command.dry_run;
    let outputs = outputs::existing(cluster, &config.outputs, may_create);
    let outputs = outputs.map_err(anyhow::Error::from)?;
    let appender = (!command.dry_run).then(|| open(config, &outputs));
    let appender = appender.transpose()?;
    let choice = command.conditions.choice(config, &command.positions);
    let topic = &config.outputs.of(Content::DeadLetters).topic;
    let reader = query::reader(config, topic)?;
    let all = match &appender {
        None => query::spans(&reader, &|note| say(note))?,
        Some(_) => {
            let patience = config.session.transaction_timeout + SETTLING;
            reader.settled_spans(cluster, patience)?
        }
    };
    let now = Timestamp::now();
    let spans = choice.spans(&reader, &all, now)?;
    let receipts = Receipts::read(&reader, &spans, &stop)?;
    if stop.is_requested() {
        return Err(anyhow!("stopped before the first dead letter was retried").into());
    }
    let ledger = RetryLedger::new(config, outputs.clone());
    let mut work = Work::new(
        Pipelines::new(&pipeline(config, &rulebook, outputs.clone()), ledger),
        appender.as_ref(),
        (&choice, now),
        &receipts,
        repaired.as_deref(),
    );
    let read = reader.read(&spans, &|| stop.is_requested(), &mut |record| {
        work.take(record)
    });
    work.finish(read.map_err(Failure::from), stop.is_requested())
}

/// Opens the transactional id of retries.
fn open(config: &Config, outputs: &OutputList) -> anyhow::Result<AtomicAppender> {
    let id = retry_id(&config.session.group);
    let atomic = AtomicConfig {
        role: "retry",
        transactional_id: &id,
        batch_bytes: outputs.smallest_bytes(),
        open_timeout: OPEN_TIMEOUT,
        transaction_timeout: config.session.transaction_timeout,
    };
    let appender = AtomicAppender::open(&config.destination, &atomic);
    appender.with_context(|| {
        format!(
            "the destination, with the transactional id {id} (Describe and Write on it are needed)"
        )
    })
}

/// The pipeline of the daemon.
fn pipeline(config: &Config, rulebook: &Rulebook, outputs: OutputList) -> Pipeline {
    let (catalogs, rules) = (rulebook.catalogs(), rulebook.rules());
    Pipeline::new(outputs, catalogs, rules, rulebook.lookups())
        .routed(Arc::clone(&config.routes), config.noise)
        .private(config.privacy.clone())
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
