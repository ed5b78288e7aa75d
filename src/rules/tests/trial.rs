//! A rule that is tried among the rules in force: what applies to it, and what is wrong with it.

use super::*;

const NEW: &str = "44444444-4444-4444-8444-444444444444";

fn tried(set: &RuleSet<String>, text: &str) -> Result<RuleSet<String>, Vec<String>> {
    let tried = set.with_tried(text, &resolve);
    tried.map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn matches(set: &RuleSet<String>, operation: &'static str) -> Vec<RuleIndex> {
    set.matches(&Event(operation), &mut Scratch::default())
        .to_vec()
}

#[test]
fn a_rule_takes_the_place_of_the_one_with_its_id_and_another_one_is_beside_it() {
    let set = loaded(&[("a.yaml", RULE), ("b.yaml", &RULE.replace(FIRST, SECOND))]);
    let changed = RULE.replace("DeleteTopics", "CreateTopics");
    let with = tried(&set, &changed).unwrap();
    assert_eq!(with.rules().len(), 2);
    assert_eq!(with.rules()[0].rule.id.as_str(), FIRST);
    assert_eq!(matches(&with, "kafka.CreateTopics"), [0]);
    assert_eq!(matches(&with, "kafka.DeleteTopics"), [1]);
    let new = tried(&set, &RULE.replace(FIRST, NEW)).unwrap();
    assert_eq!(new.rules().len(), 3);
    assert_eq!(matches(&new, "kafka.DeleteTopics"), [0, 1, 2]);
    // The rules in force stay as they are.
    assert_eq!(matches(&set, "kafka.DeleteTopics"), [0, 1]);
}

#[test]
fn filters_suppressions_and_overrides_of_the_set_apply_and_a_disabled_rule_can_be_tried() {
    let suppression = "\
title: Nightly
id: 33333333-3333-4333-8333-333333333333
suppress: {rules: [11111111-1111-4111-8111-111111111111], owner: a, reason: b, expires: 9999-12-01}
";
    let named = RULE.replace("level: high", "level: high\nname: topic_deleted");
    let filter = "\
title: Creation is no deletion
logsource: {product: confluent}
filter: {rules: [topic_deleted], creation: {api.operation: kafka.CreateTopics}, condition: creation}
";
    let directory = directory(&[
        ("a.yaml", &named),
        ("f.yaml", filter),
        ("s.yaml", suppression),
    ]);
    let overrides = Overrides {
        disabled: BTreeSet::from([FIRST.to_owned()]),
        levels: [(FIRST.to_owned(), Level::Critical)].into(),
        ..Overrides::default()
    };
    let set = load(directory.path(), &overrides).unwrap();
    assert!(set.rules().is_empty());
    let disabled = &set.disabled()[0];
    assert_eq!(
        (disabled.rule.id.as_str(), &*disabled.rule.title),
        (FIRST, "Topic deleted")
    );
    let text = set.text_of(&disabled.file, disabled.rule.id_mark).unwrap();
    assert_eq!(text, named);
    let wider = text.replace(
        "kafka.DeleteTopics",
        "[kafka.DeleteTopics, kafka.CreateTopics]",
    );
    let with = tried(&set, &wider).unwrap();
    assert_eq!(with.rules()[0].level, Level::Critical);
    assert_eq!(matches(&with, "kafka.DeleteTopics"), [0]);
    assert!(matches(&with, "kafka.CreateTopics").is_empty());
    let mut scratch = Scratch::default();
    let suppressed = with.suppression(0, &Event("kafka.DeleteTopics"), 0, &mut scratch);
    assert_eq!(suppressed.unwrap().suppression.title, "Nightly");
    assert_eq!(with.suppressions_of(0, 0), 1);
    assert_eq!(with.suppressions_of(0, i64::MAX), 0);
}

#[test]
fn what_is_wrong_is_told_of_the_rule_and_of_what_is_wrong_only_with_it() {
    let named = RULE.replace("level: high", "level: high\nname: topic_deleted");
    let filter = "\
title: F
logsource: {product: confluent}
filter: {rules: [topic_deleted], c: {api.operation: kafka.CreateTopics}, condition: c}
";
    let set = loaded(&[("a.yaml", &named), ("f.yaml", filter)]);
    let refused = |text: &str| tried(&set, text).unwrap_err().join("\n");
    for (text, expected) in [
        ("", "the rule::1:1: error: no rule in this file"),
        (
            &*format!("{named}---\n{}", RULE.replace(FIRST, SECOND)),
            "the rule::1:1: error: 2 rules, where one is tried\n  help: write exactly one rule",
        ),
        (filter, "the rule::1:1: error: 0 rules, where one is tried"),
        (
            &named.replace("api.operation", "actor.uid"),
            "the rule::10:5: error: unknown field `actor.uid`\n  help: did you mean `actor.user.uid`?",
        ),
        (
            "title: C\nid: 44444444-4444-4444-8444-444444444444\ncorrelation: {type: event_count}\n",
            "the rule::3:1: error: `correlation` is not supported yet",
        ),
    ] {
        let told = refused(text);
        assert!(told.starts_with(expected), "{text}: {told}");
    }
    // Two rules of one name: the filter no longer says which one it is for.
    let told = refused(&named.replace(FIRST, NEW));
    assert!(told.contains("f.yaml:3:"), "{told}");
    assert!(
        told.contains("2 rules have the name `topic_deleted`"),
        "{told}"
    );
}

#[test]
fn the_text_of_a_rule_is_its_document_alone() {
    let second = RULE.replace(FIRST, SECOND).replace("Topic", "Second topic");
    let set = loaded(&[(
        "a.yaml",
        &format!(
            "# First.\n{RULE}--- \n{second}---\n{}",
            RULE.replace(FIRST, NEW)
        ),
    )]);
    let text = |number: usize| {
        let LoadedRule { rule, file, .. } = &set.rules()[number];
        set.text_of(file, rule.id_mark).unwrap().to_owned()
    };
    assert_eq!(text(0), format!("# First.\n{RULE}"));
    assert_eq!(text(1), second);
    assert_eq!(text(2), RULE.replace(FIRST, NEW));
    let mark = |line| Mark { line, column: 1 };
    assert_eq!(set.text_of("other.yaml", mark(1)), None);
    assert_eq!(set.text_of(&set.rules()[0].file, mark(10_000)), None);
}
