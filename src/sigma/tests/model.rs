//! Compiled, indexed, memoized evaluation against a naive reading of the same YAML: selections as
//! lists of lines, conditions re-read from their text, no sharing and no index.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

const FIELDS: [&str; 3] = ["op", "user", "res.id"];
const WORDS: [&str; 6] = ["", "a", "B", "ab", "bA", "ä"];

/// One line: field, modifiers, patterns.
type Line = (usize, &'static str, Vec<String>);

fn a_line() -> impl Strategy<Value = Line> {
    let modifier = prop::sample::select(vec![
        "",
        "|contains",
        "|startswith",
        "|endswith",
        "|neq",
        "|cased",
        "|contains|all",
        "|all",
    ]);
    let atom = prop::sample::select(vec!["a", "A", "b", "ä", "Ä", "*", "?"]);
    let pattern = prop::collection::vec(atom, 0..4).prop_map(|atoms| atoms.concat());
    let word = prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned);
    // Plain words alone let the index choose a witness; one pattern among them forbids it.
    let patterns = prop_oneof![
        prop::collection::vec(word, 2..4),
        prop::collection::vec(pattern, 2..10),
    ];
    (0..FIELDS.len(), modifier, patterns)
}

#[derive(Debug, Clone)]
enum Tree {
    Leaf(usize),
    Not(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
    AtLeast(usize),
}

impl Tree {
    /// Written with only the parentheses that precedence asks for.
    fn text(&self, binding: u8) -> String {
        let (own, text) = match self {
            Tree::Leaf(n) => (4, format!("s{n}")),
            Tree::AtLeast(n) => (4, format!("{n} of s*")),
            Tree::Not(inner) => (3, format!("not {}", inner.text(3))),
            Tree::And(a, b) => (2, format!("{} and {}", a.text(2), b.text(2))),
            Tree::Or(a, b) => (1, format!("{} or {}", a.text(1), b.text(1))),
        };
        if own < binding {
            format!("({text})")
        } else {
            text
        }
    }

    fn holds(&self, selections: &[bool]) -> bool {
        match self {
            Tree::Leaf(n) => selections[*n],
            Tree::AtLeast(n) => selections.iter().filter(|s| **s).count() >= *n,
            Tree::Not(inner) => !inner.holds(selections),
            Tree::And(a, b) => a.holds(selections) & b.holds(selections),
            Tree::Or(a, b) => a.holds(selections) | b.holds(selections),
        }
    }
}

fn a_tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (0..3usize).prop_map(Tree::Leaf),
        (1..=3usize).prop_map(Tree::AtLeast)
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|t| Tree::Not(Box::new(t))),
            pair.clone()
                .prop_map(|(a, b)| Tree::And(Box::new(a), Box::new(b))),
            pair.prop_map(|(a, b)| Tree::Or(Box::new(a), Box::new(b))),
        ]
    })
}

/// Three selections of one to two lines each, and a condition over them.
type Spec = ([Vec<Line>; 3], Tree);

fn a_spec() -> impl Strategy<Value = Spec> {
    let lines = || prop::collection::vec(a_line(), 1..3);
    ([lines(), lines(), lines()], a_tree())
}

fn yaml_of((selections, tree): &Spec) -> String {
    let mut detection = serde_json::Map::new();
    for (n, lines) in selections.iter().enumerate() {
        // Lines on one field and modifier would repeat a key: the last stands, as in the model.
        let map: serde_json::Map<String, Json> = lines
            .iter()
            .map(|(field, modifier, values)| {
                (format!("{}{modifier}", FIELDS[*field]), json!(values))
            })
            .collect();
        detection.insert(format!("s{n}"), Json::Object(map));
    }
    detection.insert("condition".to_owned(), json!(tree.text(0)));
    Json::Object(detection).to_string()
}

fn naive(spec: &Spec, event: &Json) -> bool {
    spec.1.holds(&naive_selections(spec, event))
}

fn naive_selections((selections, _): &Spec, event: &Json) -> Vec<bool> {
    selections
        .iter()
        .map(|lines| {
            let key = |line: &Line| (line.0, line.1);
            let stands = |n: usize| {
                !lines[n + 1..]
                    .iter()
                    .any(|later| key(later) == key(&lines[n]))
            };
            (0..lines.len())
                .filter(|n| stands(*n))
                .all(|n| naive_line(&lines[n], event))
        })
        .collect()
}

fn naive_line((field, modifier, patterns): &Line, event: &Json) -> bool {
    let has = |name: &str| modifier.contains(name);
    let values = naive_values(event, FIELDS[*field]);
    let lower = |text: &str| {
        if has("cased") {
            text.to_owned()
        } else {
            text.to_lowercase()
        }
    };
    let met = |pattern: &String| {
        let before = if has("contains") || has("endswith") {
            "*"
        } else {
            ""
        };
        let after = if has("contains") || has("startswith") {
            "*"
        } else {
            ""
        };
        let pattern: Vec<char> = lower(&format!("{before}{pattern}{after}"))
            .chars()
            .collect();
        values.iter().any(|value| {
            let text: Vec<char> = lower(value).chars().collect();
            naive_glob(&pattern, &text)
        })
    };
    let holds = if has("all") {
        patterns.iter().all(met)
    } else {
        patterns.iter().any(met)
    };
    holds != has("neq")
}

