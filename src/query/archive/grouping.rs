//! What rows are counted by: a column, or several of which the first with a value gives it.

use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, ident};

use crate::archive::{ColumnType, TableKind};

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
        let mut columns = table.columns().iter();
        columns
            .any(|column| column.kind == ColumnType::Texts && self.columns.contains(&column.name))
    }

    pub(super) fn value(&self) -> Expr {
        let values: Vec<Expr> = self.columns().map(ident).collect();
        match &values[..] {
            [only] => only.clone().alias(self.name),
            _ => coalesce(values).alias(self.name),
        }
    }
}
