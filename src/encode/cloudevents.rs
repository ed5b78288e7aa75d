//! CloudEvents 1.0 binary mode (Kafka protocol binding): attributes as `ce_` headers.

use std::borrow::Cow;

use super::SCHEMA_VERSION;

/// Headers of an event or alert of ours. `rule_set` is the hash of the rules it was held against.
/// CloudEvents allows no control characters in an attribute (1.0.2, type system): they are written
/// as a URI would, `%0A`; the value has them as they came.
pub fn headers(
    id: &str,
    source: &str,
    kind: &str,
    subject: Option<&str>,
    rule_set: &str,
) -> Vec<(Cow<'static, str>, Option<Vec<u8>>)> {
    let mut headers: Vec<(&'static str, &str)> = vec![
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", id),
        ("ce_source", source),
        ("ce_type", kind),
    ];
    headers.extend(subject.map(|subject| ("ce_subject", subject)));
    headers.push(("ce_watchbellruleset", rule_set));
    headers.push(("ce_watchbellschema", SCHEMA_VERSION));
    headers
        .into_iter()
        .map(|(name, value)| (name.into(), Some(printable(value).into_owned().into())))
        .collect()
}

fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
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

    /// The header of that name as text.
    fn text<'h>(
        headers: &'h [(Cow<'static, str>, Option<Vec<u8>>)],
        name: &str,
    ) -> Option<&'h str> {
        let (_, value) = headers.iter().find(|(found, _)| found == name)?;
        value
            .as_deref()
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    #[test]
    fn what_cloudevents_requires_is_there_and_a_missing_subject_is_not() {
        let with = headers(
            "1",
            "crn:///kafka=X",
            "watchbell.event.v1",
            Some("s"),
            "ab12",
        );
        let names: Vec<&str> = with.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(
            names,
            [
                "content-type",
                "ce_specversion",
                "ce_id",
                "ce_source",
                "ce_type",
                "ce_subject",
                "ce_watchbellruleset",
                "ce_watchbellschema"
            ]
        );
        assert_eq!(text(&with, "content-type"), Some("application/json"));
        assert_eq!(text(&with, "ce_specversion"), Some("1.0"));
        assert_eq!(text(&with, "ce_source"), Some("crn:///kafka=X"));
        let without = headers("1", "s", "t", None, "");
        assert_eq!(text(&without, "ce_subject"), None);
        assert_eq!(without.len(), 7);
    }

    #[test]
    fn extension_names_are_lowercase_letters_and_digits() {
        for (name, _) in headers("1", "s", "t", Some("x"), "h") {
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
            Some("100%\t\u{1f980}"),
            "",
        );
        assert_eq!(text(&given, "ce_id"), Some("a%0D%0Ace_id: b%00"));
        assert_eq!(text(&given, "ce_source"), Some("ü%C2%85"));
        assert_eq!(text(&given, "ce_subject"), Some("100%%09\u{1f980}"));
    }
}
