//! Makes texts safe to show. An audited caller may put characters into a name that control a terminal,
//! change the direction of text or are invisible, so that a person reads something else than is written.
//! Such characters are shown as JSON escapes, never left out: `adm\u00adin` is not `admin`.
//! Invariant: every character of [`is_unseen`] is escaped, and no other character changes.

use std::borrow::Cow;
use std::fmt::Write;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use unicode_width::UnicodeWidthStr;

/// Whether the character is invisible or changes how others are shown: control characters (ECMA-48),
/// line and paragraph separators, and those that a font may leave out (`Default_Ignorable_Code_Point`:
/// direction marks, joiners, variation selectors, tags, fillers). These include the variation selectors
/// and joiners of emoji, so emoji are shown with escapes.
pub fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        // Separators; interlinear annotation; and letters that are blank by design.
        || matches!(c,
            '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}'
            | '\u{2800}' | '\u{16fe4}' | '\u{1d159}')
}

/// The text on one line, with every invisible character escaped.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c| match c {
        '\n' => Shown::As("\\n"),
        '\r' => Shown::As("\\r"),
        '\t' => Shown::As("\\t"),
        c => Shown::seen(c),
    })
}

/// Like [`printable`] for a text of several lines, whose line breaks and tabs are kept.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| match c {
        '\n' | '\t' => Shown::Itself,
        c => Shown::seen(c),
    })
}

/// Like [`printable_lines`] for a text with terminal colors: the escape character is kept, too.
pub fn printable_painted(text: &str) -> Cow<'_, str> {
    escaped(text, |c| match c {
        '\n' | '\t' | '\u{1b}' => Shown::Itself,
        c => Shown::seen(c),
    })
}

/// Prose on one line: line breaks and tabs are spaces.
pub fn printable_prose(text: &str) -> Cow<'_, str> {
    escaped(text, |c| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Shown::As(" "),
        c => Shown::seen(c),
    })
}

/// JSON on one line: line breaks outside of strings become spaces; in strings and names invisible characters,
/// which JSON allows only there, are escaped, and all others are shown as they are. The value is the same.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    let on_one_line = escaped(json, |c| match c {
        '\n' | '\r' | '\t' => Shown::As(" "),
        c => Shown::seen(c),
    });
    match on_one_line {
        Cow::Borrowed(json) => unescaped(json),
        Cow::Owned(json) => Cow::Owned(unescaped(&json).into_owned()),
    }
}

/// JSON, or the content of a string in it, with every visible character beyond ASCII that is written as `\uXXXX`
/// shown as itself: many serializers escape all of them, so that a name in Chinese could not be read. Other
/// escapes stay as they are. The value is the same.
pub fn unescaped(json: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        let start = at + found;
        match escaped_char(&json[start..]) {
            Some((c, length)) => {
                at = start + length;
                if !c.is_ascii() && !is_unseen(c) {
                    out.push_str(&json[kept..start]);
                    out.push(c);
                    kept = at;
                }
            }
            // Another escape, of which the second character may be a backslash.
            None => at = json.ceil_char_boundary(start + 2),
        }
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(&json[kept..]);
    Cow::Owned(out)
}

/// The character that one or two `\uXXXX` at the beginning stand for, and their length; `None` if there are none,
/// or if they stand for no character.
fn escaped_char(text: &str) -> Option<(char, usize)> {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
    };
    let first = unit(text)?;
    let units = [first, text.get(6..).and_then(unit).unwrap_or_default()];
    let c = char::decode_utf16(units).next()?.ok()?;
    Some((c, 6 * c.len_utf16()))
}

/// How many columns a text takes on a terminal; Chinese characters take two each.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// At most `max_chars` characters; what was cut ends in `…`. Counted in UTF-16, which is never less
/// than what a vendor may mean by a character.
pub fn shorten(text: &str, max_chars: usize) -> String {
    let (mut chars, mut kept) = (0, 0);
    for (at, c) in text.char_indices() {
        chars += c.len_utf16();
        if chars < max_chars {
            kept = at + c.len_utf8();
        } else if chars > max_chars {
            return format!("{}…", &text[..kept]);
        }
    }
    text.to_owned()
}

