//! Rewrites JSON that some parsers refuse, so that every parser accepts it with the same content.
//! RFC 8259 allows unpaired surrogates (`"\ud83d"`) and numbers too large for a double (`1e999`), which
//! many parsers refuse. Both have only one meaning, so they are kept as text.

use memchr::memchr2;

use super::escape::{UnicodeEscape, unicode_escape};

/// The longest number that stays a number, in bytes: Jackson refuses longer ones by default.
const MAX_NUMBER_BYTES: usize = 1000;

/// A rewritten text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portable {
    /// The whole text.
    pub text: Vec<u8>,
    /// Whether an unpaired surrogate was rewritten: `\ud83d` became `\\ud83d`, an escaped backslash and
    /// five characters.
    pub has_surrogates: bool,
    /// Whether a number was rewritten: `1e999` became `"1e999"`.
    pub has_numbers: bool,
}

impl Portable {
    /// Rewrites a text that the parser refused as [`super::JsonError::NotPortable`].
    pub fn of(text: &[u8]) -> Portable {
        let mut portable = Portable {
            text: Vec::with_capacity(text.len() + text.len() / 8),
            has_surrogates: false,
            has_numbers: false,
        };
        let mut rest = text;
        while let Some(first) = rest.first() {
            let length = match first {
                b'"' => portable.string(rest),
                b'-' | b'0'..=b'9' => portable.number(rest),
                _ => portable.copy(rest, 1),
            };
            rest = &rest[length..];
        }
        portable
    }

    fn copy(&mut self, from: &[u8], length: usize) -> usize {
        self.text.extend_from_slice(&from[..length]);
        length
    }

    /// Appends the string or name that comes next and returns its length.
    fn string(&mut self, from: &[u8]) -> usize {
        let mut length = self.copy(from, 1);
        while let Some(plain) = memchr2(b'"', b'\\', &from[length..]) {
            length += self.copy(&from[length..], plain);
            let special = &from[length..];
            if special[0] == b'"' {
                return length + self.copy(special, 1);
            }
            let escape = unicode_escape(special);
            if escape == Some(UnicodeEscape::LoneSurrogate) {
                self.has_surrogates = true;
                self.text.push(b'\\');
            }
            let escape_bytes = escape.map_or(2, |escape| escape.length() as usize);
            length += self.copy(special, escape_bytes.min(special.len()));
        }
        length + self.copy(&from[length..], from.len() - length)
    }

    /// Appends the number that comes next and returns its length.
    fn number(&mut self, from: &[u8]) -> usize {
        let in_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let length = from.iter().take_while(|byte| in_number(byte)).count();
        let is_portable = std::str::from_utf8(&from[..length]).is_ok_and(is_portable_number);
        if is_portable {
            return self.copy(from, length);
        }
        self.has_numbers = true;
        self.text.push(b'"');
        self.copy(from, length);
        self.text.push(b'"');
        length
    }
}

