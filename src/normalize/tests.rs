//! What becomes of the documented shapes, of broken records, and of every leaf.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::*;
use crate::event::json::{Kind, NodeId};
use crate::event::{Class, Header, Offset, Partition, Position, Status, User, UserKind};

mod leaves;

const SHAPES: &str = include_str!("../../tests/data/confluent/shapes.ndjson");
const FLINK: &str = include_str!("../../tests/data/confluent/seed.ndjson");
const ORGANIZATION: &str = "9f1d2c34-6b7a-4c58-8e21-0a4d5b6c7e8f";
const RECORD_MS: i64 = 1_773_480_420_000;

fn record(value: Option<&[u8]>) -> RawRecord<'_> {
    RawRecord {
        position: Position {
            topic: "confluent-audit-log-events",
            partition: Partition(0),
            offset: Offset(0),
        },
        timestamp_ms: Some(RECORD_MS),
        key: None,
        value,
        headers: Vec::new(),
    }
}

fn without_catalog<'c>(_: &str) -> Option<MethodFacts<'c>> {
    None
}

fn normal(text: &str) -> AuditEvent<'_> {
    normalize(&record(Some(text.as_bytes())), &without_catalog).unwrap()
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
    normalize(&record(Some(text.as_bytes())), &without_catalog)
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
    assert_eq!(event.class, Class::Authentication);
    assert_eq!((event.activity_id, event.activity_name), (1, "Logon"));
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
    assert_eq!(event.session_uid.as_deref(), Some("Tz0-4821-3f"));
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
    assert_eq!(event.metadata.log_name, "confluent-cloud-v1");
    assert!(stays(&event, &["data", "authenticationInfo", "principal"]));
    assert!(stays(&event, &["data", "result", "message"]));
    assert!(!stays(&event, &["data", "result", "status"]));
}

#[test]
fn a_failed_login_tells_why_and_of_nobody() {
    let event = shape("a2");
    assert_eq!(event.status, Status::Failure);
    assert_eq!(event.status_code.as_deref(), Some("UNAUTHENTICATED"));
    assert_eq!(
        event.status_detail.as_deref(),
        Some("Bad password for user ZZZZYYYYXXXXWWWW")
    );
    assert_eq!(event.user.name.as_deref(), Some("UNKNOWN_USER"));
    assert_eq!(event.user.uid, None);
    assert_eq!(event.src_endpoint.name.as_deref(), Some("unknown"));
}

