//! Cares for the tables of the archive: merges small files, removes days that are older than the retention, and deletes
//! files that are no part of a table any more. One process does it, the owner of partition 0 of the events topic; the
//! table itself refuses a second one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::caretaker::Caretaker;
use super::hold::{Hold, HoldError};
use super::steadiness::Steadiness;
use super::storing_file::StoringFile;
use crate::archive::{
    AppendError, EncodeError, FileEntry, Ranges, Storage, StorageError, Table, TableError,
    TableKind, day_number, day_of, due_merges, merge, merged_statistics, proven_ms,
};
use crate::config;
use crate::diagnostic::Diagnostic;
use crate::kafka::session::Shutdown;
use crate::observe::CareObserver;
use crate::query::archive::StoredFile;
use crate::roles::clock::now_ms;

/// How often the tables are looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// How often old days and files are removed.
const CLEANING_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How often the loop sees whether it is to end.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What is cared for, and how.
#[derive(Debug, Clone)]
pub struct CareConfig {
    /// Where the tables are.
    pub storage: Storage,
    /// The consumer group, which is part of the name of the turns.
    pub group: String,
    /// How long rows are kept, by their time; what has none is kept for good.
    pub retention: Vec<(TableKind, Duration)>,
    /// Rows that are kept all the same.
    pub hold: Hold,
}

/// The tables cannot be cared for as the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum CareConfigError {
    /// The URL of the archive cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A hold names fields that records do not have.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Hold(Vec<Diagnostic>),
}

impl CareConfig {
    /// How the tables are cared for.
    ///
    /// # Errors
    /// The URL of the archive cannot be read, or a hold names fields that records do not have.
    pub fn new(archive: &config::Archive) -> Result<CareConfig, CareConfigError> {
        let kinds = TableKind::ALL.into_iter();
        let retention = kinds.filter_map(|kind| {
            let retention = archive.retention.get(kind.name())?;
            Some((kind, *retention))
        });
        Ok(CareConfig {
            storage: Storage::open(&archive.url, &archive.options)?,
            group: archive.group.clone(),
            retention: retention.collect(),
            hold: Hold::parse(&archive.hold).map_err(CareConfigError::Hold)?,
        })
    }
}

/// Something that cannot be done now, and is tried again.
#[derive(Debug, thiserror::Error)]
enum CareError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Merge(#[from] EncodeError),
    #[error(transparent)]
    Hold(#[from] HoldError),
}

struct Care<'c> {
    config: &'c CareConfig,
    /// Opened anew after a failure, with new credentials.
    storage: RefCell<Storage>,
    /// The name of the turns of all processes that care for these tables.
    turn: String,
    handle: &'c Handle,
    shutdown: &'c Shutdown,
    observer: &'c CareObserver,
}

/// Care for the tables until asked to stop, while `caretaker` says that it is our turn.
pub fn care(
    config: &CareConfig,
    caretaker: &Caretaker,
    (handle, shutdown, observer): (&Handle, &Shutdown, &CareObserver),
) {
    let care = Care {
        config,
        storage: RefCell::new(config.storage.clone()),
        turn: format!("{}/compactor", config.group),
        handle,
        shutdown,
        observer,
    };
    let mut next = Instant::now() + INTERVAL;
    let mut next_cleaning = Instant::now() + INTERVAL;
    let mut steadiness = Steadiness::new(Instant::now(), now_ms());
    while !shutdown.is_requested() {
        std::thread::sleep(POLL_INTERVAL);
        if Instant::now() < next {
            continue;
        }
        next = Instant::now() + INTERVAL;
        if let Some(jump) = steadiness.jump_s(Instant::now(), now_ms()) {
            tracing::warn!(
                seconds = jump,
                "the clock has jumped; nothing is removed from the archive for an hour"
            );
            next_cleaning = Instant::now() + CLEANING_INTERVAL;
        }
        if !caretaker.is_us() {
            continue;
        }
        for kind in TableKind::ALL {
            care.report(kind, "merge", care.merge_due(kind));
        }
        if Instant::now() >= next_cleaning {
            care.clean();
            next_cleaning = Instant::now() + CLEANING_INTERVAL;
        }
        next = Instant::now() + INTERVAL;
    }
}

