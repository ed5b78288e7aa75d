//! The chain of one partition: a hash over all source records before a position, one after the other.
//! Invariant: the chain at a position is the same however the records before it are cut into batches.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use super::hash::{ALGORITHM, Sum};

/// What the first link of a chain begins with.
const BEGIN: &[u8] = b"watchbell ledger 1";

/// What the links of a gap and of a move begin with; that of a record has no such word, and another length.
const GAP: &[u8] = b"gap";
const MOVE: &[u8] = b"move";

/// The chain up to a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The offset after the last record in it.
    pub next: i64,
    /// The hash.
    pub head: Sum,
}

impl Chain {
    /// The chain of a partition in which nothing is before `from`.
    pub fn begin(topic: &str, partition: i32, from: i64) -> Chain {
        let mut hash = Sha256::new();
        hash.update(BEGIN);
        hash.update(partition.to_be_bytes());
        hash.update(from.to_be_bytes());
        hash.update(topic.as_bytes());
        Chain {
            next: from,
            head: hash.finalize().into(),
        }
    }

    /// Add a record, by the hash of its value.
    pub fn add(&mut self, offset: i64, value: &Sum) {
        let mut link = [0; 72];
        link[..32].copy_from_slice(&self.head);
        link[32..40].copy_from_slice(&offset.to_be_bytes());
        link[40..].copy_from_slice(value);
        self.head = Sha256::digest(link).into();
        self.next = offset.saturating_add(1);
    }

    /// Records up to `to` had expired before they were read.
    pub fn gap(&mut self, to: i64) {
        self.jump(GAP, to);
    }

    /// Somebody has moved the position to `to`.
    pub fn moved(&mut self, to: i64) {
        self.jump(MOVE, to);
    }

    fn jump(&mut self, word: &[u8], to: i64) {
        let mut hash = Sha256::new();
        hash.update(self.head);
        hash.update(word);
        hash.update(self.next.to_be_bytes());
        hash.update(to.to_be_bytes());
        (self.head, self.next) = (hash.finalize().into(), to);
    }

    /// The text that is committed beside the position: the hash's name, the position, the hash.
    pub fn text(&self) -> String {
        let head = BASE64URL_NOPAD.encode(&self.head);
        format!("{ALGORITHM}:{}:{head}", self.next)
    }

    /// Reads the text; `None` if it is none of ours.
    pub fn parse(text: &str) -> Option<Chain> {
        let mut parts = text.split(':');
        let is_ours = parts.next()? == ALGORITHM;
        let next = parts.next().filter(|_| is_ours)?.parse().ok()?;
        let head = BASE64URL_NOPAD.decode(parts.next()?.as_bytes()).ok()?;
        let is_all = parts.next().is_none();
        let head = head.try_into().ok().filter(|_| is_all)?;
        Some(Chain { next, head })
    }
}
