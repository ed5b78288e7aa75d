use std::fs;

use tempfile::TempDir;

use crate::command::{Run, run_in, run_with, watchbell};

const RULE: &str = "\
title: Topic deleted
id: 1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35
level: high
logsource: {product: confluent, service: kafka}
detection:
  deletion: {api.operation: kafka.DeleteTopics}
  filter_ci: {actor.user.name: robot}
  condition: deletion and not filter_ci
";

/// One event in each line: a deleted topic, a deleted cluster, and text that is no event.
const EVENTS: &str = concat!(
    r#"{"specversion":"1.0","id":"b3","source":"crn://confluent.cloud/","type":"io.confluent.cloud/request","#,
    r#""data":{"methodName":"kafka.DeleteTopics","serviceName":"crn://confluent.cloud/kafka=lkc-1","#,
    r#""authenticationInfo":{"principal":"User:sa-1"},"result":{"status":"SUCCESS"}}}"#,
    "\n",
    r#"{"specversion":"1.0","id":"b4","source":"crn://confluent.cloud/","type":"io.confluent.cloud/request","#,
    r#""data":{"methodName":"DeleteKafkaCluster","serviceName":"crn://confluent.cloud/","#,
    r#""authenticationInfo":{"principal":"User:u-1"},"result":{"status":"SUCCESS"}}}"#,
    "\n{\"cut\": \n"
);

const CONFIG: &str = "\
sources: {a: {bootstrap: 'audit.example:9092'}}
destination: {bootstrap: 'own.example:9092'}
rules: [rule.yaml]
names: names.yaml
overrides: {disabled: [1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35]}
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("rule.yaml", RULE),
        ("events.ndjson", EVENTS),
        ("config.yaml", CONFIG),
        ("names.yaml", "sa-1: {name: robot}\n"),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn explain(folder: &TempDir, arguments: &[&str]) -> Run {
    run_in(folder.path(), &[&["explain"], arguments].concat())
}

/// The lines that begin an event, and those that say whether the rule matches.
fn verdicts(run: &Run) -> Vec<&str> {
    let lines = run.stdout.lines().map(str::trim);
    let lines = lines.filter(|line| line.contains("events.ndjson:") || line.contains("the rule"));
    lines.collect()
}

#[test]
fn every_event_of_a_file_is_explained_with_what_is_no_event() {
    let folder = folder();
    let run = explain(&folder, &["rule.yaml", "--event", "events.ndjson"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stderr, "the rule matches 1 of 2 events\n");
    let verdicts = verdicts(&run);
    assert_eq!(verdicts.len(), 5, "{}", run.stdout);
    assert!(verdicts[0].starts_with("events.ndjson:1"), "{}", run.stdout);
    assert_eq!(verdicts[1], "the rule matches");
    assert!(verdicts[2].starts_with("events.ndjson:2"), "{}", run.stdout);
    let elsewhere = "the rule does not match: it is for product confluent, service kafka, the event is of product confluent, service ";
    assert!(verdicts[3].starts_with(elsewhere), "{}", run.stdout);
    let letter = "events.ndjson:3: the record became a dead letter, so no rule saw it: not_json: ";
    assert!(verdicts[4].starts_with(letter), "{}", run.stdout);
}

#[test]
fn a_near_miss_names_the_filter_and_the_name_that_the_configuration_gives() {
    let folder = folder();
    // The configuration disables the rule, which can be explained all the same.
    for rule in [
        "1C7F7C0C-52b5-4c39-9df8-0b8f1c1f6a35",
        "topic deleted",
        "rule.yaml",
    ] {
        let arguments = [
            rule,
            "--event",
            "events.ndjson",
            "--line",
            "1",
            "-c",
            "config.yaml",
        ];
        let run = explain(&folder, &arguments);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.stderr, "the rule matches 0 of 1 events\n");
        let (event, tree) = run.stdout.split_once('\n').expect("lines");
        assert!(
            event.contains("robot") && event.contains("kafka.DeleteTopics"),
            "{event}"
        );
        assert_eq!(
            tree,
            "  the rule would match but for `filter_ci`
  no   all of
  yes    deletion
  yes      api.operation: kafka.DeleteTopics  (the event has kafka.DeleteTopics)
  no     not filter_ci
  yes      actor.user.name: robot  (the event has robot)
"
        );
    }
}

#[test]
fn without_a_configuration_a_rule_of_the_packs_is_explained_on_standard_input() {
    let folder = folder();
    let mut command = watchbell();
    let rule = "pack:confluent/kafka_cluster_deleted.yaml";
    command
        .current_dir(folder.path())
        .args(["explain", rule, "--event", "-", "--line", "2"]);
    let run = run_with(&mut command, EVENTS.as_bytes());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stdout.contains("\n  the rule matches\n  yes  all of\n"),
        "{}",
        run.stdout
    );
    assert_eq!(run.stderr, "the rule matches 1 of 1 events\n");
}

/// The exit code, and what is said of arguments with which nothing is explained.
fn said(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    let run = explain(folder, arguments);
    assert_eq!(run.stdout, "", "{arguments:?}");
    (run.code, run.stderr)
}

