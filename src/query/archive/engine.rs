//! The engine that answers queries: DataFusion over the tables of the archive, read-only, within a limit of memory.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, SchemaRef, TimestampMicrosecondType};
use datafusion::catalog::TableProvider;
use datafusion::common::config::ConfigNonZeroUsize;
use datafusion::common::{JoinType, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool, TrackConsumersPool};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::{DataFrame, SQLOptions, SessionConfig, SessionContext};
use object_store::ObjectStore;

use super::conditions::Conditions;
use super::functions::TextFunction;
use super::hiding::HidingTable;
use super::provider::{ArchiveTable, read_schema};
use super::windows::DayRows;
use crate::archive::{
    Damage, FileEntry, Table, TableKind, begin_of_day_ms, damaged_file, day_number, day_of,
};
use crate::privacy::Policy;

/// How many of the largest users of memory the message names when it is used up.
const NAMED_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// Most rows that are handed from one operator to the next.
const BATCH_ROWS: usize = 1_024;

/// The same where no content is among their columns. What the engine does once for each batch, such as looking whether it
/// needs the rest of a file, took a quarter of the processor time of short pages.
const NARROW_BATCH_ROWS: usize = 8_192;

/// Answers queries on tables.
pub struct Engine {
    context: SessionContext,
    /// The days of which each table has rows, and what is known of these.
    days: BTreeMap<TableKind, BTreeMap<i32, DayRows>>,
    /// The files of each table, and where they are.
    files: Vec<StoredFiles>,
    /// By which it is known whether two engines have the same rows of a table.
    held: BTreeMap<TableKind, Held>,
    /// Whether rows are made from their content whatever is asked, because a policy hides parts of it.
    is_hiding: bool,
}

/// What a table consists of: its files, and the first column of each part of the topics' ends.
#[derive(Clone)]
struct Held {
    files: Arc<[FileEntry]>,
    live: Vec<ArrayRef>,
}

