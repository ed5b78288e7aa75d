//! What a policy leaves of an event, of an alert, and of a record as its source wrote it.

use serde_json::{Value, json};

use super::*;
use crate::yaml;

/// A policy with these fields, `{field: treatment}`.
fn policy(fields: &str) -> Policy {
    let text = format!("[{{name: people, fields: {fields}, topics: [t]}}]");
    let (mut policies, problems) = read(&yaml::document(&text).unwrap());
    assert!(problems.is_empty(), "{problems:?}");
    let mut policy = policies.remove(0);
    policy.key = PseudonymKey::new(b"0123456789abcdef0123456789abcdef").ok();
    policy
}

fn pseudonym(value: &str) -> String {
    PseudonymKey::new(b"0123456789abcdef0123456789abcdef")
        .unwrap()
        .pseudonym(value)
}

fn event() -> Value {
    json!({
        "class_uid": 6003, "class_name": "API Activity", "time": 1_800_000_000_000_i64, "severity": "Informational",
        "message": "ann@example.com deletes a topic",
        "actor": {"user": {
            "uid": "u-1a2b3c4d", "email_addr": "ann@example.com", "name": "Ann", "type": "User", "type_id": 1,
            "credential_uid": "KEY7KEY7KEY7",
        }},
        "api": {"operation": "kafka.DeleteTopics", "request": {
            "uid": "r-1", "data": {"owner": "u-1a2b3c4d", "n": 123_456, "on": true, "ann@example.com": [null, "Ann"]},
        }},
        "src_endpoint": {"ip": "198.51.100.7", "port": 443},
        "resources": [{"uid": "orders", "owner": {"name": "Ann"}}],
        "unmapped": {"data": {"text": "{\"by\":\"\\u0061nn@example.com\"}", "url": "/u/u-1a2b3c4d/x"}},
    })
}

fn hidden(fields: &str, event: &Value) -> Value {
    let (policy, event) = (policy(fields), event.to_string());
    let mut out = Vec::new();
    Hiding::of_event(&policy, event.as_bytes()).event(event.as_bytes(), &mut out);
    serde_json::from_slice(&out)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)))
}

#[test]
fn a_masked_value_is_masked_wherever_the_event_has_it() {
    let shown = hidden(
        "{actor.user.email_addr: mask, actor.user.name: mask}",
        &event(),
    );
    let mut expected = event();
    expected["message"] = "*** deletes a topic".into();
    expected["actor"]["user"]["email_addr"] = "***@masked.invalid".into();
    expected["actor"]["user"]["name"] = "***".into();
    expected["resources"][0]["owner"]["name"] = "***".into();
    expected["unmapped"]["data"]["text"] = "***".into();
    let data = expected["api"]["request"]["data"].as_object_mut().unwrap();
    data.remove("ann@example.com");
    data.insert("***".into(), json!([null, "***"]));
    assert_eq!(shown, expected);
}

#[test]
fn a_pseudonym_is_the_same_wherever_it_stands() {
    let shown = hidden("{actor.user.uid: pseudonym}", &event());
    let ann = pseudonym("u-1a2b3c4d");
    assert_eq!(shown["actor"]["user"]["uid"], *ann);
    assert_eq!(shown["api"]["request"]["data"]["owner"], *ann);
    assert_eq!(shown["unmapped"]["data"]["url"], format!("/u/{ann}/x"));
    assert_eq!(shown["actor"]["user"]["email_addr"], "ann@example.com");
    assert_eq!(
        shown["unmapped"]["data"]["text"],
        event()["unmapped"]["data"]["text"]
    );
}

#[test]
fn a_dropped_field_is_left_out_and_its_value_masked_elsewhere() {
    let shown = hidden("{actor.user: drop, unmapped.data.url: drop}", &event());
    assert_eq!(shown["actor"], json!({"user": {"name": "unknown"}}));
    assert_eq!(shown["message"], "*** deletes a topic");
    assert_eq!(shown["api"]["request"]["data"]["owner"], "***");
    assert_eq!(shown["unmapped"]["data"], json!({"text": "***"}));
    // The word of OCSF that every user has is no value of this one.
    assert_eq!(shown["class_name"], "API Activity");
}

