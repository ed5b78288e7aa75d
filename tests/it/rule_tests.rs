use std::fs;
use std::path::Path;

use roxmltree::{Document, Node};
use tempfile::TempDir;

use crate::command::{Run, run_in};

const RULE: &str = "\
title: Topic <deleted> & gone
id: 1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35
taxonomy: ocsf
level: high
logsource: {product: confluent, service: kafka}
detection:
  deletion:
    api.operation: [kafka.DeleteTopics, kafka.DeleteGroups]
  filter_failed:
    status: Failure
  filter_ci:
    actor.user.name: robot
  condition: deletion and not 1 of filter_*
";

const TESTS: &str = r#"
event:
  specversion: "1.0"
  id: b3
  source: crn://confluent.cloud/
  type: io.confluent.cloud/request
  time: "2026-03-14T09:00:14.000Z"
  data:
    methodName: kafka.DeleteTopics
    serviceName: crn://confluent.cloud/kafka=lkc-1
    authenticationInfo: {principal: "User:u-1"}
    result: {status: SUCCESS}
tests:
  - name: a deleted topic alerts
    alerts: 1
    level: high
  - name: one that failed does not
    patch: [{op: replace, path: /data/result/status, value: FAILURE}]
    alerts: 0
  - name: a created topic does not
    patch: [{op: replace, path: /data/methodName, value: kafka.CreateTopics}]
    alerts: 0
"#;

/// A folder with one rule and its tests, below `rules`.
fn folder(rule: &str, tests: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("rules")).expect("a folder");
    write(folder.path(), "rules/gone.yaml", rule);
    write(folder.path(), "rules/gone.test.yaml", tests);
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a file");
}

fn test(folder: &Path, arguments: &[&str]) -> Run {
    run_in(folder, &[&["test"], arguments].concat())
}

#[test]
fn tests_of_a_directory_a_rule_file_and_a_test_file_pass_with_a_line_for_the_rule() {
    let folder = folder(RULE, TESTS);
    for path in ["rules", "rules/gone.yaml", "rules/gone.test.yaml"] {
        let run = test(folder.path(), &[path]);
        assert_eq!(run.code, Some(0), "{path}: {}", run.stderr);
        assert_eq!(
            run.stdout,
            "ok      rules/gone.yaml: Topic <deleted> & gone: 3 tests\n"
        );
        assert_eq!(run.stderr, "all 3 tests of 1 rules passed\n");
    }
}

#[test]
fn without_a_path_the_tests_of_all_packs_run_and_a_pack_can_be_named() {
    let empty = tempfile::tempdir().expect("a folder");
    let all = test(empty.path(), &[]);
    assert_eq!(all.code, Some(0), "{}", all.stdout);
    assert!(all.stdout.lines().count() >= 90, "{}", all.stdout);
    let pack = test(empty.path(), &["pack:redpanda"]);
    assert_eq!(pack.code, Some(0), "{}", pack.stdout);
    let folders = ["pack:redpanda/", "pack:common/"];
    for line in pack.stdout.lines() {
        assert!(folders.iter().any(|folder| line.contains(folder)), "{line}");
        assert!(all.stdout.contains(line), "{line}");
    }
    let unknown = test(empty.path(), &["pack:redpandas"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(78), ""));
    assert_eq!(
        unknown.stderr,
        "pack:redpandas:1:1: error: no such pack\n  help: did you mean `pack:redpanda`?\n"
    );
}

