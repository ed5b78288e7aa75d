//! Compiled, indexed, memoized evaluation against a naive reading of the same YAML: selections as
//! lists of lines, conditions re-read from their text, no sharing and no index.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::naive::{Line, a_line, an_event, naive_line};
use super::*;

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

/// Three selections of one to two lines each, a condition over them, and a log source.
#[derive(Debug, Clone)]
struct Spec {
    selections: [Vec<Line>; 3],
    tree: Tree,
    logsource: Logsource,
}

fn a_spec() -> impl Strategy<Value = Spec> {
    let lines = || prop::collection::vec(a_line(), 1..3);
    let part = |words: &'static [&'static str]| {
        prop::option::weighted(0.3, prop::sample::select(words).prop_map(str::to_owned))
    };
    let logsource = (part(&["one", "two"]), part(&["api", "Web"]));
    let selections = [lines(), lines(), lines()];
    (selections, a_tree(), logsource).prop_map(|(selections, tree, (product, service))| Spec {
        selections,
        tree,
        logsource: Logsource {
            product,
            service,
            category: None,
        },
    })
}

impl Spec {
    fn detection(&self) -> Detection {
        let mut detection = serde_json::Map::new();
        for (n, lines) in self.selections.iter().enumerate() {
            // Lines on one field and modifier would repeat a key: the last stands, as in the model.
            let map: serde_json::Map<String, Json> = lines
                .iter()
                .map(|line| (line.key(), json!(line.values)))
                .collect();
            detection.insert(format!("s{n}"), Json::Object(map));
        }
        detection.insert("condition".to_owned(), json!(self.tree.text(0)));
        detect(&Json::Object(detection).to_string())
    }

    fn holds(&self, event: &Json) -> bool {
        self.tree.holds(&self.selections_that_hold(event))
    }

    fn matches(&self, event: &Json) -> bool {
        let is = |wanted: &Option<String>, part: &str| {
            let part = event["logsource"][part].as_str();
            wanted.as_ref().is_none_or(|wanted| {
                part.is_some_and(|part| part.to_lowercase() == wanted.to_lowercase())
            })
        };
        is(&self.logsource.product, "product")
            && is(&self.logsource.service, "service")
            && self.holds(event)
    }

    fn selections_that_hold(&self, event: &Json) -> Vec<bool> {
        let holds = |lines: &Vec<Line>| {
            let stands = |n: &usize| {
                let mut later = lines[n + 1..].iter();
                !later.any(|later| later.key() == lines[*n].key())
            };
            (0..lines.len())
                .filter(stands)
                .all(|n| naive_line(&lines[n], event))
        };
        self.selections.iter().map(holds).collect()
    }
}

/// Rules with their log sources, compiled.
fn compiled(specs: &[Spec]) -> (Vec<Detection>, Engine<Vec<String>>) {
    let detections: Vec<Detection> = specs.iter().map(Spec::detection).collect();
    let targets = specs
        .iter()
        .zip(&detections)
        .map(|(spec, detection)| LogsourceDetection {
            logsource: &spec.logsource,
            detection,
        });
    let engine = Engine::compile(targets, &resolve).unwrap();
    (detections, engine)
}

/// An event with several readings, each a JSON value of its own.
struct Readings(Vec<Json>);

impl Readings {
    /// Visits what is in every reading.
    fn certain<T: PartialEq>(
        &self,
        of: impl Fn(&Json) -> Vec<T>,
        visit: impl FnMut(&T) -> ControlFlow<()>,
    ) {
        let all: Vec<Vec<T>> = self.0.iter().map(of).collect();
        let certain = |value: &&T| all.iter().all(|values| values.contains(value));
        let _ = all[0].iter().filter(certain).try_for_each(visit);
    }
}

/// A value that is kept, as JSON.
fn kept(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => bool.into(),
        Value::Int(int) => int.into(),
        Value::Number(text) => serde_json::from_str(text).unwrap(),
        Value::String(text) => text.into(),
        Value::Composite => json!({}),
    }
}

impl Fields for Readings {
    type Path = Vec<String>;

    fn values(&self, path: &Vec<String>, visit: &mut Visit<'_>) {
        let _ = self
            .0
            .iter()
            .try_for_each(|reading| walk(reading, path, visit));
    }

    fn elements(
        &self,
        path: &Vec<String>,
        depth: usize,
        certain: bool,
        visit: &mut VisitElement<'_, Vec<String>>,
    ) {
        let mut visit = |element: &Json| {
            visit(&|path, _, values| {
                let _ = walk(element, &path[depth..], values);
            })
        };
        if certain {
            let of = |reading: &Json| {
                let mut all = Vec::new();
                let _ = elements(reading, &path[..depth], &mut |element| {
                    all.push(element.clone());
                    ControlFlow::Continue(())
                });
                all
            };
            return self.certain(of, visit);
        }
        let _ = self
            .0
            .iter()
            .try_for_each(|reading| elements(reading, &path[..depth], &mut visit));
    }

