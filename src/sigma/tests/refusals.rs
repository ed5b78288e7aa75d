//! What is refused, where, and with which remedy.

use super::*;
use crate::diagnostic::Mark;

const RULE: &str = "\
title: A title
id: 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d
logsource: {product: confluent}
detection:
  sel:
    LINE
  condition: sel
";

/// The only problem of a rule with this line in its selection: line, column, message, remedy.
fn refused(line: &str) -> (u32, u32, String, String) {
    let parsed = documents(&RULE.replace("LINE", line));
    assert_eq!(parsed.problems.len(), 1, "{line}: {:?}", parsed.problems);
    assert!(parsed.rules.is_empty(), "{line}");
    let problem = parsed.problems.into_iter().next().unwrap();
    let Mark { line, column } = problem.mark;
    (
        line,
        column,
        problem.message,
        problem.remedy.unwrap_or_default(),
    )
}

#[test]
fn modifiers_that_are_unknown_or_unsupported_are_refused_at_their_key() {
    let (line, column, message, remedy) = refused("a|contians: x");
    assert_eq!((line, column), (6, 5));
    assert_eq!(message, "unknown modifier `contians`");
    assert_eq!(remedy, "did you mean `contains`?");
    let (_, _, message, remedy) = refused("a|zzz: x");
    assert_eq!(message, "unknown modifier `zzz`");
    assert!(
        remedy.contains("startswith") && remedy.contains("hour"),
        "{remedy}"
    );
}

#[test]
fn a_detection_with_too_many_selections_is_refused_with_the_bound() {
    let many: String = (0..1_000).map(|n| format!("  s{n}: {{a: b}}\n")).collect();
    let text = RULE.replace("detection:\n", &format!("detection:\n{many}"));
    assert_ne!(text, RULE);
    let problems = documents(&text).problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(
        problems[0].message,
        "`detection` has more than 1000 selections"
    );
    assert!(problems[0].remedy.is_some());
}

#[test]
fn modifiers_that_contradict_each_other_are_refused() {
    for (line, part) in [
        ("a|contains|startswith: x", "only one of `contains`"),
        ("a|re|cidr: x", "only one of `re`"),
        (
            "a|re|contains: x",
            "`contains` cannot be combined with `re`",
        ),
        (
            "a|exists|all: true",
            "`all` cannot be combined with `exists`",
        ),
        (
            "a|cidr|cased: 10.0.0.0/8",
            "`cased` cannot be combined with `cidr`",
        ),
        ("a|i: x", "`i` must follow `re`"),
        ("a|contains|contains: x", "is repeated"),
        ("a|contains|base64: xxxx", "before `contains`"),
        ("a|wide|contains: xxxx", "needs `base64`"),
        ("a|hour|minute: 3", "only one of `re`"),
        ("a|hour|gte|lt: 3", "only one of `re`"),
        ("a|gte|hour: 3", "`hour` after a comparison"),
        (
            "a|hour|contains: 3",
            "`contains` cannot be combined with `hour`",
        ),
        ("a|hour|all: [3, 4]", "`all` cannot be combined with `hour`"),
        ("'|hour': 3", "this modifier needs a field name"),
        ("'|exists': true", "this modifier needs a field name"),
        ("'|neq': x", "this modifier needs a field name"),
    ] {
        let (_, _, message, _) = refused(line);
        assert!(message.contains(part), "{line}: {message}");
    }
}

#[test]
fn values_of_the_wrong_kind_are_refused_at_their_place() {
    for (line, column, part) in [
        ("a: {b: {c: 1}}", 9, "a map within lines about an element"),
        ("a: {}", 8, "lines about an element are a map"),
        ("a: [{b: 1}, c]", 17, "lines about an element are a map"),
        ("a|contains: {b: 1}", 5, "without modifiers"),
        ("'|all': [{b: 1}]", 5, "without modifiers"),
        (
            "a: {b|fieldref: c}",
            9,
            "`fieldref` in a line about an element",
        ),
        ("a: {'|contains': c}", 9, "needs a field name"),
        ("a: {b|contians: 1}", 9, "unknown modifier"),
        ("a: [x, [y]]", 12, "not a list"),
        ("a: []", 8, "an empty list"),
        ("a|exists: 1", 15, "`true` or `false`"),
        ("a|lt: many", 11, "a number is expected"),
        (
            "a|contains: null",
            17,
            "a string is expected here, not null",
        ),
        ("a|cidr: 10.0.0.0/99", 13, "not a network"),
        (
            "a|re: '(unclosed'",
            11,
            "a group that is not closed: `(` at character 1",
        ),
        ("a|fieldref: 5", 17, "takes a field name"),
        ("a|hour: 24", 13, "`hour` is from 0 to 23"),
        ("a|month|gte: 0", 18, "`month` is from 1 to 12"),
        ("a|day: x", 12, "a whole number is expected"),
        ("a|day: 1.5", 12, "a whole number is expected"),
        ("a|base64offset: 'x*'", 21, "wildcards"),
        ("a|base64offset: x", 21, "too short"),
        ("'': ''", 9, "an empty keyword"),
    ] {
        let (at_line, at_column, message, _) = refused(line);
        assert_eq!((at_line, at_column), (6, column), "{line}");
        assert!(message.contains(part), "{line}: {message}");
    }
    let (_, _, _, remedy) = refused("a|cidr: 10.1.0.0/8");
    assert_eq!(remedy, "write `10.0.0.0/8`");
}

