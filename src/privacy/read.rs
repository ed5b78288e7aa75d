//! Reads policies from the configuration: a list of maps.

use std::collections::HashMap;

use super::places;
use super::policy::{FieldPolicy, Policy, Treatment};
use crate::diagnostic::{Mark, Problem, nearest};
use crate::route::FieldName;
use crate::yaml::{Node, Value as Yaml};

/// The keys of a policy.
const KEYS: [&str; 5] = ["name", "fields", "topics", "sinks", "archive"];

const EXAMPLE: &str = "write `policies: [{name: people, fields: {actor.user.email_addr: mask}, topics: [watchbell.events]}]`";

/// Everything that is wrong in a list of policies, with line and column.
pub fn check(node: &Node) -> Vec<Problem> {
    read(node).1
}

/// The policies of a list, and everything that is wrong in it; if something is, no policy.
pub fn read(node: &Node) -> (Vec<Policy>, Vec<Problem>) {
    let mut reader = Reader::default();
    let elements: &[Node] = match &node.value {
        Yaml::Seq(elements) => elements,
        Yaml::Null => &[],
        other => {
            let message = format!("a list of policies is expected, not {}", other.kind());
            reader.refuse(node.mark, message, EXAMPLE);
            &[]
        }
    };
    let policies: Vec<Policy> = elements
        .iter()
        .filter_map(|element| reader.policy(element))
        .collect();
    reader.problems.sort_by_key(|problem| problem.mark);
    match reader.problems.is_empty() {
        true => (policies, reader.problems),
        false => (Vec::new(), reader.problems),
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
    /// The policies by their names, and the outputs that have one, with their lines.
    names: HashMap<String, Mark>,
    topics: HashMap<String, Mark>,
    sinks: HashMap<String, Mark>,
    archive: HashMap<String, Mark>,
}

impl Reader {
    fn refuse(&mut self, mark: Mark, message: impl Into<String>, remedy: &str) {
        let problem = Problem::error(mark, message);
        self.problems.push(problem.remedy(remedy));
    }

    fn policy(&mut self, node: &Node) -> Option<Policy> {
        let Some(entries) = node.as_map() else {
            let message = format!("a policy is a map, not {}", node.value.kind());
            self.refuse(node.mark, message, EXAMPLE);
            return None;
        };
        for entry in entries.iter().filter(|entry| !KEYS.contains(&&*entry.key)) {
            let remedy = match nearest(&entry.key, KEYS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys of a policy are: {}", KEYS.join(", ")),
            };
            self.refuse(
                entry.key_mark,
                format!("unknown key `{}`", entry.key),
                &remedy,
            );
        }
        let name = self.name(node);
        let fields = self.fields(node);
        let (topics, sinks) = (self.outputs(node, "topics"), self.outputs(node, "sinks"));
        let archive = self.outputs(node, "archive");
        Some(Policy {
            name: name?,
            mark: node.mark,
            fields,
            topics,
            sinks,
            archive,
            key: None,
        })
    }

    fn name(&mut self, policy: &Node) -> Option<String> {
        let remedy = "name it after what it hides, such as `name: people`";
        let Some(node) = policy.entry("name") else {
            self.refuse(policy.mark, "a policy without a name", remedy);
            return None;
        };
        let name = node.as_str().unwrap_or_default();
        if name.is_empty() {
            self.refuse(node.mark, "a name is expected", remedy);
            return None;
        }
        if let Some(first) = self.names.insert(name.to_owned(), node.mark) {
            let message = format!(
                "a second policy `{name}`; the first is in line {}",
                first.line
            );
            self.refuse(node.mark, message, "give each policy a name of its own");
        }
        Some(name.to_owned())
    }

    fn fields(&mut self, policy: &Node) -> Vec<FieldPolicy> {
        let remedy = "write fields and what becomes of them: `fields: {actor.user.email_addr: mask, src_endpoint.ip: drop}`";
        let Some(node) = policy.entry("fields") else {
            self.refuse(policy.mark, "a policy without fields", remedy);
            return Vec::new();
        };
        let entries = node.as_map().unwrap_or_default();
        if entries.is_empty() {
            self.refuse(node.mark, "a map of fields is expected", remedy);
        }
        let mut fields = Vec::new();
        for entry in entries {
            let field = match FieldName::parse(&entry.key, entry.key_mark) {
                Ok(field) => Some(field),
                Err(problem) => {
                    self.problems.push(problem);
                    None
                }
            };
            if places::is_required(&entry.key) {
                let message = format!(
                    "`{}` cannot be hidden: readers need it, and it names nobody",
                    entry.key
                );
                let remedy = match places::has_fields_below(&entry.key) {
                    true => "name a field below it",
                    false => "leave it out of this policy",
                };
                self.refuse(entry.key_mark, message, remedy);
            }
            let word = entry.node.as_str();
            let treatment = Treatment::ALL
                .iter()
                .find(|(known, _)| Some(*known) == word);
            let Some((_, treatment)) = treatment else {
                let message = match word {
                    Some(word) => format!("`{word}` is not what can become of a field"),
                    None => "a word is expected".to_owned(),
                };
                let remedy = "write drop, mask or pseudonym";
                self.refuse(entry.node.mark, message, remedy);
                continue;
            };
            fields.extend(field.map(|field| FieldPolicy {
                field,
                treatment: *treatment,
            }));
        }
        fields
    }

    /// The names of outputs of a kind, `topics`, `sinks` or `archive`.
    fn outputs(&mut self, policy: &Node, kind: &str) -> Vec<String> {
        let Some(node) = policy.entry(kind) else {
            return Vec::new();
        };
        let elements = node.as_seq().unwrap_or_default();
        if elements.is_empty() {
            let remedy = format!("write names: `{kind}: [a, b]`");
            let what = if kind == "archive" { "topics" } else { kind };
            self.refuse(node.mark, format!("a list of {what} is expected"), &remedy);
        }
        let mut names = Vec::new();
        for element in elements {
            let name = element.as_str().unwrap_or_default();
            if name.is_empty() {
                self.refuse(element.mark, "a name is expected", "write it in quotes");
                continue;
            }
            let known = match kind {
                "topics" => &mut self.topics,
                "archive" => &mut self.archive,
                _ => &mut self.sinks,
            };
            if let Some(first) = known.insert(name.to_owned(), element.mark) {
                let message = format!("`{name}` has a policy already, in line {}", first.line);
                self.refuse(
                    element.mark,
                    message,
                    "let one policy name all fields that it hides",
                );
            }
            names.push(name.to_owned());
        }
        names
    }
}
