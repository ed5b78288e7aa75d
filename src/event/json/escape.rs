//! Escapes within JSON strings, decoded; the parser has made sure that they are sound.

/// A string's content between its quotes, decoded.
#[cold]
pub(super) fn unescaped(content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let bytes = rest.as_bytes();
        let (decoded, used) = match bytes[at + 1] {
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'n' => ('\n', 2),
            b'r' => ('\r', 2),
            b't' => ('\t', 2),
            b'u' => unicode_escape(&bytes[at..]),
            other => (char::from(other), 2),
        };
        out.push(decoded);
        rest = &rest[at + used..];
    }
    out.push_str(rest);
    out
}

/// Decodes `\uXXXX` or a surrogate pair; the parser has made sure that it is one.
fn unicode_escape(bytes: &[u8]) -> (char, usize) {
    let high = hex4(&bytes[2..]).unwrap_or(0xfffd);
    if (0xd800..0xdc00).contains(&high) {
        let low = bytes.get(8..).and_then(hex4).unwrap_or(0xdc00);
        let scalar = 0x1_0000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
        return (char::from_u32(scalar).unwrap_or('\u{fffd}'), 12);
    }
    (char::from_u32(high).unwrap_or('\u{fffd}'), 6)
}

/// Four hexadecimal digits.
pub(super) fn hex4(bytes: &[u8]) -> Option<u32> {
    bytes.get(..4)?.iter().try_fold(0, |value, byte| {
        Some(value << 4 | char::from(*byte).to_digit(16)?)
    })
}
