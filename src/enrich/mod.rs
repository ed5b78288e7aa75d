//! Adds what the operator's files say of the ids and addresses of an event: names, owners, teams and networks.

mod apply;
mod lookups;
pub mod names;
pub mod networks;
mod ranges;
mod table;

pub use apply::apply;
pub use lookups::{LookupCounts, LookupFile, LookupFiles, LookupOutcome, Lookups};
pub use names::Names;
pub use networks::Networks;
