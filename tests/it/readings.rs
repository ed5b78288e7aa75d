//! Events that JSON parsers read differently: through the whole pipeline they stay events, rules detect them,
//! and every JSON parser accepts the outputs.

use serde_json::Value;
use watchbell::alert::SENSITIVE_DEAD_LETTER;
use watchbell::event::{Header, OutputBuffer, OutputRecord};
use watchbell::pipeline::{Outcome, Pipeline, RaisedAlert};
use watchbell::sigma::Level;

use crate::pipeline::{NOW_MS, pipeline_with, record};

/// An event of Confluent's: the method, what was sent, and more members of `data`.
fn event(method: &str, request: &str, more: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"e1","source":"crn://confluent.cloud/","type":"io.confluent.cloud/request","time":"2026-03-14T09:26:53Z","data":{{"methodName":"{method}","authenticationInfo":{{"principal":{{"confluentUser":{{"resourceId":"u-1ab2cd"}}}}}},"requestMetadata":{{"requestId":["r1"],"clientAddress":[{{"ip":"198.51.100.7"}}]}},"request":{{"accessType":"MODIFICATION","data":{request}}},"result":{{"status":"SUCCESS"}}{more}}}}}"#
    )
}

fn process(pipeline: &Pipeline, value: &str) -> (Outcome, Vec<OutputRecord>) {
    let mut out = OutputBuffer::default();
    let outcome = pipeline
        .begin()
        .process(&record(Some(value.as_bytes())), NOW_MS, &mut out);
    (outcome, out.to_records())
}

fn text(output: &OutputRecord) -> &str {
    std::str::from_utf8(output.value.as_deref().unwrap()).unwrap()
}

/// The event and its alerts; each is valid OCSF to a parser that knows doubles only.
fn outputs(value: &str) -> Vec<(String, Value)> {
    let (outcome, outputs) = process(&pipeline_with("", 1_000_000), value);
    assert!(
        matches!(outcome, Outcome::Event { .. }),
        "{outcome:?} {value}"
    );
    let read = outputs.iter().map(|output| {
        let parsed: Value = serde_json::from_str(text(output)).unwrap();
        crate::ocsf::validate(&parsed);
        (text(output).to_owned(), parsed)
    });
    read.collect()
}

fn labels(event: &Value) -> Vec<&str> {
    let labels = event["metadata"]["labels"].as_array().unwrap();
    labels
        .iter()
        .filter_map(Value::as_str)
        .filter(|label| label.starts_with("json:"))
        .collect()
}

fn rules(outputs: &[(String, Value)]) -> Vec<&str> {
    let alerts = outputs[1..].iter();
    alerts
        .map(|(_, alert)| alert["finding_info"]["analytic"]["name"].as_str().unwrap())
        .collect()
}

