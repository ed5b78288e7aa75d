//! Files that begin with gzip: members one after the other, zeros between and after them, and
//! uncompressed text. `gzip -d` ignores such text; here it is read, because it may contain events.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::bufread::GzDecoder;

/// The first bytes of every member: two for gzip, and the only compression method (RFC 1952).
const MAGIC: &[u8] = &[0x1f, 0x8b, 8];

/// Bytes that are decompressed at a time: at most so many bytes before a damaged place are lost.
const STEP_BYTES: usize = 4 << 10;

/// Most bytes that one read returns.
const READ_BYTES: usize = 64 << 10;

/// Whether a file that begins with these bytes (two at least) is gzip.
pub(super) fn is_gzip(begin: &[u8]) -> bool {
    begin.starts_with(&MAGIC[..2])
}

/// The part of the file that is read next.
enum GzipPart<R> {
    Member(Box<GzDecoder<PeekReader<R>>>),
    /// Uncompressed text.
    Text(PeekReader<R>),
    End,
}

/// Reads the text of all members, and the text between and after them.
pub(super) struct GzipReader<R> {
    part: GzipPart<R>,
    /// The error that the next read returns.
    failed: Option<io::Error>,
}

impl<R: BufRead> GzipReader<R> {
    /// `raw` begins with a member.
    pub(super) fn new(raw: R) -> GzipReader<R> {
        let raw = PeekReader {
            bytes: Vec::new(),
            raw,
        };
        GzipReader {
            part: GzipPart::Member(Box::new(GzDecoder::new(raw))),
            failed: None,
        }
    }

    /// The next bytes of the text, 0 at its end.
    fn step(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let (bytes, next) = match &mut self.part {
                GzipPart::Member(member) => {
                    (member.read(buffer)?, GzipReader::after_member as Next<R>)
                }
                GzipPart::Text(raw) => (text(raw, buffer)?, GzipReader::after_text as Next<R>),
                GzipPart::End => return Ok(0),
            };
            if bytes > 0 {
                return Ok(bytes);
            }
            if next(self)? {
                // A member and the text beside it are on different lines.
                buffer[0] = b'\n';
                return Ok(1);
            }
        }
    }

    /// Chooses the part after a member; returns whether a line break belongs in between.
    fn after_member(&mut self) -> io::Result<bool> {
        let GzipPart::Member(member) = std::mem::replace(&mut self.part, GzipPart::End) else {
            return Ok(false);
        };
        let mut raw = member.into_inner();
        skip_zeros(&mut raw)?;
        // A cut or damaged header counts as a member, too, whose decompression then fails.
        let begin = raw.peek(MAGIC.len())?;
        if begin.is_empty() {
            return Ok(false);
        }
        let is_text = !MAGIC.starts_with(begin) && !is_gzip(begin);
        self.part = match is_text {
            true => GzipPart::Text(raw),
            false => GzipPart::Member(Box::new(GzDecoder::new(raw))),
        };
        Ok(is_text)
    }

    fn after_text(&mut self) -> io::Result<bool> {
        let GzipPart::Text(mut raw) = std::mem::replace(&mut self.part, GzipPart::End) else {
            return Ok(false);
        };
        let is_member = !raw.peek(1)?.is_empty();
        if is_member {
            self.part = GzipPart::Member(Box::new(GzDecoder::new(raw)));
        }
        Ok(is_member)
    }
}

type Next<R> = fn(&mut GzipReader<R>) -> io::Result<bool>;

/// Copies uncompressed text up to the next member; 0 there and at the end.
fn text<R: BufRead>(raw: &mut PeekReader<R>, buffer: &mut [u8]) -> io::Result<usize> {
    if raw.peek(MAGIC.len())? == MAGIC {
        return Ok(0);
    }
    let held = raw.fill_buf()?;
    let held = &held[..held.len().min(buffer.len())];
    // The first byte does not begin a member.
    let end = held.iter().skip(1).position(|byte| *byte == MAGIC[0]);
    let bytes = end.map_or(held.len(), |end| end + 1);
    buffer[..bytes].copy_from_slice(&held[..bytes]);
    raw.consume(bytes);
    Ok(bytes)
}

/// A reader that can return the next bytes without consuming them.
struct PeekReader<R> {
    /// Bytes that were peeked at and come before `raw`.
    bytes: Vec<u8>,
    raw: R,
}

impl<R: BufRead> PeekReader<R> {
    /// The next `count` bytes; fewer only at the end.
    fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        let missing = count.saturating_sub(self.bytes.len()) as u64;
        (&mut self.raw).take(missing).read_to_end(&mut self.bytes)?;
        Ok(&self.bytes[..self.bytes.len().min(count)])
    }
}

