//! The tests of a rule: `x.test.yaml` in the same directory as `x.yaml`. A test has an event as the vendor writes
//! it, and the number and level of the alerts that the rule must raise. The caller passes the pipeline as a function.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::load::{search, unreadable};
use crate::diagnostic::{Diagnostic, Mark, Problem, nearest};
use crate::sigma::{self, Level, RuleId};
use crate::yaml::{self, Node, Value as Yaml};

/// The parts of an alert that a test compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSummary {
    /// The id of the rule that matched.
    pub rule_id: RuleId,
    /// The alert's level.
    pub level: Level,
}

/// The tests of one rule.
#[derive(Debug, Clone)]
pub struct RuleTests {
    /// The test file.
    pub file: Arc<str>,
    /// The id of the rule under test.
    pub rule_id: RuleId,
    /// The cases, in the order of the file.
    pub cases: Vec<TestCase>,
}

/// An event, and the alerts that the rule must raise on it.
#[derive(Debug, Clone)]
pub struct TestCase {
    /// The name of the case, which is a sentence.
    pub name: String,
    /// The position in the file at which the case begins.
    pub mark: Mark,
    /// The value of the Kafka record.
    pub event: Vec<u8>,
    /// How many alerts the rule must raise.
    pub alerts: usize,
    /// The level that these alerts must have; `None` if `alerts` is 0.
    pub level: Option<Level>,
}

/// The outcome of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCaseOutcome<'t> {
    /// The name of the case.
    pub name: &'t str,
    /// The position in the file at which the case begins.
    pub mark: Mark,
    /// `None` if the case passed, else the levels of the expected alerts and of those that were raised.
    pub failure: Option<String>,
}

impl RuleTests {
    /// Runs every case and returns the outcomes in the same order. `evaluate` returns the alerts that the value of
    /// one record raises; alerts of other rules are ignored.
    pub fn run(&self, evaluate: &dyn Fn(&[u8]) -> Vec<AlertSummary>) -> Vec<TestCaseOutcome<'_>> {
        let outcome = |case: &'_ TestCase| {
            let mut levels: Vec<Level> = evaluate(&case.event)
                .into_iter()
                .filter(|alert| alert.rule_id == self.rule_id)
                .map(|alert| alert.level)
                .collect();
            levels.sort();
            let expected = vec![case.level; case.alerts];
            let as_expected = levels.iter().copied().map(Some).eq(expected);
            (!as_expected).then(|| {
                let raised: Vec<&str> = levels.iter().map(|level| level.as_str()).collect();
                let expected = vec![case.level.map_or("", Level::as_str); case.alerts];
                format!(
                    "expected alerts: [{}], raised: [{}]",
                    expected.join(", "),
                    raised.join(", ")
                )
            })
        };
        let cases = self.cases.iter().map(|case| TestCaseOutcome {
            name: &case.name,
            mark: case.mark,
            failure: outcome(case),
        });
        cases.collect()
    }
}

/// Reads one test file, or every `*.test.yaml` and `*.test.yml` of a directory and its subdirectories.
///
/// # Errors
/// The errors of all test files. A test file whose rule file is missing, unreadable or without a valid rule is
/// such an error.
pub fn load(path: &Path) -> Result<Vec<RuleTests>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let mut files = Vec::new();
    if path.is_dir() {
        let wanted = |name: &str| name.ends_with(".test.yaml") || name.ends_with(".test.yml");
        search(
            path,
            &wanted,
            &mut files,
            &mut HashSet::new(),
            &mut diagnostics,
        );
    } else {
        files.push(path.to_owned());
    }
    let mut tests = Vec::new();
    for file in files {
        match read(&file) {
            Ok(read) => tests.push(read),
            Err(problems) => diagnostics.extend(problems),
        }
    }
    if diagnostics.is_empty() {
        Ok(tests)
    } else {
        Err(diagnostics)
    }
}

/// Reads a test file and, for the ids of its rules, the rule file in the same directory.
fn read(file: &Path) -> Result<RuleTests, Vec<Diagnostic>> {
    let name: Arc<str> = file.display().to_string().into();
    let text =
        |path: &Path| std::fs::read_to_string(path).map_err(|error| vec![unreadable(path, &error)]);
    let tests_text = text(file)?;
    let rule_text = text(&rule_file_of(file))?;
    let ids: Vec<RuleId> = sigma::rules(&rule_text)
        .rules
        .into_iter()
        .map(|rule| rule.id)
        .collect();
    parse(&tests_text, &ids, &name).map_err(|problems| {
        let located = problems.into_iter().map(|problem| {
            let file = name.clone();
            Diagnostic { file, problem }
        });
        located.collect()
    })
}

