//! Rows that are committed together, of one file or of several, and how far the files are with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;

use super::rows::ArchiveRows;
use crate::archive::TableKind;
use crate::event::PARTS_OF_EVENT;

/// Most files of a chunk: each has a position in the commit.
const MOST_FILES: usize = 1_000;

/// How far a file is with a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// The number of its next event.
    pub(super) next: i64,
    /// Whether there is none.
    pub(super) is_complete: bool,
}

/// What is gathered.
pub(super) struct Gathered {
    max_bytes: usize,
    bytes: usize,
    tables: BTreeMap<TableKind, Vec<RecordBatch>>,
    files: BTreeMap<Arc<str>, Reach>,
}

/// What is committed.
pub(super) struct Chunk {
    pub(super) tables: BTreeMap<TableKind, FileRows>,
    /// By what stands for the file as the rows' topic.
    pub(super) files: BTreeMap<Arc<str>, Reach>,
}

/// Rows of a table.
pub(super) struct FileRows(pub(super) RecordBatch);

/// An event of a file; all its outputs have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct EventKey<'r> {
    pub(super) file: &'r str,
    /// The number in the file.
    pub(super) number: i64,
    /// The number in a list of events.
    pub(super) element: u32,
}

impl Gathered {
    pub(super) fn new(max_bytes: usize) -> Gathered {
        Gathered {
            max_bytes,
            bytes: 0,
            tables: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    pub(super) fn push(&mut self, part: ArchiveRows) -> Result<(), ArrowError> {
        for (table, mut rows) in part.tables {
            self.bytes += rows.bytes();
            self.tables.entry(table).or_default().push(rows.take()?);
        }
        if let Some(next) = part.end {
            let is_complete = part.is_complete;
            let reach = Reach { next, is_complete };
            self.files.insert(part.file.topic().clone(), reach);
        }
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.max_bytes || self.files.len() >= MOST_FILES
    }

    /// Takes everything; `None` if there is nothing.
    pub(super) fn take(&mut self) -> Result<Option<Chunk>, ArrowError> {
        let mut taken = Gathered::new(self.max_bytes);
        std::mem::swap(self, &mut taken);
        let tables = taken.tables.into_iter().map(|(table, batches)| {
            let rows = concat_batches(&table.schema(), &batches)?;
            Ok((table, FileRows(rows)))
        });
        let tables = tables.collect::<Result<_, ArrowError>>()?;
        let files = taken.files;
        Ok((!files.is_empty()).then_some(Chunk { tables, files }))
    }
}

impl FileRows {
    /// No rows of a table.
    pub(super) fn none(table: TableKind) -> FileRows {
        FileRows(RecordBatch::new_empty(table.schema()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.num_rows()
    }

    /// The event of each row.
    pub(super) fn keys(&self) -> impl Iterator<Item = EventKey<'_>> {
        keys(&self.0)
    }

    /// The id of each row's event, if it has one; of the table of events.
    pub(super) fn ids(&self) -> Option<&StringArray> {
        self.0.column_by_name("event_id")?.as_string_opt()
    }

    /// The day and the time of each row, the time in microseconds since the Unix epoch.
    pub(super) fn times(&self) -> impl Iterator<Item = (i32, i64)> {
        let days = self.0.column(0).as_primitive::<Date32Type>().values();
        let times = self.0.column(1).as_primitive::<TimestampMicrosecondType>();
        days.iter().copied().zip(times.values().iter().copied())
    }

    /// The rows of the events that are kept.
    pub(super) fn filtered(
        &self,
        keeps: impl Fn(EventKey<'_>) -> bool,
    ) -> Result<FileRows, ArrowError> {
        let kept: Vec<bool> = self.keys().map(keeps).collect();
        filter_record_batch(&self.0, &BooleanArray::from(kept)).map(FileRows)
    }
}

/// The event of each row that a file has in place of its topic.
pub(super) fn keys(rows: &RecordBatch) -> impl Iterator<Item = EventKey<'_>> {
    let column = |name: &str| rows.column_by_name(name);
    let files = column("topic").and_then(|column| column.as_string_opt::<i32>());
    let parts = column("partition").and_then(|column| column.as_primitive_opt::<Int32Type>());
    let numbers = column("offset").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let columns = files.zip(parts).zip(numbers);
    columns
        .into_iter()
        .flat_map(move |((files, parts), numbers)| {
            (0..rows.num_rows()).map(move |row| EventKey {
                file: files.value(row),
                number: numbers.value(row),
                element: parts.value(row).cast_unsigned() / PARTS_OF_EVENT,
            })
        })
}
