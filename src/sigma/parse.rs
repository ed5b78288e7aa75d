//! Parses a document with `detection` into a [`Rule`], and reports all problems in one pass.

use super::context::Context;
use super::detection::selections_and_condition;
use super::metadata::MetadataReader;
use super::placeholders::Placeholders;
use super::rule::{Level, Related, Relationship, Rule, RuleId, Status};
use crate::diagnostic::{Mark, Problem, nearest};
use crate::yaml::Node;

/// Keys of a rule that watchbell uses; others are custom keys and are kept.
const KEYS: [&str; 22] = [
    "title",
    "id",
    "name",
    "related",
    "license",
    "taxonomy",
    "status",
    "description",
    "references",
    "author",
    "date",
    "modified",
    "logsource",
    "detection",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "runbook",
    "group_by",
    "timezone",
];

/// Reads one document as a rule; `None` if a problem is an error.
pub fn parse_rule(
    document: &Node,
    placeholders: &Placeholders,
    problems: &mut Vec<Problem>,
) -> Option<Rule> {
    let mut reader = MetadataReader::new(document, "a rule");
    let rule = read(&mut reader, placeholders);
    reader.finish(rule, problems)
}

fn read(reader: &mut MetadataReader<'_>, placeholders: &Placeholders) -> Option<Rule> {
    let entries = reader.entries()?;
    let custom = reader.custom(entries, &KEYS);
    if reader.node.entry("id").is_none() {
        let message = "a rule needs an `id`: alerts are keyed by it";
        let problem = Problem::error(reader.node.mark, message);
        reader
            .problems
            .push(problem.remedy("write `id:` and a new UUID"));
    }
    let id = reader.id();
    let title = reader.title();
    let (logsource, logsource_mark) = reader.logsource();
    let mut context = Context::new(placeholders, reader.time_zone());
    let detection = match reader.node.entry("detection") {
        Some(node) => selections_and_condition(node, "detection", &[], &mut context),
        None => {
            let remedy = "write `detection: {selection: {field: value}, condition: selection}`";
            reader.error(reader.node.mark, "a rule needs a `detection`", remedy);
            None
        }
    };
    reader.finish_lines(&mut context);
    let rule = Rule {
        id_mark: reader
            .node
            .entry("id")
            .map_or(reader.node.mark, |node| node.mark),
        name: reader.text("name"),
        status: reader.one_of("status", Status::parse, &Status::ALL.map(Status::as_str)),
        level: reader.one_of("level", Level::parse, &Level::ALL.map(Level::as_str)),
        description: reader.text("description"),
        related: related(reader),
        license: reader.text("license"),
        author: reader.text("author"),
        date: reader.text("date"),
        modified: reader.text("modified"),
        taxonomy: reader.marked("taxonomy"),
        references: reader.list("references"),
        tags: reader.list("tags"),
        scope: reader.list("scope"),
        falsepositives: reader.list("falsepositives"),
        fields: reader.list("fields"),
        logsource,
        logsource_mark,
        runbook: reader.text("runbook"),
        group_by: reader.marked_list("group_by"),
        canonical: reader.node.canonical() + &context.canonical(),
        custom,
        id: id?,
        title: title?,
        detection: detection?,
    };
    Some(rule)
}

/// The rules in `related`. They need not be loaded.
fn related(reader: &mut MetadataReader<'_>) -> Vec<Related> {
    let Some(node) = reader.node.entry("related") else {
        return Vec::new();
    };
    let Some(elements) = node.as_seq() else {
        let message = format!("`related` must be a list, not {}", node.value.kind());
        let problem = Problem::error(node.mark, message);
        reader
            .problems
            .push(problem.remedy("write `related: [{id: <UUID>, type: derived}]`"));
        return Vec::new();
    };
    let read = |element| related_rule(element, &mut reader.problems);
    elements.iter().filter_map(read).collect()
}

fn related_rule(element: &Node, problems: &mut Vec<Problem>) -> Option<Related> {
    let Some(entries) = element.as_map() else {
        let message = format!("`related` lists maps, not {}", element.value.kind());
        let remedy = "write `{id: <UUID>, type: derived}`";
        problems.push(Problem::error(element.mark, message).remedy(remedy));
        return None;
    };
    let mut refuse = |mark: Mark, message: String, remedy: String| {
        problems.push(Problem::error(mark, message).remedy(remedy));
    };
    let (mut id, mut relationship) = (None, None);
    for entry in entries {
        let text = entry.node.as_str().unwrap_or_default();
        match entry.key.as_str() {
            "id" => match text.parse::<RuleId>() {
                Ok(parsed) => id = Some(parsed),
                Err(_) => {
                    let message = "`id` of a related rule is not a UUID".to_owned();
                    let remedy = "write 32 hexadecimal digits as 8-4-4-4-12".to_owned();
                    refuse(entry.node.mark, message, remedy);
                }
            },
            "type" => match Relationship::parse(text) {
                Some(parsed) => relationship = Some(parsed),
                None => {
                    let words = Relationship::ALL.map(Relationship::as_str);
                    let remedy = match nearest(text, words) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("write one of: {}", words.join(", ")),
                    };
                    let message = format!("`{text}` is no type of a related rule");
                    refuse(entry.node.mark, message, remedy);
                }
            },
            other => {
                let message = format!("unknown key `{other}` in `related`");
                refuse(entry.key_mark, message, "write `id` and `type`".to_owned());
            }
        }
    }
    for key in ["id", "type"] {
        if element.entry(key).is_none() {
            let message = format!("a related rule needs `{key}`");
            refuse(
                element.mark,
                message,
                "write `{id: <UUID>, type: derived}`".to_owned(),
            );
        }
    }
    Some(Related {
        id: id?,
        relationship: relationship?,
    })
}
