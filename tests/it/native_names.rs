//! The native names of fields: a rule that names a field as the vendor does sees the value that the vendor's event has.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde_json::Value;
use watchbell::event::{AuditEvent, Path};
use watchbell::sigma::Fields;
use watchbell::vendors;

use crate::golden::cases;
use crate::vendors::{VENDORS, each_event};

/// Lists of identifiers by type, which become resources: rules name `resources.type` and `resources.uid`.
const MOVED_BY_TYPE: &str = "referencedResources";

/// The path and the text of every leaf that has a value. Names with dots are left out: a path cannot tell them.
fn leaves(value: &Value, path: &str, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| !name.contains('.')) {
                let separator = if path.is_empty() { "" } else { "." };
                leaves(member, &format!("{path}{separator}{name}"), found);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|one| leaves(one, path, found)),
        Value::Null => {}
        Value::String(text) => {
            found.insert((path.to_owned(), text.clone()));
        }
        other => {
            found.insert((path.to_owned(), other.to_string()));
        }
    }
}

fn values(event: &AuditEvent<'_>, path: &Path) -> Vec<String> {
    let mut seen = Vec::new();
    event.values(path, &mut |value| {
        seen.extend(value.text().map(std::borrow::Cow::into_owned));
        ControlFlow::Continue(())
    });
    seen
}

#[test]
fn every_value_of_a_golden_case_is_found_by_its_native_name() {
    // Redpanda's events have the names of OCSF.
    for vendor in VENDORS.iter().filter(|vendor| vendor.product != "redpanda") {
        let row = vendors::VENDORS
            .iter()
            .find(|row| row.product == vendor.product);
        let native = &row.expect("a row").native_fields;
        let lookups = vendor.lookups();
        let (mut missed, mut checked) = (BTreeSet::new(), 0);
        for case in cases(vendor) {
            case.with_record(|record| {
                let json = record
                    .value
                    .and_then(|value| serde_json::from_slice::<Value>(value).ok());
                // Not in an envelope, and not one of several.
                let is_event = |json: &Value| match vendor.product {
                    "confluent" => json.get("data").is_some_and(Value::is_object),
                    _ => json.get("eventId").is_some(),
                };
                let Some(json) = json.filter(is_event) else {
                    return;
                };
                let mut found = BTreeSet::new();
                leaves(&json, "", &mut found);
                found.retain(|(name, _)| !name.starts_with(MOVED_BY_TYPE));
                each_event(record, &lookups, &mut |event| {
                    for (name, text) in &found {
                        let places = native.places(name);
                        let path = places
                            .as_deref()
                            .map(|places| Path::parse(places).expect(places));
                        let seen = path.map(|path| values(event, &path)).unwrap_or_default();
                        checked += 1;
                        if !seen.contains(text) {
                            missed.insert(format!("{name} = {text}: {seen:?}"));
                        }
                    }
                });
            });
        }
        let missed: Vec<String> = missed.into_iter().collect();
        assert!(
            missed.is_empty(),
            "{}:\n{}",
            vendor.product,
            missed.join("\n")
        );
        assert!(checked > 500, "{}: {checked}", vendor.product);
    }
}
