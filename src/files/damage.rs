//! Text from a fault in JSON on, gathered until an event is found again.
//! Invariant: no more of it is held than of an event; of a longer one size and digest are known.

use sha2::{Digest as _, Sha256};

use super::batch::Batch;
use super::report::Loss;
use crate::event::Digest;

/// Where something begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// In bytes of the text.
    pub(super) offset: u64,
    /// From 1.
    pub(super) line: u64,
    /// How many bytes stand before it on its line.
    pub(super) column: u64,
}

impl Start {
    /// What a dead letter says.
    pub(super) fn detail(self, what: &str) -> String {
        format!("not JSON from byte {} on: {what}", self.offset)
    }

    /// A loss of nothing yet.
    pub(super) fn loss(self, what: String) -> Loss {
        Loss {
            offset: self.offset,
            line: self.line,
            bytes: 0,
            what,
        }
    }
}

/// A value that does not end where it should, and what follows it.
pub(super) struct Damage {
    pub(super) start: Start,
    what: String,
    /// Whether it was an element of an array.
    in_array: bool,
    lines: u64,
    bytes: u64,
    /// As it stands in the file; nothing of it once it is too long to be held.
    text: Vec<u8>,
    /// Of all of it, then.
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

    /// Adds what comes next in the file.
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

    /// Appends it as one piece. It is a loss, unless it is one line that stood for itself.
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
