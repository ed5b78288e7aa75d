//! What becomes of the documented shapes, of broken records, and of every leaf.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::*;
use crate::catalog::{Catalog, Catalogs};
use crate::event::Activity;
use crate::event::{
    API_ACTIVITY, AUTHENTICATION, AuditEvent, Header, Offset, Partition, Position, RawRecord,
    Status, User, UserKind,
};
use crate::json::{NodeId, Text, ValueKind};
use crate::vendors::{CONFLUENT_CLOUD_V1, CONFLUENT_CLOUD_V2, CONFLUENT_PLATFORM};

mod actiontrail;
mod cloudevents;
mod containers;
mod elements;
mod identity;
mod leaves;
mod outcome;
mod readings;
mod resources;

const SHAPES: &str = include_str!("../../tests/data/confluent/shapes.ndjson");
const FLINK: &str = include_str!("../../tests/data/confluent/seed.ndjson");
const ACTIONTRAIL: [&str; 2] = [
    include_str!("../../tests/data/actiontrail/seed.ndjson"),
    include_str!("../../tests/data/actiontrail/shapes.ndjson"),
];
const ORGANIZATION: &str = "9f1d2c34-6b7a-4c58-8e21-0a4d5b6c7e8f";
const RECORD_MS: i64 = 1_773_480_420_000;

fn record(value: Option<&[u8]>) -> RawRecord<'_> {
    RawRecord {
        position: Position {
            topic: "confluent-audit-log-events",
            partition: Partition(0),
            offset: Offset(0),
            element: None,
        },
        timestamp_ms: Some(RECORD_MS),
        key: None,
        value,
        headers: Vec::new(),
    }
}

fn normal(text: &str) -> AuditEvent<'_> {
    event_of(&record(Some(text.as_bytes())), Catalogs::NONE, None).unwrap()
}

/// The shape with that CloudEvents `id`.
fn shape(id: &str) -> AuditEvent<'static> {
    let line = SHAPES
        .lines()
        .find(|line| line.contains(&format!("\"id\":\"{id}\"")))
        .unwrap();
    normal(line)
}

fn reason(text: &str) -> &'static str {
    event_of(&record(Some(text.as_bytes())), Catalogs::NONE, None)
        .unwrap_err()
        .reason()
}

/// Whether the leaf at this path is still to be written under `unmapped`.
fn stays(event: &AuditEvent<'_>, path: &[&str]) -> bool {
    let document = &event.unmapped.document;
    let node = walk::descend(document, document.root(), path).unwrap();
    event.unmapped.remains(node)
}

#[test]
fn a_login_of_the_old_dialect() {
    let event = shape("a1");
    assert_eq!(event.class, &AUTHENTICATION);
    assert_eq!(event.activity, Activity::Logon);
    assert_eq!(event.time_ms, 1_773_480_413_589);
    assert_eq!(event.status, Status::Success);
    assert_eq!(event.status_code.as_deref(), Some("SUCCESS"));
    assert_eq!(event.status_detail, None);
    assert_eq!(event.user.uid.as_deref(), Some("sa-4t6y8u"));
    assert_eq!(event.user.kind, Some(UserKind::Service));
    assert_eq!(
        event.user.credential_uid.as_deref(),
        Some("QWERTYUIOPASDFGH")
    );
    assert_eq!(event.auth_protocol.as_deref(), Some("SASL_SSL/PLAIN"));
    assert_eq!(event.session.uid.as_deref(), Some("Tz0-4821-3f"));
    assert_eq!(event.src_endpoint.ip.as_deref(), Some("203.0.113.77"));
    assert_eq!(event.src_endpoint.port, Some(53412));
    assert_eq!(event.api.operation, "kafka.Authentication");
    assert_eq!(
        event.api.request_uid.as_deref(),
        Some("7d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6")
    );
    assert_eq!(event.resources[0].uid.as_deref(), Some("lkc-8w3m5p"));
    let cloud = event.cloud.as_ref().unwrap();
    assert_eq!(cloud.org_uid.as_deref(), Some(ORGANIZATION));
    assert_eq!(cloud.project_uid.as_deref(), Some("env-q7x2k9"));
    assert_eq!(event.metadata.dialect, &CONFLUENT_CLOUD_V1);
    assert!(stays(&event, &["data", "authenticationInfo", "principal"]));
    assert!(stays(&event, &["data", "result", "message"]));
    assert!(!stays(&event, &["data", "result", "status"]));
}

