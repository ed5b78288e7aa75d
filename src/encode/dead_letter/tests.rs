//! What a dead letter keeps, and what it says of what it does not keep.

use super::*;
use crate::event::{Header, Offset, Partition, Position};

const VALUE: &[u8] = b"{\"id\":";

fn record<'a>(value: Option<&'a [u8]>, headers: Vec<Header<'a>>) -> RawRecord<'a> {
    RawRecord {
        position: Position {
            topic: "audit",
            partition: Partition(3),
            offset: Offset(42),
            element: None,
        },
        timestamp_ms: Some(1_773_480_413_589),
        key: Some(b"key"),
        value,
        headers,
    }
}

fn letter(record: &RawRecord<'_>, detail: &str, max_bytes: usize) -> OutputRecord {
    let why = DeadLetter {
        reason: "not_json",
        detail,
        max_bytes,
        cut: false,
        sealed: false,
        unread: None,
        output: None,
        origin: None,
    };
    dead_letter(record, &"dead".into(), why)
}

/// The last header of that name as text: ours come after the record's own.
fn said(letter: &OutputRecord, name: &str) -> Option<String> {
    let mut named = letter.headers.iter().rev();
    let (_, value) = named.find(|(found, _)| found == name)?;
    Some(String::from_utf8(value.clone()?).unwrap())
}

#[test]
fn the_record_stays_as_it_was_and_ours_says_why_and_whence() {
    let headers = vec![
        Header {
            name: "content-type",
            value: Some(b"application/json"),
        },
        Header {
            name: "empty",
            value: None,
        },
        Header {
            name: "content-type",
            value: Some(b"\xff\n"),
        },
    ];
    let letter = letter(&record(Some(VALUE), headers), "a closing quote", 1_000_000);
    assert_eq!(letter.topic.as_ref(), "dead");
    assert_eq!(letter.key.as_deref(), Some(&b"key"[..]));
    assert_eq!(letter.value.as_deref(), Some(VALUE));
    assert_eq!(
        letter.headers[..3],
        [
            ("content-type".into(), Some(b"application/json".to_vec())),
            ("empty".into(), None),
            ("content-type".into(), Some(b"\xff\n".to_vec())),
        ]
    );
    for (name, expected) in [
        ("watchbell-reason", "not_json"),
        ("watchbell-detail", "a closing quote"),
        ("watchbell-source-topic", "audit"),
        ("watchbell-source-partition", "3"),
        ("watchbell-source-offset", "42"),
        ("watchbell-source-timestamp", "1773480413589"),
        ("watchbell-version", env!("CARGO_PKG_VERSION")),
        ("watchbell-schema", SCHEMA_VERSION),
    ] {
        assert_eq!(said(&letter, name).as_deref(), Some(expected), "{name}");
    }
    assert_eq!(said(&letter, "watchbell-cut-size"), None);
    assert!(
        letter
            .headers
            .iter()
            .all(|(name, _)| !name.starts_with("ce_"))
    );
}

#[test]
fn a_tombstone_stays_one_and_no_timestamp_is_none() {
    let mut tombstone = record(None, Vec::new());
    tombstone.timestamp_ms = None;
    let letter = letter(&tombstone, "", 1_000_000);
    assert_eq!(letter.value, None);
    assert_eq!(said(&letter, "watchbell-source-timestamp"), None);
    assert_eq!(said(&letter, "watchbell-cut-sha256"), None);
}

#[test]
fn what_is_too_large_loses_its_value_and_tells_its_size_and_hash() {
    let value = vec![b'a'; 1_000_000];
    let header = Header {
        name: "content-type",
        value: Some(b"text/plain"),
    };
    let letter = letter(&record(Some(&value), vec![header]), "", 1_000_000);
    assert_eq!(letter.value, None);
    assert_eq!(letter.key.as_deref(), Some(&b"key"[..]));
    assert_eq!(said(&letter, "content-type").as_deref(), Some("text/plain"));
    assert_eq!(
        said(&letter, "watchbell-cut-size").as_deref(),
        Some("1000000")
    );
    // `head -c 1000000 /dev/zero | tr '\0' a | sha256sum`
    assert_eq!(
        said(&letter, "watchbell-cut-sha256").as_deref(),
        Some("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    );
}

#[test]
fn a_frame_that_is_too_large_goes_as_well() {
    let large = vec![b'h'; 1_000_000];
    let header = Header {
        name: "large",
        value: Some(&large),
    };
    let letter = letter(&record(Some(VALUE), vec![header]), "", 1_000_000);
    assert_eq!(
        (letter.key.as_deref(), letter.value.as_deref()),
        (None, None)
    );
    assert_eq!(said(&letter, "large"), None);
    assert_eq!(said(&letter, "watchbell-cut-size").as_deref(), Some("6"));
    assert_eq!(
        said(&letter, "watchbell-reason").as_deref(),
        Some("not_json")
    );
}

#[test]
fn with_no_room_at_all_only_ours_is_left() {
    let letter = letter(&record(Some(VALUE), Vec::new()), "", 0);
    assert_eq!(
        (letter.key.as_deref(), letter.value.as_deref()),
        (None, None)
    );
    assert!(
        letter
            .headers
            .iter()
            .all(|(name, _)| name.starts_with("watchbell-"))
    );
}

#[test]
fn a_long_detail_is_cut_between_letters() {
    let letter = letter(
        &record(Some(VALUE), Vec::new()),
        &"é".repeat(5000),
        1_000_000,
    );
    assert_eq!(said(&letter, "watchbell-detail"), Some("é".repeat(1024)));
}

#[test]
fn a_sealed_letter_says_where_the_record_stands_and_nothing_of_what_is_in_it() {
    let headers = vec![Header {
        name: "secret",
        value: Some(b"secret"),
    }];
    let value = b"a secret";
    let why = DeadLetter {
        reason: "not_json",
        detail: "expected a value, not `secret`",
        max_bytes: 1_000_000,
        cut: false,
        sealed: true,
        unread: None,
        output: None,
        origin: None,
    };
    let record = RawRecord {
        key: Some(b"secret"),
        ..record(Some(value), headers)
    };
    let letter = dead_letter(&record, &"dead".into(), why);
    assert_eq!((&letter.key, &letter.value), (&None, &None));
    assert!(!format!("{letter:?}").contains("secret"), "{letter:?}");
    assert_eq!(
        said(&letter, "watchbell-detail").as_deref(),
        Some(SEALED_DETAIL)
    );
    assert_eq!(said(&letter, "watchbell-sealed").as_deref(), Some("true"));
    assert_eq!(
        said(&letter, "watchbell-source-offset").as_deref(),
        Some("42")
    );
    assert_eq!(said(&letter, "watchbell-cut-size").as_deref(), Some("8"));
    let sha256 = crate::event::Digest::of(value).hex();
    assert_eq!(said(&letter, "watchbell-cut-sha256"), Some(sha256));
}
