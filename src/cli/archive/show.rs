//! `show` in the archive: a record and what belongs to it are found at once, however old they are.

use anyhow::anyhow;
use jiff::Timestamp;

use super::session::{DEFAULT_MEMORY, Session};
use crate::archive::TableKind;
use crate::cli::failure::Failure;
use crate::cli::json_line::json_line;
use crate::cli::related::{alerts_raised, events_behind, retry};
use crate::cli::say::say;
use crate::cli::terminal::{self, print};
use crate::config::Config;
use crate::event::file_of_topic;
use crate::kafka::Stored;
use crate::kafka::session::Shutdown;
use crate::query::{Letter, PastTime, Receipts};
use crate::view::{Emitted, Reference, page};

/// The tables of events, alerts and dead letters.
const TABLES: [TableKind; 3] = [TableKind::Events, TableKind::Alerts, TableKind::DeadLetters];

/// What is shown, and how.
pub(in crate::cli) struct Wanted<'w> {
    /// Which record.
    pub(in crate::cli) reference: &'w Reference,
    /// Since when it was written.
    pub(in crate::cli) since: Option<PastTime>,
    /// Whether it is printed as JSON.
    pub(in crate::cli) is_json: bool,
    /// Whether the topics are asked, too.
    pub(in crate::cli) is_live: bool,
}

/// Prints a record and what belongs to it, if the archive or what the topics hold beyond it has the record; whether it was
/// printed. What the archive holds is printed before the topics are asked, which may take long.
///
/// # Errors
/// A stop was requested, or without the topics the record is not found. Else an archive that cannot be read is told, and
/// the topics are searched in its place.
pub(in crate::cli) fn show(
    wanted: &Wanted<'_>,
    config: &Config,
    stop: &Shutdown,
) -> Result<bool, Failure> {
    let Some(archive) = &config.archive else {
        return match wanted.is_live {
            true => Ok(false),
            false => Err(Failure::Usage(
                "--no-live: the configuration has no archive to ask in place of the topics".into(),
            )),
        };
    };
    let asked = ask(wanted, (config, archive), stop);
    if stop.is_requested() {
        return Err(anyhow!("stopped before the search was complete").into());
    }
    let url = &archive.url;
    match asked {
        Ok(false) if wanted.asks_topics() => {
            say(format_args!(
                "not in the archive {url}, nor in what the topics hold beyond it; searching the topics"
            ));
            Ok(false)
        }
        Ok(false) => {
            let reference = wanted.reference;
            Err(anyhow!("{reference} is not in the archive {url}").into())
        }
        Err(failure) if wanted.asks_topics() && !matches!(failure, Failure::Closed) => {
            failure.report();
            say("the archive cannot be asked; searching the topics");
            Ok(false)
        }
        asked => asked,
    }
}

impl Wanted<'_> {
    /// Whether the topics can have the record. Where a file stands in place of the topic, it is in the archive alone.
    fn asks_topics(&self) -> bool {
        let of_file = match self.reference {
            Reference::At(at) => file_of_topic(&at.topic).is_some(),
            Reference::Id(_) => false,
        };
        self.is_live && !of_file
    }
}

fn ask(
    wanted: &Wanted<'_>,
    archive: (&Config, &crate::config::Archive),
    stop: &Shutdown,
) -> Result<bool, Failure> {
    let open = |is_live| Session::open(archive, &TABLES, (DEFAULT_MEMORY, is_live), stop);
    let stored = match open(false) {
        Ok(session) => found(&session, wanted)?.map(|found| (session, found)),
        // It may be in the topics already.
        Err(_) if wanted.asks_topics() => None,
        Err(failure) => return Err(failure),
    };
    let Some((session, stored)) = stored else {
        if !wanted.asks_topics() {
            return Ok(false);
        }
        let session = open(true)?;
        let Some(live) = found(&session, wanted)? else {
            return Ok(false);
        };
        print(&page_of(&live, wanted))?;
        print(&related(&session, &live, wanted)?)?;
        return Ok(true);
    };
    let archived = related(&session, &stored, wanted)?;
    print(&page_of(&stored, wanted))?;
    print(&archived)?;
    if wanted.asks_topics() && !wanted.is_json {
        // What belongs to it may be younger than the archive.
        let all = related(&open(true)?, &stored, wanted)?;
        if all != archived {
            say("with what the topics hold beyond the archive:");
            print(&all)?;
        }
    }
    Ok(true)
}

/// The record, if it was written since the time that is wanted.
fn found(session: &Session, wanted: &Wanted<'_>) -> Result<Option<Stored>, Failure> {
    let found = session.wait(session.engine.find(wanted.reference))?;
    let is_older = |stored: &Stored| {
        let (written, since) = (stored.record().timestamp_ms, wanted.since);
        let since = since.map(|since| since.time_ms(Timestamp::now()));
        since.is_some_and(|since| written.is_some_and(|written| written < since))
    };
    Ok(found.filter(|stored| !is_older(stored)))
}

/// The record itself.
fn page_of(stored: &Stored, wanted: &Wanted<'_>) -> String {
    let emitted = Emitted::new(stored.record());
    match wanted.is_json {
        true => json_line(&emitted) + "\n",
        false => page(&emitted, terminal::paint()),
    }
}

/// What belongs to the record; nothing beside JSON.
fn related(session: &Session, stored: &Stored, wanted: &Wanted<'_>) -> Result<String, Failure> {
    if wanted.is_json {
        return Ok(String::new());
    }
    let (emitted, paint) = (Emitted::new(stored.record()), terminal::paint());
    let alerts = session.wait(session.engine.alerts_of(&emitted))?;
    let events = session.wait(session.engine.events_behind(&emitted))?;
    let mut text = alerts_raised(&alerts, paint);
    if let Some(letter) = Letter::read(emitted.record.clone()) {
        let mut receipts = Receipts::default();
        for receipt in session.wait(session.engine.receipts_of(&letter.position()))? {
            receipts.note(&receipt.record());
        }
        text += &retry(&letter, receipts.of(&letter), paint);
    }
    Ok(text + &events_behind(&events, paint))
}
