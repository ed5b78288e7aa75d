//! What is wrong in the archive, by the row that is named.

use std::fmt;
use std::sync::Arc;

use crate::archive::columns::TableKind;
use crate::view::At;

/// Most faults that are named; more are counted.
const MOST_NAMED: usize = 10_000;

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// It is not there.
    Missing,
    /// Its value is another one.
    Changed,
    /// It is there more than once.
    Doubled,
    /// Its columns are not those of its value.
    Columns,
    /// The ledger does not know it.
    Unknown,
    /// Of a row of the ledger: it does not say what it said.
    Ledger,
    /// Of a row of the ledger: it does not follow those before it.
    Order,
    /// Of a row of the ledger: a chain begins anew.
    Begun,
}

impl Problem {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Problem::Missing => "missing",
            Problem::Changed => "changed",
            Problem::Doubled => "doubled",
            Problem::Columns => "columns",
            Problem::Unknown => "unknown",
            Problem::Ledger => "ledger",
            Problem::Order => "order",
            Problem::Begun => "begun",
        }
    }
}

/// Where a row was read from: a position in an output topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowPlace {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.topic, self.partition, self.offset)
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub problem: Problem,
    /// The table.
    pub table: TableKind,
    /// The row, if it is there.
    pub at: Option<RowPlace>,
    /// The source record.
    pub source: Option<At>,
    /// The id of the event, if it has one.
    pub id: Option<String>,
    /// The rest, for a person.
    pub detail: String,
}

/// What is wrong, each row named as long as there are not too many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Those that are named.
    pub named: Vec<Fault>,
    /// How many there are.
    pub count: u64,
}

impl Faults {
    /// One more.
    pub fn add(&mut self, fault: Fault) {
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(fault);
        }
    }

    /// All of these, too.
    pub fn extend(&mut self, more: Faults) {
        let unnamed = more.count - more.named.len() as u64;
        more.named.into_iter().for_each(|fault| self.add(fault));
        self.count += unnamed;
    }
}
