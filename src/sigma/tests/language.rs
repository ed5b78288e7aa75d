//! Each construct of the language, both ways.

use data_encoding::BASE64;
use serde_json::json;

use super::*;

#[test]
fn strings_compare_whole_and_without_case() {
    assert!(line("a: DELETE", json!({"a": "delete"})));
    assert!(!line("a: DELETE", json!({"a": "deleted"})));
    assert!(line("a: del*", json!({"a": "DELETED"})));
    assert!(line(r"a: 'x\*y'", json!({"a": "X*Y"})));
    assert!(!line(r"a: 'x\*y'", json!({"a": "xzy"})));
    assert!(line("a|cased: Delete", json!({"a": "Delete"})));
    assert!(!line("a|cased: Delete", json!({"a": "delete"})));
    // The Kelvin sign and `k` have the same lower case, of another length.
    assert!(line("a: kelvin", json!({"a": "\u{212a}ELVIN"})));
    assert!(line("a: '\u{212a}elvin'", json!({"a": "kelvin"})));
    assert!(line("a|startswith: kel", json!({"a": "\u{212a}ELVIN"})));
    assert!(line("a|endswith: elk", json!({"a": "EL\u{212a}"})));
    assert!(!line("a|startswith: kel", json!({"a": "elvin"})));
    assert!(!line("a|endswith: elk", json!({"a": ""})));
    assert!(!line("a: ''", json!({"a": "x"})));
    assert!(line("a: ''", json!({"a": ""})));
}

#[test]
fn a_list_of_values_is_any_and_all_makes_it_every() {
    assert!(line("a: [x, y]", json!({"a": "y"})));
    assert!(!line("a: [x, y]", json!({"a": "z"})));
    assert!(line("a|contains|all: [x, y]", json!({"a": "-y-x-"})));
    assert!(!line("a|contains|all: [x, y]", json!({"a": "-x-"})));
    assert!(line("a|all: [x, y]", json!({"a": ["y", "z", "x"]})));
    assert!(!line("a|all: [x, y]", json!({"a": ["y", "z"]})));
}

#[test]
fn a_long_list_is_any_too_with_patterns_and_numbers_among_it() {
    let list = "a: [q, w, e, r, t, z, u, i, o, 'p*', 17, null]";
    for event in [
        json!("Z"),
        json!("o"),
        json!("Pfft"),
        json!(17),
        json!("17"),
        json!(null),
    ] {
        assert!(line(list, json!({"a": event})), "{event}");
    }
    for event in [json!("zz"), json!("xp"), json!(18), json!("")] {
        assert!(!line(list, json!({"a": event})), "{event}");
    }
}

#[test]
fn an_array_field_matches_if_any_element_does() {
    let event = json!({"r": [{"uid": "lkc-1"}, {"uid": "lkc-2", "tags": ["x", "y"]}]});
    assert!(line("r.uid: lkc-2", event.clone()));
    assert!(line("r.tags: y", event.clone()));
    assert!(!line("r.uid: lkc-3", event));
}

#[test]
fn positions_are_prefix_suffix_and_middle() {
    let event = || json!({"a": "one two three"});
    assert!(line("a|startswith: ONE", event()));
    assert!(!line("a|startswith: two", event()));
    assert!(line("a|endswith: three", event()));
    assert!(!line("a|endswith: two", event()));
    assert!(line("a|contains: ' two '", event()));
    assert!(line("a|contains: t?o", event()));
    assert!(line("a|startswith|cased: one", event()));
    assert!(!line("a|startswith|cased: One", event()));
    assert!(
        line("a|contains: 44", json!({"a": 8443})),
        "numbers have a text"
    );
}

