//! Every reader accepts what the writers write, at the limit of nesting and one level beyond it.

use watchbell::alert::{DEAD_LETTER, REPLAYED, SENSITIVE_DEAD_LETTER};
use watchbell::event::limits::{ALERT_DEPTH, EVENT_DEPTH, SOURCE_DEPTH};
use watchbell::event::{Header, OutputBuffer, OutputRecord, RawRecord};
use watchbell::notice::Notice;
use watchbell::pipeline::{Outcome, Pipeline};
use watchbell::sigma::{Placeholders, Scratch};
use watchbell::view::{Emitted, Filter, FilterText, Paint, RecordKind, line, page};

use crate::pipeline::{NOW_MS, pipeline_with, record};

/// A value nested so deep.
fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// How deep JSON is nested.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Events that raise an alert and are nested so deep, each elsewhere; and whether their attributes are
/// headers.
fn events(levels: usize) -> Vec<(&'static str, bool, String)> {
    let structured = |more: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"d","source":"crn://confluent.cloud/","type":"io.confluent.cloud/request","data":{{"methodName":"DeleteStatement"{more}}}}}"#
        )
    };
    let login = |authority: &str, more: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"d","source":"crn://{authority}/","type":"io.confluent.kafka.server/authentication","data":{{"methodName":"kafka.Authentication"{more}}}}}"#
        )
    };
    vec![
        (
            "the request",
            false,
            structured(&format!(r#","request":{{"data":{}}}"#, nested(levels - 3))),
        ),
        (
            "the answer",
            false,
            structured(&format!(r#","result":{{"data":{}}}"#, nested(levels - 3))),
        ),
        (
            "what has no place",
            false,
            structured(&format!(r#","more":{}"#, nested(levels - 2))),
        ),
        (
            "a resource's scope",
            false,
            structured(&format!(
                r#","cloudResources":[{{"scope":{},"resource":{{"resourceId":"r"}}}}]"#,
                nested(levels - 4)
            )),
        ),
        (
            "what has no place, with headers",
            true,
            format!(
                r#"{{"methodName":"DeleteStatement","more":{}}}"#,
                nested(levels - 1)
            ),
        ),
        (
            "the request, with headers",
            true,
            format!(
                r#"{{"methodName":"DeleteStatement","request":{{"data":{}}}}}"#,
                nested(levels - 2)
            ),
        ),
        (
            "the request of a login elsewhere",
            false,
            login(
                "",
                &format!(r#","request":{{"data":{}}}"#, nested(levels - 3)),
            ),
        ),
    ]
}

const ATTRIBUTES: [(&str, &str); 4] = [
    ("ce_specversion", "1.0"),
    ("ce_id", "d"),
    ("ce_source", "crn://confluent.cloud/"),
    ("ce_type", "io.confluent.cloud/request"),
];

fn process(pipeline: &Pipeline, binary: bool, value: &str) -> (Outcome, Vec<OutputRecord>) {
    let mut record = record(Some(value.as_bytes()));
    if binary {
        record
            .headers
            .extend(ATTRIBUTES.map(|(name, value)| Header {
                name,
                value: Some(value.as_bytes()),
            }));
    }
    let mut out = OutputBuffer::default();
    let outcome = pipeline.begin().process(&record, NOW_MS, &mut out);
    (outcome, out.to_records())
}

fn emitted(output: &OutputRecord) -> Emitted<'_> {
    Emitted::new(RawRecord {
        key: output.key.as_deref(),
        value: output.value.as_deref(),
        headers: output.borrowed_headers().collect(),
        ..record(None)
    })
}

/// The readers of an output take it.
fn check(output: &OutputRecord, place: &str) {
    let value = output.value.as_deref().expect("a value");
    let emitted = emitted(output);
    let (kind, limit) = match &*output.topic {
        "events" => (RecordKind::Event, EVENT_DEPTH),
        "alerts" => (RecordKind::Alert, ALERT_DEPTH),
        _ => (RecordKind::DeadLetter, usize::MAX),
    };
    assert_eq!(emitted.kind, kind, "{place}");
    assert!(depth(value) <= limit, "{place}: {} levels", depth(value));
    let everything = FilterText {
        name: "f",
        text: if kind == RecordKind::DeadLetter {
            "watchbell-reason: too_deep"
        } else {
            "severity: '*'"
        },
    };
    let (filter, _) =
        Filter::parse(kind, &[everything], &Placeholders::default()).expect("a filter");
    assert!(filter.takes(&emitted, &mut Scratch::default()), "{place}");
    assert!(
        !line(&emitted, Paint::PLAIN).contains("not written"),
        "{place}"
    );
    assert!(page(&emitted, Paint::PLAIN).lines().count() > 5, "{place}");
    if kind == RecordKind::Alert {
        let notice = Notice::read(value, record(None).position);
        let notice = notice.unwrap_or_else(|error| panic!("{place}: {error}"));
        let is_of_event = ![DEAD_LETTER.id, SENSITIVE_DEAD_LETTER.id].contains(&&*notice.rule_id);
        let operation = if is_of_event { "DeleteStatement" } else { "" };
        assert_eq!(notice.operation, operation, "{place}");
        assert!(notice.record.is_some(), "{place}");
        assert_eq!(emitted.event().is_some(), is_of_event, "{place}");
    }
}

#[test]
fn every_reader_accepts_the_outputs_of_the_deepest_event() {
    let pipeline = pipeline_with("", 1_000_000);
    let mut deepest = [0, 0];
    for levels in SOURCE_DEPTH - 8..=SOURCE_DEPTH {
        for (place, binary, event) in events(levels) {
            assert_eq!(depth(event.as_bytes()), levels, "{place}");
            let (outcome, outputs) = process(&pipeline, binary, &event);
            assert!(
                matches!(outcome, Outcome::Event { .. }),
                "{place}: {outcome:?}"
            );
            let alerts = outputs.len() - 1;
            assert_eq!(alerts, usize::from(!place.contains("login")), "{place}");
            for output in &outputs {
                check(output, place);
                let of_kind = &mut deepest[usize::from(&*output.topic == "alerts")];
                *of_kind = depth(output.value.as_deref().unwrap()).max(*of_kind);
            }
        }
    }
    // The limits are reached, so they are not larger than necessary.
    assert_eq!(deepest, [EVENT_DEPTH, ALERT_DEPTH]);
}

#[test]
fn one_level_more_is_a_dead_letter_that_every_reader_accepts() {
    let pipeline = pipeline_with("", 1_000_000);
    for (place, binary, event) in events(SOURCE_DEPTH + 1) {
        let (outcome, outputs) = process(&pipeline, binary, &event);
        let is_too_deep = matches!(
            &outcome,
            Outcome::DeadLetter { reason: "too_deep", alerts } if alerts.len() == 1
        );
        assert!(is_too_deep, "{place}: {outcome:?}");
        assert_eq!(outputs[0].value.as_deref(), Some(event.as_bytes()));
        check(&outputs[0], place);
        let alert = outputs[1].value.as_deref().unwrap();
        let read = Notice::read(alert, record(None).position);
        assert!(read.is_ok(), "{place}: {read:?}");
    }
}

/// A shortened alert is still a valid alert.
#[test]
fn the_alert_of_the_deepest_event_fits_a_small_topic() {
    let pipeline = pipeline_with("", 8_000);
    for (place, binary, event) in events(SOURCE_DEPTH) {
        let filler = format!(r#""filler":"{}","#, "x".repeat(50_000));
        let event = event.replacen(r#""methodName""#, &format!(r#"{filler}"methodName""#), 1);
        let (_, outputs) = process(&pipeline, binary, &event);
        let alerts = outputs.iter().filter(|output| &*output.topic == "alerts");
        for alert in alerts.clone() {
            let read = Notice::read(alert.value.as_deref().unwrap(), record(None).position);
            assert!(read.is_ok(), "{place}: {read:?}");
        }
        assert_eq!(
            alerts.count(),
            usize::from(!place.contains("login")),
            "{place}"
        );
    }
}

/// What `replay` prints of the deepest event is JSON on one line each, which `replay` takes again.
#[test]
fn what_replay_prints_of_the_deepest_event_replay_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep.ndjson");
    let deepest = events(SOURCE_DEPTH)
        .into_iter()
        .filter(|(_, binary, _)| !binary);
    let lines: Vec<String> = deepest.map(|(.., event)| event).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let replay = |file: &std::path::Path| {
        let mut command = crate::command::watchbell();
        command.args(["replay", "--emit", "all"]).arg(file);
        crate::command::run_with(&mut command, b"").stdout
    };
    let printed = replay(&file);
    assert!(printed.contains(REPLAYED), "{printed}");
    std::fs::write(&file, &printed).unwrap();
    // They are not audit events; each becomes an unchanged dead letter with an alert.
    let again = replay(&file);
    let letters = again
        .lines()
        .filter(|line| line.contains("watchbell-reason"));
    assert_eq!(letters.count(), printed.lines().count());
    assert!(!again.contains("not_json"), "{again}");
}
