//! `topics show` and `topics create`: the output topics, the topic with copies of the positions, that of triage where
//! there is a page, and the ownership topic of each source on another cluster.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Subcommand;

use super::config_file::ConfigFile;
use super::failure::Failure;
use crate::config::Config;
use crate::kafka::topics::{
    Topics, WantedTopic, compare, ownership_topic, positions_topic, triage_topic,
};
use crate::roles::outputs;

/// Timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Compare the topics with the required settings; the exit code is 1 if one differs.
    Show(ConfigFile),
    /// Create missing topics and add missing partitions; nothing else is changed.
    Create(ConfigFile),
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Show(file) => show(&file.load()?),
        Command::Create(file) => Ok(create(&file.load()?)?),
    }
}

/// The topics that the configuration needs on the destination.
fn wanted(config: &Config) -> anyhow::Result<Vec<WantedTopic>> {
    let mut wanted = outputs::wanted(&config.outputs);
    wanted.push(positions_topic(&config.positions_topic));
    if config.page.is_some() {
        wanted.push(triage_topic(&config.triage_topic));
    }
    let destination = config.destination.cluster_id(REQUEST_TIMEOUT)?;
    for source in &config.sources {
        let (name, topic) = (&source.name, &source.topic);
        let id = source.cluster.cluster_id(REQUEST_TIMEOUT);
        let id = id.with_context(|| format!("source {name}"))?;
        let is_same_cluster = match (&id, &destination) {
            (Some(id), Some(destination)) => id == destination,
            _ => source.cluster.bootstrap == config.destination.bootstrap,
        };
        if is_same_cluster {
            continue;
        }
        let partitions = Topics::new(&source.cluster, REQUEST_TIMEOUT)?
            .partitions(topic)?
            .ok_or_else(|| anyhow!("source {name}: the topic {topic} does not exist"))?;
        wanted.push(WantedTopic::new(ownership_topic(name), partitions));
    }
    Ok(wanted)
}

fn show(config: &Config) -> Result<(), Failure> {
    let mut wanted = wanted(config)?;
    if let Some(optional) = outputs::optional(&config.outputs) {
        let found = Topics::new(&config.destination, REQUEST_TIMEOUT)
            .and_then(|topics| topics.partitions(&optional.name))
            .context("the destination")?;
        wanted.extend(found.is_some().then_some(optional));
    }
    let names: Vec<&str> = wanted.iter().map(|topic| topic.name.as_str()).collect();
    let found = Topics::new(&config.destination, REQUEST_TIMEOUT)
        .and_then(|topics| topics.describe(&names))
        .context("the destination")?;
    let mut out = std::io::stdout().lock();
    let mut differing = 0;
    for wanted in &wanted {
        let found = found.iter().find(|found| found.name == wanted.name);
        let differences = compare(wanted, found);
        let state = if differences.is_empty() {
            "has the required settings".to_owned()
        } else {
            differing += 1;
            let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
            texts.join("; ")
        };
        let partitions = found.map_or(0, |found| found.partitions);
        writeln!(out, "{}\t{partitions} partitions\t{state}", wanted.name)?;
    }
    eprintln!(
        "consumers need isolation.level=read_committed, or they see records of aborted transactions"
    );
    match differing {
        0 => Ok(()),
        _ => Err(anyhow!("{differing} topics differ from the required settings").into()),
    }
}

fn create(config: &Config) -> anyhow::Result<()> {
    let topics = Topics::new(&config.destination, REQUEST_TIMEOUT)?;
    for wanted in wanted(config)? {
        let name = &wanted.name;
        match topics.partitions(name)? {
            None => {
                topics.create(&wanted)?;
                eprintln!("{name}: created with {} partitions", wanted.partitions);
            }
            Some(has) if has < wanted.partitions && !wanted.any_if_exists => {
                topics.grow(name, wanted.partitions)?;
                eprintln!(
                    "{name}: partitions increased from {has} to {}",
                    wanted.partitions
                );
            }
            Some(has) => eprintln!("{name}: exists with {has} partitions"),
        }
    }
    Ok(())
}
