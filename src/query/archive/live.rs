//! The ends of the topics that the archive does not hold yet, as rows of its tables. They begin where the snapshot of a
//! table ends, so that nothing is seen twice and nothing is missed in between.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use tokio::runtime::Handle;

use super::provider::{read_schema, viewed};
use crate::archive::{Rows, Table, TableError, TableKind, TopicPartition, with_policy};
use crate::config::Config;
use crate::event::{NextOffset, Offset, Partition};
use crate::json::Memory;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Span, session::Shutdown};
use crate::privacy::Policy;
use crate::query;

/// Most offsets of a topic that are read; those of a usual commit of the archive.
const MOST_RECORDS: u64 = 50_000;

/// Most parts in which the rows of a topic are kept.
const MOST_PARTS: usize = 32;

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
    Rows(#[from] ArrowError),
    /// They cannot be read as those of the archive.
    #[error(transparent)]
    Columns(#[from] DataFusionError),
}

/// What was read of the ends of the topics for one snapshot, and is of use for the next one: only what is new is read then.
#[derive(Default)]
pub(super) struct KnownEnds(Mutex<BTreeMap<String, KnownEnd>>);

impl KnownEnds {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, KnownEnd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything, and closes the connections.
    pub(super) fn clear(&self) {
        self.known().clear();
    }

    /// What is known of a topic, for somebody who gives it back.
    pub(super) fn take(&self, topic: &str) -> Option<KnownEnd> {
        self.known().remove(topic)
    }

    /// Keeps what is known of a topic.
    pub(super) fn keep(&self, end: End<'_>) {
        self.known().insert(end.topic.to_owned(), end.known);
    }
}

/// What is known of the end of a topic.
pub(super) struct KnownEnd {
    reader: TopicReader,
    parts: Vec<Part>,
}

/// The rows of some spans.
struct Part {
    spans: Vec<Span>,
    rows: RecordBatch,
}

/// The end of a topic, which is to be read.
pub(super) struct End<'t> {
    topic: &'t str,
    known: KnownEnd,
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
        known: Option<KnownEnd>,
        note: &(dyn Fn(&str) + Sync),
    ) -> Result<End<'t>, LiveError> {
        let known = match known {
            Some(known) => known,
            None => KnownEnd {
                reader: query::reader(config, topic)?,
                parts: Vec::new(),
            },
        };
        let spans = query::spans(&known.reader, note)?;
        Ok(End {
            topic,
            known,
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
        &mut self,
        kind: TableKind,
        policy: Option<&Policy>,
        stop: &Shutdown,
    ) -> Result<Vec<RecordBatch>, LiveError> {
        forget(&mut self.known.parts, &self.spans)?;
        let unread = unread(&self.known.parts, &self.spans);
        let before: usize = self.known.parts.iter().map(Part::bytes).sum();
        let (mut rows, memory) = (Rows::new(kind), Memory::default());
        let is_too_much = |rows: &Rows| before + rows.bytes() > MOST_BYTES;
        self.known
            .reader
            .read(&unread, &|| stop.is_requested(), &mut |record| {
                with_policy(policy, Some(&memory), record.clone(), |emitted| {
                    rows.push(emitted);
                });
                match is_too_much(&rows) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            })?;
        if is_too_much(&rows) {
            return Err(LiveError::TooLarge(rows.len()));
        }
        let rows = viewed(&rows.take()?, &read_schema(kind))?;
        self.known.parts.push(Part {
            spans: unread,
            rows,
        });
        join(&mut self.known.parts)?;
        let rows = self.known.parts.iter().map(|part| part.rows.clone());
        Ok(rows.filter(|rows| rows.num_rows() > 0).collect())
    }
}

impl Part {
    fn bytes(&self) -> usize {
        self.rows.get_array_memory_size()
    }

    fn span(&self, partition: Partition) -> Option<&Span> {
        let mut spans = self.spans.iter();
        spans.find(|span| span.partition == partition && !span.is_empty())
    }
}

/// The first and the last offset of a partition that parts cover.
fn covered(parts: &[Part], partition: Partition) -> Option<(i64, i64)> {
    let spans = parts.iter().filter_map(|part| part.span(partition));
    let spans = spans.map(|span| (span.from.0, span.to.0));
    spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Drops what does not belong to the spans any more: what the table holds by now, or everything if the topic is another one
/// or older records are wanted.
fn forget(parts: &mut Vec<Part>, spans: &[Span]) -> Result<(), ArrowError> {
    let is_another = |span: &Span| {
        let covered = covered(parts, span.partition);
        covered.is_some_and(|(from, to)| from > span.from.0 || to > span.to.0)
    };
    if spans.iter().any(is_another) {
        parts.clear();
    }
    let mut left = Vec::with_capacity(parts.len());
    for mut part in parts.drain(..) {
        let begin = |span: &Span| {
            let wanted = spans
                .iter()
                .find(|wanted| wanted.partition == span.partition);
            wanted.map_or(span.to.0, |wanted| wanted.from.0)
        };
        let is_cut = part.spans.iter().any(|span| begin(span) > span.from.0);
        if is_cut {
            for span in &mut part.spans {
                span.from = Offset(begin(span).clamp(span.from.0, span.to.0.max(span.from.0)));
            }
            part.rows = within(&part.rows, &part.spans)?;
        }
        if part.spans.iter().any(|span| !span.is_empty()) {
            left.push(part);
        }
    }
    *parts = left;
    Ok(())
}

/// The rows whose records are in the spans.
fn within(rows: &RecordBatch, spans: &[Span]) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let partitions = rows
        .column(schema.index_of("partition")?)
        .as_primitive::<Int32Type>();
    let offsets = rows
        .column(schema.index_of("offset")?)
        .as_primitive::<Int64Type>();
    let is_within = (0..rows.num_rows()).map(|row| {
        let partition = Partition(partitions.value(row));
        let mut spans = spans.iter().filter(|span| span.partition == partition);
        Some(spans.any(|span| (span.from.0..span.to.0).contains(&offsets.value(row))))
    });
    filter_record_batch(rows, &BooleanArray::from_iter(is_within))
}

