//! The one pass over a text that makes a [`Document`]: what it accepts, and where the first fault is.
//! Only here are nodes made, so every node is well formed.

use super::{DEPTH_LIMIT, Document, JsonError, Kind, Node, Span, hex4};

/// Parses a whole text, at most 4 GiB long.
pub(super) fn parse(text: &str) -> Result<Document<'_>, JsonError> {
    Parser::new(text).document()
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    compact: bool,
}

const NO_KEY: Span = Span {
    start: 0,
    end: 0,
    escaped: false,
};

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            nodes: Vec::with_capacity(text.len() / 24 + 4),
            compact: true,
        }
    }

    fn document(mut self) -> Result<Document<'a>, JsonError> {
        self.white_space();
        if self.at == self.bytes.len() {
            return Err(JsonError::Empty);
        }
        // White space around the whole value does not touch raw slices.
        self.compact = true;
        self.value(NO_KEY, 0)?;
        let compact = self.compact;
        self.white_space();
        if self.at < self.bytes.len() {
            return Err(self.expected("the end of the text"));
        }
        Ok(Document {
            text: self.text,
            nodes: self.nodes,
            compact,
        })
    }

    fn expected(&self, expected: &'static str) -> JsonError {
        JsonError::Syntax {
            offset: self.at,
            expected,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
            self.compact = false;
        }
    }

    fn value(&mut self, key: Span, depth: usize) -> Result<(), JsonError> {
        let index = self.nodes.len();
        let start = self.at;
        self.nodes.push(Node {
            kind: Kind::Null,
            key,
            value: NO_KEY,
            next: 0,
        });
        let (kind, value) = match self.peek() {
            Some(b'"') => (Kind::String, self.string()?),
            Some(b'{') => (Kind::Object, self.container(depth, true)?),
            Some(b'[') => (Kind::Array, self.container(depth, false)?),
            Some(b't') => (Kind::Bool, self.literal("true")?),
            Some(b'f') => (Kind::Bool, self.literal("false")?),
            Some(b'n') => (Kind::Null, self.literal("null")?),
            Some(b'-' | b'0'..=b'9') => (Kind::Number, self.number()?),
            _ => return Err(self.expected("a value")),
        };
        let next = self.nodes.len() as u32;
        self.nodes[index] = Node {
            kind,
            key,
            value: match kind {
                Kind::String => value,
                _ => self.span(start),
            },
            next,
        };
        Ok(())
    }

    fn span(&self, start: usize) -> Span {
        Span {
            start: start as u32,
            end: self.at as u32,
            escaped: false,
        }
    }

    fn literal(&mut self, word: &'static str) -> Result<Span, JsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.expected(word));
        }
        self.at += word.len();
        Ok(NO_KEY)
    }

    fn container(&mut self, depth: usize, object: bool) -> Result<Span, JsonError> {
        if depth >= DEPTH_LIMIT {
            return Err(JsonError::TooDeep { offset: self.at });
        }
        let close = if object { b'}' } else { b']' };
        self.at += 1;
        self.white_space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(NO_KEY);
        }
        loop {
            let key = if object { self.name()? } else { NO_KEY };
            self.value(key, depth + 1)?;
            self.white_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(NO_KEY);
                }
                _ if object => return Err(self.expected("a comma or }")),
                _ => return Err(self.expected("a comma or ]")),
            }
            self.white_space();
        }
    }

    fn name(&mut self) -> Result<Span, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a name in quotes"));
        }
        let name = self.string()?;
        self.white_space();
        if self.peek() != Some(b':') {
            return Err(self.expected("a colon"));
        }
        self.at += 1;
        self.white_space();
        Ok(name)
    }

    fn string(&mut self) -> Result<Span, JsonError> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_length(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    let span = Span {
                        start: start as u32,
                        end: self.at as u32,
                        escaped,
                    };
                    self.at += 1;
                    return Ok(span);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.expected("an escaped control character")),
                None => return Err(self.expected("a closing quote")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
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

    fn unicode_unit(&self, at: usize) -> Result<u32, JsonError> {
        let escape = self.bytes.get(at..).unwrap_or_default();
        escape
            .strip_prefix(b"\\u")
            .and_then(hex4)
            .ok_or(self.expected("a \\u escape of four hexadecimal digits"))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.expected("a digit"));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        let mut exponent = false;
        if let Some(b'e' | b'E') = self.peek() {
            exponent = true;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        // Below 300 digits and without an exponent a number is always in range.
        if (exponent || self.at - start > 300)
            && !self.text[start..self.at]
                .parse::<f64>()
                .is_ok_and(f64::is_finite)
        {
            return Err(JsonError::NumberOutOfRange { offset: start });
        }
        Ok(NO_KEY)
    }
}

/// How many bytes from the start need no attention inside a string: no quote, no backslash, no
/// control character. Eight bytes at a time, by the usual has-zero-byte arithmetic.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        let zero_where = |byte: u8| {
            let x = word ^ (ONES * u64::from(byte));
            x.wrapping_sub(ONES) & !x
        };
        let below_space = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (zero_where(b'"') | zero_where(b'\\') | below_space) & HIGHS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
        .unwrap_or(rest.len())
}
