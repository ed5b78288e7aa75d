//! `action: global`, `reset` and `repeat`: the rules that result, and what is refused.

use serde_json::json;

use super::*;

const FIRST: &str = "6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d";
const SECOND: &str = "0c6a9a3e-1f0b-4c55-8d6f-2f6f0f5b7a11";

const GLOBAL: &str = "\
action: global
title: Deleted
level: high
tags: [attack.impact]
detection:
  ci: {user: ci}
  condition: sel and not ci
";

fn document(id: &str, op: &str) -> String {
    format!("---\nid: {id}\nlogsource: {{product: {op}}}\ndetection: {{sel: {{op: {op}}}}}\n")
}

/// The rules of a text without problems, and whether each matches the event.
fn answers(text: &str, event: &Json) -> Vec<(String, String, bool)> {
    let parsed = documents(text);
    assert_eq!(parsed.problems, []);
    let answer = |rule: &Rule| {
        (
            rule.id.to_string(),
            rule.title.clone(),
            matches(&rule.detection, event),
        )
    };
    parsed.rules.iter().map(answer).collect()
}

fn problem(text: &str) -> String {
    let parsed = documents(text);
    let [problem] = parsed.problems.as_slice() else {
        panic!("{:?}", parsed.problems);
    };
    let (mark, remedy) = (problem.mark, problem.remedy.as_deref().unwrap_or_default());
    format!(
        "{}:{} {} / {remedy}",
        mark.line, mark.column, problem.message
    )
}

#[test]
fn documents_after_a_global_one_share_its_keys_until_a_reset() {
    let text = format!("{GLOBAL}{}{}", document(FIRST, "a"), document(SECOND, "b"));
    let yes = |id: &str, yes| (id.to_owned(), "Deleted".to_owned(), yes);
    let ann = json!({"op": "a", "user": "ann"});
    assert_eq!(answers(&text, &ann), [yes(FIRST, true), yes(SECOND, false)]);
    let ci = json!({"op": "a", "user": "ci"});
    assert_eq!(answers(&text, &ci), [yes(FIRST, false), yes(SECOND, false)]);
    let rules = documents(&text).rules;
    assert_eq!(rules[1].level, Some(Level::High));
    assert_eq!(rules[1].logsource.product.as_deref(), Some("b"));
    let reset = format!(
        "{GLOBAL}{}---\naction: reset\n{}title: Own\n",
        document(SECOND, "b"),
        document(FIRST, "a").replace("}}", "}, condition: sel}")
    );
    assert_eq!(
        answers(&reset, &ci),
        [
            yes(SECOND, false),
            (FIRST.to_owned(), "Own".to_owned(), true)
        ]
    );
}

#[test]
fn a_value_of_a_document_is_preferred_to_the_shared_one() {
    let own = document(FIRST, "a") + "title: Own\ntags: [attack.t1485]\n";
    let parsed = documents(&format!("{GLOBAL}{own}"));
    assert_eq!(parsed.rules[0].title, "Own");
    assert_eq!(parsed.rules[0].tags, ["attack.t1485"]);
}

#[test]
fn a_repetition_is_the_document_before_it_with_changes() {
    let whole = "title: A\nid: 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d\nlogsource: {}\n\
                 detection: {s: {op: a, user: ann}, condition: s}\n";
    let text = format!("{whole}---\naction: repeat\nid: {SECOND}\ndetection: {{s: {{op: b}}}}\n");
    let event = |op: &str, user: &str| json!({"op": op, "user": user});
    let matched = |event: &Json| {
        let answers = answers(&text, event).into_iter();
        answers.map(|(_, _, yes)| yes).collect::<Vec<_>>()
    };
    assert_eq!(matched(&event("a", "ann")), [true, false]);
    assert_eq!(matched(&event("b", "ann")), [false, true]);
    assert_eq!(matched(&event("b", "bob")), [false, false]);
}

#[test]
fn an_action_that_cannot_be_carried_out_is_refused_at_its_place() {
    assert_eq!(
        problem("action: globl\ntitle: x\n"),
        "1:9 unknown action `globl` / write `global`, `reset` or `repeat`, or no `action`"
    );
    assert_eq!(
        problem("action: [global]\n"),
        "1:9 `action` is a string, not a list / write `global`, `reset` or `repeat`, or no `action`"
    );
    assert_eq!(
        problem("action: repeat\ntitle: x\n"),
        "1:1 `action: repeat` without a rule before it / write the document in full, without `action`"
    );
    assert_eq!(
        problem("action: reset\ntitle: x\n"),
        "2:1 a document with `action: reset` has no other keys / write them into the documents after it"
    );
    let shared =
        format!("{GLOBAL}{}", document(FIRST, "a")).replace("{user: ci}", "{user|contians: ci}");
    assert_eq!(
        problem(&shared),
        "6:8 unknown modifier `contians` / did you mean `contains`?",
        "a problem of a shared key is at the shared key"
    );
}

#[test]
fn a_global_document_whose_keys_no_document_gets_is_reported() {
    let unused = "`action: global` has no effect: no document follows that gets its keys / write the rules after it, or \
                  remove `action` if it is a rule itself";
    let rule = "title: A\nid: 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d\nlogsource: {}\n\
                detection: {s: {op: a}, condition: s}\n";
    let repeated = format!("---\naction: repeat\nid: {SECOND}\n");
    for after in [
        format!("{rule}---\n{GLOBAL}"),
        format!("{rule}---\n{GLOBAL}---\naction: reset\n---\n{rule}").replacen(FIRST, SECOND, 1),
        format!("{rule}---\n{GLOBAL}{repeated}"),
    ] {
        assert_eq!(problem(&after), format!("6:1 {unused}"), "{after}");
        assert!(documents(&after).problems[0].is_warning());
    }
    let parsed = documents(GLOBAL);
    let errors = parsed
        .problems
        .iter()
        .filter(|problem| !problem.is_warning());
    let errors: Vec<&str> = errors.map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        (errors, parsed.problems.len()),
        (vec!["no rule in this file"], 2)
    );
}

#[test]
fn a_short_text_does_not_become_a_large_one() {
    let values: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
    let global = format!("action: global\nreferences: [{}]\n", values.join(", "));
    let text = global + &"---\n{a: 1}\n".repeat(1_000);
    let parsed = documents(&text);
    let bound = "get more than 250000 keys and values";
    assert!(
        parsed
            .problems
            .iter()
            .any(|problem| problem.message.contains(bound))
    );
}
