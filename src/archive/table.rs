//! A Delta table, and how far each partition of the topics has been read into it. Rows and positions are one commit.
//! Invariant: rows are appended only if every position is still where they began (compare and swap). The table is
//! compared at the snapshot against which is committed, and the library refuses a commit if a later one has moved one
//! of the same positions. Nothing is appended twice, whoever else believes to own a partition.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Remove, Transaction};
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::protocol::DeltaOperation;
use deltalake_core::table::state::DeltaTableState;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use uuid::Uuid;

use super::app_transactions::AppTransactions;
use super::columns::TableKind;
use super::compaction::TARGET_BYTES;
use super::data_file::DataFile;
use super::day::day_text;
use super::file_entry::{FileEntry, NewFile};
use super::position::{Advance, Progress, TopicPartition};
use super::shape;
use super::storage::Storage;
use super::table_error::{AppendError, TableError, delta, unreadable};
use super::upload::Upload;

/// A table, as it was when it was last looked at.
pub struct Table {
    pub(super) kind: TableKind,
    pub(super) log: LogStoreRef,
    pub(super) state: DeltaTableState,
    /// Read when they are asked for first; they can be those of an earlier version.
    transactions: Option<AppTransactions>,
    /// The files of a version, for those who ask again.
    listed: Mutex<Option<Listed>>,
}

/// A version of a table, and its files, the newest first.
type Listed = (u64, Arc<[FileEntry]>);

impl Table {
    /// Open a table, and make it if it is not there.
    ///
    /// # Errors
    /// The storage cannot be used, or holds another table.
    pub async fn open(storage: &Storage, kind: TableKind) -> Result<Table, TableError> {
        if let Some(table) = Table::open_existing(storage, kind).await? {
            return Ok(table);
        }
        let log = storage.log_store(kind.name())?;
        shape::create(kind, &log).await.map_err(delta(kind))?;
        Table::load(kind, log).await
    }