impl Care<'_> {
    /// Shows what has become of a task at a table.
    fn report(&self, kind: TableKind, task: &'static str, outcome: Result<(), CareError>) {
        let table = kind.name();
        match outcome {
            Ok(()) => self.observer.done(table, task),
            Err(error) => {
                if let Ok(anew) = self.config.storage.anew() {
                    self.storage.replace(anew);
                }
                if self.observer.failed(table, task, &error.to_string()) {
                    tracing::warn!(table, task, %error, "the table could not be cared for; it is tried again");
                }
            }
        }
    }

    fn open(&self, kind: TableKind) -> Result<Option<Table>, CareError> {
        let storage = self.storage.borrow().clone();
        let opened = Table::open_existing(&storage, kind);
        Ok(self.handle.block_on(opened)?)
    }

    /// Merges the small files of a table.
    fn merge_due(&self, kind: TableKind) -> Result<(), CareError> {
        let Some(mut table) = self.open(kind)? else {
            return Ok(());
        };
        // Only who knows all columns can keep their values.
        let merges = match table.has_unknown_columns() {
            true => Vec::new(),
            false => due_merges(table.entries(), now_ms()),
        };
        for files in merges {
            if self.shutdown.is_requested() {
                return Ok(());
            }
            self.merge(&mut table, &files)?;
        }
        let files = table.entries();
        self.observer.looked(
            kind.name(),
            files.len(),
            files.iter().map(|file| file.size).sum(),
        );
        Ok(())
    }

    /// Removes what is old. Without events nothing is.
    fn clean(&self) {
        let proven = match self.open(TableKind::Events) {
            Ok(None) => return,
            Ok(Some(events)) => proven_ms(now_ms(), &events.entries()),
            Err(error) => return self.report(TableKind::Events, "removal", Err(error)),
        };
        let Some(proven) = proven else { return };
        for kind in TableKind::ALL {
            self.report(kind, "removal", self.remove(kind, proven));
        }
    }

    /// Removes what is old of a table and in its folder by this time.
    fn remove(&self, kind: TableKind, proven: i64) -> Result<(), CareError> {
        let Some(mut table) = self.open(kind)? else {
            return Ok(());
        };
        self.remove_old(&mut table, proven)?;
        let files = self.handle.block_on(table.vacuum(proven))?;
        let log = self.handle.block_on(table.shorten_log(proven))?;
        if files > 0 || log > 0 {
            let table = kind.name();
            tracing::info!(
                table,
                files,
                log,
                "deleted files that are no part of the table, and files of its log"
            );
        }
        Ok(())
    }

    fn merge(&self, table: &mut Table, files: &[FileEntry]) -> Result<(), CareError> {
        let started = Instant::now();
        let sources: Vec<StoredFile<'_>> = files
            .iter()
            .map(|file| StoredFile::new(table.reader(), file, self.handle))
            .collect();
        let sources: Vec<&dyn Ranges> =
            sources.iter().map(|source| source as &dyn Ranges).collect();
        let statistics: Vec<_> = files.iter().map(|file| file.statistics.clone()).collect();
        let day = files
            .first()
            .map(|file| day_number(&file.day))
            .unwrap_or_default();
        let mut new = StoringFile::new(table.begin_file(day), self.handle);
        let rows = match merge(table.kind(), &sources, &mut new) {
            Ok(rows) => rows,
            Err(error) => {
                self.handle.block_on(new.upload.abort());
                return Err(error.into());
            }
        };
        self.handle.block_on(async {
            let new = new.upload.finish(merged_statistics(&statistics)).await?;
            table.replace(&self.turn, files, &[new]).await?;
            Ok::<_, CareError>(())
        })?;
        self.observer.merged(table.kind().name(), files.len());
        tracing::info!(
            table = table.kind().name(),
            files = files.len(),
            rows,
            ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "merged small files"
        );
        Ok(())
    }

    /// Take out the days that are older than the retention.
    fn remove_old(&self, table: &mut Table, proven: i64) -> Result<(), CareError> {
        let mut retentions = self.config.retention.iter();
        let Some((_, retention)) = retentions.find(|(kind, _)| *kind == table.kind()) else {
            return Ok(());
        };
        let kept_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let first_kept = day_of(proven.saturating_sub(kept_ms));
        let is_old = |file: &FileEntry| day_number(&file.day) < first_kept;
        let old: Vec<FileEntry> = table.entries().into_iter().filter(is_old).collect();
        if old.is_empty() {
            return Ok(());
        }
        if !self.config.hold.holds_of(table.kind()) {
            self.handle.block_on(table.remove(&self.turn, &old, &[]))?;
            tracing::info!(
                table = table.kind().name(),
                files = old.len(),
                "removed days that are older than the retention"
            );
            return Ok(());
        }
        let mut days: BTreeMap<i32, Vec<FileEntry>> = BTreeMap::new();
        for file in old {
            days.entry(day_number(&file.day)).or_default().push(file);
        }
        for (day, files) in days {
            if self.shutdown.is_requested() {
                return Ok(());
            }
            let hold = &self.config.hold;
            let removal = hold.removal(table, day, &files);
            let Some(removal) = self.handle.block_on(removal)? else {
                continue;
            };
            let (removed, kept) = (removal.removed_rows, removal.kept_rows);
            let taken = table.remove(&self.turn, &files, &removal.new);
            self.handle.block_on(taken)?;
            hold.remember(&removal);
            let table = table.kind().name();
            tracing::info!(
                table,
                day,
                removed,
                kept,
                "removed rows that are older than the retention and not held"
            );
        }
        Ok(())
    }
}
