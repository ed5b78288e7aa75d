//! Parses a document with `detection` into a [`Rule`], and reports all problems in one pass.

use super::detection::detection;
use super::metadata::MetadataReader;
use super::rule::{Level, Rule, Status};
use crate::diagnostic::Problem;
use crate::yaml::Node;

/// Keys of a rule that watchbell uses; others are custom keys and are kept.
const KEYS: [&str; 18] = [
    "title",
    "id",
    "name",
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
    "runbook",
    "group_by",
];

/// Reads one document as a rule; `None` if a problem is an error.
pub fn rule(document: &Node, problems: &mut Vec<Problem>) -> Option<Rule> {
    let mut reader = MetadataReader::new(document, "a rule");
    let rule = read(&mut reader);
    reader.finish(rule, problems)
}

fn read(reader: &mut MetadataReader<'_>) -> Option<Rule> {
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
    let detection = match reader.node.entry("detection") {
        Some(node) => detection(node, &mut reader.problems),
        None => {
            reader.error(reader.node.mark, "a rule needs a `detection`");
            None
        }
    };
    let rule = Rule {
        id_mark: reader
            .node
            .entry("id")
            .map_or(reader.node.mark, |node| node.mark),
        name: reader.text("name"),
        status: reader.one_of("status", Status::parse, &Status::ALL.map(Status::as_str)),
        level: reader.one_of("level", Level::parse, &Level::ALL.map(Level::as_str)),
        description: reader.text("description"),
        author: reader.text("author"),
        date: reader.text("date"),
        modified: reader.text("modified"),
        taxonomy: reader.marked("taxonomy"),
        references: reader.list("references"),
        tags: reader.list("tags"),
        falsepositives: reader.list("falsepositives"),
        fields: reader.list("fields"),
        logsource,
        logsource_mark,
        runbook: reader.text("runbook"),
        group_by: reader.marked_list("group_by"),
        canonical: reader.node.canonical(),
        custom,
        id: id?,
        title: title?,
        detection: detection?,
    };
    Some(rule)
}
