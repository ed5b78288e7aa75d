//! Finds where a JSON value ends (RFC 8259), in a text that may not be there to its end yet.
//! Invariants: a scan can be continued when there is more text; a token that may be cut by the end of the
//! text decides nothing. UTF-8 and depth are not checked.

/// The result of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// The value ends before this byte.
    Complete(usize),
    /// More text is needed; if there is none, the text ends within the value.
    Unfinished,
    /// From this byte on the text is not JSON.
    Broken {
        /// Where, from the value's begin.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// The value is an array that contains an object, directly or within nested arrays.
    Object,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
}

/// A scan of one value.
#[derive(Debug)]
pub(super) struct Scanner {
    /// The first byte that was not scanned, always between two tokens.
    at: usize,
    expected: Expected,
    /// For every open container whether it is an object.
    open: Vec<bool>,
    /// Whether the scan ends at the first object within an array.
    seeks_object: bool,
}

/// The end of a token; `Err(None)` if the end of the text may cut it, otherwise the error and its place.
type Token = Result<usize, Option<(usize, &'static str)>>;

impl Scanner {
    /// A scan of the value that begins with the first byte of the text.
    pub(super) fn new() -> Scanner {
        Scanner {
            at: 0,
            expected: Expected::Value,
            open: Vec::new(),
            seeks_object: false,
        }
    }

    /// Like `new`, but the scan ends at the first object within an array.
    pub(super) fn seeking_object() -> Scanner {
        Scanner {
            seeks_object: true,
            ..Scanner::new()
        }
    }

    /// Continues with the same text, which may be longer now; `ended` if there is no more of it.
    pub(super) fn scan(&mut self, text: &[u8], ended: bool) -> Scan {
        loop {
            self.at = after_space(text, self.at);
            let Some(byte) = text.get(self.at).copied() else {
                return Scan::Unfinished;
            };
            if byte == b'{' && self.seeks_object && self.takes_value() {
                return begins_object(text, self.at);
            }
            let token = match (self.expected, byte) {
                (Expected::Value | Expected::ValueOrEnd, _) if byte != b']' => {
                    self.value(text, byte, ended)
                }
                (Expected::Name | Expected::NameOrEnd, b'"') => {
                    let end = string(text, self.at, ended);
                    self.expected = if end.is_ok() {
                        Expected::Colon
                    } else {
                        self.expected
                    };
                    end
                }
                (Expected::Colon, b':') => self.next(Expected::Value),
                (Expected::CommaOrEnd, b',') => self.next(match self.open.last() {
                    Some(true) => Expected::Name,
                    _ => Expected::Value,
                }),
                (Expected::ValueOrEnd, b']') => self.close(),
                (Expected::NameOrEnd, b'}') => self.close(),
                (Expected::CommaOrEnd, b']') if self.open.last() == Some(&false) => self.close(),
                (Expected::CommaOrEnd, b'}') if self.open.last() == Some(&true) => self.close(),
                _ => Err(Some((self.at, self.wants()))),
            };
            match token {
                Ok(end) => self.at = end,
                Err(None) => return Scan::Unfinished,
                Err(Some((at, what))) => return Scan::Broken { at, what },
            }
            if self.open.is_empty() {
                return Scan::Complete(self.at);
            }
        }
    }

    fn takes_value(&self) -> bool {
        !self.open.is_empty() && matches!(self.expected, Expected::Value | Expected::ValueOrEnd)
    }

    fn value(&mut self, text: &[u8], byte: u8, ended: bool) -> Token {
        match byte {
            b'{' | b'[' => {
                let is_object = byte == b'{';
                self.open.push(is_object);
                return self.next(match is_object {
                    true => Expected::NameOrEnd,
                    false => Expected::ValueOrEnd,
                });
            }
            _ => {}
        }
        let end = match byte {
            b'"' => string(text, self.at, ended)?,
            _ => word(text, self.at, ended)?,
        };
        self.expected = Expected::CommaOrEnd;
        Ok(end)
    }

    /// Accepts a token of one byte.
    fn next(&mut self, expected: Expected) -> Token {
        self.expected = expected;
        Ok(self.at + 1)
    }

    fn close(&mut self) -> Token {
        self.open.pop();
        self.next(Expected::CommaOrEnd)
    }

    fn wants(&self) -> &'static str {
        match (self.expected, self.open.last()) {
            (Expected::Value | Expected::ValueOrEnd, _) => "expected a value",
            (Expected::Name | Expected::NameOrEnd, _) => "expected a name in quotes",
            (Expected::Colon, _) => "expected `:`",
            (Expected::CommaOrEnd, Some(true)) => "expected `,` or `}`",
            (Expected::CommaOrEnd, _) => "expected `,` or `]`",
        }
    }
}

