//! The compiled form of detections: numbered tests, and conditions over their numbers.

use std::sync::Arc;

use foldhash::HashSet;

use super::matcher::Test;

/// A condition over tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr {
    Test(usize),
    Not(Box<Expr>),
    All(Vec<Expr>),
    AtLeast(usize, Vec<Expr>),
}

pub(super) struct Compiled {
    /// The log source's number.
    pub(super) logsource: usize,
    pub(super) condition: Expr,
    pub(super) selections: Vec<CompiledSelection>,
    /// Its filters. Rules with the same filter share it.
    pub(super) exclusions: Vec<Arc<CompiledExclusion>>,
}

/// A filter: the detection does not match an event for which the condition holds in every reading.
pub(super) struct CompiledExclusion {
    pub(super) condition: Expr,
    pub(super) selections: Vec<CompiledSelection>,
}

pub(super) struct CompiledSelection {
    pub(super) name: String,
    pub(super) expr: Expr,
    pub(super) tests: Vec<usize>,
    /// Whether each use of it in the condition is under an odd number of `not`.
    pub(super) only_negated: bool,
}

pub(super) struct CompiledTest {
    pub(super) test: Test,
    /// The field's number; `None` searches every string.
    pub(super) field: Option<usize>,
    /// The fields that a `fieldref` refers to.
    pub(super) others: Vec<usize>,
    /// Of a line about elements, groups of lines; all lines of one of them must hold for one element.
    pub(super) groups: Vec<Vec<CompiledTest>>,
    /// The folded texts of a long list, of which one must match.
    pub(super) set: HashSet<String>,
}
