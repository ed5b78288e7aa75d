//! Commits chunks to the tables. The position of a file is in the table, in the commit of its rows, so nothing is written
//! twice, whoever else reads the same file; an attempt whose outcome is not known is simply made again.
//! Invariant: events are committed before what was made of them, and only to the snapshot in which their ids were looked
//! up; alerts come last, so their table says how far all of a file is.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tokio::runtime::{Handle, Runtime};

use super::chunk::{Chunk, EventKey, FileRows, Reach};
use super::known_ids::KnownIds;
use crate::archive::{
    Advance, AppTransactions, AppendError, Progress, Storage, Table, TableKind, TopicPartition,
    data_files,
};
use crate::config::Archive;
use crate::event::NextOffset;
use crate::kafka::session::Shutdown;

/// The tables that have rows of files, in the order of their commits.
const TABLES: [TableKind; 3] = [TableKind::Events, TableKind::DeadLetters, LAST];

/// The table whose positions are those of the whole file.
const LAST: TableKind = TableKind::Alerts;

/// How long a chunk is tried to be stored.
const PATIENCE: Duration = Duration::from_secs(120);

/// First and longest pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// How often a pause looks whether a stop was requested.
const TURN: Duration = Duration::from_millis(50);

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) rows: BTreeMap<TableKind, u64>,
    /// Events that the archive had already.
    pub(super) repeated: u64,
}

/// The tables, opened to be written.
pub(super) struct Store {
    runtime: Runtime,
    tables: BTreeMap<TableKind, Table>,
    url: String,
    stop: Shutdown,
}

/// How far the files of a chunk are in a table.
type Positions<'c> = BTreeMap<&'c str, Option<Progress>>;

/// Why an attempt has failed.
enum AttemptError {
    /// The next one may succeed.
    Passing(String),
    /// None can succeed.
    Final(anyhow::Error),
}

impl Store {
    /// Opens the tables, and makes those that are missing.
    pub(super) fn open(archive: &Archive, stop: &Shutdown) -> Result<Store> {
        let runtime = Runtime::new().context("start the runtime")?;
        let storage = Storage::open(&archive.url, &archive.options)?;
        let tables = runtime.block_on(async {
            storage.probe().await?;
            let mut tables = BTreeMap::new();
            for kind in TABLES {
                tables.insert(kind, Table::open(&storage, kind).await?);
            }
            anyhow::Ok(tables)
        });
        Ok(Store {
            tables: tables.context("the archive")?,
            runtime,
            url: storage.url().to_string(),
            stop: stop.clone(),
        })
    }

    /// How far files are by now.
    pub(super) fn known(&mut self) -> Result<AppTransactions> {
        let last = self.tables.get_mut(&LAST).context("a table is not open")?;
        let positions = self.runtime.block_on(last.app_transactions());
        Ok(positions.context("the archive")?.clone())
    }