#[test]
fn what_is_wrong_with_a_regular_expression_is_said_and_look_around_only_where_it_is_the_cause() {
    let nested = format!("{}{}", "(".repeat(300), ")".repeat(300));
    for (expression, said, remedy) in [
        ("a(?=b)", "look-around: `(?=` at character 2", "linear time"),
        ("(?<!ä)b", "look-around: `(?<!` at character 1", "`not`"),
        (
            r"(a)\1",
            "a back-reference: `\\1` at character 4",
            "linear time",
        ),
        (
            "a(b",
            "a group that is not closed: `(` at character 2",
            "`)`",
        ),
        (
            "ä)b",
            "without an opening one: `)` at character 2",
            "remove",
        ),
        ("[a", "a class that is not closed: `[`", "`]`"),
        ("[z-a]", "a range in a class that is none: `z-a`", "lower"),
        ("*a", "nothing to repeat, at character 1", r"`\*`"),
        ("a{5,2}", "a count of repetitions that is none", "{2,5}"),
        (r"\y", r"an escape that does not exist: `\y`", r"`\\`"),
        ("a\\", "a backslash at the end", r"`\\`"),
        (r"\x{110000}", "that names no character", "1F600"),
        (r"\p{Klingon}", "a class of characters", "Greek"),
        ("(?>a)", "a flag of a group that does not exist", "atomic"),
        ("(?P<a>x)(?P<a>y)", "a name of a group", "no name"),
        (&nested, "nested too deeply", "several"),
        ("(?-u)\\xff", "bytes that are no text", "(?-u)"),
        (r"\w{5000}{50}", "too large in memory", "smaller"),
    ] {
        let (_, _, message, help) = refused(&format!("a|re: '{expression}'"));
        assert!(
            message.starts_with("not a supported regular expression: ") && message.contains(said),
            "{expression}: {message}"
        );
        assert!(help.contains(remedy), "{expression}: {help}");
    }
}

#[test]
fn a_number_that_does_not_print_as_it_was_written_is_refused_with_the_remedy_to_quote_it() {
    for scalar in ["10.10", "1.0", "007", "0x1f", "0o17", "1_000", "1e3", "+5"] {
        for key in [
            "a",
            "a|neq",
            "a|startswith",
            "a|contains",
            "a|endswith|cased",
            "a|re",
            "a|base64",
            "a|windash",
            "a|expand",
            "'|contains'",
            "''",
        ] {
            let (line, column, message, remedy) = refused(&format!("{key}: [x, {scalar}]"));
            assert_eq!(
                (line, column as usize),
                (6, key.len() + 11),
                "{key}: {scalar}"
            );
            assert!(message.contains(&format!("`{scalar}`")), "{message}");
            assert!(remedy.starts_with("quote it"), "{remedy}");
            assert!(remedy.contains(&format!("'{scalar}'")), "{remedy}");
            if key == "a|re" && scalar == "+5" {
                continue;
            }
            let quoted = RULE.replace("LINE", &format!("{key}: ['xxxx', '{scalar}xxxx']"));
            let parsed = documents(&quoted);
            assert!(parsed.problems.is_empty(), "{key}: {:?}", parsed.problems);
        }
        let keyword = documents(&RULE.replace("\n    LINE", &format!(" {scalar}")));
        let message = &keyword.problems[0].message;
        assert!(message.contains(scalar), "a keyword: {message}");
    }
    let parsed = documents(&RULE.replace("A title", "1.10").replace("LINE", "a: b"));
    assert_eq!(parsed.problems[0].mark, Mark { line: 1, column: 8 });
    assert!(parsed.problems[0].message.contains("`1.10`"));
}

