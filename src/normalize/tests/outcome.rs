//! Whether it worked, as the events say it.

use super::*;

/// Status, code and the labels that are not the method's, of an event of this type and payload.
fn outcome(kind: &str, data: &str) -> String {
    let text = format!(
        r#"{{"specversion":"1.0","id":"e1","source":"crn:///kafka=k","time":"2026-03-14T09:26:53Z",
            "type":"io.confluent.kafka.server/{kind}","data":{{"methodName":"x",{data}}}}}"#
    );
    let event = normal(&text);
    let labels = event.metadata.labels.iter();
    let labels = labels.filter(|label| **label != "method:unknown");
    let labels: Vec<&str> = labels.map(|label| &**label).collect();
    let code = event.status_code.as_deref().unwrap_or("-");
    format!("{} {code} {}", event.status.name(), labels.join(" "))
}

#[test]
fn a_login_says_success_or_failure_in_whatever_word() {
    let login = |word: &str| {
        outcome(
            "authentication",
            &format!(r#""result":{{"status":{word}}}"#),
        )
    };
    for (word, expected) in [
        (r#""SUCCESS""#, "Success SUCCESS "),
        (r#""FAILURE""#, "Failure FAILURE "),
        (r#""UNAUTHENTICATED""#, "Failure UNAUTHENTICATED "),
        (r#""UNKNOWN_USER_DENIED""#, "Failure UNKNOWN_USER_DENIED "),
        (
            r#""USER_LOCKED_DENIED""#,
            "Failure USER_LOCKED_DENIED status:inferred",
        ),
        (r#""NO_ERROR""#, "Success NO_ERROR status:inferred"),
        (r#""BREWING""#, "Unknown BREWING status:inferred"),
        (r#""UNSET""#, "Unknown UNSET "),
        ("401", "Failure 401 status:inferred"),
        ("200", "Success 200 status:inferred"),
        ("true", "Success - "),
        ("false", "Failure - "),
        ("null", "Unknown - "),
    ] {
        assert_eq!(login(word), expected, "{word}");
    }
}

#[test]
fn two_statements_about_one_check_that_contradict_each_other_are_a_failure() {
    let contradictory = [
        (
            "authentication",
            r#""result":{"status":"SUCCESS"},"authenticationInfo":{"result":"FAILURE"}"#,
            "FAILURE",
        ),
        (
            "authentication",
            r#""result":{"status":"FAILURE"},"authenticationInfo":{"result":"SUCCESS"}"#,
            "FAILURE",
        ),
        (
            "authentication",
            r#""result":{"status":"SUCCESS"},"authorizationInfo":{"result":"DENY"}"#,
            "DENY",
        ),
        (
            "authentication",
            r#""authenticationInfo":{"result":"SUCCESS"},"authorizationInfo":{"granted":false}"#,
            "-",
        ),
        (
            "authorization",
            r#""authorizationInfo":{"result":"DENY","granted":true}"#,
            "DENY",
        ),
        (
            "authorization",
            r#""authorizationInfo":{"granted":false},"result":{"status":"SUCCESS"}"#,
            "-",
        ),
    ];
    for (kind, data, code) in contradictory {
        let expected = format!("Failure {code} status:contradictory");
        assert_eq!(outcome(kind, data), expected, "{data}");
    }
}

#[test]
fn permitted_and_failed_is_an_ordinary_failure() {
    let data = r#""authorizationInfo":{"granted":true},"result":{"status":"NOT_FOUND"}"#;
    for kind in ["request", "authorization"] {
        assert_eq!(outcome(kind, data), "Failure NOT_FOUND status:inferred");
    }
    let login = r#""authorizationInfo":{"granted":true},"result":{"status":"FAILURE"}"#;
    assert_eq!(outcome("authentication", login), "Failure FAILURE ");
}

#[test]
fn a_request_that_was_done_although_it_was_denied_counts_as_done() {
    let data = r#""authorizationInfo":{"result":"DENY"},"result":{"status":"SUCCESS"}"#;
    let expected = "Success SUCCESS status:contradictory";
    assert_eq!(outcome("request", data), expected);
    let denied = r#""authorizationInfo":{"result":"DENY"},"result":{"status":"UNSET"}"#;
    assert_eq!(outcome("request", denied), "Failure DENY ");
}

#[test]
fn a_decision_is_a_word_or_a_boolean() {
    let check = |info: &str| outcome("authorization", &format!(r#""authorizationInfo":{info}"#));
    assert_eq!(
        check(r#"{"granted":"true"}"#),
        "Success true status:inferred"
    );
    assert_eq!(check(r#"{"granted":false}"#), "Failure - ");
    assert_eq!(
        check(r#"{"result":"REJECTED"}"#),
        "Failure REJECTED status:inferred"
    );
    assert_eq!(
        check(r#"{"result":"ALLOW","granted":true}"#),
        "Success ALLOW "
    );
}

#[test]
fn a_policy_that_nobody_documented_is_named_by_its_member() {
    let event = normal(
        r#"{"data":{"methodName":"x","authorizationInfo":{"result":"DENY","operation":"Read",
            "rbacAuthorization":null,"networkPolicyAuthorization":{"role":"edge"},
            "mfaAuthorization":true,"otherAuthorization":false}}}"#,
    );
    let policies = event.authorizations.iter();
    let shown: Vec<_> = policies
        .map(|policy| {
            let parts = [&policy.policy_kind, &policy.policy_name, &policy.decision];
            parts.map(|part| part.as_deref().unwrap_or("-")).join(" ")
        })
        .collect();
    assert_eq!(shown, ["NETWORK_POLICY edge DENY", "MFA - DENY"]);
    assert!(event.metadata.labels.contains(&"policy:inferred".into()));
}

#[test]
fn a_method_that_no_catalogue_has_is_labelled_by_the_events_own_word_for_its_access() {
    let labels = |request: &str| {
        let text = format!(
            r#"{{"specversion":"1.0","id":"e1","source":"crn://confluent.cloud/","type":"t",
                "time":"2026-03-14T09:26:53Z","data":{{"methodName":"x","request":{request}}}}}"#
        );
        let event = normal(&text);
        let labels: Vec<&str> = event.metadata.labels.iter().map(|label| &**label).collect();
        assert!(request == "{}" || stays(&event, &["data", "request"]));
        labels.join(" ")
    };
    for (request, expected) in [
        (
            r#"{"accessType":"MODIFICATION"}"#,
            "method:unknown access:write",
        ),
        (
            r#"{"accessType":"READ_ONLY"}"#,
            "method:unknown access:read",
        ),
        (
            r#"{"access_type":"read_only"}"#,
            "method:unknown access:read",
        ),
        (r#"{"accessType":"UNKNOWN"}"#, "method:unknown"),
        (
            r#"{"accessType":"DELETION"}"#,
            "method:unknown access:write access:inferred",
        ),
        (r#"{"accessType":"EXECUTION"}"#, "method:unknown"),
        ("{}", "method:unknown"),
    ] {
        assert_eq!(labels(request), expected, "{request}");
    }
}

#[test]
fn a_login_to_a_service_that_no_catalogue_knows_is_a_login() {
    let class = |method: &str, kind: &str| {
        let text = format!(r#"{{"type":"{kind}","data":{{"methodName":"{method}"}}}}"#);
        normal(&text).class
    };
    let request = "io.confluent.cloud/request";
    for method in [
        "new-service.Authenticate",
        "kafka.Authentication",
        "SignIn",
        "login",
    ] {
        assert_eq!(class(method, request), &AUTHENTICATION, "{method}");
    }
    assert_eq!(class("LoginSettingsUpdate", request), &API_ACTIVITY);
    let folded = "io.confluent.kafka.server/Authentication";
    assert_eq!(class("x", folded), &AUTHENTICATION);
}
