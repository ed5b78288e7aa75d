//! Adds names, owners and teams from the operator's names file to events.

mod apply;
pub mod names;

pub use apply::apply;
pub use names::Names;
