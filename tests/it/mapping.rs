//! Each vendor's `docs/mapping-….md`, the paths that rules can use and the encoder have the same attributes.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path as File;

use proptest::prelude::*;
use serde_json::Value;
use watchbell::encode;
use watchbell::event::{AuditEvent, Header, Path, attributes};
use watchbell::sigma::{self, Fields};

use crate::golden::cases;
use crate::pipeline::record;
use crate::samples::sample;
use crate::vendors::{VENDORS, Vendor, each_event, lookups};

/// Attributes that rules cannot use: constants of OCSF, what was added from files and for which value, the service of a login, which
/// is a copy of `api.service.name` and `resources.uid`, and the application, which is one of the product and
/// `resources.name`.
const NOT_FOR_RULES: [&str; 10] = [
    "app.feature.name",
    "app.name",
    "app.vendor_name",
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
    let class = event.class;
    let path = match path.strip_prefix("user.").filter(|_| !class.has_login) {
        Some(rest) => format!("actor.user.{rest}"),
        None => path.to_owned(),
    };
    let is_of_class = match path.split('.').next() {
        Some("actor" | "src_endpoint" | "http_request") => !class.has_app,
        Some("resources") => class.has_resources,
        Some("api") => event.has_api_attribute(),
        _ => true,
    };
    Some(match is_of_class {
        true => path,
        false => format!("unmapped.{path}"),
    })
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
                sigma::Value::Bool(flag) => Value::from(flag),
                sigma::Value::Number(text) => serde_json::from_str(text).expect("a number"),
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_path_finds_what_is_written_and_all_that_is_written_has_a_path(sample in sample()) {
        let names = "u-5r7t9w: {name: Grace, owner: o, team: t, kind: human}\n812345: {name: Bob, team: t}";
        let lookups = lookups(names);
        let mut record = record(Some(sample.value.as_bytes()));
        let headers = sample.headers.iter().map(|(name, value)| Header {
            name,
            value: value.as_deref().map(str::as_bytes),
        });
        record.headers = headers.collect();
        each_event(&record, &lookups, &mut |event| check(event));
    }
}

/// The names in backticks in the first column of the tables of attributes.
fn documented(vendor: &Vendor) -> BTreeSet<String> {
    let file = File::new(env!("CARGO_MANIFEST_DIR"));
    let file = file.join(format!("docs/mapping-{}.md", vendor.product));
    let text = fs::read_to_string(file).expect("a vendor's mapping");
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
fn a_vendors_document_names_every_attribute_that_its_events_have_and_no_other() {
    for vendor in &VENDORS {
        let documented = documented(vendor);
        let attributes = Path::attributes().chain(NOT_FOR_RULES).chain(PAYLOADS);
        let expected: BTreeSet<String> = attributes
            .filter(|attribute| !vendor.absent.contains(attribute))
            .map(str::to_owned)
            .collect();
        let missing: Vec<_> = expected.difference(&documented).collect();
        let unknown: Vec<_> = documented.difference(&expected).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "docs/mapping-{}.md lacks {missing:?} and names {unknown:?}, which is never written",
            vendor.product
        );
    }
}

#[test]
fn an_attribute_is_filled_by_a_golden_case_unless_the_vendors_events_never_have_it() {
    for vendor in &VENDORS {
        let lookups = vendor.lookups();
        let mut filled = BTreeSet::new();
        for case in cases(vendor) {
            let mut visit = |event: &AuditEvent<'_>| {
                check(event);
                for path in Path::attributes().chain(PAYLOADS) {
                    let compiled = Path::parse(path).expect("an attribute");
                    event.values(&compiled, &mut |_| {
                        filled.insert(path);
                        ControlFlow::Break(())
                    });
                }
            };
            case.with_record(|record| each_event(record, &lookups, &mut visit));
        }
        let product = vendor.product;
        for path in Path::attributes().chain(PAYLOADS) {
            let is_absent = vendor.absent.contains(&path);
            assert_ne!(filled.contains(path), is_absent, "{path} of {product}");
        }
    }
}

#[test]
fn what_every_event_is_said_to_have_and_the_closed_lists_hold_for_every_golden_case() {
    let facts: Vec<_> = attributes().collect();
    for vendor in &VENDORS {
        let lookups = vendor.lookups();
        for case in cases(vendor) {
            let mut visit = |event: &AuditEvent<'_>| {
                for facts in &facts {
                    let name = facts.name;
                    let mut found = false;
                    event.values(&Path::parse(name).expect("an attribute"), &mut |value| {
                        found = true;
                        let is_known = facts.values.is_empty() || facts.values.contains(&value);
                        assert!(is_known, "{name} = {value:?}");
                        ControlFlow::Continue(())
                    });
                    assert!(found || !facts.is_always_there, "{name}");
                }
            };
            case.with_record(|record| each_event(record, &lookups, &mut visit));
        }
    }
}
