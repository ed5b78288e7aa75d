//! Lines about one element of a list.

use serde_json::json;

use super::*;

fn resources() -> Json {
    json!({"r": [
        {"type": "topic", "uid": "payments", "owner": {"name": "ann"}},
        {"type": "cluster", "uid": "orders-1", "labels": ["a", "b"]},
    ]})
}

#[test]
fn all_lines_hold_for_the_same_element() {
    assert!(line("r: {type: topic, uid: payments}", resources()));
    assert!(!line(
        "r: {type: topic, uid|startswith: orders}",
        resources()
    ));
    assert!(line(
        "{r.type: topic, r.uid|startswith: orders}".trim_matches(['{', '}']),
        resources()
    ));
    assert!(line("r: {type: TOPIC, owner.name: ann}", resources()));
    assert!(line("r: {type: cluster, owner.name: null}", resources()));
    assert!(!line("r: {type: topic, owner.name: null}", resources()));
    assert!(line("r: {type: cluster, owner|exists: false}", resources()));
    assert!(line("r: {type|neq: topic, uid: orders-1}", resources()));
    assert!(!line("r: {type|neq: topic, uid: payments}", resources()));
    assert!(line("r: {labels|all: [a, b], type: cluster}", resources()));
}

#[test]
fn a_list_of_maps_is_any_of_them_and_other_lines_are_further_conditions() {
    let either = "r: [{type: topic, uid: x}, {type: cluster, uid: orders-1}]";
    assert!(line(either, resources()));
    assert!(!line(
        "r: [{type: topic, uid: x}, {type: cluster, uid: y}]",
        resources()
    ));
    assert!(!line(&format!("{either}, op: delete"), resources()));
    let detection = detect("s: {r: {type: topic, uid: x}}\ncondition: not s");
    assert!(matches(&detection, &resources()));
}

#[test]
fn an_object_that_is_no_list_is_one_element_and_what_is_no_object_is_none() {
    assert!(line(
        "u: {name: ann, type: user}",
        json!({"u": {"name": "ann", "type": "user"}})
    ));
    assert!(line(
        "u.v: {name: ann}",
        json!({"u": [[{"v": [{"name": "ann"}]}]]})
    ));
    for none in [
        json!({}),
        json!({"u": []}),
        json!({"u": "ann"}),
        json!({"u": [1, null]}),
    ] {
        assert!(!line("u: {name|exists: false}", none.clone()), "{none}");
        assert!(!line("u: {name|neq: ann}", none.clone()), "{none}");
    }
}

#[test]
fn a_rule_is_found_by_the_values_of_an_element() {
    let detection = detect("s: {r: [{type: topic, uid: a}, {uid: b}]}\ncondition: s");
    let engine = engine(&[detection]);
    assert_eq!(engine.without_witness().count(), 0);
    let event = JsonEvent(json!({"r": [{"uid": "B"}]}));
    assert_eq!(engine.matches(&event, &mut Scratch::default()), [0]);
}

#[test]
fn an_explanation_shows_the_elements_with_the_fields_that_the_line_names() {
    let detection = detect("s: {r: {type: topic, uid|startswith: orders}}\ncondition: s");
    let engine = engine(std::slice::from_ref(&detection));
    let seen = |event: Json| {
        let outcome = engine.outcome(0, &detection, &JsonEvent(event)).unwrap();
        let mut seen = Vec::new();
        outcome
            .condition
            .lines(&mut |line| seen.push((line.test.to_string(), line.values.clone())));
        seen.remove(0)
    };
    let (text, values) = seen(resources());
    assert_eq!(text, "r: an element with type: topic and uid: orders*");
    assert_eq!(
        values,
        ["type: topic, uid: payments", "type: cluster, uid: orders-1"]
    );
    let alert = engine.explain(
        0,
        &JsonEvent(json!({"r": [
            {"type": "topic", "uid": "orders"}, {"type": "acl", "uid": "orders"},
        ]})),
    );
    let shown: Vec<_> = alert[0]
        .tests
        .iter()
        .map(|t| (t.field, t.values.join(",")))
        .collect();
    assert_eq!(
        shown,
        [
            (Some("r.type"), "topic".to_owned()),
            (Some("r.uid"), "orders".to_owned())
        ]
    );
    let (_, values) = seen(json!({"r": [{"uid": "x"}, {"type": "topic", "uid": "orders"}]}));
    assert_eq!(values, ["type: topic, uid: orders"]);
}

#[test]
fn an_unknown_field_of_an_element_is_reported_by_its_whole_name() {
    let detection = detect("{s: {known: {a: 1}, unknown: {b: 1}}, condition: s}");
    let resolve = |name: &str| match name.starts_with("unknown") {
        true => Err(UnknownField { suggestion: None }),
        false => resolve(name),
    };
    let logsource = &Logsource::default();
    let target = LogsourceDetection {
        logsource,
        detection: &detection,
    };
    let problems = Engine::compile([target], &resolve).unwrap_err();
    assert_eq!(problems[0].1.message, "unknown field `unknown.b`");
    assert_eq!(problems[0].1.mark.column, 31);
}

/// An event that counts the visits of its list.
struct Counted(JsonEvent, std::cell::Cell<usize>);

impl Fields for Counted {
    type Path = Vec<String>;

    fn values(&self, path: &Vec<String>, visit: &mut Visit<'_>) {
        self.1.set(self.1.get() + 1);
        self.0.values(path, visit);
    }

    fn elements(
        &self,
        path: &Vec<String>,
        depth: usize,
        certain: bool,
        visit: &mut VisitElement<'_, Vec<String>>,
    ) {
        self.1.set(self.1.get() + 1);
        self.0.elements(path, depth, certain, visit);
    }

    fn costly_list(&self, path: &Vec<String>) -> Option<(u32, usize)> {
        list_of_test(path)
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        self.0.strings(visit);
    }

    fn logsource(&self) -> Origin<'_> {
        self.0.logsource()
    }
}

#[test]
fn what_many_rules_ask_of_a_costly_list_is_found_in_two_visits() {
    let rule = |number: usize| {
        detect(&format!(
            "s: {{r: {{type: topic, uid|contains: 'pay', n|lte: {number}}}}}\ncondition: s"
        ))
    };
    let detections: Vec<_> = (0..20).map(rule).collect();
    let event = Counted(
        JsonEvent(json!({"r": [
            {"type": "cluster", "uid": "payments", "n": 0},
            {"type": "topic", "uid": "payments", "n": 12},
        ]})),
        std::cell::Cell::new(0),
    );
    let matched = engine(&detections)
        .matches(&event, &mut Scratch::default())
        .to_vec();
    assert_eq!(matched, (12..20).collect::<Vec<_>>());
    // One for the index, and one for the lines about one element.
    assert_eq!(event.1.get(), 2);
}
