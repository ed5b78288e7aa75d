//! The one pass over a text that makes a [`Document`]: what it accepts, and where the first fault is.
//! Only here are nodes made, so every node is well formed.

use super::{DEPTH_LIMIT, Document, JsonError, Kind, Node, Span, Tag, hex4};

/// What is wrong, out of the way of what is right: it is rare, and larger than a span.
type Fault = Box<JsonError>;

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

/// The name under which a value stands in its object.
#[derive(Clone, Copy)]
struct Name {
    span: Span,
    tag: Tag,
}

impl Name {
    /// Of elements and the root.
    const NONE: Name = Name {
        span: NOWHERE,
        tag: Tag::ANY,
    };
}

const NOWHERE: Span = Span {
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
        self.value(Name::NONE, 0).map_err(|fault| *fault)?;
        let compact = self.compact;
        self.white_space();
        if self.at < self.bytes.len() {
            return Err(*self.expected("the end of the text"));
        }
        Ok(Document {
            text: self.text,
            nodes: self.nodes,
            compact,
        })
    }

    #[cold]
    fn expected(&self, expected: &'static str) -> Fault {
        Box::new(JsonError::Syntax {
            offset: self.at,
            expected,
        })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn white_space(&mut self) {
        // Mostly there is none, and one comparison tells.
        while let Some(byte @ 0..=b' ') = self.peek() {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return;
            }
            self.at += 1;
            self.compact = false;
        }
    }

    fn value(&mut self, name: Name, depth: usize) -> Result<(), Fault> {
        let index = self.nodes.len();
        let start = self.at;
        let leaf = |kind, value| Node {
            kind,
            key: name.span,
            tag: name.tag,
            value,
            next: index as u32 + 1,
        };
        let node = match self.peek() {
            Some(b'"') => leaf(Kind::String, self.string()?),
            Some(open @ (b'{' | b'[')) => {
                let kind = match open {
                    b'{' => Kind::Object,
                    _ => Kind::Array,
                };
                self.nodes.push(leaf(kind, NOWHERE));
                self.container(depth, kind == Kind::Object)?;
                let next = self.nodes.len() as u32;
                let value = self.span(start);
                self.nodes[index].value = value;
                self.nodes[index].next = next;
                return Ok(());
            }
            Some(b't') => leaf(Kind::Bool, self.literal("true")?),
            Some(b'f') => leaf(Kind::Bool, self.literal("false")?),
            Some(b'n') => leaf(Kind::Null, self.literal("null")?),
            Some(b'-' | b'0'..=b'9') => leaf(Kind::Number, self.number()?),
            _ => return Err(self.expected("a value")),
        };
        self.nodes.push(node);
        Ok(())
    }

    fn span(&self, start: usize) -> Span {
        Span {
            start: start as u32,
            end: self.at as u32,
            escaped: false,
        }
    }

    fn literal(&mut self, word: &'static str) -> Result<Span, Fault> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.expected(word));
        }
        let start = self.at;
        self.at += word.len();
        Ok(self.span(start))
    }

    fn container(&mut self, depth: usize, object: bool) -> Result<(), Fault> {
        if depth >= DEPTH_LIMIT {
            return Err(Box::new(JsonError::TooDeep { offset: self.at }));
        }
        let close = if object { b'}' } else { b']' };
        self.at += 1;
        self.white_space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            let name = if object { self.name()? } else { Name::NONE };
            self.value(name, depth + 1)?;
            self.white_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(());
                }
                _ if object => return Err(self.expected("a comma or }")),
                _ => return Err(self.expected("a comma or ]")),
            }
            self.white_space();
        }
    }

    fn name(&mut self) -> Result<Name, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a name in quotes"));
        }
        let span = self.string()?;
        let written = &self.bytes[span.start as usize..span.end as usize];
        let tag = Tag::of_written(written, span.escaped);
        self.white_space();
        if self.peek() != Some(b':') {
            return Err(self.expected("a colon"));
        }
        self.at += 1;
        self.white_space();
        Ok(Name { span, tag })
    }

    fn string(&mut self) -> Result<Span, Fault> {
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

    fn escape(&mut self) -> Result<(), Fault> {
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

    fn unicode_unit(&self, at: usize) -> Result<u32, Fault> {
        let escape = self.bytes.get(at..).unwrap_or_default();
        escape
            .strip_prefix(b"\\u")
            .and_then(hex4)
            .ok_or_else(|| self.expected("a \\u escape of four hexadecimal digits"))
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.expected("a digit"));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Span, Fault> {
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
            return Err(Box::new(JsonError::NumberOutOfRange { offset: start }));
        }
        Ok(self.span(start))
    }
}

/// How many bytes from the start need no attention inside a string: no quote, no backslash, no
/// control character. Eight bytes at a time.
fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let found = special(chunk);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest
        .iter()
        .position(|byte| is_special(*byte))
        .unwrap_or(rest.len())
}

/// Whether all of them need no attention inside a string.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let Some(last) = bytes.len().checked_sub(8) else {
        return !bytes.iter().any(|byte| is_special(*byte));
    };
    // The last eight bytes may have been looked at in part; a second look costs less than one by one.
    bytes.chunks_exact(8).all(|chunk| special(chunk) == 0) && special(&bytes[last..]) == 0
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// Of eight bytes, the highest bit of each that needs attention; by the usual has-zero-byte
/// arithmetic, so that only the lowest one found is sure.
fn special(chunk: &[u8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
    let zero_where = |byte: u8| {
        let x = word ^ (ONES * u64::from(byte));
        x.wrapping_sub(ONES) & !x
    };
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    (zero_where(b'"') | zero_where(b'\\') | below_space) & HIGHS
}
