//! A text of an event, which mostly is a part of the record that it came in.
//! Invariant: what is borrowed stands in a JSON string as it is, so it is written without being
//! looked through for what JSON escapes.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};

use super::plain::is_plain;

/// A string of the input, or one of ours.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// A text in which JSON escapes nothing: a word of ours, or a part of another such text. Where
    /// that is not known, [`Text::from`] finds it out.
    #[inline]
    pub fn plain(text: &'a str) -> Self {
        debug_assert!(is_plain(text.as_bytes()), "{text:?}");
        Self(Cow::Borrowed(text))
    }

    /// The text, if it is known that JSON escapes nothing in it.
    #[inline]
    pub fn as_plain(&self) -> Option<&'a str> {
        match self.0 {
            Cow::Borrowed(text) => Some(text),
            Cow::Owned(_) => None,
        }
    }

    /// What `find` finds in it.
    #[inline]
    pub fn part(&self, find: impl FnOnce(&str) -> Option<&str>) -> Option<Self> {
        match &self.0 {
            Cow::Borrowed(text) => find(text).map(Self::plain),
            Cow::Owned(text) => find(text).map(|part| part.to_owned().into()),
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

/// A text of ours that many events borrow; whether JSON escapes anything in it is found out once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrase {
    text: String,
    is_plain: bool,
}

impl Phrase {
    /// As a text of an event.
    pub fn to_text(&self) -> Text<'_> {
        match self.is_plain {
            true => Text::plain(&self.text),
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
    }
}
