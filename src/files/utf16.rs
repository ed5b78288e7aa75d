//! Converts UTF-16, which PowerShell's `>` writes on Windows, to UTF-8.
//! Invariant: an unpaired surrogate becomes its JSON escape.

use std::io::{self, ErrorKind, Read};

/// Bytes that are converted at a time.
const STEP_BYTES: usize = 16 << 10;

/// The order of the two bytes of a UTF-16 code unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Big,
    Little,
}

impl ByteOrder {
    /// The byte order of a text with this beginning, if it is UTF-16: recognized by the byte order mark
    /// or by a first bracket of JSON and the character after it, which is ASCII. At least four bytes are needed, unless
    /// the text is shorter.
    pub(super) fn of(begin: &[u8]) -> Option<ByteOrder> {
        match begin {
            [0xff, 0xfe, ..] | [b'{' | b'[', 0, 1..=0x7f, 0, ..] => Some(ByteOrder::Little),
            [0xfe, 0xff, ..] | [0, b'{' | b'[', 0, 1..=0x7f, ..] => Some(ByteOrder::Big),
            _ => None,
        }
    }

    fn unit(self, pair: [u8; 2]) -> u16 {
        match self {
            ByteOrder::Big => u16::from_be_bytes(pair),
            ByteOrder::Little => u16::from_le_bytes(pair),
        }
    }
}

/// Reads UTF-16 and returns UTF-8.
pub(super) struct Utf16Reader<R> {
    raw: R,
    order: ByteOrder,
    /// Code units to convert; the last may be the first half of a surrogate pair.
    units: Vec<u16>,
    /// The first byte of a code unit whose second byte has not been read.
    odd: Option<u8>,
    converted: Vec<u8>,
    given: usize,
}

impl<R: Read> Utf16Reader<R> {
    pub(super) fn new(raw: R, order: ByteOrder) -> Utf16Reader<R> {
        Utf16Reader {
            raw,
            order,
            units: Vec::new(),
            odd: None,
            converted: Vec::new(),
            given: 0,
        }
    }

    /// Converts the next bytes; false at the end of the text.
    fn convert(&mut self) -> io::Result<bool> {
        let mut bytes = [0; STEP_BYTES];
        let count = self.raw.read(&mut bytes)?;
        for byte in &bytes[..count] {
            match self.odd.take() {
                None => self.odd = Some(*byte),
                Some(odd) => self.units.push(self.order.unit([odd, *byte])),
            }
        }
        let is_high = |unit: &u16| (0xd800..0xdc00).contains(unit);
        let half = match count {
            0 => None,
            _ => self.units.pop_if(|unit| is_high(unit)),
        };
        self.converted.clear();
        self.given = 0;
        for unit in char::decode_utf16(self.units.drain(..)) {
            match unit {
                Ok(c) => {
                    let mut utf8 = [0; 4];
                    self.converted.extend(c.encode_utf8(&mut utf8).as_bytes());
                }
                Err(lone) => {
                    let escape = format!("\\u{:04x}", lone.unpaired_surrogate());
                    self.converted.extend(escape.as_bytes());
                }
            }
        }
        self.units.extend(half);
        if count == 0 && self.odd.take().is_some() {
            let what = "the UTF-16 ends within a character";
            return Err(io::Error::new(ErrorKind::UnexpectedEof, what));
        }
        Ok(count > 0 || !self.converted.is_empty())
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.converted.len() {
            if !self.convert()? {
                return Ok(0);
            }
        }
        let rest = &self.converted[self.given..];
        let bytes = rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&rest[..bytes]);
        self.given += bytes;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte at a time.
    struct Trickle<'b>(&'b [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let end = buffer.len().min(1);
            self.0.read(&mut buffer[..end])
        }
    }

    fn read(bytes: &[u8]) -> io::Result<String> {
        let order = ByteOrder::of(bytes).expect("UTF-16");
        let mut text = String::new();
        Utf16Reader::new(Trickle(bytes), order).read_to_string(&mut text)?;
        Ok(text)
    }

    fn little(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn every_character_comes_through_in_both_orders() {
        let text = "\u{feff}{\"a\":\"Grüße 世界 😀\"}";
        assert_eq!(read(&little(text)).unwrap(), text);
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&big).unwrap(), text);
        assert_eq!(read(&little("[1]")).unwrap(), "[1]");
        let big: Vec<u8> = "[1]".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&big).unwrap(), "[1]");
        assert_eq!(ByteOrder::of(b"{\"a\""), None);
        assert_eq!(ByteOrder::of(b"[\0\n{"), None);
        assert_eq!(ByteOrder::of(b"\0[\n{"), None);
        assert_eq!(ByteOrder::of(b"{"), None);
    }

    #[test]
    fn half_a_pair_becomes_its_escape_and_half_a_unit_is_an_error() {
        let mut bytes = little("\u{feff}a");
        bytes.extend(0xd83d_u16.to_le_bytes());
        bytes.extend(little("b"));
        bytes.extend(0xdc00_u16.to_le_bytes());
        bytes.extend(0xd83d_u16.to_le_bytes());
        assert_eq!(read(&bytes).unwrap(), "\u{feff}a\\ud83db\\udc00\\ud83d");
        bytes.push(0);
        let error = read(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "the UTF-16 ends within a character");
    }
}
