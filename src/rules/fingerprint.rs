//! The version of a rule and the hash of a rule set. Both are computed with SHA-256 from the parsed rules,
//! so they change with every change of meaning, and not with comments, layout or the order of the files.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::known::Known;
use super::overrides::Overrides;
use super::parsed_rule::ParsedRule;
use super::suppressions::CheckedSuppression;
use crate::sigma::Rule;

/// The hash of a canonical form, 64 hexadecimal digits.
pub(super) fn digest(canonical: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(canonical))
}

/// The version of a rule: the day of its last change (`modified`, else `date`) and the first eight hexadecimal
/// digits of the hash of its content, such as `2026-11-21.9f3c01ab`. Without a day, only the digits.
pub(super) fn version(rule: &Rule) -> String {
    let mut hash = digest(&rule.canonical);
    hash.truncate(8);
    match rule.modified.as_ref().or(rule.date.as_ref()) {
        Some(day) => format!("{day}.{hash}"),
        None => hash,
    }
}

/// The hash of a rule set, 64 hexadecimal digits. It covers the rules in force, their levels in force,
/// the other overrides and the suppressions.
pub(super) fn rule_set(
    parsed: &[ParsedRule],
    suppressions: &[CheckedSuppression],
    overrides: &Overrides,
    known: &Known,
) -> String {
    let mut lines: Vec<String> = parsed
        .iter()
        .map(|parsed| {
            let (level, changes) = (overrides.level(parsed), overrides.changes(parsed));
            format!("{level} {}{changes}\n", parsed.rule.canonical)
        })
        .collect();
    for id in &known.built_in {
        let is_id = |key: &String| key.eq_ignore_ascii_case(id);
        if overrides.disabled.iter().any(is_id) {
            lines.push(format!("disabled {id}\n"));
        } else if let Some((_, level)) = overrides.levels.iter().find(|(key, _)| is_id(key)) {
            lines.push(format!("{level} {id}\n"));
        }
    }
    lines.extend(suppressions.iter().map(|checked| {
        let canonical = &checked.loaded.suppression.canonical;
        format!("suppress {canonical}\n")
    }));
    lines.sort();
    digest(&lines.concat())
}