#[test]
fn a_field_stands_for_all_that_is_below_it() {
    let shown = hidden("{actor.user: mask, api.request.data: pseudonym}", &event());
    let user = json!({
        "uid": "***", "email_addr": "***@masked.invalid", "name": "***", "type": "User", "type_id": 1,
        "credential_uid": "***",
    });
    assert_eq!(shown["actor"]["user"], user);
    let data = json!({"owner": pseudonym("u-1a2b3c4d"), "n": pseudonym("123456"), "on": pseudonym("true"),
        "***": [null, pseudonym("Ann")]});
    assert_eq!(shown["api"]["request"]["data"], data);
    assert_eq!(shown["api"]["request"]["uid"], "r-1");
}

#[test]
fn a_hidden_address_is_a_name_and_an_endpoint_is_never_empty() {
    let endpoint = |fields: &str| hidden(fields, &event())["src_endpoint"].clone();
    assert_eq!(
        endpoint("{src_endpoint.ip: mask}"),
        json!({"name": "***", "port": 443})
    );
    let ip = pseudonym("198.51.100.7");
    assert_eq!(
        endpoint("{src_endpoint.ip: pseudonym}"),
        json!({"name": ip, "port": 443})
    );
    assert_eq!(
        endpoint("{src_endpoint.ip: drop}"),
        json!({"port": 443, "name": "unknown"})
    );
    assert_eq!(endpoint("{src_endpoint: mask}"), json!({"name": "***"}));
    assert_eq!(endpoint("{src_endpoint: drop}"), json!({"name": "unknown"}));
    let mut named = event();
    named["src_endpoint"]["name"] = "ecs.aliyuncs.com".into();
    let shown = hidden("{src_endpoint.ip: mask}", &named);
    assert_eq!(
        shown["src_endpoint"],
        json!({"port": 443, "name": "ecs.aliyuncs.com"})
    );
}

#[test]
fn a_list_that_loses_all_its_elements_goes_with_them() {
    let mut event = event();
    event["api"]["request"]["data"] =
        json!({"password": ["a", "b"], "list": [{"password": "c"}, 1]});
    let shown = hidden(
        "{api.request.data.password: drop, api.request.data.list.password: drop}",
        &event,
    );
    assert_eq!(shown["api"]["request"]["data"], json!({"list": [{}, 1]}));
}

#[test]
fn an_address_that_is_the_name_of_a_member_is_a_value() {
    let mut event = event();
    let data =
        json!({"users": {"bob@example.com": "x", "form": "y"}, "of": "bob@example.com", "form": 1});
    event["api"]["request"]["data"] = data;
    let shown = hidden("{api.request.data.users: mask}", &event);
    let expected = json!({"users": {"***": "***", "form": "***"}, "of": "***", "form": 1});
    assert_eq!(shown["api"]["request"]["data"], expected);
}

#[test]
fn names_of_a_method_are_changed_only_if_no_catalogue_has_it() {
    let mut event = event();
    event["actor"]["user"]["name"] = "confluent.privileged".into();
    event["api"]["operation"] = "confluent.privileged.Delete".into();
    event["metadata"] = json!({"labels": ["access:write"], "event_code": "x"});
    let shown = hidden("{actor.user.name: mask}", &event);
    assert_eq!(shown["api"]["operation"], "confluent.privileged.Delete");
    event["metadata"]["labels"] = json!(["method:unknown"]);
    let shown = hidden("{actor.user.name: mask}", &event);
    assert_eq!(shown["api"]["operation"], "***.Delete");
    assert_eq!(shown["metadata"]["labels"], json!(["method:unknown"]));
}

#[test]
fn the_code_of_an_outcome_is_a_word_unless_a_policy_names_it() {
    let mut event = event();
    event["status_code"] = "FORBIDDEN".into();
    event["unmapped"]["data"]["status"] = "FORBIDDEN".into();
    assert_eq!(
        hidden("{unmapped: drop}", &event)["status_code"],
        "FORBIDDEN"
    );
    assert_eq!(hidden("{status_code: mask}", &event)["status_code"], "***");
}