#[test]
fn logins_of_the_new_dialect() {
    let registry = shape("b7");
    assert_eq!(registry.class, Class::Authentication);
    assert_eq!(registry.status, Status::Success);
    assert_eq!(registry.auth_protocol.as_deref(), Some("HTTP_BASIC"));
    assert_eq!(
        registry.user.credential_uid.as_deref(),
        Some("SRKEYSRKEYSRKEYS")
    );
    assert_eq!(registry.resources[0].uid.as_deref(), Some("lsrc-3f5g7h"));
    assert!(stays(&registry, &["data", "cloudResources"]));
    let flink = shape("b8");
    assert_eq!(flink.class, Class::Authentication);
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
    assert_eq!(granted.class, Class::ApiActivity);
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
    assert_eq!((denied.activity_id, denied.activity_name), (4, "Delete"));
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
fn the_platform_is_no_cloud() {
    let event = shape("a5");
    assert_eq!(event.cloud, None);
    assert_eq!(event.metadata.product_name, "Confluent Platform");
    assert_eq!(event.metadata.log_name, "confluent-platform");
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
    assert_eq!((event.activity_id, event.activity_name), (1, "Create"));
}

#[test]
fn one_key_in_two_scopes_is_two_resources() {
    let event = shape("b2");
    let [first, second] = &event.resources[..] else {
        panic!("two resources");
    };
    assert_eq!(first.uid, second.uid);
    assert_eq!(first.namespace, None);
    assert_eq!(second.namespace.as_deref(), Some("env-q7x2k9"));
    assert_eq!(event.user.email_addr.as_deref(), Some("grace@example.com"));
    assert_eq!(event.src_endpoint.ip.as_deref(), Some("2001:db8::17"));
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
fn an_external_account_is_its_subject_in_its_namespace() {
    let event = shape("b11");
    assert_eq!(event.user.uid.as_deref(), Some("svc-42"));
    assert_eq!(event.user.uid_alt.as_deref(), Some("idp/corp/svc-42"));
}

#[test]
fn the_identity_tells_what_the_principal_does_not() {
    let read = |info: &str| {
        let text = format!(r#"{{"data":{{"methodName":"x","authenticationInfo":{info}}}}}"#);
        let event = normalize(&record(Some(text.as_bytes())), &without_catalog).unwrap();
        let User {
            uid,
            name,
            email_addr,
            ..
        } = event.user;
        [uid, name, email_addr].map(|part| part.map(|text| text.into_owned()))
    };
    let some = |text: &str| Some(text.to_owned());
    let by_number = r#"{"principal":"User:42","identity":"crn://c/identity=sa-1"}"#;
    assert_eq!(read(by_number), [some("sa-1"), None, None]);
    // Not a copy: it would be lost.
    let bare_number = r#"{"principal":"42","identity":"crn://c/identity=sa-1"}"#;
    assert_eq!(read(bare_number), [some("42"), None, None]);
    let absent = r#"{"identity":"crn://c/identity-provider=op-1/identity=u-7"}"#;
    assert_eq!(read(absent), [some("u-7"), None, None]);
    let signed_on =
        r#"{"principal":"User:u-1","identity":"crn://c/sso-connection=x/identity=a%40b.c"}"#;
    assert_eq!(read(signed_on), [some("u-1"), None, some("a@b.c")]);
    let no_address = r#"{"principal":{"email":"a@b","confluentUser":{"resourceId":"u-1"}}}"#;
    assert_eq!(read(no_address), [some("u-1"), None, None]);
    let nobody = r#"{"principal":"None:UNKNOWN_USER","identity":"crn://c/identity=u-1"}"#;
    assert_eq!(read(nobody), [None, some("UNKNOWN_USER"), None]);
    assert_eq!(read("{}"), [None, some("unknown"), None]);
}

#[test]
fn a_full_name_goes_to_the_one_resource_that_it_names() {
    let named = shape("b3");
    let crn = named.resources[0].uid_alt.as_deref().unwrap();
    assert!(crn.ends_with("/kafka=lkc-8w3m5p"), "{crn}");
    assert!(!stays(&named, &["data", "resourceName"]));
    // The event has no resourceName: its subject does as well, and stays.
    let by_subject = shape("b4");
    let crn = by_subject.resources[0].uid_alt.as_deref().unwrap();
    assert!(crn.ends_with("/statement=orders-enrich-prod"), "{crn}");
    assert!(stays(&by_subject, &["subject"]));
    // A list names the region; one key in two scopes is two resources.
    let listed = normal(FLINK.lines().last().unwrap());
    assert!(listed.resources.iter().all(|r| r.uid_alt.is_none()));
    assert!(stays(&listed, &["data", "resourceName"]));
    assert!(shape("b2").resources.iter().all(|r| r.uid_alt.is_none()));
}

#[test]
fn the_word_for_a_kind_of_resource_is_no_name() {
    let environment = shape("a3");
    assert_eq!(environment.resources[0].name, None);
    assert_eq!(environment.resources[0].namespace, None);
    let word = ["data", "authorizationInfo", "resourceName"];
    assert!(stays(&environment, &word));
    let topic = shape("a4");
    assert_eq!(topic.resources[0].name.as_deref(), Some("orders.v2"));
    assert!(!stays(&topic, &word));
}

#[test]
fn snake_case_reads_like_camel_case() {
    let event = shape("b12");
    assert_eq!(event.api.operation, "ListFlinkRegions");
    assert_eq!((event.activity_id, event.activity_name), (2, "Read"));
    assert_eq!(event.status, Status::Success);
    assert_eq!(event.user.uid.as_deref(), Some("u-5r7t9w"));
    assert_eq!(event.src_endpoint.ip.as_deref(), Some("198.51.100.23"));
    assert_eq!(event.api.request_uid.as_deref(), Some("77aa"));
    assert_eq!(event.resources[0].kind.as_deref(), Some("ORGANIZATION"));
    assert_eq!(event.cloud.unwrap().org_uid.as_deref(), Some(ORGANIZATION));
}

#[test]
fn a_group_acts_for_a_person() {
    let event = shape("c2");
    assert_eq!(event.user.uid.as_deref(), Some("group-7y8u"));
    assert_eq!(event.user.kind, None);
    assert_eq!(event.invoked_by.as_deref(), Some("u-5r7t9w"));
    assert_eq!(event.src_endpoint.ip.as_deref(), Some("203.0.113.78"));
    let policies = shape("c4").authorizations;
    let kinds: Vec<_> = policies.iter().map(|a| a.policy_kind.as_deref()).collect();
    assert_eq!(kinds, [Some("IP_FILTER"), Some("PRIVATE_LINK")]);
}

#[test]
fn the_nine_flink_examples_are_requests_that_worked() {
    let expected = [
        ("CreateWorkspace", 1),
        ("DeleteWorkspace", 4),
        ("GetWorkspace", 2),
        ("ListWorkspace", 2),
        ("UpdateWorkspace", 3),
        ("CreateStatement", 1),
        ("DeleteStatement", 4),
        ("GetStatement", 2),
        ("ListStatements", 2),
    ];
    let events: Vec<AuditEvent<'_>> = FLINK.lines().map(normal).collect();
    let found: Vec<(&str, i64)> = events
        .iter()
        .map(|event| (event.api.operation.as_ref(), event.activity_id))
        .collect();
    assert_eq!(found, expected);
    for event in &events {
        assert_eq!(event.class, Class::ApiActivity);
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
    let lookup = |name: &str| {
        (name == "mcp.tools/call").then_some(MethodFacts {
            service: "context-engine",
            module: Some("mcp"),
            activity_id: 3,
            activity_name: "Update",
            logon: false,
            labels: ["access:write", "sensitivity:high"],
            description: "Calls a tool",
        })
    };
    let line = SHAPES
        .lines()
        .find(|line| line.contains("mcp.tools"))
        .unwrap();
    let event = normalize(&record(Some(line.as_bytes())), &lookup).unwrap();
    assert!(event.known_method);
    assert_eq!((event.activity_id, event.activity_name), (3, "Update"));
    assert_eq!(event.message.as_deref(), Some("Calls a tool"));
    assert_eq!(event.api.service_name.as_deref(), Some("context-engine"));
    assert_eq!(event.api.group_name.as_deref(), Some("mcp"));
    assert_eq!(event.metadata.labels, ["access:write", "sensitivity:high"]);
}

fn header<'a>(name: &'a str, value: &'a str) -> Header<'a> {
    Header {
        name,
        value: Some(value.as_bytes()),
    }
}

#[test]
fn a_binary_event_reads_like_a_structured_one() {
    let data = r#"{"methodName":"kafka.CreateTopics","serviceName":"crn:///kafka=X","authenticationInfo":{"principal":"User:alice"}}"#;
    let mut record = record(Some(data.as_bytes()));
    record.headers = vec![
        header("content-type", "application/json"),
        header("ce_specversion", "1.0"),
        header("ce_id", "e1"),
        header("ce_source", "crn:///kafka=X"),
        header("ce_type", "io.confluent.kafka.server/authorization"),
        header("ce_route", "r"),
        Header {
            name: "ce_subject",
            value: None,
        },
    ];
    let event = normalize(&record, &without_catalog).unwrap();
    assert_eq!(event.api.operation, "kafka.CreateTopics");
    assert_eq!(event.user.uid.as_deref(), Some("alice"));
    assert_eq!(event.metadata.uid.as_deref(), Some("e1"));
    assert_eq!(event.subject, None);
    assert_eq!(event.unmapped.root_name, Some("data"));
    let attributes: Vec<_> = event
        .unmapped
        .attributes
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()))
        .collect();
    assert_eq!(
        attributes,
        [
            ("datacontenttype", "application/json"),
            ("specversion", "1.0"),
            ("route", "r")
        ]
    );

    record.headers.push(header("ce_id", "e2"));
    let error = normalize(&record, &without_catalog).unwrap_err();
    assert_eq!(error.reason(), "duplicate_key");
    record.headers.pop();
    record.headers.push(Header {
        name: "ce_extra",
        value: Some(b"\xff"),
    });
    let error = normalize(&record, &without_catalog).unwrap_err();
    assert_eq!(error.reason(), "not_utf8");
}

#[test]
fn odd_attributes_of_a_binary_event_are_kept_and_said() {
    let mut record = record(Some(b"null"));
    record.headers = vec![
        header("ce_specversion", "1.0"),
        header("ce_id", ""),
        header("ce_source", "/s"),
        header("ce_type", "com.example.done"),
    ];
    // An empty id is none, and without one nobody can tell what this is.
    let error = normalize(&record, &without_catalog).unwrap_err();
    assert_eq!(error.reason(), "unrecognized");

    record.headers[1] = header("ce_id", "1");
    record.headers.extend([
        header("ce_subject", ""),
        header("ce_time", "soon"),
        header("CE_ID", "not an attribute"),
        header("ce_partitionkey", "ü"),
    ]);
    let event = normalize(&record, &without_catalog).unwrap();
    assert_eq!(event.metadata.uid.as_deref(), Some("1"));
    assert_eq!(event.metadata.original_time.as_deref(), Some("soon"));
    assert_eq!(event.time_ms, RECORD_MS);
    assert_eq!(event.subject, None);
    let names: Vec<_> = event
        .unmapped
        .attributes
        .iter()
        .map(|(n, _)| &**n)
        .collect();
    assert_eq!(names, ["specversion", "subject", "partitionkey"]);
    assert!(event.unmapped.remains(event.unmapped.document.root()));

    // Confluent's events have data.
    record.headers[3] = header("ce_type", "io.confluent.cloud/request");
    let error = normalize(&record, &without_catalog).unwrap_err();
    assert_eq!(error.reason(), "wrong_type");
}

#[test]
fn attributes_make_no_binary_event_of_a_structured_one() {
    let line = SHAPES.lines().next().unwrap();
    let mut record = record(Some(line.as_bytes()));
    // No header at all, and headers of anybody's, read as structured.
    for headers in [
        vec![],
        vec![
            header("content-type", "application/json"),
            header("trace", "7"),
        ],
    ] {
        record.headers = headers;
        let event = normalize(&record, &without_catalog).unwrap();
        assert_eq!(event.metadata.uid.as_deref(), Some("a1"));
        assert_eq!(event.unmapped.root_name, None);
    }
}

#[test]
fn whoever_has_only_an_address_goes_by_it() {
    let event = normal(
        r#"{"data":{"methodName":"SignIn","authenticationInfo":{"result":"FAILURE",
            "principal":{"email":"grace@example.com"}}}}"#,
    );
    assert_eq!(event.class, Class::Authentication);
    assert_eq!(event.status, Status::Failure);
    assert_eq!(event.user.uid, None);
    assert_eq!(event.user.name.as_deref(), Some("grace@example.com"));
    assert_eq!(event.user.email_addr, event.user.name);
}

