//! What values rows have in some columns: how often, and when first and last. One pass over the rows gives several columns.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::{Expr, grouping_set, ident, lit};
use datafusion::prelude::DataFrame;

use super::conditions::Conditions;
use super::engine::Engine;
use super::search::list_columns;
use crate::archive::TableKind;

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetValue {
    /// The value.
    pub value: String,
    /// How many rows have it.
    pub count: u64,
    /// The time of the first row and of the last one, in milliseconds since the Unix epoch.
    pub span_ms: (i64, i64),
}

/// The values of a column, the most frequent first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// The column.
    pub column: &'static str,
    /// Its most frequent values.
    pub values: Vec<FacetValue>,
    /// How many values it has in all.
    pub distinct: usize,
}

impl Engine {
    /// The most frequent values of these columns of texts, at most `limit` of each.
    ///
    /// # Errors
    /// A column is none of the table or holds no texts, the archive cannot be read, or the memory does not suffice.
    pub async fn facets(
        &self,
        table: TableKind,
        conditions: &Conditions,
        columns: &[&'static str],
        limit: usize,
    ) -> Result<Vec<Facet>> {
        let is_list = |column: &&str| list_columns(table).any(|list| list == *column);
        let (lists, texts): (Vec<&str>, Vec<&str>) =
            columns.iter().partition(|column| is_list(column));
        let mut found: BTreeMap<&str, Vec<FacetValue>> = BTreeMap::new();
        if !texts.is_empty() {
            let rows = self.rows(table, conditions).await?;
            gather(rows, &texts, &mut found).await?;
        }
        for list in lists {
            // A row with several values counts for each of them.
            let rows = self.rows(table, conditions).await?;
            let rows = rows
                .select_columns(&["time", list])?
                .unnest_columns(&[list])?;
            gather(rows, &[list], &mut found).await?;
        }
        let facets = columns.iter().map(|column| {
            let mut values = found.remove(column).unwrap_or_default();
            values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
            let distinct = values.len();
            values.truncate(limit);
            Facet {
                column,
                values,
                distinct,
            }
        });
        Ok(facets.collect())
    }
}

/// Adds the values that rows have in these columns.
async fn gather<'c>(
    rows: DataFrame,
    columns: &[&'c str],
    found: &mut BTreeMap<&'c str, Vec<FacetValue>>,
) -> Result<()> {
    let sets = columns.iter().map(|column| vec![ident(*column)]);
    let groups: Expr = grouping_set(sets.collect());
    let counted = rows.aggregate(
        vec![groups],
        vec![
            count(lit(1)).alias("rows"),
            min(ident("time")).alias("first"),
            max(ident("time")).alias("last"),
        ],
    )?;
    for batch in counted.collect().await? {
        for column in columns {
            add(&batch, column, found.entry(column).or_default())?;
        }
    }
    Ok(())
}

/// Adds the groups of one column; those of the others have no value in it.
fn add(groups: &RecordBatch, column: &str, values: &mut Vec<FacetValue>) -> Result<()> {
    let named = |name: &str| {
        let missing = || exec_datafusion_err!("an answer lacks the column {name}");
        groups.column_by_name(name).ok_or_else(missing)
    };
    let texts = arrow::compute::cast(named(column)?, &arrow::datatypes::DataType::Utf8View)?;
    let texts = texts.as_string_view();
    let counts = named("rows")?.as_primitive::<Int64Type>();
    let first = named("first")?.as_primitive::<TimestampMicrosecondType>();
    let last = named("last")?.as_primitive::<TimestampMicrosecondType>();
    let of_column = (0..groups.num_rows()).filter(|row| texts.is_valid(*row));
    values.extend(of_column.map(|row| FacetValue {
        value: texts.value(row).to_owned(),
        count: counts.value(row).unsigned_abs(),
        span_ms: (
            first.value(row).div_euclid(1_000),
            last.value(row).div_euclid(1_000),
        ),
    }));
    Ok(())
}
