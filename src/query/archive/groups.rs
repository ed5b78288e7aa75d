//! How many rows there are of each value: who did how much of what.

use datafusion::common::Result;
use datafusion::functions::core::expr_ext::FieldAccessor;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, ident, lit};
use datafusion::prelude::DataFrame;

use super::conditions::Conditions;
use super::engine::Engine;
use super::once_each::once_each;
use crate::archive::{ColumnType, TableKind};

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

/// What rows are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    /// Whether its columns hold lists.
    pub(super) fn is_of_lists(&self, table: TableKind) -> bool {
        list_columns(table).any(|list| self.columns.contains(&list))
    }

    pub(super) fn value(&self) -> Expr {
        let values: Vec<Expr> = self.columns().map(ident).collect();
        match &values[..] {
            [only] => only.clone().alias(self.name),
            _ => coalesce(values).alias(self.name),
        }
    }
}

/// The columns that hold lists.
pub(super) fn list_columns(table: TableKind) -> impl Iterator<Item = &'static str> {
    let columns = table.columns().iter();
    let lists = columns.filter(|column| column.kind == ColumnType::Texts);
    lists.map(|column| column.name)
}
