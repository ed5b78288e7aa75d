//! Some consecutive events of one file, held in one buffer: what one thread takes at a time.

use std::ops::Range;

use crate::event::Digest;

/// What stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'b> {
    /// What should be an event: a JSON value, or a line that should be one.
    Event(&'b [u8]),
    /// From a fault to the next event. Nobody knows how many events it was.
    Fault {
        /// The text from the fault on.
        text: &'b [u8],
        /// What is wrong, and where.
        detail: &'b str,
    },
    /// Longer than [`super::MAX_EVENT_BYTES`].
    Unread {
        /// What is known of the text.
        digest: &'b Digest,
        /// As in `Fault`, if it is none that is only too long.
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

    /// Every piece, with its number in the file from 0.
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
