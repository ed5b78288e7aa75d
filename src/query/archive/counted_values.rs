//! Different values, with how many rows have each and when: what grows with the number of values when a column is counted. The
//! texts stand one after the other, because an allocation for each of a million values would leave the memory in pieces.

use std::cmp::Ordering;
use std::hash::BuildHasher;
use std::mem;

use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::memory_pool::MemoryReservation;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// How often a value was seen, and when first and last, in microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) count: u64,
    pub(super) span_us: (i64, i64),
}

impl Seen {
    /// Once, at this time.
    pub(super) fn at(time_us: i64) -> Seen {
        Seen {
            count: 1,
            span_us: (time_us, time_us),
        }
    }

    /// What was seen besides.
    pub(super) fn add(&mut self, more: &Seen) {
        self.count += more.count;
        self.span_us.0 = self.span_us.0.min(more.span_us.0);
        self.span_us.1 = self.span_us.1.max(more.span_us.1);
    }
}

/// The different values of a column so far, each with a number in the order in which they were first seen.
#[derive(Default)]
pub(super) struct CountedValues {
    /// All values, one after the other.
    text: String,
    /// Where each of them ends, and what was seen of it.
    seen: Vec<(usize, Seen)>,
    /// The number of each.
    numbers: HashTable<u32>,
    hasher: RandomState,
}

impl CountedValues {
    /// About how many bytes a value needs, apart from its text, with room to grow.
    const SIZE: usize = 2 * (mem::size_of::<(usize, Seen)>() + mem::size_of::<u32>());

    /// Adds what was seen of a value.
    ///
    /// # Errors
    /// The memory does not suffice.
    pub(super) fn add(
        &mut self,
        value: &str,
        seen: Seen,
        memory: &mut MemoryReservation,
    ) -> Result<()> {
        let text_of = |number: u32| text_of(&self.text, &self.seen, number);
        let hash_of = |value: &str| self.hasher.hash_one(value);
        let entry = self.numbers.entry(
            hash_of(value),
            |number| text_of(*number) == value,
            |number| hash_of(text_of(*number)),
        );
        match entry {
            Entry::Occupied(number) => self.seen[*number.get() as usize].1.add(&seen),
            Entry::Vacant(place) => {
                let number = u32::try_from(self.seen.len());
                let number = number.map_err(|_| exec_datafusion_err!("too many values"))?;
                memory.try_grow(2 * value.len() + CountedValues::SIZE)?;
                place.insert(number);
                self.text.push_str(value);
                self.seen.push((self.text.len(), seen));
            }
        }
        Ok(())
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// The most frequent values, at most so many; of two that are as frequent the first of the alphabet comes first.
    pub(super) fn most_frequent(&self, limit: usize) -> impl Iterator<Item = (&str, &Seen)> {
        let of = |number: u32| {
            let (_, seen) = &self.seen[number as usize];
            (text_of(&self.text, &self.seen, number), seen)
        };
        let order = |a: &u32, b: &u32| -> Ordering {
            let ((a, of_a), (b, of_b)) = (of(*a), of(*b));
            of_b.count.cmp(&of_a.count).then_with(|| a.cmp(b))
        };
        let mut numbers: Vec<u32> = self.numbers.iter().copied().collect();
        if (1..numbers.len()).contains(&limit) {
            numbers.select_nth_unstable_by(limit - 1, order);
        }
        numbers.truncate(limit);
        numbers.sort_unstable_by(order);
        numbers.into_iter().map(of)
    }
}

/// The value with a number.
fn text_of<'a>(text: &'a str, seen: &[(usize, Seen)], number: u32) -> &'a str {
    let number = number as usize;
    let begin = match number {
        0 => 0,
        _ => seen[number - 1].0,
    };
    &text[begin..seen[number].0]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use datafusion::execution::memory_pool::{
        GreedyMemoryPool, MemoryConsumer, MemoryPool, UnboundedMemoryPool,
    };

    use super::*;

    fn memory(pool: impl MemoryPool + 'static) -> MemoryReservation {
        let pool: Arc<dyn MemoryPool> = Arc::new(pool);
        MemoryConsumer::new("values").register(&pool)
    }

    #[test]
    fn the_most_frequent_values_come_first() {
        let (mut values, mut memory) = (
            CountedValues::default(),
            memory(UnboundedMemoryPool::default()),
        );
        let mut expected: BTreeMap<String, Seen> = BTreeMap::new();
        for number in 0..10_000_i64 {
            let value = "v".repeat((number * number % 97) as usize);
            values.add(&value, Seen::at(number), &mut memory).unwrap();
            let seen = expected.entry(value).or_insert(Seen {
                count: 0,
                span_us: (number, number),
            });
            seen.add(&Seen::at(number));
        }
        let mut expected: Vec<(&str, &Seen)> = expected
            .iter()
            .map(|(value, seen)| (&**value, seen))
            .collect();
        expected.sort_by_key(|(value, seen)| (u64::MAX - seen.count, *value));
        assert_eq!(values.len(), expected.len());
        for limit in [0, 1, 7, expected.len(), expected.len() + 1] {
            let most: Vec<(&str, &Seen)> = values.most_frequent(limit).collect();
            assert_eq!(most, expected[..limit.min(expected.len())]);
        }
    }

    #[test]
    fn there_are_no_more_values_than_the_memory_holds() {
        let (mut values, mut memory) = (
            CountedValues::default(),
            memory(GreedyMemoryPool::new(1_000)),
        );
        let added = (0..1_000).take_while(|number| {
            let value = number.to_string();
            values.add(&value, Seen::at(0), &mut memory).is_ok()
        });
        assert!((5..50).contains(&added.count()));
        assert_eq!(
            values.most_frequent(1).next().map(|(value, _)| value),
            Some("0")
        );
    }
}