#[test]
fn starts_and_ends_are_found_among_few_and_among_many() {
    for count in [1, 3, 8, 9, 30] {
        let list = |of: &str| {
            (0..count)
                .map(|n| format!("{of}{n}-"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let starts = format!("a|startswith: [{}]", list("s"));
        let ends = format!("a|endswith: [{}]", list("e"));
        let last = count - 1;
        assert!(line(&starts, json!({"a": format!("S{last}-x")})), "{count}");
        assert!(
            !line(&starts, json!({"a": format!("xs{last}-")})),
            "{count}"
        );
        assert!(
            !line(&starts, json!({"a": format!("s{count}-x")})),
            "{count}"
        );
        assert!(line(&ends, json!({"a": format!("xE{last}-")})), "{count}");
        assert!(!line(&ends, json!({"a": format!("e{last}-x")})), "{count}");
        assert!(line(&ends, json!({"a": format!("e{last}-")})), "{count}");
    }
}

#[test]
fn null_is_also_a_missing_field_and_exists_tells_them_apart() {
    let (missing, null) = (|| json!({"b": 1}), || json!({"a": null}));
    let (empty, nothing) = (|| json!({"a": ""}), || json!({"a": []}));
    for (test, expected) in [
        ("a: null", [true, true, false, false]),
        ("a|neq: null", [false, false, true, true]),
        ("a: [null, '']", [true, true, true, false]),
        ("a|all: [null, null]", [true, true, false, false]),
        ("a|all: [null, x]", [false, false, false, false]),
        ("a: ''", [false, false, true, false]),
        ("a|exists: true", [false, true, true, true]),
        ("a|exists: false", [true, false, false, false]),
        ("a: '*'", [false, false, true, false]),
    ] {
        let events = [missing(), null(), empty(), nothing()];
        assert_eq!(events.map(|event| line(test, event)), expected, "{test}");
    }
    assert!(line("a|exists: true", json!({"a": {"deep": 1}})));
    let only_null =
        detect("{empty: {a: null}, there: {a|exists: true}, condition: empty and there}");
    assert!(matches(&only_null, &null()));
    assert!(!matches(&only_null, &missing()));
    let elements = || json!({"r": [{"name": "x"}, {"uid": "1"}]});
    assert!(
        !line("r.name: null", elements()),
        "an element has the field"
    );
    assert!(line("r.owner: null", elements()));
}

#[test]
fn neq_is_the_opposite_of_the_whole_line() {
    assert!(line("a|neq: x", json!({"a": "y"})));
    assert!(!line("a|neq: x", json!({"a": "X"})));
    assert!(!line("a|neq: [x, y]", json!({"a": "y"})));
    assert!(
        line("a|neq: x", json!({"b": 1})),
        "also where the field is missing"
    );
    assert!(!line("a|neq: x", json!({"a": ["y", "x"]})));
    assert!(line("a|contains|neq: x", json!({"a": "abc"})));
    assert!(line("a|neq: 5", json!({"a": 6})));
}

#[test]
fn numbers_compare_with_numbers_and_their_texts() {
    assert!(line("a: 4104", json!({"a": "4104"})));
    assert!(line("a: '4104'", json!({"a": 4104})));
    assert!(line("a: 1.5", json!({"a": 1.50})));
    assert!(line("a|gte: 10", json!({"a": 10})));
    assert!(!line("a|gt: 10", json!({"a": 10})));
    assert!(line("a|lt: 10", json!({"a": "9.99"})));
    assert!(line("a|lte: '10'", json!({"a": 10})));
    assert!(!line("a|lt: 10", json!({"a": "nine"})));
    assert!(!line("a|lt: 10", json!({"b": 1})));
    assert!(line("a: true", json!({"a": true})));
    assert!(!line("a: true", json!({"a": false})));
}

#[test]
fn regular_expressions_are_found_anywhere_with_case_unless_flagged() {
    assert!(line("a|re: 'b+c'", json!({"a": "abbbc-"})));
    assert!(!line("a|re: '^b+c'", json!({"a": "abbbc"})));
    assert!(!line("a|re: 'B'", json!({"a": "b"})));
    assert!(line("a|re|i: 'B'", json!({"a": "b"})));
    assert!(!line("a|re: 'a.b'", json!({"a": "a\nb"})));
    assert!(line("a|re|s: 'a.b'", json!({"a": "a\nb"})));
    assert!(line("a|re|m: '^b$'", json!({"a": "a\nb"})));
    assert!(line("a|re|all: ['x', 'y']", json!({"a": "yx"})));
}

#[test]
fn lines_that_differ_in_modifiers_alone_are_not_taken_for_one() {
    let lines = [
        "a|re: 'x|B'",
        "a|re|i: 'x|B'",
        "a|re|i|neq: 'x|B'",
        "a|contains: b",
        "a|contains|cased: B",
        "a|contains|neq: b",
        "a|startswith: b",
        "a|contains|all: [a, B]",
        "a|contains: [a, B]",
        "a|lt: 5",
        "a|lte: 5",
        "a: '5'",
        "a: 5",
    ];
    let detections: Vec<Detection> = lines
        .iter()
        .map(|line| detect(&format!("{{s: {{{line}}}, condition: s}}")))
        .collect();
    let engine = engine(&detections);
    let mut scratch = Scratch::default();
    for value in [
        json!("ab"),
        json!("AB"),
        json!("b"),
        json!("x"),
        json!(5),
        json!("5.0"),
    ] {
        let event = json!({"a": value});
        let alone: Vec<usize> = (0..lines.len())
            .filter(|n| matches(&detections[*n], &event))
            .collect();
        assert_eq!(
            engine.matches(&JsonEvent(event), &mut scratch),
            alone,
            "{value}"
        );
    }
}

#[test]
fn cidr_matches_addresses_of_the_network() {
    assert!(line("a|cidr: 10.0.0.0/8", json!({"a": "10.200.1.1"})));
    assert!(!line("a|cidr: 10.0.0.0/8", json!({"a": "11.0.0.1"})));
    assert!(line(
        "a|cidr: ['10.0.0.0/8', '2001:db8::/32']",
        json!({"a": "2001:DB8::7"})
    ));
}

#[test]
fn windash_takes_every_dash_for_every_other() {
    for dash in ["-", "/", "–", "—", "―"] {
        let event = || json!({"a": format!("cmd {dash}enc x")});
        assert!(line("a|contains|windash: ' -enc '", event()), "{dash}");
        assert!(line("a|windash|contains: ' /enc '", event()), "{dash}");
    }
    assert!(!line(
        "a|contains|windash: ' -enc '",
        json!({"a": "cmd +enc x"})
    ));
}

#[test]
fn base64_modifiers_find_encoded_text_with_its_case() {
    assert!(line("a|base64: foobar", json!({"a": "Zm9vYmFy"})));
    assert!(!line("a|base64: foobar", json!({"a": "zm9vymfy"})));
    assert!(line(
        "a|base64offset|contains: foobar",
        json!({"a": "eGZvb2Jhcng="})
    ));
    assert!(line(
        "a|wide|base64offset|contains: foobar",
        json!({"a": "ZgBvAG8AYgBhAHIA"})
    ));
    assert!(line(
        "a|utf16be|base64|contains: fo",
        json!({"a": "AGYAbw=="})
    ));
}

#[test]
fn every_text_of_a_list_may_be_at_any_offset_in_base64() {
    let both = "a|base64offset|contains|all: [secret, token]";
    let shifted = |padding: &str| BASE64.encode(format!("{padding}secret and token").as_bytes());
    for padding in ["", "x", "xx"] {
        assert!(line(both, json!({"a": shifted(padding)})), "{padding}");
        let only_one = BASE64.encode(format!("{padding}secret").as_bytes());
        assert!(!line(both, json!({"a": only_one})));
        assert!(line(
            "a|base64offset|contains: [secret, other]",
            json!({"a": only_one})
        ));
    }
    let neither = "a|base64offset|contains|all|neq: [secret, token]";
    assert!(!line(neither, json!({"a": shifted("x")})));
    assert!(line(neither, json!({"a": BASE64.encode(b"secret")})));
}

#[test]
fn fieldref_compares_two_fields_of_one_event() {
    let event = || json!({"a": "Alice", "b": "alice", "c": ["bob", "ALICE"], "d": "xalice"});
    assert!(line("a|fieldref: b", event()));
    assert!(line("a|fieldref: c", event()));
    assert!(!line("a|fieldref|cased: b", event()));
    assert!(!line("a|fieldref|neq: b", event()));
    assert!(line("d|fieldref|endswith: a", event()));
    assert!(!line("a|fieldref: missing", event()));
    assert!(line("a|fieldref|all: [b, c]", event()));
    assert!(!line("a|fieldref|all: [b, d]", event()));
    assert!(
        !line("x|fieldref: y", json!({"x": null, "y": null})),
        "null has no text"
    );
}

#[test]
fn a_map_is_all_of_its_lines_and_a_list_of_maps_any() {
    let list = detect("s: [{a: 1, b: 2}, {c: 3}]\ncondition: s");
    assert!(matches(&list, &json!({"a": 1, "b": 2})));
    assert!(matches(&list, &json!({"c": 3})));
    assert!(!matches(&list, &json!({"a": 1})));
}

#[test]
fn keywords_are_found_in_any_string_at_any_depth() {
    let any = detect("k: [mimi*katz, evil]\ncondition: k");
    assert!(matches(&any, &json!({"x": [{"y": "an EVIL service"}]})));
    assert!(matches(&any, &json!({"x": "mimi-katz.exe"})));
    assert!(!matches(
        &any,
        &json!({"evil": "a key is no value", "n": 1})
    ));
    let all = detect("k: {'|all': [one, two]}\ncondition: k");
    assert!(matches(&all, &json!({"x": "two", "y": "-one-"})));
    assert!(!matches(&all, &json!({"x": "one"})));
    let regex = detect("k: {'|re': 'e.il$'}\ncondition: k");
    assert!(matches(&regex, &json!({"x": ["evil"]})));
    assert!(!matches(&regex, &json!({"x": ["evil "]})));
    let mixed = detect("k: [word, {a: 1}]\ncondition: k");
    assert!(matches(&mixed, &json!({"a": 1})));
    assert!(matches(&mixed, &json!({"b": "a word"})));
}

#[test]
fn conditions_combine_selections() {
    let filtered = detect(
        "sel: {a: 1}\nfilter_x: {b: 1}\nfilter_y: {c: 1}\ncondition: sel and not 1 of filter_*",
    );
    assert!(matches(&filtered, &json!({"a": 1})));
    assert!(!matches(&filtered, &json!({"a": 1, "c": 1})));
    let two = detect("x: {a: 1}\ny: {b: 1}\nz: {c: 1}\ncondition: 2 of them");
    assert!(matches(&two, &json!({"a": 1, "c": 1})));
    assert!(!matches(&two, &json!({"c": 1})));
    let words = detect("x: {a: one}\ny: {b: two}\ncondition: 1 of them");
    assert!(matches(&words, &json!({"a": "one"})));
    assert!(matches(&words, &json!({"b": "TWO"})));
    assert!(!matches(&words, &json!({"a": "two", "b": "one"})));
    let either = detect("x: {a: 1}\ny: {b: 1}\ncondition: [x, y]");
    assert!(matches(&either, &json!({"b": 1})));
    assert!(!matches(&either, &json!({"c": 1})));
}

#[test]
fn logsource_narrows_by_what_it_names() {
    let detection = detect("s: {a: 1}\ncondition: s");
    let logsource = Logsource {
        product: Some("confluent".to_owned()),
        service: Some("flink".to_owned()),
        category: None,
    };
    let target = LogsourceDetection {
        logsource: &logsource,
        detection: &detection,
    };
    let engine = Engine::compile([target], &resolve).unwrap();
    let from = |logsource: Json| {
        let event = JsonEvent(json!({"a": 1, "logsource": logsource}));
        !engine.matches(&event, &mut Scratch::default()).is_empty()
    };
    assert!(from(
        json!({"product": "Confluent", "service": "flink", "category": "any"})
    ));
    assert!(!from(json!({"product": "confluent", "service": "kafka"})));
    assert!(!from(json!({"product": "confluent"})));
}

#[test]
fn a_rule_has_no_witness_only_if_nothing_is_required() {
    let without_witness = |rule: &str| engine(&[detect(rule)]).without_witness().count();
    for rule in [
        "s: {a: x}\ncondition: not s",
        "s: {a: x}\nt: {b: y}\ncondition: s or not t",
        "s: {a: null}\ncondition: s",
        "s: {a: [x, null]}\ncondition: s",
        "s: {a|neq: x, b|exists: false}\ncondition: s",
        "s: {a: x}\nt: {b: y}\nu: {c: z}\ncondition: not 2 of them",
    ] {
        assert_eq!(without_witness(rule), 1, "{rule}");
    }
    for rule in [
        "s: {a: x*}\ncondition: s",
        "s: {a|lt: 5}\ncondition: s",
        "s: {a: '*'}\ncondition: s",
        "s: {a|fieldref: b}\ncondition: s",
        "s: [word]\ncondition: s",
        "s: {a|exists: true, b: null}\ncondition: s",
        "s: {a|neq: x}\ncondition: not s",
        "s: {a: x}\nt: {b|exists: false}\ncondition: not (s or t)",
        "s: {a: x}\nt: {b|neq: y}\nu: {c|neq: z}\ncondition: not 2 of them",
    ] {
        assert_eq!(without_witness(rule), 0, "{rule}");
    }
}

#[test]
fn only_rules_without_a_witness_are_always_candidates() {
    let detections: Vec<Detection> = (0..200)
        .map(|n| detect(&format!("s: {{op: Method{n}, status: [ok, failed]}}\nnot: {{b: 1}}\ncondition: s and not not").replace("not:", "f:").replace("not not", "not f")))
        .chain([
            detect("s: {a|startswith: z}\ncondition: not s"),
            detect("s: {op|re: '^METHOD(77|X)$', status: failed}\ncondition: s"),
            detect("s: {op|re|all: ['7$', '^Method(77|X)$']}\ncondition: s"),
        ])
        .collect();
    let engine = engine(&detections);
    assert_eq!(engine.without_witness().count(), 1);
    let event = JsonEvent(json!({"op": "METHOD77", "status": "failed", "a": "xyz"}));
    assert_eq!(
        engine.matches(&event, &mut Scratch::default()),
        [77, 200, 201]
    );
}

#[test]
fn an_explanation_names_selections_values_and_what_failed() {
    let detection = detect(
        "sel: {op|startswith: delete, r.id: ['1', '2']}\nother: {'|all': [xx, del]}\nfilter: {user: ci, x|exists: false}\ncondition: sel and not filter and not other",
    );
    let engine = engine(&[detection]);
    let event =
        JsonEvent(json!({"op": "DeleteTopic", "r": [{"id": 2}, {"id": 3}], "user": ["a", "b"]}));
    let outcomes = engine.explain(0, &event);
    let test = |field, holds, values: &[&str]| TestOutcome {
        field,
        holds,
        values: values.iter().map(|v| (*v).to_owned()).collect(),
    };
    assert_eq!(
        outcomes,
        [
            SelectionOutcome {
                name: "sel",
                holds: true,
                tests: vec![
                    test(Some("op"), true, &["DeleteTopic"]),
                    test(Some("r.id"), true, &["2"])
                ],
            },
            SelectionOutcome {
                name: "other",
                holds: false,
                tests: vec![test(None, false, &[])],
            },
            SelectionOutcome {
                name: "filter",
                holds: false,
                tests: vec![
                    test(Some("user"), false, &["a", "b"]),
                    test(Some("x"), true, &[])
                ],
            },
        ]
    );
}
