//! The rows of the next batch, and from where to where they go in each partition.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::config::ArchiveConfig;
use crate::archive::{Advance, GROUP_ROWS, Progress, RowMemory, Rows, TopicPartition};
use crate::event::{NextOffset, Partition};
use crate::view::Emitted;

/// Rows and positions that are stored together.
pub(super) struct Batch {
    pub(super) rows: RecordBatch,
    pub(super) positions: BTreeMap<TopicPartition, Advance>,
}

/// What was read and is not handed to the store yet.
pub(super) struct Gathered {
    group: Arc<str>,
    topic: Arc<str>,
    interval: Duration,
    max_bytes: usize,
    rows: Rows,
    /// From where to where the rows go.
    advances: BTreeMap<Partition, Advance>,
    /// The position before the next record of each partition: the table's, or that of the batch before.
    bases: HashMap<Partition, Option<NextOffset>>,
    since: Option<Instant>,
    is_urgent: bool,
}

impl Gathered {
    pub(super) fn new(config: &ArchiveConfig) -> Gathered {
        Gathered {
            group: config.group.as_str().into(),
            topic: config.topic.as_str().into(),
            interval: config.interval,
            max_bytes: config.bytes,
            rows: Rows::with_room(config.kind, config.bytes),
            advances: BTreeMap::new(),
            bases: HashMap::new(),
            since: None,
            is_urgent: false,
        }
    }

    /// A partition is read from this position of the table on.
    pub(super) fn begin(&mut self, partition: Partition, base: Option<NextOffset>) {
        self.bases.insert(partition, base);
    }

    /// Add a record; `hash` is the follower's.
    pub(super) fn push(&mut self, emitted: &Emitted<'_>, hash: u32) {
        let position = emitted.record.position;
        let from = self.bases.get(&position.partition).copied().flatten();
        let to = Progress {
            next: position.offset.next(),
            last: hash,
        };
        self.rows.push(emitted);
        let advance = self.advances.entry(position.partition);
        advance.or_insert(Advance { from, to }).to = to;
        self.since.get_or_insert_with(Instant::now);
    }

    /// Whether there are rows of the partition.
    pub(super) fn holds(&self, partition: Partition) -> bool {
        self.advances.contains_key(&partition)
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A batch has at most the rows of one row group, which are not sorted anew when files are merged.
    pub(super) fn is_full(&self) -> bool {
        self.rows.bytes() >= self.max_bytes || self.rows.len() >= GROUP_ROWS
    }

    /// Whether it is time to store it.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let waited = self.since.map(|since| now.saturating_duration_since(since));
        let is_old = waited.is_some_and(|waited| self.is_urgent || waited >= self.interval);
        self.is_full() || is_old
    }

    /// Store what there is without waiting for more.
    pub(super) fn hurry(&mut self) {
        self.is_urgent = true;
    }

    /// The batch after this one is gathered in the memory of one that is stored.
    pub(super) fn reuse(&mut self, memory: RowMemory) {
        self.rows.reuse(memory);
    }

    /// Take what was gathered; the next records follow it.
    pub(super) fn take(&mut self) -> Result<Batch, ArrowError> {
        let rows = self.rows.take()?;
        for (partition, advance) in &self.advances {
            self.bases.insert(*partition, Some(advance.to.next));
        }
        let advances = std::mem::take(&mut self.advances).into_iter();
        let positions = advances.map(|(partition, advance)| {
            let of = TopicPartition {
                group: self.group.clone(),
                topic: self.topic.clone(),
                partition,
            };
            (of, advance)
        });
        (self.since, self.is_urgent) = (None, false);
        Ok(Batch {
            rows,
            positions: positions.collect(),
        })
    }

    /// Forget everything.
    pub(super) fn clear(&mut self) {
        self.rows = Rows::with_room(self.rows.kind(), self.max_bytes);
        self.advances.clear();
        self.bases.clear();
        (self.since, self.is_urgent) = (None, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Storage, TableKind};
    use crate::event::{Offset, Position, RawRecord};
    use crate::kafka::Cluster;

    fn gathered(bytes: usize) -> Gathered {
        let folder = std::env::temp_dir();
        let storage = Storage::open(&format!("file://{}", folder.display()), &[]);
        Gathered::new(&ArchiveConfig {
            cluster: Cluster::plaintext("localhost:1"),
            group: "g".into(),
            topic: "events".into(),
            kind: TableKind::Events,
            storage: storage.unwrap(),
            interval: Duration::from_secs(30),
            bytes,
            policy: None,
            caretaker: None,
        })
    }

    fn push(gathered: &mut Gathered, partition: i32, offset: i64) {
        let record = RawRecord {
            position: Position {
                topic: "events",
                partition: Partition(partition),
                offset: Offset(offset),
                element: None,
            },
            ..RawRecord::of_value("events", br#"{"class_uid":6003,"time":5}"#)
        };
        gathered.push(&Emitted::new(record), 7);
    }

    /// From where to where the rows of a batch go, by partition.
    fn advances(batch: &Batch) -> Vec<(i32, Option<i64>, i64)> {
        let positions = batch.positions.iter();
        let advance = |(of, advance): (&TopicPartition, &Advance)| {
            let from = advance.from.map(|next| next.0);
            (of.partition.0, from, advance.to.next.0)
        };
        positions.map(advance).collect()
    }

    #[test]
    fn a_batch_goes_from_where_the_one_before_it_ends_or_where_the_table_is() {
        let mut gathered = gathered(1 << 20);
        gathered.begin(Partition(0), None);
        gathered.begin(Partition(1), Some(NextOffset(40)));
        // Markers of transactions leave holes.
        for (partition, offset) in [(0, 3), (1, 40), (0, 5), (1, 42)] {
            push(&mut gathered, partition, offset);
        }
        let batch = gathered.take().unwrap();
        assert_eq!(batch.rows.num_rows(), 4);
        assert_eq!(advances(&batch), [(0, None, 6), (1, Some(40), 43)]);
        push(&mut gathered, 0, 9);
        let batch = gathered.take().unwrap();
        assert_eq!(advances(&batch), [(0, Some(6), 10)]);
        // After a failure everything begins anew at the table's position.
        push(&mut gathered, 0, 11);
        gathered.clear();
        assert!(gathered.is_empty() && !gathered.holds(Partition(0)));
        gathered.begin(Partition(0), Some(NextOffset(6)));
        push(&mut gathered, 0, 9);
        let batch = gathered.take().unwrap();
        assert_eq!(advances(&batch), [(0, Some(6), 10)]);
    }

    #[test]
    fn a_batch_is_due_when_it_is_full_old_or_urgent() {
        let mut gathered = gathered(300);
        let now = Instant::now();
        assert!(!gathered.is_due(now + Duration::from_secs(60)));
        push(&mut gathered, 0, 1);
        assert!(!gathered.is_due(now) && gathered.is_due(now + Duration::from_secs(31)));
        gathered.hurry();
        assert!(gathered.is_due(now));
        assert_eq!(gathered.take().unwrap().rows.num_rows(), 1);
        while !gathered.is_full() {
            push(&mut gathered, 0, 2);
        }
        assert!(gathered.is_due(now));
    }
}
