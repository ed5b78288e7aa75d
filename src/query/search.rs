//! Searches for one record in topics, which have no index: backwards from their ends, window by window, in all
//! topics in turns. So new records are found at once, and old ones are found in the end.

use std::fmt;
use std::ops::ControlFlow;

use super::Report;
use crate::event::RawRecord;
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Span, Stored, newest_first};
use crate::view::Emitted;
use crate::view::words::moment;

/// Offsets of a partition in the first window; then twice as many each time.
const FIRST_WINDOW: u32 = 1_000;

/// Offsets of a partition in the largest window.
const LARGEST_WINDOW: u32 = 50_000;

/// A topic that is searched, and how far that has got.
pub(super) struct Searched {
    reader: TopicReader,
    spans: Vec<Span>,
    looked_at: u64,
    back_to_ms: Option<i64>,
}

impl Searched {
    pub(super) fn new(reader: TopicReader, spans: Vec<Span>) -> Searched {
        Searched {
            reader,
            spans,
            looked_at: 0,
            back_to_ms: None,
        }
    }

    /// Reads one window; the newest record of it that is wanted.
    fn window(
        &mut self,
        window: &[Span],
        stop: &Shutdown,
        wanted: &dyn Fn(&Emitted<'_>) -> bool,
    ) -> Result<Option<Stored>, ReadError> {
        let mut found: Option<Stored> = None;
        let (looked_at, back_to_ms) = (&mut self.looked_at, &mut self.back_to_ms);
        let mut look = |record: &RawRecord<'_>| {
            *looked_at += 1;
            if let Some(time) = record.timestamp_ms {
                *back_to_ms = Some(back_to_ms.map_or(time, |oldest| oldest.min(time)));
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
            .read(window, &|| stop.is_requested(), &mut look)?;
        Ok(found)
    }
}

/// `12 records of watchbell.events, back to 2026-03-14T09:26:53Z`
impl fmt::Display for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records of {}", self.looked_at, self.reader.topic())?;
        match self.back_to_ms {
            Some(time_ms) => write!(f, ", back to {}", moment(time_ms, 0)),
            None => Ok(()),
        }
    }
}

/// The newest record that is wanted, of the window in which the first one turns up.
pub(super) fn newest(
    topics: &mut [Searched],
    stop: &Shutdown,
    report: &dyn Fn(Report<'_>),
    wanted: &dyn Fn(&Emitted<'_>) -> bool,
) -> Result<Option<Stored>, ReadError> {
    let mut windows: Vec<_> = topics
        .iter()
        .map(|topic| newest_first(&topic.spans, FIRST_WINDOW, LARGEST_WINDOW))
        .collect();
    loop {
        let mut left = false;
        for (topic, windows) in topics.iter_mut().zip(&mut windows) {
            let Some(window) = windows.next().filter(|_| !stop.is_requested()) else {
                continue;
            };
            left = true;
            if let Some(found) = topic.window(&window, stop, wanted)? {
                return Ok(Some(found));
            }
            report(Report::Looked(topic));
        }
        if !left {
            return Ok(None);
        }
    }
}
