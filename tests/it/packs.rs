//! The shipped packs: every rule says what a person needs, passes its own tests through the real pipeline, and no
//! act that a rule's test shows raises two alerts.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use watchbell::catalog::{Access, Catalogs, Sensitivity};
use watchbell::event::OutputBuffer;
use watchbell::pipeline::{self, Outcome, Pipeline};
use watchbell::rules::test::RuleTests;
use watchbell::rules::{Overrides, RuleSet, RuleSource, pack, pack_names};
use watchbell::sigma::{Check, Detection, Expected, Level};

use crate::pipeline::{NOW_MS, pipeline_with, record};

fn load(packs: &[&str]) -> RuleSet<pipeline::Path> {
    let sources: Vec<RuleSource> = packs
        .iter()
        .map(|name| RuleSource::Pack((*name).to_owned()))
        .collect();
    let known = pipeline::known(&Catalogs::shipped().unwrap());
    let resolve = &pipeline::Path::parse;
    RuleSet::load(&sources, &known, &Overrides::default(), resolve)
        .unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"))
}

fn suites() -> Vec<RuleTests> {
    let packs = pack_names().map(|name| RuleSource::Pack(name.to_owned()));
    watchbell::rules::test::load(&packs.collect::<Vec<_>>()).unwrap()
}

/// The rules that raised an alert, with its level.
type Alerts = Vec<(Arc<str>, Level)>;

fn alerts_of(pipeline: &Pipeline, value: &[u8]) -> Alerts {
    operation_and_alerts(pipeline, value).1
}

/// The written event's `api.operation` in lower case, and the alerts.
fn operation_and_alerts(pipeline: &Pipeline, value: &[u8]) -> (String, Alerts) {
    let mut out = OutputBuffer::default();
    let outcome = pipeline
        .begin()
        .process(&record(Some(value)), NOW_MS, &mut out);
    let Outcome::Event { alerts, .. } = outcome else {
        panic!("{outcome:?}: {}", String::from_utf8_lossy(value));
    };
    let alerts = alerts.into_iter().map(|alert| (alert.rule, alert.level));
    let records = out.to_records();
    let values = records.iter().filter_map(|record| record.value.as_deref());
    let mut events = values.map(|value| serde_json::from_slice::<Value>(value).unwrap());
    // Classes that have no API keep it with what has no place in them.
    let operation = events.find_map(|event| {
        let places = ["/api/operation", "/unmapped/api/operation"];
        let mut found = places.iter().filter_map(|place| event.pointer(place));
        Some(found.next()?.as_str()?.to_lowercase())
    });
    (operation.unwrap_or_default(), alerts.collect())
}

/// The methods that a rule names, in lower case.
fn methods(detection: &Detection) -> BTreeSet<String> {
    let about_methods = detection
        .tests()
        .filter(|test| test.field.as_deref() == Some("api.operation"));
    let texts = about_methods.flat_map(|test| match &test.check {
        Check::Any(expected) => expected.as_slice(),
        _ => &[],
    });
    let texts = texts.filter_map(|expected| match expected {
        Expected::Text(pattern) => Some(pattern.to_string().to_lowercase()),
        _ => None,
    });
    texts.filter(|text| !text.contains('*')).collect()
}

#[test]
fn each_pack_and_all_of_them_together_load_without_a_warning() {
    let mut files = BTreeSet::new();
    for name in pack_names() {
        let set = load(&[name]);
        assert_eq!(set.warnings(), [], "{name}");
        assert_eq!(set.rules().len(), pack(name).unwrap().count());
        files.extend(set.rules().iter().map(|loaded| loaded.file.clone()));
    }
    let all = load(&pack_names().collect::<Vec<_>>());
    assert_eq!(all.warnings(), []);
    assert_eq!(all.rules().len(), files.len());
}

#[test]
fn every_shipped_rule_says_what_a_person_needs() {
    for loaded in load(&pack_names().collect::<Vec<_>>()).rules() {
        let rule = &loaded.rule;
        let title = &rule.title;
        assert!(rule.level.is_some() && rule.status.is_some(), "{title}");
        assert!(
            rule.description.is_some() && rule.runbook.is_some(),
            "{title}"
        );
        assert!(
            !rule.falsepositives.is_empty() && !rule.references.is_empty(),
            "{title}"
        );
        let attack = rule.tags.iter().any(|tag| tag.starts_with("attack."));
        assert!(attack && !rule.fields.is_empty(), "{title}");
        let about_outcome = rule.detection.tests().any(|test| {
            let field = test.field.as_deref();
            field == Some("metadata.event_code") || field == Some("status")
        });
        assert!(about_outcome, "{title} alerts on attempts that failed");
    }
}