/// Whether every parser accepts a number: it is in the range of a double and not too long.
pub(super) fn is_portable_number(number: &str) -> bool {
    number.len() <= MAX_NUMBER_BYTES
        && number.parse::<f64>().is_ok_and(f64::is_finite)
        // Rounding may make the largest doubles infinite.
        && serde_json::from_str::<f64>(number).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::document::Document;
    use super::super::error::JsonError;
    use super::*;

    fn written(text: &str) -> String {
        String::from_utf8(Portable::of(text.as_bytes()).text).unwrap()
    }

    #[test]
    fn half_a_surrogate_pair_becomes_its_six_characters() {
        for (text, expected) in [
            (r#""a\ud83d""#, r#""a\\ud83d""#),
            (
                r#"{"\uDE00":"\ud83d\ud83d\uDe00\ude00"}"#,
                r#"{"\\uDE00":"\\ud83d\ud83d\uDe00\\ude00"}"#,
            ),
            (
                r#"["\\ud83d\\\ud83d\n","\ud83d\\ude00"]"#,
                r#"["\\ud83d\\\\ud83d\n","\\ud83d\\ude00"]"#,
            ),
            (r#""\ud83d\u0041\"\ud83d""#, r#""\\ud83d\u0041\"\\ud83d""#),
            (r#""\ud83dude00""#, r#""\\ud83dude00""#),
        ] {
            let refused = Document::parse(text.as_bytes()).unwrap_err();
            assert_eq!(refused, JsonError::NotPortable, "{text}");
            assert_eq!(written(text), expected);
            assert!(Document::parse(expected.as_bytes()).is_ok(), "{expected}");
        }
    }

    #[test]
    fn a_number_that_no_double_holds_becomes_a_text_of_its_digits() {
        let long = "1".repeat(10_000);
        let precise = format!("0.{long}");
        for number in [
            "1e999",
            "-1E+999",
            "1.8e308",
            "179769313486231590e291",
            &long,
            &precise,
        ] {
            let text = format!(" [{number},\n{{\"a\":{number}}},\"{number}\"]");
            let refused = Document::parse(text.as_bytes()).unwrap_err();
            assert_eq!(refused, JsonError::NotPortable, "{number}");
            let expected = format!(" [\"{number}\",\n{{\"a\":\"{number}\"}},\"{number}\"]");
            assert_eq!(written(&text), expected);
        }
        for number in [
            "-0",
            "1e-999",
            "0e999",
            "1.7976931348623157e308",
            "9007199254740993",
            "18446744073709551616",
            &"9".repeat(300),
            &format!("0.{}1", "0".repeat(900)),
        ] {
            let text = format!("[{number}]");
            let document = Document::parse(text.as_bytes()).unwrap();
            let first = document.children(document.root()).next().unwrap();
            assert_eq!(document.raw(first), number);
            assert_eq!(written(&text), text);
        }
    }

    fn piece() -> impl Strategy<Value = String> {
        let scalar = prop::sample::select(vec![
            "1e999",
            "-1e999",
            "12",
            "-0",
            "1.5e3",
            "1e-999",
            "1.7976931348623157e308",
            "null",
            "true",
            "123456789012345678901234567890",
        ]);
        let part = prop::sample::select(vec![
            "\\ud83d", "\\uD83D", "\\ude00", "\\uDE00", "\\\\", "\\\"", "\\n", "\\u0000", "u", "é",
            "1e999", "\u{feff}", "\u{ffff}", "\\uffff", "{", ",",
        ]);
        let string =
            prop::collection::vec(part, 0..6).prop_map(|parts| format!("\"{}\"", parts.concat()));
        let leaf = prop_oneof![scalar.prop_map(str::to_owned), string.clone()];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            let member = (string.clone(), inner.clone())
                .prop_map(|(name, value)| format!("{name}: {value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..5)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(member, 0..5)
                    .prop_map(|items| format!("{{{}}}", items.join(" ,"))),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_the_parser_takes_every_other_takes(text in piece()) {
            let parsed = Document::parse(text.as_bytes());
            let portable = match &parsed {
                Ok(_) => text.clone().into_bytes(),
                Err(JsonError::NotPortable) => Portable::of(text.as_bytes()).text,
                Err(error) => return Err(TestCaseError::fail(format!("{text}: {error}"))),
            };
            prop_assert!(Document::parse(&portable).is_ok());
            prop_assert!(serde_json::from_slice::<Value>(&portable).is_ok());
            // Nothing was added but quotes and backslashes, and nothing is gone.
            let rest = |text: &str| text.replace(['"', '\\'], "");
            prop_assert_eq!(rest(&text), rest(std::str::from_utf8(&portable).unwrap()));
            let again = Portable::of(&portable);
            prop_assert_eq!(&again.text, &portable);
            prop_assert!(!again.has_surrogates && !again.has_numbers);
        }
    }
}
