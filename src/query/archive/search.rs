//! Searches: the newest rows for which conditions hold, and how many there are.
//! The newest rows are found in two steps: first where they are, then their content, since nearly all bytes of a row
//! are its content. Days are searched from the newest on, so that rows are given out as they are found.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{cast, ident, lit};

use super::bars::Bars;
use super::conditions::Conditions;
use super::engine::Engine;
use super::place::{Place, newest_places};
use super::pruning::{day, time_scalar};
use super::records::{Records, record_columns};
use super::windows::{WindowRows, Windows};
use crate::archive::TableKind;
use crate::event::RawRecord;
use crate::kafka::Stored;
use crate::view::Filter;

/// About how many rows are searched together first, where nothing is asked but when they were: some of each wanted one.
const ROWS_FOR_EACH: u64 = 16;

/// The same where columns without content decide, and where content decides.
const FIRST_ROWS: (u64, u64) = (65_536, 16_384);

/// Most wanted rows for which windows grow. Where more are wanted, the places of all rows of a window may be in memory.
const FEW: usize = 4_096;

/// Rows whose content is read together first, and at most.
const CONTENT_ROWS: (usize, usize) = (64, 4_096);

/// About how many bytes of content are to be read together.
const CONTENT_BYTES: usize = 16 * 1024 * 1024;

impl Engine {
    /// Gives the newest rows to `found`, the newest first, some at a time and with these columns, until it breaks.
    ///
    /// # Errors
    /// The archive cannot be read, or the memory does not suffice.
    pub async fn newest(
        &self,
        table: TableKind,
        conditions: &Conditions,
        limit: Option<usize>,
        columns: &[&str],
        found: &mut (dyn FnMut(&Found) -> ControlFlow<()> + Send),
    ) -> Result<()> {
        let wanted = Newest {
            table,
            conditions,
            limit,
            columns,
        };
        let windows = self.windows(&wanted);
        self.newest_in(&wanted, windows, None, found).await
    }

    /// The same, where the number of rows in each unit of time is asked for, too: they are counted as far as this is no more
    /// work, and [`Engine::count_bars`] counts the others.
    ///
    /// # Errors
    /// As [`Engine::newest`].
    pub async fn newest_and_bars(
        &self,
        table: TableKind,
        conditions: &Conditions,
        limit: usize,
        columns: &[&str],
        bars: &mut Bars,
        found: &mut (dyn FnMut(&Found) -> ControlFlow<()> + Send),
    ) -> Result<()> {
        // The bars are of all rows, also of those before the first one.
        let is_same_work = conditions.asks_for_values() && conditions.before.is_none();
        let bars = is_same_work.then_some(bars);
        let wanted = Newest {
            table,
            conditions,
            limit: Some(limit),
            columns,
        };
        let windows = self.windows(&wanted);
        self.newest_in(&wanted, windows, bars, found).await
    }

