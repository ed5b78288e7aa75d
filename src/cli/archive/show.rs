//! `show` in the archive: a record and what belongs to it are found at once, however old they are.

use anyhow::anyhow;
use jiff::Timestamp;

use super::session::{DEFAULT_MEMORY, Session};
use crate::archive::TableKind;
use crate::cli::failure::Failure;
use crate::cli::json_line::json_line;
use crate::cli::related::{alerts_raised, events_behind, retry};
use crate::cli::say::say;
use crate::cli::terminal;
use crate::config::Config;
use crate::event::file_of_topic;
use crate::kafka::session::Shutdown;
use crate::query::{Letter, PastTime, Receipts};
use crate::view::{Emitted, Reference, page};

/// The tables of events, alerts and dead letters.
const TABLES: [TableKind; 3] = [TableKind::Events, TableKind::Alerts, TableKind::DeadLetters];

/// Which record, written since when, and whether it is printed as JSON.
type Wanted<'w> = (&'w Reference, Option<PastTime>, bool);

/// The record as `show` prints it; `None` where there is no archive, or the archive does not have the record.
///
/// # Errors
/// A stop was requested. An archive that cannot be read is told, and the topics are searched in its place.
pub(in crate::cli) fn text(
    wanted: Wanted<'_>,
    config: &Config,
    stop: &Shutdown,
) -> Result<Option<String>, Failure> {
    let Some(archive) = &config.archive else {
        return Ok(None);
    };
    match found(wanted, (config, archive), stop) {
        Ok(Some(text)) => Ok(Some(text)),
        _ if stop.is_requested() => Err(anyhow!("stopped before the search was complete").into()),
        Ok(None) if is_of_file(wanted.0) => {
            Err(anyhow!("{} is not in the archive {}", wanted.0, archive.url).into())
        }
        Err(failure) if is_of_file(wanted.0) => Err(failure),
        Ok(None) => {
            let url = &archive.url;
            say(format_args!(
                "not in the archive {url}, nor in what the topics hold beyond it; searching the topics"
            ));
            Ok(None)
        }
        Err(failure) => {
            failure.report();
            say("the archive cannot be asked; searching the topics");
            Ok(None)
        }
    }
}

/// Whether a file stands in place of the topic: its records are in the archive alone.
fn is_of_file(reference: &Reference) -> bool {
    match reference {
        Reference::At(at) => file_of_topic(&at.topic).is_some(),
        Reference::Id(_) => false,
    }
}

fn found(
    (reference, since, is_json): Wanted<'_>,
    archive: (&Config, &crate::config::Archive),
    stop: &Shutdown,
) -> Result<Option<String>, Failure> {
    let is_live = !is_of_file(reference);
    let session = Session::open(archive, &TABLES, (DEFAULT_MEMORY, is_live), stop)?;
    let Some(stored) = session.wait(session.engine.find(reference))? else {
        return Ok(None);
    };
    let emitted = Emitted::new(stored.record());
    let is_older = |since: PastTime| {
        let written = emitted.record.timestamp_ms;
        written.is_some_and(|written| written < since.time_ms(Timestamp::now()))
    };
    if since.is_some_and(is_older) {
        return Ok(None);
    }
    if is_json {
        return Ok(Some(json_line(&emitted) + "\n"));
    }
    let paint = terminal::paint();
    let alerts = session.wait(session.engine.alerts_of(&emitted))?;
    let events = session.wait(session.engine.events_behind(&emitted))?;
    let mut text = page(&emitted, paint) + &alerts_raised(&alerts, paint);
    if let Some(letter) = Letter::read(emitted.record.clone()) {
        let mut receipts = Receipts::default();
        for receipt in session.wait(session.engine.receipts_of(&letter.position()))? {
            receipts.note(&receipt.record());
        }
        text += &retry(&letter, receipts.of(&letter), paint);
    }
    Ok(Some(text + &events_behind(&events, paint)))
}
