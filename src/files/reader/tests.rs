//! The events of a file's text, for any sizes of reads.

use std::io::{Cursor, Write};
use std::time::Instant;

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

/// Gives the first part by itself, as a pipe may.
struct Cut {
    first: Cursor<Vec<u8>>,
    rest: Cursor<Vec<u8>>,
}

impl Read for Cut {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.first.read(buffer)? {
            0 => self.rest.read(buffer),
            bytes => Ok(bytes),
        }
    }
}

/// Every piece as text: `!` before a fault, `#` before the size of a text that was not kept; last the error, if
/// there is one.
fn pieces(mut reader: FileReader) -> (Vec<String>, Report) {
    let mut pieces = Vec::new();
    for batch in &mut reader {
        match batch {
            Ok(batch) => pieces.extend(batch.pieces().map(|(_, piece)| match piece {
                Piece::Event(text) => String::from_utf8_lossy(text).into_owned(),
                Piece::Fault { text, .. } => format!("!{}", String::from_utf8_lossy(text)),
                Piece::Unread { digest, .. } => format!("#{}", digest.size),
            })),
            Err(error) => pieces.push(format!("error: {error}")),
        }
    }
    (pieces, reader.report())
}

fn read_all(bytes: impl Into<Vec<u8>>) -> (Vec<String>, Report) {
    pieces(FileReader::new(Cursor::new(bytes.into())).unwrap())
}

/// Asserts that the pieces are the same for all sizes of reads.
fn read_with_report(bytes: &[u8]) -> (Vec<String>, Report) {
    let whole = read_all(bytes);
    for portion in [1, 3, 7] {
        let text = Cursor::new(bytes.to_vec());
        let trickle = Trickle {
            text,
            bytes: portion,
        };
        let read = pieces(FileReader::new(trickle).unwrap());
        assert_eq!(read, whole, "{portion} bytes at a time");
    }
    for cut in 0..bytes.len() {
        let (first, rest) = bytes.split_at(cut);
        let [first, rest] = [first, rest].map(|part| Cursor::new(part.to_vec()));
        let read = pieces(FileReader::new(Cut { first, rest }).unwrap());
        assert_eq!(read, whole, "cut at {cut}");
    }
    whole
}

fn read(text: &str) -> Vec<String> {
    read_with_report(text.as_bytes()).0
}

