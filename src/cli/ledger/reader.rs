//! The tables of the archive, as they are read by commands.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, anyhow};
use tokio::runtime::Runtime;

use crate::archive::{FileEntry, Storage, Table, TableKind, TableReader, TopicPartition};
use crate::config::Archive;
use crate::event::Partition;
use crate::roles::archive::StoredFile;

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

/// The archive, opened to be read.
pub(super) struct ArchiveReader {
    runtime: Runtime,
    group: Arc<str>,
    tables: Vec<OpenTable>,
}

impl ArchiveReader {
    /// Opens the tables that are there.
    pub(super) fn open(archive: &Archive) -> anyhow::Result<ArchiveReader> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("start the async runtime")?;
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
            group: archive.group.as_str().into(),
            tables,
        };
        match reader.table(TableKind::Ledger) {
            Some(_) => Ok(reader),
            None => Err(anyhow!(
                "{} has no ledger yet: it begins with the first records that are read while there is an archive",
                storage.url()
            )),
        }
    }

    fn table(&self, kind: TableKind) -> Option<&OpenTable> {
        self.tables.iter().find(|table| table.kind == kind)
    }

    /// Whether a topic has ever been archived in one of these tables.
    pub(super) fn has_topic(&self, kinds: &[TableKind], topic: &str) -> anyhow::Result<bool> {
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

    /// The files of a table, by their days.
    pub(super) fn files(&self, kind: TableKind) -> &[FileEntry] {
        self.table(kind).map_or(&[], |table| &table.files)
    }

    /// A file of a table, to be read.
    pub(super) fn stored<'r>(
        &'r self,
        kind: TableKind,
        file: &'r FileEntry,
    ) -> anyhow::Result<StoredFile<'r>> {
        let table = self.table(kind);
        let table = table.ok_or_else(|| anyhow!("there is no table {}", kind.name()))?;
        let handle = self.runtime.handle();
        Ok(StoredFile::new(table.reader.clone(), file, handle))
    }
}
