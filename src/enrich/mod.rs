//! What an event does not say about those it names.

mod apply;
pub mod names;

pub use apply::apply;
pub use names::Names;
