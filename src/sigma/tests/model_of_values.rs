//! Nulls, parts of times, lines about one element, and filters against a naive reading of the same lines: one line at a
//! time, from the JSON of the event, without an index. `model` does the same for texts and conditions.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

/// One line about the field `a`, `t` or the list `r`.
#[derive(Debug, Clone)]
enum Line {
    Null {
        negated: bool,
    },
    Exists(bool),
    NullOr(&'static str),
    Hour {
        bound: &'static str,
        hour: i64,
        negated: bool,
    },
    Element(Vec<Vec<ElementLine>>),
}

/// The field of an element, and what is expected of it: a text, null, or anything but a text.
type ElementLine = (&'static str, Option<&'static str>, bool);

const WORDS: [&str; 3] = ["x", "Y", "z"];

fn a_line() -> impl Strategy<Value = Line> {
    let word = || prop::sample::select(WORDS.to_vec());
    let element = (
        prop::sample::select(vec!["p", "q", "s.u"]),
        prop::option::weighted(0.8, word()),
        any::<bool>(),
    );
    let group = prop::collection::vec(element, 1..4).prop_map(|lines| {
        // A key can occur once in a map.
        let mut seen = std::collections::BTreeSet::new();
        let is_first = |line: &ElementLine| seen.insert((line.0, line.2));
        lines.into_iter().filter(is_first).collect::<Vec<_>>()
    });
    prop_oneof![
        any::<bool>().prop_map(|negated| Line::Null { negated }),
        any::<bool>().prop_map(Line::Exists),
        word().prop_map(Line::NullOr),
        (
            prop::sample::select(vec!["", "|lt", "|lte", "|gt", "|gte"]),
            0..24i64,
            any::<bool>()
        )
            .prop_map(|(bound, hour, negated)| Line::Hour {
                bound,
                hour,
                negated
            }),
        prop::collection::vec(group, 1..3).prop_map(Line::Element),
    ]
}

impl Line {
    fn yaml(&self) -> String {
        let neq = |negated: &bool| if *negated { "|neq" } else { "" };
        match self {
            Line::Null { negated } => format!("a{}: null", neq(negated)),
            Line::Exists(exists) => format!("a|exists: {exists}"),
            Line::NullOr(word) => format!("a: [null, {word}]"),
            Line::Hour {
                bound,
                hour,
                negated,
            } => format!("t|hour{bound}{}: {hour}", neq(negated)),
            Line::Element(groups) => {
                let group = |lines: &Vec<ElementLine>| {
                    let lines = lines.iter().map(|(field, value, negated)| {
                        format!("{field}{}: {}", neq(negated), value.unwrap_or("null"))
                    });
                    format!("{{{}}}", lines.collect::<Vec<_>>().join(", "))
                };
                let groups: Vec<String> = groups.iter().map(group).collect();
                format!("r: [{}]", groups.join(", "))
            }
        }
    }

