//! Reads the text of a test file.

use std::sync::Arc;

use serde_json::Value as Json;

use super::case::{RuleTests, TestCase};
use crate::diagnostic::{Mark, Problem, nearest};
use crate::sigma::{Level, RuleId};
use crate::yaml::{self, Node, Value as Yaml};

/// Parses the text of a test file. `ids` are the ids of the rules in its rule file, `file` is its name.
///
/// # Errors
/// All errors of the test file.
pub fn parse(text: &str, ids: &[RuleId], file: &Arc<str>) -> Result<RuleTests, Vec<Problem>> {
    let root = yaml::document(text).map_err(|problem| vec![problem])?;
    let mut reader = TestFileReader::default();
    reader.known_keys(&root, &["rule", "event", "tests"]);
    let rule_id = reader.rule(&root, ids);
    let base = root.entry("event");
    if let Some(event) = base {
        event.numbers_rewritten(&mut reader.problems);
    }
    let cases = match root.entry("tests").and_then(Node::as_seq) {
        Some(cases) if !cases.is_empty() => cases,
        _ => {
            let remedy = "write `tests:` and below it `- {name: …, alerts: 0}` for each test";
            reader.error(root.mark, "a test file needs a list of `tests`", remedy);
            &[]
        }
    };
    let cases: Vec<TestCase> = cases
        .iter()
        .filter_map(|case| reader.case(case, base))
        .collect();
    match rule_id {
        Some(rule_id) if reader.problems.is_empty() => Ok(RuleTests {
            file: file.clone(),
            rule_id,
            cases,
        }),
        _ => Err(reader.problems),
    }
}

/// Reads the nodes of one test file and collects its problems.
#[derive(Default)]
struct TestFileReader {
    problems: Vec<Problem>,
}

impl TestFileReader {
    fn error(&mut self, mark: Mark, message: impl Into<String>, remedy: &str) {
        let problem = Problem::error(mark, message).remedy(remedy);
        self.problems.push(problem);
    }

    /// Reports keys other than the known ones, or that the node is not a map.
    fn known_keys(&mut self, node: &Node, known: &[&str]) {
        let Some(entries) = node.as_map() else {
            let message = format!("a map is expected, not {}", node.value.kind());
            let remedy = format!(
                "write `key: value` lines; the keys are: {}",
                known.join(", ")
            );
            self.error(node.mark, message, &remedy);
            return;
        };
        for entry in entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let problem = Problem::error(entry.key_mark, format!("unknown key `{}`", entry.key));
            let remedy = match nearest(&entry.key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys are: {}", known.join(", ")),
            };
            self.problems.push(problem.remedy(remedy));
        }
    }

    /// The id of the rule under test: the one that the file names, else the only one of the rule file.
    fn rule(&mut self, root: &Node, ids: &[RuleId]) -> Option<RuleId> {
        let named = root.entry("rule");
        let found = match (named, ids) {
            (None, [only]) => Some(only),
            (Some(node), _) => {
                let id = node.as_str().and_then(|text| text.parse::<RuleId>().ok());
                ids.iter().find(|known| Some(*known) == id.as_ref())
            }
            (None, _) => None,
        };
        if found.is_none() {
            let mark = named.map_or(root.mark, |node| node.mark);
            match ids {
                [] => {
                    let message = "the rule file of this test file has no valid rule";
                    let remedy = "correct the rule file, which has the same name without `.test`";
                    self.error(mark, message, remedy);
                }
                ids => {
                    let message =
                        "`rule` must be the id of a rule in the rule file of this test file";
                    let ids: Vec<&str> = ids.iter().map(RuleId::as_str).collect();
                    self.error(mark, message, &format!("write one of: {}", ids.join(", ")));
                }
            }
        }
        found.cloned()
    }

    fn case(&mut self, node: &Node, base: Option<&Node>) -> Option<TestCase> {
        self.known_keys(node, &["name", "event", "patch", "alerts", "level"]);
        let name = node.entry("name").and_then(Node::as_str);
        if name.is_none() {
            let remedy = "write `name:` with a sentence that says what the rule does";
            self.error(node.mark, "a test needs a `name`", remedy);
        }
        let alerts = match node.entry("alerts").map(|node| &node.value) {
            Some(Yaml::Int(count)) => usize::try_from(*count).ok(),
            _ => None,
        };
        if alerts.is_none() {
            let message = "a test needs `alerts`, the number of alerts that it expects";
            self.error(node.mark, message, "write `alerts: 1` or `alerts: 0`");
        }
        let level = self.level(node, alerts?);
        let event = self.event(node, base)?;
        Some(TestCase {
            name: name?.to_owned(),
            mark: node.mark,
            event,
            alerts: alerts?,
            level,
        })
    }

    fn level(&mut self, node: &Node, alerts: usize) -> Option<Level> {
        let Some(level_node) = node.entry("level") else {
            if alerts > 0 {
                let message = "a test that expects alerts needs their `level`";
                self.error(node.mark, message, "write `level: high`, for example");
            }
            return None;
        };
        let level = level_node.as_str().and_then(Level::parse);
        if level.is_none() || alerts == 0 {
            let (message, remedy) = match alerts {
                0 => (
                    "`level` without expected alerts",
                    "remove `level`".to_owned(),
                ),
                _ => {
                    let levels = Level::ALL.map(Level::as_str).join(", ");
                    ("unknown level", format!("the levels are: {levels}"))
                }
            };
            let problem = Problem::error(level_node.mark, message);
            self.problems.push(problem.remedy(remedy));
        }
        level
    }

    /// The value of the Kafka record. The event is that of the case, else that of the file. A string is used
    /// unchanged, and a map is written as JSON; with a `patch`, either is parsed as JSON and patched.
    fn event(&mut self, node: &Node, base: Option<&Node>) -> Option<Vec<u8>> {
        let Some(event) = node.entry("event").or(base) else {
            let problem = Problem::error(node.mark, "a test needs an event");
            self.problems
                .push(problem.remedy("write `event` here or at the top of the file"));
            return None;
        };
        let patch = node.entry("patch");
        // The numbers of the file's event were checked once, by `parse`.
        for node in [node.entry("event"), patch].into_iter().flatten() {
            node.numbers_rewritten(&mut self.problems);
        }
        let Some(patch) = patch else {
            return Some(match event.as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => event.to_json().to_string().into_bytes(),
            });
        };
        let mut json: Json = match event.as_str() {
            Some(text) => serde_json::from_str(text).unwrap_or_default(),
            None => event.to_json(),
        };
        let applied = serde_json::from_value::<json_patch::Patch>(patch.to_json())
            .map_err(|error| error.to_string())
            .and_then(|patch| json_patch::patch(&mut json, &patch).map_err(|e| e.to_string()));
        match applied {
            Ok(()) => Some(json.to_string().into_bytes()),
            Err(error) => {
                let problem =
                    Problem::error(patch.mark, format!("the patch does not apply: {error}"));
                let remedy =
                    "write RFC 6902 operations: `- {op: replace, path: /data/x, value: y}`";
                self.problems.push(problem.remedy(remedy));
                None
            }
        }
    }
}
