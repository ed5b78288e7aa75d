//! The longest prefix that contains an address. Prefixes nest or are disjoint, so they cut the addresses into
//! ranges that have one longest prefix each; a look-up is a binary search over where these ranges begin.

/// Ranges of addresses, each with the value of its longest prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranges<A> {
    /// Where a range begins, in ascending order, and its value; it ends where the next one begins.
    starts: Vec<(A, Option<u32>)>,
}

impl<A> Default for Ranges<A> {
    fn default() -> Self {
        Ranges { starts: Vec::new() }
    }
}

impl<A: Ord + Copy> Ranges<A> {
    /// The ranges of prefixes, given as first and last address and value; `next` is the address after another one,
    /// if there is one.
    pub(super) fn of(mut prefixes: Vec<(A, A, u32)>, next: impl Fn(A) -> Option<A>) -> Self {
        // A prefix comes before those within it.
        prefixes.sort_by(|one, other| (one.0, other.1).cmp(&(other.0, one.1)));
        let mut starts: Vec<(A, Option<u32>)> = Vec::with_capacity(2 * prefixes.len());
        let mut begin = |start: A, value: Option<u32>| match starts.last_mut() {
            Some(last) if last.0 == start => last.1 = value,
            _ => starts.push((start, value)),
        };
        // The prefixes that contain the address that was reached, from the outermost inwards.
        let mut open: Vec<(A, u32)> = Vec::new();
        let prefixes = prefixes.into_iter().map(Some);
        for prefix in prefixes.chain([None]) {
            while let Some(&(last, _)) = open.last()
                && prefix.is_none_or(|(first, ..)| last < first)
            {
                open.pop();
                if let Some(start) = next(last) {
                    begin(start, open.last().map(|(_, outer)| *outer));
                }
            }
            if let Some((first, last, value)) = prefix {
                begin(first, Some(value));
                open.push((last, value));
            }
        }
        Ranges { starts }
    }

    /// The value of the longest prefix that contains the address.
    pub(super) fn find(&self, address: A) -> Option<u32> {
        let after = self.starts.partition_point(|(start, _)| *start <= address);
        self.starts.get(after.checked_sub(1)?)?.1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// First and last address of the prefix of this length that contains an address of 8 bits.
    fn prefix(address: u8, length: u32) -> (u8, u8) {
        let mask = u8::MAX.checked_shr(length).unwrap_or(0);
        (address & !mask, address | mask)
    }

    proptest! {
        #[test]
        fn the_longest_prefix_is_found_as_a_search_through_all_finds_it(
            given in proptest::collection::btree_map(any::<(u8, u32)>().prop_map(|(address, length)| {
                let length = length % 9;
                (prefix(address, length).0, length)
            }), any::<u32>(), 0..24)
        ) {
            let prefixes = given.iter().map(|((address, length), value)| {
                let (first, last) = prefix(*address, *length);
                (first, last, *value)
            });
            let ranges = Ranges::of(prefixes.collect(), |address: u8| address.checked_add(1));
            for address in 0..=u8::MAX {
                let containing = given.iter().filter(|((start, length), _)| {
                    prefix(address, *length).0 == *start
                });
                let longest = containing.max_by_key(|((_, length), _)| *length);
                prop_assert_eq!(ranges.find(address), longest.map(|(_, value)| *value));
            }
        }
    }
}
