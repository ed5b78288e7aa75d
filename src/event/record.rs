//! A Kafka record as the pipeline sees it, and a record that the pipeline wants written.
//! Free of rdkafka, so that files, the embedded cluster and a real broker look the same.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::Sha256;

/// A Kafka partition number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub i32);

/// The offset of one record, as the broker counts it. The position to continue from is [`NextOffset`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub i64);

/// The offset to commit: that of the record to be read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextOffset(pub i64);

impl Offset {
    /// The offset to commit after this record.
    pub fn next(self) -> NextOffset {
        NextOffset(self.0 + 1)
    }
}

/// Where a record was read: the topic's name, or for a file its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position<'a> {
    /// Topic of the source cluster.
    pub topic: &'a str,
    /// Partition of that topic; 0 for a file.
    pub partition: Partition,
    /// Offset in the partition; for a file, the number of the event, from 0.
    pub offset: Offset,
    /// In a record that holds a list of events, the number of the event, from 0.
    pub element: Option<u32>,
}

impl Position<'_> {
    /// `topic/partition@offset`, of one event among several `topic/partition@offset#element`: what
    /// `watchbell show` accepts, and no shell changes.
    pub fn reference(&self) -> String {
        let (partition, offset) = (self.partition.0, self.offset.0);
        let element = self.element.map(|element| format!("#{element}"));
        let element = element.unwrap_or_default();
        format!("{}/{partition}@{offset}{element}", self.topic)
    }
}

impl fmt::Display for Position<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]@{}", self.topic, self.partition.0, self.offset.0)?;
        match self.element {
            Some(element) => write!(f, "#{element}"),
            None => Ok(()),
        }
    }
}

/// One header; Kafka allows repeated names and null values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Header name, case-sensitive in Kafka.
    pub name: &'a str,
    /// `None` is Kafka's null value.
    pub value: Option<&'a [u8]>,
}

/// A record as it was read, borrowed from the client's buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// Where it was read.
    pub position: Position<'a>,
    /// The record's own timestamp, milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    /// `None` is Kafka's null key.
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// In the order of the record.
    pub headers: Vec<Header<'a>>,
}

impl<'a> RawRecord<'a> {
    /// A value that was not read from a topic, as the first record of a topic of this name: without timestamp, key and
    /// headers.
    pub fn of_value(topic: &'a str, value: &'a [u8]) -> RawRecord<'a> {
        RawRecord {
            position: Position {
                topic,
                partition: Partition(0),
                offset: Offset(0),
                element: None,
            },
            timestamp_ms: None,
            key: None,
            value: Some(value),
            headers: Vec::new(),
        }
    }
}

/// A record to be written to the destination cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputRecord {
    /// Topic of the destination cluster.
    pub topic: Arc<str>,
    /// `None` is Kafka's null key.
    pub key: Option<Vec<u8>>,
    /// `None` is Kafka's null value (only dead letters of tombstones have it).
    pub value: Option<Vec<u8>>,
    /// In order; a `None` value is Kafka's null header value.
    pub headers: Vec<(Cow<'static, str>, Option<Vec<u8>>)>,
}

impl OutputRecord {
    /// The headers as a reader has them, in order.
    pub fn borrowed_headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> {
        self.headers.iter().map(|(name, value)| Header {
            name,
            value: value.as_deref(),
        })
    }
}

/// What is kept of bytes that are too many to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// How many there were.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest {
            size: bytes.len() as u64,
            sha256: <Sha256 as sha2::Digest>::digest(bytes).into(),
        }
    }

    /// The SHA-256 in hexadecimal.
    pub fn hex(&self) -> String {
        HEXLOWER.encode(&self.sha256)
    }
}