fn naive_values(event: &Json, field: &str) -> Vec<String> {
    let value = event.pointer(&format!("/{}", field.replace('.', "/")));
    match value {
        Some(Json::Array(list)) => list
            .iter()
            .filter_map(|v| v.as_str())
            .map(str::to_owned)
            .collect(),
        Some(Json::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

fn naive_glob(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=text.len()).any(|n| naive_glob(rest, &text[n..])),
        (['?', rest @ ..], [_, others @ ..]) => naive_glob(rest, others),
        ([p, rest @ ..], [t, others @ ..]) => p == t && naive_glob(rest, others),
        _ => false,
    }
}

fn a_value() -> impl Strategy<Value = Json> {
    let word = prop::sample::select(WORDS.to_vec());
    prop_oneof![
        4 => word.clone().prop_map(Json::from),
        1 => prop::collection::vec(word, 0..3).prop_map(Json::from),
        1 => Just(Json::Null),
    ]
}

fn an_event() -> impl Strategy<Value = Json> {
    let field = || prop::option::weighted(0.8, a_value());
    (field(), field(), field()).prop_map(|(op, user, id)| {
        let mut event = serde_json::Map::new();
        for (name, value) in [
            ("op", op),
            ("user", user),
            ("res", id.map(|id| json!({"id": id}))),
        ] {
            event.extend(value.map(|value| (name.to_owned(), value)));
        }
        Json::Object(event)
    })
}

proptest! {
    #[test]
    fn the_engine_agrees_with_a_naive_reading(
        specs in prop::collection::vec(a_spec(), 1..6),
        events in prop::collection::vec(an_event(), 1..6),
    ) {
        let detections: Vec<Detection> = specs.iter().map(|spec| detect(&yaml_of(spec))).collect();
        let engine = engine(&detections);
        let mut scratch = Scratch::default();
        for event in &events {
            let expected: Vec<usize> =
                (0..specs.len()).filter(|n| naive(&specs[*n], event)).collect();
            let event = JsonEvent(event.clone());
            prop_assert_eq!(engine.matches(&event, &mut scratch), expected.as_slice());
            for (rule, spec) in specs.iter().enumerate() {
                let holds: Vec<bool> =
                    engine.explain(rule, &event).iter().map(|outcome| outcome.holds).collect();
                prop_assert_eq!(spec.1.holds(&holds), expected.contains(&rule));
            }
        }
    }

    #[test]
    fn every_part_of_an_outcome_is_as_a_naive_reading_and_its_root_as_the_engine(
        specs in prop::collection::vec(a_spec(), 1..4),
        events in prop::collection::vec(an_event(), 1..6),
    ) {
        let detections: Vec<Detection> = specs.iter().map(|spec| detect(&yaml_of(spec))).collect();
        let engine = engine(&detections);
        let mut scratch = Scratch::default();
        for event in &events {
            let read = JsonEvent(event.clone());
            let matched = engine.matches(&read, &mut scratch);
            for (rule, spec) in specs.iter().enumerate() {
                let outcome = engine.outcome(rule, &detections[rule], &read).unwrap();
                prop_assert_eq!(outcome.matches(), matched.contains(&rule));
                let selections = naive_selections(spec, event);
                let number = |name: &str| name[1..].parse::<usize>().unwrap();
                let mut used = Vec::new();
                outcome.condition.selections(&mut |name, part| used.push((number(name), part)));
                for (number, part) in &used {
                    prop_assert_eq!(part.holds, selections[*number]);
                }
                let mut sole: Vec<usize> = (0..3)
                    .filter(|n| used.iter().any(|(number, _)| number == n))
                    .filter(|n| {
                        let mut opposite = selections.clone();
                        opposite[*n] = !opposite[*n];
                        !outcome.matches() && spec.1.holds(&opposite)
                    })
                    .collect();
                let mut named: Vec<usize> =
                    outcome.would_match_but_for().into_iter().map(number).collect();
                sole.sort_unstable();
                named.sort_unstable();
                prop_assert_eq!(named, sole);
            }
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,80}", words in prop::collection::vec(
        prop::sample::select(vec![
            "and", "or", "not", "(", ")", "1 of", "all of", "of", "s*", "s", "them", "|", "0", "*",
        ]),
        0..12,
    )) {
        documents(&text);
        let condition = json!(words.join(" "));
        let key = json!(format!("a|{text}"));
        for line in [format!("a: {}", json!(text)), format!("a|contains: {}", json!(text)),
                     format!("a|re: {}", json!(text)), format!("a|cidr: {}", json!(text)),
                     format!("a|expand: {}", json!(text)), format!("{key}: x")] {
            let detection = format!("{{s: {{{line}}}, condition: {condition}}}");
            let mut problems = Vec::new();
            if let Ok(node) = yaml::document(&detection) {
                let parsed = super::super::detection(&node, &mut problems);
                prop_assert!(parsed.is_some() || !problems.is_empty());
            }
        }
    }
}
