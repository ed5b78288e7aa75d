//! Lines, pages and filters of the outputs. Filters match as rules do, and nothing in a record controls the
//! terminal. `WATCHBELL_BLESS=1` writes the expected files again, and fails.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value as Json;
use watchbell::encode;
use watchbell::enrich::Lookups;
use watchbell::event::{
    self, AuditEvent, Header, Offset, OutputBuffer, OutputRecord, Partition, Position, RawRecord,
};
use watchbell::pipeline::Pipeline;
use watchbell::printable::is_unseen;
use watchbell::sigma::{Fields, Value};
use watchbell::view::{Emitted, FieldPath, Paint, RecordKind, line, page, printable_json};

use crate::notices::ascii;
use crate::pipeline::{NOW_MS, SEED, SHAPES, pipeline_with, record};
use crate::vendors::{VENDORS, each_event, lookups};

const NAMES: &str = include_str!("../data/confluent/golden/names.yaml");
const BROKEN: &str = "{\"id\":\"\u{1b}[2Jcut";

/// Everything that the pipeline makes of one value; the rule set's hash and versions left out, so
/// that a changed rule changes nothing here.
fn outputs(value: &str) -> Vec<OutputRecord> {
    static PIPELINE: LazyLock<Pipeline> = LazyLock::new(|| pipeline_with(NAMES, 1_000_000));
    let mut buffer = OutputBuffer::default();
    let input = record(Some(value.as_bytes()));
    PIPELINE.begin().process(&input, NOW_MS, &mut buffer);
    let mut out = buffer.to_records();
    for output in &mut out {
        for (name, value) in &mut output.headers {
            if name.contains("ruleset") {
                *value = Some(b"(rule set)".to_vec());
            }
        }
        let text =
            String::from_utf8_lossy(output.value.as_deref().unwrap_or_default()).into_owned();
        let version =
            |json: Json| Some(json.pointer("/finding_info/analytic/version")?.to_string());
        if let Some(version) = serde_json::from_str(&text).ok().and_then(version) {
            output.value = Some(text.replace(&version, "\"(version)\"").into());
        }
    }
    out
}

/// The output as a reader of its topic has it.
fn emitted(output: &OutputRecord, offset: i64) -> Emitted<'_> {
    let headers = output.headers.iter().map(|(name, value)| Header {
        name,
        value: value.as_deref(),
    });
    Emitted::new(RawRecord {
        position: Position {
            topic: &output.topic,
            partition: Partition(0),
            offset: Offset(offset),
            element: None,
        },
        timestamp_ms: Some(NOW_MS),
        key: output.key.as_deref(),
        value: output.value.as_deref(),
        headers: headers.collect(),
    })
}

fn all_outputs() -> Vec<OutputRecord> {
    let values = SEED.lines().chain(SHAPES.lines()).chain([BROKEN]);
    values.flat_map(outputs).collect()
}

