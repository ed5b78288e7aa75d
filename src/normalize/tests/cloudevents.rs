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
    let event = event_of(&record, Catalogs::NONE, None).unwrap();
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
    let error = event_of(&record, Catalogs::NONE, None).unwrap_err();
    assert_eq!(error.reason(), "duplicate_key");
    record.headers.pop();
    record.headers.push(Header {
        name: "ce_extra",
        value: Some(b"\xff"),
    });
    let error = event_of(&record, Catalogs::NONE, None).unwrap_err();
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
    let error = event_of(&record, Catalogs::NONE, None).unwrap_err();
    assert_eq!(error.reason(), "unrecognized");

    record.headers[1] = header("ce_id", "1");
    record.headers.extend([
        header("ce_subject", ""),
        header("ce_time", "soon"),
        header("ce_partitionkey", "ü"),
    ]);
    let event = event_of(&record, Catalogs::NONE, None).unwrap();
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
    let error = event_of(&record, Catalogs::NONE, None).unwrap_err();
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
        let event = event_of(&record, Catalogs::NONE, None).unwrap();
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
    let event = event_of(&record, Catalogs::NONE, None).unwrap();
    assert_eq!(event.metadata.uid.as_deref(), Some("a1"));
}

#[test]
fn a_cloud_event_of_unknown_origin_is_kept() {
    let text =
        r#"{"specversion":"1.0","id":"1","source":"/s","type":"com.example.done","data":[null]}"#;
    let event = normal(text);
    assert_eq!(event.class, &API_ACTIVITY);
    assert_eq!(event.api.operation, "com.example.done");
    assert_eq!(event.metadata.dialect.logsource_product, "cloudevents");
    assert_eq!(event.user.name.as_deref(), Some("unknown"));
    assert_eq!(event.activity, Activity::Other);
    assert!(!event.known_method);
    assert!(stays(&event, &["data"]));
}

/// What is asked of an event in the tests below.
fn told<'e>(event: &'e AuditEvent<'_>) -> [Option<&'e str>; 4] {
    let (metadata, user) = (&event.metadata, &event.user);
    [
        Some(&event.api.operation),
        user.uid.as_deref(),
        metadata.uid.as_deref(),
        metadata.source.as_deref(),
    ]
}

fn labels<'e>(event: &'e AuditEvent<'_>) -> Vec<&'e str> {
    let labels = event.metadata.labels.iter().map(|label| &**label);
    labels
        .filter(|label| label.starts_with("cloudevents:"))
        .collect()
}

fn kept<'e>(event: &'e AuditEvent<'_>) -> Vec<(&'e str, &'e str)> {
    let attributes = event.unmapped.attributes.iter();
    attributes
        .map(|(name, value)| (&**name, &**value))
        .collect()
}

/// A whole event in structured mode.
const WHOLE: &str = r#"{"specversion":"1.0","id":"e1","source":"crn:///kafka=X","type":"io.confluent.kafka.server/authorization","subject":"s","data":{"methodName":"kafka.CreateTopics","authenticationInfo":{"principal":"User:alice"}}}"#;
const OF_WHOLE: [Option<&str>; 4] = [
    Some("kafka.CreateTopics"),
    Some("alice"),
    Some("e1"),
    Some("crn:///kafka=X"),
];

#[test]
fn a_value_that_is_a_whole_event_is_read_as_one_whatever_the_headers_say() {
    let same = [
        header("ce_specversion", "1.0"),
        header("ce_id", "e1"),
        header("ce_source", "crn:///kafka=X"),
        header("ce_type", "io.confluent.kafka.server/authorization"),
        header("ce_subject", "s"),
    ];
    let types = [
        None,
        Some("application/json"),
        Some("application/json; charset=utf-8"),
        Some(" Application/CloudEvents+JSON;charset=UTF-8"),
        Some("application/cloudevents-batch+json"),
        Some("text/plain"),
    ];
    let mut record = record(Some(WHOLE.as_bytes()));
    for content_type in types {
        record.headers = same.to_vec();
        record
            .headers
            .extend(content_type.map(|value| header("content-type", value)));
        let event = event_of(&record, Catalogs::NONE, None).unwrap();
        assert_eq!(told(&event), OF_WHOLE, "{content_type:?}");
        assert!(labels(&event).is_empty() && kept(&event).is_empty());
    }
}

