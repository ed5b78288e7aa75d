//! Placeholders: the values that they stand for, and which of them are refused.

use serde_json::json;

use super::*;

const VALUES: &str = "\
admins: [ann, adm*]
office: [10.0.0.0/8, 192.168.0.0/16]
one: 'C:\\'
percent: '100%'
number: 5
";

fn placeholders() -> Placeholders {
    Placeholders::parse(VALUES, "placeholders.yaml").unwrap()
}

/// A rule with one line.
fn rule(line: &str, placeholders: &Placeholders) -> Parsed {
    let text = format!(
        "title: T\nid: 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d\nlogsource: {{}}\n\
         detection: {{s: {{{line}}}, condition: s}}\n"
    );
    super::super::documents(&text, placeholders)
}

fn holds(line: &str, event: &Json) -> bool {
    let mut parsed = rule(line, &placeholders());
    assert_eq!(parsed.problems, [], "{line}");
    matches(&parsed.rules.remove(0).detection, event)
}

#[test]
fn a_placeholder_stands_for_any_of_its_values_with_their_wildcards() {
    let user = |name: &str| json!({"a": name});
    for (line, event, expected) in [
        ("a|expand: '%admins%'", user("ANN"), true),
        ("a|expand: '%admins%'", user("adm-7"), true),
        ("a|expand: '%admins%'", user("bob"), false),
        ("a|expand: [bob, '%admins%']", user("bob"), true),
        ("a|expand|neq: '%admins%'", user("ann"), false),
        ("a|expand: 'u-%admins%-x'", user("u-ann-x"), true),
        ("a|contains|expand: '%admins%'", user("i am ann."), true),
        ("a|endswith|expand: '%admins%'", user("ann."), false),
        ("a|expand: '%admins%=%number%'", user("adm=5"), true),
        (
            "a|expand|contains|all: ['%admins%', '%number%']",
            user("ann 5"),
            true,
        ),
        (
            "a|expand|contains|all: ['%admins%', '%number%']",
            user("ann adm"),
            false,
        ),
        (r"a|expand: '\%plain%admins%'", user("%plainann"), true),
        ("a|expand: '%one%*.exe'", user(r"C:\x.exe"), true),
        ("a|expand: '%percent%'", user("100%"), true),
        ("a|cidr|expand: '%office%'", user("192.168.3.4"), true),
        (
            "a|expand|cidr: ['%office%', '172.16.0.0/12']",
            user("172.16.0.1"),
            true,
        ),
        ("a|cidr|expand: '%office%'", user("8.8.8.8"), false),
        ("a|base64|expand: '%one%'", user("Qzpc"), true),
        ("'|expand': '%admins%'", json!({"x": ["by ann"]}), true),
    ] {
        assert_eq!(holds(line, &event), expected, "{line} {event}");
    }
}

#[test]
fn a_placeholder_without_values_rejects_the_rule_and_names_the_nearest() {
    let refused = |line: &str| {
        let parsed = rule(line, &placeholders());
        assert!(parsed.rules.is_empty(), "{line}");
        let [problem] = parsed.problems.as_slice() else {
            panic!("{:?}", parsed.problems);
        };
        let remedy = problem.remedy.clone().unwrap_or_default();
        (problem.mark.column, problem.message.clone(), remedy)
    };
    assert_eq!(
        refused("a|expand: '%admin%'"),
        (
            27,
            "placeholder `%admin%` has no value".to_owned(),
            "did you mean `%admins%`?".to_owned()
        )
    );
    let (_, _, remedy) = refused("a|expand: 'x%unheard_of%'");
    assert!(
        remedy.contains("`placeholders` in the configuration or the option `--placeholders` names"),
        "{remedy}"
    );
    let (_, message, remedy) = refused("a|cidr|expand: '%admins%'");
    assert_eq!(message, "`ann`: not a network in CIDR notation");
    assert!(!remedy.is_empty());
    let many_values = |count: usize| {
        let values: Vec<String> = (0..count).map(|n| format!("v{n}")).collect();
        values.join(", ")
    };
    let many = Placeholders::parse(&format!("v: [{}]", many_values(101)), "p").unwrap();
    let message = &rule("a|expand: '%v%%v%'", &many).problems[0].message;
    assert_eq!(message, "`%v%%v%` stands for more than 10000 values");
    let lines = "'%v%%w%', ".repeat(20);
    let many = Placeholders::parse(&format!("v: [{0}]\nw: [{0}]", many_values(100)), "p").unwrap();
    let problems = rule(&format!("a|expand: [{lines}]"), &many).problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(
        problems[0].message,
        "up to here, the values with placeholders stand for more than 100000 texts"
    );
}

#[test]
fn a_rule_changes_with_the_values_of_its_placeholders_and_no_others() {
    let canonical = |line: &str, values: &str| {
        let placeholders = Placeholders::parse(values, "p").unwrap();
        rule(line, &placeholders).rules.remove(0).canonical
    };
    let line = "a|expand: ['%x%', '%x%']";
    let with_x = canonical(line, "{x: [1, 2], y: 3}");
    assert_eq!(canonical(line, "{x: [1, 2], y: 4}"), with_x);
    assert_ne!(canonical(line, "{x: [1, 3], y: 3}"), with_x);
    assert_eq!(canonical("a: 1", "{x: 1}"), canonical("a: 1", "{x: 2}"));
}

#[test]
fn everything_wrong_in_a_file_of_placeholders_is_reported_at_once() {
    let text = "admins: []\n'%office%': [a]\nnested: [[a]]\nnothing: ~\nversion: 1.10\nfine: [a]\n";
    let shown: Vec<String> = Placeholders::parse(text, "p.yaml")
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        shown,
        [
            "p.yaml:1:9: error: a placeholder without values\n  help: list at least one value; rules with it are \
             refused if it is left out",
            "p.yaml:2:1: error: `%office%` is no name of a placeholder\n  help: write the name without the percent \
             signs",
            "p.yaml:3:10: error: a string is expected, not a list\n  help: write `name: [value, value]`",
            "p.yaml:4:10: error: a string is expected, not null\n  help: write `name: [value, value]`",
            "p.yaml:5:10: error: `1.10` without quotes is the number 1.1\n  help: quote it if the text is meant: \
             '1.10'; else write 1.1",
        ]
    );
    let list = Placeholders::parse("[a]", "p.yaml").unwrap_err();
    assert!(
        list[0]
            .to_string()
            .starts_with("p.yaml:1:1: error: a map is expected")
    );
    assert_eq!(
        Placeholders::parse("", "p.yaml"),
        Ok(Placeholders::default())
    );
}
