//! A text that will be written as a JSON string; mostly a part of the parsed document.
//! Invariant: a borrowed text has no characters that JSON escapes, so it is written without a search. It
//! comes from a string without escapes in a parsed document, it is a part of such a text, or every byte
//! of it was checked.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};

use super::plain::is_plain;

/// A string, borrowed if it has no characters to escape. [`Text::from`] converts any string.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// The content of a string without escapes, or a number, of a parsed document.
    #[inline]
    pub(super) fn of_span(text: &'a str) -> Self {
        debug_assert!(is_plain(text.as_bytes()), "{text:?}");
        Self(Cow::Borrowed(text))
    }

    /// The text, if it is known to have no characters to escape.
    #[inline]
    pub fn as_plain(&self) -> Option<&'a str> {
        match self.0 {
            Cow::Borrowed(text) => Some(text),
            Cow::Owned(_) => None,
        }
    }

    /// The part of the text that `find` returns.
    #[inline]
    pub fn part(&self, find: impl FnOnce(&str) -> Option<&str>) -> Option<Self> {
        match &self.0 {
            Cow::Borrowed(text) => find(text).map(|part| self.slice(part)),
            Cow::Owned(text) => find(text).map(|part| part.to_owned().into()),
        }
    }

    /// A part of this text. A `part` that does not lie within this text is searched for characters to escape.
    #[inline]
    pub fn slice(&self, part: &'a str) -> Self {
        let whole = self.0.as_bytes().as_ptr_range();
        let range = part.as_bytes().as_ptr_range();
        let is_part = whole.start <= range.start && range.end <= whole.end;
        match self.0 {
            Cow::Borrowed(_) if is_part => Self::of_span(part),
            _ => part.into(),
        }
    }
}

impl Deref for Text<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        self
    }
}

impl<'a> From<Text<'a>> for Cow<'a, str> {
    fn from(text: Text<'a>) -> Self {
        text.0
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        if is_plain(text.as_bytes()) {
            Self(Cow::Borrowed(text))
        } else {
            text.to_owned().into()
        }
    }
}

/// A text of a configuration that many events borrow; it is searched for characters to escape only once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrase {
    text: String,
    is_plain: bool,
}

impl Phrase {
    /// The phrase as a text of an event.
    pub fn to_text(&self) -> Text<'_> {
        match self.is_plain {
            true => Text::of_span(&self.text),
            false => self.text.clone().into(),
        }
    }
}

impl Serialize for Phrase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl From<&str> for Phrase {
    fn from(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            is_plain: is_plain(text.as_bytes()),
        }
    }
}

impl Deref for Phrase {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_the_text_that_it_was_made_of() {
        for text in ["", "billing job", "a \"b\""] {
            let phrase = Phrase::from(text);
            assert_eq!(phrase.to_text(), Text::from(text));
            assert_eq!(phrase.to_text().as_plain(), Text::from(text).as_plain());
        }
    }

    #[test]
    fn only_what_json_does_not_escape_is_borrowed() {
        for (text, plain) in [("", true), ("ü/𝄞", true), ("a\"b", false), ("a\nb", false)] {
            let found = Text::from(text);
            assert_eq!(found.as_plain(), plain.then_some(text));
            assert_eq!(found, text);
            // Whether it is known changes nothing about the text.
            assert_eq!(found, Text::from(text.to_owned()));
        }
    }

    #[test]
    fn a_part_of_a_plain_text_is_plain() {
        fn rest(text: &str) -> Option<&str> {
            text.strip_prefix("User:")
        }
        let plain = Text::from("User:u-1").part(rest);
        assert_eq!(plain.and_then(|part| part.as_plain()), Some("u-1"));
        let escaped = Text::from("User:\"u\"").part(rest);
        assert_eq!(escaped, Some("\"u\"".into()));
        assert_eq!(Text::from("u-1").part(rest), None);
        // Parts of what is escaped are taken from memory that is no longer known to be plain.
        let owned = Text::from("a\n:b".to_owned());
        assert_eq!(owned.slice("b").as_plain(), Some("b"));
        assert_eq!(owned.slice("a\n").as_plain(), None);
    }

    #[test]
    fn what_is_no_part_of_a_plain_text_is_looked_through() {
        let whole = Text::from("plain");
        for (other, plain) in [("a\"b", None), ("b", Some("b")), ("\u{1f}", None)] {
            assert_eq!(whole.slice(other).as_plain(), plain, "{other:?}");
            let found = whole.part(|_| Some(other));
            assert_eq!(found.and_then(|text| text.as_plain()), plain, "{other:?}");
        }
        // Next to it in memory, or over its end.
        let text = "plain\"rest";
        let whole = Text::from(&text[..5]);
        assert_eq!(whole.slice(&text[3..8]).as_plain(), None);
        assert_eq!(whole.slice(&text[5..]).as_plain(), None);
        assert_eq!(whole.slice(&text[1..3]).as_plain(), Some("la"));
    }
}