#[test]
fn the_rules_own_tests_pass_and_no_event_of_theirs_alerts_twice() {
    let pipeline = pipeline_with("", 1_000_000);
    let alerts_of = |value: &[u8]| alerts_of(&pipeline, value);
    let mut cases = 0;
    let mut failures = Vec::new();
    for suite in suites() {
        for case in &suite.cases {
            let alerts = alerts_of(&case.event);
            let own = alerts
                .iter()
                .filter(|(id, _)| **id == *suite.rule_id.as_str());
            let levels: Vec<_> = own.map(|(_, level)| *level).collect();
            if let Some(mismatch) = case.mismatch(&levels) {
                failures.push(format!("{}: {}: {mismatch}", suite.file, case.name));
            }
            if case.alerts > 0 && alerts.len() > case.alerts {
                failures.push(format!("{}: {}: {alerts:?}", suite.file, case.name));
            }
        }
        cases += suite.cases.len();
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(cases >= 600, "only {cases} cases");
}

/// The event of a case, changed so that its operation failed, and the rule of its vendor about failed attempts.
fn failed(event: &[u8]) -> (Vec<u8>, &'static str) {
    const ACTIONTRAIL: &str = "1a3f54b6-b1c9-4c0c-b46d-3ec1108db097";
    const CONFLUENT: &str = "c276107e-6bd6-4c54-95f7-3305eeca634e";
    const REDPANDA: &str = "9e2c1e34-0b8a-4d0a-a5a7-4b1f4f2b8d88";
    let mut event: Value = serde_json::from_slice(event).unwrap();
    // An event that Simple Log Service wrapped as a text.
    if let Some(text) = event.get("event").and_then(Value::as_str) {
        return failed(text.as_bytes());
    }
    let rule = if event.get("eventName").is_some() {
        event["errorCode"] = json!("NoPermission");
        ACTIONTRAIL
    } else if event.get("EventName").is_some() {
        event["ErrorCode"] = json!("NoPermission");
        ACTIONTRAIL
    } else if event.get("class_uid").is_some() {
        event["status_id"] = json!(2);
        REDPANDA
    } else {
        // Confluent Platform has the decision alone, Confluent Cloud the result of the request.
        if let Some(granted) = event.pointer_mut("/data/authorizationInfo/granted") {
            *granted = json!(false);
        }
        event["data"]["result"] = json!({"status": "FAILURE"});
        CONFLUENT
    };
    (event.to_string().into_bytes(), rule)
}

#[test]
fn a_failed_attempt_at_what_a_rule_names_raises_the_rule_about_failed_attempts() {
    let pipeline = pipeline_with("", 1_000_000);
    let set = load(&pack_names().collect::<Vec<_>>());
    let suites = suites();
    let mut failures = Vec::new();
    for loaded in set.rules() {
        let detection = &loaded.rule.detection;
        let mut untested = methods(detection);
        let selections = &detection.selections;
        let is_about_success = selections.iter().any(|it| it.name == "filter_failed");
        // One sign-in that failed says little.
        let is_sign_in = untested.contains("consolesignin");
        if loaded.level < Level::Medium || !is_about_success || is_sign_in || untested.is_empty() {
            continue;
        }
        let mut suites = suites.iter();
        let suite = suites.find(|suite| suite.rule_id == loaded.rule.id);
        let suite = suite.unwrap();
        for case in suite.cases.iter().filter(|case| case.alerts > 0) {
            let (event, about_failures) = failed(&case.event);
            let (operation, alerts) = operation_and_alerts(&pipeline, &event);
            untested.remove(&operation);
            if !alerts.iter().any(|(id, _)| **id == *about_failures) {
                failures.push(format!("{}: {}: {alerts:?}", suite.file, case.name));
            }
        }
        if !untested.is_empty() {
            failures.push(format!("{}: no test of {untested:?}", suite.file));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_rule_names_every_method_of_confluent_that_matters_most() {
    let set = load(&["confluent"]);
    let rules = set.rules().iter().map(|loaded| &loaded.rule.detection);
    let named: BTreeSet<String> = rules.flat_map(methods).collect();
    let catalogs = Catalogs::shipped().unwrap();
    let methods = catalogs.of("confluent").unwrap().methods();
    let matters = methods
        .filter(|method| method.access == Access::Write && method.sensitivity == Sensitivity::High);
    let missing: Vec<&str> = matters
        .map(|method| method.name.as_str())
        .filter(|name| !named.contains(&name.to_lowercase()))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_check_that_confluent_cloud_writes_before_a_request_alerts_nothing() {
    let pipeline = pipeline_with("", 1_000_000);
    let mut failures = Vec::new();
    let mut checks = 0;
    // Access by the vendor's staff alerts in whatever event it is told.
    const ACCESS: &str = "7af277e9-10c3-4716-b8eb-e67d235d5629";
    for suite in suites() {
        if suite.rule_id.as_str() == ACCESS {
            continue;
        }
        for case in suite.cases.iter().filter(|case| case.alerts > 0) {
            let Ok(mut event) = serde_json::from_slice::<Value>(&case.event) else {
                continue;
            };
            let kind = event["type"].as_str().unwrap_or_default();
            let Some(service) = kind.strip_suffix("/request") else {
                continue;
            };
            event["type"] = json!(format!("{service}/authorization"));
            let alerts = alerts_of(&pipeline, event.to_string().as_bytes());
            checks += 1;
            if !alerts.is_empty() {
                failures.push(format!("{}: {}: {alerts:?}", suite.file, case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(checks >= 400, "only {checks} checks");
}

#[test]
fn a_rule_that_names_a_method_names_its_other_names_too() {
    let set = load(&pack_names().collect::<Vec<_>>());
    let catalogs = Catalogs::shipped().unwrap();
    let mut missing = Vec::new();
    for method in catalogs.iter().flat_map(|catalog| catalog.methods()) {
        // A name with a space is an HTTP request, which the normalizer gives the name of its method.
        let names = method.names().filter(|name| !name.contains(' '));
        let names: BTreeSet<String> = names.map(str::to_lowercase).collect();
        for loaded in set.rules() {
            let named = methods(&loaded.rule.detection);
            if !names.is_disjoint(&named) && !names.is_subset(&named) {
                missing.push(format!("{}: {names:?}", loaded.file));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
