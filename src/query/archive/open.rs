//! Opens the archive of a configuration for queries: a snapshot of each table that is asked, and the ends of its topics.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use datafusion::common::DataFusionError;
use tokio::runtime::Handle;

use super::engine::Engine;
use super::known::{Known, Stored, Tables};
use super::live::{End, LiveError};
use crate::archive::{Storage, StorageError, Table, TableError, TableKind};
use crate::config::{Archive, Config};
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::ReadError;
use crate::pipeline::{Content, OutputTopic};
use crate::privacy::Policy;

/// The archive cannot be opened for queries.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The storage cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// There is nothing at the URL.
    #[error("{0} holds no archive; is archive.url right, and has the role `archive` run?")]
    Nothing(String),
    /// The engine does not start.
    #[error(transparent)]
    Engine(#[from] DataFusionError),
}

/// What is opened, and how.
pub struct Opening<'o> {
    /// The configuration, which names the topics and the cluster.
    pub config: &'o Config,
    /// Where the archive is; without one the topics alone are asked.
    pub archive: Option<&'o Archive>,
    /// The tables that are asked.
    pub tables: &'o [TableKind],
    /// About how many bytes of memory a query may use.
    pub memory: usize,
    /// Whether the ends of the topics are read.
    pub is_live: bool,
    /// What is known from the snapshot before, where there is one.
    pub known: Option<&'o Known>,
    /// The request to stop, which ends reading the topics.
    pub stop: &'o Shutdown,
    /// Receives notes for people.
    pub note: &'o (dyn Fn(&str) + Sync),
}

