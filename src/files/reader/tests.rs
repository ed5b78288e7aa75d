//! What becomes of a file's text, however it arrives.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::event::Digest;
use crate::files::Piece;

/// Gives a few bytes at a time, as a pipe may.
struct Trickle {
    text: Cursor<Vec<u8>>,
    bytes: usize,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.bytes.min(buffer.len());
        self.text.read(&mut buffer[..bytes])
    }
}

/// Every piece as text, `!` before the rest after a fault, `#` before the size of what was not held;
/// last the error, if there is one.
fn pieces(reader: Reader) -> Vec<String> {
    let mut pieces = Vec::new();
    for batch in reader {
        match batch {
            Ok(batch) => pieces.extend(batch.pieces().map(|(_, piece)| match piece {
                Piece::Event(text) => String::from_utf8_lossy(text).into_owned(),
                Piece::Fault { text, .. } => format!("!{}", String::from_utf8_lossy(text)),
                Piece::Unread { digest, .. } => format!("#{}", digest.size),
            })),
            Err(error) => pieces.push(format!("error: {error}")),
        }
    }
    pieces
}

/// The same pieces, in whatever portions the text comes.
fn read(name: &str, text: &str) -> Vec<String> {
    let whole = pieces(Reader::new(name, Cursor::new(text.to_owned())).unwrap());
    for bytes in [1, 3, 7] {
        let text = Cursor::new(text.as_bytes().to_vec());
        let trickle = Trickle { text, bytes };
        let read = pieces(Reader::new(name, trickle).unwrap());
        assert_eq!(read, whole, "{bytes} bytes at a time");
    }
    whole
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_array_is_split_and_a_document_is_one_event() {
    assert_eq!(read("a.json", "[{\"a\":1},\n 2 ]"), ["{\"a\":1}", "2"]);
    assert_eq!(
        read("a.json", "[{\"a\":[1, 2]},[3]]"),
        ["{\"a\":[1, 2]}", "[3]"]
    );
    assert_eq!(read("a.json", "{\n\"a\":1}\n"), ["{\n\"a\":1}"]);
    assert!(read("a.json", " [ ] ").is_empty());
    assert!(read("a.json", "").is_empty());
}

#[test]
fn values_may_follow_each_other_without_a_comma() {
    let pretty = "{\n  \"a\": 1\n}\n{\n  \"b\": 2\n}\n";
    assert_eq!(read("jq", pretty), ["{\n  \"a\": 1\n}", "{\n  \"b\": 2\n}"]);
    assert_eq!(read("a", "[1,2][3]\n{}\n[4]"), ["1", "2", "3", "{}", "4"]);
    assert_eq!(read("a", "{\n}12 345"), ["{\n}", "12", "345"]);
}

#[test]
fn after_a_fault_nothing_is_an_event() {
    assert_eq!(read("a.json", "[{}, {\"a\n, 3]"), ["{}", "!{\"a\n, 3]"]);
    assert_eq!(read("a.json", "{\n}x\n{}"), ["{\n}", "!x\n{}"]);
    assert_eq!(read("a.json", "[1"), ["1", "!"]);
    assert_eq!(read("a.json", "[1,"), ["1", "!"]);
    assert_eq!(read("a.json", "[1,]"), ["1", "!]"]);
    assert_eq!(read("a.json", "[{}\n{\"b\":1}"), ["{}", "!{\"b\":1}"]);
    assert_eq!(read("a.log", "no JSON\n{}\n"), ["!no JSON\n{}"]);
}

#[test]
fn a_fault_says_where_it_is() {
    let text = "\u{feff} [{}, nul, 3]";
    let mut reader = Reader::new("a.json", Cursor::new(text)).unwrap();
    let batch = reader.next().unwrap().unwrap();
    let last = batch.pieces().last().unwrap();
    let (2, Piece::Fault { detail, .. }) = (last.0 + 1, last.1) else {
        panic!("{last:?}")
    };
    assert_eq!(detail, "not JSON from byte 9 on: expected ident");
}

#[test]
fn each_line_of_ndjson_stands_for_itself() {
    assert_eq!(read("a.log", "\n{}\r\n\nbad\n{}"), ["{}", "bad", "{}"]);
    assert_eq!(read("a.jsonl.gz", "bad\n{}"), ["bad", "{}"]);
    assert_eq!(read("A.NDJSON", "[1]\n{\n"), ["[1]", "{"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_event() {
    assert_eq!(read("a.ndjson", "\u{feff}{}\n{}"), ["{}", "{}"]);
    assert_eq!(read("a.json", "\u{feff}[{}]"), ["{}"]);
}

#[test]
fn what_is_too_long_to_hold_leaves_its_digest_and_the_next_line_is_read() {
    let long = "x".repeat(100);
    let text = format!("{{}}\n{long}\n{{}}\n");
    let reader = Reader::with_limit("a.ndjson", Cursor::new(text.clone()), 64).unwrap();
    assert_eq!(pieces(reader), ["{}", "#100", "{}"]);
    let mut reader = Reader::with_limit("a.ndjson", Cursor::new(text), 64).unwrap();
    let batch = reader.next().unwrap().unwrap();
    let digests: Vec<Digest> = batch
        .pieces()
        .filter_map(|(_, piece)| match piece {
            Piece::Unread {
                digest,
                fault: None,
            } => Some(*digest),
            _ => None,
        })
        .collect();
    assert_eq!(digests, [Digest::of(long.as_bytes())]);

    let array = format!("[1, \"{long}\", 2]");
    let reader = Reader::with_limit("a.json", Cursor::new(array.clone()), 64).unwrap();
    assert_eq!(pieces(reader), ["1", "#106"]);
    let mut reader = Reader::with_limit("a.json", Cursor::new(array), 64).unwrap();
    let batch = reader.next().unwrap().unwrap();
    let (_, last) = batch.pieces().last().unwrap();
    let Piece::Unread { fault, .. } = last else {
        panic!("{last:?}")
    };
    assert_eq!(fault, Some("not JSON from byte 4 on: a value does not end"));
}

#[test]
fn a_large_text_comes_in_batches_and_is_numbered_through() {
    let text: String = (0..5_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    for (name, text) in [
        ("a.ndjson", text.clone()),
        (
            "a.json",
            format!("[{}]", text.trim_end().replace('\n', ",")),
        ),
    ] {
        let reader = Reader::new(name, Cursor::new(gzip(&text))).unwrap();
        let mut seen = 0;
        for batch in reader {
            for (number, piece) in batch.unwrap().pieces() {
                let expected = format!("{{\"n\":{number}}}");
                assert_eq!(piece, Piece::Event(expected.as_bytes()));
                assert_eq!(number, seen);
                seen += 1;
            }
        }
        assert_eq!(seen, 5_000);
    }
}

#[test]
fn a_value_larger_than_a_read_is_one_event() {
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(3 << 20));
    for (name, text) in [
        ("a.json", format!("[{large},{large}]")),
        ("a.ndjson", format!("{large}\n{large}\n")),
    ] {
        let reader = Reader::new(name, Cursor::new(text)).unwrap();
        assert!(pieces(reader) == [large.clone(), large.clone()], "{name}");
    }
}

#[test]
fn what_stands_before_the_damage_of_a_gzip_is_read() {
    let text: String = (0..200_000_u32)
        .map(|n| format!("{{\"n\":{}}}\n", n.wrapping_mul(2_654_435_761)))
        .collect();
    let mut compressed = gzip(&text);
    compressed.truncate(compressed.len() / 2);
    let mut pieces = pieces(Reader::new("a.ndjson", Cursor::new(compressed)).unwrap());
    let error = pieces.pop().unwrap();
    assert!(error.starts_with("error: the gzip is damaged: "), "{error}");
    assert!(pieces.len() > 1_000, "{}", pieces.len());
    let expected: Vec<&str> = text.lines().take(pieces.len()).collect();
    assert!(pieces == expected);
}

#[test]
fn a_gzip_of_several_members_is_one_text() {
    let mut compressed = gzip("{\"a\":1}\n");
    compressed.extend(gzip("{\"a\":2}\n"));
    let reader = Reader::new("stdin", Cursor::new(compressed)).unwrap();
    assert_eq!(pieces(reader), ["{\"a\":1}", "{\"a\":2}"]);
}