/// The first byte from `at` on that is not JSON white space.
pub(super) fn after_space(text: &[u8], at: usize) -> usize {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let rest = text.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|byte| !is_space(byte))
        .unwrap_or(rest.len())
}

/// Whether the brace at `at` begins an object.
fn begins_object(text: &[u8], at: usize) -> Scan {
    let next = after_space(text, at + 1);
    match text.get(next) {
        None => Scan::Unfinished,
        Some(b'"' | b'}') => Scan::Object,
        Some(_) => Scan::Broken {
            at: next,
            what: "expected a name in quotes",
        },
    }
}

/// A string from its opening quote on.
fn string(text: &[u8], start: usize, ended: bool) -> Token {
    let mut at = start + 1;
    loop {
        let rest = &text[at..];
        let stop = memchr::memchr2(b'"', b'\\', rest);
        let plain = &rest[..stop.unwrap_or(rest.len())];
        if let Some(control) = plain.iter().position(|byte| *byte < 0x20) {
            return Err(Some((at + control, "a control character in a string")));
        }
        let Some(stop) = stop else {
            return Err(cut(text, ended, "a string does not end"));
        };
        at += stop;
        if text[at] == b'"' {
            return Ok(at + 1);
        }
        at = escape(text, at, ended)?;
    }
}

/// An escape from its backslash on.
fn escape(text: &[u8], start: usize, ended: bool) -> Token {
    let what = "no escape of JSON";
    match text.get(start + 1) {
        None => Err(cut(text, ended, what)),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(start + 2),
        Some(b'u') => {
            let digits = text.get(start + 2..).unwrap_or_default();
            let digits = &digits[..digits.len().min(4)];
            match digits.iter().position(|byte| !byte.is_ascii_hexdigit()) {
                Some(at) => Err(Some((start + 2 + at, what))),
                None if digits.len() < 4 => Err(cut(text, ended, what)),
                None => Ok(start + 6),
            }
        }
        Some(_) => Err(Some((start + 1, what))),
    }
}

/// A number, `true`, `false` or `null`, up to the first other character. At the end of the text it may
/// continue, unless the text has ended.
fn word(text: &[u8], start: usize, ended: bool) -> Token {
    let rest = &text[start..];
    let of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let end = rest.iter().position(|byte| !of_word(byte));
    let word = &rest[..end.unwrap_or(rest.len())];
    if end.is_none() && !ended {
        // Only a prefix of a number or literal can still become one.
        let may_go_on = word.iter().all(|byte| is_of_number(*byte))
            || [&b"true"[..], b"false", b"null"]
                .iter()
                .any(|literal| literal.starts_with(word));
        return match may_go_on {
            true => Err(None),
            false => Err(Some((start, "expected a value"))),
        };
    }
    match matches!(word, b"true" | b"false" | b"null") || is_number(word) {
        true => Ok(start + word.len()),
        false => Err(Some((start, "expected a value"))),
    }
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
}

