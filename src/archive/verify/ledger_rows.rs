//! The rows of the ledger with what they know of each source record: each is checked by itself, and says what was
//! published.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::coverage::Topics;
use super::expected::{Expectation, Key};
use super::fault::{Fault, Faults, Problem};
use super::row::Batch;
use crate::archive::columns::TableKind;
use crate::archive::encode_error::EncodeError;
use crate::archive::open_file::{OpenFile, Wanted};
use crate::ledger::{Entry, Kind, LedgerRecord, LedgerRecordError, Sum};
use crate::view::At;

/// What rows of the ledger say.
#[derive(Debug, Default)]
pub struct LedgerRows {
    /// What was published.
    pub expectation: Expectation,
    /// What is wrong with the rows themselves.
    pub faults: Faults,
    /// The values of source records that the ledger has twice, by topic, partition and offset.
    pub twice: HashMap<(u16, i32, i64), Sum>,
}

/// Which rows of the ledger are read.
pub struct Selection<'s> {
    /// Those that were committed in this span of time.
    pub span: Range<i64>,
    /// Those of these topics of sources.
    pub has_topic: &'s (dyn Fn(&str) -> bool + Sync),
    /// The source records whose values are compared, by topic, partition and offset.
    pub is_twice: &'s (dyn Fn(&str, i32, i64) -> bool + Sync),
}

/// Reads rows of a row group of the ledger, of a file whose rows are of this day.
///
/// # Errors
/// The file cannot be read.
pub fn read_ledger(
    (file, group, day): (&OpenFile<'_>, usize, &str),
    selection: &Selection<'_>,
    topics: &Mutex<Topics>,
) -> Result<LedgerRows, EncodeError> {
    let mut found = LedgerRows::default();
    let Selection {
        span, has_topic, ..
    } = selection;
    let micros = span.start.saturating_mul(1_000)..span.end.saturating_mul(1_000);
    if let Some(Some((first, last))) = file.range(group, "time")
        && (last < micros.start || first >= micros.end)
    {
        return Ok(found);
    }
    for rows in file.rows(group, Wanted::All)? {
        let batch = Batch::new(TableKind::Ledger, rows?)?;
        let is_meant = |row: &usize| {
            let time = batch.time_ms("time", *row);
            let topic = batch.text("source_topic", *row);
            time.is_none_or(|time| span.contains(&time)) && topic.is_none_or(has_topic)
        };
        let rows = (0..batch.len()).filter(is_meant);
        let chosen: Vec<u32> = rows.filter_map(|row| u32::try_from(row).ok()).collect();
        for (row, names) in batch.differing(&chosen, day)? {
            let detail = format!(
                "columns that are not those of its record: {}",
                names.join(", ")
            );
            found.faults.add(fault(&batch, row as usize, &detail));
        }
        for row in chosen {
            let row = row as usize;
            if let Err(error) = read_row(&batch, row, topics, selection.is_twice, &mut found) {
                found.faults.add(fault(&batch, row, &error.to_string()));
            }
        }
    }
    Ok(found)
}

fn fault(batch: &Batch, row: usize, detail: &str) -> Fault {
    Fault {
        problem: Problem::Ledger,
        table: TableKind::Ledger,
        at: Some(batch.place(row)),
        source: Some(At {
            topic: batch.text("source_topic", row).unwrap_or_default().into(),
            partition: batch.int("source_partition", row).unwrap_or(-1),
            offset: batch.long("position", row).unwrap_or(-1),
            element: None,
        }),
        id: None,
        detail: detail.to_owned(),
    }
}

fn read_row(
    batch: &Batch,
    row: usize,
    topics: &Mutex<Topics>,
    is_twice: &dyn Fn(&str, i32, i64) -> bool,
    found: &mut LedgerRows,
) -> Result<(), LedgerRecordError> {
    let record = LedgerRecord::parse(batch.value(row).unwrap_or_default())?;
    let time_ms = batch.time_ms("time", row).unwrap_or_default();
    let (source, outputs) = {
        let mut topics = topics.lock().unwrap_or_else(PoisonError::into_inner);
        let source = topics.number(&record.topic);
        let outputs = record.outputs.iter().map(|name| topics.number(name));
        (source, outputs.collect::<Vec<u16>>())
    };
    let partition = record.partition;
    let LedgerRows {
        expectation, twice, ..
    } = found;
    let mut other = None;
    record.check(|entry: &Entry| {
        for output in &entry.outputs {
            let topic = usize::try_from(output.topic).unwrap_or(usize::MAX);
            let key = Key {
                topic: source,
                partition,
                offset: entry.offset,
                element: output.element,
                output: outputs.get(topic).copied().unwrap_or(u16::MAX),
            };
            expectation.expect(key, output.hash, time_ms);
        }
        if record.kind == Kind::Run && is_twice(&record.topic, partition, entry.offset) {
            let place = (source, partition, entry.offset);
            if *twice.entry(place).or_insert(entry.value) != entry.value {
                other = Some(entry.offset);
            }
        }
    })?;
    match other {
        None => Ok(()),
        Some(_) => Err(LedgerRecordError::Number("value, which was read before,")),
    }
}