impl Opening<'_> {
    /// An engine with the tables. A topic that cannot be read is noted, and its end left out.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn open(&self, handle: &Handle) -> Result<Engine, OpenError> {
        let mut engine = match self.known {
            Some(known) => Engine::within(known.runtime(self.memory)?),
            None => Engine::new(self.memory)?,
        };
        let mut stored = match self.archive {
            Some(archive) => Some(self.stored(archive, handle)?),
            None => None,
        };
        let mut none: Tables = self.tables.iter().map(|kind| (*kind, None)).collect();
        let tables = match &mut stored {
            Some(stored) => &mut stored.tables,
            None => &mut none,
        };
        let mut ends = match self.is_live {
            true => self.ends(tables, handle),
            false => None,
        };
        let is_any = tables.values().any(Option::is_some);
        for (kind, table) in tables {
            let live = ends.as_mut().and_then(|ends| ends.remove(kind));
            let live = live.unwrap_or_default();
            match table {
                Some(table) => engine.add(table, &live)?,
                None => engine.add_unstored(*kind, &live)?,
            }
        }
        if let Some(stored) = stored {
            let storage = stored.storage();
            if !is_any && ends.is_none() && !has_any_table(storage, handle)? {
                return Err(OpenError::Nothing(storage.url().to_string()));
            }
            if let Some(known) = self.known
                && stored.tables.len() == self.tables.len()
            {
                known.keep(stored);
            }
        }
        Ok(engine)
    }

    /// The tables of the archive as they are now.
    fn stored(&self, archive: &Archive, handle: &Handle) -> Result<Stored, OpenError> {
        let known = self.known.and_then(|known| handle.block_on(known.take()));
        if let Some(stored) = known {
            return Ok(stored);
        }
        let storage = Storage::open(&archive.url, &archive.options)?;
        let tables = self.tables(&storage, handle)?;
        Ok(Stored::new(storage, tables))
    }

    /// The tables that are asked; `None` for one that does not exist yet.
    fn tables(&self, storage: &Storage, handle: &Handle) -> Result<Tables, TableError> {
        let mut tables = BTreeMap::new();
        for kind in self.tables {
            match handle.block_on(Table::open_to_read(storage, *kind)) {
                Ok(table) => {
                    tables.insert(*kind, table);
                }
                // A question about other tables can be answered.
                Err(error) if self.tables.len() > 1 => {
                    (self.note)(&format!("the table {} is left out: {error}", kind.name()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(tables)
    }

    /// The ends of the topics that are archived in the tables; `None` if no topic can be read. The cluster is asked about
    /// all topics at the same time.
    fn ends(
        &self,
        tables: &mut Tables,
        handle: &Handle,
    ) -> Option<BTreeMap<TableKind, Vec<RecordBatch>>> {
        let outputs = self.config.outputs.iter();
        let outputs = outputs.filter(|output| tables.contains_key(&table_of(output.content)));
        let outputs: Vec<&OutputTopic> = outputs.collect();
        let held = in_parallel(outputs.clone(), |output| {
            let known = self.known.and_then(|known| known.ends.take(&output.topic));
            End::of(self.config, &output.topic, known, self.note)
        });
        if self.stop.is_requested() {
            return None;
        }
        let mut ends = Vec::new();
        for (output, end) in outputs.into_iter().zip(held) {
            let table = tables.get_mut(&table_of(output.content));
            let table = table.and_then(Option::as_mut);
            let end = end.and_then(|mut end| {
                let group = self.archive.map_or("", |archive| &archive.group);
                end.after(table, group, handle)?;
                Ok(end)
            });
            match end {
                Err(LiveError::Read(ReadError::Missing(_))) if output.is_optional() => {}
                Err(error) => self.left_out(output, &error),
                Ok(end) => ends.push((output, end)),
            }
        }
        let read = in_parallel(ends, |(output, mut end)| {
            let (kind, policy) = (table_of(output.content), self.policy(&output.topic));
            let read = end.read(kind, policy, self.stop);
            let skipped = end.skipped;
            if let (Some(known), Ok(_)) = (self.known, &read) {
                known.ends.keep(end);
            }
            (output, skipped, read)
        });
        let is_any = !read.is_empty();
        let mut rows: BTreeMap<TableKind, Vec<RecordBatch>> = BTreeMap::new();
        for (output, skipped, read) in read {
            if skipped > 0 {
                (self.note)(&format!(
                    "the archive is far behind the topic {}: {skipped} of its records are not archived yet and are not searched",
                    output.topic
                ));
            }
            match read {
                Ok(read) if read.is_empty() => {}
                Ok(read) => rows
                    .entry(table_of(output.content))
                    .or_default()
                    .extend(read),
                Err(error) => self.left_out(output, &error),
            }
        }
        is_any.then_some(rows)
    }

    /// What the archive does not show of a topic.
    fn policy(&self, topic: &str) -> Option<&Policy> {
        let policy = self.config.privacy.of_archive(topic);
        policy.map(|policy| &**policy)
    }

    fn left_out(&self, output: &OutputTopic, error: &LiveError) {
        (self.note)(&format!(
            "what the archive does not hold yet of the topic {} is left out: {error}",
            output.topic
        ));
    }
}

/// Whether any table of the archive exists: the one that is asked may be empty still.
fn has_any_table(storage: &Storage, handle: &Handle) -> Result<bool, TableError> {
    for kind in TableKind::ALL {
        if handle
            .block_on(Table::open_to_read(storage, kind))?
            .is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What `each` makes of the items, each on a thread of its own.
fn in_parallel<I: Send, T: Send>(items: Vec<I>, each: impl Fn(I) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let each = &each;
        let threads = items
            .into_iter()
            .map(|item| scope.spawn(move || each(item)));
        let threads: Vec<_> = threads.collect();
        let results = threads.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        results.collect()
    })
}

/// The table to which the topics with some content are archived.
pub fn table_of(content: Content) -> TableKind {
    match content {
        Content::Events => TableKind::Events,
        Content::Alerts => TableKind::Alerts,
        Content::DeadLetters => TableKind::DeadLetters,
        Content::Ledger => TableKind::Ledger,
    }
}
