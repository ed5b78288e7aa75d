//! The tables and their columns. A column that is added goes to the end of its table, and old rows have null in it.

mod alerts;
mod dead_letters;
mod event;
mod events;
mod ledger;
mod record;

use super::column::Column;

/// A table of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableKind {
    /// Normalized events.
    Events,
    /// Alerts.
    Alerts,
    /// Records that could not become events.
    DeadLetters,
    /// What was read, as a chain of hashes.
    Ledger,
}

impl TableKind {
    /// Each of them.
    pub const ALL: [TableKind; 4] = [
        TableKind::Events,
        TableKind::Alerts,
        TableKind::DeadLetters,
        TableKind::Ledger,
    ];

    /// The name of the table in SQL, and of its folder below the archive's.
    pub const fn name(self) -> &'static str {
        match self {
            TableKind::Events => "events",
            TableKind::Alerts => "alerts",
            TableKind::DeadLetters => "dead_letters",
            TableKind::Ledger => "ledger",
        }
    }

    /// Its columns, in the order of the table. The first one is the day, by which the table is partitioned.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            TableKind::Events => events::COLUMNS,
            TableKind::Alerts => alerts::COLUMNS,
            TableKind::DeadLetters => dead_letters::COLUMNS,
            TableKind::Ledger => ledger::COLUMNS,
        }
    }
}