    fn holds(&self, event: &Json) -> bool {
        match self {
            Line::Null { negated } => is_null(event.get("a")) != *negated,
            Line::Exists(exists) => event.get("a").is_some() == *exists,
            Line::NullOr(word) => is_null(event.get("a")) || has_word(event.get("a"), word),
            Line::Hour {
                bound,
                hour,
                negated,
            } => {
                let within = |at: i64| match *bound {
                    "|lt" => at < *hour,
                    "|lte" => at <= *hour,
                    "|gt" => at > *hour,
                    "|gte" => at >= *hour,
                    _ => at == *hour,
                };
                each(event.get("t"))
                    .into_iter()
                    .filter_map(hour_of)
                    .any(within)
                    != *negated
            }
            Line::Element(groups) => {
                let meets = |element: &Json, (field, value, negated): &ElementLine| {
                    let found = match field.split_once('.') {
                        Some((first, second)) => element.get(first).and_then(|f| f.get(second)),
                        None => element.get(field),
                    };
                    let is = match value {
                        Some(word) => has_word(found, word),
                        None => is_null(found),
                    };
                    is != *negated
                };
                let elements = each(event.get("r")).into_iter().filter(|e| e.is_object());
                elements.into_iter().any(|element| {
                    let group = |lines: &Vec<ElementLine>| lines.iter().all(|l| meets(element, l));
                    groups.iter().any(group)
                })
            }
        }
    }
}

/// The value, or every element of an array at any depth.
fn each(value: Option<&Json>) -> Vec<&Json> {
    match value {
        Some(Json::Array(all)) => all.iter().flat_map(|one| each(Some(one))).collect(),
        other => other.into_iter().collect(),
    }
}

fn is_null(value: Option<&Json>) -> bool {
    value.is_none() || each(value).into_iter().any(Json::is_null)
}

fn has_word(value: Option<&Json>, word: &str) -> bool {
    let mut texts = each(value).into_iter().filter_map(Json::as_str);
    texts.any(|text| text.eq_ignore_ascii_case(word))
}

/// The hour in a zone that is always five and a half hours ahead of UTC.
fn hour_of(value: &Json) -> Option<i64> {
    let seconds = match value {
        Json::Number(_) => value.as_i64()?.div_euclid(1000),
        Json::String(text) => {
            // The texts of `a_time` are of the first of January 1970.
            let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
            let offset = if text.ends_with('Z') { 0 } else { 2 };
            (number(11..13)? - offset) * 3600 + number(14..16)? * 60
        }
        _ => return None,
    };
    Some((seconds + 19_800).div_euclid(3600).rem_euclid(24))
}

fn a_time() -> impl Strategy<Value = Json> {
    let text = (
        0..24u32,
        0..60u32,
        prop::sample::select(vec!["Z", "+02:00"]),
    );
    prop_oneof![
        (-100_000_000_000i64..2_000_000_000_000).prop_map(Json::from),
        text.prop_map(|(hour, minute, offset)| {
            json!(format!("1970-01-01T{hour:02}:{minute:02}:07{offset}"))
        }),
        Just(json!("1970-01-01")),
        Just(json!("70000")),
        Just(json!(1.5)),
        Just(json!(true)),
        Just(Json::Null),
    ]
}

fn a_value() -> impl Strategy<Value = Json> {
    let word = prop::sample::select(vec!["X", "y", "zz"]).prop_map(Json::from);
    let one = prop_oneof![4 => word, 1 => Just(Json::Null), 1 => Just(json!(7))];
    let many = prop::collection::vec(one.clone(), 1..3).prop_map(Json::from);
    prop_oneof![3 => one, 1 => many]
}

fn an_element() -> impl Strategy<Value = Json> {
    let part = || prop::option::weighted(0.7, a_value());
    let object = (part(), part(), part()).prop_map(|(p, q, u)| {
        let mut object = serde_json::Map::new();
        let s = u.map(|u| json!({"u": u}));
        for (name, value) in [("p", p), ("q", q), ("s", s)] {
            object.extend(value.map(|value| (name.to_owned(), value)));
        }
        Json::Object(object)
    });
    prop_oneof![6 => object, 1 => Just(json!("x")), 1 => Just(Json::Null)]
}

fn an_event() -> impl Strategy<Value = Json> {
    let times = prop_oneof![
        3 => a_time(),
        1 => prop::collection::vec(a_time(), 1..3).prop_map(Json::from),
    ];
    let nested = prop::collection::vec(an_element(), 1..3).prop_map(Json::from);
    let elements = prop::collection::vec(prop_oneof![3 => an_element(), 1 => nested], 1..4);
    let list = prop_oneof![3 => elements.prop_map(Json::from), 1 => an_element()];
    let option = |of| prop::option::weighted(0.8, of);
    (
        option(a_value().boxed()),
        option(times.boxed()),
        option(list.boxed()),
    )
        .prop_map(|(a, t, r)| {
            let mut event = serde_json::Map::new();
            for (name, value) in [("a", a), ("t", t), ("r", r)] {
                event.extend(value.map(|value| (name.to_owned(), value)));
            }
            Json::Object(event)
        })
}

/// A rule with one line, without those for which the line of the filter holds, if there is one.
type Spec = (Line, bool, Option<Line>);

fn rule((line, negated, filter): &Spec) -> Detection {
    let not = if *negated { "not " } else { "" };
    let zone = "timezone: Asia/Kolkata\n";
    let rule = format!(
        "title: T\nid: 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d\nlogsource: {{}}\n{zone}\
         detection: {{s: {{{}}}, condition: {not}s}}\n",
        line.yaml()
    );
    let mut parsed = documents(&rule);
    assert_eq!(parsed.rules.len(), 1, "{rule}: {:?}", parsed.problems);
    let mut detection = parsed.rules.remove(0).detection;
    if let Some(filter) = filter {
        let filter = format!(
            "title: F\nlogsource: {{}}\n{zone}\
             filter: {{rules: any, s: {{{}}}, condition: s}}\n",
            filter.yaml()
        );
        let mut parsed = documents(&filter);
        assert_eq!(parsed.filters.len(), 1, "{filter}: {:?}", parsed.problems);
        detection
            .exclusions
            .push(parsed.filters.remove(0).exclusion());
    }
    detection
}

fn naive((line, negated, filter): &Spec, event: &Json) -> bool {
    let excluded = filter.as_ref().is_some_and(|filter| filter.holds(event));
    line.holds(event) != *negated && !excluded
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn values_times_elements_and_filters_agree_with_a_naive_reading(
        specs in prop::collection::vec(
            (a_line(), any::<bool>(), prop::option::weighted(0.3, a_line())),
            1..8,
        ),
        events in prop::collection::vec(an_event(), 1..6),
    ) {
        let detections: Vec<Detection> = specs.iter().map(rule).collect();
        let engine = engine(&detections);
        let mut scratch = Scratch::default();
        for event in &events {
            let expected: Vec<usize> =
                (0..specs.len()).filter(|n| naive(&specs[*n], event)).collect();
            let read = JsonEvent(event.clone());
            prop_assert_eq!(engine.matches(&read, &mut scratch), expected.as_slice(), "{}", event);
            for (number, detection) in detections.iter().enumerate() {
                let outcome = engine.outcome(number, detection, &read).unwrap();
                prop_assert_eq!(outcome.matches(), expected.contains(&number));
            }
        }
    }
}
