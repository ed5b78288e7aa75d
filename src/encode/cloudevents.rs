//! CloudEvents 1.0 binary mode (Kafka protocol binding): attributes as `ce_` headers.

use std::borrow::Cow;

/// Name and value of each header, and in which order they are written.
pub type Headers<'h> = [Option<(&'static str, Cow<'h, str>)>; 7];

/// Headers of an event or alert of ours. `kind` ends in the version of its shape, `rule_set` is the
/// hash of the rules it was held against. What the value says, they do not repeat (ADR 7).
///
/// CloudEvents allows no control characters in an attribute (1.0.2, type system): they are written
/// as a URI would, `%0A`; the value has them as they came.
pub fn headers<'h>(
    id: &'h str,
    source: &'h str,
    kind: &'static str,
    subject: Option<&'h str>,
    rule_set: &'h str,
) -> Headers<'h> {
    let known = |name, value| Some((name, Cow::Borrowed(value)));
    let given = |name, value| Some((name, printable(value)));
    [
        known("content-type", "application/json"),
        known("ce_specversion", "1.0"),
        given("ce_id", id),
        given("ce_source", source),
        known("ce_type", kind),
        subject.and_then(|subject| given("ce_subject", subject)),
        known("ce_watchbellruleset", rule_set),
    ]
}

fn printable(text: &str) -> Cow<'_, str> {
    // Bytes first: letters beyond ASCII are rare here, and decoding them is not free. All of them, so
    // that many are looked at together.
    let plain = |byte: u8| matches!(byte, b' '..=b'~');
    let all_plain = text.bytes().fold(true, |all, byte| all & plain(byte));
    if all_plain || !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if letter.is_control() {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of that name.
    fn text<'h>(headers: &'h Headers<'_>, name: &str) -> Option<&'h str> {
        let mut there = headers.iter().flatten();
        there
            .find(|(found, _)| *found == name)
            .map(|(_, value)| &**value)
    }

    #[test]
    fn what_cloudevents_requires_is_there_and_a_missing_subject_is_not() {
        let source = "crn:///kafka=X";
        let with = headers("1", source, "watchbell.event.v1", Some("s"), "ab12");
        let names: Vec<&str> = with.iter().flatten().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "content-type",
                "ce_specversion",
                "ce_id",
                "ce_source",
                "ce_type",
                "ce_subject",
                "ce_watchbellruleset"
            ]
        );
        assert_eq!(text(&with, "content-type"), Some("application/json"));
        assert_eq!(text(&with, "ce_specversion"), Some("1.0"));
        assert_eq!(text(&with, "ce_source"), Some(source));
        let without = headers("1", "s", "t", None, "");
        assert_eq!(text(&without, "ce_subject"), None);
        assert_eq!(without.iter().flatten().count(), 6);
    }

    #[test]
    fn extension_names_are_lowercase_letters_and_digits() {
        for (name, _) in headers("1", "s", "t", Some("x"), "h").iter().flatten() {
            if let Some(attribute) = name.strip_prefix("ce_") {
                let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
                assert!(attribute.bytes().all(allowed), "{name}");
            }
        }
    }

    #[test]
    fn control_characters_are_escaped_and_other_letters_stay() {
        let given = headers(
            "a\r\nce_id: b\0",
            "ü\u{85}",
            "t",
            Some("100%\t\u{1f980}\u{7f}"),
            "",
        );
        assert_eq!(text(&given, "ce_id"), Some("a%0D%0Ace_id: b%00"));
        assert_eq!(text(&given, "ce_source"), Some("ü%C2%85"));
        assert_eq!(text(&given, "ce_subject"), Some("100%%09\u{1f980}%7F"));
    }
}
