//! An alert as OCSF 1.8.0 Detection Finding 2004: the one place that knows its form, written and read.

mod attack;
mod minimal;
pub mod path;
mod read;
mod severity;
mod shorten;
mod write;

pub use attack::{Attack, TACTICS};
pub use minimal::minimal;
pub use read::{Evidence, FindingText, Json};
pub use severity::{level as level_of, severity};
pub use shorten::shortened;
pub use write::{CLASS_UID, finding, source_finding};