/// Each text beside the file that holds what is expected.
fn compare(texts: &[(&str, String)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/view");
    let bless = std::env::var_os("WATCHBELL_BLESS").is_some();
    for (name, is) in texts {
        let path = folder.join(name);
        if bless {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, is).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(is, &expected, "{}", path.display());
    }
    assert!(!bless, "what is expected is written anew: read it");
}

fn is_hostile(c: char) -> bool {
    c != '\n' && is_unseen(c)
}

#[test]
fn each_record_is_shown_as_one_line() {
    let outputs = all_outputs();
    let lines = outputs.iter().zip(0..).map(|(output, offset)| {
        let line = line(&emitted(output, offset), Paint::PLAIN);
        assert!(!line.contains('\n'), "{line}");
        line + "\n"
    });
    compare(&[("lines.txt", lines.collect())]);
}

#[test]
fn an_event_its_alert_and_a_dead_letter_are_shown_as_pages() {
    let named = |method: &str| {
        let mut lines = SEED.lines().chain(SHAPES.lines());
        lines.find(|line| line.contains(method)).unwrap()
    };
    let cases = [
        ("statement.txt", named("orders-enrich-prod")),
        ("login.txt", named("kafka.Authentication")),
        ("decision.txt", named("mds.Authorize")),
        ("dead-letter.txt", BROKEN),
    ];
    let pages = cases.map(|(name, value)| {
        let outputs = outputs(value);
        let outputs = outputs.iter().zip(7..);
        let pages: Vec<String> = outputs
            .map(|(output, offset)| page(&emitted(output, offset), Paint::PLAIN))
            .collect();
        (name, pages.join("\n----\n\n"))
    });
    compare(&pages);
}

#[test]
fn an_alert_without_its_event_still_says_who_did_what() {
    let pages = outputs(
        SEED.lines()
            .find(|line| line.contains("DeleteStatement"))
            .unwrap(),
    );
    let mut alert: Json = serde_json::from_slice(pages[1].value.as_deref().unwrap()).unwrap();
    alert["evidences"][0]
        .as_object_mut()
        .unwrap()
        .remove("data");
    let text = alert.to_string();
    let page = page(&Emitted::value(text.as_bytes()), Paint::PLAIN);
    for part in [
        "Jane Doe (u-devccq71mwp)",
        "DeleteStatement",
        "134.238.202.222",
        "FLINK_REGION",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn an_alert_without_an_event_is_shown_as_a_line_and_a_page() {
    let mut alert = crate::notices::expired();
    alert.value = alert.value.map(|value| {
        let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
        let text = String::from_utf8_lossy(&value).replace(&version, "\"version\":\"(version)\"");
        let mut json: Json = serde_json::from_str(&text).expect("JSON");
        json["unmapped"]["rule_set"] = "(rule set)".into();
        json.to_string().into()
    });
    alert.headers.clear();
    let emitted = emitted(&alert, 7);
    assert!(emitted.event().is_none() && emitted.related_events().is_empty());
    let text = format!(
        "{}\n\n{}",
        line(&emitted, Paint::PLAIN),
        page(&emitted, Paint::PLAIN)
    );
    compare(&[("expired.txt", text)]);
}

#[test]
fn chinese_names_stand_under_each_other_and_can_be_read_however_they_are_written() {
    let name = "生产环境-订单";
    let escaped = ascii(name);
    let deletion = SHAPES
        .lines()
        .find(|line| line.contains("orders-enrich-prod"))
        .unwrap();
    // The environment is none that the names file knows, so that the resource fits its column.
    let deletion = deletion.replace("env-q7x2k9", "env-1");
    let mut columns = BTreeSet::new();
    for shown in ["orders-new", name, &escaped] {
        let outputs = outputs(&deletion.replace("orders-enrich-prod", shown));
        let expected = if shown == "orders-new" { shown } else { name };
        for output in &outputs {
            let emitted = emitted(output, 0);
            for text in [line(&emitted, Paint::PLAIN), page(&emitted, Paint::PLAIN)] {
                assert!(text.contains(expected), "{text}");
                assert!(!text.contains("\\u"), "{text}");
            }
        }
        let line = line(&emitted(&outputs[0], 0), Paint::PLAIN);
        let (before, _) = line.split_once("Success").expect("an outcome");
        columns.insert(watchbell::printable::columns(before));
    }
    assert_eq!(columns.len(), 1, "the outcome begins in different columns");
    // A dead letter is cut between characters.
    let broken = format!("x{}", name.repeat(60));
    let dead = outputs(&broken)
        .into_iter()
        .find(|output| &*output.topic == "dead");
    let text = line(&emitted(&dead.expect("a dead letter"), 0), Paint::PLAIN);
    assert!(text.contains("…") && !text.contains('\u{fffd}'), "{text}");
}

#[test]
fn nothing_in_a_record_controls_the_terminal() {
    let hostile = "\\u001b]0;pwned\\u0007\\u009b2J\u{9b}31m\\u202e\u{202e}\u{7f}\\r\\n\
                   \u{ad}\\u00ad\u{3164}\u{e0041}\\udb40\\udc41\u{fe0f}";
    let line_in = SEED
        .lines()
        .find(|line| line.contains("DeleteStatement"))
        .unwrap();
    let value = line_in
        .replace("u-devccq71mwp", hostile)
        .replace("orders-agg", hostile)
        .replace("workspace-2023-09-19", hostile)
        .replace("StatementName", hostile);
    let mut outputs = outputs(&value);
    assert_eq!(outputs.len(), 2, "an event and an alert");
    outputs.extend(self::outputs(&value[..value.len() - 9]));
    assert!(outputs.iter().any(|output| &*output.topic == "dead"));
    for output in &mut outputs {
        output.key = Some("\u{1b}key".into());
        output
            .headers
            .push(("\u{1b}name".into(), Some("\u{9b}value".into())));
        let emitted = emitted(output, 0);
        let text = String::from_utf8(output.value.clone().unwrap()).unwrap();
        let texts = [
            line(&emitted, Paint::PLAIN),
            page(&emitted, Paint::PLAIN),
            printable_json(&text).into_owned(),
        ];
        for text in texts {
            assert!(!text.chars().any(is_hostile), "{text:?}");
        }
    }
}

/// Replaces a part of the value.
fn disturb(value: &mut Json, place: &[prop::sample::Index], with: &Json) {
    let children: Vec<&mut Json> = match value {
        Json::Object(map) => map.values_mut().collect(),
        Json::Array(list) => list.iter_mut().collect(),
        _ => Vec::new(),
    };
    match place {
        [first, rest @ ..] if !children.is_empty() => {
            let chosen = first.index(children.len());
            if let Some(child) = children.into_iter().nth(chosen) {
                disturb(child, rest, with);
            }
        }
        _ => *value = with.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_output_of_any_shape_can_be_read(
        which: prop::sample::Index,
        place in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        text in ".{0,20}",
        shape in 0..5,
    ) {
        static ALL: LazyLock<Vec<OutputRecord>> = LazyLock::new(all_outputs);
        let mut output = which.get(&ALL).clone();
        let with = match shape {
            0 => Json::Null,
            1 => serde_json::json!(-1.5e300),
            2 => serde_json::json!([[], {"": {}}, true]),
            3 => serde_json::json!({ &text: [&text] }),
            _ => Json::from(text),
        };
        if let Ok(mut value) = serde_json::from_slice(output.value.as_deref().unwrap()) {
            disturb(&mut value, &place, &with);
            output.value = Some(value.to_string().into());
        }
        let emitted = emitted(&output, 0);
        let texts = [line(&emitted, Paint::PLAIN), page(&emitted, Paint::PLAIN)];
        for text in texts {
            prop_assert!(!text.chars().any(is_hostile), "{:?}", text);
        }
    }
}

/// The values at a path, each with its type.
fn seen<E: Fields>(event: &E, path: &E::Path) -> Vec<String> {
    let mut seen = Vec::new();
    event.values(path, &mut |value: Value<'_>| {
        let text = value.text().unwrap_or_default();
        seen.push(match value {
            Value::Int(_) | Value::Number(_) => format!("number {text}"),
            Value::String(_) => format!("string {text}"),
            Value::Bool(_) => format!("boolean {text}"),
            Value::Null => "null".to_owned(),
            Value::Composite => "composite".to_owned(),
        });
        ControlFlow::Continue(())
    });
    seen
}

fn strings<E: Fields>(event: &E) -> BTreeSet<String> {
    let mut strings = BTreeSet::new();
    event.strings(&mut |text| {
        strings.insert(text.to_owned());
        ControlFlow::Continue(())
    });
    strings
}

/// Every path of a value, that of each object and array included, and some that lead nowhere.
fn raw_paths(value: &Json, prefix: &str, out: &mut BTreeSet<String>) {
    if !prefix.split('.').any(str::is_empty) {
        out.insert(prefix.to_owned());
        out.insert(format!("{prefix}.missing"));
    }
    match value {
        Json::Object(map) => map
            .iter()
            .for_each(|(name, value)| raw_paths(value, &format!("{prefix}.{name}"), out)),
        Json::Array(list) => list.iter().for_each(|value| raw_paths(value, prefix, out)),
        _ => {}
    }
}

/// Compares what a rule sees of a record's events with what a filter sees of them once they are written;
/// returns how many values there are.
fn compare_rule_and_filter(input: &RawRecord<'_>) -> usize {
    static FACTS: LazyLock<Lookups> = LazyLock::new(|| lookups(NAMES));
    let mut compared = 0;
    each_event(input, &FACTS, &mut |event| {
        compared += compare_event(input, event)
    });
    compared
}

/// The same for one of its events.
fn compare_event(input: &RawRecord<'_>, event: &AuditEvent<'_>) -> usize {
    let value = String::from_utf8_lossy(input.value.unwrap_or_default());
    let mut json = Vec::new();
    encode::event(event, &mut json);
    let emitted = Emitted::value(&json);

    let attributes = event::Path::attributes().chain(event::Path::facts());
    let mut paths: BTreeSet<String> = attributes.map(str::to_owned).collect();
    let read = |json: &[u8]| serde_json::from_slice::<Json>(json).unwrap_or_default();
    let (before, after) = (read(input.value.unwrap_or_default()), read(&json));
    for root in ["unmapped", "unmapped.data"] {
        raw_paths(&before, root, &mut paths);
    }
    for part in ["/unmapped", "/api/request/data", "/api/response/data"] {
        let Some(part_value) = after.pointer(part) else {
            continue;
        };
        let prefix = part.trim_start_matches('/').replace('/', ".");
        raw_paths(part_value, &prefix, &mut paths);
    }
    for resource in after["resources"].as_array().into_iter().flatten() {
        raw_paths(&resource["data"], "resources.data", &mut paths);
    }
    // Any name, and any depth.
    for part in [
        "api.request.data",
        "api.response.data",
        "resources.data",
        "unmapped.data",
    ] {
        paths.extend(["*", "**", "**.name", "*.*"].map(|rest| format!("{part}.{rest}")));
    }
    // Those parts of `unmapped` are ours: rules name them as attributes. Case and underscores do not matter.
    let is_ours = |path: &String| {
        let path = path.to_lowercase().replace('_', "");
        let part = |part: &str| path == part || path.starts_with(&format!("{part}."));
        let request = [
            "unmapped.actor",
            "unmapped.srcendpoint",
            "unmapped.httprequest",
        ];
        !event.class.has_api && part("unmapped.api")
            || !event.class.has_resources && part("unmapped.resources")
            || event.class.has_app && request.into_iter().any(part)
    };
    let mut compared = 0;
    // In a rule `|` begins a modifier, so no rule names a field with it, and a compiled path uses it for several places.
    let nameable = paths.iter().filter(|path| !path.contains('|'));
    for name in nameable.filter(|path| !is_ours(path)) {
        let Ok(by_rule) = event::Path::parse(name) else {
            assert!(name.contains(".."), "{name}");
            continue;
        };
        let mut by_rule = seen(event, &by_rule);
        let by_filter = seen(
            &emitted,
            &FieldPath::parse(RecordKind::Event, name).unwrap(),
        );
        // Further readings of an attribute stand where they came, in `unmapped` or a payload.
        if event.other_readings.iter().any(|(other, _)| other == name) {
            by_rule.truncate(by_filter.len());
        }
        assert_eq!(by_filter, by_rule, "{name} of {value}");
        compared += by_rule.len();
    }
    let mut logsource = event.logsource();
    // No rule can name a service that is written with escapes.
    let has_escapes = |service: &&str| serde_json::to_string(service).unwrap().contains('\\');
    logsource.service = logsource.service.filter(|service| !has_escapes(service));
    assert_eq!(emitted.logsource(), logsource, "{value}");
    let (by_rule, by_filter) = (strings(event), strings(&emitted));
    let different: Vec<&String> = by_rule.symmetric_difference(&by_filter).collect();
    assert!(different.is_empty(), "keywords {different:?} of {value}");
    compared
}

#[test]
fn a_filter_sees_the_same_values_as_a_rule() {
    for vendor in &VENDORS {
        let compared: usize = vendor
            .lines()
            .map(|value| compare_rule_and_filter(&record(Some(value.as_bytes()))))
            .sum();
        assert!(
            compared > 1_000,
            "only {compared} values of {}",
            vendor.product
        );
    }
    for value in [
        r#"{"specversion":"1.0","id":"1","source":"/x","type":"t.Create","data":{"a":null,"b":[],"c":{},"Snake_Case":[{"x":1.50},[2,[true]]],"d":"é\u0041"}}"#,
        r#"{"specversion":"1.0","id":"2","source":"/y","type":"plain","subject":"s","time":"2026-11-21T08:30:00Z"}"#,
        r#"{"specversion":"1.0","id":"3","source":"crn://confluent.cloud/kafka=lkc-1","type":"io.confluent.kafka.server/authentication","subject":"crn://confluent.cloud/kafka=lkc-1","data":{"serviceName":"crn://confluent.cloud/kafka=lkc-1","methodName":"kafka.Authentication","resourceName":"crn://confluent.cloud/kafka=lkc-1","authenticationInfo":{"principal":"User:sa-1"},"result":{"status":"SUCCESS"}}}"#,
    ] {
        assert!(compare_rule_and_filter(&record(Some(value.as_bytes()))) > 15);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_filter_sees_what_a_rule_sees_of_any_event(sample in crate::samples::sample()) {
        let headers = sample.headers.iter().map(|(name, value)| Header {
            name,
            value: value.as_deref().map(str::as_bytes),
        });
        let mut input = record(Some(sample.value.as_bytes()));
        input.headers = headers.collect();
        compare_rule_and_filter(&input);
    }
}

/// Paths of the leaves, arrays passed through.
fn paths(value: &Json, prefix: &str, out: &mut BTreeSet<String>) {
    match value {
        Json::Object(map) => {
            for (name, value) in map {
                let dot = if prefix.is_empty() { "" } else { "." };
                paths(value, &format!("{prefix}{dot}{name}"), out);
            }
        }
        Json::Array(list) => list.iter().for_each(|value| paths(value, prefix, out)),
        _ => {
            out.insert(prefix.to_owned());
        }
    }
}

#[test]
fn every_attribute_that_is_written_can_be_filtered() {
    let lost = [crate::notices::expired(), crate::notices::positions_lost()];
    let ours = lost.into_iter().chain(crate::notices::stopped());
    for output in all_outputs().into_iter().chain(ours) {
        let emitted = emitted(&output, 0);
        if emitted.kind == RecordKind::DeadLetter {
            for (name, _) in &output.headers {
                assert!(
                    FieldPath::parse(RecordKind::DeadLetter, name).is_ok(),
                    "{name}"
                );
            }
            continue;
        }
        let mut found = BTreeSet::new();
        let value = serde_json::from_slice(output.value.as_deref().unwrap()).unwrap();
        paths(&value, "", &mut found);
        for name in found {
            let known = FieldPath::parse(emitted.kind, &name);
            assert!(known.is_ok(), "{name} of {:?}", emitted.kind);
        }
    }
}

#[test]
fn a_receipt_is_shown_with_the_dead_letter_that_was_retried() {
    let letter = Position {
        topic: "dead",
        partition: Partition(2),
        offset: Offset(17),
        element: None,
    };
    let receipt = encode::receipt(&encode::Receipt {
        letter,
        outputs: 3,
        repaired: Some(&event::Digest::of(b"{}")),
    });
    let emitted = emitted(&receipt, 18);
    assert_eq!(emitted.kind, RecordKind::Receipt);
    let retried = emitted.retried_letter().map(|at| at.to_string());
    assert_eq!(retried.as_deref(), Some("dead/2@17"));
    let text = line(&emitted, Paint::PLAIN);
    assert!(
        text.contains("retried dead/2@17, records written: 3"),
        "{text}"
    );
    let page = page(&emitted, Paint::PLAIN);
    assert!(
        page.starts_with("Dead letter retried: dead/2@17\n"),
        "{page}"
    );
    assert!(page.contains("44136fa3"), "{page}");
    for (name, _) in &receipt.headers {
        assert!(
            FieldPath::parse(RecordKind::DeadLetter, name).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn headers_of_a_source_record_are_not_taken_for_those_of_watchbell() {
    let mut letter = outputs(BROKEN).remove(0);
    let theirs = [
        ("watchbell-retried", "dead/2@17"),
        ("watchbell-reason", "none"),
        ("watchbell-source-offset", "0"),
        ("watchbell-sink", "oncall"),
    ];
    let theirs = theirs.map(|(name, value)| (name.into(), Some(value.into())));
    letter.headers.splice(0..0, theirs);
    let plain = outputs(BROKEN).remove(0);
    let (letter, plain) = (emitted(&letter, 0), emitted(&plain, 0));
    assert_eq!(letter.kind, RecordKind::DeadLetter);
    assert_eq!(letter.retried_letter(), None);
    assert_eq!(letter.source_position(), plain.source_position());
    assert_eq!(line(&letter, Paint::PLAIN), line(&plain, Paint::PLAIN));
    let page = page(&letter, Paint::PLAIN);
    assert!(
        page.contains("watchbell-sink") && !page.contains("Refused by sink"),
        "{page}"
    );
}
