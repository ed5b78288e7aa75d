//! Lines of a rule about one element of a list, on events as they are normalized and as they are written.

use super::*;
use crate::encode;
use crate::event::Path;
use crate::sigma::{self, Engine, Logsource, LogsourceDetection, Placeholders, Scratch};
use crate::view::{Emitted, Filter, FilterText, RecordKind};
use crate::yaml;

/// Two resources, an authorization, and a request with lists.
const EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"crn://confluent.cloud/","type":"io.confluent.cloud/request",
    "data":{"methodName":"M","result":{"status":"SUCCESS"},"cloudResources":[
    {"resource":{"type":"KAFKA_CLUSTER","resourceId":"lkc-1"},"scope":{"resources":[{"type":"ENVIRONMENT","resourceId":"env-1"}]}},
    {"resource":{"type":"TOPIC","resourceId":"orders"},"scope":{"resources":[{"type":"ENVIRONMENT","resourceId":"env-2"}]}}],
    "request":{"data":{"configs":[{"name":"retention.ms","value":"1"},{"name":"cleanup.policy","value":"delete"}],
    "owner":{"kind":"team","name":"data"},
    "twice":[{"k":"a","v":"x","v":"y"}]}},
    "extra":[{"p":"1","q":"2"},{"p":"3"}]}}"#;

/// Whether a selection matches the event, and the event that is written of it.
fn matches(selection: &str) -> bool {
    let event = normal(EVENT);
    let text = format!("s: {{{selection}}}\ncondition: s");
    let mut problems = Vec::new();
    let detection = sigma::detection(&yaml::document(&text).unwrap(), &mut problems).unwrap();
    let logsource = &Logsource::default();
    let target = LogsourceDetection {
        logsource,
        detection: &detection,
    };
    let engine = Engine::compile([target], &Path::parse).unwrap();
    let is_matched = !engine.matches(&event, &mut Scratch::default()).is_empty();
    let mut written = Vec::new();
    encode::event(&event, &mut written);
    let filter = FilterText {
        name: "f",
        text: &text,
    };
    let (filter, _) =
        Filter::parse(RecordKind::Event, &[filter], &Placeholders::default()).unwrap();
    let taken = filter.takes(&Emitted::value(&written), &mut Scratch::default());
    assert_eq!(taken, is_matched, "{selection}");
    is_matched
}

#[test]
fn type_and_uid_are_those_of_one_resource() {
    assert!(matches("resources: {type: TOPIC, uid: orders}"));
    assert!(matches(
        "resources: {type: KAFKA_CLUSTER, uid: lkc-1, namespace: env-1}"
    ));
    assert!(!matches("resources: {type: TOPIC, uid: lkc-1}"));
    assert!(!matches("resources: {type: TOPIC, namespace: env-1}"));
    assert!(matches(
        "{resources.type: TOPIC, resources.uid: lkc-1}".trim_matches(['{', '}'])
    ));
    assert!(matches("resources: {type|neq: TOPIC, name: null}"));
}

#[test]
fn the_objects_of_a_list_in_a_request_are_elements() {
    assert!(matches(
        "api.request.data.configs: {name: cleanup.policy, value: delete}"
    ));
    assert!(!matches(
        "api.request.data.configs: {name: cleanup.policy, value: '1'}"
    ));
    assert!(matches("api.request.data.owner: {kind: team, name: data}"));
    assert!(!matches(
        "api.request.data.owner: {kind: team, name: other}"
    ));
    assert!(matches(
        "api.request.data: {owner.kind: team, configs.name: retention.ms}"
    ));
    assert!(!matches("api.request.data.nothing: {kind|exists: false}"));
}

#[test]
fn elements_of_what_has_no_place_are_found_under_unmapped() {
    assert!(matches("unmapped.data.extra: {p: '1', q: '2'}"));
    assert!(!matches("unmapped.data.extra: {p: '3', q: '2'}"));
    assert!(matches("unmapped.data.extra: {p: '3', q: null}"));
}

#[test]
fn a_repeated_name_in_an_element_matches_with_each_of_its_values() {
    for value in ["x", "y"] {
        assert!(matches(&format!(
            "api.request.data.twice: {{k: a, v: {value}}}"
        )));
        assert!(matches(&format!(
            "api.request.data.twice: {{k: a, v|neq: {value}}}"
        )));
    }
}

#[test]
fn a_map_about_no_list_is_about_the_event() {
    assert!(matches("api: {operation: M, service.name: null}"));
    assert!(matches(
        "metadata: {uid: '1', event_code|endswith: /request}"
    ));
    assert!(!matches(
        "metadata: {uid: '2', event_code|endswith: /request}"
    ));
}
