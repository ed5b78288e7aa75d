//! The statistics of data files in the Delta log (Delta protocol, "Per-file Statistics"): by them readers leave out
//! files without reading them.

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{max, max_string, min, min_string, take};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use serde_json::{Map, Value, json};

use super::column::{Column, ColumnType, Lookup};
use super::columns::TableKind;

/// Longer texts have no smallest and largest value, since cutting the largest would make it smaller. What stands for a
/// file has 69.
const MAX_TEXT_BYTES: usize = 80;

/// The statistics of these of the rows, as JSON text.
///
/// # Errors
/// The numbers of `chosen` are not those of rows.
pub(super) fn statistics(
    kind: TableKind,
    rows: &RecordBatch,
    chosen: &UInt32Array,
) -> Result<String, ArrowError> {
    let (mut smallest, mut largest, mut nulls) = (Map::new(), Map::new(), Map::new());
    let columns = kind.columns().iter().zip(rows.columns());
    let ranged = |column: &Column| column.lookup == Lookup::Range && column.kind != ColumnType::Day;
    for (column, values) in columns.filter(|(column, _)| ranged(column)) {
        let values = take(values, chosen, None)?;
        nulls.insert(column.name.into(), json!(values.null_count()));
        if let Some((least, greatest)) = range(column.kind, &values) {
            smallest.insert(column.name.into(), least);
            largest.insert(column.name.into(), greatest);
        }
    }
    let statistics = json!({
        "numRecords": chosen.len(),
        "minValues": smallest,
        "maxValues": largest,
        "nullCount": nulls,
    });
    Ok(statistics.to_string())
}

/// The statistics in the Delta log of a file with the rows of all these files. What one of them does not say, the
/// result does not say.
pub fn merged_statistics(all: &[Value]) -> String {
    let sum = |values: &mut dyn Iterator<Item = Option<i64>>| values.sum::<Option<i64>>();
    let rows = sum(&mut all.iter().map(|one| one["numRecords"].as_i64()));
    let mut merged = Map::new();
    merged.insert("numRecords".into(), json!(rows));
    for (part, is_better) in [
        (
            "minValues",
            (|a, b| less(a, b)) as fn(&Value, &Value) -> bool,
        ),
        ("maxValues", |a, b| less(b, a)),
    ] {
        let mut values = Map::new();
        for name in names(all, part) {
            let of_files = all.iter().filter(|one| !is_all_null(one, &name));
            let of_files = of_files.map(|one| one[part].get(&name));
            let best = of_files.reduce(|best, value| match (best, value) {
                (Some(best), Some(value)) => {
                    Some(if is_better(value, best) { value } else { best })
                }
                _ => None,
            });
            if let Some(Some(best)) = best {
                values.insert(name, best.clone());
            }
        }
        merged.insert(part.into(), Value::Object(values));
    }
    let mut nulls = Map::new();
    for name in names(all, "nullCount") {
        let count = sum(&mut all.iter().map(|one| one["nullCount"][&name].as_i64()));
        if let Some(count) = count {
            nulls.insert(name, json!(count));
        }
    }
    merged.insert("nullCount".into(), Value::Object(nulls));
    Value::Object(merged).to_string()
}

/// The columns of which any of the statistics says something.
fn names(all: &[Value], part: &str) -> Vec<String> {
    let mut names: Vec<String> = all
        .iter()
        .filter_map(|one| one[part].as_object())
        .flat_map(|values| values.keys().cloned())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Whether a file has no value in the column.
fn is_all_null(one: &Value, name: &str) -> bool {
    let nulls = one["nullCount"][name].as_i64();
    nulls.is_some() && nulls == one["numRecords"].as_i64()
}

fn less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a < b,
        _ => a.as_i64() < b.as_i64(),
    }
}

/// The smallest and the largest of the values that are there.
fn range(kind: ColumnType, values: &dyn Array) -> Option<(Value, Value)> {
    match kind {
        ColumnType::Int => {
            let values = values.as_primitive::<Int32Type>();
            Some((json!(min(values)?), json!(max(values)?)))
        }
        ColumnType::Long => {
            let values = values.as_primitive::<Int64Type>();
            Some((json!(min(values)?), json!(max(values)?)))
        }
        ColumnType::Time => {
            let values = values.as_primitive::<TimestampMicrosecondType>();
            Some((moment(min(values)?)?, moment(max(values)?)?))
        }
        ColumnType::Text => {
            let values = values.as_string::<i32>();
            let (least, greatest) = (min_string(values)?, max_string(values)?);
            let is_short = least.len().max(greatest.len()) <= MAX_TEXT_BYTES;
            is_short.then(|| (json!(least), json!(greatest)))
        }
        ColumnType::Day | ColumnType::Flag | ColumnType::Texts | ColumnType::Bytes => None,
    }
}

/// Such as `2026-03-14T09:26:53.589Z`: times have whole milliseconds, which this form keeps.
fn moment(time_us: i64) -> Option<Value> {
    let time = jiff::Timestamp::from_microsecond(time_us).ok()?;
    Some(json!(format!("{time:.3}")))
}
