//! Documents with `filter`: how they are read, what they exclude, how they are explained.

use serde_json::json;

use super::*;

const FILTER: &str = "\
title: Deployments of the platform team
id: 0c6a9a3e-1f0b-4c55-8d6f-2f6f0f5b7a11
logsource: {product: confluent}
filter:
  rules: [topic_deleted, 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d]
  selection: {user: ci}
  condition: selection
";

fn filter(text: &str) -> Filter {
    let mut parsed = documents(text);
    assert_eq!(parsed.problems, []);
    parsed.filters.remove(0)
}

#[test]
fn a_file_may_hold_rules_and_filters() {
    let rule = "title: T\nid: 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d\nlogsource: {}\n\
                detection: {s: {a: 1}, condition: s}\n";
    let parsed = documents(&format!("{rule}---\n{FILTER}"));
    assert_eq!(parsed.problems, []);
    assert_eq!((parsed.rules.len(), parsed.filters.len()), (1, 1));
    let FilteredRules::Named(names) = &parsed.filters[0].rules else {
        panic!("{:?}", parsed.filters);
    };
    assert_eq!(
        (names[0].0.as_str(), names[0].1.line),
        ("topic_deleted", 10)
    );
    let any = FILTER.replace(
        "[topic_deleted, 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d]",
        "any",
    );
    assert_eq!(filter(&any).rules, FilteredRules::Any);
}

#[test]
fn a_broken_filter_is_refused_with_place_and_remedy() {
    let cases = [
        (
            "  rules: [topic_deleted, 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d]\n",
            "",
            "5:3 `filter` has no `rules` / list ids or names of rules, or write `rules: any`",
        ),
        (
            "[topic_deleted, 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d]",
            "[]",
            "5:10 an empty list of rules / list ids or names of rules, or write `rules: any`",
        ),
        (
            "[topic_deleted, ",
            "[5, ",
            "5:11 `rules` lists strings, not a number / list ids or names of rules, or write `rules: any`",
        ),
        (
            "  condition: selection\n",
            "",
            "5:3 `filter` has no `condition` / write `condition: <name of a selection>`",
        ),
        (
            "condition: selection",
            "condition: selectoin",
            "7:14 no selection `selectoin` / did you mean `selection`?",
        ),
        (
            "title: Deployments of the platform team\n",
            "",
            "1:1 a filter needs a `title` / write `title:` and one line for people",
        ),
        (
            "logsource: {product: confluent}\n",
            "",
            "1:1 a filter needs a `logsource` / write `logsource: {product: confluent}`",
        ),
        (
            "id: 0c6a9a3e-1f0b-4c55-8d6f-2f6f0f5b7a11",
            "id: ci",
            "2:5 `id` is not a UUID / write 32 hexadecimal digits as 8-4-4-4-12",
        ),
        (
            "{user: ci}",
            "{user|contians: ci}",
            "6:15 unknown modifier `contians` / did you mean `contains`?",
        ),
        (
            "filter:",
            "detection: {s: {a: 1}, condition: s}\nfilter:",
            "5:1 a document has either `detection` or `filter`, not both / write two documents, with a line \
             `---` between them",
        ),
    ];
    for (from, to, expected) in cases {
        let text = FILTER.replace(from, to);
        assert_eq!(problems(&text), [expected], "{text}");
        assert!(documents(&text).filters.is_empty());
    }
    let list = "title: x\nlogsource: {}\nfilter: [a]\n";
    assert_eq!(
        problems(list),
        [
            "3:9 `filter` must be a map, not a list / write `filter: {rules: [<id>], selection: {…}, condition: selection}`"
        ]
    );
}

/// Which of four events a filter with this condition excludes: those with neither of two selections, with one, with the
/// other, with both.
fn excluded(condition: &str) -> [bool; 4] {
    let text = FILTER.replace("condition: selection", &format!("condition: {condition}"));
    let text = text.replace("  condition", "  other: {op: create}\n  condition");
    let filter = documents(&text).filters.remove(0);
    let events = [
        json!({}),
        json!({"user": "ci"}),
        json!({"op": "create"}),
        json!({"user": "ci", "op": "create"}),
    ];
    events.map(|event| matches(&filter.detection, &event))
}

