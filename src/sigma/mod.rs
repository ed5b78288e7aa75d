//! The Sigma language: parse, compile, evaluate, explain. It does not depend on audit events: it matches
//! anything that implements [`Fields`]. Malformed and unsupported rules are refused when parsed, so
//! evaluation is total. `docs/sigma.md` says how questions are decided that the specification leaves open.

mod action;
mod build_index;
mod compile;
mod condition;
mod context;
mod describe;
mod detection;
mod document;
mod element;
mod encoding;
mod evaluate;
mod expectations;
mod explain;
mod filter;
mod index;
mod literals;
mod matcher;
mod metadata;
mod modifiers;
mod outcome;
mod parse;
mod pattern;
mod placeholders;
mod program;
mod regex_problem;
mod relate;
mod rename;
mod rule;
mod suppression;
mod time;
mod value;
mod witness;

#[cfg(test)]
mod tests;

pub use compile::{Engine, LogsourceDetection, RuleIndex};
pub use detection::{detection, detection_of, detection_with};
pub use document::{Parsed, documents};
pub use evaluate::Scratch;
pub use explain::{SelectionOutcome, TestOutcome};
pub use filter::{Filter, FilteredRules};
pub use matcher::{Check, ElementLines, Expected, Test};
pub use outcome::{LineOutcome, Part, PartOutcome, RuleOutcome};
pub use parse::parse_rule;
pub use pattern::{Pattern, escaped};
pub use placeholders::Placeholders;
pub use rule::{
    Condition, Detection, Exclusion, Level, Logsource, Related, Relationship, Rule, RuleId, Status,
};
pub use suppression::Suppression;
pub use time::{TimeCheck, TimePart, time_zone};
pub use value::{Bound, ElementValues, Fields, Origin, UnknownField, Value, Visit, VisitElement};
