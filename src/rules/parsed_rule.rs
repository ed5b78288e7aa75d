//! Rules, filters and suppressions as they were read from files, before they are checked and compiled.

use std::sync::Arc;

use super::DisabledRule;
use crate::sigma::{Filter, Rule, Suppression};

/// A rule with the name of its file.
pub(super) struct ParsedRule {
    pub(super) rule: Rule,
    pub(super) file: Arc<str>,
}

impl From<ParsedRule> for DisabledRule {
    fn from(parsed: ParsedRule) -> DisabledRule {
        DisabledRule {
            id: parsed.rule.id,
            title: parsed.rule.title,
            file: parsed.file,
            mark: parsed.rule.id_mark,
        }
    }
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