/// The parts of a text that became no event: lines of noise and bytes lost.
fn left(text: &str) -> (u64, u64) {
    let (_, report) = read_with_report(text.as_bytes());
    (report.noise_lines, report.lost_bytes)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

const EVENT: &str = r#"{"specversion":"1.0","id":"a"}"#;

#[test]
fn an_array_is_split_and_a_document_is_one_event() {
    assert_eq!(read("[{\"a\":1},\n 2 ]"), ["{\"a\":1}", "2"]);
    assert_eq!(read("[{\"a\":[1, 2]},[3]]"), ["{\"a\":[1, 2]}", "[3]"]);
    assert_eq!(read("{\n\"a\":1}\n"), ["{\n\"a\":1}"]);
    assert_eq!(read("[null,\n[1],\n{}]"), ["null", "[1]", "{}"]);
    assert!(read(" [ ] ").is_empty());
    assert!(read("").is_empty());
}

#[test]
fn values_may_follow_each_other_without_a_comma() {
    let pretty = "{\n  \"a\": 1\n}\r\n{\n  \"b\": 2\n}\n";
    assert_eq!(read(pretty), ["{\n  \"a\": 1\n}", "{\n  \"b\": 2\n}"]);
    assert_eq!(read("[1,2][3]\n{}\n[4]"), ["1", "2", "3", "{}", "4"]);
    assert_eq!(read("{\n}12 345"), ["{\n}", "12", "345"]);
    assert_eq!(
        read("{}{\n}null {\"a\"\n:1}"),
        ["{}", "{\n}", "null", "{\"a\"\n:1}"]
    );
    assert_eq!(read("{}\n\u{1e}{}\n"), ["{}", "{}"]);
    assert_eq!(left("[1,2][3]\n{}\n{\n}12 345"), (0, 0));
}

#[test]
fn a_number_may_be_cut_anywhere() {
    for number in ["-5", "1.5", "1e5", "1e+5", "-0.5E-07"] {
        let text = format!("[{{\"a\":{number}}},{number},{{}}] {{\"b\":[{number}]}}\n{number}");
        let expected = [
            format!("{{\"a\":{number}}}"),
            number.to_owned(),
            "{}".to_owned(),
            format!("{{\"b\":[{number}]}}"),
            number.to_owned(),
        ];
        assert_eq!(read(&text), expected);
        assert_eq!(left(&text), (0, 0));
    }
}

#[test]
fn after_a_syntax_error_every_line_that_is_an_object_is_an_event() {
    let text = "[{},\n {\"a\n,\n {\"b\":1},\n{\"c\":2}\n]";
    assert_eq!(read(text), ["{}", "!{\"a", "{\"b\":1}", "{\"c\":2}"]);
    assert_eq!(left(text), (0, 3));
    assert_eq!(read("[{}\n{\"b\":1}"), ["{}", "{\"b\":1}"]);
    assert_eq!(read("[{},]\n{}"), ["{}", "{}"]);
    assert_eq!(read("[{}, nul, 3]\n{}"), ["{}", "!nul, 3]", "{}"]);
    // Between two tokens of a line that was cut off.
    assert_eq!(
        read("{\"a\":\n{\"b\":1}\n{}"),
        ["{\"a\":", "{\"b\":1}", "{}"]
    );
    assert_eq!(
        left("{\"a\":\n{\"b\":1}\n{}"),
        (0, 0),
        "one line is one bad event"
    );
}

#[test]
fn a_document_of_several_lines_is_found_again_after_a_broken_one() {
    let text = "{\n  \"a\": {\n    \"b\": x\n  },\n  \"c\": [\n    {\n      \"d\": 1\n    }\n  ]\n}\n\
                {\n  \"e\": {\n  }\n}\n";
    let (read, report) = read_with_report(text.as_bytes());
    let end = text.rfind("\n{").unwrap();
    assert_eq!(
        read,
        [format!("!{}", &text[..end]), text[end..].trim().into()]
    );
    let loss = &report.lost[0];
    assert_eq!((loss.offset, loss.line, loss.bytes), (0, 1, end as u64));
    assert_eq!(loss.what, "expected a value");
    let text = "[\n  {\n    \"a\": x\n  },\n  {\n    \"b\": 1\n  }\n]\n{}";
    let expected = ["!{\n    \"a\": x\n  },", "{\n    \"b\": 1\n  }", "{}"];
    assert_eq!(read_with_report(text.as_bytes()).0, expected);
}

#[test]
fn a_value_cut_off_by_the_end_is_a_loss_of_so_many_bytes() {
    let text = "[{},\n{\"a\": [1,\n2";
    assert_eq!(read(text), ["{}", "!{\"a\": [1,\n2"]);
    assert_eq!(left(text), (0, 11));
    for (text, events) in [("[1", 1), ("[1,", 1), ("[{}", 1), ("[", 0)] {
        let (pieces, report) = read_with_report(text.as_bytes());
        assert_eq!((pieces.len(), report.losses), (events, 1), "{text}");
        assert_eq!(
            report.lost[0].what,
            "the array that begins here is not closed"
        );
    }
    assert_eq!(
        read("{}\n{\"a\":1,"),
        ["{}", "{\"a\":1,"],
        "a line cut off is one bad event"
    );
}

#[test]
fn noise_is_counted_and_is_not_a_piece() {
    let noise = [
        "[2020-05-12 12:20:50,405] WARN The configuration {a=1} is not known. (a.b.C)",
        "[main] INFO x",
        "[0] [{main}] x",
        "12345 messages",
        "Processed a total of 3 messages",
        "{main} {}",
        "true story",
        "\"quoted\" words",
        "# {\"a\":1}",
        "}",
        "\u{7f}ELF",
    ];
    for line in noise {
        let text = format!("{line}\n{EVENT}\r\n{line}\r\n\n{EVENT}\n{EVENT}{line}");
        let (pieces, report) = read_with_report(text.as_bytes());
        assert_eq!(pieces, [EVENT; 3], "{line}");
        assert_eq!(report.noise_lines, 3, "{line}");
        assert_eq!(report.noise_bytes, 3 * line.len() as u64, "{line}");
        let lines: Vec<u64> = report.noise.iter().map(|noise| noise.line).collect();
        assert_eq!(lines, [1, 3, 6]);
        assert_eq!(report.noise[0].beginning, line.as_bytes());
        assert_eq!((report.lost_bytes, report.records), (0, 3));
    }
    let pretty = "WARN a\n{\n  \"a\": 1\n}\nWARN b\n[\n  {\n  }\n]\n";
    assert_eq!(read(pretty), ["{\n  \"a\": 1\n}", "{\n  }"]);
    assert_eq!(left(pretty), (2, 0));
}

#[test]
fn once_there_is_noise_lines_that_close_around_an_event_do_not_hide_it() {
    let event = r#"{"specversion":"1.0"}"#;
    for (before, after) in [("{\"a\":", "}"), ("{\"a\": {\"b\":", "}}"), ("[", "]")] {
        let around = format!("{before}\n{event}\n{after}\n");
        let events = |text: &str| {
            let pieces = read(text);
            pieces.iter().filter(|piece| *piece == event).count()
        };
        assert_eq!(events(&format!("noise\n{around}{event}\n")), 2, "{around}");
    }
    // Without noise the whole is a run of documents, and the event a part of one.
    assert_eq!(read(&format!("{{\"a\":\n{event}\n}}")).len(), 1);
    // An event over several lines is one all the same.
    let printed = "{\n\"specversion\":\n\"1.0\",\"data\":\n{}\n}";
    assert!(read(&format!("noise\n{printed}")).contains(&printed.to_owned()));
}

#[test]
fn once_there_is_noise_a_line_that_is_no_object_is_noise_too() {
    assert_eq!(read("null\n1\n{}\n"), ["null", "1", "{}"]);
    assert_eq!(read("WARN\nnull\n1\n[2]\n\"x\"\n{}\n[{}]"), ["{}", "{}"]);
    assert_eq!(left("WARN\nnull\n1\n[2]\n\"x\"\n{}\n[{}]"), (5, 0));
}

#[test]
fn a_cloudevent_after_other_text_of_its_line_is_an_event() {
    for prefix in [
        "CreateTime:1589286050405\tnull\t",
        "2026-11-20T10:00:00Z stdout F ",
        "content-type:application/cloudevents+json; charset=UTF-8,x:{\t{\"key\":1}\t",
        "\0\0\0",
    ] {
        let text = format!("{prefix}{EVENT}\n{prefix}{EVENT}{prefix}{EVENT} end\n");
        let (pieces, report) = read_with_report(text.as_bytes());
        assert_eq!(pieces, [EVENT; 3], "{prefix}");
        assert_eq!((report.prefixed_lines, report.noise_lines), (3, 1));
    }
}

#[test]
fn a_broken_event_is_never_noise() {
    for line in [
        "{\"cut\": \"off",
        "{\"specversion\":\"1.0\",\"methodName\":\"Del",
        "ersion\":\"1.0\",\"methodName\":\"DeleteTopics\"}",
        "CreateTime:1\t{\"specversion\":\"1.0\"",
        "{'specversion': '1.0'}",
        "\"{\\\"specversion\\\":\\\"1.0\\\"}\"",
    ] {
        let text = format!("WARN\n{line}\n{EVENT}\n");
        assert_eq!(read(&text), [line, EVENT]);
        assert_eq!(left(&text), (1, 0), "{line}");
    }
    let text = format!("{{\"id\":\"a{EVENT}\n");
    assert_eq!(
        read(&text),
        [text.trim()],
        "a line that begins within another is one"
    );
    let text = format!("[{EVENT},{{bad}},{EVENT},{{\"a\":}},x,{EVENT}]");
    assert_eq!(read(&text), [EVENT, "!{bad},", EVENT, "{\"a\":},x,", EVENT]);
}

#[test]
fn a_fault_says_where_it_is() {
    let text = "\u{feff} [{}, nul, 3]";
    let mut reader = FileReader::new(Cursor::new(text)).unwrap();
    let batch = reader.next().unwrap().unwrap();
    let last = batch.pieces().last().unwrap();
    let (1, Piece::Fault { detail, .. }) = last else {
        panic!("{last:?}")
    };
    assert_eq!(detail, "not JSON from byte 9 on: expected a value");
}

#[test]
fn a_byte_order_mark_is_no_part_of_an_event_wherever_a_text_begins() {
    assert_eq!(read("\u{feff}{}\n{}"), ["{}", "{}"]);
    assert_eq!(read("\u{feff}[{}]\u{feff}{}"), ["{}", "{}"]);
    assert_eq!(read("{}\u{feff}{}\n\u{feff}[1, 2]"), ["{}", "{}", "1", "2"]);
    assert_eq!(read("\u{feff}"), [""; 0]);
    assert_eq!(left("\u{feff}{}\r\n\u{feff}"), (0, 0));
    let marked = |text: &str| gzip(&format!("\u{feff}{text}"));
    let members = [marked("{\"a\":1}"), marked("[{}]\n"), marked("{\"b\":2}\n")].concat();
    let (pieces, report) = read_all(members);
    assert_eq!(pieces, ["{\"a\":1}", "{}", "{\"b\":2}"]);
    assert_eq!(report.noise_lines, 0);
}

#[test]
fn utf_16_is_read_in_both_orders_with_and_without_its_mark() {
    let text = format!("[{EVENT},\r\n{{\"a\":\"Grüße 😀\"}}]");
    for text in [format!("\u{feff}{text}"), text] {
        let units: Vec<u16> = text.encode_utf16().collect();
        for convert in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = units.iter().flat_map(|unit| convert(*unit)).collect();
            let (pieces, report) = read_with_report(&bytes);
            assert_eq!(pieces, [EVENT, "{\"a\":\"Grüße 😀\"}"]);
            assert_eq!((report.noise_lines, report.losses), (0, 0));
        }
    }
}

