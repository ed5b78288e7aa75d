//! The encodings that a modifier can ask for: UTF-16 and Base64.

use data_encoding::BASE64;

/// Byte order of UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utf16 {
    /// Little endian (`utf16le`, `wide`).
    Little,
    /// Big endian.
    Big,
    /// Little endian after a byte order mark (`utf16`).
    Marked,
}

/// The text's bytes in UTF-16.
pub fn utf16(text: &str, order: Utf16) -> Vec<u8> {
    let mark = (order == Utf16::Marked).then_some(0xFEFF);
    let units = mark.into_iter().chain(text.encode_utf16());
    let bytes = |unit: u16| match order {
        Utf16::Big => unit.to_be_bytes(),
        Utf16::Little | Utf16::Marked => unit.to_le_bytes(),
    };
    units.flat_map(bytes).collect()
}

/// RFC 4648 Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// The Base64 digits that the encoding of every text with these bytes contains, for each of the three
/// offsets of the bytes within a group of three. Empty if there are too few bytes.
pub fn base64_offsets(bytes: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|offset| {
        let mut shifted = vec![0; offset];
        shifted.extend_from_slice(bytes);
        let encoded = base64(&shifted);
        // A digit is certain if all six of its bits come from the given bytes.
        let first = (offset * 8).div_ceil(6);
        let end = shifted.len() * 8 / 6;
        encoded.get(first..end).unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_follows_the_vectors_of_rfc_4648() {
        let vectors =
            ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|t| base64(t.as_bytes()));
        let expected = [
            "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
        ];
        assert_eq!(vectors, expected);
    }

    #[test]
    fn every_offset_is_found_in_the_base64_of_a_longer_text() {
        for needle in ["foobar", "http://", "sh", "IEX ("] {
            for before in ["", "a", "ab", "abc", "\u{7f}~\u{7f}x"] {
                for after in ["", "z", "~~", "zzz"] {
                    let text = base64(format!("{before}{needle}{after}").as_bytes());
                    let sure = &base64_offsets(needle.as_bytes())[before.len() % 3];
                    assert!(!sure.is_empty() && text.contains(sure), "{sure} in {text}");
                }
            }
        }
        assert_eq!(base64_offsets(b"a"), ["Y", "", "h"].map(str::to_owned));
    }

    #[test]
    fn utf16_is_written_in_the_order_asked_for() {
        assert_eq!(utf16("cé", Utf16::Little), [0x63, 0, 0xE9, 0]);
        assert_eq!(utf16("cé", Utf16::Big), [0, 0x63, 0, 0xE9]);
        assert_eq!(utf16("c", Utf16::Marked), [0xFF, 0xFE, 0x63, 0]);
    }
}
