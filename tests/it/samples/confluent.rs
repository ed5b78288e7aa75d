//! Generated events of Confluent's dialects.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;

use super::json::Json;
use super::{
    Field, Sample, address, anything, binary, email, number, objects, odd, one_of, payload,
    structured, time, word,
};

fn crn() -> BoxedStrategy<Json> {
    let segment = (
        select(
            &[
                "organization",
                "environment",
                "kafka",
                "topic",
                "flink-region",
                "identity",
            ][..],
        ),
        "[a-z0-9%.-]{0,8}|u-1|812345|a%40b.c",
    );
    (
        select(&["confluent.cloud", "", "other"][..]),
        prop::collection::vec(segment, 0..5),
    )
        .prop_map(|(authority, segments)| {
            let path: Vec<String> = segments
                .iter()
                .map(|(kind, id)| format!("{kind}={id}"))
                .collect();
            Json::text(format!("crn://{authority}/{}", path.join("/")))
        })
        .boxed()
}

fn method() -> BoxedStrategy<Json> {
    prop_oneof![
        one_of(&[
            "kafka.Authentication",
            "mds.Authorize",
            "kafka.DeleteTopics",
            "DeleteStatement",
            "createapikey",
            "BindRoleForPrincipal",
            "UnbindAllRolesForPrincipal",
            "ip-filter.Authorize",
            "SignIn",
            "mcp.tools/call",
            "confluent.privileged.access",
        ]),
        word(),
    ]
    .boxed()
}

fn scope() -> BoxedStrategy<Json> {
    let level = (
        one_of(&[
            "ORGANIZATION",
            "ENVIRONMENT",
            "FLINK_REGION",
            "KAFKA_CLUSTER",
        ]),
        word(),
    );
    prop::collection::vec(level, 0..4)
        .prop_map(|levels| {
            let levels = levels.into_iter().map(|(kind, id)| {
                Json::Map(vec![("type".into(), kind), ("resourceId".into(), id)])
            });
            Json::Map(vec![("resources".into(), Json::List(levels.collect()))])
        })
        .boxed()
}

fn cloud_resources() -> BoxedStrategy<Json> {
    let resource = (
        one_of(&["STATEMENT", "TOPIC", "API_KEY", "ORGANIZATION"]),
        word(),
        scope(),
        odd(),
        0..4_u8,
    );
    prop::collection::vec(resource, 0..4)
        .prop_map(|resources| {
            let resources = resources.into_iter().map(|(kind, id, scope, odd, shape)| {
                let mut resource = vec![("type".to_owned(), kind), ("resourceId".to_owned(), id)];
                if shape == 0 {
                    resource.push(("displayName".to_owned(), odd));
                } else if shape == 1 {
                    resource[1].1 = odd;
                }
                Json::Map(vec![
                    ("resource".into(), Json::Map(resource)),
                    ("scope".into(), scope),
                ])
            });
            Json::List(resources.collect())
        })
        .boxed()
}

fn addresses() -> BoxedStrategy<Json> {
    let entry = (address(), prop::option::of(number())).prop_map(|(ip, port)| {
        let mut entry = vec![("ip".to_owned(), ip)];
        entry.extend(port.map(|port| ("port".to_owned(), port)));
        Json::Map(entry)
    });
    prop::collection::vec(entry, 0..3)
        .prop_map(Json::List)
        .boxed()
}

fn granted() -> BoxedStrategy<Json> {
    select(&["true", "false"][..])
        .prop_map(|word| Json::Raw(word.to_owned()))
        .boxed()
}

fn principal_text() -> BoxedStrategy<Json> {
    prop_oneof![
        one_of(&[
            "User:812345",
            "None:UNKNOWN_USER",
            "User:u-5r7t9w",
            "User:CN=a,OU=b",
            "812345"
        ]),
        word(),
    ]
    .boxed()
}

fn principal_object() -> BoxedStrategy<Json> {
    let id = || objects("resourceId", principal_text());
    let account = (prop::collection::vec(word(), 0..3), word()).prop_map(|(namespace, subject)| {
        Json::Map(vec![
            ("namespace".into(), Json::List(namespace)),
            ("subject".into(), subject),
        ])
    });
    prop_oneof![
        objects("confluentUser", id()),
        objects("confluentServiceAccount", id()),
        objects("identityPool", id()),
        objects("group", id()),
        objects("externalAccount", account.boxed()),
    ]
    .boxed()
}

/// The payload of Cloud's old dialect and of the platform.
fn old() -> Vec<Field> {
    vec![
        ("serviceName", crn()),
        ("resourceName", crn()),
        ("authenticationInfo.principal", principal_text()),
        ("authenticationInfo.principalResourceId", word()),
        ("authenticationInfo.identity", crn()),
        ("authenticationInfo.metadata.mechanism", word()),
        ("authenticationInfo.metadata.identifier", word()),
        ("authorizationInfo.granted", granted()),
        ("authorizationInfo.operation", word()),
        ("authorizationInfo.resourceType", word()),
        ("authorizationInfo.resourceName", word()),
        ("authorizationInfo.patternType", word()),
        ("authorizationInfo.rbacAuthorization.role", word()),
        ("authorizationInfo.rbacAuthorization.scope", anything()),
        ("authorizationInfo.aclAuthorization.host", word()),
        ("authorizationInfo.superUserAuthorization", odd()),
        ("request.clientId", word()),
        ("request.correlationId", odd()),
        ("request.data", anything()),
        ("requestMetadata.request_id", word()),
        ("requestMetadata.connection_id", word()),
        ("requestMetadata.network_id", word()),
        ("requestMetadata.client_address", address()),
        ("clientAddress", addresses()),
        (
            "result.status",
            one_of(&["SUCCESS", "UNAUTHENTICATED", "UNSET"]),
        ),
        ("result.message", word()),
    ]
}

