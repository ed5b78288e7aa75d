//! The language as a rule's author sees it: one detection, one event, the answer.

mod actions;
mod elements;
mod filters;
mod language;
mod model;
mod model_of_values;
mod naive;
mod outcome;
mod placeholders;
mod refusals;
mod suppressions;
mod times;

use std::ops::ControlFlow;

use serde_json::Value as Json;

use super::*;
use crate::diagnostic::Severity;
use crate::yaml;

/// An event that is a JSON value; a path is a list of keys.
pub(super) struct JsonEvent(pub Json);

impl Fields for JsonEvent {
    type Path = Vec<String>;

    fn values(&self, path: &Vec<String>, visit: &mut Visit<'_>) {
        let _ = walk(&self.0, path, visit);
    }

    fn elements(
        &self,
        path: &Vec<String>,
        depth: usize,
        _certain: bool,
        visit: &mut VisitElement<'_, Vec<String>>,
    ) {
        let _ = elements(&self.0, &path[..depth], &mut |element| {
            visit(&|path, _, values| {
                let _ = walk(element, &path[depth..], values);
            })
        });
    }

    fn costly_list(&self, path: &Vec<String>) -> Option<(u32, usize)> {
        list_of_test(path)
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = strings(&self.0, visit);
    }

    fn logsource(&self) -> Origin<'_> {
        let part = |name: &str| self.0.get("logsource")?.get(name)?.as_str();
        Origin {
            product: part("product"),
            service: part("service"),
            category: part("category"),
        }
    }
}

/// What is below `r` is found in one visit for all that is asked of it.
pub(super) fn list_of_test(path: &[String]) -> Option<(u32, usize)> {
    (path.len() > 1 && path[0] == "r").then_some((0, 1))
}

fn walk(value: &Json, path: &[String], visit: &mut Visit<'_>) -> ControlFlow<()> {
    match (value, path) {
        (Json::Array(elements), _) if !elements.is_empty() => elements
            .iter()
            .try_for_each(|element| walk(element, path, visit)),
        (Json::Object(map), [key, rest @ ..]) => match map.get(key) {
            Some(inner) => walk(inner, rest, visit),
            None => ControlFlow::Continue(()),
        },
        (_, [_, ..]) => ControlFlow::Continue(()),
        (Json::Null, []) => visit(Value::Null),
        (Json::Bool(bool), []) => visit(Value::Bool(*bool)),
        (Json::Number(number), []) => visit(Value::Number(&number.to_string())),
        (Json::String(text), []) => visit(Value::String(text)),
        (Json::Array(_) | Json::Object(_), []) => visit(Value::Composite),
    }
}

/// Gives the objects that a path leads to.
fn elements(
    value: &Json,
    path: &[String],
    give: &mut dyn FnMut(&Json) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match (value, path) {
        (Json::Array(all), _) => all.iter().try_for_each(|one| elements(one, path, give)),
        (Json::Object(map), [key, rest @ ..]) => match map.get(key) {
            Some(inner) => elements(inner, rest, give),
            None => ControlFlow::Continue(()),
        },
        (Json::Object(_), []) => give(value),
        _ => ControlFlow::Continue(()),
    }
}

fn strings(value: &Json, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
    match value {
        Json::String(text) => visit(text),
        Json::Array(elements) => elements
            .iter()
            .try_for_each(|element| strings(element, visit)),
        Json::Object(map) => map.values().try_for_each(|inner| strings(inner, visit)),
        _ => ControlFlow::Continue(()),
    }
}

pub(super) fn resolve(name: &str) -> Result<Vec<String>, UnknownField> {
    if name == "unknown" {
        let suggestion = Some("known".to_owned());
        return Err(UnknownField { suggestion });
    }
    Ok(name.split('.').map(str::to_owned).collect())
}

/// Reads every document of a text, without placeholders.
fn documents(text: &str) -> Parsed {
    super::documents(text, &Placeholders::default())
}

/// Parses the lines of a `detection:`.
fn detect(text: &str) -> Detection {
    let mut problems = Vec::new();
    let node = yaml::document(text).unwrap();
    let detection = super::detection(&node, &mut problems);
    problems.retain(|problem| problem.severity == Severity::Error);
    assert_eq!(problems, [], "{text}");
    detection.unwrap()
}

fn engine(detections: &[Detection]) -> Engine<Vec<String>> {
    let logsource = &Logsource::default();
    let targets = detections.iter().map(|detection| LogsourceDetection {
        logsource,
        detection,
    });
    Engine::compile(targets, &resolve).unwrap()
}

/// Whether a detection matches an event.
fn matches(detection: &Detection, event: &Json) -> bool {
    let engine = engine(std::slice::from_ref(detection));
    let event = JsonEvent(event.clone());
    !engine.matches(&event, &mut Scratch::default()).is_empty()
}

/// Whether one line `field: value` matches an event.
fn line(line: &str, event: Json) -> bool {
    matches(&detect(&format!("{{s: {{{line}}}, condition: s}}")), &event)
}

/// The problems of the documents of a text, each with line, column, message and remedy.
fn problems(text: &str) -> Vec<String> {
    let parsed = documents(text);
    let all = parsed.problems.iter().map(|p| {
        let remedy = p.remedy.as_deref().unwrap_or_default();
        format!("{}:{} {} / {remedy}", p.mark.line, p.mark.column, p.message)
    });
    all.collect()
}
