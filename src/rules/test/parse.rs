//! Reads the text of a test file.

use std::sync::Arc;

use serde_json::Value as Json;

use super::case::{RuleTests, TestCase};
use super::patch;
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
    if !reader.known_keys(&root, &["rule", "event", "tests"]) {
        return Err(reader.problems);
    }
    let rule_id = reader.rule(&root, ids);
    let base = root.entry("event");
    if let Some(event) = base {
        reader.check_event(event);
    }
    let cases = reader.cases(&root);
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

    /// Reports keys other than the known ones; false if the node is not a map, which is reported, too.
    fn known_keys(&mut self, node: &Node, known: &[&str]) -> bool {
        let Some(entries) = node.as_map() else {
            let message = format!("a map is expected, not {}", node.value.kind());
            let remedy = format!(
                "write `key: value` lines; the keys are: {}",
                known.join(", ")
            );
            self.error(node.mark, message, &remedy);
            return false;
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
        true
    }

    /// The nodes of the tests.
    fn cases<'n>(&mut self, root: &'n Node) -> &'n [Node] {
        let (mark, message) = match root.entry("tests") {
            Some(tests) => match tests.as_seq() {
                Some(cases) if !cases.is_empty() => return cases,
                Some(_) => (tests.mark, "`tests` is an empty list".to_owned()),
                None => {
                    let kind = tests.value.kind();
                    (tests.mark, format!("`tests` must be a list, not {kind}"))
                }
            },
            None => (root.mark, "a test file needs a list of `tests`".to_owned()),
        };
        let remedy = "write `tests:` and below it `- {name: …, alerts: 0}` for each test";
        self.error(mark, message, remedy);
        &[]
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
        if !self.known_keys(node, &["name", "event", "patch", "alerts", "level"]) {
            return None;
        }
        let name = self.name(node);
        let alerts = self.alerts(node);
        let level = self.level(node, alerts?);
        let event = self.event(node, base)?;
        Some(TestCase {
            name: name?,
            mark: node.mark,
            event,
            alerts: alerts?,
            level,
        })
    }

    fn name(&mut self, node: &Node) -> Option<String> {
        let remedy = "write `name:` with a sentence that says what the rule does";
        let Some(name) = node.entry("name") else {
            self.error(node.mark, "a test needs a `name`", remedy);
            return None;
        };
        let text = name.as_str().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            let message = match &name.value {
                Yaml::String(_) => "`name` is empty".to_owned(),
                other => format!("`name` must be a string, not {}", other.kind()),
            };
            self.error(name.mark, message, remedy);
        }
        text.map(str::to_owned)
    }

    fn alerts(&mut self, node: &Node) -> Option<usize> {
        let remedy = "write `alerts: 1` or `alerts: 0`";
        let Some(alerts) = node.entry("alerts") else {
            let message = "a test needs `alerts`, the number of alerts that it expects";
            self.error(node.mark, message, remedy);
            return None;
        };
        let count = match alerts.value {
            Yaml::Int(count) => usize::try_from(count).ok(),
            _ => None,
        };
        if count.is_none() {
            let message = "`alerts` must be a whole number, 0 or more";
            self.error(alerts.mark, message, remedy);
        }
        count
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
                    let levels = Level::ALL.map(Level::as_str);
                    let word = level_node.as_str().unwrap_or_default();
                    let remedy = match nearest(word, levels) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("the levels are: {}", levels.join(", ")),
                    };
                    ("unknown level", remedy)
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
        if let Some(event) = node.entry("event") {
            self.check_event(event);
        }
        let Some(patch) = node.entry("patch") else {
            return Some(match event.as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => event.to_json().to_string().into_bytes(),
            });
        };
        patch.numbers_rewritten(&mut self.problems);
        let json = match event.as_str() {
            Some(text) => serde_json::from_str(text).map_err(|_| {
                let message = "the event is not JSON, so it cannot be patched";
                let remedy = "write the event of this test in full, without `patch`";
                Problem::error(patch.mark, message).remedy(remedy)
            }),
            None => Ok(event.to_json()),
        };
        let patched = json.and_then(|mut json: Json| {
            patch::apply(patch, &mut json)?;
            Ok(json.to_string().into_bytes())
        });
        patched.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// Reports an event that is no record's value, and numbers in it that JSON would write differently.
    fn check_event(&mut self, event: &Node) {
        event.numbers_rewritten(&mut self.problems);
        if let Yaml::Null | Yaml::Bool(_) | Yaml::Int(_) | Yaml::Float(_) = event.value {
            let message = format!(
                "`event` must be a map, or the record's value as a string, not {}",
                event.value.kind()
            );
            let remedy = "write the record as the vendor does, as a map or as JSON in quotes";
            self.error(event.mark, message, remedy);
        }
    }
}
