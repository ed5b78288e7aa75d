//! Replays a source topic, or the part of it that was written in a range of time: reads its records and sends them
//! to be processed. It joins no group and commits nothing, so a daemon is not disturbed.

use std::ops::{ControlFlow, Range};

use anyhow::anyhow;
use indicatif::ProgressBar;
use jiff::Timestamp;

use super::work::{Input, Sender};
use crate::cli::failure::Failure;
use crate::cli::say::say;
use crate::config::{Config, Source};
use crate::event::NextOffset;
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Span, Stored};
use crate::query::{self, PastTime};

/// The records of a batch have together about this many bytes.
const BATCH_BYTES: usize = 256 * 1024;

/// Records can be written a little out of the order of their timestamps. So much later records are read to find those
/// before the end of the range, milliseconds.
const DISORDER_MS: i64 = 3_600_000;

/// The records of a source topic to replay.
pub(super) struct TopicRange {
    reader: TopicReader,
    /// The offsets to read.
    spans: Vec<Span>,
    /// The timestamps of the records, milliseconds since the Unix epoch.
    times_ms: Range<i64>,
    stop: Shutdown,
}

/// The source with this name, or whose topic has this name.
///
/// # Errors
/// There is none, or several have the topic.
pub(super) fn source<'c>(config: &'c Config, name: &str) -> Result<&'c Source, Failure> {
    let sources = || config.sources.iter();
    if let Some(source) = sources().find(|source| source.name == name) {
        return Ok(source);
    }
    let of_topic: Vec<&Source> = sources().filter(|source| source.topic == name).collect();
    let names = |sources: &[&Source]| {
        let names: Vec<&str> = sources.iter().map(|source| &*source.name).collect();
        names.join(", ")
    };
    match of_topic[..] {
        [source] => Ok(source),
        [] => {
            let all: Vec<&Source> = sources().collect();
            let all = names(&all);
            Err(anyhow!("--topic {name}: the configuration has no such source or source topic; its sources are {all}").into())
        }
        _ => {
            let all = names(&of_topic);
            Err(
                anyhow!("--topic {name}: several sources read this topic; name one of them: {all}")
                    .into(),
            )
        }
    }
}

impl TopicRange {
    /// Asks the cluster which offsets of the source's topic have timestamps at or after `from` and before `to`.
    ///
    /// # Errors
    /// The topic cannot be described.
    pub(super) fn find(
        (config, source): (&Config, &Source),
        (from, to): (Option<PastTime>, Option<PastTime>),
        stop: Shutdown,
    ) -> Result<TopicRange, Failure> {
        let failed = |error: ReadError| Failure::from(anyhow!("source {}: {error}", source.name));
        let reader = query::source_reader(config, source).map_err(failed)?;
        let now = Timestamp::now();
        let times_ms = from.map_or(i64::MIN, |time| time.time_ms(now))
            ..to.map_or(i64::MAX, |time| time.time_ms(now));
        if from.is_some() && to.is_some() && times_ms.is_empty() {
            return Err(Failure::Usage(
                "--from is not before --to, so there is nothing to replay".into(),
            ));
        }
        let all = query::spans(&reader, &|note| say(note)).map_err(failed)?;
        let mut spans = all.clone();
        if from.is_some() {
            spans = reader.since(&all, times_ms.start).map_err(failed)?;
        }
        if to.is_some() {
            let end_ms = times_ms.end.saturating_add(DISORDER_MS);
            let later = reader.since(&all, end_ms).map_err(failed)?;
            for (span, later) in spans.iter_mut().zip(later) {
                span.to = NextOffset(later.from.0.max(span.from.0));
            }
        }
        Ok(TopicRange {
            reader,
            spans,
            times_ms,
            stop,
        })
    }

    /// The number of offsets; no more records than that.
    pub(super) fn len(&self) -> u64 {
        self.spans.iter().map(Span::len).sum()
    }

    /// Sends every record to be processed. The error says why not all of them were read.
    pub(super) fn read(&self, bar: &ProgressBar, work: &mut Sender) -> anyhow::Result<()> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut wanted = true;
        let read = self
            .reader
            .read(&self.spans, &|| self.stop.is_requested(), &mut |record| {
                bar.inc(1);
                // A record without a timestamp cannot be left out by its time.
                if !record
                    .timestamp_ms
                    .is_none_or(|time| self.times_ms.contains(&time))
                {
                    return ControlFlow::Continue(());
                }
                bytes += record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
                batch.push(Stored::from(record));
                if bytes >= BATCH_BYTES {
                    bytes = 0;
                    wanted = work.send(Input::Topic(std::mem::take(&mut batch)));
                }
                match wanted {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            });
        if wanted {
            work.send(Input::Topic(batch));
        }
        read?;
        match self.stop.is_requested() {
            true => Err(anyhow!(
                "stopped before the end; the result covers only the records before"
            )),
            false => Ok(()),
        }
    }
}
