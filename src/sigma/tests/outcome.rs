//! The outcome of one rule on one event, and the texts of its lines.

use serde_json::json;

use super::*;

/// Every part as a line: its answer, its depth, what it asks and the values of the event.
fn tree(part: &PartOutcome<'_>, depth: usize, lines: &mut Vec<String>) {
    let (text, inner): (String, Vec<&PartOutcome<'_>>) = match &part.part {
        Part::Not(inner) => ("not".to_owned(), vec![inner]),
        Part::All(parts) => ("all".to_owned(), parts.iter().collect()),
        Part::AtLeast(needed, parts) => (format!("{needed} of"), parts.iter().collect()),
        Part::Selection(name, body) => ((*name).to_owned(), vec![body]),
        Part::Line(line) => (format!("{} {:?}", line.test, line.values), Vec::new()),
    };
    let answer = if part.holds { "yes" } else { "no" };
    lines.push(format!("{}{answer} {text}", "  ".repeat(depth)));
    inner
        .into_iter()
        .for_each(|part| tree(part, depth + 1, lines));
}

#[test]
fn an_outcome_is_the_condition_as_a_tree_with_the_values_of_each_line() {
    let text = "sel: {op|startswith: delete, r.id: ['1', '2']}\n\
                filter_ci: [{user: ci}, {x|exists: false}]\n\
                condition: sel and not filter_ci";
    let event = json!({"op": "DeleteTopic", "r": [{"id": 2}, {"id": 3}], "user": ["a", "b"]});
    let detection = detect(text);
    let engine = engine(std::slice::from_ref(&detection));
    let outcome = engine.outcome(0, &detection, &JsonEvent(event)).unwrap();
    let mut lines = Vec::new();
    tree(&outcome.condition, 0, &mut lines);
    let expected = "\
no all
  yes sel
    yes all
      yes op: delete* [\"DeleteTopic\"]
      yes r.id: one of '1', '2' [\"2\"]
  no not
    yes filter_ci
      yes 1 of
        no all
          no user: ci [\"a\", \"b\"]
        yes all
          yes x: does not exist []";
    assert_eq!(lines.join("\n"), expected);
    assert_eq!(outcome.would_match_but_for(), ["filter_ci"]);
    let mut met = Vec::new();
    outcome
        .condition
        .lines(&mut |line| met.push(line.met.clone()));
    assert_eq!(
        met,
        [vec![true], vec![false, true], vec![false], Vec::new()]
    );
}

#[test]
fn only_a_selection_that_alone_prevents_the_match_is_named() {
    let text = "a: {op: x}\nb: {user: y}\nfilter: {z: 1}\ncondition: a and b and not filter";
    let detection = detect(text);
    let engine = engine(std::slice::from_ref(&detection));
    let named = |event| {
        let outcome = engine.outcome(0, &detection, &JsonEvent(event)).unwrap();
        outcome.would_match_but_for()
    };
    assert_eq!(named(json!({"op": "x", "user": "n"})), ["b"]);
    assert_eq!(named(json!({"op": "x", "user": "y", "z": 1})), ["filter"]);
    assert!(named(json!({"op": "n", "user": "n"})).is_empty());
    assert!(named(json!({"op": "x", "user": "y"})).is_empty());
}

#[test]
fn an_event_of_another_log_source_does_not_match_although_the_condition_holds() {
    let detection = detect("s: {a: 1}\ncondition: s");
    let logsource = Logsource {
        product: Some("confluent".to_owned()),
        ..Logsource::default()
    };
    let target = LogsourceDetection {
        logsource: &logsource,
        detection: &detection,
    };
    let engine = Engine::compile([target], &resolve).unwrap();
    let of = |product: &str| {
        let event = JsonEvent(json!({"a": 1, "logsource": {"product": product}}));
        let outcome = engine.outcome(0, &detection, &event).unwrap();
        let matched = engine.matches(&event, &mut Scratch::default()).len() == 1;
        assert_eq!(outcome.matches(), matched);
        (outcome.is_of_logsource, outcome.condition.holds, matched)
    };
    assert_eq!(of("Confluent"), (true, true, true));
    assert_eq!(of("redpanda"), (false, true, false));
    let event = JsonEvent(json!({}));
    assert!(engine.outcome(1, &detection, &event).is_none());
}

#[test]
fn a_line_says_what_it_expects_in_one_line_of_text() {
    for (line, text) in [
        ("op: Delete", "op: Delete"),
        ("op|endswith: [Topic, A]", "op: one of *Topic, *A"),
        ("op|contains|all: [x, y]", "op: all of *x*, *y*"),
        ("op|neq: x", "op: not x"),
        ("op|cased: X", "op: X (letter case matters)"),
        ("op: ''", "op: ''"),
        (
            "op: ['5', 5, null, 'null', true]",
            "op: one of '5', 5, null, 'null', true",
        ),
        ("op: ['a, b', ' c']", "op: one of 'a, b', ' c'"),
        ("op|re: '^a.c$'", "op: /^a.c$/"),
        ("ip|cidr: 10.0.0.0/8", "ip: in 10.0.0.0/8"),
        ("n|gte: 1.5", "n: at least 1.5"),
        ("n|lt: 7", "n: less than 7"),
        ("op|exists: true", "op: exists"),
        ("op|exists: false", "op: does not exist"),
        ("op|fieldref: user", "op: the value of user"),
        (
            "op|fieldref|endswith: user",
            "op: ends with the value of user",
        ),
    ] {
        let detection = detect(&format!("{{s: {{{line}}}, condition: s}}"));
        let test = detection.tests().next().unwrap();
        assert_eq!(test.to_string(), text, "{line}");
    }
    let keywords = detect("{s: [a, b], condition: s}");
    let test = keywords.tests().next().unwrap();
    assert_eq!(test.to_string(), "any text: one of *a*, *b*");
}
