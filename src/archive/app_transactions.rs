//! The application transactions of a table: how far partitions of topics and files are in it, and whose turn it was to
//! care for it. The library looks one id up by reading the log; here all are read at once, since years of an audit log can
//! be 100,000 files, and later only the commits that are new.
//! Invariant: what is said is what the log says up to the version.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use bytes::Bytes;
use deltalake_core::kernel::Transaction;
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::{DeltaResult, DeltaTableError};
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;

use super::position::{Progress, TopicPartition};
use crate::event::NextOffset;

/// The folder of the log.
const LOG: &str = "_delta_log";

/// Digits of a version in the name of a file of the log.
const VERSION_DIGITS: usize = 20;

/// The application transactions at a version of a table.
#[derive(Debug, Clone, Default)]
pub struct AppTransactions {
    version: u64,
    /// By the SHA-256 of the file: the position, and the other number that is kept beside it.
    files: HashMap<[u8; 32], (Option<i64>, i64)>,
    /// Those that are not of files, by their ids.
    others: HashMap<String, i64>,
}

/// An action of a commit, as far as it is of interest.
#[derive(Deserialize)]
struct Action {
    txn: Option<AppTransaction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppTransaction {
    app_id: String,
    version: i64,
}

impl AppTransactions {
    /// How far a partition or a file is; `None` if nothing was read of it.
    pub fn progress(&self, of: &TopicPartition) -> Option<Progress> {
        let (next, last) = match of.file() {
            Some(file) => {
                let (next, last) = self.files.get(&file)?;
                ((*next)?, *last)
            }
            None => {
                let next = self.others.get(&of.position_id())?;
                let last = self.others.get(&of.last_id());
                (*next, last.copied().unwrap_or_default())
            }
        };
        Some(Progress {
            next: NextOffset(next),
            last: u32::try_from(last).unwrap_or_default(),
        })
    }

    /// The number of the last turn of this name; 0 if there was none.
    pub(super) fn turn(&self, name: &str) -> i64 {
        self.others.get(name).copied().unwrap_or_default()
    }

    /// Those after the commit of this version, which has these; unless others have committed before it, whose
    /// transactions are read from the log when they are asked for.
    pub(super) fn follow(&mut self, version: u64, transactions: &[Transaction]) {
        if self.version + 1 == version {
            for transaction in transactions {
                self.note(&transaction.app_id, transaction.version);
            }
            self.version = version;
        }
    }

    /// Those at a version, read anew or from those of an earlier version on.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) async fn at(
        earlier: Option<AppTransactions>,
        log: &LogStoreRef,
        version: u64,
    ) -> DeltaResult<AppTransactions> {
        if let Some(mut read) = earlier.filter(|earlier| earlier.version <= version)
            && read.advance(log, version).await?
        {
            return Ok(read);
        }
        let mut read = AppTransactions::default();
        let begin = read.read_checkpoint(log, version).await?;
        read.version = begin.unwrap_or_default();
        if begin.is_none() {
            // Without a checkpoint the log begins with the first commit.
            read.read_commit(log, 0).await?;
        }
        match read.advance(log, version).await? {
            true => Ok(read),
            false => Err(DeltaTableError::generic(
                "the log lacks a commit after its newest checkpoint",
            )),
        }
    }

    /// Reads the commits up to a version; whether all are there.
    async fn advance(&mut self, log: &LogStoreRef, version: u64) -> DeltaResult<bool> {
        while self.version < version {
            if !self.read_commit(log, self.version + 1).await? {
                return Ok(false);
            }
            self.version += 1;
        }
        Ok(true)
    }

    /// Reads a commit; whether it is there.
    async fn read_commit(&mut self, log: &LogStoreRef, version: u64) -> DeltaResult<bool> {
        let Some(commit) = log.read_commit_entry(version).await? else {
            return Ok(false);
        };
        for line in commit.split(|byte| *byte == b'\n') {
            // Most lines are of data files.
            if line.starts_with(b"{\"txn\"") || memchr::memmem::find(line, b"\"txn\"").is_some() {
                let action: Action = serde_json::from_slice(line)?;
                if let Some(txn) = action.txn {
                    self.note(&txn.app_id, txn.version);
                }
            }
        }
        Ok(true)
    }

    /// Reads the newest checkpoint up to a version, which can be in several files; its version.
    async fn read_checkpoint(
        &mut self,
        log: &LogStoreRef,
        version: u64,
    ) -> DeltaResult<Option<u64>> {
        let store = log.object_store(None);
        let files: Vec<_> = store.list(Some(&Path::from(LOG))).try_collect().await?;
        let files = files.into_iter().map(|file| file.location);
        let checkpoints = files.filter_map(|path| Some((checkpoint_version(&path)?, path)));
        let mut checkpoints: Vec<(u64, Path)> =
            checkpoints.filter(|(found, _)| *found <= version).collect();
        let newest = checkpoints.iter().map(|(found, _)| *found).max();
        checkpoints.retain(|(found, _)| Some(*found) == newest);
        for (_, path) in checkpoints {
            let content = store.get(&path).await?.bytes().await?;
            self.read_parquet(content)?;
        }
        Ok(newest)
    }

    fn read_parquet(&mut self, content: Bytes) -> DeltaResult<()> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(content)?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), ["txn.appId", "txn.version"]);
        for batch in builder.with_projection(mask).build()? {
            self.note_batch(&batch?)?;
        }
        Ok(())
    }

    fn note_batch(&mut self, batch: &RecordBatch) -> DeltaResult<()> {
        let txn = batch.column_by_name("txn");
        let Some(txn) = txn.and_then(|txn| txn.as_struct_opt()) else {
            return Ok(());
        };
        let (Some(ids), Some(versions)) =
            (txn.column_by_name("appId"), txn.column_by_name("version"))
        else {
            return Ok(());
        };
        let (ids, versions) = (
            cast(ids, &DataType::Utf8)?,
            cast(versions, &DataType::Int64)?,
        );
        let (ids, versions) = (ids.as_string::<i32>(), versions.as_primitive::<Int64Type>());
        for row in (0..txn.len()).filter(|row| txn.is_valid(*row) && ids.is_valid(*row)) {
            self.note(ids.value(row), versions.value(row));
        }
        Ok(())
    }

    fn note(&mut self, app_id: &str, version: i64) {
        match TopicPartition::file_of_id(app_id) {
            Some((file, true)) => self.files.entry(file).or_default().1 = version,
            Some((file, false)) => self.files.entry(file).or_default().0 = Some(version),
            None => match self.others.get_mut(app_id) {
                Some(known) => *known = version,
                None => {
                    self.others.insert(app_id.to_owned(), version);
                }
            },
        }
    }
}

/// The version of a checkpoint, if this is a file of one.
fn checkpoint_version(path: &Path) -> Option<u64> {
    let (version, rest) = path.filename()?.split_at_checked(VERSION_DIGITS)?;
    let is_checkpoint = rest.starts_with(".checkpoint.") && rest.ends_with(".parquet");
    version.parse().ok().filter(|_| is_checkpoint)
}
