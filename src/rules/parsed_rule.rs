//! Rules, filters and suppressions as they were read from files, before they are checked and compiled.

use std::sync::Arc;

use crate::sigma::{Filter, Rule, Suppression};

/// A rule with the name of its file.
pub(super) struct ParsedRule {
    pub(super) rule: Rule,
    pub(super) file: Arc<str>,
}

/// A filter with the name of its file.
pub(super) struct ParsedFilter {
    pub(super) filter: Filter,
    pub(super) file: Arc<str>,
}

/// A suppression with the name of its file.
pub(super) struct ParsedSuppression {
    pub(super) suppression: Suppression,
    pub(super) file: Arc<str>,
}