fn is_number(word: &[u8]) -> bool {
    let digits = |word: &[u8]| word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let word = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(word);
    if whole == 0 || (whole > 1 && word[0] == b'0') {
        return false;
    }
    let mut rest = &word[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let places = digits(fraction);
        if places == 0 {
            return false;
        }
        rest = &fraction[places..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            digits => digits,
        };
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

/// The result for a token that reaches to the end of the text: it may be cut, or is an error if the text
/// has ended.
fn cut(text: &[u8], ended: bool, what: &'static str) -> Option<(usize, &'static str)> {
    ended.then_some((text.len(), what))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn whole(text: &[u8]) -> Scan {
        Scanner::new().scan(text, true)
    }

    /// What a scan finds that gets the text up to each of `cuts`, then all of it.
    fn in_parts(text: &[u8], cuts: &[usize]) -> Scan {
        let mut scanner = Scanner::new();
        for cut in cuts {
            match scanner.scan(&text[..*cut], false) {
                Scan::Unfinished => {}
                decided => return decided,
            }
        }
        scanner.scan(text, true)
    }

    const VALUES: [&str; 24] = [
        "-5",
        "0",
        "-0.5",
        "1.5e10",
        "1e+5",
        "1E-05",
        "10",
        "true",
        "false",
        "null",
        "\"\"",
        r#""a\"\\\/\b\f\n\r\té\ud83d""#,
        "\"Grüße 世界\"",
        "{}",
        "[]",
        "[ ]",
        "{ }",
        r#"{"a":1,"b":[{"c":null},-1.5e+3,"x"],"":{}}"#,
        "[[],[[]],{}]",
        "[1\r\n, 2 ]",
        "{\"a\"\n:\t1 }",
        "[-5]",
        "[1.5,1e5,1e+5]",
        "{\"a\":-5}",
    ];

    const NO_VALUES: [&str; 30] = [
        "-",
        "+1",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1.e5",
        "0x1f",
        "NaN",
        "tru",
        "nulll",
        "True",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{,}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{\"a\":1]",
        "{\"a\":1 \"b\":2}",
    ];

    #[test]
    fn what_another_parser_takes_is_complete_and_nothing_else_is() {
        for text in VALUES {
            assert_eq!(whole(text.as_bytes()), Scan::Complete(text.len()), "{text}");
        }
        for text in NO_VALUES {
            assert!(serde_json::from_str::<&RawValue>(text).is_err(), "{text}");
            assert!(
                matches!(whole(text.as_bytes()), Scan::Broken { .. }),
                "{text}"
            );
        }
        for text in ["", "[", "[1", "[1,", "{", "{\"a\"", "{\"a\":", "{\"a\":1,"] {
            assert_eq!(whole(text.as_bytes()), Scan::Unfinished, "{text}");
        }
    }

    #[test]
    fn wherever_the_text_is_cut_the_rest_decides() {
        for text in VALUES.iter().chain(&NO_VALUES) {
            let padded = format!("{text} ,");
            for text in [text.as_bytes(), padded.as_bytes()] {
                let expected = whole(text);
                for cut in 0..text.len() {
                    assert_eq!(in_parts(text, &[cut]), expected, "{text:?} at {cut}");
                }
                let every: Vec<usize> = (0..text.len()).collect();
                assert_eq!(in_parts(text, &every), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn a_fault_is_where_it_is_seen() {
        let at = |text: &str| match whole(text.as_bytes()) {
            Scan::Broken { at, what } => (at, what),
            other => panic!("{other:?}"),
        };
        assert_eq!(at("{\"a\":nul}"), (5, "expected a value"));
        assert_eq!(at("{\"a\" 1}"), (5, "expected `:`"));
        assert_eq!(at("{\"a\":1\n{}"), (7, "expected `,` or `}`"));
        assert_eq!(at("[1\n2]"), (3, "expected `,` or `]`"));
        assert_eq!(at("{\"a\nb"), (3, "a control character in a string"));
        assert_eq!(at("{x"), (1, "expected a name in quotes"));
    }

    #[test]
    fn an_array_with_an_object_is_told_from_a_bracket_in_a_log() {
        let seek = |text: &str| Scanner::seeking_object().scan(text.as_bytes(), true);
        for text in ["[{\"a", "[ {}", "[null, [1, {\n\"", "[[{ }"] {
            assert_eq!(seek(text), Scan::Object, "{text}");
        }
        for text in [
            "[2020-05-12 12:20:50,405] WARN",
            "[main] INFO",
            "[{main}]",
            "[0 1]",
        ] {
            assert!(matches!(seek(text), Scan::Broken { .. }), "{text}");
        }
        assert_eq!(seek("[0] x"), Scan::Complete(3));
        assert_eq!(seek("[{ "), Scan::Unfinished);
    }

    proptest! {
        #[test]
        fn any_text_is_judged_as_another_parser_judges_it(
            text in "[\\[\\]{},:\" 0-9a-z.+-]{0,12}", cut in 0_usize..12
        ) {
            let scan = whole(text.as_bytes());
            let mut values = serde_json::Deserializer::from_str(&text).into_iter::<&RawValue>();
            match values.next() {
                Some(Ok(_)) => {
                    // The other parser begins the next value right after a number.
                    let length = values.byte_offset();
                    if text[length..].chars().next().is_none_or(|c| !c.is_alphanumeric()) {
                        prop_assert_eq!(scan, Scan::Complete(length));
                    }
                }
                _ => prop_assert!(!matches!(scan, Scan::Complete(_)), "{:?}", scan),
            }
            prop_assert_eq!(in_parts(text.as_bytes(), &[cut.min(text.len())]), scan);
        }
    }
}
