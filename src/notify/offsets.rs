//! A set of offsets, kept as runs, and its text form for the metadata of an offset commit.
//! Invariant: runs neither touch nor overlap, so that equal sets are equal values.

use std::collections::BTreeMap;

/// A set of offsets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offsets {
    /// First offset of a run to the one after its last.
    runs: BTreeMap<i64, i64>,
}

impl Offsets {
    /// Add one offset.
    pub fn insert(&mut self, offset: i64) {
        self.insert_run(offset, offset + 1);
    }

    /// Add every offset of the other set.
    pub fn extend(&mut self, other: &Offsets) {
        for (from, to) in &other.runs {
            self.insert_run(*from, *to);
        }
    }

    fn insert_run(&mut self, mut from: i64, mut to: i64) {
        if let Some((&before, &end)) = self.runs.range(..=from).next_back()
            && end >= from
        {
            from = before;
            to = to.max(end);
        }
        while let Some((&after, &end)) = self.runs.range(from..=to).next() {
            self.runs.remove(&after);
            to = to.max(end);
        }
        self.runs.insert(from, to);
    }

    /// Remove every offset of the other set.
    pub fn remove(&mut self, other: &Offsets) {
        for (&from, &to) in &other.runs {
            while let Some((&start, &end)) = self.runs.range(..to).next_back()
                && end > from
            {
                self.runs.remove(&start);
                if start < from {
                    self.runs.insert(start, from);
                }
                if end > to {
                    self.runs.insert(to, end);
                }
            }
        }
    }

    /// The offsets that are in both sets.
    pub fn common(&self, other: &Offsets) -> Offsets {
        let mut only_here = self.clone();
        only_here.remove(other);
        let mut common = self.clone();
        common.remove(&only_here);
        common
    }

    /// Whether the offset is in the set.
    pub fn contains(&self, offset: i64) -> bool {
        let run = self.runs.range(..=offset).next_back();
        run.is_some_and(|(_, end)| offset < *end)
    }

    /// The smallest.
    pub fn first(&self) -> Option<i64> {
        self.runs.keys().next().copied()
    }