/// The beginning of a text, in so many bytes at most.
pub fn beginning(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

/// The beginning of what is mostly a text, in so many bytes at most; no character is cut in two.
pub fn beginning_of_bytes(bytes: &[u8], max_bytes: usize) -> &[u8] {
    let is_continuation = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    let mut end = bytes.len().min(max_bytes);
    // A character has at most three bytes after its first one.
    let earliest = end.saturating_sub(3);
    while end > earliest && bytes.get(end).is_some_and(is_continuation) {
        end -= 1;
    }
    &bytes[..end]
}

/// How one character is written.
enum Shown {
    Itself,
    As(&'static str),
    Escaped,
}

impl Shown {
    fn seen(c: char) -> Shown {
        match is_unseen(c) {
            true => Shown::Escaped,
            false => Shown::Itself,
        }
    }
}

fn escaped(text: &str, shown: impl Fn(char) -> Shown) -> Cow<'_, str> {
    let changes = |c: char| !matches!(shown(c), Shown::Itself);
    let Some(first) = text.find(changes) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for c in text[first..].chars() {
        match shown(c) {
            Shown::Itself => out.push(c),
            Shown::As(other) => out.push_str(other),
            Shown::Escaped => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing into a string does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_of_any_language_stays() {
        for text in [
            "orders-agg",
            "Grüße, 世界 ✓",
            "crn://a/b=c",
            "",
            "नमस्ते العربية ไทย 한국어",
            "\u{1f69a} \u{e000} \u{fffd}",
        ] {
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
        assert_eq!(
            printable_lines("a\n\tb\r\u{1b}[2J"),
            "a\n\tb\\u000d\\u001b[2J"
        );
        assert_eq!(printable_prose("a\r\nb\u{2029}c\u{0}"), "a  b c\\u0000");
        assert_eq!(
            printable_painted("\u{1b}[31ma\u{9b}\n"),
            "\u{1b}[31ma\\u009b\n"
        );
    }

    #[test]
    fn what_shows_nothing_is_shown() {
        assert_eq!(printable("adm\u{ad}in"), "adm\\u00adin");
        assert_eq!(
            printable("root\u{e0041}\u{e007f}"),
            "root\\udb40\\udc41\\udb40\\udc7f"
        );
        assert_eq!(
            printable("\u{3164}\u{ffa0}\u{115f}"),
            "\\u3164\\uffa0\\u115f"
        );
        assert_eq!(printable("\u{2764}\u{fe0f}"), "\u{2764}\\ufe0f");
        assert_eq!(
            printable("\u{34f}\u{180e}\u{2800}"),
            "\\u034f\\u180e\\u2800"
        );
    }

    #[test]
    fn every_character_that_unicode_lets_a_font_leave_out_is_escaped() {
        // Another table of the same property, of another version of Unicode.
        let ignorable = regex::Regex::new(r"^\p{Default_Ignorable_Code_Point}$").unwrap();
        let mut count = 0;
        for c in '\0'..=char::MAX {
            let text = c.encode_utf8(&mut [0; 4]).to_owned();
            let hidden = c.is_control() || ignorable.is_match(&text);
            if hidden {
                count += 1;
                for shown in [
                    printable(&text),
                    printable_prose(&text),
                    printable_json(&text),
                ] {
                    assert!(!shown.chars().any(is_unseen), "U+{:04X}", u32::from(c));
                }
            }
            let letter = c.is_alphanumeric()
                && !matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
            assert!(
                !(letter && !hidden && is_unseen(c)),
                "U+{:04X}",
                u32::from(c)
            );
        }
        assert!(count > 4_000, "{count}");
    }

    #[test]
    fn what_is_written_in_json_escapes_can_be_read() {
        for (json, shown) in [
            (
                r#""\u751f\u4ea7\u73AF\u5883-\u8ba2\u5355""#,
                "\"生产环境-订单\"",
            ),
            (r"\ud83e\udd80", "\u{1f980}"),
            // Invisible, ASCII, half a pair, no escape, escaped backslashes.
            (
                r"\u202e\u0022\u000a\ud83e\u4ea7",
                r"\u202e\u0022\u000a\ud83e产",
            ),
            (r"\\u751f\\\u751f\n\u75", r"\\u751f\\生\n\u75"),
            (r"\生\", r"\生\"),
        ] {
            assert_eq!(unescaped(json), shown, "{json}");
        }
        let json = r#"{"\u540d":"\u8ba2\u5355\u202e","a":["\u0041"]}"#;
        let shown = printable_json(json);
        assert_eq!(shown, r#"{"名":"订单\u202e","a":["\u0041"]}"#);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&shown), value(json));
    }

    #[test]
    fn no_character_is_cut_in_two() {
        let name = "订单".as_bytes();
        for (max, kept) in [
            (0, ""),
            (2, ""),
            (3, "订"),
            (5, "订"),
            (6, "订单"),
            (9, "订单"),
        ] {
            assert_eq!(beginning_of_bytes(name, max), kept.as_bytes(), "{max}");
        }
        // What is no text is cut somewhere.
        assert_eq!(beginning_of_bytes(&[0x80; 9], 7).len(), 4);
        assert_eq!(columns("生产环境-订单 ok"), 16);
    }

    #[test]
    fn json_keeps_its_value_when_it_is_made_safe() {
        let json =
            "{\n\t\"a\u{9b}\": \"x\u{7f}\u{202e}\\u001b\u{e0041}\u{ad}\",\r\n \"b\": [1, 2]}";
        let safe = printable_json(json);
        assert!(!safe.chars().any(is_unseen), "{safe}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&safe), value(json));
    }
}