#[test]
fn logins_of_the_new_dialect() {
    let registry = shape("b7");
    assert_eq!(registry.class, &AUTHENTICATION);
    assert_eq!(registry.status, Status::Success);
    assert_eq!(registry.auth_protocol.as_deref(), Some("HTTP_BASIC"));
    assert_eq!(
        registry.user.credential_uid.as_deref(),
        Some("SRKEYSRKEYSRKEYS")
    );
    assert_eq!(registry.resources[0].uid.as_deref(), Some("lsrc-3f5g7h"));
    assert!(stays(&registry, &["data", "cloudResources"]));
    let flink = shape("b8");
    assert_eq!(flink.class, &AUTHENTICATION);
    assert_eq!(flink.status, Status::Failure);
    assert_eq!(flink.status_detail.as_deref(), Some("token expired"));
    assert_eq!(flink.user.uid.as_deref(), Some("pool-x2c4"));
    assert_eq!(
        flink.cloud.unwrap().region.as_deref(),
        Some("AWS.eu-central-1")
    );
}

#[test]
fn the_status_of_a_permission_check_is_its_decision() {
    let granted = shape("a3");
    assert_eq!(granted.class, &API_ACTIVITY);
    assert_eq!(granted.status, Status::Success);
    assert_eq!(granted.status_code, None);
    let [authorization] = &granted.authorizations[..] else {
        panic!("one authorization");
    };
    assert_eq!(authorization.decision.as_deref(), Some("ALLOW"));
    assert_eq!(
        authorization.policy_name.as_deref(),
        Some("EnvironmentAdmin")
    );
    assert_eq!(authorization.policy_kind.as_deref(), Some("RBAC"));
    assert!(stays(&granted, &["data", "authorizationInfo", "granted"]));
    assert!(stays(&granted, &["data", "authorizationInfo", "operation"]));
    assert_eq!(granted.user.uid.as_deref(), Some("u-5r7t9w"));
    assert_eq!(granted.resources[0].uid.as_deref(), Some("env-q7x2k9"));

    let denied = shape("a4");
    assert_eq!(denied.status, Status::Failure);
    assert_eq!(denied.authorizations[0].policy_kind.as_deref(), Some("ACL"));
    assert_eq!(denied.activity, Activity::Delete);
    assert_eq!(denied.resources[0].uid.as_deref(), Some("orders.v2"));
    assert_eq!(denied.resources[0].kind.as_deref(), Some("Topic"));
    assert_eq!(denied.app_name.as_deref(), Some("adminclient-7"));
    assert_eq!(denied.user.uid.as_deref(), Some("812346"));

    let filtered = shape("b6");
    assert_eq!(filtered.status, Status::Failure);
    assert_eq!(filtered.status_code.as_deref(), Some("DENY"));
    assert_eq!(
        filtered.authorizations[0].policy_kind.as_deref(),
        Some("IP_FILTER")
    );
}

