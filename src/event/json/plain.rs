//! Where the content of a JSON string needs attention: at a quote, a backslash or a control
//! character. Sixteen bytes are looked at together.

use wide::u8x16;

/// The first place from `at` on that needs attention; the length of the text, at most 4 GiB, where
/// there is none.
#[inline]
pub(super) fn plain_end(text: &[u8], mut at: u32) -> u32 {
    // Places of 32 bits: the compiler sees that no sum overflows.
    while let Some(block) = block(text, at) {
        let found = special(block);
        if found != 0 {
            return at + found.trailing_zeros();
        }
        at += 16;
    }
    plain_end_of_last(text, at)
}

#[inline]
fn block(text: &[u8], at: u32) -> Option<[u8; 16]> {
    let at = at as usize;
    text.get(at..at + 16)?.try_into().ok()
}

/// The same among the last few bytes.
#[cold]
fn plain_end_of_last(text: &[u8], at: u32) -> u32 {
    let rest = text.get(at as usize..).unwrap_or_default();
    let found = rest.iter().position(|byte| is_special(*byte));
    at + found.unwrap_or(rest.len()) as u32
}

/// Whether nothing needs attention.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk() {
        // The last block may have been looked at in part; a second look costs less than one by one.
        let (blocks, _) = bytes.as_chunks();
        return blocks.iter().all(|block| special(*block) == 0) && special(*last) == 0;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let halves =
            u128::from(u64::from_ne_bytes(*first)) << 64 | u128::from(u64::from_ne_bytes(*last));
        return special(halves.to_ne_bytes()) == 0;
    }
    !bytes.iter().any(|byte| is_special(*byte))
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// A bit for each byte that needs attention, the lowest for the first.
#[inline]
fn special(block: [u8; 16]) -> u32 {
    let block = u8x16::new(block);
    // With this bit turned the quote stands right after the control characters, which stay below it.
    let turned = block ^ u8x16::splat(2);
    let quotes_and_controls = turned.min(u8x16::splat(b'"' ^ 2)).simd_eq(turned);
    let backslashes = block.simd_eq(u8x16::splat(b'\\'));
    (quotes_and_controls | backslashes).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_needs_attention_is_found_at_every_place_of_every_length() {
        for length in 0..70 {
            let plain: Vec<u8> = (b' '..=0xff).filter(|byte| !is_special(*byte)).collect();
            let text: Vec<u8> = plain
                .iter()
                .copied()
                .cycle()
                .skip(length)
                .take(length)
                .collect();
            assert!(is_plain(&text));
            for from in 0..=length {
                assert_eq!(plain_end(&text, from as u32), length as u32);
            }
            for place in 0..length {
                for byte in (0..0x20).chain(*b"\"\\") {
                    let mut text = text.clone();
                    text[place] = byte;
                    assert!(!is_plain(&text), "{byte} at {place} of {length}");
                    assert_eq!(plain_end(&text, 0), place as u32);
                    assert_eq!(plain_end(&text, place as u32 + 1), length as u32);
                }
            }
        }
    }
}
