//! `validate`, `config print` and `--help`: their output and exit codes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::command::{Run, run_in, run_with, watchbell};

const CONFIG: &str = "\
sources:
  confluent:
    bootstrap: audit.example:9092
    api_key_file: key
    api_secret_file: secret
destination:
  bootstrap: own.example:9092
rules: [pack:confluent, rules]
names: names.yaml
";

const RULE: &str = "\
title: Topic deleted
id: 1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35
taxonomy: ocsf
level: high
logsource: {product: confluent, service: kafka}
detection:
  deletion: {api.operation: kafka.DeleteTopics}
  condition: deletion
";

const NAMES: &str = "u-1: {name: Ada}\n";

/// A configuration with one rule and one name, to which a test adds faults.
fn folder(config: &str, rule: &str, names: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    fs::create_dir(folder.path().join("rules")).expect("a folder");
    write("watchbell.yaml", config);
    write("rules/topic_deleted.yaml", rule);
    write("names.yaml", names);
    write("key", "THE-KEY\n");
    write("secret", "THE-SECRET\n");
    folder
}

fn validate(config: &str, rule: &str, names: &str) -> Run {
    run_in(folder(config, rule, names).path(), &["validate"])
}

fn with_variables(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let folder = folder(CONFIG, RULE, NAMES);
    let mut command = watchbell();
    command.current_dir(folder.path()).args(arguments);
    run_with(command.envs(variables.iter().copied()), b"")
}

#[test]
fn a_correct_configuration_is_accepted() {
    let run = validate(CONFIG, RULE, NAMES);
    assert_eq!(
        run.stderr,
        "configuration fine, 103 rules in force, 0 warnings\n"
    );
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
}

#[test]
fn a_rule_that_is_evaluated_on_every_event_is_a_warning_and_counted() {
    let rule = RULE.replace("condition: deletion", "condition: not deletion");
    let run = validate(CONFIG, &rule, NAMES);
    let warning = "rules/topic_deleted.yaml:2:5: warning: no line requires a value of a field";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    let count = "configuration fine, 103 rules in force (1 evaluated on every event of their log source), 1 warnings\n";
    assert!(run.stderr.ends_with(count), "{}", run.stderr);
    assert_eq!(run.code, Some(0));
}

#[test]
fn every_fault_of_a_configuration_comes_in_one_pass_with_line_and_remedy() {
    let config = CONFIG
        .replace("    bootstrap: audit", "    boostrap: audit")
        .replace("pack:confluent,", "pack:confluentt,")
        + "delivery: at_most_once\nhttp: {listen: nowhere}\n";
    // A fault in one file does not hide those in the others.
    let rule = RULE.replace("level: high", "level: hihg");
    let run = validate(&config, &rule, "u-1: {nam: Ada}\n");
    assert_eq!((run.code, run.stdout.as_str()), (Some(78), ""));
    for said in [
        "watchbell.yaml:3:5: error: unknown key `boostrap`\n  help: did you mean `bootstrap`?",
        "watchbell.yaml:8:8: error: rules: there is no pack `confluentt`\n  help: did you mean `pack:confluent`?",
        "watchbell.yaml:10:11: error: delivery: `at_most_once` is not a valid value\n  help: did you mean `at_least_once`?",
        "watchbell.yaml:11:16: error: http.listen: ",
        "rules/topic_deleted.yaml:4:8: error: `hihg` is no level\n  help: ",
        "names.yaml:1:7: error: unknown key `nam`\n  help: did you mean `name`?",
    ] {
        assert!(run.stderr.contains(said), "{said}\n{}", run.stderr);
    }
    assert_eq!(run.stderr.matches("error: ").count(), 8, "{}", run.stderr);
}

#[test]
fn faults_of_rules_and_names_come_in_one_pass_with_file_line_and_remedy() {
    let rule = RULE
        .replace("level: high", "level: hihg")
        .replace("condition: deletion", "condition: deletions");
    let run = validate(CONFIG, &rule, "u-1: {nam: Ada}\n");
    assert_eq!((run.code, run.stdout.as_str()), (Some(78), ""));
    for said in [
        "rules/topic_deleted.yaml:4:8: error: `hihg` is no level\n  help: ",
        "rules/topic_deleted.yaml:8:14: error: no selection `deletions`\n  help: ",
        "names.yaml:1:7: error: unknown key `nam`\n  help: did you mean `name`?",
    ] {
        assert!(run.stderr.contains(said), "{said}\n{}", run.stderr);
    }
}

