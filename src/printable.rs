//! Texts without characters that steer a terminal, turn the reading direction or show nothing:
//! whoever is audited may have put them there, so that a person reads something else than what is
//! written. They are shown as JSON escapes them, never left out: `adm\u00adin` is not `admin`.
//! Invariant: nothing that [`is_unseen`] names passes; no other character of any language changes.

use std::borrow::Cow;
use std::fmt::Write;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// Whether a reader does not see the character, or it changes what is seen around it: control
/// characters (ECMA-48), line and paragraph separators, and what Unicode lets a font leave out
/// (`Default_Ignorable_Code_Point`: marks of direction, joiners, variation selectors, tags, fillers).
/// Emoji lose nothing but their looks: their variation selectors and joiners are shown, too.
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

/// The text on one line, every character that is not seen escaped.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c| match c {
        '\n' => Shown::As("\\n"),
        '\r' => Shown::As("\\r"),
        '\t' => Shown::As("\\t"),
        c => Shown::seen(c),
    })
}

/// The same of a text of several lines, whose line breaks and tabs stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| match c {
        '\n' | '\t' => Shown::Itself,
        c => Shown::seen(c),
    })
}

/// The same of a text of several lines that is painted: the escape character stays, too.
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

/// JSON on one line: line breaks outside strings are spaces, and what is not seen, which JSON allows
/// only within strings and names, is escaped. The value is the same.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    escaped(json, |c| match c {
        '\n' | '\r' | '\t' => Shown::As(" "),
        c => Shown::seen(c),
    })
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
    fn json_keeps_its_value_when_it_is_made_safe() {
        let json =
            "{\n\t\"a\u{9b}\": \"x\u{7f}\u{202e}\\u001b\u{e0041}\u{ad}\",\r\n \"b\": [1, 2]}";
        let safe = printable_json(json);
        assert!(!safe.chars().any(is_unseen), "{safe}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&safe), value(json));
    }
}
