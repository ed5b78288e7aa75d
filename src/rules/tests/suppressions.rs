//! Suppressions in a rule set: for which rules, events and times, and what changes with them.

use super::*;

const SUPPRESSION: &str = "\
title: Nightly rebuild of staging
id: 33333333-3333-4333-8333-333333333333
suppress:
  rules: [11111111-1111-4111-8111-111111111111]
  owner: platform team
  reason: staging is rebuilt every night
  expires: 1970-01-01T00:01:00Z
  detection: {sel: {api.operation|contains: Delete}, condition: sel}
";
const EXPIRES_MS: i64 = 60_000;

/// The rules of two files, of which the second is RULE with another id, and these suppressions.
fn files(suppressions: &str) -> tempfile::TempDir {
    let second = RULE.replace(FIRST, SECOND);
    directory(&[
        ("a.yaml", RULE),
        ("b.yaml", &second),
        ("s.yaml", suppressions),
    ])
}

fn load_with(suppressions: &str) -> RuleSet<String> {
    load(files(suppressions).path(), &Overrides::default()).unwrap()
}

/// For each rule, the title of the suppression of its alert for the event.
fn suppressed(set: &RuleSet<String>, operation: &'static str, now_ms: i64) -> Vec<Option<String>> {
    let mut scratch = Scratch::default();
    let mut of = |rule| {
        let found = set.suppression(rule, &Event(operation), now_ms, &mut scratch);
        found.map(|found| found.suppression.title.clone())
    };
    (0..set.rules().len()).map(&mut of).collect()
}

#[test]
fn an_alert_is_suppressed_for_its_rule_its_event_and_until_the_end() {
    let set = load_with(SUPPRESSION);
    let title = Some("Nightly rebuild of staging".to_owned());
    let deletion = "kafka.DeleteTopics";
    assert_eq!(
        suppressed(&set, deletion, EXPIRES_MS - 1),
        [title.clone(), None]
    );
    assert_eq!(suppressed(&set, deletion, EXPIRES_MS), [None, None]);
    assert_eq!(suppressed(&set, "kafka.CreateTopics", 0), [None, None]);
    // Without a detection, for every event of the rule.
    let (whole, _) = SUPPRESSION.split_once("  detection").unwrap();
    assert_eq!(
        suppressed(&load_with(whole), "kafka.CreateTopics", 0),
        [title.clone(), None]
    );
    let any = SUPPRESSION.replace(&format!("[{FIRST}]"), "any");
    assert_eq!(
        suppressed(&load_with(&any), deletion, 0),
        [title.clone(), title]
    );
}

#[test]
fn the_next_suppression_counts_if_one_has_ended() {
    let later = SUPPRESSION
        .replace(
            "33333333-3333-4333-8333-333333333333",
            "44444444-4444-4444-8444-444444444444",
        )
        .replace("Nightly", "Weekly")
        .replace("00:01:00Z", "00:02:00Z");
    let set = load_with(&format!("{SUPPRESSION}---\n{later}"));
    let at = |now_ms| suppressed(&set, "kafka.DeleteTopics", now_ms)[0].clone();
    assert!(at(EXPIRES_MS - 1).is_some());
    assert_eq!(at(EXPIRES_MS).as_deref(), Some("Weekly rebuild of staging"));
    assert_eq!(at(2 * EXPIRES_MS), None);
}

#[test]
fn a_suppression_names_fields_as_its_rules_may_and_a_line_that_never_holds_is_reported() {
    let native = SUPPRESSION.replace("api.operation|contains", "data.methodName|contains");
    let set = load_with(&native);
    let title = Some("Nightly rebuild of staging".to_owned());
    assert_eq!(suppressed(&set, "kafka.DeleteTopics", 0), [title, None]);
    assert_ne!(set.hash(), load_with(SUPPRESSION).hash());
    // Rules of which nothing is known in common have the names of attributes only.
    let any = native.replace(&format!("[{FIRST}]"), "any");
    let refused = load(files(&any).path(), &Overrides::default()).unwrap_err();
    let refused: Vec<&str> = refused.iter().map(|d| d.problem.message.as_str()).collect();
    assert_eq!(refused, ["unknown field `data.methodName`"]);
    for (line, warning) in [
        ("status: Sucess", "no event has the `status` Sucess"),
        (
            "status: null",
            "every event has `status`, so this line never holds",
        ),
        (
            "api.operation: kafka.DeleteTopcs",
            "no known method is `kafka.DeleteTopcs`",
        ),
        (
            "api.operation: DeleteStatement",
            "`DeleteStatement` is no method of the service `kafka`",
        ),
    ] {
        let text = SUPPRESSION.replace("api.operation|contains: Delete", line);
        assert_eq!(warnings(&load_with(&text)), [warning]);
    }
}

#[test]
fn a_suppression_changes_the_hash_of_the_set_and_the_version_of_no_rule() {
    let with = load_with(SUPPRESSION);
    let plain = directory(&[("a.yaml", RULE), ("b.yaml", &RULE.replace(FIRST, SECOND))]);
    let plain = load(plain.path(), &Overrides::default()).unwrap();
    assert_ne!(with.hash(), plain.hash());
    let versions = |set: &RuleSet<String>| -> Vec<String> {
        set.rules()
            .iter()
            .map(|rule| rule.version.clone())
            .collect()
    };
    assert_eq!(versions(&with), versions(&plain));
    let commented = load_with(&format!("# why\n{SUPPRESSION}"));
    assert_eq!(commented.hash(), with.hash());
}

#[test]
fn a_suppression_of_an_unknown_rule_or_field_is_an_error_with_its_place() {
    for (wrong, replacement, said) in [
        (
            FIRST,
            "topic_deletd",
            "s.yaml:4:11: error: no rule has the id or name `topic_deletd`",
        ),
        (
            "api.operation",
            "actor.uid",
            "s.yaml:8:21: error: unknown field `actor.uid`",
        ),
        (
            "33333333-3333-4333-8333-333333333333",
            SECOND,
            "s.yaml:2:5: error: id `2222",
        ),
    ] {
        let files = files(&SUPPRESSION.replace(wrong, replacement));
        let refused = load(files.path(), &Overrides::default()).unwrap_err();
        let root = format!("{}/", files.path().display());
        let found: Vec<String> = refused
            .iter()
            .map(|d| d.to_string().replace(&root, ""))
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(said), "{found:?}");
    }
}

#[test]
fn a_suppression_may_name_a_rule_that_the_configuration_disables() {
    let overrides = Overrides {
        disabled: [FIRST.to_owned()].into(),
        ..Overrides::default()
    };
    let set = load(files(SUPPRESSION).path(), &overrides).unwrap();
    assert_eq!(suppressed(&set, "kafka.DeleteTopics", 0), [None]);
}
