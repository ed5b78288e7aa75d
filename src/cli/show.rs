//! `show`: one event, alert or dead letter, found by its id or its position, with the alerts that an event
//! raised or the event of an alert.

use clap::Args;
use jiff::Timestamp;

use super::config_file::ConfigFile;
use super::failure::Failure;
use super::json_line::json_line;
use super::related::{alerts_raised, events_behind, retry};
use super::signals::shutdown_on_signal;
use super::terminal::{self, Progress, print};
use crate::kafka::Stored;
use crate::query::{PastTime, Query, QueryError};
use crate::view::{Emitted, Paint, Reference, page};

#[derive(Debug, Args)]
pub(super) struct Command {
    /// The id of an event or alert, or topic/partition@offset of an output record or of the source
    /// record that it was made from.
    #[arg(value_name = "ID")]
    reference: Reference,
    #[command(flatten)]
    config: ConfigFile,
    /// Search only records that were written since this time: a duration before now, such as 12h, or a time.
    #[arg(long, value_name = "TIME")]
    since: Option<PastTime>,
    /// Print only the record, as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Ask the archive alone, and not the topics.
    #[cfg(feature = "archive")]
    #[arg(long)]
    no_live: bool,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.config.load()?;
    let stop = shutdown_on_signal()?;
    #[cfg(feature = "archive")]
    {
        let wanted = super::archive::show::Wanted {
            reference: &command.reference,
            since: command.since,
            is_json: command.json,
            is_live: !command.no_live,
        };
        if super::archive::show::show(&wanted, &config, &stop)? {
            return Ok(());
        }
    }
    let progress = Progress::new();
    let query = Query {
        config: &config,
        since: command.since,
        now: Timestamp::now(),
        stop: &stop,
        report: &|report| progress.report(report),
    };
    let found = query.find(&command.reference)?;
    let text = text(&query, &found, command.json)?;
    drop(progress);
    Ok(print(&text)?)
}

/// A record as a page with everything related to it, or as a line of JSON.
pub(super) fn text(query: &Query<'_>, found: &Stored, is_json: bool) -> Result<String, QueryError> {
    let emitted = Emitted::new(found.record());
    if is_json {
        return Ok(json_line(&emitted) + "\n");
    }
    let paint = terminal::paint();
    let related = related(query, &emitted, paint)?;
    Ok(page(&emitted, paint) + &related)
}

/// The related records, as text: alerts of an event, the event of an alert, or whether a dead letter was retried.
fn related(query: &Query<'_>, emitted: &Emitted<'_>, paint: Paint) -> Result<String, QueryError> {
    let mut text = String::new();
    text.push_str(&alerts_raised(&query.alerts_of(emitted)?, paint));
    if let Some(letter) = query.letter(emitted) {
        text.push_str(&retry(&letter, query.retry_of(&letter)?, paint));
    }
    text.push_str(&events_behind(&query.events_behind(emitted)?, paint));
    Ok(text)
}
