//! The tables of the archive, as whoever follows the ledger reads them.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Builder, Runtime};

use super::error::VerifyError;
use crate::archive::{FileEntry, Storage, Table, TableKind, TableReader, TopicPartition};
use crate::config::Archive;
use crate::event::Partition;
use crate::kafka::session::Shutdown;
use crate::query::archive::StoredFile;
use crate::query::parallel::{cores, parallel};

/// Partitions whose positions say whether a topic is archived.
const ASKED_PARTITIONS: i32 = 64;

/// A table that is open.
struct OpenTable {
    kind: TableKind,
    table: Mutex<Table>,
    reader: TableReader,
    /// By their days.
    files: Vec<FileEntry>,
}

/// How much a reader may take of the machine, and for how long.
#[derive(Debug, Clone)]
pub struct Effort {
    /// How many threads work at the same time.
    pub threads: usize,
    /// The request to stop.
    pub stop: Shutdown,
}

impl Effort {
    /// All of the machine, until it is done.
    pub fn whole() -> Effort {
        Effort {
            threads: cores(),
            stop: Shutdown::default(),
        }
    }
}

/// The archive, opened to be read.
pub struct ArchiveReader {
    runtime: Runtime,
    effort: Effort,
    group: Arc<str>,
    tables: Vec<OpenTable>,
}

impl ArchiveReader {
    /// Opens the tables that are there.
    ///
    /// # Errors
    /// The storage does not answer, or there is no ledger.
    pub fn open(archive: &Archive, effort: Effort) -> Result<ArchiveReader, VerifyError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(effort.threads)
            .enable_all()
            .build()
            .map_err(VerifyError::Runtime)?;
        let storage = Storage::open(&archive.url, &archive.options)?;
        let mut tables = Vec::new();
        for kind in TableKind::ALL {
            if let Some(table) = runtime.block_on(Table::open_to_read(&storage, kind))? {
                let mut files = table.entries();
                files.sort_by(|a, b| (&a.day, &a.path).cmp(&(&b.day, &b.path)));
                tables.push(OpenTable {
                    kind,
                    reader: table.reader(),
                    table: Mutex::new(table),
                    files,
                });
            }
        }
        let reader = ArchiveReader {
            runtime,
            effort,
            group: archive.group.as_str().into(),
            tables,
        };
        match reader.table(TableKind::Ledger) {
            Some(_) => Ok(reader),
            None => Err(VerifyError::NoLedger(storage.url().to_string())),
        }
    }

    fn table(&self, kind: TableKind) -> Option<&OpenTable> {
        self.tables.iter().find(|table| table.kind == kind)
    }

    /// Whether a topic has ever been archived in one of these tables.
    pub(super) fn has_topic(&self, kinds: &[TableKind], topic: &str) -> Result<bool, VerifyError> {
        for table in kinds.iter().filter_map(|kind| self.table(*kind)) {
            let mut table = table.table.lock().unwrap_or_else(PoisonError::into_inner);
            for partition in (0..ASKED_PARTITIONS).map(Partition) {
                let of = TopicPartition {
                    group: self.group.clone(),
                    topic: topic.into(),
                    partition,
                };
                if self.runtime.block_on(table.progress(&of))?.is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Does the work for each number below `count`, on the threads that the reader may use; in what order is not known.
    pub(super) fn each<T: Send>(
        &self,
        count: usize,
        work: impl Fn(usize) -> Result<T, VerifyError> + Sync,
    ) -> Result<Vec<T>, VerifyError> {
        let stop = &self.effort.stop;
        parallel(self.effort.threads, count, |number| {
            match stop.is_requested() {
                true => Err(VerifyError::Stopped),
                false => work(number),
            }
        })
    }

    /// The files of a table, by their days.
    pub(super) fn files(&self, kind: TableKind) -> &[FileEntry] {
        self.table(kind).map_or(&[], |table| &table.files)
    }

    /// A file of a table, to be read.
    pub(super) fn stored<'r>(
        &'r self,
        kind: TableKind,
        file: &'r FileEntry,
    ) -> Result<StoredFile<'r>, VerifyError> {
        let table = self.table(kind);
        let table = table.ok_or(VerifyError::NoTable(kind.name()))?;
        let handle = self.runtime.handle();
        Ok(StoredFile::new(table.reader.clone(), file, handle))
    }
}