impl Held {
    fn is_same(&self, other: &Held) -> bool {
        let (live, others) = (self.live.iter(), other.live.iter());
        (Arc::ptr_eq(&self.files, &other.files) || self.files == other.files)
            && live.len() == others.len()
            && live.zip(others).all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

/// The data files of a table.
struct StoredFiles {
    table: TableKind,
    store: Arc<dyn ObjectStore>,
    files: Arc<[FileEntry]>,
}

impl Engine {
    /// An engine without tables. Queries use at most about `memory` bytes; what does not fit is written to temporary
    /// files where the operation can do so.
    ///
    /// # Errors
    /// There is no place for temporary files.
    pub fn new(memory: usize) -> Result<Engine> {
        Ok(Engine::within(runtime(memory)?))
    }

    /// The same within a limit of memory that others share.
    pub(super) fn within(runtime: Arc<RuntimeEnv>) -> Engine {
        let mut config = SessionConfig::new()
            .with_information_schema(true)
            // Rows with their content are large, and a merge of sorted runs holds a batch of each.
            .with_batch_size(BATCH_ROWS)
            .with_default_catalog_and_schema("watchbell", "archive");
        let options = config.options_mut();
        options.execution.time_zone = Some("UTC".into());
        options.execution.parquet.pushdown_filters = true;
        options.execution.parquet.reorder_filters = true;
        // The files are divided among the cores already. Rows of the topics' ends would be handed on with all that they
        // share, which is more than the memory allows.
        options.optimizer.enable_round_robin_repartition = false;
        Engine {
            context: context(config, runtime),
            days: BTreeMap::new(),
            files: Vec::new(),
            held: BTreeMap::new(),
            is_hiding: false,
        }
    }

    /// The same without what a policy hides: nothing that it answers depends on a hidden value. The memory is shared.
    ///
    /// # Errors
    /// A table was not added.
    pub async fn hiding(&self, policy: &Arc<Policy>) -> Result<Engine> {
        let context = context(self.context.copied_config(), self.context.runtime_env());
        let mut days = self.days.clone();
        // Nothing is left of them.
        days.entry(TableKind::DeadLetters)
            .and_modify(|days| days.clear());
        for kind in self.days.keys() {
            let whole = self.context.table_provider(kind.name()).await?;
            let shown: Arc<dyn TableProvider> = match kind {
                // It has counts, positions and hashes alone.
                TableKind::Ledger => whole,
                kind => Arc::new(HidingTable::new(*kind, whole, policy.clone())),
            };
            context.register_table(kind.name(), shown)?;
        }
        Ok(Engine {
            context,
            days,
            files: Vec::new(),
            held: self.held.clone(),
            is_hiding: true,
        })
    }

    /// Make a snapshot of a table, and rows that it does not hold yet, known by the name of the table.
    ///
    /// # Errors
    /// The rows are not those of the table.
    pub fn add(&mut self, table: &Table, live: &[RecordBatch]) -> Result<()> {
        let url = store_url(table.kind())?;
        self.context
            .register_object_store(url.as_ref(), table.object_store());
        self.files.push(StoredFiles {
            table: table.kind(),
            store: table.object_store(),
            files: table.newest_first(),
        });
        self.register(table.kind(), table.newest_first(), live)
    }

    /// Make rows known by the name of a table that does not exist yet.
    ///
    /// # Errors
    /// The rows are not those of the table.
    pub fn add_unstored(&mut self, kind: TableKind, live: &[RecordBatch]) -> Result<()> {
        self.register(kind, Arc::default(), live)
    }

    fn register(
        &mut self,
        kind: TableKind,
        files: Arc<[FileEntry]>,
        live: &[RecordBatch],
    ) -> Result<()> {
        let mut days: BTreeMap<i32, DayRows> = BTreeMap::new();
        let mut add = |day: i32, rows: Option<u64>, newest_us: Option<i64>| {
            let known = days.entry(day).or_insert(DayRows::NONE);
            known.rows = known.rows.zip(rows).map(|(known, rows)| known + rows);
            known.newest_us = known.newest_us.max(newest_us);
        };
        for file in &*files {
            let rows = file.statistics["numRecords"].as_u64();
            // The log has milliseconds.
            let newest_us = |newest_ms: i64| newest_ms.saturating_mul(1_000).saturating_add(999);
            add(day_number(&file.day), rows, file.newest_ms().map(newest_us));
        }
        for rows in live {
            let of_rows = rows.column(0).as_primitive::<Date32Type>().values();
            let times = rows.column(1).as_primitive::<TimestampMicrosecondType>();
            let mut times = times.values().iter();
            for same in of_rows.chunk_by(|a, b| a == b) {
                let newest_us = times.by_ref().take(same.len()).max();
                add(same[0], Some(same.len() as u64), newest_us.copied());
            }
        }
        self.days.insert(kind, days);
        let held = Held {
            files: files.clone(),
            live: live.iter().map(|rows| rows.column(0).clone()).collect(),
        };
        self.held.insert(kind, held);
        let table = ArchiveTable::new(kind, files, store_url(kind)?, live)?;
        self.context.register_table(kind.name(), Arc::new(table))?;
        Ok(())
    }

    /// Whether the rows of a table are known to be the same in another engine.
    pub fn has_same_rows(&self, other: &Engine, table: TableKind) -> bool {
        let both = self.held.get(&table).zip(other.held.get(&table));
        both.is_some_and(|(one, other)| one.is_same(other))
    }

    /// Which data file of which table is damaged, after something could not be read; `None` if none is, or if the storage
    /// does not answer.
    pub async fn damage(&self) -> Option<(TableKind, Damage)> {
        for StoredFiles {
            table,
            store,
            files,
        } in &self.files
        {
            if let Ok(Some(damage)) = damaged_file(store.as_ref(), files).await {
                return Some((*table, damage));
            }
        }
        None
    }

    /// The time of the days of which a table has rows, from the beginning of the first to the end of the last, in
    /// milliseconds since the Unix epoch; `None` if it has none.
    pub fn span_ms(&self, table: TableKind) -> Option<(i64, i64)> {
        let mut days = self.days(table);
        let newest = days.next()?;
        let oldest = days.last().unwrap_or(newest);
        Some((begin_of_day_ms(oldest), begin_of_day_ms(newest + 1)))
    }

    /// The newest day of which a table has rows, at a time or before it; in days since the Unix epoch.
    pub fn newest_day(&self, table: TableKind, until_ms: i64) -> Option<i32> {
        self.days(table).find(|day| *day <= day_of(until_ms))
    }

    /// The days of which a table has rows, the newest first.
    pub(super) fn days(&self, table: TableKind) -> impl Iterator<Item = i32> {
        self.known_days(table).map(|(day, _)| day)
    }

    /// The days of which a table has rows, the newest first, with what is known of these.
    pub(super) fn known_days(&self, table: TableKind) -> impl Iterator<Item = (i32, DayRows)> {
        let days = self.days.get(&table).into_iter().flatten().rev();
        days.map(|(day, known)| (*day, *known))
    }

    /// What limits the memory of all queries.
    pub(super) fn memory_pool(&self) -> Arc<dyn MemoryPool> {
        self.context.runtime_env().memory_pool.clone()
    }

    /// Rows that are no table's.
    ///
    /// # Errors
    /// They do not become a table.
    pub(super) fn given(&self, rows: RecordBatch) -> Result<DataFrame> {
        self.context.read_batch(rows)
    }

    /// The columns of a table.
    pub fn schema(&self, table: TableKind) -> SchemaRef {
        read_schema(table)
    }

    /// All rows of a table.
    ///
    /// # Errors
    /// It was not added.
    pub(super) async fn table(&self, table: TableKind) -> Result<DataFrame> {
        self.context.table(table.name()).await
    }

    /// The rows of a table for which the conditions hold.
    ///
    /// # Errors
    /// A table was not added.
    pub(super) async fn rows(
        &self,
        table: TableKind,
        conditions: &Conditions,
    ) -> Result<DataFrame> {
        let mut rows = self.table(table).await?;
        if table == TableKind::Events
            && let Some(raised) = conditions.alerts()
        {
            let alerts = self.table(TableKind::Alerts).await?.filter(raised)?;
            let ids = alerts.select_columns(&["event_id"])?;
            rows = rows.join(ids, JoinType::LeftSemi, &["event_id"], &["event_id"], None)?;
        }
        match conditions.predicate(table) {
            Some(predicate) => rows.filter(predicate),
            None => Ok(rows),
        }
    }

    /// The same rows for somebody who takes columns without content, or who counts them.
    ///
    /// # Errors
    /// A table was not added.
    pub(super) async fn narrow_rows(
        &self,
        table: TableKind,
        conditions: &Conditions,
    ) -> Result<DataFrame> {
        let rows = self.rows(table, conditions).await?;
        if self.is_hiding || conditions.reads_content() {
            return Ok(rows);
        }
        let (mut state, plan) = rows.into_parts();
        let options = state.config_mut().options_mut();
        options.execution.batch_size = ConfigNonZeroUsize::try_new(NARROW_BATCH_ROWS)?;
        Ok(DataFrame::new(state, plan))
    }

    /// The answer to a query in SQL.
    ///
    /// # Errors
    /// The query is not one, or would change something.
    pub async fn sql(&self, query: &str) -> Result<DataFrame> {
        let read_only = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        self.context.sql_with_options(query, read_only).await
    }

    /// The rows of a query in SQL.
    ///
    /// # Errors
    /// As [`Engine::sql`].
    pub async fn stream(&self, query: &str) -> Result<SendableRecordBatchStream> {
        self.sql(query).await?.execute_stream().await
    }
}

/// What limits the memory of queries to about so many bytes.
///
/// # Errors
/// There is no place for temporary files.
pub(super) fn runtime(memory: usize) -> Result<Arc<RuntimeEnv>> {
    let pool = TrackConsumersPool::new(FairSpillPool::new(memory), NAMED_CONSUMERS);
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .build_arc()
}

/// A context in which no table is known.
fn context(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionContext {
    let context = SessionContext::new_with_config_rt(config, runtime);
    for function in [
        ScalarUDF::from(TextFunction::any_ilike()),
        ScalarUDF::from(TextFunction::in_network()),
        ScalarUDF::from(TextFunction::json_text()),
    ] {
        context.register_udf(function);
    }
    context
}

/// Under which URL the data files of a table are found.
fn store_url(kind: TableKind) -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse(format!("archive://{}", kind.name()))
}
