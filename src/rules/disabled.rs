//! The rules that the configuration disables.

use std::sync::Arc;

use super::parsed_rule::ParsedRule;
use crate::diagnostic::Mark;
use crate::sigma::RuleId;

/// A rule that the configuration disables.
#[derive(Debug, Clone)]
pub struct DisabledRule {
    /// Its id.
    pub id: RuleId,
    /// Its title.
    pub title: String,
    /// The file it was read from.
    pub file: Arc<str>,
    /// Where its id stands in the file.
    pub mark: Mark,
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
