//! Reads JSON from left to right, token by token, without a list of its parts: neither memory nor stack
//! grow with the text. To look up many parts, a [`super::Document`] is faster.

use std::borrow::Cow;

use memchr::memchr2;
use serde::de::IgnoredAny;

/// One JSON value as written, without white space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonText<'a>(&'a str);

/// A token of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// `{` or `[`.
    Open(u8),
    /// `}` or `]`.
    Close(u8),
    /// The name of a member, as written between its quotes.
    Name(&'a str),
    /// A string, as written between its quotes.
    Text(&'a str),
    /// A number, `true`, `false` or `null`.
    Scalar(&'a str),
}

impl<'a> JsonText<'a> {
    /// Checks that these bytes are one JSON value, at any depth of nesting.
    ///
    /// # Errors
    /// The error and its place, as text.
    pub fn check(bytes: &'a [u8]) -> Result<Self, String> {
        let text = simdutf8::compat::from_utf8(bytes).map_err(|error| error.to_string())?;
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| error.to_string())?;
        let space = |c| matches!(c, ' ' | '\t' | '\n' | '\r');
        Ok(Self(text.trim_matches(space)))
    }

    /// A value that a serializer has written, without white space around it.
    pub(super) fn of_written(json: &'a str) -> Self {
        Self(json)
    }

    /// The value as written.
    pub fn raw(self) -> &'a str {
        self.0
    }

    /// A truth value; `None` for other types.
    pub fn flag(self) -> Option<bool> {
        self.0.parse().ok()
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// All tokens of the value.
    pub fn tokens(self) -> Tokens<'a> {
        Tokens {
            text: self.0,
            at: 0,
        }
    }

    /// Members of an object, with their names as written; nothing for other types.
    pub fn members(self) -> impl Iterator<Item = (&'a str, JsonText<'a>)> {
        let mut tokens = self.inside(b'{');
        std::iter::from_fn(move || match tokens.as_mut()?.next()? {
            Token::Name(name) => Some((name, tokens.as_mut()?.value()?)),
            _ => None,
        })
    }

    /// Elements of an array; nothing for other types.
    pub fn elements(self) -> impl Iterator<Item = JsonText<'a>> {
        let mut tokens = self.inside(b'[');
        std::iter::from_fn(move || tokens.as_mut()?.value())
    }

    fn inside(self, bracket: u8) -> Option<Tokens<'a>> {
        let mut tokens = self.tokens();
        (tokens.next() == Some(Token::Open(bracket))).then_some(tokens)
    }

    /// The first member of each name, found in one pass over the object.
    pub fn pick<const N: usize>(self, names: [&str; N]) -> [Option<JsonText<'a>>; N] {
        let mut found = [None; N];
        for (name, value) in self.members() {
            if let Some(place) = names.iter().position(|wanted| *wanted == name) {
                found[place].get_or_insert(value);
                if found.iter().all(Option::is_some) {
                    break;
                }
            }
        }
        found
    }

    /// The value at a path of names.
    pub fn at(self, path: &[&str]) -> Option<JsonText<'a>> {
        path.iter().try_fold(self, |value, wanted| {
            let mut members = value.members();
            members.find_map(|(name, member)| (name == *wanted).then_some(member))
        })
    }

    /// A string's content, decoded; `None` for other types.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let content = self.0.strip_prefix('"')?.strip_suffix('"')?;
        Some(decoded(content))
    }

    /// A whole number.
    pub fn int(self) -> Option<i64> {
        self.0.parse().ok()
    }
}

/// The content of a string, decoded; unchanged if it has an unpaired surrogate.
pub fn decoded(content: &str) -> Cow<'_, str> {
    if !content.contains('\\') {
        return Cow::Borrowed(content);
    }
    let quoted = format!("\"{content}\"");
    serde_json::from_str(&quoted).map_or(Cow::Borrowed(content), Cow::Owned)
}

