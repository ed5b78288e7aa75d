//! Generated records: Confluent's dialects as documented, each field present or not, correct or not, and
//! CloudEvents of other origin. A sample keeps its original text, so that numbers and escapes are checked too.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;

mod json;

use json::Json;

/// A record's headers and value.
#[derive(Debug, Clone)]
pub struct Sample {
    pub headers: Vec<(String, Option<String>)>,
    pub value: String,
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn pascal(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

fn word() -> BoxedStrategy<Json> {
    ("[a-z]{1,3}-[a-z0-9]{4,8}", prop::bool::weighted(0.1))
        .prop_map(|(text, escaped)| Json::Text(text, escaped))
        .boxed()
}

fn one_of(words: &'static [&'static str]) -> BoxedStrategy<Json> {
    select(words).prop_map(Json::text).boxed()
}

fn number() -> BoxedStrategy<Json> {
    prop_oneof![
        any::<i64>().prop_map(|number| Json::Raw(number.to_string())),
        (0..70_000_u32).prop_map(|number| Json::Raw(number.to_string())),
        select(
            &[
                "-0",
                "1.50",
                "1e5",
                "2.5E-3",
                "123456789012345678901234567890",
                "0.1000000000000000055511151231257827",
                "1e308",
            ][..]
        )
        .prop_map(|number| Json::Raw(number.to_owned())),
    ]
    .boxed()
}

/// Values that are not documented.
fn odd() -> BoxedStrategy<Json> {
    prop_oneof![
        select(&["null", "true", "false", "{}", "[]"][..])
            .prop_map(|word| Json::Raw(word.to_owned())),
        number(),
        select(
            &[
                "",
                " ",
                "/",
                "User:",
                "None:",
                "unknown",
                "UNSET",
                "crn://",
                "crn:///a=%ff/=",
                "crn://x/y=%2F%00/z=",
                "a\u{0}b\n\u{7f}",
                "\u{1f980}\u{fffd}é",
                "\"\\\u{8}",
            ][..]
        )
        .prop_map(Json::text),
        (any::<String>(), any::<bool>()).prop_map(|(text, escaped)| Json::Text(text, escaped)),
        anything(),
    ]
    .boxed()
}

/// Any JSON, five levels deep at most.
fn anything() -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        select(&["null", "true", "false", "{}", "[]"][..])
            .prop_map(|word| Json::Raw(word.to_owned())),
        number(),
        ("\\PC{0,6}", any::<bool>()).prop_map(|(text, escaped)| Json::Text(text, escaped)),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
            prop::collection::btree_map("[a-zA-Z_.]{1,8}|\\PC{1,3}", inner, 0..4)
                .prop_map(|members| Json::Map(members.into_iter().collect())),
        ]
    })
    .boxed()
}

fn address() -> BoxedStrategy<Json> {
    prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|ip| Json::text(ip.to_string())),
        any::<std::net::Ipv6Addr>().prop_map(|ip| Json::text(ip.to_string())),
        any::<std::net::Ipv4Addr>().prop_map(|ip| Json::text(format!("/{ip}"))),
        one_of(&[
            "198.51.*.*",
            "fe80::1%eth0",
            "[2001:db8::1]",
            "10.0.0.1:9092",
            "/"
        ]),
    ]
    .boxed()
}

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

