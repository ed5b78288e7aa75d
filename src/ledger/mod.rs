//! The ledger: what was read of each partition of the sources, as a chain of hashes over the source records in their
//! order, and what was published of each. Here are the chain, the records of the ledger's topic as they are written and
//! read, and the hashes of what is published. Who writes them is the business of `roles`, who checks them that of
//! `archive`.

mod chain;
mod entry;
mod hash;
mod record;
mod run;

pub use chain::Chain;
pub use entry::{Entry, EntryError, Fates, OutputEntry, entries};
pub use hash::{ALGORITHM, OutputHash, Sum, letter_hash, output_hash, value_hash};
pub use record::{Kind, LedgerRecord, LedgerRecordError, Links, VERSION, ledger_key};
pub use run::{Bounds, Run, outputs_record};

#[cfg(test)]
mod tests;
