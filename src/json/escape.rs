//! Decodes escapes in JSON strings, which the parser has checked before.

/// The meaning of a `\u` escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnicodeEscape {
    /// One escape, one character.
    Single(char),
    /// The two halves of a surrogate pair, one character.
    Pair(char),
    /// An unpaired surrogate, which is not a character.
    LoneSurrogate,
}

impl UnicodeEscape {
    /// Its length in the text, in bytes.
    pub(super) const fn length(self) -> u32 {
        match self {
            Self::Single(_) | Self::LoneSurrogate => 6,
            Self::Pair(_) => 12,
        }
    }
}

/// The escape at the beginning of these bytes; `None` without `\u` and four hexadecimal digits.
pub(super) fn unicode_escape(bytes: &[u8]) -> Option<UnicodeEscape> {
    let high = unit(bytes)?;
    if let Some(single) = char::from_u32(high) {
        return Some(UnicodeEscape::Single(single));
    }
    let low = bytes.get(6..).and_then(unit);
    let pair = low.and_then(|low| {
        let is_pair = (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
        is_pair.then(|| 0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff))
    });
    let pair = pair.and_then(char::from_u32).map(UnicodeEscape::Pair);
    Some(pair.unwrap_or(UnicodeEscape::LoneSurrogate))
}

/// The code unit of the `\u` escape at the beginning of these bytes.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |value, byte| {
        Some(value << 4 | char::from(*byte).to_digit(16)?)
    })
}

/// A string's content between its quotes, decoded.
#[cold]
pub(super) fn unescaped(content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    let bytes = content.as_bytes();
    // What is copied next begins at `start`, and the next escape is looked for from `from` on.
    let (mut start, mut from) = (0, 0);
    // Escapes are usually a few bytes apart, for example in JSON within a string: a plain search is the fastest then.
    while let Some(distance) = bytes[from..].iter().position(|byte| *byte == b'\\') {
        let at = from + distance;
        out.push_str(&content[start..at]);
        let (decoded, used) = match bytes[at + 1] {
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'n' => ('\n', 2),
            b'r' => ('\r', 2),
            b't' => ('\t', 2),
            b'u' => match unicode_escape(&bytes[at..]) {
                Some(UnicodeEscape::Single(decoded)) => (decoded, 6),
                Some(UnicodeEscape::Pair(decoded)) => (decoded, 12),
                // A parsed document has no other escapes.
                Some(UnicodeEscape::LoneSurrogate) | None => ('\u{fffd}', 6),
            },
            // A quote, a backslash or a slash, which is copied with what follows it.
            _ => {
                (start, from) = (at + 1, at + 2);
                continue;
            }
        };
        out.push(decoded);
        (start, from) = (at + used, at + used);
    }
    out.push_str(&content[start..]);
    out
}