    /// The newest rows, looked for in these windows. All rows of the windows that were searched are counted in `bars`.
    ///
    /// # Errors
    /// As [`Engine::newest`].
    pub(super) async fn newest_in(
        &self,
        wanted: &Newest<'_>,
        mut windows: Windows,
        mut bars: Option<&mut Bars>,
        found: &mut (dyn FnMut(&Found) -> ControlFlow<()> + Send),
    ) -> Result<()> {
        let days = windows.days();
        let (mut left, mut content_rows) = (wanted.limit, CONTENT_ROWS.0);
        while left != Some(0)
            && let Some(window) = windows.next()
        {
            let rows = self.narrow_rows(wanted.table, wanted.conditions).await?;
            let rows = rows.filter(window.predicate())?;
            let places = newest_places(rows, left, bars.as_deref_mut()).await?;
            if let Some(bars) = &mut bars {
                bars.are_counted_since(window.from_us);
            }
            left = left.map(|left| left - places.len());
            let mut places = places.as_slice();
            while !places.is_empty() {
                let (next, rest) = places.split_at(content_rows.min(places.len()));
                places = rest;
                let rows = self.content(wanted.table, next, wanted.columns).await?;
                content_rows = match rows.get_array_memory_size() {
                    ..CONTENT_BYTES => (content_rows * 2).min(CONTENT_ROWS.1),
                    _ => (content_rows / 2).max(1),
                };
                let found_rows = Found {
                    rows,
                    days,
                    searched_days: window.searched_days,
                };
                if found(&found_rows).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The windows in which the newest rows are looked for.
    fn windows(&self, wanted: &Newest<'_>) -> Windows {
        let conditions = wanted.conditions;
        let first = match wanted.limit {
            // An id is in few files, wherever they are.
            _ if conditions.names_ids() => u64::MAX,
            Some(limit) if !conditions.asks_for_values() => (limit as u64)
                .saturating_mul(ROWS_FOR_EACH)
                .min(FIRST_ROWS.0),
            _ if conditions.reads_content() => FIRST_ROWS.1,
            _ => FIRST_ROWS.0,
        };
        let most = match wanted.limit {
            Some(..=FEW) => u64::MAX,
            _ => first.max(FIRST_ROWS.0),
        };
        let rows = WindowRows { first, most };
        let days = self.known_days(wanted.table);
        let days = days.filter(|(day, _)| conditions.has_rows_of(*day));
        Windows::new(days.collect(), conditions.time_us(), rows)
    }

    /// The records of the newest rows, at most `limit`, the newest first.
    ///
    /// # Errors
    /// As [`Engine::newest`].
    pub async fn newest_records(
        &self,
        table: TableKind,
        conditions: &Conditions,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let (mut records, mut failed) = (Vec::new(), None);
        let mut found = |found: &Found| {
            let each = found.each_record(table, &mut |record| {
                records.push(Stored::from(record));
                ControlFlow::Continue(())
            });
            each.unwrap_or_else(|error| {
                failed = Some(error);
                ControlFlow::Break(())
            })
        };
        let columns = record_columns(table);
        self.newest(table, conditions, Some(limit), columns, &mut found)
            .await?;
        failed.map_or(Ok(records), Err)
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub async fn count(&self, table: TableKind, conditions: &Conditions) -> Result<usize> {
        self.narrow_rows(table, conditions).await?.count().await
    }

    /// The rows of a day that a filter takes, with all columns as they are written.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub async fn taken(
        &self,
        table: TableKind,
        of_day: i32,
        filter: &Arc<Filter>,
    ) -> Result<SendableRecordBatchStream> {
        let conditions = Conditions {
            filter: Some(filter.clone()),
            ..Conditions::default()
        };
        let rows = self.rows(table, &conditions).await?;
        let rows = rows.filter(ident("day").eq(day(of_day)))?;
        let written = table.schema();
        let columns = written.fields().iter();
        let columns = columns.map(|column| {
            let value = cast(ident(column.name()), column.data_type().clone());
            value.alias(column.name())
        });
        rows.select(columns.collect::<Vec<_>>())?
            .execute_stream()
            .await
    }

    /// These columns of the rows at these places, in the same order.
    async fn content(
        &self,
        table: TableKind,
        places: &[Place],
        columns: &[&str],
    ) -> Result<RecordBatch> {
        let times = places.iter().map(|place| place.time_us);
        let (first, last) = (times.clone().min(), times.max());
        let between = ident("time").between(lit(time_scalar(first)), lit(time_scalar(last)));
        let offsets = places.iter().map(|place| lit(place.offset)).collect();
        let rows = self.table(table).await?;
        let rows = rows.filter(between.and(ident("offset").in_list(offsets, false)))?;
        let wanted = columns.iter().map(|column| ident(*column));
        let place = Place::COLUMNS.iter().enumerate();
        let place = place.map(|(number, column)| ident(*column).alias(format!("place {number}")));
        let rows = rows.select(place.chain(wanted).collect::<Vec<_>>())?;
        let schema = Arc::new(rows.schema().as_arrow().clone());
        let rows = concat_batches(&schema, &rows.collect().await?)?;
        let at: HashMap<Place, u32> = Place::of(&rows).zip(0..).collect();
        let order = places.iter().filter_map(|place| at.get(place).copied());
        let order = UInt32Array::from_iter_values(order);
        let wanted: Vec<usize> = (Place::COLUMNS.len()..rows.num_columns()).collect();
        Ok(take_record_batch(&rows.project(&wanted)?, &order)?)
    }
}

/// The newest rows that somebody wants.
pub(super) struct Newest<'w> {
    pub(super) table: TableKind,
    pub(super) conditions: &'w Conditions,
    /// How many at most.
    pub(super) limit: Option<usize>,
    pub(super) columns: &'w [&'w str],
}

/// Rows that were found.
pub struct Found {
    /// The rows, the newest first.
    pub rows: RecordBatch,
    /// How many days are searched in all.
    pub days: usize,
    /// How many of them were searched so far.
    pub searched_days: usize,
}

impl Found {
    /// Calls `visit` with the record of each row; the columns are those of [`super::record_columns`].
    ///
    /// # Errors
    /// The columns are others.
    pub fn each_record(
        &self,
        table: TableKind,
        visit: &mut dyn FnMut(&RawRecord<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let records = Records::new(table, self.rows.columns())?;
        Ok((0..records.len()).try_for_each(|row| records.with(row, &mut *visit)))
    }
}
