//! The section `privacy`: what outputs do not show, the key of pseudonyms, and whether dead letters are sealed.

use serde_json::{Value, json};

use crate::diagnostic::{Severity, nearest};
use crate::input_file;
use crate::notify::Sink;
use crate::pipeline::{Content, OutputList};
use crate::privacy::{self, Policies, Policy, PseudonymKey, Treatment};
use crate::route::{EventShape, RouteAction, Routes};
use crate::settings::{Fault, Key, ScalarType, Section, Shape, Structure, optional};
use crate::yaml;

/// The words for what becomes of the content of dead letters.
const DEAD_LETTERS: [&str; 2] = ["keep", "seal"];

/// The keys of the section.
pub(super) const PRIVACY: &[Key] = &[
    optional("policies", Shape::Structure(&POLICIES)).about(
        "List of policies: which fields are dropped, masked or replaced by pseudonyms, in which topics and sinks.",
    ),
    optional("key_file", Shape::Scalar)
        .about("File with the key of pseudonyms, 32 bytes at least."),
    optional("dead_letters", Shape::Scalar)
        .scalar_type(ScalarType::Choice(&DEAD_LETTERS))
        .about("Whether dead letters keep the original, or are sealed: its size and SHA-256 stand in its place; default: seal if there is a policy, else keep."),
];

/// The list of policies.
const POLICIES: Structure = Structure {
    check: privacy::check,
    schema,
};

fn schema() -> Value {
    let words: Vec<&str> = Treatment::ALL.iter().map(|(word, _)| *word).collect();
    let names = json!({
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "minLength": 1},
    });
    json!({
        "type": ["array", "null"],
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "fields"],
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "fields": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {"enum": words},
                },
                "topics": &names,
                "sinks": &names,
                "archive": &names,
            },
        },
    })
}

/// The policies; each sink gets its own.
pub(super) fn read(
    root: &Section<'_>,
    (outputs, routes): (&OutputList, &Routes),
    sinks: &mut [Sink],
    faults: &mut Vec<Fault>,
) -> Policies {
    let section = root.section("privacy");
    // What is wrong in the list was reported when the file was read.
    let node = section
        .text("policies")
        .and_then(|text| yaml::document(&text).ok());
    let mut all = node.map(|node| privacy::read(&node).0).unwrap_or_default();
    let key = key(&section, faults);
    let of_page = root.section("page").section("privacy");
    let of_page: Vec<String> = of_page
        .names()
        .iter()
        .filter_map(|role| of_page.text(role))
        .collect();
    for policy in &mut all {
        if !policy.is_of_outputs() && !of_page.contains(&policy.name) {
            let message = format!("`{}` is for no output", policy.name);
            let fault = section.fault("policies", message);
            faults.push(fault.remedy(
                "name outputs after its `topics`, `sinks` or `archive`, or the policy in `page.privacy`",
            ));
        }
        check_topics(&section, (policy, &policy.topics), outputs, faults);
        check_topics(&section, (policy, &policy.archive), outputs, faults);
        check_routine(&section, (policy, &policy.topics), outputs, faults);
        check_routine(&section, (policy, &policy.archive), outputs, faults);
        if !policy.archive.is_empty() && root.section("archive").is_empty() {
            let message = format!("`{}` is for an archive, and there is none", policy.name);
            let fault = section.fault("policies", message);
            faults.push(fault.remedy("write a section `archive`, or leave the key out"));
        }
        check_shapes(&section, policy, routes, faults);
        check_sinks(&section, policy, &root.section("notify").names(), faults);
        if policy.needs_key() && !section.has("key_file") {
            let message = format!(
                "`{}` has pseudonyms, and there is no key for them",
                policy.name
            );
            let fault = section.fault("policies", message);
            faults.push(fault.remedy(
                "make one with `openssl rand -base64 48 > pseudonyms.key`, and name the file as privacy.key_file",
            ));
        }
        policy.key.clone_from(&key);
    }
    let is_masked = all.iter().any(Policy::is_of_outputs);
    let policies = Policies::new(all, seals(&section, is_masked, faults));
    for sink in sinks {
        sink.policy = policies.of_sink(&sink.name).cloned();
    }
    policies
}

/// Whether dead letters are sealed without a policy, too.
fn seals(section: &Section<'_>, is_masked: bool, faults: &mut Vec<Fault>) -> bool {
    let Some(word) = section.text("dead_letters") else {
        return false;
    };
    let [keep, seal] = DEAD_LETTERS;
    if word == keep && is_masked {
        let message = "where a policy exists, dead letters are sealed: what cannot be parsed cannot be masked";
        let fault = section.fault("dead_letters", message);
        faults.push(fault.remedy("write seal, or leave the key out"));
    }
    section.choice("dead_letters", &[(keep, false), (seal, true)], faults)
}

