//! The Sigma language: parse, compile, evaluate, explain. It knows nothing of audit events: it
//! matches anything that implements [`Fields`]. What is malformed or not supported is refused when
//! parsed, so evaluation is total. `docs/sigma.md` states the choices the specification leaves open.

mod compile;
mod condition;
mod encoding;
mod evaluate;
mod expectations;
mod explain;
mod index;
mod literals;
mod matcher;
mod modifiers;
mod parse;
mod pattern;
mod program;
mod relate;
mod rule;
mod value;

#[cfg(test)]
mod tests;

pub use compile::{Engine, RuleIndex, Target};
pub use evaluate::Scratch;
pub use explain::{SelectionOutcome, TestOutcome};
pub use matcher::{Bound, Check, Expected, FieldReference, Network, Relation};
pub use modifiers::SUPPORTED as SUPPORTED_MODIFIERS;
pub use parse::{Parsed, detection, rule, rules};
pub use pattern::Pattern;
pub use rule::{
    Body, Condition, Detection, Level, Logsource, NotAUuid, Rule, RuleId, Selection, Status, Test,
};
pub use value::{Fields, Number, Origin, UnknownField, Value, Visit};