#[test]
fn a_condition_says_which_events_are_excluded_or_what_else_must_hold() {
    for (excluding, remaining, expected) in [
        ("selection", "not selection", [false, true, false, true]),
        ("1 of them", "not 1 of them", [false, true, true, true]),
        (
            "all of them",
            "not all of them",
            [false, false, false, true],
        ),
        (
            "selection and not other",
            "other or not selection",
            [false, true, false, false],
        ),
        (
            "[selection, other]",
            "not selection and not other",
            [false, true, true, true],
        ),
    ] {
        assert_eq!(excluded(excluding), expected, "{excluding}");
        assert_eq!(excluded(remaining), expected, "{remaining}");
    }
}

#[test]
fn a_rule_matches_no_event_that_a_filter_excludes() {
    let mut rule =
        detect("sel: {op: delete}\nfilter_test: {env: test}\ncondition: sel and not filter_test");
    let own = rule.clone();
    rule.exclusions.push(filter(FILTER).exclusion());
    let second = FILTER.replace("{user: ci}", "[{user: root}, {user: admin}]");
    rule.exclusions.push(filter(&second).exclusion());
    for (event, alone, filtered) in [
        (json!({"op": "delete", "user": "ann"}), true, true),
        (json!({"op": "delete", "user": "ci"}), true, false),
        (json!({"op": "delete", "user": "admin"}), true, false),
        (
            json!({"op": "delete", "user": "ann", "env": "test"}),
            false,
            false,
        ),
        (json!({"op": "create", "user": "ann"}), false, false),
    ] {
        assert_eq!(matches(&own, &event), alone, "{event}");
        assert_eq!(matches(&rule, &event), filtered, "{event}");
    }
}

#[test]
fn rules_with_the_same_filter_share_its_lines() {
    let mut one = detect("sel: {op: delete}\ncondition: sel");
    let mut other = detect("sel: {op: create}\ncondition: sel");
    let exclusion = filter(FILTER).exclusion();
    one.exclusions.push(exclusion.clone());
    other.exclusions.push(exclusion);
    let engine = engine(&[one, other]);
    let [one, other] = [0, 1].map(|number| &engine.detections[number].exclusions[0]);
    assert!(std::sync::Arc::ptr_eq(one, other));
}

#[test]
fn an_explanation_names_the_filter_that_alone_prevents_a_match() {
    let mut rule = detect("selection: {op: delete}\ncondition: selection");
    rule.exclusions.push(filter(FILTER).exclusion());
    let engine = engine(std::slice::from_ref(&rule));
    let outcome = |event: Json| engine.outcome(0, &rule, &JsonEvent(event)).unwrap();
    let near = outcome(json!({"op": "delete", "user": "ci"}));
    assert!(!near.matches());
    assert_eq!(
        near.would_match_but_for(),
        ["filter Deployments of the platform team"]
    );
    let second = FILTER.replace("{user: ci}", "{user: admin}");
    let mut two = rule.clone();
    two.exclusions.push(filter(&second).exclusion());
    let of_one_title = self::engine(std::slice::from_ref(&two));
    let event = JsonEvent(json!({"op": "delete", "user": "admin"}));
    assert_eq!(
        of_one_title
            .outcome(0, &two, &event)
            .unwrap()
            .would_match_but_for(),
        ["filter Deployments of the platform team"],
        "another filter has the same title"
    );
    let mut lines = Vec::new();
    near.condition
        .lines(&mut |line| lines.push((line.test.to_string(), line.values.clone())));
    let line = |text: &str, value: &str| (text.to_owned(), vec![value.to_owned()]);
    assert_eq!(
        lines,
        [line("op: delete", "delete"), line("user: ci", "ci")]
    );
    assert!(outcome(json!({"op": "delete", "user": "ann"})).matches());
    let other = outcome(json!({"op": "create", "user": "ann"}));
    assert_eq!(other.would_match_but_for(), ["selection"]);
    let alert = engine.explain(0, &JsonEvent(json!({"op": "delete", "user": "ann"})));
    assert_eq!(alert.len(), 1, "an alert shows the rule's own selections");
}