/// The rule file that a test file belongs to: `x.yaml` for `x.test.yaml`, or `x.yml` if there is no `x.yaml`.
fn rule_file_of(file: &Path) -> PathBuf {
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let stem = name.split(".test.").next().unwrap_or_default();
    let yaml = file.with_file_name(format!("{stem}.yaml"));
    if yaml.exists() {
        yaml
    } else {
        file.with_file_name(format!("{stem}.yml"))
    }
}

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
            reader.error(root.mark, "a test file needs a list of `tests`");
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
    fn error(&mut self, mark: Mark, message: impl Into<String>) {
        self.problems.push(Problem::error(mark, message));
    }

    /// Reports keys other than the known ones, or that the node is not a map.
    fn known_keys(&mut self, node: &Node, known: &[&str]) {
        let Some(entries) = node.as_map() else {
            self.error(
                node.mark,
                format!("a map is expected, not {}", node.value.kind()),
            );
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
            let message = match ids.len() {
                0 => "the rule file of this test file has no valid rule",
                _ => "`rule` must be the id of a rule in the rule file of this test file",
            };
            self.error(mark, message);
        }
        found.cloned()
    }

    fn case(&mut self, node: &Node, base: Option<&Node>) -> Option<TestCase> {
        self.known_keys(node, &["name", "event", "patch", "alerts", "level"]);
        let name = node.entry("name").and_then(Node::as_str);
        if name.is_none() {
            self.error(node.mark, "a test needs a `name`");
        }
        let alerts = match node.entry("alerts").map(|node| &node.value) {
            Some(Yaml::Int(count)) => usize::try_from(*count).ok(),
            _ => None,
        };
        if alerts.is_none() {
            self.error(
                node.mark,
                "a test needs `alerts`, the number of alerts that it expects",
            );
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
                self.error(node.mark, "a test that expects alerts needs their `level`");
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

#[cfg(test)]
mod tests {
    use super::*;

    const TESTS: &str = "\
event: {data: {method: Delete, result: {status: SUCCESS}}}
tests:
  - name: a deletion alerts
    alerts: 1
    level: high
  - name: a failed one does not
    patch: [{op: replace, path: /data/result/status, value: FAILURE}]
    alerts: 0
  - name: nonsense does not
    event: '{\"data\": nonsense'
    alerts: 0
";

    fn id() -> RuleId {
        "11111111-1111-4111-8111-111111111111".parse().unwrap()
    }

    fn parsed(text: &str) -> Result<RuleTests, Vec<Problem>> {
        parse(text, &[id()], &"x.test.yaml".into())
    }

    /// A pipeline in which the rule under test raises an alert of this level on every successful event, and another
    /// rule raises an alert on every event.
    fn pipeline(level: Level) -> impl Fn(&[u8]) -> Vec<AlertSummary> {
        move |value| {
            let other = "22222222-2222-4222-8222-222222222222".parse().unwrap();
            let mut alerts = vec![AlertSummary {
                rule_id: other,
                level: Level::Low,
            }];
            let json: Json = serde_json::from_slice(value).unwrap_or_default();
            if json.pointer("/data/result/status") == Some(&Json::from("SUCCESS")) {
                alerts.push(AlertSummary {
                    rule_id: id(),
                    level,
                });
            }
            alerts
        }
    }

    #[test]
    fn a_failed_case_names_the_expected_and_the_raised_alerts() {
        let tests = parsed(TESTS).unwrap();
        assert_eq!(tests.rule_id, id());
        let passed = tests.run(&pipeline(Level::High));
        assert!(
            passed.iter().all(|outcome| outcome.failure.is_none()),
            "{passed:?}"
        );
        let failed = tests.run(&pipeline(Level::Low));
        assert_eq!(failed[0].name, "a deletion alerts");
        assert_eq!(failed[0].mark, Mark { line: 3, column: 5 });
        assert_eq!(
            failed[0].failure.as_deref(),
            Some("expected alerts: [high], raised: [low]")
        );
        assert!(failed[1..].iter().all(|outcome| outcome.failure.is_none()));
    }

    #[test]
    fn an_event_is_that_of_the_file_the_same_patched_or_an_unchanged_text() {
        let tests = parsed(TESTS).unwrap();
        let events: Vec<&str> = tests
            .cases
            .iter()
            .map(|case| std::str::from_utf8(&case.event).unwrap())
            .collect();
        assert!(events[0].contains("SUCCESS") && !events[0].contains("FAILURE"));
        assert!(events[1].contains("FAILURE") && !events[1].contains("SUCCESS"));
        assert_eq!(events[2], "{\"data\": nonsense");
    }

    #[test]
    fn a_test_file_with_missing_or_unknown_parts_is_refused() {
        for (from, to, part) in [
            (
                "alerts: 1\n    level: high",
                "alerts: 1",
                "needs their `level`",
            ),
            ("alerts: 1\n", "alert: 1\n", "unknown key `alert`"),
            ("level: high", "level: hihg", "unknown level"),
            (
                "FAILURE}]\n    alerts: 0",
                "FAILURE}]\n    alerts: 0\n    level: low",
                "without expected alerts",
            ),
            (
                "path: /data/result/status",
                "path: /data/missing/status",
                "does not apply",
            ),
            ("op: replace", "op: swap", "does not apply"),
            ("name: a deletion alerts", "patch: []", "needs a `name`"),
            ("event: {data", "base: {data", "unknown key `base`"),
            (
                "event: {data: {",
                "event: {data: {version: 1.10, ",
                "`1.10` without quotes",
            ),
            ("value: FAILURE", "value: 007", "`007` without quotes"),
        ] {
            let problems = parsed(&TESTS.replace(from, to)).unwrap_err();
            let found = problems
                .iter()
                .any(|problem| problem.message.contains(part));
            assert!(found, "{part}: {problems:?}");
        }
        assert!(parsed("tests: []").is_err());
        assert!(parse(TESTS, &[], &"x".into()).is_err());
        let two = [
            id(),
            "22222222-2222-4222-8222-222222222222".parse().unwrap(),
        ];
        assert!(parse(TESTS, &two, &"x".into()).is_err());
        let named = format!("rule: {}\n{TESTS}", two[1]);
        assert_eq!(parse(&named, &two, &"x".into()).unwrap().rule_id, two[1]);
    }

    #[test]
    fn every_shipped_rule_has_a_test_with_alerts_and_one_without() {
        let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules");
        let tests = load(&packs).unwrap();
        assert!(!tests.is_empty());
        for RuleTests { file, cases, .. } in tests {
            assert!(
                cases.iter().any(|case| case.alerts > 0),
                "{file} never alerts"
            );
            assert!(
                cases.iter().any(|case| case.alerts == 0),
                "{file} always alerts"
            );
        }
    }
}
