//! `docs/mapping-confluent.md`, the paths that rules can use and the encoder have the same attributes.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path as File;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;
use watchbell::catalog::Catalogs;
use watchbell::encode;
use watchbell::enrich::{self, Names};
use watchbell::event::{
    AUTHENTICATION, AuditEvent, Header, Offset, Partition, Path, Position, RawRecord,
};
use watchbell::normalize::{Normalized, Within, normalize};
use watchbell::sigma::{self, Fields};

use crate::pipeline::{SEED, SHAPES};
use crate::samples::sample;

/// Attributes that rules cannot use: constants of OCSF, additions from the names file, and the service of a
/// login, which is a copy of `api.service.name` and `resources.uid`.
const NOT_FOR_RULES: [&str; 7] = [
    "enrichments",
    "metadata.profiles",
    "metadata.version",
    "service.name",
    "service.uid",
    "severity",
    "severity_id",
];

/// Payloads, which are kept unchanged; rules use paths below them.
const PAYLOADS: [&str; 3] = ["api.request.data", "api.response.data", "resources.data"];

/// Where the encoder writes an attribute, `None` if nowhere.
fn home(path: &str, event: &AuditEvent<'_>) -> Option<String> {
    let authentication = event.class == &AUTHENTICATION;
    if let Some(rest) = path.strip_prefix("user.").filter(|_| !authentication) {
        return Some(format!("actor.user.{rest}"));
    }
    if authentication && path.starts_with("resources.") {
        return Some(format!("unmapped.{path}"));
    }
    if authentication && event.cloud.is_none() && path.starts_with("api.") {
        return Some(format!("unmapped.{path}"));
    }
    Some(path.to_owned())
}

/// The values at a path of names, arrays on the way standing for their elements.
fn at<'v>(value: &'v Value, names: &[&str], found: &mut Vec<&'v Value>) {
    match (value, names) {
        (Value::Array(elements), _) => {
            elements
                .iter()
                .for_each(|element| at(element, names, found));
        }
        (Value::Object(members), [name, rest @ ..]) => {
            if let Some(member) = members.get(*name) {
                at(member, rest, found);
            }
        }
        (leaf, []) => found.push(leaf),
        _ => {}
    }
}

/// The path of every leaf outside `unmapped` and payloads.
fn written(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        _ if NOT_FOR_RULES.contains(&path) || PAYLOADS.contains(&path) => {}
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| *name != "unmapped") {
                let separator = if path.is_empty() { "" } else { "." };
                written(member, &format!("{path}{separator}{name}"), found);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|one| written(one, path, found)),
        _ => {
            found.insert(path.to_owned());
        }
    }
}

fn check(event: &AuditEvent<'_>) {
    let mut bytes = Vec::new();
    encode::event(event, &mut bytes);
    let json: Value = serde_json::from_slice(&bytes).expect("JSON");
    for path in Path::attributes() {
        let Some(home) = home(path, event) else {
            continue;
        };
        let mut seen = Vec::new();
        let compiled = Path::parse(path).expect("an attribute");
        event.values(&compiled, &mut |value| {
            seen.push(match value {
                sigma::Value::Int(number) => Value::from(number),
                sigma::Value::String(text) => Value::from(text),
                other => panic!("{path} is {other:?}"),
            });
            ControlFlow::Continue(())
        });
        let mut found = Vec::new();
        at(&json, &home.split('.').collect::<Vec<_>>(), &mut found);
        // Further readings of an attribute stand where they came, in `unmapped` or a payload.
        if event.other_readings.iter().any(|(other, _)| *other == path) {
            seen.truncate(found.len());
        }
        assert_eq!(seen.iter().collect::<Vec<_>>(), found, "{path} in {json:#}");
    }
    let mut paths = BTreeSet::new();
    written(&json, "", &mut paths);
    for path in &paths {
        assert!(
            Path::attributes().any(|known| known == path),
            "{path} is written, but no rule can name it"
        );
    }
}

fn record<'a>(value: &'a [u8], headers: Vec<Header<'a>>) -> RawRecord<'a> {
    RawRecord {
        position: Position {
            topic: "audit",
            partition: Partition(0),
            offset: Offset(7),
            element: None,
        },
        timestamp_ms: Some(1_773_480_414_000),
        key: None,
        value: Some(value),
        headers,
    }
}

static CATALOGS: LazyLock<Catalogs> = LazyLock::new(|| Catalogs::shipped().expect("the catalogue"));

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_path_finds_what_is_written_and_all_that_is_written_has_a_path(sample in sample()) {
        let names = "u-5r7t9w: {name: Grace, owner: o, team: t, kind: human}\n812345: {name: Bob, team: t}";
        let names = Names::parse_yaml(names, "names.yaml").expect("names");
        let headers = sample.headers.iter().map(|(name, value)| Header {
            name,
            value: value.as_deref().map(str::as_bytes),
        });
        let record = record(sample.value.as_bytes(), headers.collect());
        let within = Within::default();
        if let Ok(Normalized::Event(mut event)) = normalize(&record, &within, &CATALOGS, None) {
            enrich::apply(&mut event, &names);
            check(&event);
        }
    }
}

/// The names in backticks in the first column of the tables of attributes.
fn documented() -> BTreeSet<String> {
    let file = File::new(env!("CARGO_MANIFEST_DIR")).join("docs/mapping-confluent.md");
    let text = fs::read_to_string(file).expect("docs/mapping-confluent.md");
    let mut attributes = BTreeSet::new();
    let mut in_table = false;
    for line in text.lines() {
        in_table = line.starts_with('|') && (in_table || line.starts_with("| attribute |"));
        let first = line.split('|').nth(1).filter(|_| in_table);
        let quoted = first
            .into_iter()
            .flat_map(|cell| cell.split('`').skip(1).step_by(2));
        attributes.extend(quoted.map(str::to_owned));
    }
    attributes
}

#[test]
fn the_document_names_every_attribute_and_no_other() {
    let documented = documented();
    let mut expected: BTreeSet<String> = Path::attributes().map(str::to_owned).collect();
    expected.extend(NOT_FOR_RULES.map(str::to_owned));
    expected.extend(PAYLOADS.map(str::to_owned));
    let missing: Vec<_> = expected.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&expected).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "docs/mapping-confluent.md lacks {missing:?} and names {unknown:?}, which is never written"
    );
}

#[test]
fn every_attribute_is_filled_by_some_documented_event_and_its_names() {
    let names = include_str!("../data/confluent/golden/names.yaml");
    let names = Names::parse_yaml(names, "names.yaml").expect("names");
    let mut filled = BTreeSet::new();
    for line in SEED.lines().chain(SHAPES.lines()) {
        let record = record(line.as_bytes(), Vec::new());
        let within = Within::default();
        let Ok(Normalized::Event(mut event)) = normalize(&record, &within, &CATALOGS, None) else {
            panic!("not an event: {line}");
        };
        enrich::apply(&mut event, &names);
        check(&event);
        for path in Path::attributes() {
            let compiled = Path::parse(path).expect("an attribute");
            event.values(&compiled, &mut |_| {
                filled.insert(path);
                ControlFlow::Break(())
            });
        }
    }
    let never: Vec<_> = Path::attributes()
        .filter(|path| !filled.contains(path))
        .collect();
    assert!(never.is_empty(), "no documented event fills {never:?}");
}
