//! Text from a JSON syntax error on, collected until the next event is found.
//! Invariant: no more of it is kept than of an event; of a longer text only size and digest.

use sha2::{Digest as _, Sha256};

use super::batch::Batch;
use super::report::Loss;
use crate::event::Digest;

/// Where a text begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// In bytes of the text.
    pub(super) offset: u64,
    /// From 1.
    pub(super) line: u64,
    /// Number of bytes before it on its line.
    pub(super) column: u64,
}

impl Start {
    /// The detail of the dead letter.
    pub(super) fn detail(self, what: &str) -> String {
        format!("not JSON from byte {} on: {what}", self.offset)
    }

    /// A loss of 0 bytes that begins here.
    pub(super) fn loss(self, what: String) -> Loss {
        Loss {
            offset: self.offset,
            line: self.line,
            bytes: 0,
            what,
        }
    }
}

/// A JSON value with a syntax error, and the text after it.
pub(super) struct Damage {
    pub(super) start: Start,
    what: String,
    /// Whether it was an element of an array.
    in_array: bool,
    lines: u64,
    bytes: u64,
    /// The text as in the file; empty once it is too long to be kept.
    text: Vec<u8>,
    /// The hash of the whole text, once it is too long to be kept.
    hash: Option<Sha256>,
}

impl Damage {
    pub(super) fn new(start: Start, what: &str, in_array: bool) -> Damage {
        Damage {
            start,
            what: what.to_owned(),
            in_array,
            lines: 0,
            bytes: 0,
            text: Vec::new(),
            hash: None,
        }
    }

    /// Adds the next line, or the rest of one.
    pub(super) fn push_line(&mut self, line: &[u8], limit: usize) {
        self.push(line, limit);
        self.lines += 1;
    }

    /// Adds the text that follows in the file.
    pub(super) fn push(&mut self, text: &[u8], limit: usize) {
        self.bytes += text.len() as u64;
        if self.hash.is_none() && self.text.len() + text.len() > limit {
            self.hash = Some(Sha256::new_with_prefix(&self.text));
            self.text = Vec::new();
        }
        match &mut self.hash {
            Some(hash) => hash.update(text),
            None => self.text.extend_from_slice(text),
        }
    }

    /// Appends the text as one piece. It is a loss unless it is a single line outside of an array.
    pub(super) fn close(self, batch: &mut Batch) -> Option<Loss> {
        let detail = self.start.detail(&self.what);
        let is_lost = self.in_array || self.lines > 1 || self.hash.is_some();
        let text = self.text.trim_ascii_end();
        let bytes = match self.hash {
            Some(hash) => {
                let (size, sha256) = (self.bytes, hash.finalize().into());
                batch.push_unread(Digest { size, sha256 }, Some(detail));
                size
            }
            None => {
                match is_lost {
                    true => batch.push_fault(text, detail),
                    false => batch.push_event(text),
                }
                text.len() as u64
            }
        };
        let loss = self.start.loss(self.what);
        is_lost.then_some(Loss { bytes, ..loss })
    }
}
