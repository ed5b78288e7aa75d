//! Access to a text by offset: the byte at an offset, and the end of escaped strings, numbers and words.

use std::cell::Cell;

use super::error::{Fault, JsonError};
use super::escape::{UnicodeEscape, unicode_escape};
use super::name::Tag;
use super::node::{Span, ValueKind};
use super::plain::Specials;
use super::portable::is_portable_number;

/// The byte that is returned at the end of the text; outside of strings it is not allowed in JSON.
const END: u8 = 0;

/// A text that is parsed.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub text: &'a str,
    pub beside: &'a Beside,
}

/// Rare properties of the text, which are not kept in registers.
#[derive(Default)]
pub(super) struct Beside {
    /// There is white space outside of strings.
    pub spaced: Cell<bool>,
    /// Some object may have a name twice, ignoring case and underscores.
    pub may_repeat_names: Cell<bool>,
    /// There is something that not every parser accepts.
    pub is_unportable: Cell<bool>,
}

/// The name of a member.
pub(super) struct Name {
    pub key: Span,
    pub tag: Tag,
    /// The offset after its colon.
    pub after: u32,
}

impl<'a> Input<'a> {
    #[inline]
    pub(super) fn bytes(self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The byte at this offset; [`END`] after the last one.
    #[inline]
    pub(super) fn byte(self, at: u32) -> u8 {
        self.bytes().get(at as usize).copied().unwrap_or(END)
    }

    /// The bytes from this offset on.
    #[inline]
    pub(super) fn window<const N: usize>(self, at: u32) -> Option<&'a [u8; N]> {
        self.bytes().get(at as usize..at as usize + N)?.as_array()
    }

    /// Most values that can begin after this offset: each has a comma or a bracket before it.
    #[cold]
    pub(super) fn announced_from(self, at: u32) -> usize {
        let rest = self.bytes().get(at as usize..).unwrap_or_default();
        let announces = |byte: &&u8| matches!(byte, b',' | b'[' | b'{');
        rest.iter().filter(announces).count()
    }

    #[cold]
    pub(super) fn expected(self, at: u32, expected: &'static str) -> Fault {
        Box::new(JsonError::Syntax {
            offset: at as usize,
            expected,
        })
    }

    /// The first offset from `at` on that is not white space.
    #[cold]
    pub(super) fn after_space(self, mut at: u32) -> u32 {
        while let b' ' | b'\n' | b'\r' | b'\t' = self.byte(at) {
            at += 1;
            self.beside.spaced.set(true);
        }
        at
    }

    /// The name at this offset, with its colon.
    #[cold]
    pub(super) fn name(self, at: u32) -> Result<Name, Fault> {
        let quote = self.after_space(at);
        if self.byte(quote) != b'"' {
            return Err(self.expected(quote, "a name in quotes"));
        }
        let start = quote + 1;
        let plain_end = Specials::from(self.bytes(), start).next(self.bytes());
        let end = self.end_of_escaped(plain_end)?;
        let colon = self.after_space(end + 1);
        if self.byte(colon) != b':' {
            return Err(self.expected(colon, "a colon"));
        }
        let key = Span { start, end };
        let mut tag = Tag::of_written(self.byte(start), self.byte(end - 1));
        if end != plain_end {
            tag = Tag::ANY;
        } else if tag == Tag::ANY {
            // It has an underscore at an end.
            tag = Tag::of(&self.text[start as usize..end as usize]);
        }
        if tag == Tag::ANY {
            self.beside.may_repeat_names.set(true);
        }
        Ok(Name {
            key,
            tag,
            after: colon + 1,
        })
    }

    /// The second byte of a name for [`Tag::sign`]: an underscore, which stands for any, if there is one at an end of
    /// the name; the colon after an empty name, as if no space were between them.
    #[cold]
    pub(super) fn second_of(self, key: Span) -> u8 {
        match key.bytes_of(self.text) {
            [] => b':',
            [b'_', ..] | [.., b'_'] => b'_',
            _ => self.byte(key.start + 1),
        }
    }

    /// The end of a string whose first part without escapes ends here.
    #[cold]
    pub(super) fn end_of_escaped(self, mut at: u32) -> Result<u32, Fault> {
        let mut specials = Specials::from(self.bytes(), at);
        loop {
            at = specials.next(self.bytes());
            match self.bytes().get(at as usize) {
                Some(b'"') => return Ok(at),
                Some(b'\\') => at = self.escape(at)?,
                Some(_) => return Err(self.expected(at, "an escaped control character")),
                None => return Err(self.expected(at, "a closing quote")),
            }
            specials.skip_to(self.bytes(), at);
        }
    }

    /// The offset after the escape that begins here.
    fn escape(self, at: u32) -> Result<u32, Fault> {
        let length = match self.byte(at + 1) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                let escapes = &self.bytes()[at as usize..];
                let Some(escape) = unicode_escape(escapes) else {
                    let expected = "a \\u escape of four hexadecimal digits";
                    return Err(self.expected(at, expected));
                };
                if let UnicodeEscape::LoneSurrogate = escape {
                    self.beside.is_unportable.set(true);
                }
                escape.length()
            }
            _ => return Err(self.expected(at, "an escape")),
        };
        Ok(at + length)
    }

    /// The type and the end of a number or a word.
    #[inline(never)]
    pub(super) fn scalar(self, at: u32) -> Result<(ValueKind, u32), Fault> {
        match self.byte(at) {
            b't' => self.literal(at, "true", ValueKind::Bool),
            b'f' => self.literal(at, "false", ValueKind::Bool),
            b'n' => self.literal(at, "null", ValueKind::Null),
            b'-' | b'0'..=b'9' => self.number(at),
            _ => Err(self.expected(at, "a value")),
        }
    }

    fn literal(
        self,
        at: u32,
        word: &'static str,
        kind: ValueKind,
    ) -> Result<(ValueKind, u32), Fault> {
        if !self.bytes()[at as usize..].starts_with(word.as_bytes()) {
            return Err(self.expected(at, word));
        }
        Ok((kind, at + word.len() as u32))
    }

    fn number(self, start: u32) -> Result<(ValueKind, u32), Fault> {
        let mut at = start;
        if self.byte(at) == b'-' {
            at += 1;
        }
        at = match self.byte(at) {
            b'0' => at + 1,
            _ => self.after_digits(at)?,
        };
        if self.byte(at) == b'.' {
            at = self.after_digits(at + 1)?;
        }
        let exponent = matches!(self.byte(at), b'e' | b'E');
        if exponent {
            at += 1;
            if let b'+' | b'-' = self.byte(at) {
                at += 1;
            }
            at = self.after_digits(at)?;
        }
        // Every parser accepts a number of less than 300 digits without an exponent.
        if (exponent || at - start > 300)
            && !is_portable_number(&self.text[start as usize..at as usize])
        {
            self.beside.is_unportable.set(true);
        }
        Ok((ValueKind::Number, at))
    }

    fn after_digits(self, start: u32) -> Result<u32, Fault> {
        let mut at = start;
        while let b'0'..=b'9' = self.byte(at) {
            at += 1;
        }
        if at == start {
            return Err(self.expected(at, "a digit"));
        }
        Ok(at)
    }
}
