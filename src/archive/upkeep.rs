//! What keeps a table small: checkpoints of its log, and the deletion of what no reader needs any more.
//! Invariant: nothing is deleted by a clock alone. The caller says what time it is ([`proven_ms`](super::age::proven_ms)).

use std::sync::Arc;

use deltalake_core::operations::vacuum::{Clock, VacuumMode};
use deltalake_core::protocol::checkpoints::{cleanup_expired_logs_for, create_checkpoint};
use deltalake_core::{DeltaTable, DeltaTableError};
use futures::{StreamExt, stream};
use object_store::path::Path;

use super::day::DAY_MS;
use super::shape::CHECKPOINT_COMMITS;
use super::table::Table;
use super::table_error::{TableError, delta};

/// A clock that stands.
#[derive(Debug)]
struct Stopped(i64);

impl Clock for Stopped {
    fn current_timestamp_millis(&self) -> i64 {
        self.0
    }
}

impl Table {
    /// Write a checkpoint of the log where one is due. Without it the table is read more slowly, and is whole all the
    /// same.
    pub(super) async fn checkpoint_if_due(&self) {
        if !(self.state.version() + 1).is_multiple_of(CHECKPOINT_COMMITS) {
            return;
        }
        if let Err(error) = self.checkpoint().await {
            let table = self.kind.name();
            tracing::warn!(table, %error, "no checkpoint of the log was written; the next one is due in {CHECKPOINT_COMMITS} commits");
        }
    }

    async fn checkpoint(&self) -> Result<(), TableError> {
        let failed = delta(self.kind);
        let mut table = DeltaTable::new(self.log.clone());
        table.load().await.map_err(failed)?;
        create_checkpoint(&table, None).await.map_err(failed)
    }

    /// Delete files that no snapshot of the day before `now_ms` has: those that were replaced or removed, and those that
    /// were stored and never committed. How many there were.
    ///
    /// # Errors
    /// The storage does not list or delete them.
    pub async fn vacuum(&self, now_ms: i64) -> Result<usize, TableError> {
        let failed = delta(self.kind);
        let mut table = DeltaTable::new(self.log.clone());
        table.load().await.map_err(failed)?;
        let plan = table
            .vacuum()
            .with_mode(VacuumMode::Full)
            .with_clock(Arc::new(Stopped(now_ms)))
            .with_dry_run(true);
        let (_, plan) = plan.await.map_err(failed)?;
        let paths: Vec<_> = plan.files_deleted.iter().map(Path::parse).collect();
        let paths = stream::iter(paths).map(|path| path.map_err(object_store::Error::from));
        let mut answers = self.log.object_store(None).delete_stream(paths.boxed());
        let mut deleted = 0;
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(_) => deleted += 1,
                // Another process has deleted it.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(DeltaTableError::from(error))),
            }
        }
        Ok(deleted)
    }

    /// Delete what the log says of versions that are older than a checkpoint and than the day before `now_ms`.
    ///
    /// # Errors
    /// The storage does not list or delete it.
    pub async fn shorten_log(&self, now_ms: i64) -> Result<usize, TableError> {
        let before = now_ms.saturating_sub(DAY_MS);
        let deleted = cleanup_expired_logs_for(self.state.version(), &self.log, before, None);
        deleted.await.map_err(delta(self.kind))
    }
}
