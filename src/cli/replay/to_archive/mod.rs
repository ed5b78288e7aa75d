//! Writes what was replayed of files to the tables of the archive, each event of a file once, however often and by how
//! many processes the file is replayed. Memory holds one chunk of rows, and a hash for each file.

mod chunk;
mod known_ids;
mod opener;
mod rows;
mod store;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, anyhow};
use indicatif::HumanCount;

use super::report::counted;
use crate::archive::{TableKind, day_of};
use crate::cli::config_file::check_archive;
use crate::cli::failure::Failure;
use crate::cli::say::say;
use crate::config::Config;
use crate::kafka::session::Shutdown;
use chunk::{Chunk, Gathered};
use opener::Opener;
pub(super) use rows::{ArchiveRows, RowMaker};
use store::{Store, Stored};

/// The archive of a configuration.
pub(super) struct ToArchive {
    store: Store,
    maker: Arc<RowMaker>,
    gathered: Gathered,
    stored: Stored,
    /// The first day that the retention keeps, by table, and what the configuration says.
    first_kept: BTreeMap<TableKind, (i32, u64)>,
    /// Rows of days that the retention does not keep.
    old: BTreeMap<TableKind, u64>,
    /// Files that are in the archive already.
    passed_over: Arc<AtomicU64>,
    stop: Shutdown,
}

impl ToArchive {
    /// Opens the tables, and makes those that are missing.
    ///
    /// # Errors
    /// The configuration has no archive, or the storage cannot be used.
    pub(super) fn open(
        config: &Config,
        now_ms: i64,
        stop: &Shutdown,
    ) -> Result<ToArchive, Failure> {
        check_archive(config)?;
        let archive = config.archive.as_ref().ok_or_else(|| {
            anyhow!(
                "--to-archive: the configuration has no section `archive`, so there is nowhere to write to; see \
                 docs/archive.md"
            )
        })?;
        let kept = [TableKind::Events, TableKind::Alerts]
            .into_iter()
            .filter_map(|table| {
                let kept = archive.retention.get(table.name())?;
                let ms = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
                let first = day_of(now_ms.saturating_sub(ms));
                Some((table, (first, kept.as_secs() / (24 * 60 * 60))))
            });
        Ok(ToArchive {
            first_kept: kept.collect(),
            store: Store::open(archive, stop)?,
            maker: Arc::new(RowMaker::new(&config.outputs, &config.privacy, now_ms)),
            gathered: Gathered::new(archive.bytes),
            stored: Stored::default(),
            old: BTreeMap::new(),
            passed_over: Arc::default(),
            stop: stop.clone(),
        })
    }

    /// What makes rows of outputs.
    pub(super) fn maker(&self) -> Arc<RowMaker> {
        self.maker.clone()
    }

    /// What opens the files.
    ///
    /// # Errors
    /// It is not known how far they are.
    pub(super) fn opener(&mut self) -> anyhow::Result<Opener> {
        let known = self.store.known()?;
        let stop = self.stop.clone();
        Ok(Opener::new(known, stop, self.passed_over.clone()))
    }

    /// Takes the rows of the next part of a file, and commits what was gathered if it is enough.
    ///
    /// # Errors
    /// The storage does not take it.
    pub(super) fn write(&mut self, rows: ArchiveRows) -> io::Result<()> {
        if self.stop.is_requested() {
            // From here on nothing is taken, so that no file goes on after a hole.
            return Ok(());
        }
        self.gathered.push(rows).map_err(io::Error::other)?;
        match self.gathered.is_full() {
            true => self
                .commit()
                .map_err(|error| io::Error::other(format!("{error:#}"))),
            false => Ok(()),
        }
    }

    /// Commits the rest.
    ///
    /// # Errors
    /// The storage does not take it.
    pub(super) fn commit(&mut self) -> anyhow::Result<()> {
        let chunk = self.gathered.take().context("gather the rows")?;
        let Some(chunk) = chunk else {
            return Ok(());
        };
        self.warn_of_old(&chunk);
        let stored = self.store.commit(&chunk)?;
        for (table, rows) in stored.rows {
            *self.stored.rows.entry(table).or_default() += rows;
        }
        self.stored.repeated += stored.repeated;
        Ok(())
    }

    /// Warns before the first rows are written that the retention will remove.
    fn warn_of_old(&mut self, chunk: &Chunk) {
        for (table, (first, days)) in &self.first_kept {
            let Some(rows) = chunk.tables.get(table) else {
                continue;
            };
            let old = rows.times().filter(|(day, _)| day < first).count() as u64;
            let before = self.old.entry(*table).or_default();
            if *before == 0 && old > 0 {
                let (name, all) = (table.name(), HumanCount(rows.len() as u64));
                say(format_args!(
                    "warning: {} of the next {all} rows of {name} are older than archive.retention.{name} ({days}d), so \
                     `watchbell run` will remove those that archive.hold does not keep; set a longer retention to keep \
                     them",
                    HumanCount(old)
                ));
            }
            *before += old;
        }
    }

    /// What was written, as lines.
    pub(super) fn text(&self) -> String {
        let rows = |table| self.stored.rows.get(&table).copied().unwrap_or_default();
        let mut text = format!(
            "archived: {}, {}, {}\n",
            counted(rows(TableKind::Events), "event"),
            counted(rows(TableKind::Alerts), "alert"),
            counted(rows(TableKind::DeadLetters), "dead letter"),
        );
        // Writing to a string cannot fail.
        let mut line = |count: u64, what: &str| {
            if count > 0 {
                let _ = writeln!(text, "{:>12} {what}", HumanCount(count).to_string());
            }
        };
        line(
            self.stored.repeated,
            "events are in the archive already, by their ids; they and their alerts were not written again",
        );
        line(
            self.passed_over.load(Ordering::Relaxed),
            "files were passed over: all of their content is in the archive already",
        );
        for (table, old) in &self.old {
            let name = table.name();
            line(
                *old,
                &format!("rows of {name} are older than archive.retention.{name}"),
            );
        }
        text
    }
}
