//! Reads a file twice: first for its hash, then for its content.
//! Invariant: the second reading gives out only bytes that the hash was made of. The hashes of the file's beginnings are
//! kept, one for each block, so a file that has changed in between is an error at the first block that differs.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};

/// Bytes of a block; few in tests.
const BLOCK_BYTES: u64 = if cfg!(test) { 8 } else { 1 << 20 };

/// What a file holds, as hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// The SHA-256 of its bytes up to the end of each block.
    beginnings: Vec<[u8; 32]>,
}

impl Fingerprint {
    /// Reads everything.
    ///
    /// # Errors
    /// That of the reading.
    pub fn of(mut raw: impl Read) -> io::Result<Fingerprint> {
        let (mut hash, mut block) = (Sha256::new(), Vec::new());
        let mut beginnings = Vec::new();
        while read_block(&mut raw, &mut block)? {
            hash.update(&block);
            beginnings.push(hash.clone().finalize().into());
        }
        Ok(Fingerprint {
            sha256: hash.finalize().into(),
            beginnings,
        })
    }
}

/// Whether the reading of a file has failed, so that what was made of its last bytes is not what the file holds.
#[derive(Debug, Clone, Default)]
pub struct ReadFailure(Arc<AtomicBool>);

impl ReadFailure {
    /// Whether it has failed.
    pub fn has_happened(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The content of a file whose fingerprint is known.
pub struct FixedContent<R> {
    raw: R,
    fingerprint: Fingerprint,
    hash: Sha256,
    /// How many blocks were read.
    blocks: usize,
    block: Vec<u8>,
    /// How many bytes of the block were given out.
    given: usize,
    failure: ReadFailure,
}

impl<R: Read> FixedContent<R> {
    /// The content of a file from its first byte on.
    pub fn new(raw: R, fingerprint: Fingerprint) -> FixedContent<R> {
        FixedContent {
            raw,
            fingerprint,
            hash: Sha256::new(),
            blocks: 0,
            block: Vec::new(),
            given: 0,
            failure: ReadFailure::default(),
        }
    }

    /// Tells later whether the reading has failed.
    pub fn failure(&self) -> ReadFailure {
        self.failure.clone()
    }

    /// Reads the next block.
    fn advance(&mut self) -> io::Result<()> {
        self.given = 0;
        let is_read = read_block(&mut self.raw, &mut self.block)?;
        let expected = self.fingerprint.beginnings.get(self.blocks);
        let is_same = match expected {
            None => !is_read,
            Some(expected) => {
                self.hash.update(&self.block);
                let found: [u8; 32] = self.hash.clone().finalize().into();
                found == *expected
            }
        };
        if is_same {
            self.blocks += usize::from(is_read);
            return Ok(());
        }
        Err(io::Error::other(
            "the file has changed while it was read; call the command again when nobody writes to it",
        ))
    }
}

impl<R: Read> Read for FixedContent<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len()
            && let Err(error) = self.advance()
        {
            self.block.clear();
            self.failure.0.store(true, Ordering::Relaxed);
            return Err(error);
        }
        let length = out.len().min(self.block.len() - self.given);
        let end = self.given + length;
        out[..length].copy_from_slice(&self.block[self.given..end]);
        self.given = end;
        Ok(length)
    }
}

/// Reads a block, which only at the end of the file is a short one; whether there is any.
fn read_block(raw: &mut impl Read, block: &mut Vec<u8>) -> io::Result<bool> {
    block.clear();
    let read = raw.by_ref().take(BLOCK_BYTES).read_to_end(block);
    if read.is_err() {
        block.clear();
    }
    Ok(read? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of `now`, of which the fingerprint was that of `before`.
    fn read(before: &[u8], now: &[u8]) -> (Vec<u8>, Result<(), String>, bool) {
        let mut content = FixedContent::new(now, Fingerprint::of(before).unwrap());
        let failure = content.failure();
        let mut out = Vec::new();
        let ended = content.read_to_end(&mut out);
        let ended = ended.map(|_| ()).map_err(|error| error.to_string());
        (out, ended, failure.has_happened())
    }

    #[test]
    fn the_hash_is_that_of_all_bytes_and_the_same_content_is_given_out() {
        for length in [0, 1, 7, 8, 9, 16, 17, 1_000] {
            let content: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            let sha256: [u8; 32] = Sha256::digest(&content).into();
            assert_eq!(Fingerprint::of(&*content).unwrap().sha256, sha256);
            assert_eq!(read(&content, &content), (content.clone(), Ok(()), false));
        }
    }

    #[test]
    fn no_byte_of_a_block_that_has_changed_is_given_out() {
        let before = b"0123456789abcdefXYZ";
        for (now, given) in [
            (&b"0123456789abcdeFXYZ"[..], 8),
            (b"0123456789abcdefXYz", 16),
            (b"0123456789abcdefXYZ!", 16),
            (b"0123456789abcdef", 16),
            (b"0123456789abcd", 8),
            (b"", 0),
        ] {
            let (out, ended, has_failed) = read(before, now);
            assert_eq!(out, before[..given]);
            assert!(ended.unwrap_err().contains("has changed") && has_failed);
        }
        let grown = read(b"01234567", b"012345678");
        assert!(grown.2 && grown.0 == b"01234567", "{grown:?}");
    }
}
