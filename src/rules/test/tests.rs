//! Test files: what they mean, and what is refused.

use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::*;
use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::rules::{RuleSource, pack_names};
use crate::sigma::{
    self, Engine, Fields, Level, LogsourceDetection, Origin, Placeholders, RuleId, Value, Visit,
    VisitElement,
};

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

#[test]
fn a_case_fails_unless_count_and_levels_of_the_alerts_are_those_expected() {
    let tests = parsed(TESTS).unwrap();
    assert_eq!(tests.rule_id, id());
    let [alerts, silent, _] = &tests.cases[..] else {
        panic!("{tests:?}");
    };
    assert_eq!(alerts.mark, Mark { line: 3, column: 5 });
    let failure = |case: &TestCase, raised: &[Level]| case.mismatch(raised).map(|m| m.to_string());
    assert_eq!(failure(alerts, &[Level::High]), None);
    assert_eq!(failure(silent, &[]), None);
    for (case, raised, message) in [
        (
            alerts,
            &[][..],
            "expected 1 alert of level high, raised no alert",
        ),
        (
            alerts,
            &[Level::Low],
            "expected 1 alert of level high, raised 1 alert of level low",
        ),
        (
            alerts,
            &[Level::High, Level::Low],
            "expected 1 alert of level high, raised 2 alerts of the levels low, high",
        ),
        (
            silent,
            &[Level::High],
            "expected no alert, raised 1 alert of level high",
        ),
    ] {
        assert_eq!(failure(case, raised).as_deref(), Some(message));
    }
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
        ("op: replace", "op: swap", "no operation of JSON Patch"),
        (
            "alerts: 1\n",
            "alerts: -1\n",
            "`alerts` must be a whole number, 0 or more",
        ),
        (
            "alerts: 1\n",
            "alerts: '1'\n",
            "`alerts` must be a whole number, 0 or more",
        ),
        (
            "alerts: 1\n",
            "alerts: 1.5\n",
            "`alerts` must be a whole number, 0 or more",
        ),
        (
            "name: a deletion alerts",
            "name: 5",
            "`name` must be a string, not a number",
        ),
        ("name: a deletion alerts", "name: ''", "`name` is empty"),
        (
            "event: '{\"data\": nonsense'",
            "event: 5",
            "`event` must be a map, or the record's value",
        ),
        (
            "event: {data: {method: Delete, result: {status: SUCCESS}}}",
            "event: null",
            "`event` must be a map",
        ),
        (
            "event: '{\"data\": nonsense'",
            "event: '{\"data\": nonsense'\n    patch: []",
            "the event is not JSON, so it cannot be patched",
        ),
        (
            "- name: a deletion alerts\n    alerts: 1\n    level: high",
            "- 5",
            "a map is expected, not a number",
        ),
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
fn one_mistake_in_the_form_of_a_test_file_is_one_problem_at_its_place() {
    for (text, said) in [
        ("tests: 5", "1:8 `tests` must be a list, not a number"),
        ("tests: []", "1:8 `tests` is an empty list"),
        ("event: {}", "1:1 a test file needs a list of `tests`"),
        ("- a", "1:1 a map is expected, not a list"),
        (
            "event: {}\ntests: [{name: x, alerts: -1}]",
            "2:27 `alerts` must be a whole number, 0 or more",
        ),
        (
            "event: 5\ntests: [{name: x, alerts: 0}]",
            "1:8 `event` must be a map, or the record's value as a string, not a number",
        ),
        (
            "event: {}\ntests: [5]",
            "2:9 a map is expected, not a number",
        ),
    ] {
        let problems = parsed(text).unwrap_err();
        let [problem] = &problems[..] else {
            panic!("{text}: {problems:?}");
        };
        let Problem {
            mark,
            message,
            remedy,
            ..
        } = problem;
        assert_eq!(format!("{}:{} {message}", mark.line, mark.column), said);
        assert!(remedy.is_some(), "{text}");
    }
}

#[test]
fn an_operation_that_is_malformed_or_does_not_apply_is_reported_at_its_place() {
    for (patch, said) in [
        (
            "5",
            "3:31 `patch` must be a list of operations, not a number",
        ),
        ("[5]", "3:32 an operation of `patch` is a map, not a number"),
        ("[{path: /a}]", "3:32 an operation of `patch` needs `op`"),
        ("[{op: repalce}]", "3:37 `op` is no operation of JSON Patch"),
        (
            "[{op: add, path: /a}]",
            "3:32 the operation `add` needs `value`",
        ),
        (
            "[{op: remove, path: /a, value: 1}]",
            "3:55 the operation `remove` has no `value`",
        ),
        (
            "[{op: remove, path: 5}]",
            "3:51 `path` must be a string, not a number",
        ),
        (
            "[{op: remove, path: a}]",
            "3:51 `path` does not begin with a slash",
        ),
        (
            "[{op: remove, path: /a~2}]",
            "3:51 `path` has a `~` that is not escaped",
        ),
        (
            "[{op: remove, path: /x}]",
            "3:51 the patch does not apply: the event has no place `/x`",
        ),
        (
            "[{op: test, path: /a, value: 2}]",
            "3:60 the patch does not apply: the event has another value at `/a`",
        ),
        (
            "[{op: move, from: /x, path: /y}]",
            "3:49 the patch does not apply: the event has nothing at `from`",
        ),
        (
            "[{op: move, from: /b, path: /b/c}]",
            "3:59 the patch does not apply: a value cannot be moved into itself",
        ),
    ] {
        let text =
            format!("event: {{a: 1, b: {{}}}}\ntests:\n- {{name: x, alerts: 0, patch: {patch}}}\n");
        let problems = parsed(&text).unwrap_err();
        let [
            Problem {
                mark,
                message,
                remedy,
                ..
            },
        ] = &problems[..]
        else {
            panic!("{text}: {problems:?}");
        };
        assert_eq!(format!("{}:{} {message}", mark.line, mark.column), said);
        assert!(remedy.is_some(), "{patch}");
    }
}

#[test]
fn every_shipped_rule_has_a_test_with_alerts_and_one_without() {
    let packs = pack_names().map(|name| RuleSource::Pack(name.to_owned()));
    let tests = load(&packs.collect::<Vec<_>>()).unwrap();
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

const RULE: &str = "\
title: Topic deleted
id: 11111111-1111-4111-8111-111111111111
logsource: {product: p}
detection:
  deletion: {method: [Delete, Drop, Purge], user|exists: true}
  filter_ci: {user: [ci, robot]}
  condition: deletion and not filter_ci
";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn loaded(paths: &[&Path]) -> Result<Vec<String>, Vec<String>> {
    let sources: Vec<RuleSource> = paths
        .iter()
        .map(|path| RuleSource::Path((*path).to_owned()))
        .collect();
    let name = |file: &str| {
        Path::new(file)
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    match load(&sources) {
        Ok(tests) => Ok(tests.iter().map(|tests| name(&tests.file)).collect()),
        Err(diagnostics) => Err(diagnostics.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn tests_are_found_for_a_directory_a_rule_file_and_a_test_file_and_read_once() {
    let files = folder(&[
        ("a.yaml", RULE),
        ("a.test.yaml", TESTS),
        ("deep/b.yml", RULE),
        ("deep/b.test.yml", TESTS),
        ("c.yaml", RULE),
    ]);
    let path = |name: &str| files.path().join(name);
    let both = ["a.test.yaml", "b.test.yml"].map(str::to_owned).to_vec();
    assert_eq!(loaded(&[files.path()]), Ok(both.clone()));
    assert_eq!(loaded(&[&path("a.yaml")]), Ok(both[..1].to_vec()));
    assert_eq!(loaded(&[&path("deep/b.test.yml")]), Ok(both[1..].to_vec()));
    assert_eq!(loaded(&[&path("c.yaml")]), Ok(Vec::new()));
    assert_eq!(loaded(&[&path("a.yaml"), files.path()]), Ok(both));
    let sources =
        ["a.test.yaml", "deep/b.test.yml", "c.yaml"].map(|name| RuleSource::Path(path(name)));
    let rules = ["a.yaml", "deep/b.yml", "c.yaml"].map(|name| RuleSource::Path(path(name)));
    assert_eq!(rules_of(&sources), rules);
}

#[test]
fn the_problems_of_all_test_files_come_together_with_file_line_and_remedy() {
    let files = folder(&[
        ("a.yaml", RULE),
        ("a.test.yaml", &TESTS.replace("level: high", "level: hihg")),
        ("b.yaml", "title: no rule"),
        ("b.test.yaml", TESTS),
        ("gone.test.yaml", TESTS),
    ]);
    let problems = loaded(&[files.path()]).unwrap_err().join("\n");
    for part in [
        "a.test.yaml:5:12: error: unknown level\n  help: did you mean `high`?",
        "b.test.yaml:1:1: error: the rule file of this test file has no valid rule\n  help: ",
        "gone.yaml:1:1: error: there is no such file\n  help: ",
    ] {
        assert!(problems.contains(part), "{part}\n{problems}");
    }
}

/// An event that is a flat JSON object.
struct Event(Json);

impl Fields for Event {
    type Path = String;

    fn values(&self, path: &String, visit: &mut Visit<'_>) {
        if let Some(text) = self.0[path.as_str()].as_str() {
            let _ = visit(Value::String(text));
        }
    }

    fn elements(&self, _: &String, _: usize, _: bool, visit: &mut VisitElement<'_, String>) {
        let _ = visit(&|path, _, values| self.values(path, values));
    }

    fn strings(&self, _: &mut dyn FnMut(&str) -> ControlFlow<()>) {}

    fn logsource(&self) -> Origin<'_> {
        Origin {
            product: self.0["product"].as_str(),
            ..Origin::default()
        }
    }
}

/// The gaps that are left by these events in the tests of [`RULE`], which is for one product.
fn gaps(events: &[Json]) -> (Vec<String>, CoverageCount) {
    let rule = sigma::documents(RULE, &Placeholders::default())
        .rules
        .remove(0);
    let target = LogsourceDetection {
        logsource: &rule.logsource,
        detection: &rule.detection,
    };
    let engine = Engine::compile([target], &|name| Ok(name.to_owned())).unwrap();
    let mut coverage = Coverage::of(&rule.detection);
    for event in events {
        let event = Event(event.clone());
        coverage.add(&engine.outcome(0, &rule.detection, &event).unwrap());
    }
    let gaps = coverage.gaps().into_iter().map(|gap| {
        let located = Diagnostic {
            file: "r".into(),
            problem: gap,
        };
        located.to_string().lines().next().unwrap().to_owned()
    });
    (gaps.collect(), coverage.count())
}

#[test]
fn coverage_names_answers_that_no_test_gives_and_values_that_no_test_has() {
    let nothing = [
        "r:5:14: warning: no test makes the selection `deletion` true",
        "r:6:15: warning: no test makes the selection `filter_ci` true",
    ];
    assert_eq!(gaps(&[]).0, nothing);
    let elsewhere = json!({"product": "q", "method": "Delete", "user": "ci"});
    assert_eq!(gaps(&[elsewhere]).0, nothing);
    let event = |method: &str, user: &str| json!({"product": "p", "method": method, "user": user});
    let (named, count) = gaps(&[event("Delete", "ci")]);
    assert_eq!(
        named,
        [
            "r:5:14: warning: no test makes the selection `deletion` false",
            "r:5:14: warning: no test has 2 of the 3 values of `method`: Drop, Purge",
            "r:6:15: warning: no test makes the selection `filter_ci` false",
            "r:6:15: warning: no test has 1 of the 2 values of `user`: robot",
        ]
    );
    let expected = CoverageCount {
        answers: 4,
        tested_answers: 2,
        values: 5,
        tested_values: 2,
    };
    assert_eq!(count, expected);
    let all = [
        event("delete", "ci"),
        event("drop", "robot"),
        event("purge", "ada"),
        event("read", "ada"),
    ];
    let (named, count) = gaps(&all);
    assert!(named.is_empty(), "{named:?}");
    assert_eq!((count.tested_answers, count.tested_values), (4, 5));
}