#[test]
fn a_failure_says_what_went_wrong_in_either_form() {
    let errors_of = |answer: &str| {
        let text = format!(
            r#"{{"data":{{"methodName":"x","result":{{"status":"FAILURE","data":{answer}}}}}}}"#
        );
        let api = normalize(&record(Some(text.as_bytes())), &without_catalog)
            .unwrap()
            .api;
        [api.response_error, api.response_error_message]
            .map(|text| text.map(|text| text.into_owned()))
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
fn only_an_address_is_an_email() {
    let email = |text: &str| {
        let text = format!(
            r#"{{"data":{{"methodName":"x","authenticationInfo":{{"principal":{{"email":"{text}"}}}}}}}}"#
        );
        let event = normalize(&record(Some(text.as_bytes())), &without_catalog).unwrap();
        event.user.email_addr.is_some()
    };
    for text in ["grace@example.com", "a+b.c@x-y.co.uk", "o'hara@a.b"] {
        assert!(email(text), "{text}");
    }
    for text in [
        "", "grace", "@a.b", "a@b", "a@.b", "a@b.", "a@b@c.d", "a b@c.d", "ü@a.b", "a@b_c.d",
    ] {
        assert!(!email(text), "{text}");
    }
}

#[test]
fn a_structured_content_type_wins_over_stray_attributes() {
    let line = SHAPES.lines().next().unwrap();
    let mut record = record(Some(line.as_bytes()));
    record.headers = vec![
        header(
            "Content-Type",
            "Application/CloudEvents+JSON; charset=utf-8",
        ),
        header("ce_id", "other"),
    ];
    let event = normalize(&record, &without_catalog).unwrap();
    assert_eq!(event.metadata.uid.as_deref(), Some("a1"));
}

#[test]
fn a_cloud_event_of_unknown_origin_is_kept() {
    let text =
        r#"{"specversion":"1.0","id":"1","source":"/s","type":"com.example.done","data":[null]}"#;
    let event = normal(text);
    assert_eq!(event.class, Class::ApiActivity);
    assert_eq!(event.api.operation, "com.example.done");
    assert_eq!(event.product, "cloudevents");
    assert_eq!(event.user.name.as_deref(), Some("unknown"));
    assert_eq!((event.activity_id, event.activity_name), (99, "Other"));
    assert!(!event.known_method);
    assert!(stays(&event, &["data"]));
}

#[test]
fn what_cannot_be_read_says_why() {
    let tombstone = normalize(&record(None), &without_catalog).unwrap_err();
    assert_eq!(tombstone.reason(), "tombstone");
    let latin = normalize(&record(Some(b"{\"a\":\"\xe9\"}")), &without_catalog).unwrap_err();
    assert_eq!(latin.reason(), "not_utf8");
    let deep = "[".repeat(200);
    for (text, expected) in [
        ("", "empty"),
        ("{", "not_json"),
        (deep.as_str(), "too_deep"),
        ("1e999", "number_out_of_range"),
        ("[]", "not_an_object"),
        ("{}", "unrecognized"),
        (r#"{"data":{"eventName":"x"}}"#, "unrecognized"),
        (r#"{"id":"1","id":"2"}"#, "duplicate_key"),
        (
            r#"{"data":{"methodName":"x","request":{"a":1,"a":2}}}"#,
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
    let theirs = r#"{"data":{"methodName":"x","request":{"data":{"a":1,"a":2}}}}"#;
    assert!(normal(theirs).api.request_data.is_some());
}
