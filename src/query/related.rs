//! Finds related records: the alerts that an event raised, and the events of an alert.

use std::ops::ControlFlow;

use super::{Query, QueryError, reader};
use crate::event::{NextOffset, RawRecord};
use crate::kafka::Stored;
use crate::kafka::topic_reader::ReadError;
use crate::pipeline::Content;
use crate::view::{Emitted, RecordKind};

/// Largest difference between the timestamps of an event and its alerts. They are written in one transaction.
const MAX_DISTANCE_MS: i64 = 60_000;

/// Records after which a search for related records ends.
const MAX_SEARCHED: u64 = 200_000;

impl Query<'_> {
    /// The alerts that an event raised, in the order of [`Stored::order`]. Empty if the record is not an event.
    ///
    /// # Errors
    /// The alerts topic cannot be read.
    pub fn alerts_of(&self, event: &Emitted<'_>) -> Result<Vec<Stored>, QueryError> {
        let (RecordKind::Event, Some(id), Some(written_ms)) =
            (event.kind, event.id(), event.record.timestamp_ms)
        else {
            return Ok(Vec::new());
        };
        let is_about = |alert: &Emitted<'_>| alert.related_events().iter().any(|e| *e == id);
        self.near(Content::Alerts, written_ms, None, &is_about)
    }

    /// The events that raised an alert, in the order of [`Stored::order`]. Empty if the alert contains its event, or
    /// if the record is not an alert.
    ///
    /// # Errors
    /// The events topic cannot be read.
    pub fn events_behind(&self, alert: &Emitted<'_>) -> Result<Vec<Stored>, QueryError> {
        let (RecordKind::Alert, false, Some(written_ms)) = (
            alert.kind,
            alert.holds_its_event(),
            alert.record.timestamp_ms,
        ) else {
            return Ok(Vec::new());
        };
        let ids = alert.related_events();
        let is_related = |event: &Emitted<'_>| {
            let id = event.id();
            id.is_some_and(|id| ids.iter().any(|wanted| *wanted == id))
        };
        let until_ms = Some(written_ms + MAX_DISTANCE_MS);
        self.near(Content::Events, written_ms, until_ms, &is_related)
    }

    /// The records of an output topic that are `wanted` and were written between [`MAX_DISTANCE_MS`] before
    /// `written_ms` and `until_ms` (`None` for the end of the topic). Both are milliseconds since the Unix epoch.
    fn near(
        &self,
        content: Content,
        written_ms: i64,
        until_ms: Option<i64>,
        wanted: &dyn Fn(&Emitted<'_>) -> bool,
    ) -> Result<Vec<Stored>, QueryError> {
        let reader = reader(self.config, &self.config.outputs.of(content).topic)?;
        let all = match self.spans(&reader) {
            Err(error @ ReadError::Missing(_)) => {
                self.note(error);
                return Ok(Vec::new());
            }
            spans => spans?,
        };
        let mut spans = reader.since(&all, written_ms - MAX_DISTANCE_MS)?;
        if let Some(until_ms) = until_ms {
            let after = reader.since(&all, until_ms)?;
            for (span, after) in spans.iter_mut().zip(after) {
                span.to = NextOffset(after.from.0.max(span.from.0));
            }
        }
        let mut searched = 0;
        let mut found = Vec::new();
        let mut visit = |record: &RawRecord<'_>| {
            searched += 1;
            if wanted(&Emitted::new(record.clone())) {
                found.push(Stored::from(record));
            }
            if searched < MAX_SEARCHED {
                return ControlFlow::Continue(());
            }
            self.note(format_args!(
                "only {MAX_SEARCHED} records of {} were searched; there may be more related records",
                reader.topic()
            ));
            ControlFlow::Break(())
        };
        reader.read(&spans, &|| self.stop.is_requested(), &mut visit)?;
        found.sort_by_key(Stored::order);
        Ok(found)
    }
}
