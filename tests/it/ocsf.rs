//! Validation against the JSON Schemas of OCSF 1.8.0 in `tests/data/ocsf`, without and with the
//! profile `cloud`. Unknown attributes are errors: the schemas are closed.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The schemas of one class, compiled.
struct Class {
    uid: u64,
    plain: Validator,
    cloud: Validator,
}

macro_rules! class {
    ($uid:literal) => {
        Class {
            uid: $uid,
            plain: compile(include_str!(concat!("../data/ocsf/", $uid, "-plain.json"))),
            cloud: compile(include_str!(concat!("../data/ocsf/", $uid, "-cloud.json"))),
        }
    };
}

static CLASSES: LazyLock<[Class; 6]> = LazyLock::new(|| {
    [
        class!(6003),
        class!(6002),
        class!(3002),
        class!(2004),
        class!(2005),
        class!(0),
    ]
});

fn compile(text: &str) -> Validator {
    let schema: Value = serde_json::from_str(text).expect("a schema is JSON");
    jsonschema::validator_for(&schema).expect("a schema compiles")
}

/// Panics with all violations unless `value` is a valid event of the class it names. The profile
/// `cloud` applies where `metadata.profiles` names it.
#[track_caller]
pub fn validate(value: &Value) {
    if let Err(violations) = check(value) {
        let shown = serde_json::to_string_pretty(value).expect("a value is JSON");
        panic!("no valid OCSF:\n  {}\n{shown}", violations.join("\n  "));
    }
}

/// Every violation as `path: message`.
fn check(value: &Value) -> Result<(), Vec<String>> {
    let Some(class) = CLASSES.iter().find(|class| value["class_uid"] == class.uid) else {
        return Err(vec![format!(
            "class_uid {} is not ours",
            value["class_uid"]
        )]);
    };
    let with_cloud = value["metadata"]["profiles"]
        .as_array()
        .is_some_and(|profiles| profiles.iter().any(|profile| profile == "cloud"));
    let validator = if with_cloud {
        &class.cloud
    } else {
        &class.plain
    };
    let violations: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if violations.is_empty() {
        Ok(())
    } else {
        Err(violations)
    }
}

/// The least that the class API Activity asks for.
fn api_activity() -> Value {
    json!({
        "class_uid": 6003,
        "category_uid": 6,
        "activity_id": 4,
        "type_uid": 600_304,
        "severity_id": 1,
        "time": 1_773_480_413_589_i64,
        "metadata": {"version": "1.8.0", "product": {"name": "watchbell"}},
        "actor": {"user": {"uid": "sa-4t6y8u"}},
        "api": {"operation": "DeleteStatement"},
        "src_endpoint": {"ip": "198.51.100.23"},
    })
}

/// The same in the cloud.
fn cloud_activity() -> Value {
    let mut event = api_activity();
    event["metadata"]["profiles"] = json!(["cloud"]);
    event["cloud"] = json!({"provider": "Confluent"});
    event
}

#[test]
fn a_minimal_event_is_valid_with_and_without_the_cloud_profile() {
    validate(&api_activity());
    validate(&cloud_activity());
}

#[test]
fn the_cloud_attribute_needs_the_cloud_profile() {
    let mut event = cloud_activity();
    event["metadata"]["profiles"] = json!([]);
    assert!(check(&event).is_err());
}

#[test]
fn the_cloud_profile_needs_the_cloud_attribute() {
    let mut event = api_activity();
    event["metadata"]["profiles"] = json!(["cloud"]);
    assert!(check(&event).is_err());
}

#[test]
fn every_violation_is_named_with_its_place() {
    let mut event = api_activity();
    event["time"] = json!("yesterday");
    event["api"]["verb"] = json!("delete");
    let violations = check(&event).unwrap_err();
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert!(violations.iter().any(|one| one.starts_with("/time: ")));
    assert!(violations.iter().any(|one| one.starts_with("/api: ")));
}

#[test]
fn a_missing_attribute_is_a_violation() {
    let mut event = api_activity();
    event.as_object_mut().unwrap().remove("src_endpoint");
    assert!(check(&event).is_err());
}

#[test]
fn a_class_that_is_not_emitted_is_refused() {
    let mut event = api_activity();
    event["class_uid"] = json!(3001);
    assert!(check(&event).is_err());
}