    /// The largest.
    pub fn last(&self) -> Option<i64> {
        self.runs.values().next_back().map(|end| end - 1)
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        let length = |(from, to): (&i64, &i64)| u64::try_from(to - from).unwrap_or(0);
        self.runs.iter().map(length).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many runs there are: memory and text grow with them.
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Remove every offset below `limit`.
    pub fn remove_below(&mut self, limit: i64) {
        let above = self.runs.split_off(&limit);
        if let Some((_, end)) = self.runs.pop_last()
            && end > limit
        {
            self.runs = BTreeMap::from([(limit, end)]);
            self.runs.extend(above);
        } else {
            self.runs = above;
        }
    }

    /// Remove every offset from `limit` on.
    pub fn remove_from(&mut self, limit: i64) {
        let _ = self.runs.split_off(&limit);
        if let Some(mut last) = self.runs.last_entry() {
            let end = *last.get();
            last.insert(end.min(limit));
        }
    }

    /// The set as ASCII, relative to `base`: the distance to each run, and its length, each after a
    /// space. What does not fit into `max_bytes` is left out, the largest offsets first.
    pub fn to_text(&self, base: i64, max_bytes: usize) -> String {
        let mut text = String::new();
        let mut at = base;
        for (from, to) in &self.runs {
            let run = format!(" {}+{}", from - at, to - from);
            if text.len() + run.len() > max_bytes {
                break;
            }
            text.push_str(&run);
            at = *to;
        }
        text
    }

    /// Reads [`Offsets::to_text`], up to the first word that is not a run.
    pub fn from_text(text: &str, base: i64) -> Offsets {
        let mut offsets = Offsets::default();
        let mut at = base;
        for word in text.split_ascii_whitespace() {
            let Some((distance, length)) = word.split_once('+') else {
                break;
            };
            let number = |digits: &str| digits.parse().ok().filter(|number| *number >= 0);
            let run: Option<(i64, i64)> = number(distance).zip(number(length));
            // A run must not end beyond the largest offset, `i64::MAX`.
            let ends = run.and_then(|(distance, length)| {
                let from = at.checked_add(distance)?;
                Some((from, from.checked_add(length)?))
            });
            let Some((from, to)) = ends else {
                break;
            };
            at = to;
            if from < to {
                offsets.insert_run(from, to);
            }
        }
        offsets
    }
}

impl FromIterator<i64> for Offsets {
    fn from_iter<I: IntoIterator<Item = i64>>(offsets: I) -> Offsets {
        let mut set = Offsets::default();
        for offset in offsets {
            set.insert(offset);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn members(set: &Offsets) -> BTreeSet<i64> {
        (0..200).filter(|offset| set.contains(*offset)).collect()
    }

    proptest! {
        #[test]
        fn it_behaves_like_a_naive_set(
            inserted in prop::collection::vec(0_i64..120, 0..80),
            others in prop::collection::vec(0_i64..120, 0..80),
            removed in prop::collection::vec(0_i64..120, 0..80),
            limit in 0_i64..130,
        ) {
            let mut set: Offsets = inserted.iter().copied().collect();
            set.extend(&others.iter().copied().collect());
            let mut naive: BTreeSet<i64> = inserted.into_iter().chain(others).collect();
            prop_assert_eq!(members(&set), naive.clone());
            let removed: Offsets = removed.into_iter().collect();
            let kept = |offset: &i64| removed.contains(*offset);
            let common: BTreeSet<i64> = naive.iter().copied().filter(kept).collect();
            prop_assert_eq!(set.common(&removed), common.into_iter().collect::<Offsets>());
            set.remove(&removed);
            naive.retain(|offset| !removed.contains(*offset));
            prop_assert_eq!(&set, &naive.iter().copied().collect::<Offsets>());
            set.remove_below(limit);
            naive.retain(|offset| *offset >= limit);
            prop_assert_eq!(members(&set), naive.clone());
            prop_assert_eq!(set.len() as usize, naive.len());
            prop_assert_eq!(set.first(), naive.first().copied());
            prop_assert_eq!(set.last(), naive.last().copied());
            let mut lower = set.clone();
            lower.remove_from(limit + 20);
            let low = |offset: &&i64| **offset < limit + 20;
            prop_assert_eq!(lower, naive.iter().filter(low).copied().collect::<Offsets>());
            let base = limit - 5;
            prop_assert_eq!(&Offsets::from_text(&set.to_text(base, 3_000), base), &set);
            let again: Offsets = naive.into_iter().rev().collect();
            prop_assert_eq!(again, set);
        }
    }

    #[test]
    fn a_text_that_is_too_long_loses_its_end_and_an_invalid_word_ends_reading() {
        let set: Offsets = (0..5_000).map(|n| n * 2).collect();
        let text = set.to_text(0, 3_000);
        assert!(text.len() <= 3_000 && text.is_ascii());
        let read = Offsets::from_text(&text, 0);
        assert!(read.len() > 700, "{}", read.len());
        assert!((0..read.len() as i64).all(|n| read.contains(n * 2)));
        for cut in ["0+2 3+x 5+1", "0+2 -3+1", "0+2 9223372036854775807+1"] {
            let cut = Offsets::from_text(cut, 10);
            assert_eq!(cut, [10, 11].into_iter().collect());
        }
    }

    #[test]
    fn distances_of_any_length_are_read_back_as_written() {
        let mut set = Offsets::default();
        set.insert_run(3, 6_000_000_000);
        set.insert_run(i64::MAX - 2, i64::MAX - 1);
        assert_eq!(Offsets::from_text(&set.to_text(0, 3_000), 0), set);
    }
}
