//! `show`: one event, alert or dead letter, found by its id or its position, with the alerts that an event
//! raised or the event of an alert.

use std::io::{self, Write};

use clap::Args;
use jiff::Timestamp;

use super::config_file::ConfigFile;
use super::failure::Failure;
use super::json_line::json_line;
use super::signals::shutdown_on_signal;
use super::terminal::{self, Progress};
use crate::kafka::Stored;
use crate::query::{Letter, PastTime, Query, QueryError, RetryOf};
use crate::view::words::moment;
use crate::view::{Emitted, Paint, Reference, heading, line, page, printable};

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
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.config.load()?;
    let stop = shutdown_on_signal()?;
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
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
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
    let alerts = query.alerts_of(emitted)?;
    if !alerts.is_empty() {
        text.push_str(&heading("Alerts raised by it", paint));
    }
    for alert in &alerts {
        let alert = Emitted::new(alert.record());
        text.push_str(&format!("  {}\n", line(&alert, paint)));
        if let Some(id) = alert.id() {
            text.push_str(&format!("    alert id {}\n", printable(&id)));
        }
    }
    if let Some(letter) = query.letter(emitted) {
        text.push_str(&heading("Retry", paint));
        let retry = match query.retry_of(&letter)? {
            Some(retry) => retried(&letter, retry),
            None => unretried(&letter),
        };
        text.push_str(&format!("  {retry}\n"));
    }
    for event in &query.events_behind(emitted)? {
        text.push_str(&heading("The event behind it", paint));
        text.push_str(&page(&Emitted::new(event.record()), paint));
    }
    Ok(text)
}

/// What became of a dead letter that was retried.
fn retried(letter: &Letter<'_>, retry: RetryOf) -> String {
    let time = retry
        .time_ms
        .map(|time_ms| format!(" at {}", moment(time_ms, 0)));
    let (topic, (partition, offset)) = (letter.record.position.topic, retry.receipt);
    let time = time.unwrap_or_default();
    format!("retried{time}; the receipt is {topic}/{partition}@{offset}")
}

/// How a dead letter can be retried, or why it cannot be.
fn unretried(letter: &Letter<'_>) -> String {
    match letter.obstacle() {
        Some(obstacle) => format!("cannot be retried: {}", obstacle.description()),
        None => format!(
            "not retried; watchbell dead-letters retry {} does it",
            letter.position()
        ),
    }
}
