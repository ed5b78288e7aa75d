//! Reads every document of a file of rules. The keys of a document say of which kind it is.

use super::action::Actions;
use super::filter::{Filter, filter};
use super::parse::parse_rule;
use super::placeholders::Placeholders;
use super::rule::{Detection, Rule, RuleId};
use super::suppression::{Suppression, suppression};
use crate::diagnostic::{Mark, Problem};
use crate::yaml::{self, Node};

/// The documents of a text by kind, and the problems.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The rules without errors.
    pub rules: Vec<Rule>,
    /// The filters without errors.
    pub filters: Vec<Filter>,
    /// The suppressions without errors.
    pub suppressions: Vec<Suppression>,
    /// The ids and names of the rules with errors, so that nobody calls them unknown.
    pub broken: Vec<String>,
    /// Errors and warnings, in the order of the text.
    pub problems: Vec<Problem>,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DocumentKind {
    /// It has `detection`, or no key that says otherwise.
    Rule,
    /// It has `filter`.
    Filter,
    /// It has `suppress`.
    Suppression,
    /// It has `correlation`, which is not supported.
    Correlation,
}

impl DocumentKind {
    /// The keys that make a document something else than a rule.
    const KEYS: [(&str, DocumentKind); 3] = [
        ("filter", DocumentKind::Filter),
        ("suppress", DocumentKind::Suppression),
        ("correlation", DocumentKind::Correlation),
    ];

    /// The kind of a document.
    ///
    /// # Errors
    /// It has keys of two kinds.
    fn of(document: &Node) -> Result<DocumentKind, Problem> {
        let entries = document.as_map().unwrap_or_default();
        let mut kinds = entries.iter().filter_map(|entry| {
            let keys = DocumentKind::KEYS.into_iter();
            let (_, kind) = keys
                .chain([("detection", DocumentKind::Rule)])
                .find(|(key, _)| *key == entry.key)?;
            Some((entry, kind))
        });
        let Some((first, kind)) = kinds.next() else {
            return Ok(DocumentKind::Rule);
        };
        match kinds.next() {
            None => Ok(kind),
            Some((second, _)) => {
                let message = format!(
                    "a document has either `{}` or `{}`, not both",
                    first.key, second.key
                );
                let remedy = "write two documents, with a line `---` between them";
                Err(Problem::error(second.key_mark, message).remedy(remedy))
            }
        }
    }
}

/// Reads every document of a text.
pub fn documents(text: &str, placeholders: &Placeholders) -> Parsed {
    let mut parsed = Parsed::default();
    match yaml::documents(text) {
        Ok(documents) => {
            let mut actions = Actions::default();
            let mut is_empty = true;
            for document in documents {
                match actions.apply(document) {
                    Ok(None) => continue,
                    Ok(Some(document)) => parsed.add(&document, placeholders),
                    Err(problem) => parsed.problems.push(problem),
                }
                is_empty = false;
            }
            parsed.problems.extend(actions.finish());
            if is_empty {
                let problem = Problem::error(Mark::START, "no rule in this file");
                let remedy = "write a rule, a filter or a suppression, or delete the file";
                parsed.problems.push(problem.remedy(remedy));
            }
        }
        Err(problem) => parsed.problems.push(problem),
    }
    parsed.problems.sort_by_key(|problem| problem.mark);
    parsed
}

impl Parsed {
    /// With how many values the conditions of all documents compare; see [`Detection::compared_values`].
    pub fn compared_values(&self) -> usize {
        let rules = self.rules.iter().map(|rule| &rule.detection);
        let filters = self.filters.iter().map(|filter| &filter.detection);
        let suppressions = self.suppressions.iter();
        let suppressions = suppressions.filter_map(|suppression| suppression.detection.as_ref());
        let detections = rules.chain(filters).chain(suppressions);
        detections.map(Detection::compared_values).sum()
    }

    /// The ids of the rules, also of those with errors.
    pub fn rule_ids(&self) -> Vec<RuleId> {
        let sound = self.rules.iter().map(|rule| rule.id.clone());
        let broken = self.broken.iter().filter_map(|name| name.parse().ok());
        sound.chain(broken).collect()
    }

    fn add(&mut self, document: &Node, placeholders: &Placeholders) {
        match DocumentKind::of(document) {
            Ok(DocumentKind::Rule) => {
                match parse_rule(document, placeholders, &mut self.problems) {
                    Some(rule) => self.rules.push(rule),
                    None => self.broken.extend(references(document)),
                }
            }
            Ok(DocumentKind::Filter) => {
                self.filters
                    .extend(filter(document, placeholders, &mut self.problems));
            }
            Ok(DocumentKind::Suppression) => {
                let suppression = suppression(document, placeholders, &mut self.problems);
                self.suppressions.extend(suppression);
            }
            Ok(DocumentKind::Correlation) => {
                let entries = document.as_map().unwrap_or_default().iter();
                let mut keys = entries.filter(|entry| entry.key == "correlation");
                let mark = keys.next().map_or(document.mark, |entry| entry.key_mark);
                let problem = Problem::error(mark, "`correlation` is not supported yet");
                self.problems
                    .push(problem.remedy("write rules with `detection`, filters and suppressions"));
            }
            Err(problem) => {
                self.broken.extend(references(document));
                self.problems.push(problem);
            }
        }
    }
}

/// The texts by which other documents refer to a rule: its id and its name.
fn references(document: &Node) -> impl Iterator<Item = String> {
    let keys = ["id", "name"].into_iter();
    keys.filter_map(|key| Some(document.entry(key)?.as_str()?.to_owned()))
}
