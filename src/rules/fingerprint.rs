//! What identifies a rule's content and a rule set: SHA-256 over what was parsed, so that comments,
//! layout and the order of files do not change it, and every change of meaning does.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::parsed_rule::ParsedRule;
use super::validate::{Known, Overrides};
use crate::sigma::Rule;

/// The day of the last change and eight digits of the content's hash.
pub(super) fn version(rule: &Rule) -> String {
    let mut hash = HEXLOWER.encode(&Sha256::digest(&rule.canonical));
    hash.truncate(8);
    match rule.modified.as_ref().or(rule.date.as_ref()) {
        Some(day) => format!("{day}.{hash}"),
        None => hash,
    }
}

/// The hash of all rules in force and their effective levels, and of what the configuration changes
/// about built-in rules.
pub(super) fn set(written: &[ParsedRule], overrides: &Overrides, known: &Known) -> String {
    let mut lines: Vec<String> = written
        .iter()
        .map(|written| {
            let rule = &written.rule;
            format!("{} {}\n", overrides.level(rule), rule.canonical)
        })
        .collect();
    for id in &known.built_in {
        let key = |key: &&String| key.eq_ignore_ascii_case(id);
        if overrides.disabled.iter().any(|disabled| key(&disabled)) {
            lines.push(format!("disabled {id}\n"));
        } else if let Some((_, level)) = overrides.levels.iter().find(|(name, _)| key(name)) {
            lines.push(format!("{level} {id}\n"));
        }
    }
    lines.sort();
    HEXLOWER.encode(&Sha256::digest(lines.concat()))
}
