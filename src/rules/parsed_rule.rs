//! A rule as it was read from a file, before it is checked and compiled.

use std::sync::Arc;

use crate::sigma::Rule;

/// A rule with the name of its file and its version.
pub(super) struct ParsedRule {
    pub(super) rule: Rule,
    pub(super) file: Arc<str>,
    pub(super) version: String,
}