#[test]
fn of_a_file_with_several_rules_one_is_chosen_by_the_command_that_the_error_gives() {
    let folder = folder();
    let second = RULE.replace("title: ", "title: Another ");
    let id = "6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d";
    let own = RULE
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .expect("an id");
    let text = format!("{RULE}---\n{}", second.replace(own, id));
    fs::write(folder.path().join("two.yaml"), text).expect("a file");
    let event = ["--event", "events.ndjson", "--line", "1"];
    let (code, stderr) = said(&folder, &[&["two.yaml"], &event[..]].concat());
    assert_eq!(code, Some(1));
    let start = "watchbell: two.yaml has 2 rules\n  help: name one of them:\n";
    assert!(stderr.starts_with(start), "{stderr}");
    let command = format!("watchbell explain {id} --rules two.yaml --event …");
    assert!(stderr.contains(&command), "{stderr}");
    let run = explain(
        &folder,
        &[&[id, "--rules", "two.yaml"], &event[..]].concat(),
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.ends_with("of 1 events\n"), "{}", run.stderr);
}

#[test]
fn names_and_placeholders_need_no_configuration() {
    let folder = folder();
    let rule = RULE.replace("actor.user.name: robot", "actor.user.name|expand: '%ci%'");
    assert_ne!(rule, RULE);
    fs::write(folder.path().join("rule.yaml"), rule).expect("a file");
    fs::write(folder.path().join("p.yaml"), "ci: [robot]").expect("a file");
    let event = ["--event", "events.ndjson", "--line", "1"];
    let (code, stderr) = said(&folder, &[&["rule.yaml"], &event[..]].concat());
    assert_eq!(code, Some(78));
    assert!(stderr.contains("`--placeholders`"), "{stderr}");
    let options = [
        "rule.yaml",
        "--names",
        "names.yaml",
        "--placeholders",
        "p.yaml",
    ];
    let run = explain(&folder, &[&options, &event[..]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stdout.contains("would match but for `filter_ci`"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_fifo_is_refused_wherever_a_file_is_named() {
    let folder = folder();
    let made = std::process::Command::new("mkfifo")
        .current_dir(folder.path())
        .args(["fifo", "fifo.test.yaml"])
        .status();
    assert!(made.expect("mkfifo of coreutils").success());
    fs::create_dir(folder.path().join("rules")).expect("a folder");
    fs::rename(
        folder.path().join("fifo.test.yaml"),
        folder.path().join("rules/x.yaml"),
    )
    .expect("moved");
    let event = ["--event", "events.ndjson"];
    let explained = ["explain", "rule.yaml"];
    for arguments in [
        ["explain", "fifo"]
            .into_iter()
            .chain(event)
            .collect::<Vec<_>>(),
        explained.into_iter().chain(["--event", "fifo"]).collect(),
        explained
            .into_iter()
            .chain(event)
            .chain(["--names", "fifo"])
            .collect(),
        explained
            .into_iter()
            .chain(event)
            .chain(["--placeholders", "fifo"])
            .collect(),
        explained
            .into_iter()
            .chain(event)
            .chain(["-c", "fifo"])
            .collect(),
        ["test", "fifo"].into(),
        ["test", "rules"].into(),
        ["replay", "fifo"].into(),
        ["replay", "events.ndjson", "--rules", "rules"].into(),
        ["validate", "-c", "fifo"].into(),
    ] {
        let run = run_in(folder.path(), &arguments);
        assert_ne!(run.code, Some(0), "{arguments:?}");
        let said = "it is a FIFO, not a file\n  help: name a regular file";
        assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn what_cannot_be_explained_is_refused_with_a_remedy() {
    let folder = folder();
    let event = ["--event", "events.ndjson"];
    let said = |arguments: &[&str]| self::said(&folder, arguments);
    let unknown = said(&[&["Kafka cluter deleted"], &event[..]].concat());
    let message = "watchbell: no rule `Kafka cluter deleted`\n  help: did you mean `Kafka cluster deleted`?\n";
    assert_eq!(unknown, (Some(1), message.to_owned()));
    let beyond = said(&[&["rule.yaml"], &event[..], &["--line", "4"]].concat());
    assert_eq!(
        beyond,
        (
            Some(1),
            "watchbell: events.ndjson has only 3 events\n".to_owned()
        )
    );
    let (code, stderr) = said(&["rule.yaml", "--event", "missing.ndjson"]);
    assert_eq!(code, Some(78), "{stderr}");
    let taken = "watchbell: there is no file `missing.ndjson`, so it was taken for the id or the position of a record in \
                the topics of the configuration\nwatchbell.yaml: error: there is no such file\n";
    assert!(stderr.starts_with(taken), "{stderr}");
    let (_, stderr) = self::said(&folder, &["rule.yaml", "--event", "evnts.ndjson"]);
    assert!(
        stderr.contains("\n  help: did you mean `events.ndjson`?\n"),
        "{stderr}"
    );
    fs::write(
        folder.path().join("rule.yaml"),
        RULE.replace("high", "hihg"),
    )
    .expect("a file");
    let (code, stderr) = said(&[&["rule.yaml"], &event[..]].concat());
    assert_eq!(code, Some(78), "{stderr}");
    assert!(
        stderr.starts_with("rule.yaml:3:8: error: `hihg` is no level"),
        "{stderr}"
    );
}
