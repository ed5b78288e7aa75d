//! Shows events, alerts and dead letters of the output topics to a person, as a line or in detail, and filters them.
//! Invariant: values of a record are shown only as printable text, with secrets hidden.

mod details;
mod emitted;
mod fields;
mod filter;
mod line;
mod pretty;
mod reference;
mod rule_outcome;
mod style;
pub mod words;

pub use crate::printable::{printable, printable_json};
pub use details::{Details, Part, details, heading, page};
pub use emitted::{Emitted, JsonPart, RecordKind, SOURCE_TOPIC, first_of_ours};
pub use fields::FieldPath;
pub use filter::{Filter, FilterText};
pub use line::line;
pub use pretty::pretty_record;
pub use reference::{At, Reference};
pub use rule_outcome::rule_outcome;
pub use style::{Paint, Tone, shown};
