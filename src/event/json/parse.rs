//! The one pass over a text that makes a [`Document`]: what it accepts, and where the first fault is.
//! Only here are nodes made, so every node is well formed.

use super::{DEPTH_LIMIT, Document, JsonError, Kind, Node, Nodes, Span, Tag};

mod scalar;

/// What is wrong, out of the way of what is right: it is rare, and larger than a span.
type Fault = Box<JsonError>;

/// Stands for the end of the text; outside of strings no text may have it.
const END: u8 = 0;

/// How many members before it a name is compared with while parsing.
const MEMBERS_COMPARED: usize = 32;

/// Parses a whole text, at most 4 GiB long.
pub(super) fn parse(text: &str) -> Result<Document<'_>, JsonError> {
    Parser::new(text).document()
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Place of the byte at hand.
    at: u32,
    nodes: Nodes,
    compact: bool,
    may_repeat_names: bool,
}

/// Of elements and the root, which have no name.
const NO_KEY: Span = Span { start: 0, end: 0 };

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            nodes: Nodes::with_room(text.len() / 24 + 4),
            compact: true,
            may_repeat_names: false,
        }
    }

    fn document(mut self) -> Result<Document<'a>, JsonError> {
        self.white_space();
        if self.is_at_end() {
            return Err(JsonError::Empty);
        }
        // White space around the whole value does not touch raw slices.
        self.compact = true;
        self.value(NO_KEY, Tag::ANY, 0).map_err(|fault| *fault)?;
        let compact = self.compact;
        self.white_space();
        if !self.is_at_end() {
            return Err(*self.expected("the end of the text"));
        }
        Ok(Document {
            text: self.text,
            nodes: self.nodes,
            compact,
            may_repeat_names: self.may_repeat_names,
        })
    }

    fn is_at_end(&self) -> bool {
        self.at as usize == self.bytes.len()
    }

    #[cold]
    fn expected(&self, expected: &'static str) -> Fault {
        Box::new(JsonError::Syntax {
            offset: self.at as usize,
            expected,
        })
    }

    /// The byte at hand, [`END`] after the last.
    #[inline]
    fn peek(&self) -> u8 {
        self.bytes.get(self.at as usize).copied().unwrap_or(END)
    }

    /// Whether this byte comes next, after white space or without.
    #[inline]
    fn is_next(&mut self, byte: u8) -> bool {
        let at_hand = self.peek();
        at_hand == byte || at_hand <= b' ' && self.is_next_after_white_space(byte)
    }

    #[cold]
    fn is_next_after_white_space(&mut self, byte: u8) -> bool {
        self.white_space();
        self.peek() == byte
    }

    fn white_space(&mut self) {
        while let b' ' | b'\n' | b'\r' | b'\t' = self.peek() {
            self.at += 1;
            self.compact = false;
        }
    }

    /// Goes over this byte and the white space before it, if it comes next.
    #[inline]
    fn accept(&mut self, byte: u8) -> bool {
        if self.is_next(byte) {
            self.at += 1;
            return true;
        }
        false
    }

    // Strings are most values; inlined by force, for the compiler gives up on mutual recursion.
    #[inline(always)]
    fn value(&mut self, key: Span, tag: Tag, depth: usize) -> Result<(), Fault> {
        if !self.is_next(b'"') {
            return self.value_without_quotes(key, tag, depth);
        }
        let start = self.at + 1;
        let escaped = self.string()?;
        let content = Span {
            start,
            end: self.at - 1,
        };
        self.push(key, tag, Kind::String, content, escaped);
        Ok(())
    }

    #[inline]
    fn push(&mut self, key: Span, tag: Tag, kind: Kind, value: Span, escaped: bool) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node {
            kind,
            escaped,
            tag,
            key,
            value,
            next,
        });
    }

    #[inline(never)]
    fn value_without_quotes(&mut self, key: Span, tag: Tag, depth: usize) -> Result<(), Fault> {
        let start = self.at;
        let kind = match self.peek() {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b't' => self.literal("true", Kind::Bool)?,
            b'f' => self.literal("false", Kind::Bool)?,
            b'n' => self.literal("null", Kind::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.expected("a value")),
        };
        let index = self.nodes.len();
        self.push(key, tag, kind, self.since(start), false);
        match kind {
            Kind::Object => self.members(depth)?,
            Kind::Array => self.elements(depth)?,
            _ => return Ok(()),
        }
        let (value, next) = (self.since(start), self.nodes.len() as u32);
        if let Some(node) = self.nodes.get_mut(index) {
            (node.value, node.next) = (value, next);
        }
        Ok(())
    }

    #[inline]
    fn since(&self, start: u32) -> Span {
        Span {
            start,
            end: self.at,
        }
    }

    /// Goes over the bracket that opens a container at this depth.
    #[inline]
    fn open(&mut self, depth: usize) -> Result<(), Fault> {
        if depth >= DEPTH_LIMIT {
            let offset = self.at as usize;
            return Err(Box::new(JsonError::TooDeep { offset }));
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn close(&mut self, bracket: u8, expected: &'static str) -> Result<(), Fault> {
        if self.accept(bracket) {
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    #[inline]
    fn elements(&mut self, depth: usize) -> Result<(), Fault> {
        self.open(depth)?;
        if self.accept(b']') {
            return Ok(());
        }
        loop {
            self.value(NO_KEY, Tag::ANY, depth + 1)?;
            if !self.accept(b',') {
                return self.close(b']', "a comma or ]");
            }
        }
    }

    #[inline]
    fn members(&mut self, depth: usize) -> Result<(), Fault> {
        self.open(depth)?;
        if self.accept(b'}') {
            return Ok(());
        }
        let first = self.nodes.len();
        let mut seen = 0;
        loop {
            if !self.is_next(b'"') {
                return Err(self.expected("a name in quotes"));
            }
            let start = self.at + 1;
            let escaped = self.string()?;
            let end = self.at - 1;
            let key = Span { start, end };
            let tag = Tag::of_written(self.written(key), escaped);
            if !self.accept(b':') {
                return Err(self.expected("a colon"));
            }
            let sign = tag.sign(end - start);
            let may_repeat = seen & sign != 0 || escaped;
            seen |= sign;
            if may_repeat {
                self.may_repeat_names |= escaped || self.may_stand_before(first, key, tag);
            }
            self.value(key, tag, depth + 1)?;
            if !self.accept(b',') {
                return self.close(b'}', "a comma or }");
            }
        }
    }

    #[inline]
    fn written(&self, span: Span) -> &'a [u8] {
        &self.bytes[span.start as usize..span.end as usize]
    }

    /// Whether a name may stand before in the object whose first member is `first`: yes also where
    /// there are too many to compare.
    #[cold]
    fn may_stand_before(&self, first: usize, key: Span, tag: Tag) -> bool {
        let mut member = first;
        for _ in 0..MEMBERS_COMPARED {
            let Some(node) = self.nodes.get(member) else {
                return false;
            };
            if node.tag == tag && self.written(node.key) == self.written(key) {
                return true;
            }
            member = node.next as usize;
        }
        true
    }
}
