//! CloudEvents in binary mode, and of unknown origin.

use super::*;

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
    assert_eq!(event.metadata.dialect.logsource_product(), "cloudevents");
    assert_eq!(event.user.name.as_deref(), Some("unknown"));
    assert_eq!(event.activity, Activity::Other);
    assert!(!event.known_method);
    assert!(stays(&event, &["data"]));
}
