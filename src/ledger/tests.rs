//! The chain and the records of the ledger, as they are written and read.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::event::Header;

const OF: (&str, &str, i32) = ("confluent", "audit", 3);

/// A source record: its offset, its value, the hashes of its outputs by element and topic.
type Source = (i64, Option<Vec<u8>>, Vec<(u32, &'static str, u8)>);

fn add(run: &mut Run, chain: &mut Chain, source: &Source, bounds: Bounds) -> Vec<Vec<u8>> {
    let (offset, value, outputs) = source;
    let outputs = outputs.iter().map(|(element, topic, hash)| {
        let entry = OutputEntry {
            topic: 0,
            element: *element,
            hash: [*hash; 16],
        };
        (*topic, entry)
    });
    let counts = (Fates::EVENT, [1, 0, 0]);
    run.add(
        chain,
        (*offset, value.as_deref()),
        counts,
        outputs,
        (OF, bounds),
    )
}

/// The ledger records of source records that are read in batches of these sizes, and the chain after them.
fn written(sources: &[Source], batches: &[usize], bounds: Bounds) -> (Vec<Vec<u8>>, Chain) {
    let mut chain = Chain::begin(OF.1, OF.2, 5);
    let mut records = vec![chain.start_record(OF)];
    let (mut rest, mut batches) = (sources, batches.iter().cycle());
    while !rest.is_empty() {
        let size = batches.next().map_or(1, |size| *size).clamp(1, rest.len());
        let mut run = Run::default();
        for source in &rest[..size] {
            records.extend(add(&mut run, &mut chain, source, bounds));
        }
        records.extend(run.take(&chain, OF));
        rest = &rest[size..];
    }
    (records, chain)
}

/// What the ledger records say of the source records, after each was checked and found to follow the one before it.
fn read(records: &[Vec<u8>]) -> Vec<Source> {
    const TOPICS: [&str; 3] = ["events", "dead", "routed"];
    let mut head: Option<(i64, Sum)> = None;
    let mut found: Vec<Source> = Vec::new();
    for value in records {
        let record = LedgerRecord::parse(value).unwrap();
        if let (Some(links), Some((next, head))) = (record.links(), head) {
            assert_eq!((record.from, links.before), (next, head));
        }
        let is_more = record.kind == Kind::More;
        record
            .check(|entry| {
                let outputs = entry.outputs.iter().map(|output| {
                    let topic = &record.outputs[output.topic as usize];
                    let topic = TOPICS.iter().find(|known| **known == *topic).unwrap();
                    (output.element, *topic, output.hash[0])
                });
                match is_more {
                    true => found.last_mut().unwrap().2.extend(outputs),
                    false => found.push((entry.offset, None, outputs.collect())),
                }
            })
            .unwrap();
        if let Some(links) = record.links() {
            head = Some((record.next, links.after));
        }
    }
    found
}

fn sources() -> impl Strategy<Value = Vec<Source>> {
    let output = (0_u32..300, 0_usize..3, any::<u8>());
    let output = output
        .prop_map(|(element, topic, hash)| (element, ["events", "dead", "routed"][topic], hash));
    let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
    let source = (1_i64..300, value, prop::collection::vec(output, 0..30));
    prop::collection::vec(source, 1..40).prop_map(|sources| {
        let mut offset = 4;
        let placed = sources.into_iter().map(|(distance, value, outputs)| {
            offset += distance;
            (offset, value, outputs)
        });
        placed.collect()
    })
}

proptest! {
    #[test]
    fn the_chain_is_the_same_however_the_source_is_cut_and_everything_is_read_back(
        sources in sources(),
        batches in prop::collection::vec(1_usize..9, 1..5),
        max_bytes in 2_500_usize..6_000,
    ) {
        let (_, whole) = written(&sources, &[usize::MAX], Bounds::of_topic(1_000_000));
        let (records, chain) = written(&sources, &batches, Bounds::of_topic(max_bytes));
        prop_assert_eq!(chain, whole);
        let longest = records.iter().map(Vec::len).max().unwrap();
        prop_assert!(longest <= max_bytes, "{} of {}", longest, max_bytes);
        let expected: Vec<Source> = sources.iter().cloned().map(|(offset, _, outputs)| (offset, None, outputs)).collect();
        prop_assert_eq!(read(&records), expected);
    }
}

fn source(offset: i64, value: &str) -> Source {
    (
        offset,
        Some(value.as_bytes().to_vec()),
        vec![(0, "events", 7)],
    )
}

#[test]
fn the_chain_is_as_it_is_documented() {
    let sum = |bytes: &[&[u8]]| -> Sum { Sha256::digest(bytes.concat()).into() };
    let mut chain = Chain::begin("audit", 3, 5);
    let begin = sum(&[
        b"watchbell ledger 1",
        &3_i32.to_be_bytes(),
        &5_i64.to_be_bytes(),
        b"audit",
    ]);
    assert_eq!(chain.head, begin);
    chain.add(7, &value_hash(Some(b"value")));
    let one = sum(&[&begin, &7_i64.to_be_bytes(), &sum(&[b"value"])]);
    assert_eq!((chain.next, chain.head), (8, one));
    chain.add(8, &value_hash(None));
    let two = sum(&[&one, &8_i64.to_be_bytes(), &[0; 32]]);
    assert_eq!(chain.head, two);
    chain.gap(20);
    let gap = sum(&[&two, b"gap", &9_i64.to_be_bytes(), &20_i64.to_be_bytes()]);
    assert_eq!((chain.next, chain.head), (20, gap));
    chain.moved(10);
    let moved = sum(&[&gap, b"move", &20_i64.to_be_bytes(), &10_i64.to_be_bytes()]);
    assert_eq!((chain.next, chain.head), (10, moved));
}

#[test]
fn a_chain_is_committed_as_text_and_another_text_is_none() {
    let chain = Chain {
        next: i64::MAX,
        head: [251; 32],
    };
    let text = chain.text();
    assert_eq!(Chain::parse(&text), Some(chain));
    assert!(text.len() <= 70 && text.is_ascii() && !text.contains([' ', '"', '\\']));
    for other in [
        "",
        "sha256:1",
        "blake3:1:x",
        "dropped1",
        &text[..40],
        &format!("{text}:"),
    ] {
        assert_eq!(Chain::parse(other), None, "{other}");
    }
}

#[test]
fn whatever_is_changed_in_a_record_of_the_ledger_is_found() {
    let sources = [source(5, "a"), source(6, "b"), source(9, "c")];
    let (records, _) = written(&sources, &[3], Bounds::of_topic(1_000_000));
    let run = String::from_utf8(records[1].clone()).unwrap();
    let check = |text: &str| {
        let record = LedgerRecord::parse(text.as_bytes())?;
        record.check(|_| {})
    };
    check(&run).unwrap();
    let record = LedgerRecord::parse(run.as_bytes()).unwrap();
    let entries = record.entries.to_string();
    let half = &entries[..entries.len() / 2 / 4 * 4];
    let (before, after) = (record.before.unwrap(), record.after.unwrap());
    let number = LedgerRecordError::Number;
    for (old, new, error) in [
        ("\"from\":5", "\"from\":4", None),
        (
            "\"records\":3",
            "\"records\":2",
            Some(number("number of records")),
        ),
        ("\"last\":9", "\"last\":8", Some(number("last offset"))),
        ("\"next\":10", "\"next\":11", Some(number("next offset"))),
        ("\"first\":5", "\"first\":4", Some(number("last offset"))),
        (&*entries, half, Some(LedgerRecordError::Entries)),
        (&before, &"0".repeat(64), Some(LedgerRecordError::Chain)),
        (&after, &"0".repeat(64), Some(LedgerRecordError::Chain)),
        (
            "sha256",
            "sha1",
            Some(LedgerRecordError::Hash("sha1".into())),
        ),
        (
            "\"version\":1",
            "\"version\":2",
            Some(LedgerRecordError::Version(2)),
        ),
    ] {
        let changed = run.replacen(old, new, 1);
        assert_ne!(changed, run, "{old}");
        // The position before a run is compared with that of the row before.
        assert_eq!(check(&changed).err(), error, "{old}");
    }
    // A hash of a source record is in the chain.
    let mut bytes = data_encoding::BASE64.decode(entries.as_bytes()).unwrap();
    bytes[1] ^= 1;
    let changed = run.replace(&entries, &data_encoding::BASE64.encode(&bytes));
    assert_eq!(check(&changed), Err(LedgerRecordError::Chain));
}

#[test]
fn a_gap_and_a_move_are_links_of_the_chain_and_what_is_retried_is_none() {
    let mut chain = Chain::begin(OF.1, OF.2, 5);
    let gap = chain.gap_record(20, OF);
    let moved = chain.move_record(10, OF);
    let (gap, moved) = (
        LedgerRecord::parse(&gap).unwrap(),
        LedgerRecord::parse(&moved).unwrap(),
    );
    assert_eq!((gap.kind, gap.from, gap.next), (Kind::Gap, 5, 20));
    assert_eq!((moved.kind, moved.from, moved.next), (Kind::Move, 20, 10));
    assert_eq!(gap.links().unwrap().after, moved.links().unwrap().before);
    assert_eq!(moved.links().unwrap().after, chain.head);
    gap.check(|_| {}).unwrap();
    let forged = LedgerRecord { next: 21, ..gap };
    assert_eq!(forged.check(|_| {}), Err(LedgerRecordError::Chain));
    let output = OutputEntry {
        topic: 0,
        element: 0,
        hash: [1; 16],
    };
    let retried = outputs_record(
        (7, Some(b"v")),
        (Fates::EVENT, [1, 0, 0]),
        [("events", output)].into_iter(),
        (OF, Bounds::of_topic(1_000_000)),
    );
    let retried = LedgerRecord::parse(&retried[0]).unwrap();
    assert_eq!((retried.kind, retried.links()), (Kind::Retry, None));
    retried
        .check(|entry| assert_eq!(entry.outputs, [output]))
        .unwrap();
}

#[test]
fn every_part_of_a_dead_letter_is_in_its_hash() {
    let header = |name, value| Header { name, value };
    let hashes = [
        letter_hash(None, None, []),
        letter_hash(Some(b""), None, []),
        letter_hash(None, Some(b""), []),
        letter_hash(None, None, [header("", None)]),
        letter_hash(None, None, [header("", Some(b"".as_slice()))]),
        letter_hash(None, None, [header("a", Some(b"b".as_slice()))]),
        letter_hash(None, None, [header("ab", Some(b"".as_slice()))]),
    ];
    for (index, one) in hashes.iter().enumerate() {
        assert!(
            hashes[index + 1..].iter().all(|other| other != one),
            "{index}"
        );
    }
}
