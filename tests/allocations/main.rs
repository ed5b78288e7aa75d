//! Evaluation allocates no memory: cargo test --test allocations. It is a program of its own, because the allocator that
//! counts would change what other tests measure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;

use watchbell::sigma::{
    Engine, Fields, LogsourceDetection, Origin, Placeholders, Scratch, UnknownField, Value, Visit,
    VisitElement, documents,
};

/// An event with a text, a number, a truth value and a null.
struct Event;

impl Fields for Event {
    type Path = String;

    fn values(&self, path: &String, visit: &mut Visit<'_>) {
        let _ = match path.as_str() {
            "text" => visit(Value::String("A text about PAYROLL-7 and Ä")),
            "number" => visit(Value::Int(-4104)),
            "flag" => visit(Value::Bool(true)),
            "null" => visit(Value::Null),
            _ => ControlFlow::Continue(()),
        };
    }

    fn elements(&self, _: &String, _: usize, _: bool, visit: &mut VisitElement<'_, String>) {
        let _ = visit(&|path, _, values| self.values(path, values));
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = visit("A text about PAYROLL-7 and Ä");
    }

    fn logsource(&self) -> Origin<'_> {
        Origin::default()
    }
}

/// A rule for each way of comparing.
const LINES: [&str; 17] = [
    "text: a text*ä",
    "text: [one, two, three, four, five, six, seven, eight, nine]",
    "text|contains|all: [payroll-, about]",
    "text|startswith|cased: A",
    "text|endswith: x",
    "text|re: 'PAY[A-Z]+-\\d'",
    "text|windash|contains: payroll/7",
    "number: -4104",
    "number|contains: 410",
    "number|lt: 5",
    "flag: true",
    "'null': null",
    "missing|exists: false",
    "'|all': [text, payroll]",
    "text|fieldref: text",
    "text|fieldref|contains: number",
    "number|cased|fieldref|all: [number, number]",
];

#[test]
fn evaluating_an_event_allocates_nothing() {
    let rule = |(number, line): (usize, &&str)| {
        let text = format!(
            "title: t\nid: 00000000-0000-4000-8000-{number:012}\nlogsource: {{}}\n\
             detection: {{s: {{{line}}}, other: {{text: other}}, condition: s and not other}}\n"
        );
        let mut parsed = documents(&text, &Placeholders::default());
        parsed
            .rules
            .pop()
            .unwrap_or_else(|| panic!("{line}: {:?}", parsed.problems))
    };
    let rules: Vec<_> = LINES.iter().enumerate().map(rule).collect();
    let targets = rules.iter().map(|rule| LogsourceDetection {
        logsource: &rule.logsource,
        detection: &rule.detection,
    });
    let resolve = |name: &str| Ok::<_, UnknownField>(name.to_owned());
    let engine = Engine::compile(targets, &resolve).expect("known fields");
    let mut scratch = Scratch::default();
    // The first event reserves the memory that later ones reuse.
    let matched = engine.matches(&Event, &mut scratch).to_vec();
    assert_eq!(matched, [0, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16]);
    let counted = allocation_counter::measure(|| {
        for _ in 0..100 {
            assert_eq!(engine.matches(&Event, &mut scratch).len(), matched.len());
        }
    });
    assert_eq!(counted.count_total, 0);
}
