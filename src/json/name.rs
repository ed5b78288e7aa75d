//! Names of members, compared without regard to case and underscores. Tags, the first and last letter of
//! each name, let a search pass over nearly all other names without comparing them.

/// First and last letter of a name, whatever their case: names that differ in it are different, also
/// but for case and underscores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(u16);

impl Tag {
    /// Of names that do not show their first and last letter: escaped, or underscores there, or
    /// looked for and empty.
    pub(super) const ANY: Tag = Tag(0);

    /// Of a name without escapes as it stands between quotes, by its first and its last byte; of the
    /// empty name these are the quotes.
    #[inline]
    pub(super) const fn of_written(first: u8, last: u8) -> Tag {
        match (first, last) {
            (b'_', _) | (_, b'_') => Tag::ANY,
            _ => Tag::of_letters(first, last),
        }
    }

    /// Of a name that is looked for.
    pub(super) fn of(name: &str) -> Tag {
        let letter = |byte: &&u8| **byte != b'_';
        let mut bytes = name.as_bytes().iter();
        let (Some(first), last) = (bytes.find(letter), bytes.rfind(letter)) else {
            return Tag::ANY;
        };
        Tag::of_letters(*first, *last.unwrap_or(first))
    }

    /// How many places tags are spread over.
    pub(super) const PLACES: usize = 64;

    /// The place of a tag: names whose tags have different ones are different.
    #[inline]
    pub(super) const fn place(self) -> usize {
        ((self.0 ^ self.0 >> 5) % 64) as usize
    }

    /// Never [`Tag::ANY`].
    const fn of_letters(first: u8, last: u8) -> Tag {
        Tag(u16::from_le_bytes([last | 0x20, first | 0x20]))
    }

    /// One bit of 64, by the second byte too: names that have no bit in common are different, also
    /// but for case and underscores. Where the second is an underscore, all bits. Of tags other than
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

    /// Whether a name may begin with this letter, whatever its case.
    #[inline]
    pub(super) fn may_begin_with(self, letter: u8) -> bool {
        let [_, first] = self.0.to_le_bytes();
        first == letter | 0x20 || self == Tag::ANY
    }

    /// Whether names with these two may be the same.
    pub(super) fn may_be(self, other: Tag) -> bool {
        self == other || self == Tag::ANY || other == Tag::ANY
    }
}

/// Whether two names are one but for ASCII case and underscores.
pub fn same_name(left: &str, right: &str) -> bool {
    same_bytes(left.as_bytes(), right.as_bytes())
}

/// The same of bytes.
pub(super) fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    let both = left.iter().zip(right);
    let alike = both.take_while(|(left, right)| left == right).count();
    letters(&left[alike..]).eq(letters(&right[alike..]))
}

/// The name with nothing but what counts of it: equal for names that are the same.
pub fn folded_name(name: &str) -> Vec<u8> {
    letters(name.as_bytes()).collect()
}

/// How many of these segments a name stands for, but for case and underscores: one, or several with
/// dots between them. A segment has no dot, so there is only one answer.
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

/// The first letter that counts of a name.
pub(super) fn first_letter(name: &str) -> Option<u8> {
    letters(name.as_bytes()).next()
}

/// What counts of a name.
fn letters(name: &[u8]) -> impl Iterator<Item = u8> {
    name.iter()
        .filter(|byte| **byte != b'_')
        .map(u8::to_ascii_lowercase)
}
