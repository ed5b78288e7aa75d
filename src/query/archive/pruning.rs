//! What the Delta log says of the data files of a table, as DataFusion asks it when it leaves files out.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, ident, lit};
use jiff::Timestamp;
use serde_json::Value;

use crate::archive::{ColumnType, FileEntry, TableKind, begin_of_day_ms, day_number, day_of};

/// The statistics of files.
pub(super) struct FileStatistics<'f> {
    kind: TableKind,
    files: &'f [FileEntry],
}

impl<'f> FileStatistics<'f> {
    pub(super) fn new(kind: TableKind, files: &'f [FileEntry]) -> FileStatistics<'f> {
        FileStatistics { kind, files }
    }

    /// The times of the first and the last row of a file.
    pub(super) fn time(file: &FileEntry) -> Option<(ScalarValue, ScalarValue)> {
        let of = |part: &str| scalar(ColumnType::Time, &file.statistics[part]["time"]);
        Some((of("minValues")?, of("maxValues")?))
    }

    /// A value for each file of a column.
    fn values(&self, column: &Column, part: &str) -> Option<ArrayRef> {
        let mut columns = self.kind.columns().iter();
        let kind = columns.find(|known| known.name == column.name)?.kind;
        let none = null(kind)?;
        let values = self.files.iter().map(|file| {
            let value = match kind {
                ColumnType::Day => Some(ScalarValue::Date32(Some(day_number(&file.day)))),
                kind => scalar(kind, &file.statistics[part][&column.name]),
            };
            value.unwrap_or_else(|| none.clone())
        });
        ScalarValue::iter_to_array(values).ok()
    }
}

impl PruningStatistics for FileStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, "minValues")
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, "maxValues")
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let counts = self.files.iter();
        let counts = counts.map(|file| file.statistics["nullCount"][&column.name].as_u64());
        Some(Arc::new(UInt64Array::from_iter(counts)))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let counts = self.files.iter();
        let counts = counts.map(|file| file.statistics["numRecords"].as_u64());
        Some(Arc::new(UInt64Array::from_iter(counts)))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// No value of a type; `None` for types of which there are no statistics.
fn null(kind: ColumnType) -> Option<ScalarValue> {
    match kind {
        ColumnType::Day => Some(ScalarValue::Date32(None)),
        ColumnType::Time => Some(time_scalar(None)),
        ColumnType::Int => Some(ScalarValue::Int32(None)),
        ColumnType::Long => Some(ScalarValue::Int64(None)),
        ColumnType::Text => Some(ScalarValue::Utf8View(None)),
        ColumnType::Flag | ColumnType::Texts | ColumnType::Bytes => None,
    }
}

/// A value of the Delta log.
fn scalar(kind: ColumnType, value: &Value) -> Option<ScalarValue> {
    match kind {
        ColumnType::Time => {
            let at: Timestamp = value.as_str()?.parse().ok()?;
            Some(time_scalar(Some(at.as_microsecond())))
        }
        ColumnType::Int => {
            let number = i32::try_from(value.as_i64()?).ok()?;
            Some(ScalarValue::Int32(Some(number)))
        }
        ColumnType::Long => Some(ScalarValue::Int64(Some(value.as_i64()?))),
        ColumnType::Text => Some(ScalarValue::Utf8View(Some(value.as_str()?.to_owned()))),
        ColumnType::Day | ColumnType::Flag | ColumnType::Texts | ColumnType::Bytes => None,
    }
}

/// A value of the column `day`, in days since the Unix epoch.
pub(super) fn day(number: i32) -> Expr {
    lit(ScalarValue::Date32(Some(number)))
}

/// A value of a column of texts.
pub(super) fn text_value(text: &str) -> Expr {
    lit(ScalarValue::Utf8View(Some(text.to_owned())))
}

/// Whether a row is before a time in microseconds since the Unix epoch. Of most files the day says it for all rows, and for
/// the beginning of a day it says it for every row.
pub(super) fn earlier(time_us: i64) -> Expr {
    let of_time = day(day_of(time_us.div_euclid(1_000)));
    let is_earlier = ident("day").lt(of_time);
    match begins_day(time_us) {
        true => is_earlier,
        false => is_earlier.or(ident("time").lt(lit(time_scalar(Some(time_us))))),
    }
}

/// Whether a row is not before such a time.
pub(super) fn not_earlier(time_us: i64) -> Expr {
    let of_time = || day(day_of(time_us.div_euclid(1_000)));
    match begins_day(time_us) {
        true => ident("day").gt_eq(of_time()),
        false => {
            let is_late = ident("time").gt_eq(lit(time_scalar(Some(time_us))));
            ident("day").gt(of_time()).or(is_late)
        }
    }
}

fn begins_day(time_us: i64) -> bool {
    let day = day_of(time_us.div_euclid(1_000));
    begin_of_day_ms(day).checked_mul(1_000) == Some(time_us)
}

/// A value of the column `time`, in microseconds since the Unix epoch.
pub(super) fn time_scalar(microseconds: Option<i64>) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(microseconds, Some("UTC".into()))
}