#[test]
fn the_authority_of_the_source_says_whose_event_it_is() {
    let dialect = |source: &str, names: &str, data: &str| {
        let text = format!(
            r#"{{"specversion":"1.0","id":"e1",{source}"type":"io.confluent.kafka.server/request",
                {names}"data":{{"methodName":"kafka.DeleteTopics"{data}}}}}"#
        );
        normal(&text).metadata.dialect
    };
    let of_source =
        |source: &str, data: &str| dialect(&format!(r#""source":"{source}","#), "", data);
    let inner = r#","resourceName":"crn:///kafka=lkc-7","serviceName":"crn:///kafka=lkc-7""#;
    for source in [
        "crn://confluent.cloud/",
        "crn://Confluent.Cloud:443/kafka=lkc-7",
    ] {
        assert_eq!(of_source(source, inner), &CONFLUENT_CLOUD_V1, "{source}");
    }
    let outer = r#","serviceName":"crn://confluent.cloud/kafka=lkc-7""#;
    for source in [
        "crn://mds.example.com/kafka=k",
        "crn://mds:8090/kafka=k",
        "crn:///kafka=k",
    ] {
        assert_eq!(of_source(source, outer), &CONFLUENT_PLATFORM, "{source}");
    }
    // Without a source that is a CRN, the other names decide, an empty authority last.
    let names = r#""subject":"crn://mds.example.com/kafka=k","#;
    assert_eq!(dialect("", names, ""), &CONFLUENT_PLATFORM);
    assert_eq!(dialect("", names, outer), &CONFLUENT_CLOUD_V1);
    assert_eq!(dialect("", "", inner), &CONFLUENT_PLATFORM);
    let new = format!(r#"{inner},"cloudResources":[]"#);
    assert_eq!(dialect("", "", &new), &CONFLUENT_CLOUD_V2);
    assert_eq!(dialect("", "", ""), &CONFLUENT_CLOUD_V1);
}

#[test]
fn the_platform_is_no_cloud() {
    let event = shape("a5");
    assert_eq!(event.cloud, None);
    assert_eq!(event.metadata.dialect, &CONFLUENT_PLATFORM);
    assert_eq!(event.src_endpoint.ip.as_deref(), Some("10.20.30.40"));
    assert!(stays(
        &event,
        &["data", "requestMetadata", "client_address"]
    ));
    assert_eq!(event.user.uid.as_deref(), Some("admin"));
    assert_eq!(
        event.authorizations[0].policy_kind.as_deref(),
        Some("SUPER_USER")
    );
    assert_eq!(event.resources[0].uid.as_deref(), Some("billing"));
    assert!(stays(&event, &["confluentRouting", "route"]));
    assert!(stays(&event, &["specversion"]));

    // OCSF knows regions in the cloud only.
    let flink = normal(
        r#"{"source":"crn:///flink=F","data":{"methodName":"x","cloudResources":[{"resource":
            {"type":"STATEMENT","resourceId":"s"},"scope":{"resources":[
            {"type":"FLINK_REGION","resourceId":"on-premises"}]}}]}}"#,
    );
    assert_eq!(flink.resources[0].region, None);
    assert!(flink.resources[0].data.is_some());

    let untimed = shape("a7");
    assert_eq!(untimed.time_ms, RECORD_MS);
    assert!(untimed.metadata.labels.contains(&"time:absent".into()));
    assert_eq!(untimed.status, Status::Failure);
}