#[test]
fn a_failed_test_shows_the_selection_that_prevented_the_alert_and_the_value_of_the_event() {
    let expects_an_alert = TESTS.replace(
        "value: FAILURE}]\n    alerts: 0",
        "value: FAILURE}]\n    alerts: 1\n    level: high",
    );
    let folder = folder(RULE, &expects_an_alert);
    let run = test(folder.path(), &["rules"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stderr, "watchbell: 1 of 3 tests failed\n");
    assert_eq!(
        run.stdout,
        "\
FAILED  rules/gone.yaml: Topic <deleted> & gone: 1 of 3 tests failed
  rules/gone.test.yaml:17:5: one that failed does not
    expected 1 alert of level high, raised no alert
    the rule would match but for `filter_failed`
    no   all of
    yes    deletion
    yes      api.operation: one of kafka.DeleteTopics, kafka.DeleteGroups  (the event has kafka.DeleteTopics)
    no     none of
    yes      filter_failed
    yes        status: Failure  (the event has Failure)
    no       filter_ci
    no         actor.user.name: robot  (the event has no such field)
"
    );
}

#[test]
fn an_alert_that_was_not_expected_a_wrong_level_and_a_dead_letter_are_explained() {
    let tests = TESTS
        .replace("alerts: 1\n    level: high", "alerts: 1\n    level: low")
        .replace(
            "    patch: [{op: replace, path: /data/result/status, value: FAILURE}]\n",
            "",
        )
        .replace(
            "patch: [{op: replace, path: /data/methodName, value: kafka.CreateTopics}]\n    alerts: 0",
            "event: '{\"specversion\": '\n    alerts: 1\n    level: high",
        );
    let folder = folder(RULE, &tests);
    let run = test(folder.path(), &["rules"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stderr, "watchbell: 3 of 3 tests failed\n");
    for part in [
        "    expected 1 alert of level low, raised 1 alert of level high\n  rules/",
        "    expected no alert, raised 1 alert of level high\n    the rule matches\n    yes  all of\n",
        "    expected 1 alert of level high, raised no alert\n    \
         the record became a dead letter, so no rule saw it: not_json: ",
    ] {
        assert!(run.stdout.contains(part), "{part}\n{}", run.stdout);
    }
}

#[test]
fn every_event_of_a_record_that_holds_several_is_explained() {
    let event = r#"{"specversion":"1.0","id":"b3","source":"crn://confluent.cloud/",
        "type":"io.confluent.cloud/request","data":{"methodName":"kafka.METHOD",
        "serviceName":"crn://confluent.cloud/kafka=lkc-1","result":{"status":"SUCCESS"}}}"#
        .replace('\n', "");
    let list = format!(
        "[{},{}]",
        event.replace("METHOD", "DeleteTopics"),
        event.replace("METHOD", "CreateTopics")
    );
    let tests = format!("event: '{list}'\ntests:\n  - {{name: two events, alerts: 0}}\n");
    let folder = folder(RULE, &tests);
    let run = test(folder.path(), &["rules"]);
    assert_eq!(run.code, Some(1));
    let explained: Vec<&str> = run
        .stdout
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("event ") || line.starts_with("the rule"))
        .collect();
    assert_eq!(
        explained,
        [
            "event 1 of 2:",
            "the rule matches",
            "event 2 of 2:",
            "the rule would match but for `deletion`"
        ]
    );
}

#[test]
fn names_of_a_file_or_of_the_configuration_are_given_to_the_events() {
    let tests = TESTS.replace("alerts: 1\n    level: high", "alerts: 0");
    let folder = folder(RULE, &tests);
    write(folder.path(), "names.yaml", "u-1: {name: robot}\n");
    let config = "\
sources: {a: {bootstrap: 'audit.example:9092'}}
destination: {bootstrap: 'own.example:9092'}
rules: [rules]
names: names.yaml
overrides: {levels: {1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35: low}}
";
    write(folder.path(), "watchbell.yaml", config);
    write(folder.path(), "nobody.yaml", "u-2: {name: Ada}\n");
    assert_eq!(test(folder.path(), &["rules"]).code, Some(1));
    for arguments in [
        &["rules", "--names", "names.yaml"][..],
        &["-c", "watchbell.yaml"],
        &["rules", "-c", "watchbell.yaml"],
    ] {
        let run = test(folder.path(), arguments);
        assert_eq!(run.code, Some(0), "{}", run.stdout);
    }
    let other = test(
        folder.path(),
        &["-c", "watchbell.yaml", "--names", "nobody.yaml"],
    );
    assert_eq!(other.code, Some(1));
    // The level that the configuration overrides is not that of the rule's tests.
    write(folder.path(), "rules/gone.test.yaml", TESTS);
    let run = test(
        folder.path(),
        &["-c", "watchbell.yaml", "--names", "nobody.yaml"],
    );
    assert_eq!(run.code, Some(0), "{}", run.stdout);
}

#[test]
fn all_problems_of_rules_tests_and_names_come_in_one_pass() {
    let folder = folder(
        &RULE.replace("level: high", "level: hihg"),
        &TESTS.replace("    alerts: 0", "    alert: 0"),
    );
    write(folder.path(), "rules/lone.test.yaml", TESTS);
    write(folder.path(), "names.yaml", "u-1: {nam: robot}\n");
    let run = test(
        folder.path(),
        &["rules", "gone.yaml", "--names", "names.yaml"],
    );
    assert_eq!((run.code, run.stdout.as_str()), (Some(78), ""));
    for part in [
        "rules/gone.yaml:4:8: error: `hihg` is no level\n  help: ",
        "rules/gone.test.yaml:19:5: error: unknown key `alert`\n  help: did you mean `alerts`?",
        "rules/gone.test.yaml:22:5: error: unknown key `alert`\n",
        "rules/lone.yaml:1:1: error: there is no such file\n  help: did you mean `rules/gone.yaml`?",
        "gone.yaml:1:1: error: there is no such file\n  help: correct the path",
        "names.yaml:1:7: error: unknown key `nam`\n  help: did you mean `name`?",
    ] {
        assert!(run.stderr.contains(part), "{part}\n{}", run.stderr);
    }
}