fn limited(text: &str, limit: usize) -> (Vec<String>, Report) {
    pieces(FileReader::with_limit(Cursor::new(text.to_owned()), limit).unwrap())
}

#[test]
fn of_a_too_long_event_the_digest_is_kept_and_the_next_event_is_read() {
    let long = format!("{{\"a\":\"{}\"}}", "x\\\"}".repeat(25));
    for text in [
        format!("{{}}\n{long}\n{{}}\n"),
        format!("[{{}}, {long},{{}}]"),
        format!("{{}}{long}{{}}"),
    ] {
        let (pieces, report) = limited(&text, 64);
        assert_eq!(pieces, ["{}", "#108", "{}"], "{text}");
        assert_eq!(report.losses, 0);
        let mut reader = FileReader::with_limit(Cursor::new(text), 64).unwrap();
        let batch = reader.next().unwrap().unwrap();
        let (_, piece) = batch.pieces().nth(1).unwrap();
        let digest = &Digest::of(long.as_bytes());
        let fault = None;
        assert_eq!(piece, Piece::Unread { digest, fault });
    }
    let noise = "WARN ".repeat(40);
    let (pieces, report) = limited(&format!("{noise}\n{{}}\n"), 64);
    assert_eq!((pieces, report.noise_bytes), (vec!["{}".into()], 200));
    let cut = format!("{{\"a\":\"{}", "x".repeat(100));
    let (pieces, report) = limited(&format!("{cut}\n{{}}\n"), 64);
    assert_eq!(
        (pieces, report.lost_bytes),
        (vec!["#106".into(), "{}".into()], 106)
    );
}