#[test]
fn a_request_keeps_its_payloads_whole() {
    let event = shape("b3");
    assert_eq!(event.status, Status::Failure);
    assert_eq!(event.status_code.as_deref(), Some("FAILURE"));
    assert_eq!(event.api.response_error.as_deref(), Some("409"));
    assert_eq!(
        event.api.response_error_message.as_deref(),
        Some("cluster has attached links")
    );
    let document = &event.unmapped.document;
    assert_eq!(
        document.raw(event.api.request_data.unwrap()),
        r#"{"id":"lkc-8w3m5p"}"#
    );
    assert!(
        document
            .raw(event.api.response_data.unwrap())
            .starts_with(r#"{"errors":["#)
    );
    assert_eq!(
        event.api.request_uid.as_deref(),
        Some("5b0c2a4e9d7f41338c6e1f2a3b4c5d6e")
    );
    let resource = &event.resources[0];
    assert_eq!(resource.uid.as_deref(), Some("lkc-8w3m5p"));
    assert_eq!(resource.kind.as_deref(), Some("KAFKA_CLUSTER"));
    assert_eq!(resource.namespace.as_deref(), Some("env-q7x2k9"));
    assert!(
        document
            .raw(resource.data.unwrap())
            .starts_with(r#"{"resources":["#)
    );
    assert!(!stays(&event, &["data", "cloudResources"]));
}

#[test]
fn a_prefix_inside_the_object_is_stripped_and_kept() {
    let event = shape("b1");
    assert_eq!(event.user.uid.as_deref(), Some("u-5r7t9w"));
    let principal = ["data", "authenticationInfo", "principal"];
    assert!(stays(&event, &principal));
    assert_eq!(event.activity, Activity::Create);
}

#[test]
fn authentication_is_no_success_of_the_operation() {
    let denied = shape("b5");
    assert_eq!(denied.status, Status::Failure);
    assert_eq!(denied.authorizations[0].decision.as_deref(), Some("DENY"));
    let unset = shape("b13");
    assert_eq!(unset.status, Status::Unknown);
    assert_eq!(unset.status_code.as_deref(), Some("UNSET"));
    let silent = shape("b9");
    assert_eq!(silent.status, Status::Unknown);
    assert_eq!(silent.status_code, None);
    assert_eq!(silent.user.kind, Some(UserKind::System));
}

#[test]
fn an_impossible_time_is_kept_but_not_believed() {
    let event = shape("b10");
    assert_eq!(event.time_ms, RECORD_MS);
    assert_eq!(
        event.metadata.original_time.as_deref(),
        Some("+999999999-12-31T23:59:59.999999999-18:00")
    );
    assert!(event.metadata.labels.contains(&"time:from_record".into()));
    assert_eq!(event.api.request_data, None);
    assert!(stays(&event, &["data", "request", "data"]));
}

#[test]
fn snake_case_reads_like_camel_case() {
    let event = shape("b12");
    assert_eq!(event.api.operation, "ListFlinkRegions");
    assert_eq!(event.activity, Activity::Read);
    assert_eq!(event.status, Status::Success);
    assert_eq!(event.user.uid.as_deref(), Some("u-5r7t9w"));
    assert_eq!(event.src_endpoint.ip.as_deref(), Some("198.51.100.23"));
    assert_eq!(event.api.request_uid.as_deref(), Some("77aa"));
    assert_eq!(event.resources[0].kind.as_deref(), Some("ORGANIZATION"));
    assert_eq!(event.cloud.unwrap().org_uid.as_deref(), Some(ORGANIZATION));
}

#[test]
fn the_nine_flink_examples_are_requests_that_worked() {
    let expected = [
        ("CreateWorkspace", Activity::Create),
        ("DeleteWorkspace", Activity::Delete),
        ("GetWorkspace", Activity::Read),
        ("ListWorkspace", Activity::Read),
        ("UpdateWorkspace", Activity::Update),
        ("CreateStatement", Activity::Create),
        ("DeleteStatement", Activity::Delete),
        ("GetStatement", Activity::Read),
        ("ListStatements", Activity::Read),
    ];
    let events: Vec<AuditEvent<'_>> = FLINK.lines().map(normal).collect();
    let found: Vec<(&str, Activity)> = events
        .iter()
        .map(|event| (event.api.operation.as_ref(), event.activity))
        .collect();
    assert_eq!(found, expected);
    for event in &events {
        assert_eq!(event.class, &API_ACTIVITY);
        assert_eq!(event.status, Status::Success);
        assert!(event.user.uid.as_deref().unwrap().starts_with("u-"));
        assert!(event.src_endpoint.ip.is_some());
        assert!(event.time_ms > 1_695_000_000_000);
        let resource = &event.resources[0];
        let is_workspace = event.api.operation.contains("Workspace");
        let kind = if is_workspace {
            "FLINK_WORKSPACE"
        } else {
            "STATEMENT"
        };
        assert_eq!(resource.kind.as_deref(), Some(kind));
        assert!(resource.namespace.as_deref().unwrap().starts_with("env-"));
        let document = &event.unmapped.document;
        let metadata = ["data", "requestMetadata"];
        let metadata = walk::descend(document, document.root(), &metadata).unwrap();
        assert!(!event.unmapped.remains(metadata));
    }
    assert_eq!(events[8].resources.len(), 2);
}

#[test]
fn the_catalogue_has_the_first_word() {
    let text = "product: confluent\nservices: {context-engine: {mcp: {methods: {mcp.tools/call: \
        {activity: update, access: write, sensitivity: high, description: Calls a tool.}}}}}";
    let catalogs = Catalogs::from_iter(Catalog::parse(text, "confluent.yaml"));
    let line = SHAPES
        .lines()
        .find(|line| line.contains("mcp.tools"))
        .unwrap();
    let event = event_of(&record(Some(line.as_bytes())), &catalogs, None).unwrap();
    assert!(event.known_method);
    assert_eq!(event.activity, Activity::Update);
    assert_eq!(event.message.as_deref(), Some("Calls a tool."));
    assert_eq!(event.api.service_name.as_deref(), Some("context-engine"));
    assert_eq!(event.api.group_name.as_deref(), Some("mcp"));
    assert_eq!(event.metadata.labels, ["access:write", "sensitivity:high"]);
}

#[test]
fn a_failure_says_what_went_wrong_in_either_form() {
    let errors_of = |answer: &str| {
        let text = format!(
            r#"{{"data":{{"methodName":"x","result":{{"status":"FAILURE","data":{answer}}}}}}}"#
        );
        let api = event_of(&record(Some(text.as_bytes())), Catalogs::NONE, None)
            .unwrap()
            .api;
        [api.response_error, api.response_error_message]
            .map(|text| text.map(|text| text.to_string()))
    };
    let some = |text: &str| Some(text.to_owned());
    let list = r#"{"errors":[{"code":404,"title":"gone"},{"code":1}]}"#;
    assert_eq!(errors_of(list), [some("404"), some("gone")]);
    let plain = r#"{"error_code":40401,"message":"no such subject"}"#;
    assert_eq!(errors_of(plain), [some("40401"), some("no such subject")]);
    // What a failed request answers besides is no error.
    let other = r#"{"status":"RUNNING","code":7,"errors":[]}"#;
    assert_eq!(errors_of(other), [None, None]);
    assert_eq!(errors_of("[]"), [None, None]);
}

#[test]
fn what_cannot_be_read_says_why() {
    let tombstone = event_of(&record(None), Catalogs::NONE, None).unwrap_err();
    assert_eq!(tombstone.reason(), "tombstone");
    let latin = event_of(&record(Some(b"{\"a\":\"\xe9\"}")), Catalogs::NONE, None).unwrap_err();
    assert_eq!(latin.reason(), "not_utf8");
    let deep = "[".repeat(200);
    for (text, expected) in [
        ("", "empty"),
        ("{", "not_json"),
        (deep.as_str(), "too_deep"),
        ("[1e999]", "not_portable"),
        ("[]", "no_events"),
        ("[7,[]]", "not_an_object"),
        ("7", "not_an_object"),
        ("{}", "unrecognized"),
        (r#"{"data":{"eventName":"x"}}"#, "unrecognized"),
        (r#"{"id":"1","id":"2"}"#, "duplicate_key"),
        (
            r#"{"data":{"methodName":"x","result":{"a":1,"a":2}}}"#,
            "duplicate_key",
        ),
        (r#"{"data":{"methodName":7}}"#, "wrong_type"),
        (r#"{"data":{"methodName":""}}"#, "wrong_type"),
        (
            r#"{"type":"io.confluent.cloud/request","data":[]}"#,
            "wrong_type",
        ),
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
}