impl<R: BufRead> BufRead for PeekReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.bytes.is_empty() {
            true => self.raw.fill_buf(),
            false => Ok(&self.bytes),
        }
    }

    fn consume(&mut self, count: usize) {
        match self.bytes.is_empty() {
            true => self.raw.consume(count),
            false => drop(self.bytes.drain(..count)),
        }
    }
}

impl<R: BufRead> Read for PeekReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?.read(buffer)?;
        self.consume(bytes);
        Ok(bytes)
    }
}

/// Everything that can be decompressed is returned before the error.
impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        let end = buffer.len().min(READ_BYTES);
        while filled < end && self.failed.is_none() {
            let step = end.min(filled + STEP_BYTES);
            match self.step(&mut buffer[filled..step]) {
                Ok(0) => return Ok(filled),
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.failed = Some(gzip_error(error)),
            }
        }
        match self.failed.take_if(|_| filled == 0) {
            Some(error) => {
                self.part = GzipPart::End;
                Err(error)
            }
            None => Ok(filled),
        }
    }
}

fn skip_zeros(raw: &mut impl BufRead) -> io::Result<()> {
    loop {
        let held = raw.fill_buf()?;
        let length = held.len();
        let zeros = held.iter().take_while(|byte| **byte == 0).count();
        raw.consume(zeros);
        if zeros < length || length == 0 {
            return Ok(());
        }
    }
}

/// Adds to the message that the gzip is damaged.
fn gzip_error(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), format!("the gzip is damaged: {error}"))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// The text and the error; read a few bytes at a time.
    fn gunzip(bytes: &[u8]) -> (String, Option<String>) {
        let raw = BufReader::with_capacity(3, io::Cursor::new(bytes.to_vec()));
        let mut text = Vec::new();
        let error = GzipReader::new(raw).read_to_end(&mut text);
        let error = error.err().map(|error| error.to_string());
        (String::from_utf8_lossy(&text).into_owned(), error)
    }

    #[test]
    fn members_follow_each_other_with_zeros_between_and_after_them() {
        let (a, b) = (gzip("a"), gzip("b"));
        let zeros = [0; 100];
        let whole = |text: &str| (text.to_owned(), None);
        assert_eq!(gunzip(&[&a[..], &b].concat()), whole("ab"));
        assert_eq!(gunzip(&[&a[..], &zeros].concat()), whole("a"));
        let padded = [&a[..], &zeros, &b, &zeros[..1]].concat();
        assert_eq!(gunzip(&padded), whole("ab"));
        assert_eq!(gunzip(&[gzip(""), a].concat()), whole("a"));
    }

    #[test]
    fn text_between_and_after_members_is_read_on_lines_of_its_own() {
        let (a, b) = (gzip("a"), gzip("b"));
        for text in ["{}", "\n", "x\u{1f}y", "\u{1f}\u{1f}", &"long ".repeat(99)] {
            let zeros = [0; 9];
            let after = [&a[..], &zeros, text.as_bytes()].concat();
            assert_eq!(gunzip(&after), (format!("a\n{text}"), None));
            let between = [&a[..], text.as_bytes(), &b, &b, text.as_bytes()].concat();
            let expected = format!("a\n{text}\nbb\n{text}");
            assert_eq!(gunzip(&between), (expected, None));
        }
        // The first two of the three bytes within text do not begin a member.
        let almost = [&a[..], b"x\x1f\x8b\x07", &b].concat();
        let expected = "a\nx\u{1f}\u{fffd}\u{7}\nb".to_owned();
        assert_eq!(gunzip(&almost), (expected, None));
    }

    #[test]
    fn a_member_that_is_cut_off_or_of_another_method_is_an_error() {
        let (a, b) = (gzip("a"), gzip("b"));
        for begin in 1..b.len() {
            let (text, error) = gunzip(&[&a[..], &b[..begin]].concat());
            assert!(text.starts_with('a'), "{text}");
            assert!(error.is_some(), "{begin} bytes");
        }
        let (_, error) = gunzip(&[&a[..], b"\x1f\x8b\x07", &b].concat());
        assert!(error.is_some(), "an unknown compression method");
    }

    #[test]
    fn a_cut_file_gives_the_text_before_the_cut_and_then_an_error() {
        let text: String = (0..200).map(|n| format!("{n}\n")).collect();
        let whole = gzip(&text);
        for end in 2..whole.len() {
            let (read, error) = gunzip(&whole[..end]);
            assert!(text.starts_with(&read), "{end}");
            let error = error.unwrap_or_else(|| panic!("no error at {end}"));
            assert!(error.starts_with("the gzip is damaged: "), "{error}");
        }
        let (read, ..) = gunzip(&whole[..whole.len() - 1]);
        assert_eq!(read, text, "only the checksum is cut off");
    }
}