/// The payload of Cloud's new dialect.
fn new() -> Vec<Field> {
    let errors = prop::collection::vec(
        (odd(), word()).prop_map(|(code, detail)| {
            Json::Map(vec![("code".into(), code), ("detail".into(), detail)])
        }),
        0..3,
    );
    let request_ids = prop::collection::vec(word(), 0..3).prop_map(Json::List);
    vec![
        ("serviceName", crn()),
        ("internalServiceName", crn()),
        ("cloudResources", cloud_resources()),
        ("resourceName", crn()),
        ("authenticationInfo.principal", principal_object()),
        ("authenticationInfo.principal.email", email()),
        ("authenticationInfo.originalPrincipal", principal_object()),
        ("authenticationInfo.identity", crn()),
        ("authenticationInfo.exposure", word()),
        (
            "authenticationInfo.result",
            one_of(&["SUCCESS", "FAILURE", "UNSET"]),
        ),
        ("authenticationInfo.errorMessage", word()),
        ("authenticationInfo.credentials.mechanism", word()),
        (
            "authenticationInfo.credentials.idSecretCredentials.credentialId",
            word(),
        ),
        (
            "authenticationInfo.credentials.certificateCredentials",
            anything(),
        ),
        (
            "authorizationInfo.result",
            one_of(&["ALLOW", "DENY", "UNSET"]),
        ),
        ("authorizationInfo.operation", word()),
        (
            "authorizationInfo.requestMetadata.clientAddress",
            addresses(),
        ),
        ("authorizationInfo.rbacAuthorization.role", word()),
        ("authorizationInfo.aclAuthorization", anything()),
        (
            "authorizationInfo.ipfilterAuthorization.clientIp",
            address(),
        ),
        ("authorizationInfo.privateLinkPolicyAuthorization", odd()),
        ("authorizationInfo.assignedPrincipals", anything()),
        ("requestMetadata.requestId", request_ids.boxed()),
        ("requestMetadata.clientAddress", addresses()),
        ("requestMetadata.connectionId", word()),
        ("requestMetadata.clientId", word()),
        ("requestMetadata.correlationId", odd()),
        (
            "request.accessType",
            one_of(&["UNKNOWN", "READ_ONLY", "MODIFICATION"]),
        ),
        ("request.data", anything()),
        ("result.status", one_of(&["SUCCESS", "FAILURE", "UNSET"])),
        ("result.data", anything()),
        ("result.data.errors", errors.prop_map(Json::List).boxed()),
    ]
}

/// The attributes, as names and values; a value is a string in nearly every case.
pub(super) fn envelope(kinds: &'static [&'static str]) -> BoxedStrategy<Vec<(String, Json)>> {
    let attribute = |right: BoxedStrategy<Json>| prop_oneof![16 => right.prop_map(Some), 2 => Just(None), 1 => odd().prop_map(Some)];
    (
        attribute(one_of(&["1.0", "0.3"])),
        attribute(word()),
        attribute(crn()),
        one_of(kinds).prop_map(Some),
        attribute(time()),
        attribute(crn()),
        attribute(one_of(&["application/json"])),
        attribute(objects("route", word())),
        attribute(word()),
    )
        .prop_map(
            |(version, id, source, kind, time, subject, content, routing, route)| {
                let attributes = [
                    ("specversion", version),
                    ("id", id),
                    ("source", source),
                    ("type", kind),
                    ("time", time),
                    ("subject", subject),
                    ("datacontenttype", content),
                    ("confluentRouting", routing),
                    ("route", route),
                ];
                attributes
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                    .collect()
            },
        )
        .boxed()
}

const TYPES: &[&str] = &[
    "io.confluent.kafka.server/authentication",
    "io.confluent.kafka.server/authorization",
    "io.confluent.cloud/request",
    "io.confluent.cloud/access-transparency",
    "io.confluent.context.engine/request",
    "io.confluent.new/thing",
];

/// Parts of a payload, and names that are not documented.
const PARTS: &[&str] = &[
    "authenticationInfo",
    "authorizationInfo",
    "requestMetadata",
    "request",
    "result",
    "newThing",
    "requestMetadata.newThing",
];

/// An event of any dialect, in structured or binary mode.
pub fn confluent() -> BoxedStrategy<Sample> {
    let payload = |fields| payload(("methodName", method()), fields, PARTS);
    (
        envelope(TYPES),
        prop_oneof![payload(old()), payload(new())],
        prop::bool::weighted(0.25),
    )
        .prop_map(|(attributes, data, is_binary)| {
            if is_binary {
                binary(attributes, &data)
            } else {
                structured(attributes, data)
            }
        })
        .boxed()
}
