//! Parses a `detection:` map into a [`Detection`]: its selections and its condition.

use super::condition::{self, NO_COUNTS};
use super::context::Context;
use super::metadata::MetadataReader;
use super::modifiers;
use super::placeholders::Placeholders;
use super::rule::{Body, Condition, Detection, Selection};
use crate::diagnostic::Problem;
use crate::yaml::{Entry, Node, Value as Yaml};

/// Most selections of a detection.
const MAX_SELECTIONS: usize = 1_000;

/// Reads a `detection:` map that is no part of a rule, without placeholders; `None` if a problem is an error.
pub fn detection(node: &Node, problems: &mut Vec<Problem>) -> Option<Detection> {
    detection_with(node, &Placeholders::default(), problems)
}

/// The same with values for placeholders. The time zone of its lines is in `timezone`, beside the condition.
pub fn detection_with(
    node: &Node,
    placeholders: &Placeholders,
    problems: &mut Vec<Problem>,
) -> Option<Detection> {
    let mut reader = MetadataReader::new(node, "a detection");
    let mut context = Context::new(placeholders, reader.time_zone());
    let detection = selections_and_condition(node, "detection", &["timezone"], &mut context);
    reader.finish_lines(&mut context);
    reader.finish(detection, problems)
}

/// A detection of one selection: `{selection: …, condition: selection}`.
pub fn detection_of(selection: Node) -> Node {
    let mark = selection.mark;
    let entry = |key: &str, node: Node| Entry {
        key: key.to_owned(),
        key_mark: mark,
        node,
    };
    let condition = Node::new(Yaml::String("selection".to_owned()), mark);
    let entries = vec![entry("selection", selection), entry("condition", condition)];
    Node::new(Yaml::Map(entries), mark)
}

/// Reads the selections and the condition of a map; `None` if a problem is an error. `others` are keys that are no
/// selections; `key` names the map in messages.
pub(super) fn selections_and_condition(
    node: &Node,
    key: &str,
    others: &[&str],
    context: &mut Context<'_>,
) -> Option<Detection> {
    let before = context.problems.len();
    let Some(entries) = node.as_map() else {
        let message = format!("`{key}` must be a map, not {}", node.value.kind());
        let remedy = "write `{selection: {field: value}, condition: selection}`";
        let problem = Problem::error(node.mark, message);
        context.problems.push(problem.remedy(remedy));
        return None;
    };
    if entries.len() > MAX_SELECTIONS {
        let message = format!("`{key}` has more than {MAX_SELECTIONS} selections");
        let problem = Problem::error(node.mark, message);
        let remedy = "write selections as lists, or several rules";
        context.problems.push(problem.remedy(remedy));
        return None;
    }
    let is_selection = |entry: &&Entry| entry.key != "condition" && !others.contains(&&*entry.key);
    let mut selections = Vec::new();
    let mut marks = Vec::new();
    for entry in entries.iter().filter(is_selection) {
        if entry.key == "timeframe" {
            let problem = Problem::error(entry.key_mark, "`timeframe`, which is not supported");
            context.problems.push(problem.remedy(NO_COUNTS));
            continue;
        }
        // A broken selection keeps its name, so that the condition is still checked.
        let body = body(&entry.node, context).unwrap_or(Body::Any(Vec::new()));
        selections.push(Selection {
            name: entry.key.clone(),
            body,
        });
        marks.push(entry.key_mark);
    }
    let names: Vec<&str> = selections.iter().map(|s| s.name.as_str()).collect();
    let condition = conditions(node, key, &names, context);
    if let Some(condition) = &condition {
        let mut used = vec![false; names.len()];
        mark_used(condition, &mut used);
        for (index, name) in names.iter().enumerate().filter(|(index, _)| !used[*index]) {
            let message = format!("selection `{name}` is not part of the condition");
            let problem = Problem::warning(marks[index], message);
            context
                .problems
                .push(problem.remedy("name it in the condition, or remove it"));
        }
    }
    let sound = context.problems[before..].iter().all(Problem::is_warning);
    let condition = condition.filter(|_| sound)?;
    Some(Detection {
        selections,
        condition,
        exclusions: Vec::new(),
    })
}

fn conditions(
    node: &Node,
    key: &str,
    names: &[&str],
    context: &mut Context<'_>,
) -> Option<Condition> {
    let Some(condition) = node.entry("condition") else {
        let problem = Problem::error(node.mark, format!("`{key}` has no `condition`"));
        context
            .problems
            .push(problem.remedy("write `condition: <name of a selection>`"));
        return None;
    };
    let texts: &[Node] = match &condition.value {
        Yaml::Seq(texts) if !texts.is_empty() => texts,
        _ => std::slice::from_ref(condition),
    };
    let mut parts = Vec::new();
    for text in texts {
        let parsed = match text.as_str() {
            Some(words) => condition::parse(words, text.mark, names),
            None => {
                let message = format!("a condition is a string, not {}", text.value.kind());
                let remedy =
                    "write names of selections with `and`, `or` and `not`, as in `a and not b`";
                Err(Problem::error(text.mark, message).remedy(remedy))
            }
        };
        match parsed {
            Ok(part) => parts.push(part),
            Err(problem) => context.problems.push(problem),
        }
    }
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Condition::AtLeast(1, parts)),
    }
}

fn mark_used(condition: &Condition, used: &mut [bool]) {
    match condition {
        Condition::Selection(index) => used[*index] = true,
        Condition::Not(inner) => mark_used(inner, used),
        Condition::All(parts) | Condition::AtLeast(_, parts) => {
            for part in parts {
                mark_used(part, used);
            }
        }
    }
}

/// Parses a selection: all lines of a map, any element of a list, or a scalar as a keyword.
fn body(node: &Node, context: &mut Context<'_>) -> Option<Body> {
    match &node.value {
        Yaml::Map(entries) if entries.is_empty() => {
            context.problems.push(empty(node));
            None
        }
        Yaml::Map(entries) => Some(lines(entries, context)),
        Yaml::Seq(elements) if elements.is_empty() => {
            context.problems.push(empty(node));
            None
        }
        Yaml::Seq(elements) if elements.iter().any(|e| e.as_map().is_some()) => {
            let parts = elements.iter().filter_map(|element| match &element.value {
                Yaml::Map(entries) if !entries.is_empty() => Some(lines(entries, context)),
                Yaml::Map(_) | Yaml::Seq(_) => {
                    let message = format!("{} within a list of maps", element.value.kind());
                    let problem = Problem::error(element.mark, message);
                    let remedy = "write each element as a map with at least one line";
                    context.problems.push(problem.remedy(remedy));
                    None
                }
                _ => modifiers::keywords(element, context).map(Body::Test),
            });
            Some(Body::Any(parts.collect()))
        }
        _ => modifiers::keywords(node, context).map(Body::Test),
    }
}

fn empty(selection: &Node) -> Problem {
    let problem = Problem::error(selection.mark, "an empty selection");
    problem.remedy("write a line such as `api.operation: kafka.DeleteTopics`, or remove it")
}

fn lines(entries: &[Entry], context: &mut Context<'_>) -> Body {
    let tests = entries
        .iter()
        .filter_map(|entry| modifiers::test(entry, context));
    Body::All(tests.map(Body::Test).collect())
}
