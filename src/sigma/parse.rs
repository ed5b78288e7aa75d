//! Parses a YAML document into a [`Rule`] or a [`Detection`], and reports all problems in one pass.

use super::condition;
use super::modifiers;
use super::rule::{Body, Condition, Detection, Level, Logsource, Rule, Selection, Status};
use crate::diagnostic::{Mark, Problem, Severity, nearest};
use crate::yaml::{self, Entry, Node, Value as Yaml};

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

/// The result of parsing a text: its rules and the problems.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The rules without errors.
    pub rules: Vec<Rule>,
    /// Errors and warnings, in the order of the text.
    pub problems: Vec<Problem>,
}

/// Reads every document of a text.
pub fn rules(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    match yaml::documents(text) {
        Ok(documents) => {
            if documents.is_empty() {
                parsed
                    .problems
                    .push(Problem::error(Mark::START, "no rule in this file"));
            }
            for document in &documents {
                parsed.rules.extend(rule(document, &mut parsed.problems));
            }
        }
        Err(problem) => parsed.problems.push(problem),
    }
    parsed.problems.sort_by_key(|problem| problem.mark);
    parsed
}

/// Reads one document as a rule; `None` if a problem is an error.
pub fn rule(document: &Node, problems: &mut Vec<Problem>) -> Option<Rule> {
    let mut reader = RuleParser {
        node: document,
        problems: Vec::new(),
    };
    let rule = reader.rule();
    let sound = reader
        .problems
        .iter()
        .all(|p| p.severity == Severity::Warning);
    problems.append(&mut reader.problems);
    rule.filter(|_| sound)
}

/// Reads a `detection:` map; `None` if a problem is an error.
pub fn detection(node: &Node, problems: &mut Vec<Problem>) -> Option<Detection> {
    let before = problems.len();
    let Some(entries) = node.as_map() else {
        let message = format!("`detection` must be a map, not {}", node.value.kind());
        problems.push(Problem::error(node.mark, message));
        return None;
    };
    let mut selections = Vec::new();
    let mut marks = Vec::new();
    for entry in entries.iter().filter(|entry| entry.key != "condition") {
        if entry.key == "timeframe" {
            let problem = Problem::error(entry.key_mark, "`timeframe` is not part of Sigma 2");
            problems.push(problem.remedy("write a correlation rule"));
            continue;
        }
        // A broken selection keeps its name, so that the condition is still checked.
        let body = body(&entry.node, problems).unwrap_or(Body::Any(Vec::new()));
        selections.push(Selection {
            name: entry.key.clone(),
            body,
        });
        marks.push(entry.key_mark);
    }
    let names: Vec<&str> = selections.iter().map(|s| s.name.as_str()).collect();
    let condition = conditions(node, &names, problems);
    if let Some(condition) = &condition {
        let mut used = vec![false; names.len()];
        mark_used(condition, &mut used);
        for (index, name) in names.iter().enumerate().filter(|(index, _)| !used[*index]) {
            let message = format!("selection `{name}` is not part of the condition");
            problems.push(Problem::warning(marks[index], message));
        }
    }
    let sound = problems[before..]
        .iter()
        .all(|p| p.severity == Severity::Warning);
    let condition = condition.filter(|_| sound)?;
    Some(Detection {
        selections,
        condition,
    })
}

