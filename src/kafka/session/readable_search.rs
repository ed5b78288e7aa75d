//! The search for the first offset from which a partition can be read again; pure.
//! Offsets are tried in steps that double until one can be read, then between the last two tried.

/// A search that goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadableSearch {
    /// The last offset that is known to be unreadable.
    bad: i64,
    /// The first offset that is known to be readable.
    good: Option<i64>,
    step: i64,
    end: i64,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SearchStep {
    /// Try to read at this offset.
    Try(i64),
    /// Everything from here on can be read.
    Found(i64),
    /// Not even the end can be read.
    NotFound,
}

impl ReadableSearch {
    /// `from` cannot be read; the partition ends at `end`.
    pub(super) fn new(from: i64, end: i64) -> ReadableSearch {
        ReadableSearch {
            bad: from,
            good: None,
            step: 1,
            end,
        }
    }

    pub(super) fn next(&self) -> SearchStep {
        let bad = self.bad;
        match self.good {
            Some(good) if good - bad <= 1 => SearchStep::Found(good),
            Some(good) => SearchStep::Try(bad + (good - bad) / 2),
            None if bad >= self.end => SearchStep::NotFound,
            None => SearchStep::Try((bad + self.step).min(self.end)),
        }
    }

    /// Whether `offset`, which was tried, can be read.
    pub(super) fn tried(&mut self, offset: i64, is_readable: bool) {
        match is_readable {
            true => self.good = Some(offset),
            false => self.bad = offset,
        }
        self.step *= 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Search in a partition that can be read from `sound` on; what is found, after how many attempts.
    fn search(from: i64, sound: i64, end: i64) -> (SearchStep, u32) {
        let mut search = ReadableSearch::new(from, end);
        let mut attempts = 0;
        loop {
            match search.next() {
                SearchStep::Try(offset) => {
                    attempts += 1;
                    search.tried(offset, offset >= sound);
                }
                over => return (over, attempts),
            }
        }
    }

    #[test]
    fn where_not_even_the_end_can_be_read_nothing_is_found() {
        assert_eq!(search(5, i64::MAX, 100).0, SearchStep::NotFound);
        assert_eq!(search(5, 5, 5), (SearchStep::NotFound, 0));
    }

    proptest! {
        #[test]
        fn the_first_readable_offset_is_found_after_few_attempts(
            from in 0_i64..1_000,
            damaged in 1_i64..1_000_000,
            behind in 0_i64..1_000_000,
        ) {
            let sound = from + damaged;
            let (found, attempts) = search(from, sound, sound + behind);
            prop_assert_eq!(found, SearchStep::Found(sound));
            prop_assert!(attempts <= 2 * (damaged.ilog2() + 2), "{} attempts", attempts);
        }
    }
}