#[test]
fn a_long_document_of_many_lines_is_lost_with_its_size_and_the_next_is_read() {
    let members = (0..40).map(|n| format!("  \"{n}\": {{\n  }},\n"));
    let text = format!("{{\n{}}}\n{{\n}}\n", members.collect::<String>());
    let (pieces, report) = limited(&text, 64);
    let bytes = text.rfind("\n{").unwrap() as u64;
    assert_eq!(pieces.last().unwrap(), "{\n}");
    assert_eq!((pieces.len(), report.losses), (2, 1));
    assert!(
        report.lost_bytes.abs_diff(bytes) <= 1,
        "{}",
        report.lost_bytes
    );
    assert_eq!(report.lost[0].what, "a value does not end");
}

#[test]
fn a_large_text_comes_in_batches_and_is_numbered_through() {
    let text: String = (0..5_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let array = format!("[{}]", text.trim_end().replace('\n', ","));
    for text in [text, array] {
        let reader = FileReader::new(Cursor::new(gzip(&text))).unwrap();
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
    for text in [format!("[{large},{large}]"), format!("{large}\n{large}\n")] {
        assert!(read_all(text).0 == [large.clone(), large.clone()]);
    }
}

#[test]
fn text_before_the_damage_of_a_gzip_is_read() {
    let text: String = (0..200_000_u32)
        .map(|n| format!("{{\"n\":{}}}\n", n.wrapping_mul(2_654_435_761)))
        .collect();
    let whole = gzip(&text);
    let cut = whole[..whole.len() / 2].to_vec();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2..].fill(0xff);
    for damaged in [cut, flipped] {
        let (mut pieces, _) = read_all(damaged);
        let error = pieces.pop().unwrap();
        assert!(error.starts_with("error: the gzip is damaged: "), "{error}");
        // All but the last, in the middle of which the text may end.
        pieces.pop();
        assert!(pieces.len() > 90_000, "{}", pieces.len());
        let expected: Vec<&str> = text.lines().take(pieces.len()).collect();
        assert!(pieces == expected);
    }
}

/// A text of so many pieces.
type Repeated = fn(usize) -> String;

#[test]
fn the_time_of_reading_is_proportional_to_the_length_of_any_text() {
    let texts: [(&str, Repeated); 9] = [
        ("brackets", |n| "[\n".repeat(n)),
        ("arrays that go on", |n| "[1,\n".repeat(n) + "x"),
        ("objects that go on", |n| "{\"a\":[\n".repeat(n)),
        ("scalars on a line", |n| "1 [2] ".repeat(n)),
        ("events in noise", |n| format!("x {EVENT} ").repeat(n)),
        ("braces in noise", |n| "x {".repeat(n) + EVENT),
        ("broken elements", |n| format!("[{}]", "{bad},".repeat(n))),
        ("a string without end", |n| "{\"a".repeat(n)),
        ("open objects and commas", |n| {
            "{\"a\":1},{\"b\":[\n".repeat(n)
        }),
    ];
    for (name, text) in texts {
        let took = |n: usize| {
            let text = text(n);
            let once = || {
                let started = Instant::now();
                let before = cpu_ns(started);
                read_all(text.clone());
                cpu_ns(started) - before
            };
            // The least of some: what else runs on the machine delays, and cools caches.
            (0..4).map(|_| once()).min().unwrap_or_default()
        };
        let (short, long) = (took(5_000), took(40_000));
        // Eight times as long; squared it would be sixty-four times.
        assert!(
            long < 24 * short.max(1_000_000),
            "{name}: {short} ns, {long} ns"
        );
    }
}

/// Time that this thread has had on a processor, ns; where the system does not say, time that passed.
fn cpu_ns(started: Instant) -> u64 {
    let own = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let own = own.split(' ').next().and_then(|ns| ns.parse().ok());
    own.unwrap_or_else(|| started.elapsed().as_nanos() as u64)
}

mod any_text {
    use proptest::prelude::*;

    use super::*;

    fn scalar() -> impl Strategy<Value = String> {
        prop_oneof![
            "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
            "(true|false|null)",
            "\"([a-z世ü😀 {}\\[\\],:]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,6}\"",
        ]
    }

    /// A value in any layout.
    fn value() -> impl Strategy<Value = String> {
        let space = "[ \t\r\n]{0,2}";
        scalar().prop_recursive(3, 12, 3, move |inner| {
            let member = (space, "[a-z]{0,2}", space, inner.clone());
            let member = member.prop_map(|(before, name, after, value)| {
                format!("{before}\"{name}\"{after}:{value}")
            });
            prop_oneof![
                (prop::collection::vec(inner, 0..3), space)
                    .prop_map(|(inner, space)| format!("[{space}{}{space}]", inner.join(","))),
                (prop::collection::vec(member, 0..3), space)
                    .prop_map(|(members, space)| format!("{{{}{space}}}", members.join(","))),
            ]
        })
    }

    fn object() -> impl Strategy<Value = String> {
        value().prop_map(|value| format!("{{\"o\":{value}}}"))
    }

    /// A document as text, and its pieces.
    fn document() -> impl Strategy<Value = (String, Vec<String>)> {
        let elements = prop::collection::vec(prop_oneof![object(), value()], 0..4);
        prop_oneof![
            object().prop_map(|text| (text.clone(), vec![text])),
            scalar().prop_map(|text| (text.clone(), vec![text])),
            (elements, "[ \n]{0,1}").prop_map(|(elements, space)| {
                let text = format!("[{space}{}{space}]", elements.join(&format!(",{space}")));
                (text, elements)
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn every_value_of_a_run_of_documents_is_a_piece_wherever_the_text_is_cut(
            documents in prop::collection::vec((document(), "( |\n|\r\n|\n\n)"), 0..4)
        ) {
            let mut text = String::new();
            let mut expected = Vec::new();
            for ((document, pieces), space) in documents {
                text += &document;
                text += &space;
                expected.extend(pieces);
            }
            let (pieces, report) = read_with_report(text.as_bytes());
            prop_assert_eq!(pieces, expected, "{}", text);
            prop_assert_eq!((report.noise_lines, report.losses), (0, 0));
            let members = text.as_bytes().chunks(text.len() / 3 + 1);
            let zipped: Vec<u8> = members
                .flat_map(|part| gzip(std::str::from_utf8(part).unwrap_or_default()))
                .collect();
            if text.is_ascii() && !text.is_empty() {
                prop_assert_eq!(read_all(zipped), read_all(text));
            }
        }

        #[test]
        fn whatever_stands_between_them_lines_that_are_objects_are_events(
            lines in prop::collection::vec(
                prop_oneof![
                    3 => object().prop_map(|text| (text.replace(['\n', '\r'], " "), true)),
                    1 => "[a-zA-Z#\\[(%][^{}\n]{0,20}".prop_map(|text| (text, false)),
                ],
                0..8
            )
        ) {
            let text: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
            let (pieces, _) = read_with_report(text.as_bytes());
            for (line, is_event) in &lines {
                if *is_event {
                    prop_assert!(pieces.contains(line), "{line:?} of {text:?}: {pieces:?}");
                }
            }
        }

        #[test]
        fn no_byte_is_left_out_but_what_is_counted(
            text in "([\\[\\]{},:\" \n0-9ax-]|\\{\"a\":|null|specversion){0,30}"
        ) {
            let (pieces, report) = read_with_report(text.as_bytes());
            let kept: usize = pieces.iter().map(|p| significant(p.trim_start_matches('!'))).sum();
            let all = significant(&text);
            prop_assert!(kept + report.noise_bytes as usize >= all, "{pieces:?} {report:?}");
        }
    }

    /// Bytes that are neither white space nor an array's.
    fn significant(text: &str) -> usize {
        let is_frame = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']');
        text.chars().filter(|c| !is_frame(*c)).count()
    }
}
