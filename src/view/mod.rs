//! Shows events, alerts and dead letters of the output topics to a person, as a line or a page each, and
//! filters them.
//! Invariant: values of a record reach a terminal only as printable text.

mod emitted;
mod fields;
mod filter;
mod line;
mod page;
mod pretty;
mod reference;
mod rule_outcome;
mod style;
pub mod words;

pub use crate::printable::{printable, printable_json};
pub use emitted::{Emitted, JsonPart, RecordKind, SOURCE_TOPIC, first_of_ours};
pub use fields::FieldPath;
pub use filter::{Filter, FilterText};
pub use line::line;
pub use page::{heading, page};
pub use reference::{At, Reference};
pub use rule_outcome::rule_outcome;
pub use style::Paint;
