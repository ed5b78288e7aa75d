//! The dead letters and their receipts: which are chosen, and which have been retried.
//! Invariant: a receipt stands in the partition of its dead letter and after it, so whoever reads a partition from a
//! dead letter to the end finds its receipt.

mod letter;

use std::collections::HashMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::{PastTime, Query, QueryError, reader, search};
use crate::event::{Offset, RawRecord};
use crate::kafka::session::{Shutdown, transactional_id_prefix};
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Span, Stored};
use crate::pipeline::Content;
use crate::view::{At, Emitted};
pub use letter::{Letter, Obstacle};

/// The transactional id under which dead letters are retried: one for a deployment, so that whoever begins fences
/// whoever has begun before. It is no session's id, because those have more parts.
pub fn retry_id(group: &str) -> String {
    format!("{}retry", transactional_id_prefix(group))
}

/// Partition and offset of a dead letter.
pub type DeadLetterPosition = (i32, i64);

/// When a dead letter was retried, by its receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOf {
    /// The time of the receipt, ms since the Unix epoch.
    pub time_ms: Option<i64>,
    /// Where the receipt stands.
    pub receipt: DeadLetterPosition,
}

/// The dead letters of a topic that have been retried.
#[derive(Debug, Default)]
pub struct Receipts(HashMap<DeadLetterPosition, RetryOf>);

impl Receipts {
    /// Reads the receipts in these spans.
    ///
    /// # Errors
    /// The topic cannot be read.
    pub fn read(
        reader: &TopicReader,
        spans: &[Span],
        stop: &Shutdown,
    ) -> Result<Receipts, ReadError> {
        let mut receipts = Receipts::default();
        reader.read(spans, &|| stop.is_requested(), &mut |record| {
            receipts.note(record);
            ControlFlow::Continue(())
        })?;
        Ok(receipts)
    }

    /// Adds a record of the topic if it is a receipt of a dead letter of this topic.
    pub fn note(&mut self, record: &RawRecord<'_>) {
        let letter = Emitted::new(record.clone()).retried_letter();
        let position = record.position;
        if let Some(letter) = letter.filter(|letter| letter.topic == position.topic) {
            let retry = RetryOf {
                time_ms: record.timestamp_ms,
                receipt: (position.partition.0, position.offset.0),
            };
            let letter = (letter.partition, letter.offset);
            self.0.entry(letter).or_insert(retry);
        }
    }

    /// When a dead letter was retried; `None` if it was not.
    pub fn of(&self, letter: &Letter<'_>) -> Option<RetryOf> {
        let position = letter.record.position;
        self.0
            .get(&(position.partition.0, position.offset.0))
            .copied()
    }
}

/// Which dead letters are chosen: those that meet every condition.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterChoice {
    /// They are at one of these positions, or their source records are; any if empty.
    pub positions: Vec<At>,
    /// They were written at or after this time.
    pub since: Option<PastTime>,
    /// They were written before this time.
    pub until: Option<PastTime>,
    /// They have one of these reasons; any if empty.
    pub reasons: Vec<String>,
    /// They come from this topic.
    pub source_topic: Option<String>,
}

impl DeadLetterChoice {
    /// Whether a dead letter is chosen, if the current time is `now`.
    pub fn takes(&self, letter: &Letter<'_>, now: Timestamp) -> bool {
        let time_ms = letter.record.timestamp_ms;
        let is_after = |since: PastTime| time_ms.is_none_or(|time| time >= since.time_ms(now));
        let is_before = |until: PastTime| time_ms.is_none_or(|time| time < until.time_ms(now));
        let is_from = |topic: &String| {
            let source = letter.source.as_ref();
            source.is_some_and(|source| source.topic == *topic)
        };
        (self.positions.is_empty() || self.position_of(letter).is_some())
            && self.since.is_none_or(is_after)
            && self.until.is_none_or(is_before)
            && (self.reasons.is_empty() || self.reasons.iter().any(|one| *one == letter.reason))
            && self.source_topic.as_ref().is_none_or(is_from)
    }

