//! A dead letter, read back: the source record that it holds, and whether it can be retried.
//! Invariant: what the source record says of itself is never taken for a header of watchbell's: ours come last.

use std::borrow::Cow;

use crate::event::{Offset, Partition, Position, RawRecord};
use crate::kafka::session::Cause;
use crate::pipeline::TOO_LARGE;
use crate::view::{At, first_of_ours};

/// The reasons of dead letters that stand for a single output of an event.
const OF_ONE_OUTPUT: [&str; 2] = [Cause::Size.reason(), Cause::Content.reason()];

/// A dead letter.
#[derive(Debug, Clone)]
pub struct Letter<'r> {
    /// The record in the topic of dead letters.
    pub record: RawRecord<'r>,
    /// Why it is one: a word.
    pub reason: Cow<'r, str>,
    /// The same for a person.
    pub detail: Cow<'r, str>,
    /// Where the source record stood.
    pub source: Option<At>,
    /// The timestamp of the source record.
    pub source_timestamp_ms: Option<i64>,
    /// The name of the only output of its event that is missing.
    pub output: Option<Cow<'r, str>>,
    /// The sink that refused it, if it is an alert.
    pub sink: Option<Cow<'r, str>>,
    /// Whether `replay` wrote it.
    pub is_replayed: bool,
    /// The size of a value that is not kept.
    pub cut_bytes: Option<u64>,
    /// How many of the record's headers are those of the source record.
    source_headers: usize,
}

/// Why a dead letter cannot be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// Its value is not kept.
    Cut,
    /// It is an alert.
    Alert,
    /// Outputs of its event are written, and it does not say which one is missing.
    UnknownOutput,
    /// It does not say where its record stood.
    NoSource,
}

impl Obstacle {
    /// A word for machines.
    pub fn word(self) -> &'static str {
        match self {
            Obstacle::Cut => "cut",
            Obstacle::Alert => "alert",
            Obstacle::UnknownOutput => "unknown_output",
            Obstacle::NoSource => "no_source",
        }
    }

    /// The obstacle and what to do in place of a retry.
    pub fn description(self) -> &'static str {
        match self {
            Obstacle::Cut => {
                "only size and SHA-256 of the value are kept, and of a sealed record no key and no headers: if the source \
                 still has the record, save its value to a file and give it with --repaired, or replay the source with \
                 --to-topics"
            }
            Obstacle::Alert => {
                "an alert that a sink did not accept, and no source record: it is in the alerts topic (watchbell show \
                 with its source position); tell whom it concerns, and repair the sink"
            }
            Obstacle::UnknownOutput => {
                "other outputs of its event are written, and it does not say which one is missing: replay the source \
                 with --to-topics, which writes all of them again, marked"
            }
            Obstacle::NoSource => {
                "it does not say where its record stood: watchbell did not write it like this"
            }
        }
    }
}

