//! `dead-letters show`: one dead letter as a page or as JSON, or the bytes of its value.

use std::io::{self, IsTerminal, Write};

use anyhow::anyhow;
use clap::Args;
use jiff::Timestamp;

use crate::cli::config_file::ConfigFile;
use crate::cli::failure::Failure;
use crate::cli::show;
use crate::cli::signals::shutdown_on_signal;
use crate::cli::terminal::Progress;
use crate::query::{Letter, Query};
use crate::view::At;

#[derive(Debug, Args)]
pub(in crate::cli) struct Command {
    /// topic/partition@offset of the dead letter or of its source record.
    #[arg(value_name = "POSITION")]
    position: At,
    #[command(flatten)]
    config: ConfigFile,
    /// Print only the record, as one line of JSON.
    #[arg(long, conflicts_with = "raw")]
    json: bool,
    /// Print the bytes of the value as they are, to repair them in a file.
    #[arg(long)]
    raw: bool,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let mut out = io::stdout();
    if command.raw && out.is_terminal() {
        let remedy = "write them to a file: watchbell dead-letters show --raw … > value.json";
        return Err(
            anyhow!("a terminal would obey control characters in the bytes; {remedy}").into(),
        );
    }
    let config = command.config.load()?;
    let stop = shutdown_on_signal()?;
    let progress = Progress::new();
    let query = Query {
        config: &config,
        since: None,
        now: Timestamp::now(),
        stop: &stop,
        report: &|report| progress.report(report),
    };
    let found = query.dead_letter(&command.position)?;
    let bytes = match command.raw {
        true => value(found.record().value, Letter::read(found.record()))?,
        false => show::text(&query, &found, command.json)?.into_bytes(),
    };
    drop(progress);
    out.write_all(&bytes)?;
    Ok(out.flush()?)
}

/// The value of a dead letter.
fn value(value: Option<&[u8]>, letter: Option<Letter<'_>>) -> Result<Vec<u8>, Failure> {
    let cut = letter.and_then(|letter| letter.cut_bytes);
    match (value, cut) {
        (_, Some(bytes)) => Err(anyhow!(
            "the value of {bytes} bytes is not kept: look for the record in its source"
        )
        .into()),
        (None, None) => Err(anyhow!("the record has no value (a tombstone)").into()),
        (Some(value), None) => Ok(value.to_vec()),
    }
}
