//! Searches: the newest rows for which conditions hold, how many there are, and how many of each value.
//! The newest rows are found in two steps: first where they are, then their content, since nearly all bytes of a row
//! are its content. Days are searched from the newest on, so that rows are given out as they are found.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Date32Array, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, cast, ident, lit};
use datafusion::prelude::DataFrame;

use super::conditions::Conditions;
use super::engine::Engine;
use super::pruning::{day, time_scalar};
use super::records::{Records, record_columns};
use crate::archive::{ColumnType, TableKind, begin_of_day_ms, day_of, first_of_month};
use crate::event::RawRecord;
use crate::kafka::Stored;
use crate::view::Filter;

/// Days that are searched together at most.
const MOST_DAYS: usize = 128;

/// Rows whose content is read together first, and at most.
const CONTENT_ROWS: (usize, usize) = (64, 4_096);

/// About how many bytes of content are to be read together.
const CONTENT_BYTES: usize = 16 * 1024 * 1024;

/// The column with the number of rows of a group.
const COUNT: &str = "count";

/// The columns that say where a row is.
const PLACE: [&str; 4] = ["time", "topic", "partition", "offset"];

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
        let in_time = |day: &i32| conditions.has_rows_of(*day);
        let all: Vec<i32> = self.days(table).filter(in_time).collect();
        let (mut left, mut content_rows) = (limit, CONTENT_ROWS.0);
        // An id is in few files, wherever they are.
        let first = if conditions.names_ids() { MOST_DAYS } else { 1 };
        let (mut days, mut together) = (all.as_slice(), first);
        while left != Some(0) && !days.is_empty() {
            let (window, rest) = days.split_at(together.min(days.len()));
            let (newest, oldest) = (window[0], window[window.len() - 1]);
            days = rest;
            // Without a limit the places of all rows of a window are in memory.
            if limit.is_some() {
                together = (together * 2).min(MOST_DAYS);
            }
            let in_window = ident("day").between(day(oldest), day(newest));
            let rows = self
                .narrow_rows(table, conditions)
                .await?
                .filter(in_window)?;
            let places = self.places(rows, left).await?;
            left = left.map(|left| left - places.len());
            let mut places = places.as_slice();
            while !places.is_empty() {
                let (next, rest) = places.split_at(content_rows.min(places.len()));
                places = rest;
                let rows = self.content(table, next, columns).await?;
                content_rows = match rows.get_array_memory_size() {
                    ..CONTENT_BYTES => (content_rows * 2).min(CONTENT_ROWS.1),
                    _ => (content_rows / 2).max(1),
                };
                let found_rows = Found {
                    rows,
                    days: all.len(),
                    searched_days: all.len() - days.len(),
                };
                if found(&found_rows).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
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

    /// How many rows there are of each value of these, the most frequent first.
    ///
    /// # Errors
    /// There is no such column, the archive cannot be read, or the memory does not suffice.
    pub async fn count_by(
        &self,
        table: TableKind,
        conditions: &Conditions,
        by: &[Grouping],
        limit: Option<usize>,
    ) -> Result<DataFrame> {
        let mut rows = self.narrow_rows(table, conditions).await?;
        // A row with several resources counts for each of them.
        let mut lists: Vec<&str> = by.iter().flat_map(Grouping::columns).collect();
        lists.retain(|column| list_columns(table).any(|list| list == *column));
        lists.sort_unstable();
        lists.dedup();
        if !lists.is_empty() {
            rows = rows.unnest_columns(&lists)?;
        }
        let groups: Vec<Expr> = by.iter().map(Grouping::value).collect();
        let counts = rows.aggregate(groups, vec![count(lit(1)).alias(COUNT)])?;
        let mut order = vec![ident(COUNT).sort(false, false)];
        let names = by.iter().map(|group| ident(group.name).sort(true, false));
        order.extend(names);
        counts.sort(order)?.limit(0, limit)
    }

    /// How many rows there are in each hour, day, week or month that has any, the oldest first: `begin`, `count`.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub async fn histogram(
        &self,
        table: TableKind,
        conditions: &Conditions,
        unit: Unit,
    ) -> Result<DataFrame> {
        let counts = match unit.width_us() {
            None => self.rows_per_day(table, conditions).await?,
            Some(width_us) => {
                let rows = self.narrow_rows(table, conditions).await?;
                let width = || lit(width_us);
                // Also before 1970 a unit begins with the full minute or hour.
                let time_us = || cast(ident("time"), DataType::Int64);
                let since = (time_us() % width() + width()) % width();
                let begin_us = (time_us() - since).alias("begin");
                rows.aggregate(vec![begin_us], vec![count(lit(1)).alias(COUNT)])?
            }
        };
        // The engine's own way to cut times off knows none before 1678 and after 2261.
        let mut bars: BTreeMap<i64, i64> = BTreeMap::new();
        for batch in counts.collect().await? {
            let begins: Vec<i64> = match batch.column(0).as_primitive_opt::<Date32Type>() {
                Some(days) => days
                    .values()
                    .iter()
                    .map(|day| unit.begin_ms(begin_of_day_ms(*day) * 1_000) * 1_000)
                    .collect(),
                None => batch
                    .column(0)
                    .as_primitive::<Int64Type>()
                    .values()
                    .to_vec(),
            };
            let counts = batch.column(1).as_primitive::<Int64Type>();
            for (begin_us, count) in begins.into_iter().zip(counts.values()) {
                *bars.entry(begin_us).or_default() += count;
            }
        }
        let (begins, counts): (Vec<i64>, Vec<i64>) = bars.into_iter().unzip();
        let begins = TimestampMicrosecondArray::from(begins).with_timezone("UTC");
        let begins: ArrayRef = Arc::new(begins);
        let counts: ArrayRef = Arc::new(Int64Array::from(counts));
        self.given(RecordBatch::try_from_iter([
            ("begin", begins),
            (COUNT, counts),
        ])?)
    }

    /// How many rows there are of each day: `day`, `count`. Days that are asked for whole are not read, because it is known
    /// how many rows each has.
    async fn rows_per_day(&self, table: TableKind, conditions: &Conditions) -> Result<DataFrame> {
        let per_day =
            |rows: DataFrame| rows.aggregate(vec![ident("day")], vec![count(lit(1)).alias(COUNT)]);
        let rows = self.narrow_rows(table, conditions).await?;
        let Some((first, last)) = conditions.whole_days() else {
            return per_day(rows);
        };
        let known = self.rows_of_days(table, |day| (first..=last).contains(&day));
        let Some(known) = known else {
            return per_day(rows);
        };
        let (days, counts): (Vec<i32>, Vec<i64>) = known
            .into_iter()
            .map(|(day, rows)| (day, i64::try_from(rows).unwrap_or(i64::MAX)))
            .unzip();
        let days: ArrayRef = Arc::new(Date32Array::from(days));
        let counts: ArrayRef = Arc::new(Int64Array::from(counts));
        let known = RecordBatch::try_from_iter([("day", days), (COUNT, counts)])?;
        let beside = ident("day").not_between(day(first), day(last));
        per_day(rows.filter(beside)?)?.union(self.given(known)?)
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

    /// Where the newest of these rows are, the newest first.
    async fn places(&self, rows: DataFrame, limit: Option<usize>) -> Result<Vec<Place>> {
        let rows = rows.select_columns(&PLACE)?;
        let order = PLACE.map(|column| ident(column).sort(false, false));
        let rows = rows.sort(order.to_vec())?;
        let rows = rows.limit(0, limit)?;
        let mut places = Vec::new();
        for batch in rows.collect().await? {
            places.extend(Place::of(&batch));
        }
        Ok(places)
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
        let place = PLACE.iter().enumerate();
        let place = place.map(|(number, column)| ident(*column).alias(format!("place {number}")));
        let rows = rows.select(place.chain(wanted).collect::<Vec<_>>())?;
        let schema = Arc::new(rows.schema().as_arrow().clone());
        let rows = concat_batches(&schema, &rows.collect().await?)?;
        let at: HashMap<Place, u32> = Place::of(&rows).zip(0..).collect();
        let order = places.iter().filter_map(|place| at.get(place).copied());
        let order = UInt32Array::from_iter_values(order);
        let wanted: Vec<usize> = (PLACE.len()..rows.num_columns()).collect();
        Ok(take_record_batch(&rows.project(&wanted)?, &order)?)
    }
}

/// The width of a bar of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day in UTC.
    Day,
    /// A week from Monday on.
    Week,
    /// A month.
    Month,
}

