//! Adds what the operator's files say of the ids and addresses of an event (names, owners, teams, networks and places),
//! and which program was used.

mod apply;
pub mod geoip;
mod lookups;
mod memory;
pub mod names;
pub mod networks;
mod ranges;
mod table;

pub use apply::apply;
pub use lookups::{LookupCounts, LookupFile, LookupFiles, LookupOutcome, Lookups};
pub use memory::LookupMemory;
pub use names::Names;
pub use networks::Networks;
