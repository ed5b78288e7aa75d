//! Rows that are kept for good although their day is older than the retention (legal hold).

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::common::DataFusionError;
use futures::StreamExt;

use crate::archive::{EncodeError, FileEntry, NewFile, Table, TableError, TableKind, data_files};
use crate::diagnostic::Diagnostic;
use crate::query::archive::Engine;
use crate::sigma::Placeholders;
use crate::view::{Filter, FilterText, RecordKind};

/// Memory for the search of rows.
const MEMORY: usize = 256 * 1024 * 1024;

/// Bytes of rows in one of the files that are kept.
const FILE_BYTES: usize = 64 * 1024 * 1024;

/// What is held of each table.
#[derive(Debug, Clone, Default)]
pub struct Hold {
    filters: BTreeMap<TableKind, Arc<Filter>>,
    /// Files of which every row is held, by their paths.
    held: Arc<Mutex<HashSet<String>>>,
}

/// The rows that are held cannot be told from the others.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// A newer watchbell has added columns, and only that one can write the rows that stay.
    #[error(
        "the table {0} has columns that this watchbell does not know; nothing of it is removed"
    )]
    UnknownColumns(&'static str),
    /// The table cannot be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The rows cannot be searched.
    #[error(transparent)]
    Search(#[from] DataFusionError),
    /// The rows that stay cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// How the rows of a day that are not held are removed.
pub(super) struct Removal {
    /// The files with the rows that are held.
    pub(super) new: Vec<NewFile>,
    /// How many rows are held.
    pub(super) kept_rows: u64,
    /// How many are not.
    pub(super) removed_rows: u64,
}

impl Hold {
    /// The detections of a configuration.
    ///
    /// # Errors
    /// A detection names fields that records do not have.
    pub(super) fn parse(hold: &BTreeMap<String, String>) -> Result<Hold, Vec<Diagnostic>> {
        let placeholders = Placeholders::default();
        let (mut filters, mut problems) = (BTreeMap::new(), Vec::new());
        for kind in TableKind::ALL {
            let Some(text) = hold.get(kind.name()) else {
                continue;
            };
            let name = format!("archive.hold.{}", kind.name());
            let written = FilterText { name: &name, text };
            match Filter::parse(record_kind(kind), &[written], &placeholders) {
                Ok((filter, _)) => {
                    filters.insert(kind, Arc::new(filter));
                }
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Hold {
            filters,
            held: Arc::default(),
        })
    }

    /// Whether anything of a table is held.
    pub(super) fn holds_of(&self, kind: TableKind) -> bool {
        self.filters.contains_key(&kind)
    }

    /// How the rows of these files, which are those of a day, are removed; `None` if all of them are held. The rows that
    /// stay are stored, and are no part of the table yet.
    ///
    /// # Errors
    /// The rows cannot be read or stored.
    pub(super) async fn removal(
        &self,
        table: &Table,
        day: i32,
        files: &[FileEntry],
    ) -> Result<Option<Removal>, HoldError> {
        let kind = table.kind();
        let Some(filter) = self.filters.get(&kind) else {
            return Ok(None);
        };
        if files.iter().all(|file| self.is_held(&file.path)) {
            return Ok(None);
        }
        if table.has_unknown_columns() {
            return Err(HoldError::UnknownColumns(kind.name()));
        }
        let mut engine = Engine::new(MEMORY)?;
        engine.add(table, &[])?;
        let mut rows = engine.taken(kind, day, filter).await?;
        let (mut new, mut kept_rows) = (Vec::new(), 0);
        let (mut gathered, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = rows.next().await.transpose()? {
            kept_rows += batch.num_rows() as u64;
            bytes += batch.get_array_memory_size();
            gathered.push(batch);
            if bytes >= FILE_BYTES {
                new.extend(stored(table, &std::mem::take(&mut gathered)).await?);
                bytes = 0;
            }
        }
        new.extend(stored(table, &gathered).await?);
        let all = files
            .iter()
            .map(|file| file.statistics["numRecords"].as_u64());
        let all = all.sum::<Option<u64>>().unwrap_or(u64::MAX);
        if kept_rows == all {
            // The files that were just stored are no part of the table, and are deleted with others of their kind.
            self.note(files.iter().map(|file| file.path.clone()));
            return Ok(None);
        }
        Ok(Some(Removal {
            new,
            kept_rows,
            removed_rows: all.saturating_sub(kept_rows),
        }))
    }

    /// The rows were removed: of the new files every row is held.
    pub(super) fn remember(&self, removal: &Removal) {
        self.note(removal.new.iter().map(|file| file.path().to_owned()));
    }

    fn note(&self, paths: impl Iterator<Item = String>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.extend(paths);
    }

    fn is_held(&self, path: &str) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.contains(path)
    }
}

/// The kind of the records of a table.
fn record_kind(kind: TableKind) -> RecordKind {
    match kind {
        TableKind::Events => RecordKind::Event,
        TableKind::Alerts => RecordKind::Alert,
        TableKind::DeadLetters => RecordKind::DeadLetter,
        TableKind::Ledger => RecordKind::Foreign,
    }
}

/// The files of these rows.
async fn stored(table: &Table, rows: &[RecordBatch]) -> Result<Vec<NewFile>, HoldError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let kind = table.kind();
    let rows = concat_batches(&kind.schema(), rows).map_err(EncodeError::from)?;
    let mut files = Vec::new();
    for file in data_files(kind, &rows)? {
        let pieces = [bytes::Bytes::from(file.parquet)];
        files.push(table.store(file.day, pieces, file.statistics).await?);
    }
    Ok(files)
}