impl Unit {
    /// When the unit begins in which a time is, in milliseconds since the Unix epoch; the time is in microseconds.
    pub fn begin_ms(self, time_us: i64) -> i64 {
        let time_ms = time_us.div_euclid(1_000);
        let day = day_of(time_ms);
        let first_day = match (self, self.width_us()) {
            (_, Some(width_us)) => {
                return time_us.div_euclid(width_us) * (width_us / 1_000);
            }
            // The Unix epoch was a Thursday.
            (Unit::Week, _) => day - (day + 3).rem_euclid(7),
            (Unit::Month, _) => first_of_month(day),
            _ => day,
        };
        begin_of_day_ms(first_day)
    }

    /// The width of those that are smaller than a day, in microseconds.
    const fn width_us(self) -> Option<i64> {
        match self {
            Unit::Minute => Some(60_000_000),
            Unit::Hour => Some(3_600_000_000),
            Unit::Day | Unit::Week | Unit::Month => None,
        }
    }
}

/// What rows are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    /// Its name.
    pub name: &'static str,
    /// The columns of which the first that has a value gives it.
    columns: &'static [&'static str],
}

impl Grouping {
    /// Groupings that are no column.
    const NAMED: [Grouping; 5] = [
        Grouping::new("actor", &["actor_name", "actor_email", "actor_uid"]),
        Grouping::new("resource", &["resource_name", "resource_uid"]),
        Grouping::new("access_key", &["credential"]),
        Grouping::new("ip", &["address"]),
        Grouping::new("sensitive", &["sensitivity"]),
    ];

