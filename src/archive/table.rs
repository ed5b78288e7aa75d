//! A Delta table, and how far each partition of the topics has been read into it. Rows and positions are one commit.
//! Invariant: rows are appended only if every position is still where they began (compare and swap). The table is
//! compared at the snapshot against which is committed, and the library refuses a commit if a later one has moved one
//! of the same positions. Nothing is appended twice, whoever else believes to own a partition.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Remove, Transaction};
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::protocol::DeltaOperation;
use deltalake_core::table::state::DeltaTableState;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use uuid::Uuid;

use super::columns::TableKind;
use super::compaction::TARGET_BYTES;
use super::data_file::DataFile;
use super::day::day_text;
use super::file_entry::{FileEntry, NewFile};
use super::file_positions::FilePositions;
use super::position::{Advance, Progress, TopicPartition};
use super::shape;
use super::storage::Storage;
use super::table_error::{AppendError, TableError, delta, unreadable};
use crate::event::NextOffset;

/// A table, as it was when it was last looked at.
pub struct Table {
    pub(super) kind: TableKind,
    pub(super) log: LogStoreRef,
    pub(super) state: DeltaTableState,
    /// Positions of this snapshot that are known.
    known: HashMap<TopicPartition, Option<Progress>>,
    /// Those of files, of which there can be very many; read when they are asked for first.
    files: Option<FilePositions>,
}

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
        match shape::version(&state) {
            None => return Err(TableError::Foreign(log.root_url().to_string())),
            Some(found) if found > shape::VERSION => {
                let table = kind.name();
                return Err(TableError::Newer { table, found });
            }
            Some(_) => {}
        }
        Ok(Table {
            kind,
            log,
            state,
            known: HashMap::new(),
            files: None,
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

    /// Look at the table anew.
    ///
    /// # Errors
    /// The storage cannot be read.
    pub async fn refresh(&mut self) -> Result<(), TableError> {
        self.known.clear();
        match self.state.update(self.log.as_ref(), None).await {
            Ok(()) => Ok(()),
            Err(fault) => Err(unreadable(self.kind, &self.log, fault).await),
        }
    }

    /// How far a partition is in the snapshot; `None` if nothing was read of it.
    ///
    /// # Errors
    /// The storage cannot be read.
    pub async fn progress(&mut self, of: &TopicPartition) -> Result<Option<Progress>, TableError> {
        if let Some(file) = of.file() {
            return Ok(self.file_positions().await?.of(&file));
        }
        if let Some(known) = self.known.get(of) {
            return Ok(*known);
        }
        let failed = delta(self.kind);
        let version = |id: String| self.state.transaction_version(self.log.as_ref(), id);
        let next = version(of.position_id()).await.map_err(failed)?;
        let last = version(of.last_id()).await.map_err(failed)?;
        let progress = next.map(|next| Progress {
            next: NextOffset(next),
            last: last
                .and_then(|last| u32::try_from(last).ok())
                .unwrap_or_default(),
        });
        self.known.insert(of.clone(), progress);
        Ok(progress)
    }

    /// How far files are in the snapshot.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn file_positions(&mut self) -> Result<&FilePositions, TableError> {
        let version = self.state.version();
        let read = FilePositions::at(self.files.take(), &self.log, version).await;
        let read = read.map_err(delta(self.kind))?;
        Ok(self.files.insert(read))
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
        let properties = properties.with_application_transactions(transactions.collect());
        let operation = DeltaOperation::StreamingUpdate {
            output_mode: deltalake_core::protocol::OutputMode::Append,
            query_id: "watchbell".to_owned(),
            epoch_id: 0,
        };
        self.commit(properties, actions, operation).await?;
        let moved = positions.iter().filter(|(of, _)| of.file().is_none());
        let moved = moved.map(|(of, advance)| (of.clone(), Some(advance.to)));
        self.known.extend(moved);
        Ok(())
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
        let properties = self.take(turn).await?;
        let now = jiff::Timestamp::now().as_millisecond();
        let removed = old.iter().map(|file| Action::Remove(file.removed(now)));
        let added = new.iter().map(|file| Action::Add(file.added(false, now)));
        let operation = DeltaOperation::Optimize {
            predicate: None,
            target_size: i64::try_from(TARGET_BYTES).unwrap_or(i64::MAX),
        };
        self.commit(properties, removed.chain(added).collect(), operation)
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
        let properties = self.take(turn).await?;
        let now = jiff::Timestamp::now().as_millisecond();
        let removed = old.iter().map(|file| {
            Action::Remove(Remove {
                data_change: true,
                ..file.removed(now)
            })
        });
        let kept = kept.iter().map(|file| Action::Add(file.added(true, now)));
        let operation = DeltaOperation::Delete { predicate: None };
        self.commit(properties, removed.chain(kept).collect(), operation)
            .await
    }

    /// What a commit needs to take the next turn.
    async fn take(&self, turn: &str) -> Result<CommitProperties, TableError> {
        let taken = self
            .state
            .transaction_version(self.log.as_ref(), turn)
            .await;
        let number = taken.map_err(delta(self.kind))?.unwrap_or(0);
        let next = Transaction::new(turn, number + 1);
        Ok(CommitProperties::default().with_application_transaction(next))
    }

    async fn commit(
        &mut self,
        properties: CommitProperties,
        actions: Vec<Action>,
        operation: DeltaOperation,
    ) -> Result<(), AppendError> {
        // The library would report a commit as failed where the work after it fails.
        let properties = properties
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false));
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(&self.state), self.log.clone(), operation)
            .await;
        match committed {
            Ok(committed) => {
                let before = self.state.version();
                self.state = committed.snapshot();
                if self.state.version() != before + 1 {
                    // Others have committed in between, and may have moved any position that is not of this commit.
                    self.known.clear();
                }
                self.checkpoint_if_due().await;
                Ok(())
            }
            Err(source) => {
                self.known.clear();
                Err(delta(self.kind)(source).into())
            }
        }
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
        let day = day_text(day);
        let path = format!("day={day}/{}.parquet", Uuid::new_v4());
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
