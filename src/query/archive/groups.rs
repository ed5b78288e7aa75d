//! How many rows there are of each value: who did how much of what.

use datafusion::common::Result;
use datafusion::functions::core::expr_ext::FieldAccessor;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, ident, lit};
use datafusion::prelude::DataFrame;

use super::conditions::Conditions;
use super::engine::Engine;
use super::grouping::Grouping;
use super::once_each::once_each;
use crate::archive::TableKind;

/// The column with the number of rows of a group.
pub(super) const COUNT: &str = "count";

/// The column with the values of lists.
const LISTED: &str = "listed";

impl Engine {
    /// How many rows there are of each value of these, the most frequent first. A row with several resources counts for each
    /// of them, and once for one that it has twice.
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
        let is_listed = |grouping: &Grouping| grouping.is_of_lists(table);
        let listed: Vec<Grouping> = by.iter().copied().filter(is_listed).collect();
        let of_row = by.iter().filter(|grouping| !is_listed(grouping));
        let mut values: Vec<Expr> = of_row.map(Grouping::value).collect();
        if !listed.is_empty() {
            values.push(once_each(&listed).alias(LISTED));
        }
        rows = rows.select(values)?;
        if !listed.is_empty() {
            rows = rows.unnest_columns(&[LISTED])?;
        }
        let group = |grouping: &Grouping| match is_listed(grouping) {
            true => ident(LISTED).field(grouping.name).alias(grouping.name),
            false => ident(grouping.name),
        };
        let groups: Vec<Expr> = by.iter().map(group).collect();
        let counts = rows.aggregate(groups, vec![count(lit(1)).alias(COUNT)])?;
        let mut order = vec![ident(COUNT).sort(false, false)];
        let names = by.iter().map(|group| ident(group.name).sort(true, false));
        order.extend(names);
        counts.sort(order)?.limit(0, limit)
    }
}