    /// The number of the first of the positions at which a dead letter or its source record stands.
    pub fn position_of(&self, letter: &Letter<'_>) -> Option<usize> {
        let (own, source) = (letter.position(), letter.source.as_ref());
        let is_at = |at: &At| *at == own || source.is_some_and(|source| at.covers(source));
        self.positions.iter().position(is_at)
    }

    /// The parts of the spans of a topic in which the chosen dead letters and their receipts stand.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn spans(
        &self,
        reader: &TopicReader,
        all: &[Span],
        now: Timestamp,
    ) -> Result<Vec<Span>, ReadError> {
        let spans = match self.since {
            Some(since) => reader.since(all, since.time_ms(now))?,
            None => all.to_vec(),
        };
        Ok(self.narrowed(reader.topic(), spans))
    }

    /// The same spans, begun at the first of the positions in each partition where only positions of the topic are
    /// given.
    fn narrowed(&self, topic: &str, mut spans: Vec<Span>) -> Vec<Span> {
        if self.positions.is_empty() || self.positions.iter().any(|at| at.topic != topic) {
            return spans;
        }
        for span in &mut spans {
            let own = self.positions.iter();
            let own = own.filter(|at| at.partition == span.partition.0);
            let first = own.map(|at| at.offset).min().unwrap_or(span.to.0);
            span.from = Offset(first.clamp(span.from.0, span.to.0));
        }
        spans
    }
}