    /// Open a table; `None` if it is not there.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub async fn open_existing(
        storage: &Storage,
        kind: TableKind,
    ) -> Result<Option<Table>, TableError> {
        match existing_log(storage, kind).await? {
            Some(log) => Table::load(kind, log).await.map(Some),
            None => Ok(None),
        }
    }

    /// Open a table that is only read: nothing is written to it; `None` if it is not there.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub async fn open_to_read(
        storage: &Storage,
        kind: TableKind,
    ) -> Result<Option<Table>, TableError> {
        match existing_log(storage, kind).await? {
            Some(log) => Table::load_as_it_is(kind, log).await.map(Some),
            None => Ok(None),
        }
    }

    async fn load(kind: TableKind, log: LogStoreRef) -> Result<Table, TableError> {
        let failed = delta(kind);
        let mut table = Table::load_as_it_is(kind, log).await?;
        if !shape::missing(kind, &table.state)
            .map_err(failed)?
            .is_empty()
        {
            table.state = shape::complete(kind, &table.log).await.map_err(failed)?;
        }
        Ok(table)
    }

    async fn load_as_it_is(kind: TableKind, log: LogStoreRef) -> Result<Table, TableError> {
        let state = DeltaTableState::try_new(log.as_ref(), None).await;
        let state = match state {
            Ok(state) => state,
            Err(fault) => return Err(unreadable(kind, &log, fault).await),
        };
        if shape::version(&state).is_none() {
            return Err(TableError::Foreign(log.root_url().to_string()));
        }
        refuse_newer(kind, &state)?;
        Ok(Table {
            kind,
            log,
            state,
            transactions: None,
            listed: Mutex::default(),
        })
    }

    /// How many columns the table has.
    #[cfg(test)]
    pub(super) fn columns(&self) -> usize {
        self.state.schema().fields().count()
    }

    /// Whether the table has a column that is not known here: a newer watchbell has added it, and only that one can
    /// merge files without losing its values.
    pub fn has_unknown_columns(&self) -> bool {
        let columns = self.kind.columns();
        let fields = self.state.schema();
        let mut fields = fields.fields();
        fields.any(|field| !columns.iter().any(|column| column.name == field.name()))
    }

    /// What the table holds.
    pub fn kind(&self) -> TableKind {
        self.kind
    }

    /// The data files of the snapshot.
    pub fn entries(&self) -> Vec<FileEntry> {
        let files = self.state.log_data();
        files.iter().map(|file| FileEntry::new(&file)).collect()
    }

    /// The same, those with the newest rows first; of a version they are read once.
    pub fn newest_first(&self) -> Arc<[FileEntry]> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let version = self.state.version();
        if let Some((_, files)) = listed.as_ref().filter(|(of, _)| *of == version) {
            return files.clone();
        }
        let mut files = self.entries();
        files.sort_by_cached_key(|file| Reverse(file.newest_ms()));
        let (_, files) = listed.insert((version, files.into()));
        files.clone()
    }

    /// Look at the table anew.
    ///
    /// # Errors
    /// The storage cannot be read.
    pub async fn refresh(&mut self) -> Result<(), TableError> {
        match self.state.update(self.log.as_ref(), None).await {
            // Another watchbell may have made it one of a newer version.
            Ok(()) => refuse_newer(self.kind, &self.state),
            Err(fault) => Err(unreadable(self.kind, &self.log, fault).await),
        }
    }

    /// How far a partition is in the snapshot; `None` if nothing was read of it.
    ///
    /// # Errors
    /// The storage cannot be read.
    pub async fn progress(&mut self, of: &TopicPartition) -> Result<Option<Progress>, TableError> {
        Ok(self.app_transactions().await?.progress(of))
    }

    /// How far all partitions and files are in the snapshot, and whose turn it was to care for the table.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn app_transactions(&mut self) -> Result<&AppTransactions, TableError> {
        let version = self.state.version();
        let read = AppTransactions::at(self.transactions.take(), &self.log, version).await;
        let read = read.map_err(delta(self.kind))?;
        Ok(self.transactions.insert(read))
    }

    /// Store the files and commit them together with the positions.
    ///
    /// # Errors
    /// The rows are not appended, or it is not known whether they are: see [`AppendError`].
    pub async fn append(
        &mut self,
        files: Vec<DataFile>,
        positions: &BTreeMap<TopicPartition, Advance>,
    ) -> Result<(), AppendError> {
        self.append_with(files, positions, CommitProperties::default())
            .await
    }

    /// The same, but only if nobody has committed anything since the snapshot: for rows that depend on what the table
    /// holds.
    ///
    /// # Errors
    /// As [`Table::append`]; also if somebody has.
    pub async fn append_to_snapshot(
        &mut self,
        files: Vec<DataFile>,
        positions: &BTreeMap<TopicPartition, Advance>,
    ) -> Result<(), AppendError> {
        let properties = CommitProperties::default().with_max_retries(0);
        self.append_with(files, positions, properties).await
    }

    async fn append_with(
        &mut self,
        files: Vec<DataFile>,
        positions: &BTreeMap<TopicPartition, Advance>,
        properties: CommitProperties,
    ) -> Result<(), AppendError> {
        for (of, advance) in positions {
            let found = self.progress(of).await?;
            if found.map(|progress| progress.next) != advance.from {
                return Err(AppendError::Moved(of.position_id()));
            }
        }
        let now = jiff::Timestamp::now().as_millisecond();
        let mut actions = Vec::with_capacity(files.len());
        for file in files {
            let pieces = [Bytes::from(file.parquet)];
            let file = self.store(file.day, pieces, file.statistics).await?;
            actions.push(Action::Add(file.added(true, now)));
        }
        let transactions = positions.iter().flat_map(|(of, advance)| {
            let Progress { next, last } = advance.to;
            [
                Transaction::new(of.position_id(), next.0),
                Transaction::new(of.last_id(), i64::from(last)),
            ]
        });
        let transactions = transactions.collect();
        let operation = DeltaOperation::StreamingUpdate {
            output_mode: deltalake_core::protocol::OutputMode::Append,
            query_id: "watchbell".to_owned(),
            epoch_id: 0,
        };
        self.commit(transactions, properties, actions, operation)
            .await
    }

    /// Put other files in the place of files of this snapshot; the rows are the same. `turn` is who does so: of two that
    /// replace at the same time the later one is refused, since its turn was taken.
    ///
    /// # Errors
    /// Nothing was replaced, or it is not known whether it was.
    pub async fn replace(
        &mut self,
        turn: &str,
        old: &[FileEntry],
        new: &[NewFile],
    ) -> Result<(), AppendError> {
        let taken = self.take(turn).await?;
        let now = jiff::Timestamp::now().as_millisecond();
        let removed = old.iter().map(|file| Action::Remove(file.removed(now)));
        let added = new.iter().map(|file| Action::Add(file.added(false, now)));
        let operation = DeltaOperation::Optimize {
            predicate: None,
            target_size: i64::try_from(TARGET_BYTES).unwrap_or(i64::MAX),
        };
        let actions = removed.chain(added).collect();
        self.commit(taken, CommitProperties::default(), actions, operation)
            .await
    }

    /// Take files of this snapshot out of the table, with their rows but for those in `kept`.
    ///
    /// # Errors
    /// Nothing was taken out, or it is not known whether it was.
    pub async fn remove(
        &mut self,
        turn: &str,
        old: &[FileEntry],
        kept: &[NewFile],
    ) -> Result<(), AppendError> {
        let taken = self.take(turn).await?;
        let now = jiff::Timestamp::now().as_millisecond();
        let removed = old.iter().map(|file| {
            Action::Remove(Remove {
                data_change: true,
                ..file.removed(now)
            })
        });
        let kept = kept.iter().map(|file| Action::Add(file.added(true, now)));
        let operation = DeltaOperation::Delete { predicate: None };
        let actions = removed.chain(kept).collect();
        self.commit(taken, CommitProperties::default(), actions, operation)
            .await
    }

    /// What a commit needs to take the next turn.
    async fn take(&mut self, turn: &str) -> Result<Vec<Transaction>, TableError> {
        let taken = self.app_transactions().await?.turn(turn);
        Ok(vec![Transaction::new(turn, taken + 1)])
    }

    async fn commit(
        &mut self,
        transactions: Vec<Transaction>,
        properties: CommitProperties,
        actions: Vec<Action>,
        operation: DeltaOperation,
    ) -> Result<(), AppendError> {
        // The library would report a commit as failed where the work after it fails.
        let properties = properties
            .with_application_transactions(transactions.clone())
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false));
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(&self.state), self.log.clone(), operation)
            .await;
        let committed = committed.map_err(delta(self.kind))?;
        self.state = committed.snapshot();
        if let Some(known) = &mut self.transactions {
            known.follow(self.state.version(), &transactions);
        }
        self.checkpoint_if_due().await;
        Ok(())
    }

    /// Store a file. It is no part of the table until it is committed.
    ///
    /// # Errors
    /// The storage does not take it.
    pub async fn store(
        &self,
        day: i32,
        pieces: impl IntoIterator<Item = Bytes>,
        statistics: String,
    ) -> Result<NewFile, TableError> {
        let (path, day) = new_path(day);
        let payload = PutPayload::from_iter(pieces);
        let size = payload.content_length();
        let store = self.log.object_store(None);
        let stored = store.put(&Path::from(path.as_str()), payload).await;
        stored.map_err(|answer| TableError::Write {
            path: path.clone(),
            answer,
        })?;
        Ok(NewFile {
            path,
            day,
            size,
            statistics,
        })
    }

    /// Begin to store a data file of this day; the table gets it by a commit.
    pub fn begin_file(&self, day: i32) -> Upload {
        let (path, day) = new_path(day);
        Upload::new(self.object_store(), path, day)
    }

    /// These bytes of a data file.
    ///
    /// # Errors
    /// The storage does not give them.
    pub async fn read(&self, file: &FileEntry, range: Range<u64>) -> Result<Bytes, TableError> {
        self.reader().read(file, range).await
    }

    /// The storage of the table's folder.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        self.log.object_store(None)
    }

    /// Something that reads data files of the table without it.
    pub fn reader(&self) -> TableReader {
        TableReader {
            log: self.log.clone(),
        }
    }
}

