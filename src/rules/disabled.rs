//! The rules that the configuration disables.

use std::sync::Arc;

use super::parsed_rule::ParsedRule;
use crate::sigma::Rule;

/// A rule that the configuration disables.
#[derive(Debug, Clone)]
pub struct DisabledRule {
    /// The rule as written.
    pub rule: Rule,
    /// The file it was read from.
    pub file: Arc<str>,
}

impl From<ParsedRule> for DisabledRule {
    fn from(parsed: ParsedRule) -> DisabledRule {
        DisabledRule {
            rule: parsed.rule,
            file: parsed.file,
        }
    }
}