#[test]
fn headers_that_say_something_else_are_kept_and_the_event_is_labelled() {
    let mut record = record(Some(WHOLE.as_bytes()));
    record.headers = vec![
        header("ce_specversion", "1.0"),
        header("CE_Id", "other"),
        header("ce_type", "com.example.forwarded"),
        header("ce_traceparent", "00-7"),
        header("ce_time", "2026-03-14T09:26:53Z"),
    ];
    let event = event_of(&record, Catalogs::NONE, None).unwrap();
    assert_eq!(told(&event), OF_WHOLE);
    assert_eq!(labels(&event), ["cloudevents:headers_differ"]);
    assert_eq!(
        kept(&event),
        [
            ("CE_Id", "other"),
            ("ce_type", "com.example.forwarded"),
            ("ce_traceparent", "00-7")
        ]
    );
    // What the value does not say.
    let time = event.metadata.original_time.as_deref();
    assert_eq!(time, Some("2026-03-14T09:26:53Z"));
    // A header that is no text takes nothing from the event.
    record.headers = vec![Header {
        name: "ce_id",
        value: Some(b"\xffx"),
    }];
    let event = event_of(&record, Catalogs::NONE, None).unwrap();
    assert_eq!(told(&event), OF_WHOLE);
    assert_eq!(kept(&event), [("ce_id", "\u{fffd}x")]);
}

#[test]
fn an_event_that_another_one_carries_is_the_one_to_tell_of() {
    let wrap = |inner: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"w","source":"/w","type":"com.example.forwarded","data":{inner}}}"#
        )
    };
    let (once, twice) = (wrap(WHOLE), wrap(&wrap(WHOLE)));
    for text in [&once, &twice] {
        let event = normal(text);
        assert_eq!(told(&event), OF_WHOLE);
        assert_eq!(labels(&event), ["cloudevents:wrapped"]);
        assert!(stays(&event, &["type"]));
    }
    // In binary mode the headers are the wrapping.
    let mut record = record(Some(once.as_bytes()));
    record.headers = vec![
        header("content-type", "application/json"),
        header("ce_specversion", "1.0"),
        header("ce_id", "w"),
        header("ce_source", "/w"),
        header("ce_type", "com.example.forwarded"),
    ];
    let event = event_of(&record, Catalogs::NONE, None).unwrap();
    assert_eq!(told(&event), OF_WHOLE);
    let all = ["cloudevents:wrapped", "cloudevents:headers_differ"];
    assert_eq!(labels(&event), all);
    // What the carried event lacks is told by the one around it.
    let bare = wrap(r#"{"data":{"methodName":"M","authenticationInfo":{"principal":"User:a"}}}"#);
    let event = normal(&bare);
    assert_eq!(told(&event), [Some("M"), Some("a"), Some("w"), Some("/w")]);
}

#[test]
fn a_payload_beside_headers_is_binary_whatever_its_content_type() {
    let data = r#"{"methodName":"M","authenticationInfo":{"principal":"User:a"}}"#;
    let mut record = record(Some(data.as_bytes()));
    for content_type in ["application/json", "application/cloudevents+json", "x"] {
        record.headers = vec![
            header("Content-Type", content_type),
            header("CE_SPECVERSION", "1.0"),
            header("Ce_Id", "1"),
            header("ce_Source", "/s"),
            header("cE_type", "io.confluent.cloud/request"),
        ];
        let event = event_of(&record, Catalogs::NONE, None).unwrap();
        assert_eq!(told(&event), [Some("M"), Some("a"), Some("1"), Some("/s")]);
        let kept = kept(&event);
        assert_eq!(
            kept,
            [("datacontenttype", content_type), ("SPECVERSION", "1.0")]
        );
    }
}

#[test]
fn an_attribute_in_two_headers_is_a_dead_letter_that_names_both() {
    for (first, second) in [("ce_id", "ce_id"), ("ce_id", "CE_ID"), ("ce_x", "ce__X")] {
        for value in [WHOLE, r#"{"methodName":"M"}"#] {
            let mut record = record(Some(value.as_bytes()));
            record.headers = vec![
                header(first, "1"),
                header("ce_type", "t"),
                header(second, "1"),
            ];
            let error = event_of(&record, Catalogs::NONE, None).unwrap_err();
            assert_eq!(error.reason(), "duplicate_key");
            let text = error.to_string();
            assert!(text.contains(first) && text.contains(second), "{text}");
        }
    }
    for (first, second) in [
        ("content-type", "Content-Type"),
        ("content-type", "ce_datacontenttype"),
    ] {
        let mut record = record(Some(br#"{"methodName":"M"}"#));
        record.headers = vec![
            header(first, "1"),
            header("ce_type", "t"),
            header(second, "1"),
        ];
        let error = event_of(&record, Catalogs::NONE, None).unwrap_err();
        assert_eq!(error.reason(), "duplicate_key", "{second}");
    }
    let mut record = record(Some(br#"{"methodName":"M"}"#));
    record.headers = vec![header("ce_type", "t"), header("ce_data", "x")];
    let error = event_of(&record, Catalogs::NONE, None).unwrap_err();
    assert_eq!(error.reason(), "duplicate_key");
    // As many as a record may hold, each once.
    let names: Vec<String> = (0..40_000).map(|number| format!("ce_x{number}")).collect();
    record.headers = names.iter().map(|name| header(name, "1")).collect();
    record
        .headers
        .push(header("ce_type", "io.confluent.cloud/request"));
    let event = event_of(&record, Catalogs::NONE, None).unwrap();
    assert_eq!(event.unmapped.attributes.len(), 40_000);
}
