//! What a person reads of events, alerts and dead letters as they stand in the output topics: one
//! line each, or a page; and which of them a filter takes.
//! Invariant: no value of a record reaches a terminal as anything but text.

mod emitted;
mod fields;
mod filter;
mod line;
mod page;
mod pretty;
mod reference;
mod style;
pub mod words;

pub use crate::printable::{printable, printable_json};
pub use emitted::{Emitted, Kind, Part, source_ids};
pub use fields::FieldPath;
pub use filter::{Filter, Written};
pub use line::line;
pub use page::{heading, page};
pub use reference::{At, Reference};
pub use style::Paint;
