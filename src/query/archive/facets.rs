//! What values rows have in some columns, how often, and when first and last; and how many rows there are when. All of it is
//! counted in one pass over the rows, in this process's own tables: a value that a batch has many times is looked up once.

use std::collections::hash_map::Entry;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::{Expr, ident};
use foldhash::{HashMap, HashMapExt};
use futures::StreamExt;

use super::bars::{Bars, Unit};
use super::conditions::Conditions;
use super::counted_values::{CountedValues, Seen};
use super::engine::Engine;
use super::grouping::Grouping;
use super::text_lists::TextLists;
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

/// What was counted of some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facets {
    /// The columns, in the order in which they were asked for.
    pub columns: Vec<Facet>,
    /// How many rows there are in each unit of time that has any, the oldest first, by its beginning in milliseconds since the
    /// Unix epoch.
    pub times: Vec<(i64, u64)>,
}

impl Engine {
    /// The most frequent values of these groupings, which are of texts or of lists of texts, at most `limit` of each; a row
    /// with several values counts once for each of them.
    ///
    /// # Errors
    /// A column is none of the table or holds no texts, the archive cannot be read, or the memory does not suffice.
    pub async fn facets(
        &self,
        table: TableKind,
        conditions: &Conditions,
        columns: &[&'static str],
        (limit, unit): (usize, Unit),
    ) -> Result<Facets> {
        let groupings: Option<Vec<Grouping>> = columns
            .iter()
            .map(|name| Grouping::of(table, name))
            .collect();
        let groupings = groupings.ok_or_else(no_texts)?;
        let columns_of = |grouping: &Grouping| -> Vec<Expr> {
            match grouping.is_of_lists(table) {
                // In lists the next column is asked for each value.
                true => grouping.columns().map(ident).collect(),
                false => vec![grouping.value()],
            }
        };
        let wanted: Vec<Vec<Expr>> = groupings.iter().map(columns_of).collect();
        let widths: Vec<usize> = wanted.iter().map(Vec::len).collect();
        // A column may be wanted twice.
        let wanted = wanted.into_iter().flatten().enumerate();
        let wanted = wanted.map(|(number, column)| column.alias(format!("column {number}")));
        let wanted: Vec<Expr> = [ident("time")].into_iter().chain(wanted).collect();
        let rows = self.narrow_rows(table, conditions).await?;
        let mut rows = rows.select(wanted)?.execute_stream().await?;
        let memory = MemoryConsumer::new("facets").register(&self.memory_pool());
        let mut counting = Counting {
            memory,
            columns: columns.iter().map(|_| CountedValues::default()).collect(),
            bars: Bars::new(unit),
        };
        while let Some(batch) = rows.next().await {
            counting.add(&batch?, &widths)?;
        }
        Ok(counting.counted(columns, limit))
    }
}

/// What is counted while rows come.
struct Counting {
    memory: MemoryReservation,
    columns: Vec<CountedValues>,
    bars: Bars,
}

impl Counting {
    /// Adds rows, whose first column is the time; `widths` says how many of the others belong together.
    fn add(&mut self, rows: &RecordBatch, widths: &[usize]) -> Result<()> {
        let times = rows.column(0).as_primitive::<TimestampMicrosecondType>();
        self.bars.add(times.values());
        let mut columns = &rows.columns()[1..];
        for (number, width) in widths.iter().enumerate() {
            let (these, others) = columns.split_at(*width);
            columns = others;
            match these {
                [texts_column] if texts_column.as_string_view_opt().is_some() => {
                    let of_row = (0..rows.num_rows()).map(|row| (row, times.value(row)));
                    self.merge(number, seen(texts_column.as_string_view(), of_row))?;
                }
                lists => self.merge(number, seen_in_lists(lists, times.values())?)?,
            }
        }
        Ok(())
    }

    fn merge(&mut self, number: usize, seen: Vec<(&str, Seen)>) -> Result<()> {
        let values = &mut self.columns[number];
        seen.into_iter()
            .try_for_each(|(value, seen)| values.add(value, seen, &mut self.memory))
    }

    fn counted(self, columns: &[&'static str], limit: usize) -> Facets {
        let facets = columns.iter().zip(self.columns).map(|(column, known)| {
            let most_frequent = known.most_frequent(limit).map(|(value, seen)| FacetValue {
                value: value.to_owned(),
                count: seen.count,
                span_ms: (
                    seen.span_us.0.div_euclid(1_000),
                    seen.span_us.1.div_euclid(1_000),
                ),
            });
            Facet {
                column,
                values: most_frequent.collect(),
                distinct: known.len(),
            }
        });
        let facets = facets.collect();
        Facets {
            columns: facets,
            times: self.bars.iter().collect(),
        }
    }
}

/// The different values at these places, each with its time. Within an array two texts with the same view are the same.
fn seen(texts: &StringViewArray, at: impl Iterator<Item = (usize, i64)>) -> Vec<(&str, Seen)> {
    let mut seen: HashMap<u128, (usize, Seen)> = HashMap::new();
    for (at, time_us) in at.filter(|(at, _)| texts.is_valid(*at)) {
        let now = Seen::at(time_us);
        seen.entry(texts.views()[at])
            .and_modify(|(_, seen)| seen.add(&now))
            .or_insert((at, now));
    }
    let values = seen.into_values();
    values.map(|(at, seen)| (texts.value(at), seen)).collect()
}

/// The same of texts that stand in lists, each of which is stored by itself: of each place of a list the first column counts
/// that has a text there. A text that a row has twice counts once.
fn seen_in_lists<'a>(columns: &'a [ArrayRef], times: &[i64]) -> Result<Vec<(&'a str, Seen)>> {
    let lists = TextLists::of_all(columns)?;
    let mut seen: HashMap<&str, (usize, Seen)> = HashMap::new();
    for (row, time_us) in times.iter().enumerate() {
        let now = Seen::at(*time_us);
        let longest = lists.iter().map(|list| list.length(row)).max();
        for place in 0..longest.unwrap_or_default() {
            let text = lists.iter().find_map(|list| list.text(row, place));
            let Some(text) = text else {
                continue;
            };
            match seen.entry(text) {
                Entry::Vacant(entry) => {
                    entry.insert((row, now));
                }
                Entry::Occupied(mut entry) => {
                    let (last, seen) = entry.get_mut();
                    if *last != row {
                        *last = row;
                        seen.add(&now);
                    }
                }
            }
        }
    }
    let seen = seen.into_iter();
    Ok(seen.map(|(text, (_, seen))| (text, seen)).collect())
}

fn no_texts() -> DataFusionError {
    exec_datafusion_err!("values are counted of texts and of lists of texts")
}