/// Iterates over the tokens of a checked text.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// Reads the next value with everything in it; `None` at the end, and at a closing bracket, which is
    /// consumed.
    pub fn value(&mut self) -> Option<JsonText<'a>> {
        self.skip_separators();
        let start = self.at;
        if let Token::Close(_) = self.next()? {
            return None;
        }
        if let b'{' | b'[' = self.text.as_bytes()[start] {
            self.skip_container();
        }
        Some(JsonText(&self.text[start..self.at]))
    }

    /// Skips the rest of the container whose opening bracket was the last token.
    pub fn skip_container(&mut self) {
        let bytes = self.text.as_bytes();
        let mut depth = 1;
        while depth > 0 && self.at < bytes.len() {
            match bytes[self.at] {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                b'"' => self.at = self.string_end(),
                _ => {}
            }
            self.at += 1;
        }
    }

    fn skip_separators(&mut self) {
        let separates = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':');
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(separates).count();
    }

    /// The offset of the closing quote of the string that begins here.
    fn string_end(&self) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
            at += found;
            if bytes[at] == b'"' {
                return at;
            }
            at += 2;
        }
        // A JSON text always has this quote.
        bytes.len().saturating_sub(1)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_separators();
        let text = self.text;
        let bytes = text.as_bytes();
        let start = self.at;
        match *bytes.get(start)? {
            bracket @ (b'{' | b'[') => {
                self.at += 1;
                Some(Token::Open(bracket))
            }
            bracket @ (b'}' | b']') => {
                self.at += 1;
                Some(Token::Close(bracket))
            }
            b'"' => {
                let end = self.string_end();
                let content = text.get(start + 1..end)?;
                self.at = end + 1;
                // White space is allowed before the colon.
                let rest = bytes[self.at..].iter();
                let next = rest.copied().find(|byte| !byte.is_ascii_whitespace());
                Some(match next {
                    Some(b':') => Token::Name(content),
                    _ => Token::Text(content),
                })
            }
            _ => {
                let ends =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
                let length = bytes[start..].iter().position(ends);
                self.at = length.map_or(bytes.len(), |length| start + length);
                Some(Token::Scalar(&text[start..self.at]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> JsonText<'_> {
        JsonText::check(text.as_bytes()).unwrap()
    }

    #[test]
    fn parts_are_found_where_they_stand_and_decoded_when_asked() {
        let text =
            r#" { "a" : [ 1 , {"b":"]\"}"} , [ ] , "" ] , "c" : "\u00fc\n" , "a" : 2, "d":-7 } "#;
        let root = read(text);
        let names: Vec<_> = root.members().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "c", "a", "d"]);
        let elements = root.at(&["a"]).unwrap().elements();
        let elements: Vec<_> = elements.map(JsonText::raw).collect();
        assert_eq!(elements, ["1", r#"{"b":"]\"}"}"#, "[ ]", r#""""#]);
        let [c, d, e] = root.pick(["c", "d", "e"]);
        assert_eq!(c.unwrap().text().as_deref(), Some("ü\n"));
        assert_eq!((d.unwrap().int(), e), (Some(-7), None));
        assert_eq!(root.at(&["a", "b"]), None);
        let none = root.elements().count() + c.unwrap().members().count();
        assert_eq!(none, 0);
    }

    #[test]
    fn tokens_are_those_of_the_text() {
        let tokens: Vec<_> = read(r#"{"a":["b",null,1e5],"c\"":{}}"#).tokens().collect();
        use Token::{Close, Name, Open, Scalar, Text};
        let expected = [
            Open(b'{'),
            Name("a"),
            Open(b'['),
            Text("b"),
            Scalar("null"),
            Scalar("1e5"),
            Close(b']'),
            Name("c\\\""),
            Open(b'{'),
            Close(b'}'),
            Close(b'}'),
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn any_depth_is_taken_and_what_is_no_json_is_not() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(read(&deep).elements().next().unwrap().raw().len(), 199_998);
        for bad in [
            "",
            "{",
            "{\"a\":}",
            "[1,]",
            "\"a",
            "nul",
            "1 2",
            "\"\u{1}\"",
        ] {
            assert!(JsonText::check(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(JsonText::check(b"\"\xff\"").is_err());
        // A lone surrogate stands for no text.
        assert_eq!(read(r#""\ud83d""#).text().as_deref(), Some(r"\ud83d"));
    }
}
