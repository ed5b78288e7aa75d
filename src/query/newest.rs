//! The newest records of a topic that match.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use crate::event::RawRecord;
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Span, Stored, newest_first};

/// Most records that are searched for the wanted number of matching ones.
const LOOKED_THROUGH: u64 = 100_000;

/// Largest window of a partition that is read backwards at a time.
const WINDOW: u32 = 20_000;

/// So many of the newest records that are `wanted`, the oldest of them first; and how many records were
/// looked through, if the search ended for that reason.
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
    let mut looked_through = 0;
    let mut given_up = None;
    let first = u32::try_from(count).unwrap_or(WINDOW).clamp(50, WINDOW);
    for window in newest_first(spans, first, WINDOW) {
        if found.len() >= count || stop.is_requested() {
            break;
        }
        if looked_through >= LOOKED_THROUGH.max(count as u64) {
            given_up = Some(looked_through);
            break;
        }
        looked_through += window.iter().map(Span::len).sum::<u64>();
        // Of each partition no more than wanted are among the newest.
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
    Ok((found, given_up))
}
