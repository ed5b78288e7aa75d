//! Compares names of members, ignoring case and underscores. A tag, the first and last letter of a name,
//! lets a search skip nearly all other names without comparing them.

/// First and last letter of a name, ignoring case: names with different tags are different, also when
/// case and underscores are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(u16);

impl Tag {
    /// For names whose first or last letter is unknown (escaped, or only underscores), or an empty name that is
    /// searched for.
    pub(super) const ANY: Tag = Tag(0);

    /// The tag of a name without escapes, from its first and last byte; for the empty name these are the
    /// quotes.
    #[inline]
    pub(super) const fn of_written(first: u8, last: u8) -> Tag {
        match (first, last) {
            (b'_', _) | (_, b'_') => Tag::ANY,
            _ => Tag::of_letters(first, last),
        }
    }

    /// The tag of a name that is searched for.
    pub(super) fn of(name: &str) -> Tag {
        let letter = |byte: &&u8| **byte != b'_';
        let mut bytes = name.as_bytes().iter();
        let (Some(first), last) = (bytes.find(letter), bytes.rfind(letter)) else {
            return Tag::ANY;
        };
        Tag::of_letters(*first, *last.unwrap_or(first))
    }

    /// Number of slots over which tags are distributed.
    pub(super) const PLACES: usize = 64;

    /// The slot of a tag: names whose tags have different slots are different.
    #[inline]
    pub(super) const fn place(self) -> usize {
        ((self.0 ^ self.0 >> 5) % 64) as usize
    }

    /// Never [`Tag::ANY`].
    #[inline]
    const fn of_letters(first: u8, last: u8) -> Tag {
        Tag(u16::from_le_bytes([last | 0x20, first | 0x20]))
    }

    /// One of 64 bits, chosen by the tag and the second byte: names without a common bit are different, also
    /// when case and underscores are ignored. All bits if the second byte is an underscore. Not for
    /// [`Tag::ANY`].
    #[inline]
    pub(super) fn sign(self, second: u8) -> u64 {
        let letters = u32::from(self.0) << 8 | u32::from(second | 0x20);
        match second {
            b'_' => u64::MAX,
            // Fibonacci hashing: the upper six bits depend on all letters.
            _ => 1 << (letters.wrapping_mul(0x9e37_79b9) >> 26),
        }
    }

    /// Whether a name may begin with this letter, ignoring case.
    #[inline]
    pub(super) fn may_begin_with(self, letter: u8) -> bool {
        let [_, first] = self.0.to_le_bytes();
        first == letter | 0x20 || self == Tag::ANY
    }

    /// Whether names with these tags may be equal.
    #[inline]
    pub(super) fn may_be(self, other: Tag) -> bool {
        self == other || self == Tag::ANY || other == Tag::ANY
    }
}

/// Whether two names are equal, ignoring ASCII case and underscores.
pub fn same_name(left: &str, right: &str) -> bool {
    same_bytes(left.as_bytes(), right.as_bytes())
}

/// The same for bytes.
pub(super) fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    let both = left.iter().zip(right);
    let alike = both.take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[alike..], &right[alike..]);
    if let ([one, others @ ..], [other, rest @ ..]) = (left, right) {
        if !one.eq_ignore_ascii_case(other) && *one != b'_' && *other != b'_' {
            return false;
        }
        // A name in PascalCase differs from that in camelCase by its first letter alone.
        if others == rest {
            return one.eq_ignore_ascii_case(other);
        }
    }
    // Comparing letter by letter costs several times as much.
    left.eq_ignore_ascii_case(right) || letters(left).eq(letters(right))
}

/// The name in lower case without underscores: equal for names that are compared as equal.
pub fn folded_name(name: &str) -> Vec<u8> {
    letters(name.as_bytes()).collect()
}

/// How many of these segments a name matches, ignoring case and underscores: one, or several with dots
/// between them. A segment has no dot, so the answer is unique.
pub(crate) fn segments_named(name: &str, segments: &[Box<str>]) -> Option<usize> {
    if segments.first().is_some_and(|first| **first == *name) {
        return Some(1);
    }
    let mut rest = letters(name.as_bytes()).peekable();
    for (before, segment) in segments.iter().enumerate() {
        if before > 0 {
            rest.next_if_eq(&b'.')?;
        }
        for letter in letters(segment.as_bytes()) {
            rest.next_if_eq(&letter)?;
        }
        if rest.peek().is_none() {
            return Some(before + 1);
        }
    }
    None
}

/// The first letter of a name that is compared.
pub(super) fn first_letter(name: &str) -> Option<u8> {
    letters(name.as_bytes()).next()
}

/// The bytes of a name that are compared.
fn letters(name: &[u8]) -> impl Iterator<Item = u8> {
    name.iter()
        .filter(|byte| **byte != b'_')
        .map(u8::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_if_their_letters_are() {
        let mut names = vec![String::new()];
        let mut longest = names.clone();
        for _ in 0..4 {
            let longer =
                |name: &String| ["a", "A", "b", "_"].map(|letter| format!("{name}{letter}"));
            longest = longest.iter().flat_map(longer).collect();
            names.extend_from_slice(&longest);
        }
        for left in &names {
            for right in &names {
                let is_same = folded_name(left) == folded_name(right);
                assert_eq!(same_name(left, right), is_same, "{left} {right}");
            }
        }
    }
}