    fn costly_list(&self, path: &Vec<String>) -> Option<(u32, usize)> {
        list_of_test(path)
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = self
            .0
            .iter()
            .try_for_each(|reading| strings(reading, visit));
    }

    fn may_vary(&self, _: Option<&Vec<String>>) -> bool {
        true
    }

    fn certain_values(&self, path: &Vec<String>, visit: &mut Visit<'_>) {
        let of = |reading: &Json| {
            let mut values = Vec::new();
            let _ = walk(reading, path, &mut |value| {
                values.push(kept(value));
                ControlFlow::Continue(())
            });
            values
        };
        self.certain(of, |value| walk(value, &[], visit));
    }

    fn certain_strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let of = |reading: &Json| {
            let mut texts = Vec::new();
            let _ = strings(reading, &mut |text| {
                texts.push(text.to_owned());
                ControlFlow::Continue(())
            });
            texts
        };
        self.certain(of, |text| visit(text));
    }

    fn logsource(&self) -> Origin<'_> {
        let part = |name: &str| self.0[0].get("logsource")?.get(name)?.as_str();
        Origin {
            product: part("product"),
            service: part("service"),
            category: None,
        }
    }
}

proptest! {
    #[test]
    fn the_engine_agrees_with_a_naive_reading(
        specs in prop::collection::vec(a_spec(), 1..6),
        events in prop::collection::vec(an_event(), 1..6),
    ) {
        let (_, engine) = compiled(&specs);
        let mut scratch = Scratch::default();
        for event in &events {
            let expected: Vec<usize> =
                (0..specs.len()).filter(|n| specs[*n].matches(event)).collect();
            let event = JsonEvent(event.clone());
            prop_assert_eq!(engine.matches(&event, &mut scratch), expected.as_slice());
        }
    }

    #[test]
    fn the_index_and_the_order_of_rules_change_nothing(
        specs in prop::collection::vec(a_spec(), 1..8),
        turn in 0..8usize,
        readings in prop::collection::vec(prop::collection::vec(an_event(), 1..4), 1..4),
    ) {
        let (_, engine) = compiled(&specs);
        let without_index = compiled(&specs).1.without_index();
        let turn = turn % specs.len();
        let turned: Vec<Spec> = specs[turn..].iter().chain(&specs[..turn]).cloned().collect();
        let (_, turned) = compiled(&turned);
        let mut scratch = Scratch::default();
        for readings in readings {
            let event = Readings(readings);
            let matched = engine.matches(&event, &mut scratch).to_vec();
            let mut other_scratch = Scratch::default();
            prop_assert_eq!(&*matched, without_index.matches(&event, &mut other_scratch));
            let mut in_turn = turned.matches(&event, &mut scratch).to_vec();
            in_turn.iter_mut().for_each(|rule| *rule = (*rule + turn) % specs.len());
            in_turn.sort_unstable();
            prop_assert_eq!(&matched, &in_turn);
            for (rule, spec) in specs.iter().enumerate() {
                let of_first = |reading: &Json| {
                    let mut reading = reading.clone();
                    reading["logsource"] = event.0[0]["logsource"].clone();
                    spec.matches(&reading)
                };
                if event.0.iter().any(of_first) {
                    prop_assert!(matched.contains(&rule), "a reading is matched");
                }
            }
        }
    }

    #[test]
    fn every_part_of_an_outcome_is_as_a_naive_reading_and_its_root_as_the_engine(
        specs in prop::collection::vec(a_spec(), 1..4),
        events in prop::collection::vec(an_event(), 1..6),
    ) {
        let (detections, engine) = compiled(&specs);
        let mut scratch = Scratch::default();
        for event in &events {
            let read = JsonEvent(event.clone());
            let matched = engine.matches(&read, &mut scratch);
            for (rule, spec) in specs.iter().enumerate() {
                let outcome = engine.outcome(rule, &detections[rule], &read).unwrap();
                prop_assert_eq!(outcome.matches(), matched.contains(&rule));
                prop_assert_eq!(outcome.condition.holds, spec.holds(event));
                let selections = spec.selections_that_hold(event);
                let explained = engine.explain(rule, &read);
                let explained: Vec<bool> = explained.iter().map(|outcome| outcome.holds).collect();
                prop_assert_eq!(&explained, &selections);
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
                        !outcome.condition.holds && spec.tree.holds(&opposite)
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
