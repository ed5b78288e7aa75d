//! What holds events: records of Simple Log Service, CloudEvents of EventBridge, pages and arrays.

use std::cell::OnceCell;

use super::*;
use crate::encode;
use crate::event::{Header, MAX_EVENTS_IN_RECORD};
use crate::normalize::container::MAX_COPIED_BYTES;

const EVENT: &str = r#"{"eventName":"StopInstance","serviceName":"Ecs","eventId":"1"}"#;

/// What a record holds, each as its event's id and what stands around it, or as the reason of its dead letter.
fn held(record: &RawRecord<'_>) -> Vec<String> {
    let mut found = Vec::new();
    collect(record, &Within::default(), &mut found);
    found
}

fn collect(record: &RawRecord<'_>, within: &Within<'_>, found: &mut Vec<String>) {
    let portable = OnceCell::new();
    let normalized = normalize(record, &portable, within, Catalogs::NONE, None);
    let container = match &normalized {
        Ok(Normalized::Event(event)) => {
            let mut out = Vec::new();
            encode::event(event, &mut out);
            let json: Value = serde_json::from_slice(&out).unwrap();
            let id = event.metadata.uid.as_deref().unwrap_or("-");
            return found.push(match json["unmapped"].get("container") {
                Some(container) => format!("{id} {container}"),
                None => id.to_owned(),
            });
        }
        Ok(Normalized::Container(container)) => container,
        Err(error) => return found.push(error.reason().to_owned()),
    };
    let within = match container.within(record, within) {
        Ok(within) => within,
        Err(error) => return found.push(error.reason().to_owned()),
    };
    for text in &container.events {
        collect(&container.record_of(record, text), &within, found);
    }
}

fn held_in(text: &str) -> Vec<String> {
    held(&record(Some(text.as_bytes())))
}

