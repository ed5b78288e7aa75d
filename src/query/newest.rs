//! Finds the newest records of a topic that a caller wants.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use crate::event::RawRecord;
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Span, Stored, newest_first};

/// Offsets after which a search ends although it has not found as many records as wanted.
const MAX_SEARCHED: u64 = 100_000;

/// Offsets of a partition in the largest window.
const LARGEST_WINDOW: u32 = 20_000;

/// The newest records of `spans` that are `wanted`, at most `count` of them, the oldest first. The number is
/// `None`, unless the search ended early because it had read too many records: then it is how many were searched,
/// counted in offsets.
///
/// # Errors
/// The topic cannot be read.
pub fn newest(
    reader: &TopicReader,
    spans: &[Span],
    count: usize,
    stop: &Shutdown,
    wanted: &mut dyn FnMut(&RawRecord<'_>) -> bool,
) -> Result<(Vec<Stored>, Option<u64>), ReadError> {
    let mut found: Vec<Stored> = Vec::new();
    let mut searched = 0;
    let mut ended_after = None;
    let first = u32::try_from(count)
        .unwrap_or(LARGEST_WINDOW)
        .clamp(50, LARGEST_WINDOW);
    for window in newest_first(spans, first, LARGEST_WINDOW) {
        if found.len() >= count || stop.is_requested() {
            break;
        }
        if searched >= MAX_SEARCHED.max(count as u64) {
            ended_after = Some(searched);
            break;
        }
        searched += window.iter().map(Span::len).sum::<u64>();
        // Of each partition, only the newest `count` records can be among the newest `count` of the topic.
        let mut newest: BTreeMap<i32, VecDeque<Stored>> = BTreeMap::new();
        reader.read(&window, &|| stop.is_requested(), &mut |record| {
            if wanted(record) {
                let of_partition = newest.entry(record.position.partition.0).or_default();
                of_partition.push_back(Stored::from(record));
                if of_partition.len() > count {
                    of_partition.pop_front();
                }
            }
            ControlFlow::Continue(())
        })?;
        found.extend(newest.into_values().flatten());
    }
    found.sort_by_key(Stored::order);
    let surplus = found.len().saturating_sub(count);
    found.drain(..surplus);
    Ok((found, ended_after))
}
