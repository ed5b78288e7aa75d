//! Texts and JSON without characters that steer a terminal or turn the reading direction: the
//! values come from whoever was audited.

use std::borrow::Cow;
use std::fmt::Write;

use crate::event::unseen::{breaks_lines, turns_or_hides};

fn is_hostile(c: char) -> bool {
    breaks_lines(c) || turns_or_hides(c)
}

/// The text on one line, each character that could steer the terminal written as JSON escapes it.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hostile(c) => {
                // Writing into a string does not fail; all of these have four digits.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// JSON on one line and safe to print: line breaks outside strings are spaces, and what could steer
/// a terminal, which JSON allows only within strings and names, is escaped. The value is the same.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_hostile) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_hostile(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_of_any_language_stays() {
        for text in ["orders-agg", "Grüße, 世界 ✓", "crn://a/b=c", ""] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        let hostile = "a\u{1b}[2Jb\u{9b}31mc\u{7f}\r\nd\u{202e}e\u{2028}f\u{200b}\u{7}";
        assert_eq!(
            printable(hostile),
            "a\\u001b[2Jb\\u009b31mc\\u007f\\r\\nd\\u202ee\\u2028f\\u200b\\u0007"
        );
    }

    #[test]
    fn json_keeps_its_value_when_it_is_made_safe() {
        let json = "{\n\t\"a\u{9b}\": \"x\u{7f}\u{202e}\\u001b\",\r\n \"b\": [1, 2]}";
        let safe = printable_json(json);
        assert!(!safe.chars().any(is_hostile), "{safe}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&safe), value(json));
    }
}
