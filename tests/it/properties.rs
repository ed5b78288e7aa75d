//! Properties of every record, correct or not: no leaf is lost, outputs are valid OCSF, there is one outcome,
//! which is the same each time, and never a panic.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::Value;
use watchbell::event::{
    Header, Offset, OutputBuffer, OutputRecord, Partition, Position, RawRecord,
};
use watchbell::json::{Document, ValueKind};
use watchbell::pipeline::{Outcome, Pipeline};

use crate::pipeline::{NOW_MS, pipeline_with};
use crate::samples::{Sample, sample};
use crate::vendors::{VENDORS, Vendor};

static PIPELINE: LazyLock<Pipeline> = LazyLock::new(|| pipeline_with("", 1_000_000));

fn process(headers: &[(String, Option<String>)], value: &[u8]) -> (Outcome, Vec<OutputRecord>) {
    let record = RawRecord {
        position: Position {
            topic: "audit",
            partition: Partition(0),
            offset: Offset(7),
            element: None,
        },
        timestamp_ms: Some(1_773_480_414_000),
        key: Some(b"a key"),
        value: Some(value),
        headers: headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: value.as_deref().map(str::as_bytes),
            })
            .collect(),
    };
    let mut out = OutputBuffer::default();
    let outcome = PIPELINE.begin().process(&record, NOW_MS, &mut out);
    (outcome, out.to_records())
}

/// Every leaf of a text, strings decoded, numbers as spelled, empty containers included; sorted.
fn leaves(text: &[u8]) -> Vec<String> {
    let document = Document::parse(text).expect("JSON");
    let mut leaves: Vec<String> = document
        .nodes()
        .filter(|node| document.children(*node).next().is_none())
        .map(|node| match document.kind(node) {
            ValueKind::String => format!("{:?}", document.text(node).unwrap_or_default()),
            ValueKind::Object => "{}".to_owned(),
            ValueKind::Array => "[]".to_owned(),
            _ => document.raw(node).to_owned(),
        })
        .collect();
    leaves.sort();
    leaves
}

/// The leaves of `given` that `kept` has not, as often as they occur. Both are sorted.
fn lost(given: &[String], kept: &[String]) -> Vec<String> {
    let mut kept = kept.iter().peekable();
    let mut lost = Vec::new();
    for leaf in given {
        while kept.next_if(|other| *other < leaf).is_some() {}
        if kept.next_if(|other| *other == leaf).is_none() {
            lost.push(leaf.clone());
        }
    }
    lost
}

/// One dead letter with the record as it was and its alert, an event and its alerts, or one of them for each
/// element of a list.
fn check_outcome(value: &[u8], outcome: &Outcome, outputs: &[OutputRecord]) {
    let Outcome::Several(outcomes) = outcome else {
        return check_one(value, None, outcome, outputs);
    };
    let elements = elements(value);
    assert_eq!(outcomes.len(), elements.len());
    let mut rest = outputs;
    for ((number, outcome), element) in (0_usize..).zip(outcomes).zip(&elements) {
        let (of_element, others) = rest.split_at(outputs_of(outcome));
        check_one(element.as_bytes(), Some(number), outcome, of_element);
        rest = others;
    }
    assert!(rest.is_empty(), "{} outputs too many", rest.len());
}

/// How many outputs an event has.
fn outputs_of(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Event { alerts, .. } | Outcome::DeadLetter { alerts, .. } => 1 + alerts.len(),
        Outcome::Several(_) => panic!("a list within a list"),
    }
}

/// `element` is the number of an element of a list.
fn check_one(value: &[u8], element: Option<usize>, outcome: &Outcome, outputs: &[OutputRecord]) {
    assert_eq!(outputs.len(), outputs_of(outcome));
    match outcome {
        Outcome::Event { .. } => {
            assert_eq!(outputs[0].topic.as_ref(), "events");
            for output in outputs {
                let json = output.value.as_deref().expect("a value");
                serde_json::from_slice::<Value>(json).expect("JSON");
            }
        }
        Outcome::DeadLetter { alerts, .. } => {
            let [letter, alert] = outputs else {
                panic!("{} outputs of a dead letter", outputs.len());
            };
            assert_eq!(alerts.len(), 1);
            assert_eq!(alert.topic.as_ref(), "alerts");
            let json = alert.value.as_deref().expect("a value");
            crate::ocsf::validate(&serde_json::from_slice(json).expect("JSON"));
            assert_eq!(letter.topic.as_ref(), "dead");
            assert_eq!(letter.value.as_deref(), Some(value));
            assert_eq!(letter.key.as_deref(), Some(&b"a key"[..]));
            let mut headers = letter.headers.iter();
            let number = headers.find(|(name, _)| name == "watchbell-source-element");
            let number = number.and_then(|(_, value)| value.as_deref());
            assert_eq!(
                number,
                element
                    .map(|element| element.to_string())
                    .as_deref()
                    .map(str::as_bytes)
            );
        }
        Outcome::Several(_) => panic!("a list within a list"),
    }
}

/// The elements of the list that a record holds, in an array, in a page, or as the text `event` of either.
fn elements(value: &[u8]) -> Vec<String> {
    let document = Document::parse(value).expect("JSON");
    let root = document.root();
    let list = match document.kind(root) {
        ValueKind::Array => Some(root),
        _ => document.member_folded(root, "events"),
    };
    if let Some(list) = list {
        let elements = document.children(list);
        return elements.map(|node| document.raw(node).to_owned()).collect();
    }
    let event = document.member(root, "event").expect("a list");
    let text = match document.text(event) {
        Some(text) => text.to_string(),
        None => document.raw(event).to_owned(),
    };
    elements(text.as_bytes())
}

