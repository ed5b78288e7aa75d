//! No leaf is lost: whatever an event holds, each leaf stays in the document or stands verbatim in
//! an attribute.

use proptest::prelude::*;

use super::*;

/// Every string an attribute holds, payloads left out.
fn attributes(event: &AuditEvent<'_>) -> Vec<String> {
    let (api, user, metadata) = (&event.api, &event.user, &event.metadata);
    let mut found = vec![Some(&api.operation)];
    found.extend([&api.service_uid, &api.request_uid].map(Option::as_ref));
    found.extend([&user.uid, &user.uid_alt, &user.name].map(Option::as_ref));
    found.extend([&user.email_addr, &user.credential_uid].map(Option::as_ref));
    found.extend([&metadata.uid, &metadata.event_code].map(Option::as_ref));
    found.extend([&metadata.original_time, &metadata.source].map(Option::as_ref));
    found.extend([&event.status_code, &event.status_detail].map(Option::as_ref));
    found.extend([&event.session.uid, &event.app_name].map(Option::as_ref));
    found.extend([&event.invoked_by, &event.auth_protocol].map(Option::as_ref));
    found.extend([&event.src_endpoint.ip, &event.src_endpoint.name].map(Option::as_ref));
    for authorization in &event.authorizations {
        found.extend([&authorization.decision, &authorization.policy_name].map(Option::as_ref));
    }
    if event.class == &API_ACTIVITY {
        for resource in &event.resources {
            found.extend([&resource.uid, &resource.uid_alt].map(Option::as_ref));
            found.extend([&resource.name, &resource.kind].map(Option::as_ref));
        }
    }
    found.into_iter().flatten().map(|t| t.to_string()).collect()
}

fn check(event: &AuditEvent<'_>) {
    let unmapped = &event.unmapped;
    let document = &unmapped.document;
    let attributes = attributes(event);
    let mut payloads: Vec<NodeId> = event.resources.iter().filter_map(|r| r.data).collect();
    payloads.extend(event.api.request_data);
    payloads.extend(event.api.response_data);
    payloads.extend(&event.other_request_data);
    let mut open = vec![document.root()];
    while let Some(node) = open.pop() {
        if payloads.contains(&node) {
            assert!(!unmapped.remains(node), "written twice");
            continue;
        }
        open.extend(document.children(node));
        let is_leaf = document.children(node).next().is_none();
        assert!(!is_leaf || unmapped.is_moved(node) != unmapped.remains(node));
        if !unmapped.is_moved(node) {
            continue;
        }
        let raw = document.raw(node);
        match document.kind(node) {
            ValueKind::String => {
                let text = document.text(node).unwrap().to_string();
                assert!(attributes.contains(&text), "{raw} is lost");
            }
            ValueKind::Number => {
                let port = event.src_endpoint.port.map(|port| port.to_string());
                assert_eq!(port.as_deref(), Some(raw));
            }
            kind => panic!("{kind:?} {raw} is lost"),
        }
    }
    if let Some(ip) = &event.src_endpoint.ip {
        assert!(ip.parse::<IpAddr>().is_ok());
    }
    assert!(event.user.uid.is_some() || event.user.name.is_some());
    assert!(event.api.request_data.is_none() || event.api.request_uid.is_some());
}

#[test]
fn no_leaf_of_the_shapes_is_lost() {
    for line in SHAPES.lines().chain(FLINK.lines()) {
        check(&normal(line));
    }
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// Visits the values in document order and changes those whose turn it is.
fn mutate(value: &mut Value, turn: &mut usize, changes: &[(usize, Value)]) {
    let here = *turn;
    *turn += 1;
    for (_, new) in changes.iter().filter(|(at, _)| *at == here) {
        match value {
            Value::Object(members) if new.is_string() => {
                members.insert("addedExtra".into(), new.clone());
            }
            _ => *value = new.clone(),
        }
    }
    match value {
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| mutate(member, turn, changes)),
        Value::Array(elements) => elements
            .iter_mut()
            .for_each(|element| mutate(element, turn, changes)),
        _ => {}
    }
}

fn respell(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| (snake(&name), respell(member)))
            .collect(),
        Value::Array(elements) => elements.into_iter().map(respell).collect(),
        other => other,
    }
}

fn replacement() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!([])),
        Just(json!([null, "x", {"ip": "10.0.0.1", "port": 70000}])),
        Just(json!({"ip": "not an address", "port": 5.5})),
        Just(json!("")),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![
            Just("User:"),
            Just("User:u-1"),
            Just("None:"),
            Just("UNSET"),
            Just("crn:///a=%ff/="),
            Just("/"),
            Just("DENY")
        ]
        .prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn no_leaf_of_any_event_is_lost(
        line in 0..34_usize,
        changes in prop::collection::vec((0..70_usize, replacement()), 0..8),
        snake_case: bool,
        pretty: bool,
    ) {
        let text = SHAPES.lines().chain(FLINK.lines()).nth(line).unwrap();
        let mut event: Value = serde_json::from_str(text).unwrap();
        mutate(&mut event, &mut 0, &changes);
        if snake_case && let Some(data) = event.get_mut("data") {
            *data = respell(data.take());
        }
        let text = if pretty {
            serde_json::to_string_pretty(&event).unwrap()
        } else {
            event.to_string()
        };
        match event_of(&record(Some(text.as_bytes())), Catalogs::NONE, None) {
            Ok(event) => check(&event),
            Err(error) => prop_assert!(
                [
                    "not_an_object",
                    "no_events",
                    "unrecognized",
                    "wrong_type",
                    "duplicate_key",
                ]
                    .contains(&error.reason()),
                "{error}"
            ),
        }
    }
}
