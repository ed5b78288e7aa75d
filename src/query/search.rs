//! Searches several topics for one record. Topics have no index, so they are read backwards from their ends, one
//! window of each topic in turn. A new record is found quickly, and an old one is found too, but later.

use std::fmt;
use std::ops::ControlFlow;

use super::Report;
use crate::event::RawRecord;
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Span, Stored, newest_first};
use crate::view::Emitted;
use crate::view::words::moment;

/// Offsets of a partition in the first window. Each further window has twice as many.
const FIRST_WINDOW: u32 = 1_000;

/// Offsets of a partition in the largest window.
const LARGEST_WINDOW: u32 = 50_000;

/// The search of one topic, with its progress.
pub(super) struct TopicSearch {
    reader: TopicReader,
    /// The offsets to search.
    spans: Vec<Span>,
    /// The number of records that were read.
    searched: u64,
    /// The oldest timestamp of these records, milliseconds since the Unix epoch.
    oldest_ms: Option<i64>,
}

impl TopicSearch {
    pub(super) fn new(reader: TopicReader, spans: Vec<Span>) -> TopicSearch {
        TopicSearch {
            reader,
            spans,
            searched: 0,
            oldest_ms: None,
        }
    }

    /// Reads one window and returns the newest of its records that are `wanted`.
    fn window(
        &mut self,
        window: &[Span],
        stop: &Shutdown,
        wanted: &dyn Fn(&Emitted<'_>) -> bool,
    ) -> Result<Option<Stored>, ReadError> {
        let mut found: Option<Stored> = None;
        let (searched, oldest_ms) = (&mut self.searched, &mut self.oldest_ms);
        let mut visit = |record: &RawRecord<'_>| {
            *searched += 1;
            if let Some(time_ms) = record.timestamp_ms {
                *oldest_ms = Some(oldest_ms.map_or(time_ms, |oldest| oldest.min(time_ms)));
            }
            if wanted(&Emitted::new(record.clone())) {
                let stored = Stored::from(record);
                if found.as_ref().is_none_or(|f| f.order() <= stored.order()) {
                    found = Some(stored);
                }
            }
            ControlFlow::Continue(())
        };
        self.reader
            .read(window, &|| stop.is_requested(), &mut visit)?;
        Ok(found)
    }
}

/// Writes the progress, such as `12 records of watchbell.events, back to 2026-03-14T09:26:53Z`.
impl fmt::Display for TopicSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records of {}", self.searched, self.reader.topic())?;
        match self.oldest_ms {
            Some(time_ms) => write!(f, ", back to {}", moment(time_ms, 0)),
            None => Ok(()),
        }
    }
}

/// The first record that is `wanted`: the newest one of the first window that has any. `None` if no window has one,
/// or if a stop was requested.
pub(super) fn newest(
    topics: &mut [TopicSearch],
    stop: &Shutdown,
    report: &dyn Fn(Report<'_>),
    wanted: &dyn Fn(&Emitted<'_>) -> bool,
) -> Result<Option<Stored>, ReadError> {
    let mut windows: Vec<_> = topics
        .iter()
        .map(|topic| newest_first(&topic.spans, FIRST_WINDOW, LARGEST_WINDOW))
        .collect();
    loop {
        let mut window_was_read = false;
        for (topic, windows) in topics.iter_mut().zip(&mut windows) {
            let Some(window) = windows.next().filter(|_| !stop.is_requested()) else {
                continue;
            };
            window_was_read = true;
            if let Some(found) = topic.window(&window, stop, wanted)? {
                return Ok(Some(found));
            }
            report(Report::Looked(topic));
        }
        if !window_was_read {
            return Ok(None);
        }
    }
}
