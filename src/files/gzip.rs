//! Gzip as `gzip -d` reads it: members one after the other, zeros between and after them, and what
//! else stands after the last is ignored, but counted.

use std::io::{self, BufRead, Chain, Cursor, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

const MAGIC: &[u8] = &[0x1f, 0x8b];

/// Bytes that are decompressed at a time: at most so much before a damage is lost with it.
const STEP_BYTES: usize = 4 << 10;

/// Bytes that one read gives if there are as many.
const READ_BYTES: usize = 64 << 10;

/// Whether a file that begins with these bytes is gzip.
pub(super) fn is_gzip(begin: &[u8]) -> bool {
    begin.starts_with(MAGIC)
}

/// One member, of which the first bytes were looked at.
type Member<R> = GzDecoder<Chain<Cursor<Vec<u8>>, R>>;

/// The text of all members.
pub(super) struct Gunzip<R> {
    /// `None` after the last one.
    member: Option<Member<R>>,
    trailing: Arc<AtomicU64>,
    /// To be returned by the next read.
    failed: Option<io::Error>,
}

impl<R: BufRead> Gunzip<R> {
    /// `trailing` becomes the number of bytes after the last member that are ignored.
    pub(super) fn new(raw: R, trailing: Arc<AtomicU64>) -> Gunzip<R> {
        Gunzip {
            member: Some(member(Vec::new(), raw)),
            trailing,
            failed: None,
        }
    }

    /// The next bytes of the text, 0 at its end.
    fn step(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let bytes = member.read(buffer)?;
            if bytes > 0 || !self.next_member()? {
                return Ok(bytes);
            }
        }
        Ok(0)
    }

    /// After a member: whether there is another one.
    fn next_member(&mut self) -> io::Result<bool> {
        let Some(member) = self.member.take() else {
            return Ok(false);
        };
        let (_, mut raw) = member.into_inner().into_inner();
        skip_zeros(&mut raw)?;
        let mut begin = Vec::new();
        raw.by_ref()
            .take(MAGIC.len() as u64)
            .read_to_end(&mut begin)?;
        if !is_gzip(&begin) {
            let ignored = begin.len() as u64 + io::copy(&mut raw, &mut io::sink())?;
            self.trailing.store(ignored, Ordering::Relaxed);
            return Ok(false);
        }
        self.member = Some(self::member(begin, raw));
        Ok(true)
    }
}

/// What can still be decompressed comes before the error.
impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        let end = buffer.len().min(READ_BYTES);
        while filled < end && self.failed.is_none() {
            let step = end.min(filled + STEP_BYTES);
            match self.step(&mut buffer[filled..step]) {
                Ok(0) => return Ok(filled),
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.failed = Some(of_gzip(error)),
            }
        }
        match self.failed.take_if(|_| filled == 0) {
            Some(error) => {
                self.member = None;
                Err(error)
            }
            None => Ok(filled),
        }
    }
}

fn member<R: BufRead>(begin: Vec<u8>, raw: R) -> Member<R> {
    GzDecoder::new(Cursor::new(begin).chain(raw))
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

/// Says that it is the gzip that is wrong.
fn of_gzip(error: io::Error) -> io::Error {
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

    /// The text, what was ignored, and the error; read a few bytes at a time.
    fn gunzip(bytes: &[u8]) -> (String, u64, Option<String>) {
        let ignored = Arc::new(AtomicU64::new(0));
        let raw = BufReader::with_capacity(3, io::Cursor::new(bytes.to_vec()));
        let mut text = Vec::new();
        let error = Gunzip::new(raw, Arc::clone(&ignored)).read_to_end(&mut text);
        let error = error.err().map(|error| error.to_string());
        let text = String::from_utf8(text).unwrap();
        (text, ignored.load(Ordering::Relaxed), error)
    }

    #[test]
    fn members_follow_each_other_with_zeros_between_and_after_them() {
        let (a, b) = (gzip("a"), gzip("b"));
        let zeros = [0; 100];
        let whole = |text: &str| (text.to_owned(), 0, None);
        assert_eq!(gunzip(&[&a[..], &b].concat()), whole("ab"));
        assert_eq!(gunzip(&[&a[..], &zeros].concat()), whole("a"));
        let padded = [&a[..], &zeros, &b, &zeros[..1]].concat();
        assert_eq!(gunzip(&padded), whole("ab"));
        assert_eq!(gunzip(&[gzip(""), a].concat()), whole("a"));
    }

    #[test]
    fn what_is_no_member_is_ignored_and_counted() {
        let a = gzip("a");
        for garbage in [&b"garbage"[..], b"\x1f", b"x"] {
            let ignored = garbage.len() as u64;
            let expected = ("a".to_owned(), ignored, None);
            assert_eq!(gunzip(&[&a[..], garbage].concat()), expected);
            assert_eq!(gunzip(&[&a[..], &[0; 9], garbage].concat()), expected);
        }
    }

    #[test]
    fn wherever_it_is_cut_the_text_before_comes_and_then_an_error() {
        let text: String = (0..200).map(|n| format!("{n}\n")).collect();
        let whole = gzip(&text);
        for end in 2..whole.len() {
            let (read, _, error) = gunzip(&whole[..end]);
            assert!(text.starts_with(&read), "{end}");
            let error = error.unwrap_or_else(|| panic!("no error at {end}"));
            assert!(error.starts_with("the gzip is damaged: "), "{error}");
        }
        let (read, ..) = gunzip(&whole[..whole.len() - 1]);
        assert_eq!(read, text, "only the checksum lacks");
    }
}