    /// Commits a chunk, unless its rows are there already.
    ///
    /// # Errors
    /// The storage does not take it for two minutes, or a stop was requested while it did not.
    pub(super) fn commit(&mut self, chunk: &Chunk) -> Result<Stored> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = State::new(chunk);
        let mut pause = PAUSES.0;
        loop {
            let handle = self.runtime.handle().clone();
            let mut attempt = Attempt {
                tables: &mut self.tables,
                chunk,
                handle,
            };
            let why = match attempt.run(&mut state) {
                Ok(()) => return Ok(state.stored()),
                Err(AttemptError::Final(error)) => return Err(error),
                Err(AttemptError::Passing(why)) => why,
            };
            let next = Instant::now() + pause;
            if next >= deadline {
                return Err(anyhow!("{}: {why}", self.url));
            }
            while Instant::now() < next {
                if self.stop.is_requested() {
                    return Err(anyhow!("stopped while {} did not answer: {why}", self.url));
                }
                std::thread::sleep(TURN);
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// What is known of a chunk from one attempt to the next.
struct State<'c> {
    chunk: &'c Chunk,
    known: KnownIds<'c>,
    /// How far the files were before the first attempt.
    begun: Option<Positions<'c>>,
    rows: BTreeMap<TableKind, u64>,
    /// Rows of which it is not known whether they were appended.
    unsure: BTreeMap<TableKind, u64>,
}

impl<'c> State<'c> {
    fn new(chunk: &'c Chunk) -> State<'c> {
        State {
            chunk,
            known: KnownIds::new(chunk.tables.get(&TableKind::Events)),
            begun: None,
            rows: BTreeMap::new(),
            unsure: BTreeMap::new(),
        }
    }

    /// What was written, and what was not because it was there.
    fn stored(self) -> Stored {
        let events = self.chunk.tables.get(&TableKind::Events);
        let keys = events.into_iter().flat_map(FileRows::keys);
        let begun = self.begun.unwrap_or_default();
        let repeated = keys
            .filter(|key| key.number >= next_of(&begun, key.file) && self.known.is_repeated(*key));
        let repeated: HashSet<EventKey<'_>> = repeated.collect();
        Stored {
            repeated: repeated.len() as u64,
            rows: self.rows,
        }
    }
}

/// One attempt to commit a chunk.
struct Attempt<'a, 'c> {
    tables: &'a mut BTreeMap<TableKind, Table>,
    chunk: &'c Chunk,
    handle: Handle,
}

impl<'c> Attempt<'_, 'c> {
    fn run(&mut self, state: &mut State<'c>) -> Result<(), AttemptError> {
        if state.begun.is_none() {
            state.begun = Some(self.positions(LAST)?);
        }
        for kind in TABLES {
            let positions = self.positions(kind)?;
            if kind == TableKind::Events {
                let handle = self.handle.clone();
                let searched = state.known.search(self.table(kind)?, &handle);
                searched.map_err(|error| AttemptError::Passing(format!("{error:#}")))?;
            }
            self.append(kind, &positions, state)?;
        }
        Ok(())
    }

    /// Appends the rows of a table that are after its positions and of no event that was there before.
    fn append(
        &mut self,
        kind: TableKind,
        positions: &Positions<'c>,
        state: &mut State<'c>,
    ) -> Result<(), AttemptError> {
        let is_kept = |key: EventKey<'_>| {
            // What became no event has no id by which it could be known.
            let is_repeated = kind != TableKind::DeadLetters && state.known.is_repeated(key);
            key.number >= next_of(positions, key.file) && !is_repeated
        };
        let rows = match self.chunk.tables.get(&kind) {
            Some(rows) => rows.filtered(is_kept).map_err(program)?,
            None => FileRows::none(kind),
        };
        let having: BTreeSet<&str> = rows.keys().map(|key| key.file).collect();
        let advances = advances(&self.chunk.files, positions, |file| {
            kind != TableKind::DeadLetters || having.contains(file)
        });
        let count = rows.len() as u64;
        // What was not known to be appended and is not to be appended any more was appended.
        let unsure = state.unsure.remove(&kind).unwrap_or_default();
        *state.rows.entry(kind).or_default() += unsure.saturating_sub(count);
        if advances.is_empty() {
            return Ok(());
        }
        let files = data_files(kind, &rows.0).map_err(program)?;
        let handle = self.handle.clone();
        let table = self.table(kind)?;
        let appended = handle.block_on(async {
            match kind {
                TableKind::Events => table.append_to_snapshot(files, &advances).await,
                _ => table.append(files, &advances).await,
            }
        });
        match appended {
            Ok(()) => *state.rows.entry(kind).or_default() += count,
            Err(error @ AppendError::Moved(_)) => return Err(passing(error)),
            Err(error) => {
                state.unsure.insert(kind, count);
                return Err(passing(error));
            }
        }
        Ok(())
    }

    fn table(&mut self, kind: TableKind) -> Result<&mut Table, AttemptError> {
        let missing = || AttemptError::Final(anyhow!("the table {} is not open", kind.name()));
        self.tables.get_mut(&kind).ok_or_else(missing)
    }

    /// How far the chunk's files are in a table as it is now.
    fn positions(&mut self, kind: TableKind) -> Result<Positions<'c>, AttemptError> {
        let (handle, chunk) = (self.handle.clone(), self.chunk);
        let table = self.table(kind)?;
        let ask = async {
            table.refresh().await?;
            let mut positions = BTreeMap::new();
            for file in chunk.files.keys() {
                let of = TopicPartition::of_file(file.clone());
                positions.insert(&**file, table.progress(&of).await?);
            }
            Ok(positions)
        };
        let asked: Result<_, AppendError> = handle.block_on(ask);
        asked.map_err(passing)
    }
}

/// From where to where the chunk goes in these of its files.
fn advances(
    files: &BTreeMap<Arc<str>, Reach>,
    positions: &Positions<'_>,
    is_meant: impl Fn(&str) -> bool,
) -> BTreeMap<TopicPartition, Advance> {
    let mut advances = BTreeMap::new();
    for (file, reach) in files.iter().filter(|(file, _)| is_meant(file)) {
        let found = positions.get(&**file).copied().flatten();
        let (next, last) = found.map_or((0, 0), |found| (found.next.0, found.last));
        let to = Progress {
            next: NextOffset(reach.next.max(next)),
            last: last.max(u32::from(reach.is_complete)),
        };
        if Some(to) != found {
            let from = found.map(|found| found.next);
            advances.insert(TopicPartition::of_file(file.clone()), Advance { from, to });
        }
    }
    advances
}

/// The number of the first event of a file that is not in a table.
fn next_of(positions: &Positions<'_>, file: &str) -> i64 {
    let found = positions.get(file).copied().flatten();
    found.map_or(0, |found| found.next.0)
}

/// An error of the storage, or somebody else has committed.
fn passing(error: AppendError) -> AttemptError {
    AttemptError::Passing(error.to_string())
}

/// A fault of the program.
fn program(error: impl std::error::Error + Send + Sync + 'static) -> AttemptError {
    AttemptError::Final(anyhow!(error).context("make a data file"))
}
