//! A reference to one record: its id, or its position.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use crate::event::{Position, file_of_topic};

/// A position in a topic, or of a file in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct At {
    /// Name of the topic, or what stands for a file ([`crate::event::file_topic`]).
    pub topic: String,
    /// Number of the partition.
    pub partition: i32,
    /// Offset in the partition.
    pub offset: i64,
    /// In a record that holds a list of events, the number of the event, from 0.
    pub element: Option<u32>,
}

impl At {
    /// Whether what was read at `other` was read here: at the same event, or anywhere in the record if this
    /// names no event.
    pub fn covers(&self, other: &At) -> bool {
        let record = |at: &At| (at.partition, at.offset);
        let is_event = self.element.is_none() || self.element == other.element;
        self.topic == other.topic && record(self) == record(other) && is_event
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.topic, self.partition, self.offset)?;
        match self.element {
            Some(element) => write!(f, "#{element}"),
            None => Ok(()),
        }
    }
}

impl From<Position<'_>> for At {
    fn from(position: Position<'_>) -> At {
        At {
            topic: position.topic.to_owned(),
            partition: position.partition.0,
            offset: position.offset.0,
            element: position.element,
        }
    }
}

/// A text that is not a position in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not topic/partition@offset or topic/partition@offset#element")]
pub struct NotAPlace;

impl FromStr for At {
    type Err = NotAPlace;

    /// Reads `topic/partition@offset`, with `file:…` in place of the topic, and `topic[partition]@offset` as headers and logs write it; both may
    /// have `#element` behind them.
    fn from_str(text: &str) -> Result<At, NotAPlace> {
        let (place, offset) = text.rsplit_once('@').ok_or(NotAPlace)?;
        let (offset, element) = match offset.split_once('#') {
            Some((offset, element)) => (offset, Some(element)),
            None => (offset, None),
        };
        let (topic, partition) = match place.strip_suffix(']') {
            Some(place) => place.rsplit_once('['),
            None => place.rsplit_once('/'),
        }
        .ok_or(NotAPlace)?;
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        // The characters that brokers allow in topic names.
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let is_legal = topic.bytes().all(legal) || file_of_topic(topic).is_some();
        if topic.is_empty() || !is_legal || !is_number(partition) {
            return Err(NotAPlace);
        }
        if !is_number(offset) || !element.is_none_or(is_number) {
            return Err(NotAPlace);
        }
        Ok(At {
            topic: topic.to_owned(),
            partition: partition.parse().map_err(|_| NotAPlace)?,
            offset: offset.parse().map_err(|_| NotAPlace)?,
            element: element.map(str::parse).transpose().map_err(|_| NotAPlace)?,
        })
    }
}

/// One event, alert or dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// By its id.
    Id(String),
    /// By its position, or by the source position of its record.
    At(At),
}

impl FromStr for Reference {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Reference, Infallible> {
        let id = || Reference::Id(text.to_owned());
        Ok(text.parse().map_or_else(|NotAPlace| id(), Reference::At))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Id(id) => f.write_str(&super::printable(id)),
            Reference::At(at) => at.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_in_both_spellings_and_anything_else_is_an_id() {
        let at = |topic: &str, partition, offset, element| {
            Reference::At(At {
                topic: topic.to_owned(),
                partition,
                offset,
                element,
            })
        };
        let file = format!("file:{}", "0f".repeat(32));
        let cases = [
            (
                "watchbell.events/3@1234",
                at("watchbell.events", 3, 1234, None),
            ),
            ("audit[0]@7", at("audit", 0, 7, None)),
            ("audit/0@7#12", at("audit", 0, 7, Some(12))),
            ("audit[0]@7#0", at("audit", 0, 7, Some(0))),
            (&format!("{file}/0@7"), at(&file, 0, 7, None)),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for id in [
            "de07cd1b-ec0f-4d0e-abce-050a993e7532",
            "a/b@c",
            "topic/1@-2",
            "topic/+1@2",
            "/1@2",
            "a b/1@2",
            "events/99999999999@1",
            "audit/0@7#",
            "audit/0@7#x",
            "audit/0#7@7",
            "file:0f/0@7",
        ] {
            assert_eq!(id.parse(), Ok(Reference::Id(id.to_owned())));
        }
    }
}
