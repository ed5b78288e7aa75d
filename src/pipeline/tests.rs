//! What becomes of a record that makes a stage panic.

use super::*;
use crate::event::{Offset, OutputRecord, Partition};
use crate::rules::Overrides;

fn pipeline() -> Pipeline {
    let topics = Topics {
        events: "events".into(),
        alerts: "alerts".into(),
        dead_letters: "dead".into(),
    };
    let rules = RuleSet::load(&[], &Known::default(), &Overrides::default(), &Path::parse).unwrap();
    Pipeline::new(
        Settings {
            topics,
            limits: Limits::all(DEFAULT_MAX_MESSAGE_BYTES),
        },
        Arc::new(Catalog::shipped().unwrap()),
        Arc::new(CurrentRules::new(rules)),
        Arc::default(),
    )
}

fn record(value: &[u8]) -> RawRecord<'_> {
    RawRecord {
        position: Position {
            topic: "audit",
            partition: Partition(2),
            offset: Offset(7),
        },
        timestamp_ms: None,
        key: Some(b"key"),
        value: Some(value),
        headers: vec![Header {
            name: "its",
            value: Some(b"own"),
        }],
    }
}

fn header<'r>(record: &'r OutputRecord, name: &str) -> &'r str {
    let found = record.headers.iter().find(|(known, _)| known == name);
    let (_, value) = found.unwrap_or_else(|| panic!("no header {name}"));
    std::str::from_utf8(value.as_deref().unwrap()).unwrap()
}

#[test]
fn a_panic_leaves_one_dead_letter_with_the_original_and_nothing_of_its_text() {
    let pipeline = pipeline();
    let earlier = OutputRecord {
        topic: "events".into(),
        key: None,
        value: None,
        headers: Vec::new(),
    };
    let mut out = OutputBuffer::default();
    out.push_record(&earlier);
    let record = record(b"the secret");
    let outcome = pipeline.guarded(&Forms::WHOLE, &record, &mut out, |out| {
        out.push_record(&earlier);
        panic!("cannot slice `the secret`")
    });
    assert_eq!(outcome, Outcome::refused(PANIC));
    let out = out.to_records();
    let [kept, letter] = out.as_slice() else {
        panic!("{out:?}")
    };
    assert_eq!(*kept, earlier);
    assert_eq!(letter.value.as_deref(), Some(&b"the secret"[..]));
    assert_eq!(letter.key.as_deref(), Some(&b"key"[..]));
    assert_eq!(header(letter, "its"), "own");
    assert_eq!(header(letter, "watchbell-reason"), "panic");
    assert_eq!(header(letter, "watchbell-source-offset"), "7");
    for (name, value) in &letter.headers {
        let text = String::from_utf8_lossy(value.as_deref().unwrap_or_default());
        assert!(!text.contains("secret"), "{name}: {text}");
    }
}

#[test]
fn a_value_too_long_to_hold_is_known_by_size_and_digest() {
    let mut out = OutputBuffer::default();
    let digest = Digest::of(b"abc");
    pipeline().refuse_unread(&record(b""), TOO_LARGE, "why", &digest, &mut out);
    let out = out.to_records();
    let [letter] = out.as_slice() else {
        panic!("{out:?}")
    };
    assert_eq!(letter.value, None);
    assert_eq!(header(letter, "watchbell-reason"), "too_large");
    assert_eq!(header(letter, "watchbell-detail"), "why");
    assert_eq!(header(letter, "watchbell-cut-size"), "3");
    // The vector "abc" of FIPS 180-2, appendix B.1.
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(header(letter, "watchbell-cut-sha256"), sha256);
}
