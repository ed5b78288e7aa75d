//! The keys `routes` and `noise`: to which topics events are written, and what becomes of routine ones.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::pipeline::{Content, OutputList, Purpose};
use crate::route::{self, MAX_ROUTES, NoisePolicy, RouteAction, Routes};
use crate::settings::{Fault, Section, Structure};
use crate::yaml;

/// The list of routes.
pub(super) const ROUTES: Structure = Structure {
    check: route::check,
    schema,
};

/// The words for the noise policy.
pub(super) const NOISE: [&str; 3] = ["keep", "routine", "drop"];

fn schema() -> Value {
    json!({
        "type": ["array", "null"],
        "maxItems": MAX_ROUTES,
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name"],
            "oneOf": [
                {"required": ["to"], "not": {"required": ["drop"]}},
                {
                    "required": ["drop"],
                    "not": {"anyOf": [
                        {"required": ["to"]},
                        {"required": ["shape"]},
                        {"required": ["key"]},
                        {"required": ["continue"]},
                    ]},
                },
            ],
            "properties": {
                "name": {"type": "string", "pattern": "^(?!default|noise)[A-Za-z0-9._-]{1,100}$"},
                "when": {
                    "type": ["object", "array", "string", "number", "boolean"],
                    "minProperties": 1,
                    "minItems": 1,
                },
                "to": {"type": "string", "pattern": "^(?!__|\\.{1,2}$)[A-Za-z0-9._-]{1,249}$"},
                "drop": {"const": true},
                "shape": {"oneOf": [
                    {"enum": ["full", "lean", "raw"]},
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["fields"],
                        "properties": {"fields": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string"},
                        }},
                    },
                ]},
                "key": {"type": "string"},
                "continue": {"type": "boolean"},
            },
        },
    })
}

/// The noise policy.
pub(super) fn noise(root: &Section<'_>, faults: &mut Vec<Fault>) -> NoisePolicy {
    if !root.has("noise") {
        return NoisePolicy::default();
    }
    let policies = [NoisePolicy::Keep, NoisePolicy::Routine, NoisePolicy::Drop];
    let choices: Vec<_> = NOISE.into_iter().zip(policies).collect();
    root.choice("noise", &choices, faults)
}

/// The routes, and the outputs with the topics that they and the noise policy add; none writes to the topics of
/// positions and of triage.
pub(super) fn routes(
    root: &Section<'_>,
    noise: NoisePolicy,
    mut outputs: OutputList,
    (positions, triage): (&str, &str),
    faults: &mut Vec<Fault>,
) -> (Arc<Routes>, OutputList) {
    // What is wrong in the list was reported when the file was read.
    let node = root
        .text("routes")
        .and_then(|text| yaml::document(&text).ok());
    let routes = node.map(|node| route::read(&node).0).unwrap_or_default();
    let routine = root.section("topics").text("routine").unwrap_or_default();
    if matches!(noise, NoisePolicy::RoutineIfPresent | NoisePolicy::Routine) {
        let is_required = noise == NoisePolicy::Routine;
        outputs = outputs.with_events(&routine, Purpose::Routine { is_required });
    }
    for route in routes.all() {
        let RouteAction::Write(output) = &route.action else {
            continue;
        };
        let (name, topic) = (&route.name, &*output.topic);
        let of_others = match outputs.in_topic(topic) {
            _ if topic == positions => Some("positions"),
            _ if topic == triage => Some("triage"),
            Some(output) if output.content != Content::Events => Some(output.content.name()),
            _ => None,
        };
        match of_others {
            Some(others) => {
                let message = format!("`{name}` writes events to {topic}, the topic of {others}");
                let fault = root.fault("routes", message);
                faults.push(fault.remedy("name another topic after `to`"));
            }
            None => {
                if route.continues && topic == &*outputs.of(Content::Events).topic {
                    let message = format!(
                        "routes: `{name}` writes to the events topic and continues, so its events may be there twice"
                    );
                    faults.push(Fault::warning("routes", message));
                }
                outputs = outputs.with_events(topic, Purpose::Route);
            }
        }
    }
    (Arc::new(routes), outputs)
}
