//! What becomes of a dead letter that is retried, and how many dead letters became what.

use std::collections::BTreeMap;

use crate::event::OutputBuffer;
use crate::query::Obstacle;

/// What becomes of a chosen dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is retried, or would be if it were written.
    Retried(Became),
    /// An earlier call has retried it, at this time in milliseconds since the Unix epoch. It is told of dead letters
    /// that were chosen by position: where all are chosen, most may have been retried long ago.
    Before(Option<i64>),
    /// It stays a dead letter, because it cannot be retried.
    Blocked(Obstacle),
    /// It stays a dead letter for this reason, which may quote the record.
    Stays(String),
}

/// What a dead letter that is retried becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Became {
    /// How many records are written to each topic; none if the routes or the noise policy drop its events.
    pub topics: BTreeMap<String, usize>,
    /// Why parts of it are dead letters of their own; they may quote the record.
    pub parts: Vec<String>,
}

impl Became {
    /// What was appended to `out` for one dead letter.
    pub(super) fn of(out: &OutputBuffer, parts: Vec<String>) -> Became {
        let mut topics: BTreeMap<String, usize> = BTreeMap::new();
        for output in out.iter() {
            *topics.entry(output.topic.to_string()).or_default() += 1;
        }
        Became { topics, parts }
    }
}

/// Numbers of dead letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Retried now.
    pub retried: usize,
    /// Retried by an earlier call.
    pub before: usize,
    /// Chosen, and still dead letters.
    pub left: usize,
    /// Parts of those that were retried, which are dead letters of their own.
    pub parts: usize,
    /// Chosen, and not tried: as many as the limit were retried before them.
    pub waiting: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_by_topic() {
        let mut out = OutputBuffer::default();
        assert_eq!(Became::of(&out, Vec::new()), Became::default());
        for topic in ["events", "alerts", "events"] {
            out.push_copy(&topic.into(), None, [], None);
        }
        let became = Became::of(&out, vec!["empty: it".to_owned()]);
        let counts: Vec<(&str, usize)> = became
            .topics
            .iter()
            .map(|(topic, count)| (topic.as_str(), *count))
            .collect();
        assert_eq!(counts, [("alerts", 1), ("events", 2)]);
        assert_eq!(became.parts, ["empty: it"]);
    }
}
