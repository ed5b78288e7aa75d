//! What one snapshot of the archive leaves to the next. Only what is new is read then, and all snapshots about which somebody
//! still asks share one limit of memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::common::Result;
use datafusion::execution::runtime_env::RuntimeEnv;

use super::engine::runtime;
use super::live::KnownEnds;
use crate::archive::{Storage, Table, TableError, TableKind};

/// What is known. Whoever opens the archive takes a part, and puts it back once it was used without a failure.
#[derive(Default)]
pub struct Known {
    /// Limits the memory of queries, and keeps what the files say of themselves.
    runtime: Mutex<Option<Arc<RuntimeEnv>>>,
    stored: Mutex<Option<Stored>>,
    /// Of the topics.
    pub(super) ends: KnownEnds,
}

/// Tables; `None` where one does not exist yet.
pub(super) type Tables = BTreeMap<TableKind, Option<Table>>;

/// The tables of an archive.
pub(super) struct Stored {
    storage: Storage,
    pub(super) tables: Tables,
}

impl Stored {
    pub(super) fn new(storage: Storage, tables: Tables) -> Stored {
        Stored { storage, tables }
    }

    /// Where the tables are.
    pub(super) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Looks at the tables anew, and for those that did not exist.
    async fn refresh(&mut self) -> Result<(), TableError> {
        for (kind, table) in &mut self.tables {
            match table {
                Some(table) => table.refresh().await?,
                None => *table = Table::open_to_read(&self.storage, *kind).await?,
            }
        }
        Ok(())
    }
}

impl Known {
    /// The limit of memory for all queries, which is that of the first call.
    ///
    /// # Errors
    /// There is no place for temporary files.
    pub(super) fn runtime(&self, memory: usize) -> Result<Arc<RuntimeEnv>> {
        let mut known = lock(&self.runtime);
        match &*known {
            Some(known) => Ok(known.clone()),
            None => Ok(known.insert(runtime(memory)?).clone()),
        }
    }

    /// The tables as they are now, for somebody who puts them back; `None` if they are to be opened.
    pub(super) async fn take(&self) -> Option<Stored> {
        let mut stored = lock(&self.stored).take()?;
        // Whoever opens them says what is wrong, if it still is then.
        stored.refresh().await.ok().map(|()| stored)
    }

    /// Keeps the tables.
    pub(super) fn keep(&self, stored: Stored) {
        *lock(&self.stored) = Some(stored);
    }

    /// Forgets the tables, so that they are opened anew: another archive may be at their place by now.
    pub fn forget_tables(&self) {
        lock(&self.stored).take();
    }

    /// Forgets everything but the limit of memory, and closes the connections.
    pub fn clear(&self) {
        self.ends.clear();
        self.forget_tables();
        if let Some(runtime) = &*lock(&self.runtime) {
            runtime.cache_manager.get_file_metadata_cache().clear();
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Advance, FileEntry, Progress, Rows, TopicPartition, data_files};
    use crate::event::{NextOffset, Partition, RawRecord};
    use crate::view::Emitted;

    const KIND: TableKind = TableKind::Events;
    const TOPIC: &str = "watchbell.events";

    /// Adds an event, as somebody else who archives does.
    async fn append(storage: &Storage) {
        let of = TopicPartition {
            group: "g".into(),
            topic: TOPIC.into(),
            partition: Partition(0),
        };
        let mut table = Table::open(storage, KIND).await.unwrap();
        let from = table.progress(&of).await.unwrap().map(|at| at.next);
        let to = Progress {
            next: NextOffset(from.map_or(0, |next| next.0) + 1),
            last: 7,
        };
        let mut rows = Rows::new(KIND);
        let event = br#"{"class_uid":6003,"time":1773480413589}"#;
        rows.push(&Emitted::new(RawRecord::of_value(TOPIC, event)));
        let files = data_files(KIND, &rows.take().unwrap()).unwrap();
        let positions = BTreeMap::from([(of, Advance { from, to })]);
        table.append(files, &positions).await.unwrap();
    }

    fn files(stored: &Stored) -> Option<Arc<[FileEntry]>> {
        stored.tables[&KIND].as_ref().map(Table::newest_first)
    }

    #[tokio::test]
    async fn tables_are_followed_and_are_found_once_they_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file://{}", folder.path().display());
        let storage = Storage::open(&url, &[]).unwrap();
        let known = Known::default();
        assert!(known.take().await.is_none());
        let tables = Tables::from([(KIND, None)]);
        known.keep(Stored::new(storage.clone(), tables));
        let stored = known.take().await.unwrap();
        assert!(files(&stored).is_none());
        assert!(known.take().await.is_none());
        known.keep(stored);
        for count in 1..=2 {
            append(&storage).await;
            let stored = known.take().await.unwrap();
            let now = files(&stored).unwrap();
            assert_eq!(now.len(), count);
            known.keep(stored);
            // What has not changed is not read again.
            let stored = known.take().await.unwrap();
            assert!(Arc::ptr_eq(&files(&stored).unwrap(), &now));
            known.keep(stored);
        }
        known.clear();
        assert!(known.take().await.is_none());
    }

    #[test]
    fn all_queries_share_one_limit_of_memory() {
        let known = Known::default();
        let first = known.runtime(1_000).unwrap();
        known.clear();
        assert!(Arc::ptr_eq(&first, &known.runtime(1_000).unwrap()));
    }
}
