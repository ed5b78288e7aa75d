//! Whether the archive is complete and unaltered: the ledger's rows are followed as a chain, and everything that they say
//! was published is looked for among the rows of the other tables. Files are given by the caller, which runs these
//! functions on as many threads as it likes; memory holds what one part of a day has published.

mod continuity;
mod coverage;
mod expected;
mod fault;
mod ledger_rows;
mod links;
mod row;
mod table_rows;

pub use continuity::{Continuity, Neighbors, follow};
pub use coverage::{Coverage, Topics};
pub use expected::{Expectation, Judgement, Terms};
pub use fault::{Fault, Faults, Problem, RowPlace};
pub use ledger_rows::{LedgerRows, Selection, read_ledger};
pub use links::{Link, Of, links};
pub use table_rows::{backfilled, compare};