/// Reads data files of a table.
#[derive(Clone)]
pub struct TableReader {
    log: LogStoreRef,
}

impl TableReader {
    /// These bytes of a data file.
    ///
    /// # Errors
    /// The storage does not give them.
    pub async fn read(&self, file: &FileEntry, range: Range<u64>) -> Result<Bytes, TableError> {
        let path = Path::from(file.path.as_str());
        let bytes = self.log.object_store(None).get_range(&path, range).await;
        bytes.map_err(|answer| TableError::Read {
            path: file.path.clone(),
            answer,
        })
    }
}

/// The log of a table; `None` if the table is not there.
async fn existing_log(
    storage: &Storage,
    kind: TableKind,
) -> Result<Option<LogStoreRef>, TableError> {
    let log = storage.log_store(kind.name())?;
    let exists = log.is_delta_table_location().await.map_err(delta(kind))?;
    Ok(exists.then_some(log))
}

/// Refuses a table that a newer watchbell has changed.
fn refuse_newer(kind: TableKind, state: &DeltaTableState) -> Result<(), TableError> {
    match shape::version(state) {
        Some(found) if found > shape::VERSION => Err(TableError::Newer {
            table: kind.name(),
            found,
        }),
        _ => Ok(()),
    }
}

/// The path of a new data file, and its day.
fn new_path(day: i32) -> (String, String) {
    let day = day_text(day);
    (format!("day={day}/{}.parquet", Uuid::new_v4()), day)
}