/// What of the spans no part covers: their ends.
fn unread(parts: &[Part], spans: &[Span]) -> Vec<Span> {
    let rest = spans.iter().map(|span| {
        let to = covered(parts, span.partition).map_or(span.from.0, |(_, to)| to);
        Span {
            from: Offset(to.max(span.from.0)),
            ..*span
        }
    });
    rest.collect()
}

/// Makes one part of many.
fn join(parts: &mut Vec<Part>) -> Result<(), ArrowError> {
    parts.retain(|part| part.spans.iter().any(|span| !span.is_empty()));
    if parts.len() <= MOST_PARTS {
        return Ok(());
    }
    let schema = parts[0].rows.schema();
    let rows = concat_batches(&schema, parts.iter().map(|part| &part.rows))?;
    let all: BTreeSet<i32> = parts
        .iter()
        .flat_map(|part| part.spans.iter().map(|span| span.partition.0))
        .collect();
    let spans = all.into_iter().filter_map(|partition| {
        let partition = Partition(partition);
        let (from, to) = covered(parts, partition)?;
        Some(Span {
            partition,
            from: Offset(from),
            to: NextOffset(to),
        })
    });
    let spans = spans.collect();
    *parts = vec![Part { spans, rows }];
    Ok(())
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
    use arrow::array::{Int32Array, Int64Array};
    use arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    fn span(partition: i32, from: i64, to: i64) -> Span {
        Span {
            partition: Partition(partition),
            from: Offset(from),
            to: NextOffset(to),
        }
    }

    /// A part with a row for each offset.
    fn part(spans: &[Span]) -> Part {
        let at = spans
            .iter()
            .flat_map(|span| (span.from.0..span.to.0).map(|offset| (span.partition.0, offset)));
        let (partitions, offsets): (Vec<i32>, Vec<i64>) = at.unzip();
        let schema = Schema::new(vec![
            Field::new("partition", DataType::Int32, false),
            Field::new("offset", DataType::Int64, false),
        ]);
        let rows = RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(Int32Array::from(partitions)),
                Arc::new(Int64Array::from(offsets)),
            ],
        );
        Part {
            spans: spans.to_vec(),
            rows: rows.unwrap(),
        }
    }

    /// Partition and offset of every row.
    fn held(parts: &[Part]) -> Vec<(i32, i64)> {
        let rows = parts.iter().flat_map(|part| {
            let partitions = part.rows.column(0).as_primitive::<Int32Type>();
            let offsets = part.rows.column(1).as_primitive::<Int64Type>();
            let rows = partitions.values().iter().zip(offsets.values());
            rows.map(|(partition, offset)| (*partition, *offset))
                .collect::<Vec<_>>()
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn only_what_is_new_is_read_and_what_the_table_holds_is_dropped() {
        let mut parts = vec![
            part(&[span(0, 10, 14), span(1, 0, 2)]),
            part(&[span(0, 14, 16)]),
        ];
        // The table has got on to 12 of partition 0, and the topic to 20.
        let wanted = [span(0, 12, 20), span(1, 2, 3), span(2, 5, 6)];
        forget(&mut parts, &wanted).unwrap();
        assert_eq!(held(&parts), [(0, 12), (0, 13), (0, 14), (0, 15)]);
        let rest = unread(&parts, &wanted);
        assert_eq!(rest, [span(0, 16, 20), span(1, 2, 3), span(2, 5, 6)]);
        parts.push(part(&rest));
        let all: Vec<_> = (12..20).map(|offset| (0, offset)).collect();
        assert_eq!(held(&parts), [&all[..], &[(1, 2), (2, 5)]].concat());
    }

    #[test]
    fn a_topic_that_is_another_one_is_read_anew() {
        for wanted in [span(0, 0, 4), span(0, 8, 20)] {
            let mut parts = vec![part(&[span(0, 10, 14)])];
            forget(&mut parts, &[wanted]).unwrap();
            assert!(parts.is_empty(), "{wanted:?}");
            assert_eq!(unread(&parts, &[wanted]), [wanted]);
        }
    }

    #[test]
    fn many_parts_become_one_with_the_same_rows() {
        let mut parts: Vec<Part> = (0..100)
            .map(|number| part(&[span(0, number, number + 1), span(1, 0, 0)]))
            .collect();
        let before = held(&parts);
        join(&mut parts).unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!(held(&parts), before);
        assert_eq!(unread(&parts, &[span(0, 50, 120)]), [span(0, 100, 120)]);
    }

    #[test]
    fn the_oldest_records_are_left_out_where_there_are_too_many() {
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
