//! Strings, numbers and words: what stands between the brackets of a text.

use super::{Fault, Parser};
use crate::event::json::plain::plain_end;
use crate::event::json::{JsonError, Kind, hex4};

impl Parser<'_> {
    /// Goes over a string, from its quote on, and tells whether it has escapes.
    #[inline]
    pub(super) fn string(&mut self) -> Result<bool, Fault> {
        self.at = plain_end(self.bytes, self.at + 1);
        let escaped = self.peek() != b'"';
        if escaped {
            self.rest_of_string()?;
        }
        self.at += 1;
        Ok(escaped)
    }

    /// The rest of a string after its first plain part, up to its closing quote.
    #[cold]
    fn rest_of_string(&mut self) -> Result<(), Fault> {
        loop {
            match self.bytes.get(self.at as usize) {
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.expected("an escaped control character")),
                None => return Err(self.expected("a closing quote")),
            }
            self.at = plain_end(self.bytes, self.at);
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.bytes.get(self.at as usize + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let unit = self.unicode_unit(self.at)?;
                self.at += match unit {
                    0xd800..0xdc00 => {
                        let low = self.unicode_unit(self.at + 6)?;
                        if !(0xdc00..0xe000).contains(&low) {
                            return Err(self.expected("the second half of a surrogate pair"));
                        }
                        12
                    }
                    0xdc00..0xe000 => {
                        return Err(self.expected("the first half of a surrogate pair"));
                    }
                    _ => 6,
                };
            }
            _ => return Err(self.expected("an escape")),
        }
        Ok(())
    }

    fn unicode_unit(&self, at: u32) -> Result<u32, Fault> {
        let escape = self.bytes.get(at as usize..).unwrap_or_default();
        escape
            .strip_prefix(b"\\u")
            .and_then(hex4)
            .ok_or_else(|| self.expected("a \\u escape of four hexadecimal digits"))
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let b'0'..=b'9' = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.expected("a digit"));
        }
        Ok(())
    }

    pub(super) fn number(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        if self.peek() == b'-' {
            self.at += 1;
        }
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        let mut exponent = false;
        if let b'e' | b'E' = self.peek() {
            exponent = true;
            self.at += 1;
            if let b'+' | b'-' = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        // Below 300 digits and without an exponent a number is always in range.
        if (exponent || self.at - start > 300)
            && !self.text[start as usize..self.at as usize]
                .parse::<f64>()
                .is_ok_and(f64::is_finite)
        {
            return Err(Box::new(JsonError::NumberOutOfRange {
                offset: start as usize,
            }));
        }
        Ok(Kind::Number)
    }

    pub(super) fn literal(&mut self, word: &'static str, kind: Kind) -> Result<Kind, Fault> {
        if !self.bytes[self.at as usize..].starts_with(word.as_bytes()) {
            return Err(self.expected(word));
        }
        self.at += word.len() as u32;
        Ok(kind)
    }
}
