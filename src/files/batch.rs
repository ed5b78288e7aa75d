//! Consecutive events of one file in one buffer: the unit of work of a thread.

use std::ops::Range;

use crate::event::Digest;

/// A part of a file's text that becomes one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'b> {
    /// A JSON value, or a line that should be one: to be parsed as an event.
    Event(&'b [u8]),
    /// Text from a syntax error to the next event. It is unknown how many events it was.
    Fault {
        /// The text from the error on.
        text: &'b [u8],
        /// What is wrong, and where.
        detail: &'b str,
    },
    /// A text longer than [`super::MAX_EVENT_BYTES`], which is not kept.
    Unread {
        /// Size and SHA-256 of the text.
        digest: &'b Digest,
        /// The detail as in `Fault`; `None` if the text has no syntax error.
        fault: Option<&'b str>,
    },
}

#[derive(Debug)]
enum Span {
    Event(Range<usize>),
    Fault(Range<usize>, String),
    Unread(Digest, Option<String>),
}

/// Consecutive pieces of one file.
#[derive(Debug, Default)]
pub struct Batch {
    /// Number of the first piece in its file.
    first: i64,
    text: Vec<u8>,
    spans: Vec<Span>,
}

impl Batch {
    pub(super) fn starting_at(first: i64) -> Batch {
        Batch {
            first,
            ..Batch::default()
        }
    }

    /// Every piece, with its number in the file, counted from 0.
    pub fn pieces(&self) -> impl Iterator<Item = (i64, Piece<'_>)> {
        let text = |range: &Range<usize>| &self.text[range.clone()];
        let pieces = self.spans.iter().map(move |span| match span {
            Span::Event(range) => Piece::Event(text(range)),
            Span::Fault(range, detail) => Piece::Fault {
                text: text(range),
                detail,
            },
            Span::Unread(digest, fault) => Piece::Unread {
                digest,
                fault: fault.as_deref(),
            },
        });
        (self.first..).zip(pieces)
    }

    /// How many pieces there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Bytes of text.
    pub(super) fn size(&self) -> usize {
        self.text.len()
    }

    pub(super) fn push_event(&mut self, text: &[u8]) {
        let range = self.keep(text);
        self.spans.push(Span::Event(range));
    }

    pub(super) fn push_fault(&mut self, text: &[u8], detail: String) {
        let range = self.keep(text);
        self.spans.push(Span::Fault(range, detail));
    }

    pub(super) fn push_unread(&mut self, digest: Digest, fault: Option<String>) {
        self.spans.push(Span::Unread(digest, fault));
    }

    fn keep(&mut self, text: &[u8]) -> Range<usize> {
        let start = self.text.len();
        self.text.extend_from_slice(text);
        start..self.text.len()
    }
}
