//! A record that is kept when the client's buffer is gone.

use crate::event::{Header, Offset, Partition, Position, RawRecord};

/// A record of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    topic: String,
    partition: Partition,
    offset: Offset,
    timestamp_ms: Option<i64>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl From<&RawRecord<'_>> for Stored {
    fn from(record: &RawRecord<'_>) -> Stored {
        let owned =
            |header: &Header<'_>| (header.name.to_owned(), header.value.map(<[u8]>::to_vec));
        Stored {
            topic: record.position.topic.to_owned(),
            partition: record.position.partition,
            offset: record.position.offset,
            timestamp_ms: record.timestamp_ms,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers.iter().map(owned).collect(),
        }
    }
}

impl Stored {
    /// In which order records of several partitions were written, as far as their clocks tell.
    pub fn order(&self) -> (Option<i64>, Partition, Offset) {
        (self.timestamp_ms, self.partition, self.offset)
    }

    /// The record as it was read.
    pub fn record(&self) -> RawRecord<'_> {
        let headers = self.headers.iter().map(|(name, value)| Header {
            name,
            value: value.as_deref(),
        });
        RawRecord {
            position: Position {
                topic: &self.topic,
                partition: self.partition,
                offset: self.offset,
                element: None,
            },
            timestamp_ms: self.timestamp_ms,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: headers.collect(),
        }
    }
}
