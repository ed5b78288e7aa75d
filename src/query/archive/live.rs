//! The ends of the topics that the archive does not hold yet, as rows of its tables. They begin where the snapshot of a
//! table ends, so that nothing is seen twice and nothing is missed in between.

use std::ops::ControlFlow;

use arrow::array::RecordBatch;
use tokio::runtime::Handle;

use crate::archive::{Rows, Table, TableError, TableKind, TopicPartition, with_policy};
use crate::config::Config;
use crate::event::Offset;
use crate::json::Memory;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Span, session::Shutdown};
use crate::privacy::Policy;
use crate::query;

/// Most offsets of a topic that are read; those of a usual commit of the archive.
const MOST_RECORDS: u64 = 50_000;

/// Most bytes of rows of a topic that are kept.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// The end of a topic cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The topic cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not known where the table ends.
    #[error(transparent)]
    Table(#[from] TableError),
    /// It holds more than memory is for.
    #[error("its newest {0} records are too large to be held in memory")]
    TooLarge(usize),
    /// The rows do not fit their columns.
    #[error(transparent)]
    Rows(#[from] arrow::error::ArrowError),
}

/// The end of a topic, which is to be read.
pub(super) struct End<'t> {
    topic: &'t str,
    reader: TopicReader,
    spans: Vec<Span>,
    /// How many offsets between the snapshot and the end are left out, because they are too many.
    pub(super) skipped: u64,
}

impl<'t> End<'t> {
    /// All that a topic holds.
    ///
    /// # Errors
    /// The topic cannot be described.
    pub(super) fn of(
        config: &Config,
        topic: &'t str,
        note: &(dyn Fn(&str) + Sync),
    ) -> Result<End<'t>, LiveError> {
        let reader = query::reader(config, topic)?;
        let spans = query::spans(&reader, note)?;
        Ok(End {
            topic,
            reader,
            spans,
            skipped: 0,
        })
    }

    /// Leave out what the snapshot of a table holds, to which `group` archives the topic.
    ///
    /// # Errors
    /// The positions of the table cannot be read.
    pub(super) fn after(
        &mut self,
        table: Option<&mut Table>,
        group: &str,
        handle: &Handle,
    ) -> Result<(), LiveError> {
        if let Some(table) = table {
            for span in &mut self.spans {
                let of = TopicPartition {
                    group: group.into(),
                    topic: self.topic.into(),
                    partition: span.partition,
                };
                if let Some(progress) = handle.block_on(table.progress(&of))? {
                    span.from = Offset(span.from.0.max(progress.next.0));
                }
            }
        }
        self.skipped = shorten(&mut self.spans, MOST_RECORDS);
        Ok(())
    }

    /// Its records, as the rows of a table that they become under the archive's policy.
    ///
    /// # Errors
    /// The topic cannot be read.
    pub(super) fn read(
        &self,
        kind: TableKind,
        policy: Option<&Policy>,
        stop: &Shutdown,
    ) -> Result<RecordBatch, LiveError> {
        let (mut rows, memory) = (Rows::new(kind), Memory::default());
        self.reader
            .read(&self.spans, &|| stop.is_requested(), &mut |record| {
                with_policy(policy, Some(&memory), record.clone(), |emitted| {
                    rows.push(emitted);
                });
                match rows.bytes() > MOST_BYTES {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            })?;
        if rows.bytes() > MOST_BYTES {
            return Err(LiveError::TooLarge(rows.len()));
        }
        Ok(rows.take()?)
    }
}

/// Leave the oldest offsets out, so that at most `most` remain, each partition with the same share at most; how many were
/// left out.
fn shorten(spans: &mut [Span], most: u64) -> u64 {
    spans
        .iter_mut()
        .for_each(|span| span.from.0 = span.from.0.min(span.to.0));
    let count = spans.iter().filter(|span| !span.is_empty()).count() as u64;
    let all: u64 = spans.iter().map(Span::len).sum();
    if all <= most {
        return 0;
    }
    let share = i64::try_from(most / count.max(1)).unwrap_or(i64::MAX);
    for span in spans.iter_mut() {
        span.from.0 = span.from.0.max(span.to.0.saturating_sub(share));
    }
    all - spans.iter().map(Span::len).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{NextOffset, Partition};

    #[test]
    fn the_oldest_records_are_left_out_where_there_are_too_many() {
        let span = |partition, from, to| Span {
            partition: Partition(partition),
            from: Offset(from),
            to: NextOffset(to),
        };
        let mut spans = [span(0, 100, 1_100), span(1, 0, 10), span(2, 70, 60)];
        assert_eq!(shorten(&mut spans, 2_000), 0);
        assert_eq!(spans[2], span(2, 60, 60));
        assert_eq!(shorten(&mut spans, 400), 800);
        assert_eq!(
            spans,
            [span(0, 900, 1_100), span(1, 0, 10), span(2, 60, 60)]
        );
    }
}
