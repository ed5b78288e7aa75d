//! Which source records the ledger knows: by topic and partition, ranges of offsets.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::links::Link;

/// Names of topics as small numbers.
#[derive(Debug, Clone, Default)]
pub struct Topics {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u16>,
}

impl Topics {
    /// The number of a topic, which gets one if it has none.
    pub fn number(&mut self, name: &str) -> u16 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u16::try_from(self.names.len()).unwrap_or(u16::MAX);
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    /// The number of a topic that has one.
    pub fn find(&self, name: &str) -> Option<u16> {
        self.numbers.get(name).copied()
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The name of a topic.
    pub fn name(&self, number: u16) -> &str {
        self.names.get(usize::from(number)).map_or("", |name| name)
    }
}

/// Ranges of offsets by partition, each from its first offset to its last one.
type Partitions = BTreeMap<i32, Vec<(i64, i64)>>;

/// Ranges of offsets by topic and partition.
#[derive(Debug, Clone, Default)]
pub struct Coverage(BTreeMap<Arc<str>, Partitions>);

impl Coverage {
    /// What these rows of the ledger know.
    pub fn new<'l>(links: impl Iterator<Item = &'l Link>) -> Coverage {
        let mut topics: BTreeMap<Arc<str>, Partitions> = BTreeMap::new();
        for link in links {
            let Some(last) = link.last else { continue };
            let partitions = topics.entry(link.of.topic.clone()).or_default();
            let ranges = partitions.entry(link.of.partition).or_default();
            ranges.push((link.from, last));
        }
        for ranges in topics.values_mut().flat_map(BTreeMap::values_mut) {
            ranges.sort_unstable();
            ranges.dedup_by(|later, before| {
                let joins = later.0 <= before.1.saturating_add(1);
                before.1 = if joins {
                    before.1.max(later.1)
                } else {
                    before.1
                };
                joins
            });
        }
        Coverage(topics)
    }

    /// Whether an offset is in it.
    pub fn has(&self, topic: &str, partition: i32, offset: i64) -> bool {
        let partitions = self.0.get(topic);
        let Some(ranges) = partitions.and_then(|partitions| partitions.get(&partition)) else {
            return false;
        };
        let after = ranges.partition_point(|(first, _)| *first <= offset);
        let before = after.checked_sub(1).and_then(|at| ranges.get(at));
        before.is_some_and(|(_, last)| *last >= offset)
    }

    /// Whether some of these offsets can be in it, of whatever topic and partition.
    pub fn meets(&self, (first, last): (i64, i64)) -> bool {
        let mut ranges = self.0.values().flat_map(BTreeMap::values).flatten();
        ranges.any(|(from, to)| *from <= last && *to >= first)
    }
}