fn conditions(node: &Node, names: &[&str], problems: &mut Vec<Problem>) -> Option<Condition> {
    let Some(condition) = node.entry("condition") else {
        let problem = Problem::error(node.mark, "`detection` has no `condition`");
        problems.push(problem.remedy("write `condition: <name of a selection>`"));
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
            None => Err(Problem::error(
                text.mark,
                format!("a condition is a string, not {}", text.value.kind()),
            )),
        };
        match parsed {
            Ok(part) => parts.push(part),
            Err(problem) => problems.push(problem),
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
fn body(node: &Node, problems: &mut Vec<Problem>) -> Option<Body> {
    match &node.value {
        Yaml::Map(entries) if entries.is_empty() => {
            problems.push(Problem::error(node.mark, "an empty selection"));
            None
        }
        Yaml::Map(entries) => Some(lines(entries, problems)),
        Yaml::Seq(elements) if elements.is_empty() => {
            problems.push(Problem::error(node.mark, "an empty selection"));
            None
        }
        Yaml::Seq(elements) if elements.iter().any(|e| e.as_map().is_some()) => {
            let parts = elements.iter().filter_map(|element| match &element.value {
                Yaml::Map(entries) if !entries.is_empty() => Some(lines(entries, problems)),
                Yaml::Map(_) | Yaml::Seq(_) => {
                    let message = format!("{} within a list of maps", element.value.kind());
                    problems.push(Problem::error(element.mark, message));
                    None
                }
                _ => modifiers::keywords(element, problems).map(Body::Test),
            });
            Some(Body::Any(parts.collect()))
        }
        _ => modifiers::keywords(node, problems).map(Body::Test),
    }
}

fn lines(entries: &[Entry], problems: &mut Vec<Problem>) -> Body {
    let tests = entries
        .iter()
        .filter_map(|entry| modifiers::test(entry, problems));
    Body::All(tests.map(Body::Test).collect())
}

struct RuleParser<'n> {
    node: &'n Node,
    problems: Vec<Problem>,
}

impl RuleParser<'_> {
    fn rule(&mut self) -> Option<Rule> {
        let Some(entries) = self.node.as_map() else {
            let message = format!("a rule is a map, not {}", self.node.value.kind());
            self.error(self.node.mark, message);
            return None;
        };
        for unsupported in ["correlation", "filter", "action"] {
            if let Some(entry) = entries.iter().find(|entry| entry.key == unsupported) {
                let message = format!("`{unsupported}` is not supported yet");
                let problem = Problem::error(entry.key_mark, message)
                    .remedy("one document is one rule with `logsource` and `detection`");
                self.problems.push(problem);
                return None;
            }
        }
        let custom = self.custom(entries);
        let id = self.id();
        let title = self.text("title");
        if self.node.entry("title").is_none() {
            self.error(self.node.mark, "a rule needs a `title`");
        }
        let (logsource, logsource_mark) = self.logsource();
        let detection = match self.node.entry("detection") {
            Some(node) => detection(node, &mut self.problems),
            None => {
                self.error(self.node.mark, "a rule needs a `detection`");
                None
            }
        };
        let rule = Rule {
            id_mark: self
                .node
                .entry("id")
                .map_or(self.node.mark, |node| node.mark),
            name: self.text("name"),
            status: self.one_of("status", Status::parse, &Status::ALL.map(Status::as_str)),
            level: self.one_of("level", Level::parse, &Level::ALL.map(Level::as_str)),
            description: self.text("description"),
            author: self.text("author"),
            date: self.text("date"),
            modified: self.text("modified"),
            taxonomy: self.marked("taxonomy"),
            references: self.list("references"),
            tags: self.list("tags"),
            falsepositives: self.list("falsepositives"),
            fields: self.list("fields"),
            logsource,
            logsource_mark,
            runbook: self.text("runbook"),
            group_by: self.marked_list("group_by"),
            canonical: self.node.canonical(),
            custom,
            id: id?,
            title: title?,
            detection: detection?,
        };
        Some(rule)
    }

    fn error(&mut self, mark: Mark, message: impl Into<String>) {
        self.problems.push(Problem::error(mark, message));
    }

    /// Collects unknown keys, and warns about one that is similar to a known key.
    fn custom(&mut self, entries: &[Entry]) -> Vec<Entry> {
        let unknown = entries
            .iter()
            .filter(|entry| !KEYS.contains(&entry.key.as_str()));
        let custom: Vec<Entry> = unknown.cloned().collect();
        for entry in &custom {
            let close = |known: &&str| strsim::osa_distance(&entry.key, known) <= 2;
            let near = nearest(&entry.key, KEYS).filter(close);
            if let Some(known) = near.filter(|known| self.node.entry(known).is_none()) {
                let problem =
                    Problem::warning(entry.key_mark, format!("unknown key `{}`", entry.key));
                self.problems
                    .push(problem.remedy(format!("did you mean `{known}`?")));
            }
        }
        custom
    }

    fn id(&mut self) -> Option<super::rule::RuleId> {
        let Some(node) = self.node.entry("id") else {
            let problem = Problem::error(
                self.node.mark,
                "a rule needs an `id`: alerts are keyed by it",
            );
            self.problems
                .push(problem.remedy("write `id:` and a new UUID"));
            return None;
        };
        let id = node.as_str().and_then(|text| text.parse().ok());
        if id.is_none() {
            let problem = Problem::error(node.mark, "`id` is not a UUID");
            self.problems
                .push(problem.remedy("write 32 hexadecimal digits as 8-4-4-4-12"));
        }
        id
    }

    fn logsource(&mut self) -> (Logsource, Mark) {
        let Some(node) = self.node.entry("logsource") else {
            let problem = Problem::error(self.node.mark, "a rule needs a `logsource`");
            self.problems
                .push(problem.remedy("write `logsource: {product: confluent}`"));
            return (Logsource::default(), self.node.mark);
        };
        let mut logsource = Logsource::default();
        let Some(entries) = node.as_map() else {
            let message = format!("`logsource` must be a map, not {}", node.value.kind());
            self.error(node.mark, message);
            return (logsource, node.mark);
        };
        for entry in entries {
            let part = match entry.key.as_str() {
                "product" => &mut logsource.product,
                "service" => &mut logsource.service,
                "category" => &mut logsource.category,
                "definition" => continue,
                other => {
                    let message = format!("unknown key `{other}` in `logsource`");
                    let remedy = "write `product`, `service`, `category` or `definition`";
                    self.problems
                        .push(Problem::error(entry.key_mark, message).remedy(remedy));
                    continue;
                }
            };
            match entry.node.as_str() {
                Some(text) => *part = Some(text.to_lowercase()),
                None => self.error(entry.node.mark, format!("`{}` must be a string", entry.key)),
            }
        }
        (logsource, node.mark)
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.marked(key).map(|(text, _)| text)
    }

    fn marked(&mut self, key: &str) -> Option<(String, Mark)> {
        let node = self.node.entry(key)?;
        match &node.value {
            Yaml::Null => None,
            Yaml::String(_) | Yaml::Int(_) | Yaml::Float(_) => match node.text() {
                Ok(text) => Some((text.into_owned(), node.mark)),
                Err(problem) => {
                    self.problems.push(problem);
                    None
                }
            },
            other => {
                self.error(
                    node.mark,
                    format!("`{key}` must be a string, not {}", other.kind()),
                );
                None
            }
        }
    }

    fn list(&mut self, key: &str) -> Vec<String> {
        let marked = self.marked_list(key);
        marked.into_iter().map(|(text, _)| text).collect()
    }

    fn marked_list(&mut self, key: &str) -> Vec<(String, Mark)> {
        let Some(node) = self.node.entry(key) else {
            return Vec::new();
        };
        let elements: &[Node] = match &node.value {
            Yaml::Seq(elements) => elements,
            Yaml::Null => &[],
            _ => std::slice::from_ref(node),
        };
        let mut texts = Vec::new();
        for element in elements {
            match element.as_str() {
                Some(text) => texts.push((text.to_owned(), element.mark)),
                None => {
                    let message = format!("`{key}` lists strings, not {}", element.value.kind());
                    let problem = Problem::error(element.mark, message);
                    self.problems.push(match element.written() {
                        Some(written) => problem.remedy(format!("quote it: '{written}'")),
                        None => problem,
                    });
                }
            }
        }
        texts
    }

    fn one_of<T>(&mut self, key: &str, parse: fn(&str) -> Option<T>, words: &[&str]) -> Option<T> {
        let (text, mark) = self.marked(key)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            let problem = Problem::error(mark, format!("`{text}` is no {key}"));
            self.problems
                .push(problem.remedy(format!("write one of: {}", words.join(", "))));
        }
        parsed
    }
}
