//! Finds one record: by its position, by its id, or by the position of the source record that it was made from.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::search::{self, TopicSearch};
use super::{Query, QueryError, reader, source_reader};
use crate::event::{NextOffset, Offset, Partition, file_of_topic};
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Span, Stored};
use crate::normalize::event_ids;
use crate::pipeline::Content;
use crate::view::{At, Emitted, RecordKind, Reference, printable};

impl Query<'_> {
    /// The record with an id, or at a position. A position in an output topic is that of the record itself; a
    /// position in a source topic finds a record that was made from the source record.
    ///
    /// # Errors
    /// [`QueryError`]: there is no such record, a topic cannot be read, or the search was stopped.
    pub fn find(&self, reference: &Reference) -> Result<Stored, QueryError> {
        match reference {
            Reference::Id(id) => self.by_id(id),
            Reference::At(at) if self.config.outputs.in_topic(&at.topic).is_some() => {
                let reader = reader(self.config, &at.topic)?;
                self.record_at(&reader, at)
            }
            Reference::At(at) if file_of_topic(&at.topic).is_some() => {
                Err(QueryError::File(at.clone()))
            }
            Reference::At(at) => self.by_source(at),
        }
    }

    /// The record with this id, or a dead letter that contains the id.
    fn by_id(&self, id: &str) -> Result<Stored, QueryError> {
        let has_id = |emitted: &Emitted<'_>| {
            let is_own = emitted.id().is_some_and(|own| own == id);
            is_own || emitted.kind == RecordKind::DeadLetter && contains(emitted, id)
        };
        let what = format!("no record with the id {}", printable(id));
        self.search(&what, &has_id)
    }

    /// A record that was made from a source record. It has the id of an event in the source record, or it states
    /// the position of the source record.
    fn by_source(&self, at: &At) -> Result<Stored, QueryError> {
        let topics = self.config.outputs.topics().join(", ");
        let sources = self.config.sources.iter();
        let sources: Vec<_> = sources.filter(|source| source.topic == at.topic).collect();
        if sources.is_empty() {
            let topic = &at.topic;
            return Err(QueryError::OtherTopic {
                topic: topic.clone(),
                outputs: topics,
            });
        }
        let mut ids = BTreeSet::new();
        for source in sources {
            let reader = source_reader(self.config, source);
            match reader
                .map_err(QueryError::from)
                .and_then(|r| self.record_at(&r, at))
            {
                Ok(record) => ids.extend(event_ids(&record.record(), at.element)),
                // The source record may have expired while its output still exists.
                Err(error) => self.note(format_args!("source {}: {error}", source.name)),
            }
        }
        let is_output = |emitted: &Emitted<'_>| {
            let by_id = emitted.kind == RecordKind::Event
                && emitted.id().is_some_and(|id| ids.contains(id.as_ref()));
            by_id
                || emitted
                    .source_position()
                    .is_some_and(|found| at.covers(&found))
        };
        let what = format!("no output of the source record {at}");
        self.search(&what, &is_output)
    }

    /// Searches the output topics for a record that is `wanted`, new records first. `what` is the beginning of the
    /// message of [`QueryError::Nothing`].
    fn search(
        &self,
        what: &str,
        wanted: &dyn Fn(&Emitted<'_>) -> bool,
    ) -> Result<Stored, QueryError> {
        let mut topics = Vec::new();
        let outputs = self.config.outputs.iter();
        // The ledger has no events.
        for output in outputs.filter(|output| output.content != Content::Ledger) {
            let reader = reader(self.config, &output.topic)?;
            match self.searched_spans(&reader) {
                Ok(spans) => topics.push(TopicSearch::new(reader, spans)),
                Err(ReadError::Missing(_)) if output.is_optional() => {}
                Err(error @ ReadError::Missing(_)) => self.note(error),
                Err(error) => return Err(error.into()),
            }
        }
        if topics.is_empty() {
            return Err(QueryError::NoOutputs);
        }
        if let Some(found) = search::newest(&mut topics, self.stop, self.report, wanted)? {
            return Ok(found);
        }
        let searched: Vec<String> = topics.iter().map(ToString::to_string).collect();
        Err(self.nothing(what.to_owned(), searched.join("; ")))
    }

    /// Why a search has found nothing; `looked` says how much was searched.
    pub(super) fn nothing(&self, what: String, looked: String) -> QueryError {
        if self.stop.is_requested() {
            return QueryError::Stopped { looked };
        }
        let since = self.since;
        let since = since.map(|since| format!(" among the records written since {since}"));
        QueryError::Nothing {
            what,
            since: since.unwrap_or_default(),
            looked,
        }
    }

    /// The offsets of a topic that are to be searched: all of them, or those of records written since `since`.
    pub(super) fn searched_spans(&self, reader: &TopicReader) -> Result<Vec<Span>, ReadError> {
        let spans = self.spans(reader)?;
        match self.since {
            Some(since) => reader.since(&spans, since.time_ms(self.now)),
            None => Ok(spans),
        }
    }

    /// The record at a position of the reader's topic.
    pub(super) fn record_at(&self, reader: &TopicReader, at: &At) -> Result<Stored, QueryError> {
        let spans = self.spans(reader)?;
        let count = spans.len();
        let span = spans.iter().find(|span| span.partition.0 == at.partition);
        let Some(span) = span else {
            let topic = at.topic.clone();
            return Err(QueryError::NoPartition { topic, count });
        };
        let (from, to) = (span.from.0, span.to.0);
        if !(from..to).contains(&at.offset) {
            let at = at.clone();
            return Err(QueryError::NotHeld { at, from, to });
        }
        let only = Span {
            partition: Partition(at.partition),
            from: Offset(at.offset),
            to: NextOffset(at.offset + 1),
        };
        let mut found = None;
        reader.read(&[only], &|| self.stop.is_requested(), &mut |record| {
            found = Some(Stored::from(record));
            ControlFlow::Break(())
        })?;
        found.ok_or_else(|| QueryError::NoRecord(at.clone()))
    }
}

/// Whether the value of a dead letter contains the id. The value need not be JSON.
fn contains(emitted: &Emitted<'_>, id: &str) -> bool {
    let value = emitted.record.value.unwrap_or_default();
    !id.is_empty() && String::from_utf8_lossy(value).contains(id)
}