/// What a record says: its leaves, and for an event that is a text those of the event.
fn given(sample: &Sample, outcome: &Outcome) -> Vec<String> {
    let value = sample.value.as_bytes();
    let attributes = sample
        .headers
        .iter()
        .filter(|(name, _)| name.starts_with("ce_") || name == "content-type")
        .filter_map(|(_, value)| value.as_ref());
    let mut given: Vec<String> = attributes.map(|value| format!("{value:?}")).collect();
    match outcome {
        Outcome::Several(outcomes) => {
            for (outcome, element) in outcomes.iter().zip(elements(value)) {
                // A dead letter has the element as it came.
                let is_event = matches!(outcome, Outcome::Event { .. });
                let leaves = is_event.then(|| opened_leaves(element.as_bytes()));
                given.extend(leaves.into_iter().flatten());
            }
        }
        _ => given.extend(opened_leaves(value)),
    }
    given.sort();
    given
}

/// The leaves of a value, those of an event that is a text within it included.
fn opened_leaves(value: &[u8]) -> Vec<String> {
    let json: Value = serde_json::from_slice(value).unwrap_or_default();
    let is_log_record = json.get("__topic__").is_some();
    let Some(text) = json["event"].as_str().filter(|_| is_log_record) else {
        return leaves(value);
    };
    let mut opened = leaves(value);
    let at = opened.iter().position(|leaf| *leaf == format!("{text:?}"));
    opened.remove(at.expect("the event"));
    opened.extend(leaves(text.as_bytes()));
    opened
}

fn check_sample(sample: &Sample) {
    let value = sample.value.as_bytes();
    let (outcome, outputs) = process(&sample.headers, value);
    check_outcome(value, &outcome, &outputs);
    assert_eq!(
        process(&sample.headers, value),
        (outcome.clone(), outputs.clone())
    );
    if let Outcome::DeadLetter { reason, .. } = outcome {
        let reasons = [
            "unrecognized",
            "wrong_type",
            "duplicate_key",
            "not_an_object",
            "nested",
            "no_events",
        ];
        assert!(reasons.contains(&reason), "{reason}");
        return;
    }
    let events = outputs.iter().filter(|output| &*output.topic == "events");
    let mut kept: Vec<String> = events
        .flat_map(|event| leaves(event.value.as_deref().expect("a value")))
        .collect();
    kept.sort();
    let lost = lost(&given(sample, &outcome), &kept);
    assert!(lost.is_empty(), "lost: {lost:?}");
    for output in outputs.iter().filter(|output| &*output.topic != "dead") {
        let json = output.value.as_deref().expect("a value");
        crate::ocsf::validate(&serde_json::from_slice(json).expect("JSON"));
    }
}

/// A change of bytes that knows nothing of JSON.
#[derive(Debug, Clone)]
enum Damage {
    Cut(usize),
    Replace(usize, u8),
    Insert(usize, Vec<u8>),
    /// Repeats the text between two places: names, brackets, whole members.
    Repeat(usize, usize),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match self {
            Self::Cut(at) => bytes.truncate(at % length),
            Self::Replace(at, byte) => bytes[at % length] = *byte,
            Self::Insert(at, new) => {
                let at = at % length;
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Repeat(from, to) => {
                let (from, to) = (from % length, to % length);
                let (from, to) = (from.min(to), from.max(to));
                let part = bytes[from..to].to_vec();
                bytes.splice(to..to, part);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = || any::<usize>();
    prop_oneof![
        at().prop_map(Damage::Cut),
        (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (at(), prop::collection::vec(any::<u8>(), 1..4))
            .prop_map(|(at, new)| Damage::Insert(at, new)),
        (
            at(),
            prop::sample::select(&["\"", "{", "]", ",", "\\u", "1e999", "\"id\":1,", "null"][..])
        )
            .prop_map(|(at, new)| Damage::Insert(at, new.as_bytes().to_vec())),
        (at(), at()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        // What fails is worth a case of its own, readable, in the golden folder.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn every_record_comes_out_whole_valid_and_the_same_each_time(sample in sample()) {
        check_sample(&sample);
    }
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn damaged_bytes_end_as_an_event_or_as_one_dead_letter(
        line in prop::sample::select(VENDORS.iter().flat_map(Vendor::lines).collect::<Vec<_>>()),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut bytes = line.as_bytes().to_vec();
        for damage in &damages {
            damage.apply(&mut bytes);
        }
        let (outcome, outputs) = process(&[], &bytes);
        check_outcome(&bytes, &outcome, &outputs);
    }

    #[test]
    fn any_bytes_end_as_an_event_or_as_one_dead_letter(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let (outcome, outputs) = process(&[], &bytes);
        check_outcome(&bytes, &outcome, &outputs);
    }
}

#[test]
fn most_samples_are_events() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let events = (0..200).filter(|_| {
        let sample = sample().new_tree(&mut runner).expect("a sample").current();
        let (outcome, _) = process(&sample.headers, sample.value.as_bytes());
        matches!(outcome, Outcome::Event { .. } | Outcome::Several(_))
    });
    let events = events.count();
    assert!(
        events >= 150,
        "only {events} of 200: the samples prove little"
    );
}