fn key(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<PseudonymKey> {
    let path = section.path("key_file")?;
    match input_file::read(&path) {
        Ok(content) => PseudonymKey::new(&content)
            .inspect_err(|error| {
                let message = format!("{}: {error}", path.display());
                let fault = section.fault("key_file", message);
                faults.push(fault.remedy("make one with `openssl rand -base64 48`"));
            })
            .ok(),
        Err(problem) => {
            let message = format!("{}: {}", path.display(), problem.message);
            let fault = section.fault("key_file", message);
            faults
                .push(fault.remedy("make one with `openssl rand -base64 48`, or correct the path"));
            None
        }
    }
}

fn check_topics(
    section: &Section<'_>,
    (policy, topics): (&Policy, &[String]),
    outputs: &OutputList,
    faults: &mut Vec<Fault>,
) {
    let known: Vec<&str> = outputs
        .iter()
        .filter(|output| matches!(output.content, Content::Events | Content::Alerts))
        .map(|output| &*output.topic)
        .collect();
    for topic in topics.iter().filter(|topic| !known.contains(&&***topic)) {
        let message = format!(
            "`{}` is for the topic {topic}, to which no event or alert is written",
            policy.name
        );
        let fault = section.fault("policies", message);
        let is_dead_letters = **topic == *outputs.of(Content::DeadLetters).topic;
        faults.push(match nearest(topic, known.iter().copied()) {
            _ if is_dead_letters => {
                fault.remedy("leave it out: dead letters are sealed by themselves")
            }
            Some(near) => fault.remedy(format!("did you mean {near}?")),
            None => fault.remedy(format!("the topics are: {}", known.join(", "))),
        });
    }
}

/// Routine events are events: who hides something in the one topic hardly means to show it in the other.
fn check_routine(
    section: &Section<'_>,
    (policy, topics): (&Policy, &[String]),
    outputs: &OutputList,
    faults: &mut Vec<Fault>,
) {
    let Some(routine) = outputs.routine().map(|place| &outputs.at(place).topic) else {
        return;
    };
    let has = |topic: &str| topics.iter().any(|of| of == topic);
    let events = &outputs.of(Content::Events).topic;
    if has(events) && !has(routine) {
        let message = format!(
            "`{}` is for {events} and not for {routine}, to which routine events are written",
            policy.name
        );
        let fault = section.fault("policies", message);
        faults.push(Fault {
            severity: Severity::Warning,
            ..fault.remedy("name that topic as well, or write `noise: keep`")
        });
    }
}

/// Fields have no places in a record as its source wrote it: there, values are found by what they are.
fn check_shapes(section: &Section<'_>, policy: &Policy, routes: &Routes, faults: &mut Vec<Fault>) {
    for route in routes.all() {
        let RouteAction::Write(output) = &route.action else {
            continue;
        };
        if output.shape == EventShape::Raw && policy.archive.iter().any(|of| **of == *output.topic)
        {
            let message = format!(
                "`{}` cannot hide anything of {} in the archive: the route {} writes records there as their source wrote \
                 them, without the event that says which values are meant",
                policy.name, output.topic, route.name
            );
            let fault = section.fault("policies", message);
            faults.push(fault.remedy("give the topic itself a policy, or the route another shape"));
        }
    }
    let Some((field, attribute)) = policy.field_lost_in_source_records() else {
        return;
    };
    for route in routes.all() {
        let RouteAction::Write(output) = &route.action else {
            continue;
        };
        if output.shape == EventShape::Raw && policy.topics.iter().any(|of| **of == *output.topic) {
            let message = format!(
                "`{}` cannot hide {field} in {}: the route {} writes records there as their source wrote them, and that \
                 writes {attribute} in another way",
                policy.name, output.topic, route.name
            );
            let fault = section.fault("policies", message);
            faults.push(
                fault.remedy(
                    "name other fields, give the route another shape, or leave the topic out",
                ),
            );
        }
    }
}

fn check_sinks(section: &Section<'_>, policy: &Policy, known: &[&str], faults: &mut Vec<Fault>) {
    let unknown = |sink: &&String| !known.contains(&&***sink);
    for sink in policy.sinks.iter().filter(unknown) {
        let message = format!(
            "`{}` is for the sink {sink}, which does not exist",
            policy.name
        );
        faults.push(section.fault("policies", message).one_of(sink, known));
    }
}
