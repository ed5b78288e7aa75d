//! What an event does not say about those it names.

pub mod names;

pub use names::{Kind, Name, Names};
