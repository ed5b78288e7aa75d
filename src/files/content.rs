//! The text of a file, decompressed and in UTF-8, as a window that moves over it.
//! Invariants: the window grows by doubling, so that scanning all of it again after each growth costs
//! at most twice the length of the text; everything that can be read is returned before an error.

use std::io::{self, BufReader, Cursor, ErrorKind, Read};

use sha2::{Digest as _, Sha256};

use super::gzip::{GzipReader, is_gzip};
use super::utf16::{ByteOrder, Utf16Reader};
use crate::event::Digest;

/// Bytes that are read at a time; few in tests, so that windows end at every position.
const READ_BYTES: usize = if cfg!(test) { 64 } else { 256 << 10 };

/// How many layers of gzip are decompressed: twice is common, once by the file and once by its transport.
const LAYERS: usize = 4;

/// A window over a text.
pub(super) struct Content {
    text: Box<dyn Read + Send>,
    window: Vec<u8>,
    /// Where the window begins in `window`; the bytes before it have been consumed.
    start: usize,
    /// The same in the whole text.
    offset: u64,
    /// Number of the line in which the window begins, from 1.
    line: u64,
    /// Where that line begins in the whole text.
    line_start: u64,
    /// There is no line break between the window's begin and this offset.
    unbroken: u64,
    ended: bool,
    error: Option<io::Error>,
}

impl Content {
    /// Gzip and UTF-16 are recognized by their first bytes, whatever the file's name says.
    ///
    /// # Errors
    /// Nothing at all can be read.
    pub(super) fn new(raw: impl Read + Send + 'static) -> io::Result<Content> {
        let mut text: Box<dyn Read + Send> = Box::new(BufReader::with_capacity(READ_BYTES, raw));
        let mut begin = first_bytes(&mut text)?;
        for _ in 0..LAYERS {
            if !is_gzip(&begin) {
                break;
            }
            let raw = BufReader::with_capacity(READ_BYTES, Cursor::new(begin).chain(text));
            text = Box::new(GzipReader::new(raw));
            begin = first_bytes(&mut text)?;
        }
        let order = ByteOrder::of(&begin);
        let whole = Cursor::new(begin).chain(text);
        Ok(Content {
            text: match order {
                Some(order) => Box::new(Utf16Reader::new(whole, order)),
                None => Box::new(whole),
            },
            window: Vec::new(),
            start: 0,
            offset: 0,
            line: 1,
            line_start: 0,
            unbroken: 0,
            ended: false,
            error: None,
        })
    }

    /// The bytes that were read and not yet consumed.
    pub(super) fn window(&self) -> &[u8] {
        &self.window[self.start..]
    }

    /// Where the window begins, in bytes of the (decompressed) text.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Number of the line in which the window begins, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// How many bytes of that line are before the window.
    pub(super) fn column(&self) -> u64 {
        self.offset - self.line_start
    }

    /// Whether the window reaches to the end of the text, or to an error.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// The error that ended the reading, if any.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Moves the begin of the window forward.
    pub(super) fn consume(&mut self, bytes: usize) {
        let consumed = &self.window()[..bytes];
        if let Some(last) = memchr::memrchr(b'\n', consumed) {
            let lines = memchr::memchr_iter(b'\n', &consumed[..last]).count() + 1;
            self.line += lines as u64;
            self.line_start = self.offset + last as u64 + 1;
        }
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Makes the window at least twice as long; false if it already reaches to the end.
    pub(super) fn grow(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.window.drain(..self.start);
        self.start = 0;
        let held = self.window.len();
        let mut filled = held;
        self.window.resize(held + held.max(READ_BYTES), 0);
        // One read is enough for the rest of a short event. A long one is not scanned again after
        // every few bytes.
        loop {
            match self.text.read(&mut self.window[filled..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.error = Some(error);
                    self.ended = true;
                    break;
                }
            }
            if filled >= 2 * held {
                break;
            }
        }
        self.window.truncate(filled);
        true
    }

    /// Where the window's first line ends, without its line break, if that is within `limit` bytes or
    /// at the text's end.
    pub(super) fn line_end(&mut self, limit: usize) -> Option<usize> {
        loop {
            let seen = self.unbroken.saturating_sub(self.offset) as usize;
            let window = self.window();
            let length = window.len();
            let found = memchr::memchr(b'\n', window.get(seen..).unwrap_or_default());
            let end = found.map_or(length, |at| seen + at);
            self.unbroken = self.unbroken.max(self.offset + end as u64);
            if found.is_some() || end > limit || !self.grow() {
                return Some(end).filter(|end| *end <= limit);
            }
        }
    }

    /// Consumes the text until `end` finds its end in a part of it, and gives the parts to `take`.
    pub(super) fn take_until(
        &mut self,
        mut end: impl FnMut(&[u8]) -> Option<usize>,
        mut take: impl FnMut(&[u8]),
    ) {
        loop {
            let window = self.window();
            let at = end(window);
            let part = at.unwrap_or(window.len());
            take(&window[..part]);
            self.consume(part);
            if at.is_some() || !self.grow() {
                return;
            }
        }
    }

    /// Like [`Content::take_until`]; returns the size and the digest of the consumed text.
    pub(super) fn digest_until(&mut self, end: impl FnMut(&[u8]) -> Option<usize>) -> Digest {
        let (mut hash, mut size) = (Sha256::new(), 0);
        self.take_until(end, |part| {
            hash.update(part);
            size += part.len() as u64;
        });
        let sha256 = hash.finalize().into();
        Digest { size, sha256 }
    }
}

/// The bytes by which gzip and UTF-16 are recognized.
fn first_bytes(text: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    text.by_ref().take(4).read_to_end(&mut begin)?;
    Ok(begin)
}
