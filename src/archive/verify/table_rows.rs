//! The rows of the tables of events and dead letters, compared with what the ledger says was published.

use std::sync::{Mutex, PoisonError};

use super::coverage::{Coverage, Topics};
use super::expected::{Claim, Expectation, Key};
use super::fault::{Faults, Problem};
use super::row::Batch;
use crate::archive::columns::TableKind;
use crate::archive::encode_error::EncodeError;
use crate::archive::file_entry::FileEntry;
use crate::archive::open_file::{OpenFile, Wanted};
use crate::archive::ranges::Ranges;
use crate::event::{FILE_TOPIC, Header, file_of_topic};
use crate::ledger::{letter_hash, output_hash};

/// The columns with the source position, and with what stands for a file.
const SOURCE: Wanted =
    Wanted::Columns(&["topic", "source_topic", "source_partition", "source_offset"]);

/// Compares the rows of a row group, of a file whose rows are of this day. Rows of source records that are not in
/// `covered` are passed over.
///
/// # Errors
/// The file cannot be read.
pub fn compare(
    (kind, day): (TableKind, &str),
    (file, group): (&OpenFile<'_>, usize),
    (covered, topics): (&Coverage, &Topics),
    expectation: &Mutex<Expectation>,
) -> Result<Faults, EncodeError> {
    let mut faults = Faults::default();
    match file.range(group, "source_offset") {
        Some(Some(range)) if covered.meets(range) => {}
        None => {}
        _ => return Ok(faults),
    }
    let mut is_wanted = false;
    for rows in file.rows(group, SOURCE)? {
        let batch = Batch::new(kind, rows?)?;
        is_wanted |= (0..batch.len()).any(|row| is_covered(&batch, row, covered));
    }
    if !is_wanted {
        return Ok(faults);
    }
    for rows in file.rows(group, Wanted::All)? {
        let batch = Batch::new(kind, rows?)?;
        let rows = (0..batch.len()).filter(|row| is_covered(&batch, *row, covered));
        let chosen: Vec<u32> = rows.filter_map(|row| u32::try_from(row).ok()).collect();
        let claims: Vec<Claim> = chosen
            .iter()
            .filter_map(|row| claim(&batch, *row as usize, topics))
            .collect();
        for (row, names) in batch.differing(&chosen, day)? {
            if let Some(claim) = claim(&batch, row as usize, topics) {
                let detail = format!("not those of its value: {}", names.join(", "));
                faults.add(claim.fault(Problem::Columns, topics, &detail));
            }
        }
        // The lock may be poisoned by a panic elsewhere; what was expected is valid all the same.
        let mut expectation = expectation.lock().unwrap_or_else(PoisonError::into_inner);
        for claim in claims {
            expectation.take(claim, topics, &mut faults);
        }
    }
    Ok(faults)
}

fn is_covered(batch: &Batch, row: usize, covered: &Coverage) -> bool {
    // A file can have the name of a topic.
    if batch.text("topic", row).is_some_and(is_of_file) {
        return false;
    }
    let topic = batch.text("source_topic", row);
    let partition = batch.int("source_partition", row);
    let offset = batch.long("source_offset", row);
    match (topic, partition, offset) {
        (Some(topic), Some(partition), Some(offset)) => covered.has(topic, partition, offset),
        _ => false,
    }
}

fn is_of_file(topic: &str) -> bool {
    file_of_topic(topic).is_some()
}

/// How many rows of a file came from files, of which the ledger knows nothing. `entry` is what the Delta log says of it.
///
/// # Errors
/// The file cannot be read.
pub fn backfilled(
    kind: TableKind,
    (file, entry): (&dyn Ranges, &FileEntry),
) -> Result<u64, EncodeError> {
    let bound = |name: &str| entry.statistics[name]["topic"].as_str();
    let topics = bound("minValues").zip(bound("maxValues"));
    if topics.is_some_and(|(least, greatest)| {
        greatest < FILE_TOPIC || least > FILE_TOPIC && !least.starts_with(FILE_TOPIC)
    }) {
        return Ok(0);
    }
    let file = OpenFile::open(file)?;
    let mut count = 0;
    for group in 0..file.groups() {
        for rows in file.rows(group, Wanted::Columns(&["topic"]))? {
            let batch = Batch::new(kind, rows?)?;
            let topics = (0..batch.len()).filter_map(|row| batch.text("topic", row));
            count += topics.filter(|topic| is_of_file(topic)).count() as u64;
        }
    }
    Ok(count)
}

fn claim(batch: &Batch, row: usize, topics: &Topics) -> Option<Claim> {
    let source = batch.source(row)?;
    let place = batch.place(row);
    let value = batch.value(row);
    // A topic without a number is none that the ledger or the configuration knows.
    let number = |name: &str| topics.find(name).unwrap_or(u16::MAX);
    let kind = batch.kind();
    Some(Claim {
        table: kind,
        key: Key {
            topic: number(&source.topic),
            partition: source.partition,
            offset: source.offset,
            element: source.element.unwrap_or(0),
            output: number(&place.topic),
        },
        hash: match kind {
            TableKind::DeadLetters => {
                let headers = batch.headers(row);
                let headers = headers.iter().map(|(name, value)| Header {
                    name,
                    value: value.as_deref(),
                });
                letter_hash(batch.bytes("key", row), value, headers)
            }
            _ => output_hash(value),
        },
        written_ms: batch.time_ms("written", row),
        place: (place.partition, place.offset),
        id: batch.text("event_id", row).map(str::to_owned),
        is_replayed: batch.text("origin", row) == Some("replay"),
    })
}