#[test]
fn numbers_that_are_compared_may_be_written_as_json_writes_them() {
    for (written, below, above) in [("1e3", 999, 1000), ("1.50", 1, 2), ("-0", -1, 0)] {
        let bound = detect(&format!("{{s: {{a|gte: {written}}}, condition: s}}"));
        assert!(
            !matches(&bound, &serde_json::json!({"a": below})),
            "{written}"
        );
        assert!(
            matches(&bound, &serde_json::json!({"a": above})),
            "{written}"
        );
    }
    for ambiguous in ["0x10", "010", "1_000"] {
        let (_, _, message, _) = refused(&format!("a|gt: {ambiguous}"));
        assert!(message.contains(&format!("`{ambiguous}`")), "{message}");
    }
}

#[test]
fn a_plain_yes_is_a_text_and_warned_about() {
    let parsed = documents(&RULE.replace("LINE", "a: [yes, 'no']"));
    assert_eq!(parsed.rules.len(), 1);
    assert_eq!(parsed.problems.len(), 1, "{:?}", parsed.problems);
    assert!(parsed.problems[0].message.contains("`yes`"));
    let said = detect("{s: {a: yes}, condition: s}");
    assert!(matches(&said, &serde_json::json!({"a": "YES"})));
    assert!(!matches(&said, &serde_json::json!({"a": true})));
}

#[test]
fn a_placeholder_that_nobody_resolves_rejects_the_rule() {
    let (_, _, message, _) = refused("a|expand: 'x %admins% y'");
    assert_eq!(message, "placeholder `%admins%` has no value");
    let (_, _, message, _) = refused(r"a|expand: '\%plain%name%'");
    assert_eq!(message, "placeholder `%name%` has no value");
    let literal = detect(r"{s: {a|expand: '100\% sure'}, condition: s}");
    assert!(matches(&literal, &serde_json::json!({"a": "100% sure"})));
    let plain = detect("{s: {a: '%name%'}, condition: s}");
    assert!(matches(&plain, &serde_json::json!({"a": "%name%"})));
}

#[test]
fn metadata_problems_are_all_reported_in_one_pass() {
    let parsed = documents(
        "titel: x\nid: no-uuid\nlevel: hihg\nstatus: new\ntags: [1]\ngroup_by: {a: b}\nlogsource: {products: x}\ndetection: {a: {b: 1}}\n",
    );
    let found: Vec<String> = parsed
        .problems
        .iter()
        .map(|p| format!("{}:{} {}", p.mark.line, p.mark.column, p.message))
        .collect();
    assert_eq!(
        found,
        [
            "1:1 unknown key `titel`",
            "1:1 a rule needs a `title`",
            "2:5 `id` is not a UUID",
            "3:8 `hihg` is no level",
            "4:9 `new` is no status",
            "5:8 `tags` lists strings, not a number",
            "6:11 `group_by` lists strings, not a map",
            "7:13 unknown key `products` in `logsource`",
            "8:12 `detection` has no `condition`",
        ]
    );
    assert!(parsed.rules.is_empty());
}

#[test]
fn documents_of_other_kinds_are_refused_rather_than_ignored() {
    for (text, part) in [
        (
            "title: x\ncorrelation: {}\n",
            "`correlation` is not supported yet",
        ),
        ("- a\n- b\n", "a rule is a map, not a list"),
        ("", "no rule in this file"),
        ("a: 1\na: 2\n", "duplicate"),
    ] {
        let parsed = documents(text);
        assert_eq!(parsed.problems.len(), 1, "{text}: {:?}", parsed.problems);
        assert!(
            parsed.problems[0].message.contains(part),
            "{:?}",
            parsed.problems
        );
        assert!(parsed.rules.is_empty());
    }
    let timeframe = RULE.replace("LINE", "a: 1") + "  timeframe: 5m\n";
    assert!(
        documents(&timeframe).problems[0]
            .message
            .contains("timeframe")
    );
}

#[test]
fn a_selection_outside_the_condition_is_a_warning() {
    let text = RULE.replace("LINE", "a: 1") + "  spare: {b: 1}\n";
    let parsed = documents(&text);
    assert_eq!(parsed.rules.len(), 1);
    assert_eq!(parsed.problems.len(), 1);
    assert_eq!(parsed.problems[0].severity, Severity::Warning);
    assert_eq!(parsed.problems[0].mark, Mark { line: 8, column: 3 });
}

