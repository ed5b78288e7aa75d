//! What people have decided of alerts: read from Kafka by a keeper, written by whoever decides, shared by all requests.
//! Invariant: Kafka alone has the state. A decision is acknowledged when it was read back, and none overwrites another one
//! that whoever decides has not seen.

mod keeper;
mod known;
mod topic;
mod writer;

pub use keeper::TriageKeeper;
pub(super) use known::Known;
pub use known::Triages;
pub(super) use writer::{Decision, Outcome, TriageWriter, Unwritten};