impl<'r> Letter<'r> {
    /// Reads a record of the topic of dead letters; `None` if it is not a dead letter.
    pub fn read(record: RawRecord<'r>) -> Option<Letter<'r>> {
        let source_headers = first_of_ours(&record)?;
        let said = |name: &str| {
            let ours = &record.headers[source_headers..];
            let header = ours.iter().find(|header| header.name == name)?;
            header.value.map(String::from_utf8_lossy)
        };
        let number = |name: &str| said(name).and_then(|text| text.parse::<i64>().ok());
        let source = || {
            Some(At {
                topic: said("watchbell-source-topic")?.into_owned(),
                partition: said("watchbell-source-partition")?.parse().ok()?,
                offset: number("watchbell-source-offset")?,
                element: said("watchbell-source-element").and_then(|text| text.parse().ok()),
            })
        };
        Some(Letter {
            reason: said("watchbell-reason").unwrap_or_default(),
            detail: said("watchbell-detail").unwrap_or_default(),
            source: source(),
            source_timestamp_ms: number("watchbell-source-timestamp"),
            output: said("watchbell-output"),
            sink: said("watchbell-sink"),
            is_replayed: said("watchbell-origin").is_some_and(|origin| origin == "replay"),
            cut_bytes: number("watchbell-cut-size").and_then(|bytes| u64::try_from(bytes).ok()),
            source_headers,
            record,
        })
    }

    /// Where it stands.
    pub fn position(&self) -> At {
        At::from(self.record.position)
    }

    /// The size of its record's value, in bytes.
    pub fn bytes(&self) -> u64 {
        let kept = self.record.value.map_or(0, <[u8]>::len) as u64;
        self.cut_bytes.unwrap_or(kept)
    }

    /// Why it cannot be retried with the value that it has.
    pub fn obstacle(&self) -> Option<Obstacle> {
        self.lasting_obstacle()
            .or(self.cut_bytes.map(|_| Obstacle::Cut))
    }

    /// Why it cannot be retried with another value, either.
    pub fn lasting_obstacle(&self) -> Option<Obstacle> {
        // A line of a file that is too long to be held is no event, and has this reason, too.
        let is_event = self.reason == TOO_LARGE && self.cut_bytes.is_none();
        let is_of_one_output = is_event || OF_ONE_OUTPUT.contains(&&*self.reason);
        match () {
            () if self.sink.is_some() => Some(Obstacle::Alert),
            () if self.source.is_none() => Some(Obstacle::NoSource),
            () if is_of_one_output && self.output.is_none() => Some(Obstacle::UnknownOutput),
            () => None,
        }
    }

    /// The source record, with another value if somebody has repaired it. The position is that of the source, so that
    /// the ids of its events and alerts are those that they would have had.
    pub fn source_record<'l>(&'l self, repaired: Option<&'l [u8]>) -> Option<RawRecord<'l>> {
        let source = self.source.as_ref()?;
        Some(RawRecord {
            position: Position {
                topic: &source.topic,
                partition: Partition(source.partition),
                offset: Offset(source.offset),
                element: source.element,
            },
            timestamp_ms: self.source_timestamp_ms,
            key: self.record.key,
            value: repaired.or(self.record.value),
            headers: self.record.headers[..self.source_headers].to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::encode::{self, DeadLetter};
    use crate::event::{Header, OutputRecord};

    fn source(value: Option<&[u8]>) -> RawRecord<'_> {
        RawRecord {
            position: Position {
                topic: "audit",
                partition: Partition(3),
                offset: Offset(42),
                element: Some(1),
            },
            timestamp_ms: Some(1_773_480_413_589),
            key: Some(b"key"),
            value,
            headers: vec![
                Header {
                    name: "content-type",
                    value: None,
                },
                // The producer of a record can give it any header.
                Header {
                    name: "watchbell-reason",
                    value: Some(b"refused"),
                },
                Header {
                    name: "watchbell-source-offset",
                    value: Some(b"7"),
                },
                Header {
                    name: "watchbell-sink",
                    value: Some(b"oncall"),
                },
                Header {
                    name: "watchbell-retried",
                    value: Some(b"watchbell.dead-letters/0@5"),
                },
            ],
        }
    }

    fn why(reason: &str) -> DeadLetter<'_> {
        DeadLetter {
            reason,
            detail: "detail",
            max_bytes: 10_000,
            cut: false,
            sealed: false,
            unread: None,
            output: None,
            origin: None,
        }
    }

    fn stored(letter: &OutputRecord) -> RawRecord<'_> {
        RawRecord {
            position: Position {
                topic: &letter.topic,
                partition: Partition(0),
                offset: Offset(9),
                element: None,
            },
            timestamp_ms: Some(1_773_480_500_000),
            key: letter.key.as_deref(),
            value: letter.value.as_deref(),
            headers: letter.borrowed_headers().collect(),
        }
    }

    fn letter(value: Option<&[u8]>, why: DeadLetter<'_>) -> OutputRecord {
        encode::dead_letter(&source(value), &Arc::from("dead"), why)
    }

    #[test]
    fn a_source_record_comes_back_as_it_was_whatever_headers_it_has() {
        for value in [Some(&b"{\"cut"[..]), None] {
            let written = letter(value, why("not_json"));
            let letter = Letter::read(stored(&written)).unwrap();
            assert_eq!(letter.source_record(None), Some(source(value)));
            assert_eq!((&*letter.reason, &*letter.detail), ("not_json", "detail"));
            assert_eq!(letter.obstacle(), None);
            assert!(!letter.is_replayed);
            let repaired = letter.source_record(Some(b"{}")).unwrap();
            assert_eq!(repaired, source(Some(b"{}")));
        }
    }

    #[test]
    fn a_letter_of_a_replay_is_known_by_our_header_alone() {
        for (origin, is_replayed) in [(Some("replay"), true), (Some("retry"), false)] {
            let why = DeadLetter {
                origin,
                ..why("not_json")
            };
            let mut written = letter(None, why);
            let theirs = ("watchbell-origin".into(), Some(b"replay".to_vec()));
            written.headers.insert(0, theirs);
            let letter = Letter::read(stored(&written)).unwrap();
            assert_eq!(letter.is_replayed, is_replayed, "{origin:?}");
        }
    }

    #[test]
    fn what_cannot_be_retried_says_why() {
        let obstacles = |why: DeadLetter<'_>, sink: Option<&str>| {
            let mut written = letter(Some(b"value"), why);
            let sink = sink.map(|sink| ("watchbell-sink".into(), Some(sink.into())));
            written.headers.extend(sink);
            let letter = Letter::read(stored(&written)).unwrap();
            assert_eq!(letter.bytes(), 5);
            (letter.obstacle(), letter.lasting_obstacle())
        };
        let cut = DeadLetter {
            cut: true,
            ..why("not_json")
        };
        assert_eq!(obstacles(cut, None), (Some(Obstacle::Cut), None));
        let both = |obstacle| (Some(obstacle), Some(obstacle));
        assert_eq!(
            obstacles(why("refused"), Some("oncall")),
            both(Obstacle::Alert)
        );
        for reason in ["too_large", "output_too_large", "output_invalid"] {
            let unknown = both(Obstacle::UnknownOutput);
            assert_eq!(obstacles(why(reason), None), unknown, "{reason}");
            let named = DeadLetter {
                output: Some("default"),
                ..why(reason)
            };
            assert_eq!(obstacles(named, None), (None, None), "{reason}");
        }
        let mut bare = letter(Some(b"value"), why("not_json"));
        bare.headers
            .retain(|(name, _)| name != "watchbell-source-partition");
        let obstacle = Letter::read(stored(&bare)).unwrap().obstacle();
        assert_eq!(obstacle, Some(Obstacle::NoSource));
    }
}