#[test]
fn what_ocsf_requires_of_an_object_is_unknown_or_the_object_is_left_out() {
    let event = json!({
        "actor": {"user": {"uid": "u-1", "type": "User", "account": {"uid": "a-1"}}},
        "api": {"request": {"uid": "r-1", "data": 1}},
        "resources": [{"uid": "orders", "type": "TOPIC", "owner": {"name": "Ann"}}],
        "enrichments": [{"name": "x", "value": "orders", "data": {"name": "Orders"}}],
        "cloud": {"provider": "Confluent Cloud", "org": {"uid": "o-1"}},
    });
    let fields = "{actor.user.uid: drop, actor.user.account.uid: drop, api.request.uid: drop, resources.uid: drop, \
                  resources.owner.name: drop, enrichments.data: drop, cloud.org.uid: drop}";
    let expected = json!({
        "actor": {"user": {"type": "User", "name": "unknown"}},
        "api": {"request": {"data": 1, "uid": "unknown"}},
        "resources": [{"type": "TOPIC", "name": "unknown"}],
        "enrichments": [],
        "cloud": {"provider": "Confluent Cloud"},
    });
    assert_eq!(hidden(fields, &event), expected);
}

#[test]
fn the_user_of_a_login_is_hidden_in_both_places() {
    let login = json!({
        "class_uid": 3002, "is_mfa": true, "user": {"uid": "u-9", "type": "User"},
        "actor": {"user": {"uid": "u-9", "type": "User"}, "session": {"is_mfa": true, "uid": "s-1"}},
        "src_endpoint": {"name": "unknown"},
    });
    let shown = hidden("{actor.user: drop, actor.session: mask}", &login);
    assert_eq!(
        shown,
        json!({
            "class_uid": 3002, "user": {"name": "unknown"}, "actor": {"user": {"name": "unknown"}, "session": {"uid": "***"}}, "src_endpoint": {"name": "unknown"},
        })
    );
}

#[test]
fn words_of_watchbell_stay_even_if_somebody_is_called_so() {
    let mut event = event();
    for name in [
        "kafka",
        "Activity",
        "class_name",
        "User",
        "Informational",
        "data",
    ] {
        event["actor"]["user"]["name"] = name.into();
        let shown = hidden("{actor.user.name: mask}", &event);
        for path in [
            "/class_name",
            "/api/operation",
            "/severity",
            "/actor/user/type",
        ] {
            assert_eq!(shown.pointer(path), event.pointer(path), "{name} {path}");
        }
        assert!(shown["api"]["request"]["data"].is_object(), "{name}");
    }
}

/// An alert about the event, with or without it.
fn alert(has_event: bool) -> Value {
    let event = event();
    let mut alert = json!({
        "class_uid": 2004, "message": "Topic deleted: Ann deleted orders", "time": 1,
        "metadata": {"uid": "7", "correlation_uid": "8", "labels": []},
        "finding_info": {"uid": "7", "title": "Topic deleted: Ann deleted orders", "desc": "Ann may be anybody"},
        "evidences": [{"actor": event["actor"], "src_endpoint": event["src_endpoint"], "data": event}],
        "resources": [{"uid": "orders", "owner": {"name": "Ann"}}],
        "remediation": {"desc": "Call Ann"},
        "unmapped": {
            "why": ["actor.user.uid = u-1a2b3c4d", "api.request.data.owner = u-1a2b3c4d", "time = 1"],
            "changes": ["owner from u-1a2b3c4d to x"],
            "fields": {"actor.user.uid": ["u-1a2b3c4d"], "resources.uid": ["orders"]},
            "outcome_detail": "u-1a2b3c4d may not",
        },
    });
    if !has_event {
        alert["evidences"][0]
            .as_object_mut()
            .unwrap()
            .remove("data");
    }
    alert
}

