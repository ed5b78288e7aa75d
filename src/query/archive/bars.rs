//! How many rows there are in each unit of time: the bars of a histogram. They are counted from the newest time on, so that
//! whoever has looked at the newest rows already has counted some of them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::ident;
use datafusion::prelude::DataFrame;
use futures::TryStreamExt;

use super::conditions::Conditions;
use super::engine::Engine;
use super::groups::COUNT;
use super::pruning::{day, earlier};
use crate::archive::{TableKind, begin_of_day_ms, day_of, first_of_month};

/// How many rows there are in each unit of time that has any.
#[derive(Debug)]
pub struct Bars {
    unit: Unit,
    /// By the beginning of the unit in milliseconds since the Unix epoch.
    counts: BTreeMap<i64, u64>,
    /// Rows before this time, in microseconds since the Unix epoch, are not counted yet; `None` if no rows are.
    counted_since_us: Option<i64>,
}

impl Bars {
    /// No rows are counted yet.
    pub fn new(unit: Unit) -> Bars {
        Bars {
            unit,
            counts: BTreeMap::new(),
            counted_since_us: None,
        }
    }

    /// How wide they are.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The beginning of each unit, in milliseconds since the Unix epoch, with the number of its rows, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u64)> {
        self.counts
            .iter()
            .map(|(begin_ms, rows)| (*begin_ms, *rows))
    }

    /// Counts rows with these times, in microseconds since the Unix epoch.
    pub(super) fn add(&mut self, times_us: &[i64]) {
        let unit = self.unit;
        let begin_ms = |time_us: &i64| unit.begin_ms(*time_us);
        for same in times_us.chunk_by(|one, next| begin_ms(one) == begin_ms(next)) {
            self.count(begin_ms(&same[0]), same.len() as u64);
        }
    }

    /// Counts rows of a day, where a unit is at least a day.
    fn add_of_day(&mut self, day: i32, rows: u64) {
        let begin_us = begin_of_day_ms(day).saturating_mul(1_000);
        self.count(self.unit.begin_ms(begin_us), rows);
    }

    fn count(&mut self, begin_ms: i64, rows: u64) {
        *self.counts.entry(begin_ms).or_default() += rows;
    }

    /// All rows since a time were added.
    pub(super) fn are_counted_since(&mut self, time_us: i64) {
        self.counted_since_us = Some(time_us);
    }
}

impl Engine {
    /// Counts all rows that are not counted yet. Days of which all rows are meant are not read, because it is known how many
    /// rows each has.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub async fn count_bars(
        &self,
        table: TableKind,
        conditions: &Conditions,
        bars: &mut Bars,
    ) -> Result<()> {
        let mut rows = self.narrow_rows(table, conditions).await?;
        let is_by_day = bars.unit.width_us().is_none();
        if let Some(since_us) = bars.counted_since_us {
            rows = rows.filter(earlier(since_us))?;
        } else if is_by_day
            && let Some((first, last)) = conditions.whole_days()
            && let Some(known) = self.rows_of_days(table, first..=last)
        {
            for (day, rows) in known {
                bars.add_of_day(day, rows);
            }
            rows = rows.filter(ident("day").not_between(day(first), day(last)))?;
        }
        let column = if is_by_day { "day" } else { "time" };
        let mut stream = rows.select_columns(&[column])?.execute_stream().await?;
        while let Some(rows) = stream.try_next().await? {
            let column = rows.column(0);
            match column.as_primitive_opt::<Date32Type>() {
                Some(days) => {
                    for same in days.values().chunk_by(|one, next| one == next) {
                        bars.add_of_day(same[0], same.len() as u64);
                    }
                }
                None => bars.add(column.as_primitive::<TimestampMicrosecondType>().values()),
            }
        }
        Ok(())
    }

    /// How many rows there are in each unit that has any, the oldest first: `begin`, `count`.
    ///
    /// # Errors
    /// As [`Engine::count_bars`].
    pub async fn histogram(
        &self,
        table: TableKind,
        conditions: &Conditions,
        unit: Unit,
    ) -> Result<DataFrame> {
        let mut bars = Bars::new(unit);
        self.count_bars(table, conditions, &mut bars).await?;
        let begins = bars
            .iter()
            .map(|(begin_ms, _)| begin_ms.saturating_mul(1_000));
        let begins = TimestampMicrosecondArray::from_iter_values(begins).with_timezone("UTC");
        let counts = bars
            .iter()
            .map(|(_, rows)| i64::try_from(rows).unwrap_or(i64::MAX));
        let counts = Int64Array::from_iter_values(counts);
        let columns: [(&str, ArrayRef); 2] =
            [("begin", Arc::new(begins)), (COUNT, Arc::new(counts))];
        self.given(RecordBatch::try_from_iter(columns)?)
    }

    /// How many rows a table has of each of these days, without reading any; `None` if that is not known.
    fn rows_of_days(&self, table: TableKind, days: RangeInclusive<i32>) -> Option<Vec<(i32, u64)>> {
        let known = self.known_days(table).filter(|(day, _)| days.contains(day));
        known.map(|(day, known)| Some((day, known.rows?))).collect()
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
