//! What people decide of alerts: the incidents that alerts with one group key make, and their triage records, which are
//! the only state. Invariant: the same alerts and the same records give the same incidents with the same keys, in
//! whatever order they were read.

mod board;
mod gather;
mod key;
mod proposal;
mod record;
mod state;

pub use board::{Board, Unreadable};
pub use gather::{Alert, Incident, gather, named};
pub use key::IncidentKey;
pub use proposal::{Deed, proposal};
pub use record::{Change, LONGEST_COMMENT, LONGEST_NAME, Mark, Seen, Triage};
pub use state::TriageState;

#[cfg(test)]
mod tests;