fn hidden_alert(fields: &str, alert: &Value) -> Value {
    let (policy, alert) = (policy(fields), alert.to_string());
    let mut out = Vec::new();
    Hiding::of_alert(&policy, alert.as_bytes()).alert(alert.as_bytes(), &mut out);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn an_alert_hides_the_same_in_its_texts_its_fields_and_its_evidence() {
    for has_event in [true, false] {
        let shown = hidden_alert(
            "{actor.user.uid: mask, actor.user.name: drop}",
            &alert(has_event),
        );
        let text = shown.to_string();
        assert!(!text.contains("u-1a2b3c4d"), "{text}");
        assert_eq!(shown["message"], "Topic deleted: *** deleted orders");
        assert_eq!(shown["evidences"][0]["actor"]["user"]["uid"], "***");
        assert_eq!(shown["evidences"][0]["actor"]["user"].get("name"), None);
        assert_eq!(shown["unmapped"]["why"][0], "actor.user.uid = ***");
        assert_eq!(shown["unmapped"]["why"][2], "time = 1");
        let fields = json!({"actor.user.uid": ["***"], "resources.uid": ["orders"]});
        assert_eq!(shown["unmapped"]["fields"], fields);
        // What the rule says is said of everybody.
        assert_eq!(shown["finding_info"]["desc"], "Ann may be anybody");
        assert_eq!(shown["remediation"]["desc"], "Call Ann");
    }
}

#[test]
fn what_rules_read_from_a_hidden_request_is_hidden_in_their_reasons() {
    let mut alert = alert(true);
    alert["unmapped"]["why"] = json!(["api.request.principals.uid = u-9", "api.request.uid = r-1"]);
    alert["unmapped"]["fields"] =
        json!({"api.request.roles": ["Admin"], "api.request.uid": ["r-1"]});
    let shown = hidden_alert("{api.request.data.owner: mask}", &alert);
    let why = json!(["api.request.principals.uid = ***", "api.request.uid = r-1"]);
    assert_eq!(shown["unmapped"]["why"], why);
    let fields = json!({"api.request.roles": ["***"], "api.request.uid": ["r-1"]});
    assert_eq!(shown["unmapped"]["fields"], fields);
}

#[test]
fn an_alert_without_its_event_hides_texts_that_may_repeat_what_only_the_event_has() {
    let fields = "{api.request.data: mask}";
    let shown = hidden_alert(fields, &alert(true));
    assert_eq!(shown["unmapped"]["changes"][0], "owner from *** to x");
    let shown = hidden_alert(fields, &alert(false));
    assert_eq!(shown["unmapped"]["changes"][0], "***");
    assert_eq!(shown["unmapped"]["why"], json!(["***", "***", "***"]));
    assert_eq!(shown["message"], "***");
    let shown = hidden_alert("{status_detail: mask}", &alert(false));
    assert_eq!(shown["unmapped"]["outcome_detail"], "***");
}

#[test]
fn a_record_of_a_source_is_hidden_by_its_values() {
    let policy = policy("{actor.user.email_addr: mask, api.request.data.n: mask}");
    let event = event().to_string();
    let hiding = Hiding::of_event(&policy, event.as_bytes());
    let mut out = Vec::new();
    let source =
        r#"{"Ann@Example.com":{"user":"ann@example.com"},"n":123456,"on":true,"x":[1,{}]}"#;
    assert!(hiding.source_record(source.as_bytes(), &mut out));
    let shown = r#"{"***":{"user":"***"},"n":"***","on":true,"x":[1,{}]}"#;
    assert_eq!(String::from_utf8(out).unwrap(), shown);
    // What some parsers refuse is text, as in the event.
    let mut out = Vec::new();
    let strange = br#"{"by":"ann@example.com","x":"\ud83d","n":1e999}"#;
    assert!(hiding.source_record(strange, &mut out));
    let shown = r#"{"by":"***","x":"\\ud83d","n":"1e999"}"#;
    assert_eq!(String::from_utf8(out).unwrap(), shown);
    let mut out = Vec::new();
    assert!(!hiding.source_record(b"<no json>", &mut out));
    assert!(out.is_empty());
}

#[test]
fn a_record_of_a_source_keeps_the_names_of_its_envelope_and_loses_short_values() {
    let event = json!({"actor": {"user": {"uid": "data", "name": "Q"}}, "api": {"request": {"data": {"pin": 4711}}}});
    let policy = policy("{actor.user: mask, api.request.data.pin: drop}");
    let event = event.to_string();
    let hiding = Hiding::of_event(&policy, event.as_bytes());
    let mut out = Vec::new();
    let source =
        r#"{"id":"1","data":{"data":"data","user":"Q","pin":4711,"n":47110,"userdata":"Quit"}}"#;
    assert!(hiding.source_record(source.as_bytes(), &mut out));
    let shown =
        r#"{"id":"1","data":{"***":"***","user":"***","pin":"***","n":47110,"userdata":"Quit"}}"#;
    assert_eq!(String::from_utf8(out).unwrap(), shown);
    assert_eq!(hiding.key(b"4711"), None);
    assert_eq!(hiding.key(b"Q"), None);
    assert!(hiding.key(b"47110").is_some());
}

#[test]
fn a_key_is_a_pseudonym_or_null() {
    let event = event().to_string();
    let key = |fields: &str, key: &[u8]| {
        let policy = policy(fields);
        let hiding = Hiding::of_event(&policy, event.as_bytes());
        hiding
            .key(key)
            .map(|key| String::from_utf8(key.into_owned()).unwrap())
    };
    let uid = pseudonym("u-1a2b3c4d");
    assert_eq!(key("{actor.user.uid: pseudonym}", b"u-1a2b3c4d"), Some(uid));
    assert_eq!(key("{actor.user.uid: mask}", b"u-1a2b3c4d"), None);
    assert_eq!(key("{actor.user.uid: drop}", b"u-1a2b3c4d"), None);
    assert_eq!(
        key("{actor.user.uid: mask}", b"orders"),
        Some("orders".into())
    );
    assert_eq!(key("{actor.user.uid: mask}", b"\xff"), None);
}

/// What is wrong in a list of policies, each with its line and column.
fn problems(text: &str) -> Vec<String> {
    let (policies, problems) = read(&yaml::document(text).unwrap());
    assert_eq!(policies.is_empty(), !problems.is_empty());
    let shown = |problem: &crate::diagnostic::Problem| {
        format!(
            "{}:{} {}",
            problem.mark.line, problem.mark.column, problem.message
        )
    };
    problems.iter().map(shown).collect()
}

#[test]
fn what_is_wrong_in_policies_is_said_with_its_place() {
    for (text, expected) in [
        ("{}", vec!["1:1 a list of policies is expected, not a map"]),
        ("[7]", vec!["1:2 a policy is a map, not a number"]),
        // It may be for a role on the page.
        ("[{name: a, fields: {actor.user.uid: mask}}]", vec![]),
        (
            "[{name: a, topics: [t], feilds: {}}]",
            vec!["1:2 a policy without fields", "1:25 unknown key `feilds`"],
        ),
        (
            "[{name: a, topics: [t], fields: {actor.user.uidd: mask, time: drop, api: mask, metadata.uid: mask}}]",
            vec![
                "1:34 unknown field `actor.user.uidd`",
                "1:57 `time` cannot be hidden: readers need it, and it names nobody",
                "1:69 `api` cannot be hidden: readers need it, and it names nobody",
                "1:80 `metadata.uid` cannot be hidden: readers need it, and it names nobody",
            ],
        ),
        (
            "[{name: a, topics: [t], fields: {actor.user.uid: hash}}]",
            vec!["1:50 `hash` is not what can become of a field"],
        ),
        (
            "- {name: a, topics: [t], sinks: [s], fields: {actor.user.uid: mask}}\n- {name: a, topics: [t], sinks: [s], fields: {actor.user.uid: mask}}",
            vec![
                "2:10 a second policy `a`; the first is in line 1",
                "2:22 `t` has a policy already, in line 1",
                "2:34 `s` has a policy already, in line 1",
            ],
        ),
    ] {
        assert_eq!(problems(text), expected, "{text}");
    }
}