fn time() -> BoxedStrategy<Json> {
    prop_oneof![
        (1_000_000_000..2_000_000_000_i64, 0..1_000_000_000_u32).prop_map(
            |(second, nanosecond)| {
                let time = jiff::Timestamp::new(second, nanosecond as i32).unwrap();
                Json::text(time.to_string())
            }
        ),
        one_of(&[
            "+999999999-12-31T23:59:59.999999999-18:00",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999999999Z",
            "2026-03-14 09:26:53",
            "now",
        ]),
    ]
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

fn objects(name: &'static str, inner: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    inner
        .prop_map(move |value| Json::Map(vec![(name.to_owned(), value)]))
        .boxed()
}

fn granted() -> BoxedStrategy<Json> {
    select(&["true", "false"][..])
        .prop_map(|word| Json::Raw(word.to_owned()))
        .boxed()
}

fn email() -> BoxedStrategy<Json> {
    one_of(&[
        "grace@example.com",
        "grace@example",
        "a@b@c.d",
        "@example.com",
        "x@.y",
        "x@y.",
    ])
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

type Field = (&'static str, BoxedStrategy<Json>);

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

/// Each field right, odd or absent; now and then a whole part is odd, or something new is there.
fn payload(fields: Vec<Field>) -> BoxedStrategy<Json> {
    let (names, values): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .map(|(name, right)| {
            let value = prop_oneof![
                6 => right.prop_map(Some),
                3 => Just(None),
                1 => odd().prop_map(Some),
            ];
            (name, value)
        })
        .unzip();
    let part = select(
        &[
            "authenticationInfo",
            "authorizationInfo",
            "requestMetadata",
            "request",
            "result",
            "newThing",
            "requestMetadata.newThing",
        ][..],
    );
    let parts = prop::collection::vec((part, odd()), 0..2);
    let spelling = select(
        &[
            str::to_owned as fn(&str) -> String,
            str::to_owned,
            snake,
            pascal,
        ][..],
    );
    (
        method(),
        prop::bool::weighted(0.97),
        values,
        parts,
        spelling,
    )
        .prop_map(move |(method, named, values, parts, spelling)| {
            let mut data = Json::Map(Vec::new());
            if named {
                data.put(&["methodName"], method);
            }
            for (name, value) in names.iter().zip(values) {
                if let Some(value) = value {
                    data.put(&name.split('.').collect::<Vec<_>>(), value);
                }
            }
            for (name, value) in parts {
                data.put(&name.split('.').collect::<Vec<_>>(), value);
            }
            data.respelled(spelling)
        })
        .boxed()
}

/// The attributes, as names and values; a value is a string in nearly every case.
fn envelope(kinds: &'static [&'static str]) -> BoxedStrategy<Vec<(String, Json)>> {
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

fn structured(attributes: Vec<(String, Json)>, data: Json) -> Sample {
    let mut members = attributes;
    members.insert(members.len() / 2, ("data".to_owned(), data));
    let mut value = String::new();
    Json::Map(members).write(&mut value);
    Sample {
        headers: Vec::new(),
        value,
    }
}

/// Attributes as headers: strings only, since headers know no other type.
fn binary(attributes: Vec<(String, Json)>, data: &Json) -> Sample {
    let mut value = String::new();
    data.write(&mut value);
    let headers = attributes.into_iter().map(|(name, value)| {
        let name = match name.as_str() {
            "datacontenttype" => "content-type".to_owned(),
            _ => format!("ce_{name}"),
        };
        match value {
            Json::Text(text, _) => (name, Some(text)),
            _ => (name, None),
        }
    });
    Sample {
        headers: headers.collect(),
        value,
    }
}

const CONFLUENT: &[&str] = &[
    "io.confluent.kafka.server/authentication",
    "io.confluent.kafka.server/authorization",
    "io.confluent.cloud/request",
    "io.confluent.cloud/access-transparency",
    "io.confluent.context.engine/request",
    "io.confluent.new/thing",
];

/// A record of any dialect, in structured or binary mode.
pub fn sample() -> impl Strategy<Value = Sample> {
    let confluent = (
        envelope(CONFLUENT),
        prop_oneof![payload(old()), payload(new())],
        prop::bool::weighted(0.25),
    )
        .prop_map(|(attributes, data, is_binary)| {
            if is_binary {
                binary(attributes, &data)
            } else {
                structured(attributes, data)
            }
        });
    let other = (
        envelope(&["com.example.done", "x"]),
        anything(),
        any::<bool>(),
    )
        .prop_map(|(attributes, data, is_binary)| {
            if is_binary {
                binary(attributes, &data)
            } else {
                structured(attributes, data)
            }
        });
    prop_oneof![9 => confluent, 1 => other]
}