    const fn new(name: &'static str, columns: &'static [&'static str]) -> Grouping {
        Grouping { name, columns }
    }

    /// The grouping of this name: one of those that are no column, or a column of the table.
    pub fn of(table: TableKind, name: &str) -> Option<Grouping> {
        let mut known = table.columns().iter();
        let named = Grouping::NAMED.into_iter().find(|group| group.name == name);
        match named {
            Some(group) => known
                .any(|column| column.name == group.columns[0])
                .then_some(group),
            None => {
                let column = known.find(|column| column.name == name)?;
                let columns = std::slice::from_ref(&column.name);
                Some(Grouping::new(column.name, columns))
            }
        }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.columns.iter().copied()
    }

    pub(super) fn value(&self) -> Expr {
        let values: Vec<Expr> = self.columns().map(ident).collect();
        match &values[..] {
            [only] => only.clone().alias(self.name),
            _ => coalesce(values).alias(self.name),
        }
    }
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

/// Where a row is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Place {
    time_us: i64,
    topic: String,
    partition: i32,
    offset: i64,
}

impl Place {
    /// The rows with the columns of [`PLACE`].
    fn of(rows: &RecordBatch) -> impl Iterator<Item = Place> {
        let times = rows.column(0).as_primitive::<TimestampMicrosecondType>();
        let topics = rows.column(1).as_string_view();
        let partitions = rows.column(2).as_primitive::<Int32Type>();
        let offsets = rows.column(3).as_primitive::<Int64Type>();
        (0..rows.num_rows()).map(|row| Place {
            time_us: times.value(row),
            topic: topics.value(row).to_owned(),
            partition: partitions.value(row),
            offset: offsets.value(row),
        })
    }
}

/// The columns that hold lists.
pub(super) fn list_columns(table: TableKind) -> impl Iterator<Item = &'static str> {
    let columns = table.columns().iter();
    let lists = columns.filter(|column| column.kind == ColumnType::Texts);
    lists.map(|column| column.name)
}
