//! A document with `filter`: events that the rules that it names do not match.
//! Its condition says either which events are excluded (`selection`) or what else must hold (`not selection`, as the
//! documentation of Sigma and pySigma have it). Which of the two is told by an event that no selection describes: no
//! filter is meant to exclude such an event, so a condition that holds for it says what else must hold.

use std::sync::Arc;

use super::context::Context;
use super::detection::selections_and_condition;
use super::metadata::MetadataReader;
use super::placeholders::Placeholders;
use super::rule::{Condition, Detection, Exclusion, Logsource, RuleId};
use crate::diagnostic::{Mark, Problem};
use crate::yaml::{Node, Value as Yaml};

/// Keys of a filter that watchbell uses, or that other engines do; others are custom keys.
const KEYS: [&str; 11] = [
    "title",
    "id",
    "name",
    "taxonomy",
    "description",
    "author",
    "date",
    "modified",
    "logsource",
    "timezone",
    "filter",
];

/// A filter, parsed.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Its identity, if it has one.
    pub id: Option<RuleId>,
    /// Position of the id, or of the document.
    pub id_mark: Mark,
    /// One line for a human.
    pub title: String,
    /// The taxonomy of its field names; `None` if not given.
    pub taxonomy: Option<(String, Mark)>,
    /// A rule with another log source cannot be filtered.
    pub logsource: Logsource,
    /// Position of `logsource`.
    pub logsource_mark: Mark,
    /// The rules to which it applies.
    pub rules: FilteredRules,
    /// The events that it excludes.
    pub detection: Detection,
    /// What it excludes in [canonical form](crate::yaml::Node::canonical), to be hashed.
    pub canonical: String,
}

/// The rules to which a filter applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilteredRules {
    /// Every rule whose log source the filter covers.
    Any,
    /// The rules with these ids or names.
    Named(Vec<(String, Mark)>),
}

/// Reads one document as a filter; `None` if a problem is an error.
pub(super) fn filter(
    document: &Node,
    placeholders: &Placeholders,
    problems: &mut Vec<Problem>,
) -> Option<Filter> {
    let mut reader = MetadataReader::new(document, "a filter");
    let filter = read(&mut reader, placeholders);
    reader.finish(filter, problems)
}

fn read(reader: &mut MetadataReader<'_>, placeholders: &Placeholders) -> Option<Filter> {
    let entries = reader.entries()?;
    reader.custom(entries, &KEYS);
    let id = reader.id();
    let title = reader.title();
    let (logsource, logsource_mark) = reader.logsource();
    let node = reader.node.entry("filter")?;
    let Some(parts) = node.as_map() else {
        let message = format!("`filter` must be a map, not {}", node.value.kind());
        let remedy = "write `filter: {rules: [<id>], selection: {…}, condition: selection}`";
        reader
            .problems
            .push(Problem::error(node.mark, message).remedy(remedy));
        return None;
    };
    let rules = rules(node, "filter", &mut reader.problems);
    let mut context = Context::new(placeholders, reader.time_zone());
    let detection = selections_and_condition(node, "filter", &["rules"], &mut context);
    reader.finish_lines(&mut context);
    let detection = detection.map(|detection| Detection {
        condition: excluded(detection.condition),
        ..detection
    });
    let excluded = parts.iter().filter(|part| part.key != "rules");
    let excluded = Node::new(Yaml::Map(excluded.cloned().collect()), node.mark);
    Some(Filter {
        id,
        id_mark: reader
            .node
            .entry("id")
            .map_or(reader.node.mark, |node| node.mark),
        title: title?,
        taxonomy: reader.marked("taxonomy"),
        logsource,
        logsource_mark,
        rules: rules?,
        detection: detection?,
        canonical: excluded.canonical() + &context.canonical(),
    })
}

/// The ids and names in `rules` of a map, or `any`; `key` names the map in messages.
pub(super) fn rules(node: &Node, key: &str, problems: &mut Vec<Problem>) -> Option<FilteredRules> {
    let mut refuse = |mark: Mark, message: String| {
        let remedy = "list ids or names of rules, or write `rules: any`";
        problems.push(Problem::error(mark, message).remedy(remedy));
        None
    };
    let Some(node) = node.entry("rules") else {
        return refuse(node.mark, format!("`{key}` has no `rules`"));
    };
    let listed: &[Node] = match &node.value {
        Yaml::String(word) if word.eq_ignore_ascii_case("any") => return Some(FilteredRules::Any),
        Yaml::Seq(listed) => listed,
        _ => std::slice::from_ref(node),
    };
    if listed.is_empty() {
        return refuse(node.mark, "an empty list of rules".to_owned());
    }
    let mut named = Vec::new();
    for element in listed {
        match element.as_str() {
            Some(text) => named.push((text.to_owned(), element.mark)),
            None => {
                let kind = element.value.kind();
                refuse(element.mark, format!("`rules` lists strings, not {kind}"));
            }
        }
    }
    Some(FilteredRules::Named(named))
}

/// The condition for the excluded events.
fn excluded(condition: Condition) -> Condition {
    match condition {
        condition if !holds_without_selections(&condition) => condition,
        Condition::Not(inner) => *inner,
        remaining => Condition::Not(Box::new(remaining)),
    }
}

/// Whether a condition holds for an event for which no selection holds.
fn holds_without_selections(condition: &Condition) -> bool {
    let holding = |parts: &[Condition]| {
        let holding = parts.iter().filter(|part| holds_without_selections(part));
        holding.count()
    };
    match condition {
        Condition::Selection(_) => false,
        Condition::Not(inner) => !holds_without_selections(inner),
        Condition::All(parts) => holding(parts) == parts.len(),
        Condition::AtLeast(needed, parts) => holding(parts) >= *needed,
    }
}

impl Filter {
    /// Whether the filter is for all events of a log source.
    pub fn covers(&self, logsource: &Logsource) -> bool {
        let covers = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
        covers(&self.logsource.product, &logsource.product)
            && covers(&self.logsource.service, &logsource.service)
            && covers(&self.logsource.category, &logsource.category)
    }

    /// What it adds to the detection of each rule to which it applies; clones of it share its lines.
    pub fn exclusion(&self) -> Exclusion {
        Exclusion {
            name: format!("filter {}", self.title),
            detection: Arc::new(self.detection.clone()),
        }
    }
}