/// A text as a JSON string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[test]
fn a_record_of_simple_log_service_holds_its_event_as_an_object_or_as_text() {
    let text = quoted(EVENT);
    for (record, expected) in [
        (
            format!(r#"{{"__topic__":"t","event":{EVENT}}}"#),
            r#"1 {"__topic__":"t"}"#,
        ),
        (
            format!(r#"{{"__topic__":"t","event":{text}}}"#),
            r#"1 {"__topic__":"t"}"#,
        ),
        (
            format!(r#"{{"event":{text},"__time__":7}}"#),
            r#"1 {"__time__":7}"#,
        ),
        // Nothing but the event.
        (format!(r#"{{"event":{text}}}"#), "1"),
        (format!(r#"{{"event":{EVENT}}}"#), "1"),
        (
            r#"{"__topic__":"t","event":"<html>"}"#.to_owned(),
            "not_json",
        ),
        (r#"{"__topic__":"t","event":""}"#.to_owned(), "empty"),
        (r#"{"__topic__":"t","event":"[7"}"#.to_owned(), "not_json"),
        (r#"{"__topic__":"t","event":7}"#.to_owned(), "not_an_object"),
        (
            r#"{"__topic__":"t","event":{"a":1}}"#.to_owned(),
            "unrecognized",
        ),
        (r#"{"event":"hello"}"#.to_owned(), "unrecognized"),
        (r#"{"__topic__":"t"}"#.to_owned(), "unrecognized"),
        (
            format!(r#"{{"__topic__":"t","__topic__":"u","event":{text}}}"#),
            "duplicate_key",
        ),
        (
            format!(r#"{{"__topic__":"t","event":{text},"event":{text}}}"#),
            "duplicate_key",
        ),
    ] {
        assert_eq!(held_in(&record), [expected], "{record}");
    }
}

#[test]
fn the_time_of_a_log_record_is_used_if_neither_event_nor_record_has_one() {
    let of = |time: &str, event_time: &str, record_ms: Option<i64>| {
        let event = EVENT.replace('}', &format!(r#","eventTime":"{event_time}"}}"#));
        let text = format!(r#"{{"__topic__":"t","__time__":{time},"event":{event}}}"#);
        let mut record = record(Some(text.as_bytes()));
        record.timestamp_ms = record_ms;
        let portable = OnceCell::new();
        let normalized =
            normalize(&record, &portable, &Within::default(), Catalogs::NONE, None).unwrap();
        let Normalized::Container(container) = normalized else {
            panic!("no container");
        };
        let inner = RawRecord {
            value: Some(container.events[0].as_bytes()),
            timestamp_ms: record.timestamp_ms.or(container.timestamp_ms),
            ..record.clone()
        };
        event_of(&inner, Catalogs::NONE, None).unwrap().time_ms
    };
    assert_eq!(of("1773480413", "", None), 1_773_480_413_000);
    assert_eq!(of("\"1773480413\"", "", None), 1_773_480_413_000);
    assert_eq!(of("1773480413", "", Some(RECORD_MS)), RECORD_MS);
    // The event's own time is used, whatever the other one is.
    for time in ["1773480413", "1000000000", "0", "-1", "1773480413000"] {
        let found = of(time, "2026-03-14T09:00:00Z", None);
        assert_eq!(found, 1_773_478_800_000, "{time}");
    }
    assert_eq!(of("1000000000", "2099", None), 1_000_000_000_000);
    for time in [
        "\"now\"",
        "1.5",
        "null",
        "0",
        "-1",
        "1773480413000",
        "\"1773480413000\"",
        "99999999999999999999",
        "9223372036854775807",
    ] {
        assert_eq!(of(time, "", None), 0, "{time}");
    }
}

#[test]
fn a_cloud_event_around_an_event_is_kept_beside_it_in_either_mode() {
    let attributes =
        r#""specversion":"1.0","id":"ce","source":"acs.ecs","type":"ecs:ActionTrail:ApiCall""#;
    let text = format!(r#"{{{attributes},"aliyunregionid":"cn-shanghai","data":{EVENT}}}"#);
    let [found] = &held_in(&text)[..] else {
        panic!("not one event");
    };
    let (id, around) = found.split_once(' ').unwrap();
    let around: Value = serde_json::from_str(around).unwrap();
    assert_eq!(id, "1");
    assert_eq!(around["id"], "ce");
    assert_eq!(around["aliyunregionid"], "cn-shanghai");

    let header = |name, value: &'static [u8]| Header {
        name,
        value: Some(value),
    };
    let mut binary = record(Some(EVENT.as_bytes()));
    binary.headers = vec![
        header("ce_specversion", b"1.0"),
        header("ce_id", b"ce"),
        header("ce_aliyunregionid", b"cn-shanghai"),
        header("content-type", b"application/json"),
    ];
    let event = event_of(&binary, Catalogs::NONE, None).unwrap();
    assert_eq!(event.metadata.uid.as_deref(), Some("1"));
    let kept = event.unmapped.attributes.iter();
    let kept: Vec<_> = kept
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let expected = [
        "ce_specversion=1.0",
        "ce_id=ce",
        "ce_aliyunregionid=cn-shanghai",
        "datacontenttype=application/json",
    ];
    assert_eq!(kept, expected);

    binary.headers.push(header("Content-Type", b"text/plain"));
    assert_eq!(held(&binary), ["duplicate_key"]);
    binary.headers.pop();
    binary.headers.push(header("ce_subject", b"\xff"));
    assert_eq!(held(&binary), ["not_utf8"]);
}

#[test]
fn a_valid_time_of_an_event_is_used_though_its_log_record_says_another_one() {
    let event = |text: &str| EVENT.replace('}', &format!(r#","eventTime":"{text}"}}"#));
    let valid = event("2026-03-14T09:00:00Z");
    for (held, expected) in [
        (valid.clone(), None),
        (quoted(&valid), None),
        (quoted(&format!("[{EVENT},{valid}]")), None),
        (quoted(EVENT), Some(1_000_000_000_000)),
        (quoted(&event("soon")), Some(1_000_000_000_000)),
        (quoted("{"), Some(1_000_000_000_000)),
    ] {
        let text = format!(r#"{{"__time__":"1000000000","event":{held}}}"#);
        let mut record = record(Some(text.as_bytes()));
        record.timestamp_ms = None;
        let portable = OnceCell::new();
        let normalized =
            normalize(&record, &portable, &Within::default(), Catalogs::NONE, None).unwrap();
        let Normalized::Container(container) = normalized else {
            panic!("no container");
        };
        assert_eq!(container.timestamp_ms, expected, "{text}");
    }
}

#[test]
fn a_cloud_event_of_actiontrail_without_an_event_is_refused() {
    let with = |kind: &str, source: &str, data: &str| {
        format!(r#"{{"specversion":"1.0","id":"ce","source":"{source}","type":"{kind}",{data}}}"#)
    };
    let of = |data: &str| with("ecs:ActionTrail:ApiCall", "acs.ecs", data);
    let ids = |record: &str| -> Vec<String> {
        let found = held_in(record).into_iter();
        let first = |text: String| text.split(' ').next().unwrap().to_owned();
        found.map(first).collect()
    };
    let no_name = r#"{"serviceName":"Ecs","eventType":"ApiCall"}"#;
    let logged = format!(r#"{{"__topic__":"t","event":{EVENT}}}"#);
    let other = r#"{"specversion":"1.0","id":"2","source":"s","type":"t","data":{}}"#;
    for (data, expected) in [
        (EVENT.to_owned(), "1"),
        (quoted(EVENT), "1"),
        (format!("[{EVENT}]"), "1"),
        (quoted(&format!("[{EVENT}]")), "1"),
        (no_name.to_owned(), "wrong_type"),
        (quoted(no_name), "unrecognized"),
        ("7".to_owned(), "wrong_type"),
        ("null".to_owned(), "wrong_type"),
        ("{}".to_owned(), "wrong_type"),
        ("[]".to_owned(), "no_events"),
        (quoted("hello"), "not_json"),
        (quoted(other), "nested"),
        (logged, "nested"),
        (format!(r#"{{"Events":[{EVENT}]}}"#), "1"),
        (
            format!(r#"{{"Events":[{EVENT}],"NextToken":"n"}}"#),
            "nested",
        ),
        (of(&format!(r#""data":{EVENT}"#)), "nested"),
    ] {
        let record = of(&format!(r#""data":{data}"#));
        assert_eq!(ids(&record), [expected], "{record}");
    }
    let base64 = r#""data_base64":"e30=""#;
    assert_eq!(ids(&of(base64)), ["wrong_type"]);
    for (kind, source) in [
        ("x", "acs.actiontrail"),
        ("x", "ACS.ActionTrail"),
        ("a:actiontrail:b", "s"),
    ] {
        assert_eq!(ids(&with(kind, source, base64)), ["wrong_type"], "{kind}");
    }
    // What another producer writes is kept as it is.
    for (kind, source) in [("ActionTrail", "s"), ("a:ActionTrails:b", "acs.ecs")] {
        assert_eq!(ids(&with(kind, source, base64)), ["ce"], "{kind}");
    }
    let error = event_of(&record(Some(of(base64).as_bytes())), Catalogs::NONE, None).unwrap_err();
    assert_eq!(error.to_string(), "data is not an event of ActionTrail");

    let header = |name, value: &'static [u8]| Header {
        name,
        value: Some(value),
    };
    for text in [no_name, "[]", "7", "{}"] {
        let mut binary = record(Some(text.as_bytes()));
        binary.headers = vec![
            header("ce_specversion", b"1.0"),
            header("ce_id", b"ce"),
            header("ce_source", b"acs.ecs"),
            header("ce_type", b"ecs:ActionTrail:ApiCall"),
        ];
        assert_eq!(held(&binary), ["wrong_type"], "{text}");
    }
}

#[test]
fn a_page_or_an_array_holds_an_event_for_each_element_in_order() {
    let second = EVENT.replace("\"1\"", "\"2\"");
    for (text, expected) in [
        (format!("[{EVENT},{second}]"), vec!["1", "2"]),
        (
            format!(r#"{{"Events":[{EVENT},{second}]}}"#),
            vec!["1", "2"],
        ),
        (
            format!(r#"{{"events":[{EVENT}],"NextToken":"n"}}"#),
            vec![r#"1 {"NextToken":"n"}"#],
        ),
        (
            format!(r#"[7,{EVENT},null,{{}},[],{second}]"#),
            vec![
                "not_an_object",
                "1",
                "not_an_object",
                "unrecognized",
                "no_events",
                "2",
            ],
        ),
        (
            format!(
                r#"[{{"__topic__":"t","event":{}}},{second}]"#,
                quoted(EVENT)
            ),
            vec![r#"1 {"__topic__":"t"}"#, "2"],
        ),
        (
            format!(
                r#"{{"__topic__":"t","event":{}}}"#,
                quoted(&format!("[{EVENT},{second}]"))
            ),
            vec![r#"1 {"__topic__":"t"}"#, r#"2 {"__topic__":"t"}"#],
        ),
        ("[]".to_owned(), vec!["no_events"]),
        (r#"{"Events":[]}"#.to_owned(), vec!["no_events"]),
        ("[7,null]".to_owned(), vec!["not_an_object"]),
        (r#"{"Events":{}}"#.to_owned(), vec!["unrecognized"]),
        (format!("[{EVENT}"), vec!["not_json"]),
        (
            format!(r#"{{"Events":[{EVENT}],"Events":[]}}"#),
            vec!["duplicate_key"],
        ),
    ] {
        assert_eq!(held_in(&text), expected, "{text}");
    }
}

#[test]
fn nested_lists_and_wrappers_are_refused_each_by_itself() {
    let log_record = |event: &str| format!(r#"{{"__topic__":"t","event":{event}}}"#);
    for (text, expected) in [
        (format!("[[{EVENT}],{EVENT}]"), vec!["nested", "1"]),
        (format!("[[{EVENT}]]"), vec!["nested"]),
        (format!(r#"{{"Events":[[{EVENT}]]}}"#), vec!["nested"]),
        (log_record(&format!("[[{EVENT}]]")), vec!["nested"]),
        (
            log_record(&quoted(
                r#"{"specversion":"1.0","id":"2","source":"s","type":"t"}"#,
            )),
            vec!["nested"],
        ),
        (
            format!(r#"[{{"Events":[{EVENT}]}},{EVENT}]"#),
            vec!["nested", "1"],
        ),
        (log_record(&log_record(EVENT)), vec!["nested"]),
        (log_record(&quoted(&log_record(EVENT))), vec!["nested"]),
        // What stands around both could not be told apart.
        (
            format!(r#"{{"Events":[{}],"NextToken":"n"}}"#, log_record(EVENT)),
            vec!["nested"],
        ),
        (
            format!(r#"{{"Events":[{}]}}"#, log_record(EVENT)),
            vec![r#"1 {"__topic__":"t"}"#],
        ),
    ] {
        assert_eq!(held_in(&text), expected, "{text}");
    }
}

#[test]
fn an_error_response_says_what_went_wrong() {
    let text = r#"{"RequestId":"8F2A","Code":"Throttling.User","Message":"Request was denied."}"#;
    let error = event_of(&record(Some(text.as_bytes())), Catalogs::NONE, None).unwrap_err();
    assert_eq!(error.reason(), "error_response");
    let said = "an error response and no events: Throttling.User: Request was denied.";
    assert_eq!(error.to_string(), said);
    assert_eq!(reason(r#"{"Code":"x","Message":"y"}"#), "unrecognized");
}

#[test]
fn a_list_of_10_000_events_is_read_and_a_longer_one_is_not() {
    let most = MAX_EVENTS_IN_RECORD as usize;
    let list = |count: usize| format!("[{}]", vec![EVENT; count].join(","));
    let found = held_in(&list(most));
    assert_eq!(found.len(), most);
    assert!(found.iter().all(|event| event == "1"));
    assert_eq!(held_in(&list(most + 1)), ["too_many_events"]);
}

#[test]
fn what_stands_around_a_list_is_copied_into_each_event_up_to_a_limit() {
    let page = |around: usize, count: usize| {
        let (around, events) = ("x".repeat(around), vec![EVENT; count].join(","));
        format!(r#"{{"RequestId":"{around}","Events":[{events}]}}"#)
    };
    for (around, count) in [
        (MAX_COPIED_BYTES / 100 - 30, 100),
        (2 * MAX_COPIED_BYTES, 1),
    ] {
        assert_eq!(held_in(&page(around, count)).len(), count);
    }
    let too_much = ["too_much_around_events"];
    assert_eq!(held_in(&page(MAX_COPIED_BYTES / 100, 100)), too_much);
    let within = Value::from(format!("[{}]", vec![EVENT; 100].join(",")));
    let topic = "x".repeat(MAX_COPIED_BYTES / 100);
    let record = format!(r#"{{"__topic__":"{topic}","event":{within}}}"#);
    assert_eq!(held_in(&record), too_much);
    let header = vec![b'x'; MAX_COPIED_BYTES / 100];
    let list = format!("[{}]", vec![EVENT; 100].join(","));
    let with_headers = RawRecord {
        headers: vec![Header {
            name: "trace",
            value: Some(&header),
        }],
        ..super::record(Some(list.as_bytes()))
    };
    assert_eq!(held(&with_headers), too_much);
}
