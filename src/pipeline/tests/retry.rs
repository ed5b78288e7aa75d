//! Dead letters through the pipeline again: what is written, what stays, and that nothing is written twice.

use serde_json::Value;

use super::routes::{deletion, routed};
use super::*;
use crate::route::NoisePolicy;

const READING: Reading = Reading {
    now_ms: NOW_MS,
    logged_ms: Some(NOW_MS - 7_200_000),
    history: false,
};

/// What becomes of a record, and the topics and values that are written.
fn retry(
    pipeline: &Pipeline,
    record: &RawRecord<'_>,
    missing: Option<&str>,
) -> (Retried, Vec<OutputRecord>) {
    let pipeline = pipeline.clone().retrying();
    let mut out = OutputBuffer::default();
    let retried = pipeline.begin().retry(record, missing, READING, &mut out);
    (retried, out.to_records())
}

fn topics(records: &[OutputRecord]) -> Vec<&str> {
    records.iter().map(|record| &*record.topic).collect()
}

fn value(record: &OutputRecord) -> Value {
    serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()
}

fn read(events: usize) -> Retried {
    Retried::Read {
        events,
        dead_letters: Vec::new(),
    }
}

#[test]
fn what_is_read_now_is_written_as_the_daemon_would_have_written_it_but_marked() {
    let pipeline = routed("[]", NoisePolicy::Keep);
    let deletion = deletion();
    let record = record(deletion.as_bytes());
    let (retried, written) = retry(&pipeline, &record, None);
    assert_eq!(retried, read(1));
    assert_eq!(topics(&written), ["events", "alerts"]);
    assert_eq!(header(&written[0], "watchbell-origin"), "retry");
    let mut live = OutputBuffer::default();
    pipeline.begin().process(&record, READING, &mut live);
    let live = live.to_records();
    for (retried, live) in written.iter().zip(&live) {
        assert_eq!(header(retried, "ce_id"), header(live, "ce_id"));
        assert_eq!(retried.key, live.key);
        let (mut retried, live) = (value(retried), value(live));
        let labels = retried["metadata"]["labels"].as_array_mut().unwrap();
        let mark = labels.pop().unwrap();
        assert_eq!(mark, "origin:retry");
        if labels.is_empty() && live["metadata"]["labels"].is_null() {
            retried["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("labels");
        }
        assert_eq!(retried["metadata"], live["metadata"]);
    }
}

#[test]
fn what_still_cannot_be_read_stays_without_a_dead_letter_and_without_an_alert() {
    for bytes in [&b"{\"cut"[..], b"[]", b"7", b""] {
        let (retried, written) = retry(&pipeline(), &record(bytes), None);
        assert!(written.is_empty(), "{written:?}");
        let Retried::Unread(why) = retried else {
            panic!("{retried:?}");
        };
        let mut live = OutputBuffer::default();
        pipeline()
            .begin()
            .process(&record(bytes), READING, &mut live);
        let letter = &live.to_records()[0];
        assert!(why.starts_with(header(letter, "watchbell-reason")), "{why}");
        assert!(why.ends_with(header(letter, "watchbell-detail")), "{why}");
    }
}

#[test]
fn of_a_list_the_rest_is_a_dead_letter_of_its_own_and_nobody_is_alerted_of_it() {
    let list = format!("[{},{{\"no\":\"event\"}}]", deletion());
    let pipeline = routed("[]", NoisePolicy::Keep);
    let (retried, written) = retry(&pipeline, &record(list.as_bytes()), None);
    assert_eq!(topics(&written), ["events", "alerts", "dead_letters"]);
    assert_eq!(header(&written[2], "watchbell-source-element"), "1");
    assert_eq!(header(&written[2], "watchbell-origin"), "retry");
    let Retried::Read {
        events: 1,
        dead_letters,
    } = retried
    else {
        panic!("{retried:?}");
    };
    assert!(dead_letters[0].starts_with("unrecognized: "));
}

#[test]
fn one_event_of_a_list_keeps_its_position_and_is_no_list() {
    const EVENT: &str = r#"{"eventName":"GetTrail","serviceName":"Actiontrail"}"#;
    let element = |value: &str| {
        let mut record = record(value.as_bytes());
        record.position.element = Some(4);
        retry(&pipeline(), &record, None)
    };
    let (retried, written) = element(EVENT);
    assert_eq!(retried, read(1));
    assert_eq!(header(&written[0], "ce_id"), "audit[2]@7#4");
    // Its events would have the positions of others.
    let (retried, written) = element(&format!("[{EVENT},{EVENT}]"));
    assert!(
        matches!(&retried, Retried::Unread(why) if why.starts_with("nested: ")),
        "{retried:?}"
    );
    assert!(written.is_empty());
}

/// Two routes, of which the first one's topic takes little, and the default output, likewise.
fn small(routes: &str) -> Pipeline {
    let mut pipeline = routed(routes, NoisePolicy::Keep);
    let limit = |output: &OutputTopic| match &*output.topic {
        "copies" | "events" => 100,
        _ => 1_000_000,
    };
    let outputs = pipeline.outputs().clone().limited(limit);
    pipeline.set_outputs(outputs);
    pipeline
}

#[test]
fn of_an_event_that_was_written_only_the_missing_output_is_written() {
    let routes = "[{name: a, to: copies, shape: raw, continue: true}, {name: b, to: team}]";
    let deletion = deletion();
    let record = record(deletion.as_bytes());
    for (routes, name, topic) in [(routes, "a", "copies"), ("[]", "default", "events")] {
        let small = small(routes);
        let mut out = OutputBuffer::default();
        small.begin().process(&record, READING, &mut out);
        let letter = &out.to_records()[0];
        assert_eq!(header(letter, "watchbell-reason"), TOO_LARGE);
        assert_eq!(header(letter, "watchbell-output"), name);

        let (stays, written) = retry(&small, &record, Some(name));
        assert!(
            matches!(&stays, Retried::Unread(why) if why.starts_with("too_large: ")),
            "{stays:?}"
        );
        assert!(written.is_empty());
        let (retried, written) = retry(&routed(routes, NoisePolicy::Keep), &record, Some(name));
        assert_eq!(retried, read(1));
        assert_eq!(topics(&written), [topic]);
    }
    // The routes were changed: none of this name, and one that takes the event away from the default.
    let changed = routed("[{name: b, to: team}]", NoisePolicy::Keep);
    let (stays, written) = retry(&changed, &record, Some("a"));
    assert_eq!(stays, Retried::Unread("no route a writes any more".into()));
    assert!(written.is_empty());
    let (stays, written) = retry(&changed, &record, Some("default"));
    assert!(
        matches!(&stays, Retried::Unread(why) if why.contains("no longer")),
        "{stays:?}"
    );
    assert!(written.is_empty());
}

#[test]
fn an_event_that_fits_nowhere_raises_its_alerts_and_leaves_a_dead_letter_of_its_output() {
    let deletion = deletion();
    let (retried, written) = retry(&small("[]"), &record(deletion.as_bytes()), None);
    assert_eq!(topics(&written), ["dead_letters", "alerts"]);
    assert_eq!(header(&written[0], "watchbell-output"), "default");
    assert!(matches!(retried, Retried::Read { ref dead_letters, .. } if dead_letters.len() == 1));
}

#[test]
fn an_event_that_a_route_drops_is_read() {
    let pipeline = routed(
        "[{name: all, when: {class_uid: 6003}, drop: true}]",
        NoisePolicy::Keep,
    );
    let quiet = deletion().replace("kafka.DeleteTopics", "kafka.CreateTopics");
    let (retried, written) = retry(&pipeline, &record(quiet.as_bytes()), None);
    assert_eq!((retried, written), (read(1), Vec::new()));
}

#[test]
fn a_dead_letter_says_which_command_has_read_its_record() {
    let origin = |pipeline: Pipeline| {
        let mut out = OutputBuffer::default();
        pipeline
            .begin()
            .process(&record(b"{\"cut"), READING, &mut out);
        let letter = &out.to_records()[0];
        let mut headers = letter.headers.iter();
        let origin = headers.find(|(name, _)| name == "watchbell-origin");
        origin.and_then(|(_, value)| String::from_utf8(value.clone()?).ok())
    };
    assert_eq!(origin(pipeline()), None);
    assert_eq!(origin(pipeline().replaying(false)), None);
    assert_eq!(
        origin(pipeline().replaying(true)).as_deref(),
        Some("replay")
    );
    assert_eq!(origin(pipeline().retrying()).as_deref(), Some("retry"));
}