#[test]
fn without_any_test_the_error_says_where_they_were_looked_for() {
    let folder = folder(RULE, TESTS);
    fs::remove_file(folder.path().join("rules/gone.test.yaml")).expect("no tests");
    let run = test(folder.path(), &["rules"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        run.stderr,
        "watchbell: no tests found in rules: the tests of x.yaml are expected in x.test.yaml in the same directory\n"
    );
}

#[test]
fn coverage_lists_what_no_test_exercises_and_does_not_change_the_exit_code() {
    let folder = folder(RULE, TESTS);
    let untested = RULE
        .replace("1c7f7c0c", "2c7f7c0c")
        .replace("gone", "untested");
    write(folder.path(), "rules/untested.yaml", &untested);
    let run = test(folder.path(), &["rules", "--coverage"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        run.stdout,
        "\
ok      rules/gone.yaml: Topic <deleted> & gone: 3 tests
rules/gone.yaml:8:5: warning: no test has 1 of the 2 values of `api.operation`: kafka.DeleteGroups
  help: write a test for each, with a `patch` of the event
rules/gone.yaml:12:5: warning: no test makes the selection `filter_ci` true
  help: write a test with an event for which it holds
rules/untested.yaml:2:5: warning: the rule `Topic <deleted> & untested` has no test
  help: write tests beside the rule, in a file of the same name that ends in `.test.yaml`
coverage: 1 of 2 rules have tests; tests exercise 5 of 12 answers of selections and 2 of 8 listed values
"
    );
}

#[test]
fn the_junit_file_is_well_formed_and_has_every_test_with_its_failure() {
    let name = "one that <failed> & \"was\" \u{1b}[2J not";
    let tests = TESTS.replace(
        "name: one that failed does not\n    patch: [{op: replace, path: /data/result/status, value: FAILURE}]",
        r#"name: "one that <failed> & \"was\" \e[2J not""#,
    );
    let folder = folder(RULE, &tests);
    let run = test(folder.path(), &["rules", "--junit", "report.xml"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    let text = fs::read_to_string(folder.path().join("report.xml")).expect("a report");
    let document = Document::parse(&text).expect("well-formed XML");
    let root = document.root_element();
    let attributes = |node: Node<'_, '_>, names: &[&str]| -> Vec<String> {
        let value = |name: &&str| node.attribute(*name).expect("an attribute").to_owned();
        names.iter().map(value).collect()
    };
    assert_eq!(root.tag_name().name(), "testsuites");
    assert_eq!(
        attributes(root, &["tests", "failures", "errors"]),
        ["3", "1", "0"]
    );
    let suite = root.first_element_child().expect("a suite");
    assert_eq!(
        attributes(suite, &["name", "tests", "failures", "skipped"]),
        ["Topic <deleted> & gone", "3", "1", "0"]
    );
    let cases: Vec<Node<'_, '_>> = suite.children().filter(Node::is_element).collect();
    let shown = name.replace('\u{1b}', "\u{fffd}");
    let expected = [
        [
            "rules/gone.yaml",
            "a deleted topic alerts",
            "rules/gone.test.yaml",
            "14",
        ],
        ["rules/gone.yaml", &shown, "rules/gone.test.yaml", "17"],
        [
            "rules/gone.yaml",
            "a created topic does not",
            "rules/gone.test.yaml",
            "19",
        ],
    ];
    for (case, expected) in cases.iter().zip(expected) {
        assert_eq!(
            attributes(*case, &["classname", "name", "file", "line"]),
            expected
        );
        assert!(case.attribute("time").unwrap().parse::<f64>().unwrap() >= 0.0);
    }
    let failures: Vec<Option<Node<'_, '_>>> = cases.iter().map(Node::first_element_child).collect();
    let [None, Some(failure), None] = failures[..] else {
        panic!("{text}");
    };
    assert_eq!(
        attributes(failure, &["message", "type"]),
        ["expected no alert, raised 1 alert of level high", "alerts"]
    );
    let said = failure.text().expect("a text");
    assert!(said.starts_with("rules/gone.test.yaml:17:5\n"), "{said}");
    assert!(
        said.contains("(the event has kafka.DeleteTopics)"),
        "{said}"
    );
    let unwritable = test(folder.path(), &["rules", "--junit", "missing/report.xml"]);
    assert_eq!(unwritable.code, Some(1));
    assert!(
        unwritable
            .stderr
            .contains("write missing/report.xml: No such file"),
        "{}",
        unwritable.stderr
    );
}