impl Query<'_> {
    /// The dead letter at a position, or the newest one whose source record stands there.
    ///
    /// # Errors
    /// [`QueryError`]: there is none, the topic cannot be read, or the search was stopped.
    pub fn dead_letter(&self, at: &At) -> Result<Stored, QueryError> {
        let topic = &self.config.outputs.of(Content::DeadLetters).topic;
        let reader = reader(self.config, topic)?;
        if at.topic == **topic {
            let found = self.record_at(&reader, at)?;
            return match Letter::read(found.record()) {
                Some(_) => Ok(found),
                None => Err(QueryError::NoLetter(at.clone())),
            };
        }
        let spans = self.searched_spans(&reader)?;
        let mut topics = [search::TopicSearch::new(reader, spans)];
        let is_wanted = |emitted: &Emitted<'_>| {
            let letter = Letter::read(emitted.record.clone());
            let source = letter.and_then(|letter| letter.source);
            source.is_some_and(|source| at.covers(&source))
        };
        let found = search::newest(&mut topics, self.stop, self.report, &is_wanted)?;
        let [searched] = topics;
        found.ok_or_else(|| self.nothing(format!("no dead letter of {at}"), searched.to_string()))
    }

    /// A record of the topic of dead letters as a dead letter.
    pub fn letter<'r>(&self, record: &Emitted<'r>) -> Option<Letter<'r>> {
        let topic = &self.config.outputs.of(Content::DeadLetters).topic;
        let record = record.record.clone();
        Letter::read(record).filter(|letter| letter.record.position.topic == &**topic)
    }

    /// When a dead letter was retried; `None` if it was not.
    ///
    /// # Errors
    /// The topic cannot be read.
    pub fn retry_of(&self, letter: &Letter<'_>) -> Result<Option<RetryOf>, QueryError> {
        let position = letter.record.position;
        let reader = reader(self.config, position.topic)?;
        let mut spans = self.spans(&reader)?;
        spans.retain(|span| span.partition == position.partition);
        for span in &mut spans {
            span.from = Offset(position.offset.0.clamp(span.from.0, span.to.0));
        }
        let receipts = Receipts::read(&reader, &spans, self.stop)?;
        Ok(receipts.of(letter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Header, NextOffset, Partition, Position};

    fn record<'r>(at: (i32, i64), headers: &'r [(&'r str, &'r str)]) -> RawRecord<'r> {
        let header = |(name, value): &(&'r str, &'r str)| Header {
            name,
            value: Some(value.as_bytes()),
        };
        RawRecord {
            position: Position {
                topic: "dead",
                partition: Partition(at.0),
                offset: Offset(at.1),
                element: None,
            },
            timestamp_ms: Some(1_000),
            key: None,
            value: None,
            headers: headers.iter().map(header).collect(),
        }
    }

    const REASON: (&str, &str) = ("watchbell-reason", "not_json");

    fn letter(at: (i32, i64)) -> Letter<'static> {
        const HEADERS: [(&str, &str); 4] = [
            REASON,
            ("watchbell-source-topic", "audit"),
            ("watchbell-source-partition", "3"),
            ("watchbell-source-offset", "42"),
        ];
        Letter::read(record(at, &HEADERS)).unwrap()
    }

    #[test]
    fn a_receipt_counts_for_its_letter_and_a_letter_is_no_receipt() {
        let mut receipts = Receipts::default();
        receipts.note(&record((0, 9), &[("watchbell-retried", "dead/0@5")]));
        receipts.note(&record((0, 10), &[("watchbell-retried", "other/0@6")]));
        // The source record of a dead letter has this header.
        receipts.note(&record(
            (0, 11),
            &[("watchbell-retried", "dead/0@7"), REASON],
        ));
        receipts.note(&record((0, 12), &[("watchbell-retried", "what?")]));
        let retry = RetryOf {
            time_ms: Some(1_000),
            receipt: (0, 9),
        };
        assert_eq!(receipts.of(&letter((0, 5))), Some(retry));
        for other in [(1, 5), (0, 6), (0, 7), (0, 9)] {
            assert_eq!(receipts.of(&letter(other)), None, "{other:?}");
        }
    }

    #[test]
    fn a_letter_is_chosen_by_its_own_position_or_that_of_its_record_and_by_all_conditions() {
        let now = Timestamp::from_second(10).unwrap();
        let letter = letter((0, 5));
        let at = |text: &str| text.parse::<At>().unwrap();
        let choice = |positions: &[&str]| DeadLetterChoice {
            positions: positions.iter().map(|text| at(text)).collect(),
            ..DeadLetterChoice::default()
        };
        for taken in [
            &[][..],
            &["dead/0@5"],
            &["audit/3@42"],
            &["x/0@1", "dead[0]@5"],
        ] {
            assert!(choice(taken).takes(&letter, now), "{taken:?}");
        }
        for left in ["dead/1@5", "audit/3@41", "audit/3@42#0", "dead/0@5#1"] {
            assert!(!choice(&[left]).takes(&letter, now), "{left}");
        }
        let mut choice = choice(&[]);
        choice.reasons = vec!["empty".into()];
        assert!(!choice.takes(&letter, now));
        choice.reasons.push("not_json".into());
        choice.source_topic = Some("audit".into());
        // It was written at 1 s.
        choice.since = Some("9s".parse().unwrap());
        assert!(choice.takes(&letter, now));
        choice.until = Some("9s".parse().unwrap());
        assert!(!choice.takes(&letter, now));
        choice.until = Some("8s".parse().unwrap());
        assert!(choice.takes(&letter, now));
        choice.source_topic = Some("other".into());
        assert!(!choice.takes(&letter, now));
    }

    #[test]
    fn a_partition_is_read_from_the_first_chosen_letter_to_its_end() {
        let span = |partition, from| Span {
            partition: Partition(partition),
            from: Offset(from),
            to: NextOffset(100),
        };
        let narrowed = |positions: &[&str]| {
            let choice = DeadLetterChoice {
                positions: positions.iter().map(|text| text.parse().unwrap()).collect(),
                ..DeadLetterChoice::default()
            };
            choice.narrowed("dead", vec![span(0, 10), span(1, 10)])
        };
        let whole = [span(0, 10), span(1, 10)];
        assert_eq!(narrowed(&[]), whole);
        assert_eq!(narrowed(&["dead/0@50", "audit/0@7"]), whole);
        let of_one = narrowed(&["dead/0@50", "dead/0@40"]);
        assert_eq!(of_one, [span(0, 40), span(1, 100)]);
        assert_eq!(narrowed(&["dead/0@5"])[0], span(0, 10));
    }

    #[test]
    fn the_id_of_retries_is_no_session_s() {
        assert_eq!(retry_id("watchbell"), "watchbell/retry");
    }
}
