//! What the fuzz target checks, on texts of a fixed seed: pieces of JSON, and events in which bytes
//! were replaced, left out and put in.

#[path = "../../../fuzz/check.rs"]
mod check;

const EVENTS: [&str; 3] = [
    include_str!("../../../tests/data/confluent/golden/more-02-unknown-origin.json"),
    include_str!("../../../tests/data/confluent/golden/more-04-named-statement-deleted.json"),
    r#"{"a":{"b":[1,-2.50e+3,{"c":"x\"y\u00e9"}],"":null},"client_id":"ü","clientId":[[],{}],"t":true}"#,
];

const PIECES: [&str; 34] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u00",
    "\\u0041",
    "\\ud83d",
    "\\ude00",
    "1",
    "0",
    "-",
    ".",
    "e",
    "E+",
    "9",
    "1e999",
    "true",
    "nul",
    "null",
    "false",
    " ",
    "\n",
    "\t",
    "é",
    "\u{1}",
    "\u{feff}",
    "\"a\"",
    "\"client_id\":",
    "\"clientId\":",
    "{\"\":[0],\"_\":\"a very long text, so long that it fills a block of 64 bytes and more\"}",
];

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[test]
fn pieces_in_any_order_are_read_as_serde_json_reads_them() {
    let mut random = Random(1);
    for _ in 0..6_000 {
        let count = random.below(12);
        let pieces = (0..count).map(|_| PIECES[random.below(PIECES.len())]);
        check::check(pieces.collect::<String>().as_bytes());
    }
}

#[test]
fn mutated_events_are_read_as_serde_json_reads_them() {
    let mut random = Random(2);
    for round in 0..600 {
        let mut text = EVENTS[round % EVENTS.len()].as_bytes().to_vec();
        for _ in 0..random.below(4) {
            let at = random.below(text.len());
            let piece = PIECES[random.below(PIECES.len())].as_bytes();
            match random.below(4) {
                0 => text[at] = random.below(256) as u8,
                1 => drop(text.remove(at)),
                2 => drop(text.splice(at..at, piece.iter().copied())),
                _ => text.truncate(at.max(1)),
            }
        }
        check::check(&text);
    }
}

#[test]
fn every_depth_up_to_the_limit_is_read_and_none_beyond() {
    for levels in [1, 2, 126, 127, 128, 129, 500] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let inner = "1e2";
            let text = open.repeat(levels) + inner + &close.repeat(levels);
            check::check(text.as_bytes());
        }
    }
}
