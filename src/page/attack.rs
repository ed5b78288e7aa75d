//! Tactics and techniques of ATT&CK: links to what they mean, and how many rules have which together.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::words::Words;
use crate::finding::{Attack, TACTICS};
use crate::view::shown;

/// The id of what a tag names, such as `TA0040` or `T1098.003`; `None` if it is not of ATT&CK.
pub(super) fn attack_id(tag: &str) -> Option<String> {
    match Attack::of(tag)? {
        Attack::Tactic(id, _) => Some(id.to_owned()),
        Attack::Technique(id) | Attack::SubTechnique(_, id) => Some(id),
    }
}

/// A tactic or technique, with a link to what it means; nothing is loaded from there.
pub(super) fn attack_link(id: &str) -> Markup {
    let (kind, path) = match id.strip_prefix("TA") {
        Some(_) => ("tactics", id.to_owned()),
        None => ("techniques", id.replace('.', "/")),
    };
    let is_plain = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    let url = format!("https://attack.mitre.org/{kind}/{path}/");
    html! {
        @if is_plain { a href=(url) rel="noopener noreferrer" { (id) } } @else { bdi { (shown(id)) } }
    }
}

/// How many rules have a technique and a tactic.
#[derive(Default)]
struct Coverage {
    /// By tactic.
    tactics: BTreeMap<String, usize>,
    /// By technique: all, and by tactic.
    techniques: BTreeMap<String, (usize, BTreeMap<String, usize>)>,
}

impl Coverage {
    fn of<'r>(rules: impl Iterator<Item = &'r [String]>) -> Coverage {
        let mut coverage = Coverage::default();
        for tags in rules {
            let mut ids: Vec<String> = tags.iter().filter_map(|tag| attack_id(tag)).collect();
            ids.sort();
            ids.dedup();
            let (tactics, techniques): (Vec<String>, Vec<String>) =
                ids.into_iter().partition(|id| id.starts_with("TA"));
            for tactic in &tactics {
                *coverage.tactics.entry(tactic.clone()).or_default() += 1;
            }
            for technique in techniques {
                let (all, by_tactic) = coverage.techniques.entry(technique).or_default();
                *all += 1;
                for tactic in &tactics {
                    *by_tactic.entry(tactic.clone()).or_default() += 1;
                }
            }
        }
        coverage
    }
}

/// The matrix of the rules with these tags: tactics as columns, techniques as rows. Its headings lead to the rules.
pub(super) fn matrix<'r>(rules: impl Iterator<Item = &'r [String]>, words: &Words) -> Markup {
    let coverage = Coverage::of(rules);
    let number = |count: Option<&usize>| html! { td { @if let Some(count) = count { (count) } } };
    html! {
        div.table tabindex="0" role="region" aria-label=(words.coverage) {
            table.matrix {
                thead { tr {
                    th scope="col" { (words.technique) }
                    th scope="col" { (words.rules) }
                    @for (_, id, name) in &TACTICS { th scope="col" { a href={ "/rules?attack=" (id) } { (name) } } }
                } }
                tbody {
                    tr.sum {
                        th scope="row" { (words.all_techniques) }
                        td {}
                        @for (_, id, _) in &TACTICS { (number(coverage.tactics.get(*id))) }
                    }
                    @for (technique, (all, by_tactic)) in &coverage.techniques {
                        tr {
                            th scope="row" { a href={ "/rules?attack=" (technique) } { (technique) } }
                            td { (all) }
                            @for (_, id, _) in &TACTICS { (number(by_tactic.get(*id))) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::Language;

    #[test]
    fn a_rule_counts_for_each_of_its_techniques_and_tactics_and_other_tags_for_nothing() {
        let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        let rules = [
            tags(&[
                "attack.impact",
                "attack.t1485",
                "attack.T1485",
                "cve.2021-44228",
            ]),
            tags(&[
                "attack.impact",
                "attack.persistence",
                "attack.t1485",
                "attack.t1098.003",
            ]),
            tags(&["attack.t1098.003", "attack.g0049", "custom.team"]),
        ];
        let coverage = Coverage::of(rules.iter().map(Vec::as_slice));
        let count = |pairs: &[(&str, usize)]| {
            let pairs = pairs.iter().map(|(id, count)| ((*id).to_owned(), *count));
            pairs.collect::<BTreeMap<String, usize>>()
        };
        assert_eq!(coverage.tactics, count(&[("TA0003", 1), ("TA0040", 2)]));
        let of = |id: &str| coverage.techniques[id].clone();
        assert_eq!(of("T1485"), (2, count(&[("TA0003", 1), ("TA0040", 2)])));
        assert_eq!(of("T1098.003"), (2, count(&[("TA0003", 1), ("TA0040", 1)])));
        assert_eq!(coverage.techniques.len(), 2);
        let table = matrix(rules.iter().map(Vec::as_slice), Language::English.words());
        let table = table.into_string();
        assert!(
            !table.contains("44228") && !table.contains("custom"),
            "{table}"
        );
        let columns: Vec<usize> = ["Reconnaissance", "Initial Access", "Persistence", "Impact"]
            .iter()
            .map(|name| table.find(name).unwrap())
            .collect();
        assert!(columns.is_sorted(), "the order of ATT&CK: {columns:?}");
    }
}