#[test]
fn a_granted_admin_role_alerts_in_any_reading_of_the_names() {
    for names in [
        r#""role_name":"OrganizationAdmin""#,
        r#""role_name":"DeveloperRead","role_name":"OrganizationAdmin""#,
        r#""role_name":"OrganizationAdmin","role_name":"DeveloperRead""#,
        r#""roleName":"OrganizationAdmin","role_name":"DeveloperRead""#,
        r#""role_name":"DeveloperRead","Role_Name":"OrganizationAdmin""#,
        r#""role_name":"DeveloperRead","role_\u006eame":"OrganizationAdmin""#,
        r#""spec":{"role_name":"DeveloperRead"},"spec":{"role_name":"OrganizationAdmin"}"#,
        r#""spec":{"role_name":"DeveloperRead"},"spec.role_name":"OrganizationAdmin""#,
    ] {
        let request = format!(r#"{{"principal":"User:u-9",{names}}}"#);
        let outputs = outputs(&event("BindRoleForPrincipal", &request, ""));
        // The rules about lesser roles leave this role out, and an event of two readings is of both.
        let rules = rules(&outputs);
        assert!(
            rules.contains(&"Administrator role granted"),
            "{names}: {rules:?}"
        );
        // All of it goes on as it came, also within the alert.
        for (written, _) in &outputs {
            assert!(written.contains(&request), "{written}");
        }
        let why = outputs[1..]
            .iter()
            .map(|(_, alert)| alert["unmapped"]["why"].to_string());
        let why: String = why.collect();
        assert!(
            why.contains("api.request.roles = OrganizationAdmin"),
            "{why}"
        );
    }
}

#[test]
fn a_filter_that_only_one_reading_satisfies_hides_nothing() {
    let scratch = "workspace-2026-03-14-092653";
    for request in [
        format!(r#"{{"StatementName":"{scratch}","statement_name":"orders"}}"#),
        format!(r#"{{"StatementName":"orders","StatementName":"{scratch}"}}"#),
    ] {
        let outputs = outputs(&event("DeleteStatement", &request, ""));
        assert_eq!(labels(&outputs[0].1), ["json:repeated_names"]);
        let rules = rules(&outputs);
        assert!(rules.contains(&"Flink statement deleted"), "{rules:?}");
    }
}

#[test]
fn values_that_many_parsers_refuse_hide_no_deletion() {
    let surrogate = "json:surrogate_as_text";
    let number = "json:number_as_text";
    let long = "1".repeat(10_000);
    let cases = [
        (
            r#"{"label":"cut \ud83d"}"#.to_owned(),
            r#"{"label":"cut \\ud83d"}"#.to_owned(),
            vec![surrogate],
        ),
        (
            r#"{"\uDE00":["\ud83d\ude00"]}"#.to_owned(),
            r#"{"\\uDE00":["\ud83d\ude00"]}"#.to_owned(),
            vec![surrogate],
        ),
        (
            r#"{"x":1e999,"y":[-1e999]}"#.to_owned(),
            r#"{"x":"1e999","y":["-1e999"]}"#.to_owned(),
            vec![number],
        ),
        (
            format!(r#"{{"x":{long}}}"#),
            format!(r#"{{"x":"{long}"}}"#),
            vec![number],
        ),
        (
            r#"{"a\ud83d":1,"a\\ud83d":1e999}"#.to_owned(),
            r#"{"a\\ud83d":1,"a\\ud83d":"1e999"}"#.to_owned(),
            vec!["json:repeated_names", surrogate, number],
        ),
        (
            r#"{"x":[-0,1e-999,18446744073709551616,"\u0000","\uffff"]}"#.to_owned(),
            r#"{"x":[-0,1e-999,18446744073709551616,"\u0000","\uffff"]}"#.to_owned(),
            vec![],
        ),
    ];
    for (request, written, expected) in cases {
        let outputs = outputs(&event("DeleteKafkaCluster", &request, ""));
        assert_eq!(labels(&outputs[0].1), expected, "{request}");
        assert_eq!(rules(&outputs), ["Kafka cluster deleted"]);
        for (output, _) in &outputs {
            assert!(output.contains(&written), "{output}");
        }
    }
}

#[test]
fn half_a_surrogate_pair_in_the_envelope_is_text_as_anywhere() {
    let whole = event("DeleteKafkaCluster", "{\"a\":1}", "");
    let with = |from: &str, to: &str| whole.replacen(from, to, 1);
    let outputs = outputs(&with(
        "\"id\":\"e1\"",
        "\"id\":\"e\\ud83d\",\"ext\\ude00\":1e999",
    ));
    let (event, alert) = (&outputs[0].1, &outputs[1].1);
    assert_eq!(event["metadata"]["uid"], "e\\ud83d");
    assert_eq!(event["unmapped"]["ext\\ude00"], "1e999");
    assert_eq!(
        alert["finding_info"]["related_events"][0]["uid"],
        "e\\ud83d"
    );
    let (_, outputs) = process(
        &pipeline_with("", 1_000_000),
        &with("DeleteKafkaCluster", "Delete\\ud83dKafkaCluster"),
    );
    assert!(text(&outputs[0]).contains(r#""operation":"Delete\\ud83dKafkaCluster""#));
    // A byte order mark is ignored.
    let marked = process(&pipeline_with("", 1_000_000), &format!("\u{feff}{whole}"));
    assert_eq!(marked, process(&pipeline_with("", 1_000_000), &whole));
}

#[test]
fn a_dead_letter_has_the_unchanged_record() {
    let value = event(
        "DeleteKafkaCluster",
        r#"{"x":1e999,"y":"\ud83d"}"#,
        r#","Result":{}"#,
    );
    let (outcome, outputs) = process(&pipeline_with("", 1_000_000), &value);
    // It names the deletion of a cluster.
    let alerts = vec![RaisedAlert::new(SENSITIVE_DEAD_LETTER.id, Level::Critical)];
    let reason = "duplicate_key";
    assert_eq!(outcome, Outcome::DeadLetter { reason, alerts });
    assert_eq!(text(&outputs[0]), value);
    let detail = outputs[0]
        .headers
        .iter()
        .find(|(name, _)| name == "watchbell-detail");
    let detail = String::from_utf8(detail.unwrap().1.clone().unwrap()).unwrap();
    assert!(
        detail.contains("\"result\"") && detail.contains("\"Result\""),
        "{detail}"
    );
}

#[test]
fn a_whole_event_beside_headers_without_a_content_type_has_its_actor() {
    let value = event("DeleteKafkaCluster", "{\"a\":1}", "");
    let mut record = record(Some(value.as_bytes()));
    record.headers = ["ce_specversion", "ce_id", "ce_source", "ce_type"]
        .map(|name| Header {
            name,
            value: Some(b"1.0"),
        })
        .to_vec();
    let mut out = OutputBuffer::default();
    pipeline_with("", 1_000_000)
        .begin()
        .process(&record, NOW_MS, &mut out);
    let outputs = out.to_records();
    let event: Value = serde_json::from_str(text(&outputs[0])).unwrap();
    crate::ocsf::validate(&event);
    assert_eq!(event["actor"]["user"]["uid"], "u-1ab2cd");
    assert_eq!(event["metadata"]["uid"], "e1");
    assert_eq!(event["unmapped"]["ce_id"], "1.0");
    let labels = event["metadata"]["labels"].to_string();
    assert!(labels.contains("cloudevents:headers_differ"), "{labels}");
    assert_eq!(outputs.len(), 2);
}