#[test]
fn the_error_names_a_missing_configuration() {
    let run = run_in(Path::new("."), &["validate", "-c", "nowhere/w.yaml"]);
    assert_eq!(run.code, Some(78));
    let said = "nowhere/w.yaml: error: there is no such file\n  help: correct the path";
    assert!(run.stderr.starts_with(said), "{}", run.stderr);
}

#[test]
fn an_unknown_variable_is_refused_with_the_nearest_name() {
    for command in [&["validate"][..], &["config", "print"], &["run"]] {
        let run = with_variables(command, &[("WATCHBELL__DESTINATION__BOOTSTRP", "x")]);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(78), ""),
            "{command:?}"
        );
        assert_eq!(
            run.stderr,
            "WATCHBELL__DESTINATION__BOOTSTRP: error: no configuration key has this name\n  \
             help: did you mean `WATCHBELL__DESTINATION__BOOTSTRAP`?\n"
        );
    }
}

#[test]
fn the_configuration_is_printed_with_its_origins_and_without_secrets() {
    let variables = [
        ("WATCHBELL__DESTINATION__KAFKA__SASL_PASSWORD", "HIDDEN"),
        ("WATCHBELL__GROUP", "other"),
    ];
    let run = with_variables(&["config", "print"], &variables);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    for line in [
        "    api_key_file: key  # watchbell.yaml:4:19",
        "    sasl.password: \"***\"  # WATCHBELL__DESTINATION__KAFKA__SASL_PASSWORD",
        "group: other  # WATCHBELL__GROUP",
        "delivery: exactly_once  # default",
    ] {
        assert!(
            run.stdout.lines().any(|printed| printed == line),
            "{line}\n{}",
            run.stdout
        );
    }
    for secret in ["HIDDEN", "THE-KEY", "THE-SECRET"] {
        assert!(!run.stdout.contains(secret), "{}", run.stdout);
    }
}

#[test]
fn help_lists_every_command_of_the_readme_and_no_other() {
    let run = run_in(Path::new("."), &["--help"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let mut listed: Vec<&str> = run
        .stdout
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    let readme = include_str!("../../README.md");
    let mut documented: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split([' ', '`']).next())
        .filter(|command| !command.contains('.'))
        .collect();
    listed.sort_unstable();
    documented.sort_unstable();
    assert_eq!(listed, documented);
    for command in listed {
        let run = run_in(Path::new("."), &[command, "--help"]);
        assert_eq!(run.code, Some(0), "{command}");
        assert!(
            run.stdout.contains(&format!("Usage: watchbell {command}")),
            "{command}"
        );
    }
}

#[test]
fn a_mistake_on_the_command_line_is_explained() {
    let run = run_in(Path::new("."), &["replay", "--emit", "alert", "x"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(
        run.stderr
            .contains("possible values: all, routed, events, alerts, dead-letters")
    );
    let run = run_in(Path::new("."), &["demo", "--listen", "127.0.0.1:0"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("--serve"), "{}", run.stderr);
}

#[test]
fn a_cluster_that_does_not_answer_is_reported_after_a_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let config =
        "sources: {a: {bootstrap: '127.0.0.1:1'}}\ndestination: {bootstrap: '127.0.0.1:1'}\n";
    std::fs::write(folder.path().join("watchbell.yaml"), config).expect("a configuration");
    let mut child = watchbell()
        .current_dir(folder.path())
        .args(["tail", "-c", "watchbell.yaml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let started = Instant::now();
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let first = said.next().expect("a word").expect("UTF-8");
    let waited = started.elapsed();
    child.kill().expect("an end");
    child.wait().expect("its end");
    assert!(first.contains("does not answer"), "{first}");
    assert!(waited < Duration::from_secs(15), "{waited:?}");
}
