//! Looking for one record in topics that have no index: backwards from their ends, window by window,
//! in all topics by turns, so that what is new is found at once and what is old is found at all.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;

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

    /// `12 records of watchbell.events, back to 2026-03-14T09:26:53Z`
    pub(super) fn described(&self) -> String {
        let (count, topic) = (self.looked_at, self.reader.topic());
        let back = self.back_to_ms.map(|time| moment(time, 0));
        let back = back.map_or_else(String::new, |time| format!(", back to {time}"));
        format!("{count} records of {topic}{back}")
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

/// The newest record that is wanted, of the window in which the first one turns up.
pub(super) fn newest(
    topics: &mut [Searched],
    stop: &Shutdown,
    wanted: &dyn Fn(&Emitted<'_>) -> bool,
) -> Result<Option<Stored>, ReadError> {
    let progress = Progress::new();
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
            progress.show(topic);
        }
        if !left {
            return Ok(None);
        }
    }
}

/// One line on standard error that is written over, if a person is there to see it.
struct Progress {
    seen: bool,
}

impl Progress {
    fn new() -> Progress {
        let seen = io::stderr().is_terminal();
        Progress { seen }
    }

    fn show(&self, topic: &Searched) {
        if self.seen {
            // Nobody misses it where it cannot be written.
            let _ = write!(io::stderr(), "\r\u{1b}[Klooked at {}", topic.described());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.seen {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}
