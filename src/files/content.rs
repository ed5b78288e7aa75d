//! The text of a file as a window that moves over it, decompressed on the way.
//! Invariant: the window grows by doubling, so that looking again at all of it after each growth
//! costs no more than twice the text.

use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use crate::event::Digest;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// Bytes that are asked for at a time.
const READ_BYTES: usize = 256 << 10;

/// A window over a text.
pub(super) struct Content {
    text: Box<dyn Read + Send>,
    window: Vec<u8>,
    /// Where the window begins in `window`: what is before is done with.
    start: usize,
    /// The same in the whole text.
    offset: u64,
    ended: bool,
}

impl Content {
    /// Gzip is recognized by its first bytes, whatever the file's name says.
    pub(super) fn new(raw: impl Read + Send + 'static) -> io::Result<Content> {
        let mut raw = BufReader::with_capacity(READ_BYTES, raw);
        let mut magic = Vec::new();
        raw.by_ref()
            .take(GZIP_MAGIC.len() as u64)
            .read_to_end(&mut magic)?;
        let is_gzip = magic == GZIP_MAGIC;
        let raw = Cursor::new(magic).chain(raw);
        let text: Box<dyn Read + Send> = if is_gzip {
            Box::new(Gunzip(MultiGzDecoder::new(raw)))
        } else {
            Box::new(raw)
        };
        Ok(Content {
            text,
            window: Vec::new(),
            start: 0,
            offset: 0,
            ended: false,
        })
    }

    /// What was read and not yet consumed.
    pub(super) fn window(&self) -> &[u8] {
        &self.window[self.start..]
    }

    /// Where the window begins, in bytes of the (decompressed) text.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the window reaches to the end.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Moves the window's begin.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Makes the window at least twice as long; false if it reached to the end before.
    pub(super) fn grow(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.window.drain(..self.start);
        self.start = 0;
        let held = self.window.len();
        let mut filled = held;
        self.window.resize(held + held.max(READ_BYTES), 0);
        // One read is enough for the rest of a short event; a long one is not looked at for every
        // few bytes.
        let result = loop {
            match self.text.read(&mut self.window[filled..]) {
                Ok(0) => {
                    self.ended = true;
                    break Ok(true);
                }
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => break Err(error),
            }
            if filled >= 2 * held {
                break Ok(true);
            }
        };
        self.window.truncate(filled);
        result
    }

    /// Consumes everything up to and including `end`, or up to the text's end; returns size and
    /// digest of what stood before it.
    pub(super) fn digest_until(&mut self, end: Option<u8>) -> io::Result<Digest> {
        let (mut hash, mut size) = (Sha256::new(), 0);
        loop {
            let window = self.window();
            let at = end.and_then(|end| memchr::memchr(end, window));
            let part = at.unwrap_or(window.len());
            hash.update(&window[..part]);
            size += part as u64;
            self.consume(part + usize::from(at.is_some()));
            if at.is_some() || !self.grow()? {
                let sha256 = hash.finalize().into();
                return Ok(Digest { size, sha256 });
            }
        }
    }
}

/// Says that it is the gzip that is wrong.
struct Gunzip<R>(MultiGzDecoder<R>);

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
                io::Error::new(error.kind(), format!("the gzip is damaged: {error}"))
            }
            _ => error,
        })
    }
}
