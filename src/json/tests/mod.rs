mod fuzz;

use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Document<'_> {
    Document::parse(text.as_bytes()).unwrap()
}

fn error(text: &str) -> JsonError {
    Document::parse(text.as_bytes()).unwrap_err()
}

#[test]
fn members_keep_their_order_and_their_spelling() {
    let doc = parse(r#"{"b": 1.10, "a\u0041": [1e2, "x\ny", null], "c": {}}"#);
    let keys: Vec<_> = doc
        .children(doc.root())
        .map(|id| doc.key(id).into_owned())
        .collect();
    assert_eq!(keys, ["b", "aA", "c"]);
    let b = doc.member(doc.root(), "b").unwrap();
    assert_eq!(doc.raw(b), "1.10");
    let list = doc.member(doc.root(), "aA").unwrap();
    let items: Vec<_> = doc.children(list).map(|id| doc.raw(id)).collect();
    assert_eq!(items, ["1e2", r#""x\ny""#, "null"]);
    let string = doc.children(list).nth(1).unwrap();
    assert_eq!(doc.text(string).unwrap(), "x\ny");
    assert!(doc.is_empty_container(doc.member(doc.root(), "c").unwrap()));
}

#[test]
fn white_space_goes_and_content_stays() {
    let mut out = Vec::new();
    let doc = parse(" {\"a b\" : [ 1 ,\n2 ] , \"c\":\" \\u00e9 \" } ");
    doc.write_compact(doc.root(), &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"a b":[1,2],"c":" \u00e9 "}"#
    );
}

#[test]
fn names_fold_only_when_no_exact_one_exists() {
    let doc = parse(r#"{"client_address": 1, "ClientAddress": 2, "clientAddress": 3}"#);
    let raw = |id: Option<NodeId>| id.map(|id| doc.raw(id));
    assert_eq!(
        raw(doc.member_folded(doc.root(), "clientAddress")),
        Some("3")
    );
    assert_eq!(
        raw(doc.member_folded(doc.root(), "CLIENTADDRESS")),
        Some("1")
    );
    assert_eq!(raw(doc.member_folded(doc.root(), "clientAddresses")), None);
}

#[test]
fn names_fold_at_their_first_letter_too() {
    let doc = parse(r#"{"_a": 1, "\u0062c": 2, "Dé": 3, "": 4}"#);
    let found = |name| doc.member_folded(doc.root(), name).map(|id| doc.raw(id));
    assert_eq!(found("a"), Some("1"));
    assert_eq!(found("__A"), Some("1"));
    assert_eq!(found("BC"), Some("2"));
    assert_eq!(found("_d_é"), Some("3"));
    assert_eq!(found(""), Some("4"));
    assert_eq!(found("c"), None);
}

#[test]
fn repeated_keys_are_seen_through_escapes() {
    let doc = parse(r#"{"a":1,"b":{"x":1,"x":2},"\u0061":2}"#);
    let repeated = doc.repeated_members();
    let names: Vec<_> = repeated.iter().map(|id| doc.key(*id)).collect();
    assert_eq!(names, ["a", "x", "x", "a"]);
    let other = |number: usize| doc.same_named(repeated[number]);
    assert_eq!([other(0), other(3)], [Some(repeated[3]), Some(repeated[0])]);
    let many: Vec<String> = (0..40).map(|i| format!("\"k{}\":0", i % 39)).collect();
    let text = format!("{{{}}}", many.join(","));
    let doc = parse(&text);
    let repeated = doc.repeated_members();
    let names: Vec<_> = repeated.iter().map(|id| doc.key(*id)).collect();
    assert_eq!(names, ["k0", "k0"]);
}

#[test]
fn names_alike_in_letters_and_length_are_told_apart() {
    for text in [
        r#"{"abca":1,"acba":2,"a_b_a":3,"__topic__":4,"__source__":5}"#,
        r#"{"eventName":1,"eventSource":2,"eventType":3,"a":4,"ab":5,"abc":6}"#,
        r#"{"request":1,"result":2,"o":{"ab":4},"l":[{"ab":5},{"ab":6}]}"#,
    ] {
        assert!(!parse(text).may_repeat_names, "{text}");
    }
    for text in [
        r#"{"":1,"":2}"#,
        r#"{"" :1,"": 2}"#,
        r#"{"__topic__":1,"z":0,"topic":2}"#,
        r#"{"topic":1,"z":0,"_TOPIC":2}"#,
        r#"{"abcd":1,"z":0,"abc_d":2}"#,
        r#"[0,{"_a":{"x":0},"b":[1],"_a":2}]"#,
        r#"{"Result":1,"result":2}"#,
        r#"{"role_name":1,"other":2,"roleName":3}"#,
        r#"{"_a":1,"a":2}"#,
        r#"{"a_b":1,"z":0,"ab":2}"#,
        r#"{"ab":1,"z":0,"a_b":2}"#,
        r#"{ "AB" : 1, "aB": 2 }"#,
        r#"{"a":1,"A":2}"#,
    ] {
        let doc = parse(text);
        assert_eq!(doc.repeated_members().len(), 2, "{text}");
    }
}

#[test]
fn a_string_ends_where_it_ends_whatever_its_length() {
    for length in 0..140 {
        let content: String = ('a'..='z').cycle().take(length).collect();
        for text in [
            format!("\"{content}\""),
            format!("[\"{content}\",\"{content}\"]"),
            format!("{{\"{content}\":\"{content}\"}} "),
        ] {
            let doc = parse(&text);
            let last = doc.nodes().last().unwrap();
            assert_eq!(*doc.text(last).unwrap(), content);
            assert_eq!(doc.raw(last), format!("\"{content}\""));
        }
        for place in 0..length {
            let text = format!("\"{}\u{1f}{}\"  ", &content[..place], &content[place..]);
            let offset = place + 1;
            let expected = "an escaped control character";
            assert_eq!(error(&text), JsonError::Syntax { offset, expected });
            let text = format!("\"{}\\n{}\"", &content[..place], &content[place..]);
            let decoded = format!("{}\n{}", &content[..place], &content[place..]);
            let doc = parse(&text);
            assert_eq!(*doc.text(doc.root()).unwrap(), decoded);
        }
    }
}

#[test]
fn each_fault_has_its_own_reason() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(error("  ").reason(), "empty");
    assert_eq!(error(r#"{"a":"#).reason(), "not_json");
    assert_eq!(error("{\"a\":\"\0\"}").reason(), "not_json");
    assert_eq!(error(r#""\ud800""#).reason(), "not_portable");
    assert_eq!(error("[1e999]").reason(), "not_portable");
    // What is no JSON at all is said first.
    assert_eq!(error(r#"[1e999,"\ud800","#).reason(), "not_json");
    assert_eq!(error("{} {}").reason(), "not_json");
    assert_eq!(error(&deep(129)).reason(), "too_deep");
    assert!(Document::parse(deep(128).as_bytes()).is_ok());
    let not_utf8 = Document::parse(b"\"ab\xff\"").unwrap_err();
    assert_eq!(not_utf8, JsonError::NotUtf8 { offset: 3 });
    assert_eq!(
        error("[1,]"),
        JsonError::Syntax {
            offset: 3,
            expected: "a value"
        }
    );
}

#[test]
fn a_fault_is_told_with_its_place() {
    for (text, offset, expected) in [
        ("\"a\",\"b\"", 3, "the end of the text"),
        ("[\"a\" \"b\"]", 5, "a comma or ]"),
        ("[\"a\",]", 5, "a value"),
        ("{\"a\":\"b\"]", 8, "a comma or }"),
        ("{\"a\":\"b\",]", 9, "a name in quotes"),
        ("{\"a\" ,", 5, "a colon"),
        ("{\"a\\n\":\"b\",\"c\":}", 15, "a value"),
        ("{\"a\":\"b", 7, "a closing quote"),
        (
            "[\"\\ud83\\n\"]",
            2,
            "a \\u escape of four hexadecimal digits",
        ),
    ] {
        assert_eq!(
            error(text),
            JsonError::Syntax { offset, expected },
            "{text}"
        );
    }
}

#[test]
fn surrogate_pairs_decode() {
    let doc = parse(r#""a\ud83d\ude00\/b""#);
    assert_eq!(doc.text(doc.root()).unwrap(), "a😀/b");
}

fn to_value(doc: &Document<'_>, id: NodeId) -> serde_json::Value {
    match doc.kind(id) {
        ValueKind::Object => doc
            .children(id)
            .map(|child| (doc.key(child).into_owned(), to_value(doc, child)))
            .collect(),
        ValueKind::Array => doc.children(id).map(|child| to_value(doc, child)).collect(),
        ValueKind::String => doc.text(id).unwrap().to_string().into(),
        _ => serde_json::from_str(doc.raw(id)).unwrap(),
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e300f64..1e300).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Names that are easily taken for one another, as written and decoded.
fn name() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("ab", "ab"),
        ("AB", "AB"),
        ("a_b", "a_b"),
        ("_ab", "_ab"),
        ("a\\u0062", "ab"),
        ("\\u005fab", "_ab"),
        ("acb", "acb"),
        ("aCb", "aCb"),
        ("", ""),
        ("_", "_"),
        ("é", "é"),
        ("\\u00e9", "é"),
        ("b\\\\", "b\\"),
    ])
}

proptest! {
    #[test]
    fn members_are_found_as_by_a_search_through_all(
        names in proptest::collection::vec(name(), 0..8),
        searched in name(),
    ) {
        let members: Vec<_> = names.iter().map(|(written, _)| format!("\"{written}\":[0]")).collect();
        let text = format!("{{{}}}", members.join(","));
        let doc = parse(&text);
        let children: Vec<_> = doc.children(doc.root()).collect();
        let decoded: Vec<_> = names.iter().map(|(_, decoded)| *decoded).collect();
        let place = |same: fn(&str, &str) -> bool| decoded.iter().position(|name| same(name, searched.1));
        let exact = place(|one, other| one == other);
        let folded = exact.or(place(same_name));
        prop_assert_eq!(doc.member(doc.root(), searched.1), exact.map(|at| children[at]));
        prop_assert_eq!(doc.member_folded(doc.root(), searched.1), folded.map(|at| children[at]));
    }

    #[test]
    fn a_repeated_name_is_found_as_by_comparing_all(
        names in proptest::collection::vec(name(), 0..8),
        others in 0..40_usize,
        within in prop::sample::select(vec!["", "[0,", "{\"z\":"]),
    ) {
        let fillers: Vec<_> = (0..others).map(|number| format!("k{number}")).collect();
        let written = fillers.iter().map(String::as_str).chain(names.iter().map(|name| name.0));
        let members: Vec<_> = written.map(|name| format!("\"{name}\":{{}}")).collect();
        let close = match within { "" => "", "[0," => "]", _ => "}" };
        let text = format!("{within}{{{}}}{close}", members.join(","));
        let doc = parse(&text);
        let object = doc.nodes().filter(|id| doc.kind(*id) == ValueKind::Object);
        let object = object.into_iter().nth(usize::from(within.starts_with('{'))).unwrap();
        let decoded: Vec<_> = names.iter().map(|(_, decoded)| *decoded).collect();
        let is_repeated = |at: &usize| {
            (0..decoded.len()).any(|other| other != *at && same_name(decoded[other], decoded[*at]))
        };
        let repeated: Vec<_> = (0..decoded.len()).filter(is_repeated).map(|at| decoded[at]).collect();
        let found: Vec<_> = doc.repeated_members().into_iter().map(|id| doc.key(id)).collect();
        prop_assert_eq!(&found, &repeated);
        for id in doc.repeated_members() {
            prop_assert_eq!(doc.parent(id), Some(object));
        }
    }

    #[test]
    fn it_reads_what_serde_json_writes(value in json_value(), pretty: bool) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        let doc = parse(&text);
        prop_assert_eq!(to_value(&doc, doc.root()), value.clone());
        let mut compact = Vec::new();
        doc.write_compact(doc.root(), &mut compact);
        prop_assert_eq!(String::from_utf8(compact).unwrap(), value.to_string());
    }

    #[test]
    fn it_accepts_and_refuses_as_serde_json_does(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u00", "\\ud83d", "\\ude00", "1", "0",
                "-", ".", "e", "E+", "9", "true", "nul", "null", "false", " ", "\n", "\t", "é",
                "\u{1}", "abcdefgh", "\"a\"", "\"b\":",
            ]),
            0..14,
        )
    ) {
        let text = pieces.concat();
        let ours = match Document::parse(text.as_bytes()) {
            // Which they refuse, and read once it is written for them.
            Err(JsonError::NotPortable) => {
                let portable = Portable::of(text.as_bytes()).text;
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&portable).is_ok());
                false
            }
            parsed => parsed.is_ok(),
        };
        let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        prop_assert_eq!(ours, theirs, "{}", text);
    }
}