#[test]
fn an_unknown_field_is_reported_with_the_nearest_one() {
    let detection = detect("{s: {known: 1, unknown: 2}, condition: s}");
    let logsource = &Logsource::default();
    let target = LogsourceDetection {
        logsource,
        detection: &detection,
    };
    let problems = Engine::compile([target, target], &resolve).unwrap_err();
    let rules: Vec<RuleIndex> = problems.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(rules, [0, 1], "each rule that names it");
    let (rule, problem) = &problems[0];
    assert_eq!(
        (*rule, problem.mark),
        (
            0,
            Mark {
                line: 1,
                column: 16
            }
        )
    );
    assert_eq!(problem.remedy.as_deref(), Some("did you mean `known`?"));
}

#[test]
fn metadata_is_kept() {
    let text = "\
title: Statement deleted
id: 6F2C1C1E-5b1a-4c0e-9f57-0d1b6a2f3c4d
name: statement_deleted
status: experimental
level: high
description: Why.
author: A
date: 2026-11-01
modified: 2026-11-21
taxonomy: ocsf
references: [https://example.org]
tags: [attack.t1485]
falsepositives: [A deployment]
fields: [actor.user.uid]
runbook: Ask the owner.
group_by: [resources.uid]
team: data
license: MIT
scope: [server]
related: [{id: 0c6a9a3e-1f0b-4c55-8d6f-2f6f0f5b7a11, type: obsolete}]
logsource: {product: Confluent, service: flink, definition: anything}
detection: {s: {a: 1}, condition: s}
";
    let parsed = documents(text);
    assert_eq!(parsed.problems, []);
    let rule = &parsed.rules[0];
    assert_eq!(rule.id.as_str(), "6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d");
    assert_eq!(rule.title, "Statement deleted");
    assert_eq!(rule.status, Some(Status::Experimental));
    assert_eq!(rule.level, Some(Level::High));
    assert_eq!(rule.modified.as_deref(), Some("2026-11-21"));
    assert_eq!(rule.tags, ["attack.t1485"]);
    assert_eq!(rule.runbook.as_deref(), Some("Ask the owner."));
    let group = &rule.group_by[0];
    assert_eq!((group.0.as_str(), group.1.line), ("resources.uid", 16));
    assert_eq!(rule.logsource.product.as_deref(), Some("confluent"));
    let custom: Vec<&str> = rule.custom.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(custom, ["team"]);
    assert_eq!(
        (rule.license.as_deref(), rule.scope.as_slice()),
        (Some("MIT"), &["server".to_owned()][..])
    );
    let [related] = rule.related.as_slice() else {
        panic!("{:?}", rule.related);
    };
    assert_eq!(related.relationship, Relationship::Obsolete);
    assert!(related.id.as_str().starts_with("0c6a9a3e"));
}

#[test]
fn related_rules_and_scopes_are_validated() {
    let id = "0c6a9a3e-1f0b-4c55-8d6f-2f6f0f5b7a11";
    for (line, column, message) in [
        (
            "related: x".to_owned(),
            10,
            "`related` must be a list, not a string",
        ),
        (
            "related: [x]".to_owned(),
            11,
            "`related` lists maps, not a string",
        ),
        (
            format!("related: [{{id: {id}}}]"),
            11,
            "a related rule needs `type`",
        ),
        (
            "related: [{type: similar}]".to_owned(),
            11,
            "a related rule needs `id`",
        ),
        (
            format!("related: [{{id: {id}, type: simmilar}}]"),
            60,
            "`simmilar` is no type of a related rule",
        ),
        (
            "related: [{id: x, type: similar}]".to_owned(),
            16,
            "`id` of a related rule is not a UUID",
        ),
        (
            format!("related: [{{id: {id}, type: similar, why: x}}]"),
            69,
            "unknown key `why` in `related`",
        ),
        (
            "scope: {a: b}".to_owned(),
            8,
            "`scope` lists strings, not a map",
        ),
        (
            "scope: [5]".to_owned(),
            9,
            "`scope` lists strings, not a number",
        ),
    ] {
        let text = RULE
            .replace("LINE", "a: 1")
            .replace("logsource", &format!("{line}\nlogsource"));
        let parsed = documents(&text);
        assert!(parsed.rules.is_empty(), "{line}");
        let [problem] = parsed.problems.as_slice() else {
            panic!("{line}: {:?}", parsed.problems);
        };
        assert_eq!(
            (problem.mark, problem.message.as_str()),
            (Mark { line: 3, column }, message),
            "{line}"
        );
        assert!(
            problem.remedy.is_some() || line.starts_with("scope: {"),
            "{line}"
        );
    }
}
