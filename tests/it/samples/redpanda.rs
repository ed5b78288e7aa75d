//! Generated events of Redpanda, bare, in a list, and as the value of a CloudEvent in binary mode.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;

use super::json::Json;
use super::{Field, Sample, address, anything, number, odd, one_of, payload, word};

fn raw(words: &'static [&'static str]) -> BoxedStrategy<Json> {
    let raw = select(words).prop_map(|word| Json::Raw(word.to_owned()));
    raw.boxed()
}

fn class() -> BoxedStrategy<Json> {
    prop_oneof![
        9 => raw(&["6003", "3002", "6002"]),
        1 => raw(&["2004", "\"6003\"", "6003.0", "null"]),
    ]
    .boxed()
}

fn operation() -> BoxedStrategy<Json> {
    prop_oneof![
        one_of(&["delete_topics", "create_acls", "Metadata", "DELETE", "get"]),
        word(),
    ]
    .boxed()
}

fn service() -> BoxedStrategy<Json> {
    prop_oneof![
        one_of(&[
            "kafka rpc protocol",
            "Redpanda Admin HTTP Server",
            "Redpanda Schema Registry Service",
        ]),
        word(),
    ]
    .boxed()
}

fn path() -> BoxedStrategy<Json> {
    one_of(&[
        "/v1/security/users/orders?force=true",
        "/v1/security/users/",
        "/v1/partitions/kafka/orders/0",
        "/v1/%75sers",
        "/",
        "",
        "?",
    ])
}

fn event_time() -> BoxedStrategy<Json> {
    prop_oneof![
        2 => (1_000_000_000_000..2_000_000_000_000_i64)
            .prop_map(|time| Json::Raw(time.to_string())),
        1 => number(),
    ]
    .boxed()
}

fn list(elements: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let element = prop_oneof![6 => elements, 1 => odd()];
    let list = prop::collection::vec(element, 0..3).prop_map(Json::List);
    list.boxed()
}

fn map(fields: Vec<Field>) -> BoxedStrategy<Json> {
    payload(("name", word()), fields, &["newThing"])
}

fn authorization() -> BoxedStrategy<Json> {
    map(vec![
        ("decision", one_of(&["authorized", "denied"])),
        ("policy.name", word()),
        ("policy.desc", word()),
    ])
}

fn resource() -> BoxedStrategy<Json> {
    map(vec![
        ("uid", word()),
        ("type", word()),
        ("data", anything()),
        ("data.acl_principal", word()),
    ])
}

fn fields() -> Vec<Field> {
    vec![
        ("metadata.product.name", one_of(&["Redpanda"])),
        (
            "metadata.product.vendor_name",
            one_of(&["Redpanda Data, Inc."]),
        ),
        ("metadata.product.uid", word()),
        ("metadata.uid", word()),
        ("metadata.version", one_of(&["1.0.0"])),
        ("metadata.profiles", list(word())),
        ("category_uid", raw(&["6", "3"])),
        ("activity_id", raw(&["0", "1", "2", "3", "4", "99"])),
        ("type_uid", raw(&["600304", "300201", "600204"])),
        ("severity_id", raw(&["1", "4"])),
        ("status_id", raw(&["0", "1", "2", "99"])),
        ("status_detail", word()),
        ("time", event_time()),
        ("start_time", event_time()),
        ("count", number()),
        ("actor.authorizations", list(authorization())),
        ("actor.user.name", word()),
        ("actor.user.type_id", raw(&["0", "1", "2", "3", "99"])),
        ("actor.user.groups", list(map(Vec::new()))),
        ("user.name", word()),
        ("user.uid", word()),
        ("user.type_id", raw(&["1", "2"])),
        ("api.operation", operation()),
        ("api.service.name", service()),
        ("service.name", service()),
        ("app.name", one_of(&["Redpanda", "x"])),
        ("app.vendor_name", one_of(&["Redpanda Data, Inc.", "x"])),
        ("app.feature.name", word()),
        ("auth_protocol", word()),
        ("auth_protocol_id", raw(&["0", "2", "6", "99"])),
        ("is_mfa", raw(&["true", "false"])),
        ("is_cleartext", raw(&["true", "false"])),
        ("cloud.provider", prop_oneof![one_of(&[""]), word()].boxed()),
        ("http_request.http_method", operation()),
        ("http_request.url.path", path()),
        ("http_request.user_agent", word()),
        ("resources", list(resource())),
        ("dst_endpoint.ip", address()),
        ("src_endpoint.ip", address()),
        ("src_endpoint.name", word()),
        ("src_endpoint.port", number()),
        ("unmapped", anything()),
    ]
}

/// Parts of an event, and names that are not documented.
const PARTS: &[&str] = &[
    "metadata",
    "actor",
    "actor.user",
    "api",
    "app",
    "container",
    "http_request",
    "observables",
    "src_endpoint",
    "newThing",
];

/// One event or several.
pub fn redpanda() -> BoxedStrategy<Sample> {
    let event = || payload(("class_uid", class()), fields(), PARTS);
    let unwrapped = |value: Json| {
        let mut text = String::new();
        value.write(&mut text);
        Sample {
            headers: Vec::new(),
            value: text,
        }
    };
    let headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", "7"),
        ("content-type", "application/json"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
    prop_oneof![
        6 => event().prop_map(unwrapped),
        1 => prop::collection::vec(event(), 1..4).prop_map(move |events| unwrapped(Json::List(events))),
        1 => event().prop_map(move |event| Sample {
            headers: headers.to_vec(),
            ..unwrapped(event)
        }),
    ]
    .boxed()
}
