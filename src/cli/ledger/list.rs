//! What was read, by day, source and partition: offsets, counts, and the head of the chain.

use std::collections::BTreeMap;
use std::io::Write;

use data_encoding::HEXLOWER;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::json;

use super::arguments::List;
use crate::archive::verify::{Link, Of};
use crate::archive::{day_number, day_text};
use crate::cli::columns::write_columns;
use crate::cli::failure::Failure;
use crate::config::Archive;
use crate::ledger::{ALGORITHM, Kind};
use crate::query::ledger::{ArchiveReader, Days, Effort};
use crate::view::printable;

/// Days that are listed where none is named.
const DEFAULT_DAYS: i64 = 7;

/// What was read of a partition on a day.
#[derive(Debug, Default)]
struct Read {
    first: Option<i64>,
    last: Option<i64>,
    records: u64,
    events: u64,
    dead_letters: u64,
    dropped: u64,
    gaps: u64,
    moves: u64,
    starts: u64,
    retried: u64,
    /// Partition and offset of the newest link, with the chain after it.
    head: Option<((i32, i64), String)>,
}

impl Read {
    fn add(&mut self, link: &Link) {
        match &*link.kind {
            kind if kind == Kind::Gap.name() => self.gaps += 1,
            kind if kind == Kind::Move.name() => self.moves += 1,
            kind if kind == Kind::Start.name() => self.starts += 1,
            kind if kind == Kind::Retry.name() => self.retried += link.records,
            kind if kind == Kind::Run.name() => {
                self.first = self.first.into_iter().chain(link.first).min();
                self.last = self.last.max(link.last);
                self.records += link.records;
                self.events += link.counts[0];
                self.dead_letters += link.counts[1];
                self.dropped += link.counts[2];
            }
            _ => {}
        }
        if let Some(after) = link.after {
            let place = (link.at.partition, link.at.offset);
            if self.head.as_ref().is_none_or(|(newest, _)| *newest < place) {
                self.head = Some((place, HEXLOWER.encode(&after)));
            }
        }
    }

    fn head(&self) -> Option<&str> {
        self.head.as_ref().map(|(_, head)| &**head)
    }
}

pub(super) fn list(archive: &Archive, command: &List) -> Result<(), Failure> {
    let reader = ArchiveReader::open(archive, Effort::whole()).map_err(anyhow::Error::from)?;
    let days = Days::new(&reader);
    let (from, to) = span(command);
    let mut out = std::io::stdout().lock();
    let mut table = vec![head()];
    for day in days.all() {
        if !(from..=to).contains(&day) {
            continue;
        }
        let mut all: BTreeMap<Of, Read> = BTreeMap::new();
        let links = days.links(day).map_err(anyhow::Error::from)?;
        let is_meant = |link: &&Link| {
            let source = command.source.as_deref();
            source.is_none_or(|source| *link.of.source == *source)
        };
        for link in links.iter().filter(is_meant) {
            all.entry(link.of.clone()).or_default().add(link);
        }
        for (of, read) in &all {
            match command.json {
                true => writeln!(out, "{}", json_line(&day_text(day), of, read))?,
                false => table.push(row(&day_text(day), of, read)),
            }
        }
    }
    if !command.json {
        write_columns(&table, None, &mut out)?;
    }
    Ok(())
}

/// The names of the columns.
fn head() -> Vec<String> {
    let names = [
        "DAY",
        "SOURCE",
        "PARTITION",
        "FIRST",
        "LAST",
        "RECORDS",
        "EVENTS",
        "DEAD LETTERS",
        "DROPPED",
        "GAPS",
        "MOVES",
    ];
    let chain = format!("CHAIN ({ALGORITHM})");
    names
        .map(str::to_owned)
        .into_iter()
        .chain([chain])
        .collect()
}

/// The first and the last day to list.
fn span(command: &List) -> (i32, i32) {
    let number = |day: Date| day_number(&day.to_string());
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    match (command.day, command.from, command.to) {
        (Some(day), _, _) => (number(day), number(day)),
        (None, None, None) => {
            let first = today.saturating_sub((DEFAULT_DAYS - 1).days());
            (number(first), number(today))
        }
        (None, from, to) => (from.map_or(i32::MIN, number), to.map_or(i32::MAX, number)),
    }
}

fn json_line(day: &str, of: &Of, read: &Read) -> String {
    let line = json!({
        "day": day,
        "source": *of.source,
        "topic": *of.topic,
        "partition": of.partition,
        "first_offset": read.first,
        "last_offset": read.last,
        "records": read.records,
        "events": read.events,
        "dead_letters": read.dead_letters,
        "dropped": read.dropped,
        "gaps": read.gaps,
        "moves": read.moves,
        "starts": read.starts,
        "retried": read.retried,
        "hash": ALGORITHM,
        "chain": read.head(),
    });
    crate::view::printable_json(&line.to_string()).into_owned()
}

fn row(day: &str, of: &Of, read: &Read) -> Vec<String> {
    let offset = |offset: Option<i64>| offset.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let text = [
        day.to_owned(),
        of.source.to_string(),
        of.partition.to_string(),
        offset(read.first),
        offset(read.last),
        read.records.to_string(),
        read.events.to_string(),
        read.dead_letters.to_string(),
        read.dropped.to_string(),
        read.gaps.to_string(),
        read.moves.to_string(),
        read.head().unwrap_or("-").to_owned(),
    ];
    text.iter().map(|one| printable(one).into_owned()).collect()
}
