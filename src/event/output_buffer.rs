//! Output records one after the other in a buffer that is reused, so that writing a record allocates
//! nothing. Invariant: records are complete, and in order.

use std::ops::Range;
use std::sync::Arc;

use super::record::{Header, OutputRecord};

/// What stays reserved when the buffer is emptied, in bytes: a few very large records do not keep
/// their memory for ever.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// Records to be written to the destination cluster.
#[derive(Debug, Clone, Default)]
pub struct OutputBuffer {
    records: Vec<Entry>,
    headers: Vec<HeaderEntry>,
    names: String,
    bytes: Vec<u8>,
    /// The number of the first part of the event that is written.
    first_part: u32,
    part: u32,
}

/// The outputs of one event have so many numbers; all outputs beyond them share the last number.
pub const PARTS_OF_EVENT: u32 = 4096;

/// The most events that are processed of one record.
pub const MAX_EVENTS_IN_RECORD: u32 = 10_000;

/// How many numbers the outputs of one record have.
pub const PARTS_OF_RECORD: u32 = PARTS_OF_EVENT * MAX_EVENTS_IN_RECORD;

/// Which event of a record, from 0, and which of its outputs a part is.
pub fn event_and_output(part: u32) -> (u32, u32) {
    (part / PARTS_OF_EVENT, part % PARTS_OF_EVENT)
}

/// One record; its headers, names and bytes begin where those of the one before end.
#[derive(Debug, Clone)]
struct Entry {
    topic: Arc<str>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
    names: Range<usize>,
    bytes: Range<usize>,
    part: u32,
}

#[derive(Debug, Clone)]
struct HeaderEntry {
    name: Range<usize>,
    value: Option<Range<usize>>,
}

/// A record in an [`OutputBuffer`].
#[derive(Debug, Clone, Copy)]
pub struct Output<'b> {
    /// Topic of the destination cluster.
    pub topic: &'b Arc<str>,
    /// `None` is Kafka's null key.
    pub key: Option<&'b [u8]>,
    /// `None` is Kafka's null value (only dead letters of tombstones have it).
    pub value: Option<&'b [u8]>,
    /// Which of the outputs of one source record it is, see [`event_and_output`].
    pub part: u32,
    headers: &'b [HeaderEntry],
    content_bytes: usize,
    buffer: &'b OutputBuffer,
}

impl OutputBuffer {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What is appended from now on comes from this event of a source record, from 0.
    pub fn begin_event(&mut self, event: u32) {
        self.first_part = event.min(MAX_EVENTS_IN_RECORD - 1) * PARTS_OF_EVENT;
        self.part = self.first_part;
    }

    /// What is appended from now on is this output of the event: 0 for the event or what stands in its
    /// place, then a number for each of its alerts. An output keeps its number whatever is written in its
    /// place.
    pub fn begin_output(&mut self, output: u32) {
        self.part = self.first_part + output.min(PARTS_OF_EVENT - 1);
    }

    /// Appends a record, and gives it; `value` appends its value to the bytes that it is given.
    pub fn push<'h>(
        &mut self,
        topic: &Arc<str>,
        key: Option<&[u8]>,
        headers: impl IntoIterator<Item = Header<'h>>,
        value: impl FnOnce(&mut Vec<u8>),
    ) -> Output<'_> {
        self.append(topic, key, headers, |bytes| {
            value(bytes);
            true
        })
    }

    /// Appends a copy of a record.
    pub fn push_record(&mut self, record: &OutputRecord) {
        let headers = record.borrowed_headers();
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        self.push_copy(&record.topic, key, headers, value);
    }

    /// Appends a record whose value may be null.
    pub fn push_copy<'h>(
        &mut self,
        topic: &Arc<str>,
        key: Option<&[u8]>,
        headers: impl IntoIterator<Item = Header<'h>>,
        value: Option<&[u8]>,
    ) {
        self.append(topic, key, headers, |bytes| {
            bytes.extend_from_slice(value.unwrap_or_default());
            value.is_some()
        });
    }

    /// Appends a record whose value is null if `value` says that there is none.
    fn append<'h>(
        &mut self,
        topic: &Arc<str>,
        key: Option<&[u8]>,
        headers: impl IntoIterator<Item = Header<'h>>,
        value: impl FnOnce(&mut Vec<u8>) -> bool,
    ) -> Output<'_> {
        // What a panic left behind belongs to no record.
        self.truncate(self.records.len());
        let starts = (self.headers.len(), self.names.len(), self.bytes.len());
        headers.into_iter().for_each(|header| {
            let name = self.names.len();
            self.names.push_str(header.name);
            let value = header.value.map(|value| stored(&mut self.bytes, value));
            self.headers.push(HeaderEntry {
                name: name..self.names.len(),
                value,
            });
        });
        let key = key.map(|key| stored(&mut self.bytes, key));
        let start = self.bytes.len();
        let has_value = value(&mut self.bytes);
        let bytes_end = self.bytes.len();
        self.records.push(Entry {
            topic: Arc::clone(topic),
            key,
            value: has_value.then_some(start..bytes_end),
            headers: starts.0..self.headers.len(),
            names: starts.1..self.names.len(),
            bytes: starts.2..bytes_end,
            part: self.part,
        });
        self.output(&self.records[self.records.len() - 1])
    }

    /// Keeps the first `len` records.
    pub fn truncate(&mut self, len: usize) {
        self.records.truncate(len);
        let (headers, names, bytes) = self.records.last().map_or((0, 0, 0), |last| {
            (last.headers.end, last.names.end, last.bytes.end)
        });
        self.headers.truncate(headers);
        self.names.truncate(names);
        self.bytes.truncate(bytes);
    }

    /// Forgets all records, and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        self.truncate(0);
        self.bytes.shrink_to(KEPT_BYTES);
    }

    /// The records from this one on, in order.
    pub fn iter_from(&self, first: usize) -> impl ExactSizeIterator<Item = Output<'_>> {
        let records = self.records.get(first..).unwrap_or_default();
        records.iter().map(|entry| self.output(entry))
    }

    /// All records, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Output<'_>> {
        self.records.iter().map(|entry| self.output(entry))
    }

    /// Copies of all records, in order.
    pub fn to_records(&self) -> Vec<OutputRecord> {
        self.iter().map(|output| output.to_record()).collect()
    }

    fn output<'b>(&'b self, entry: &'b Entry) -> Output<'b> {
        Output {
            topic: &entry.topic,
            key: entry.key.clone().map(|key| &self.bytes[key]),
            value: entry.value.clone().map(|value| &self.bytes[value]),
            part: entry.part,
            headers: &self.headers[entry.headers.clone()],
            content_bytes: entry.names.len() + entry.bytes.len(),
            buffer: self,
        }
    }
}

fn stored(bytes: &mut Vec<u8>, value: &[u8]) -> Range<usize> {
    let start = bytes.len();
    bytes.extend_from_slice(value);
    start..bytes.len()
}

impl<'b> Output<'b> {
    /// The headers, in order.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = Header<'b>> + use<'b> {
        let buffer = self.buffer;
        self.headers.iter().map(|header| Header {
            name: &buffer.names[header.name.clone()],
            value: header.value.clone().map(|value| &buffer.bytes[value]),
        })
    }

    /// Bytes of key and value and of the headers' names and values, together.
    pub fn content_bytes(&self) -> usize {
        self.content_bytes
    }

    /// A copy.
    pub fn to_record(&self) -> OutputRecord {
        let headers = self.headers().map(|header| {
            let value = header.value.map(<[u8]>::to_vec);
            (header.name.to_owned().into(), value)
        });
        OutputRecord {
            topic: Arc::clone(self.topic),
            key: self.key.map(<[u8]>::to_vec),
            value: self.value.map(<[u8]>::to_vec),
            headers: headers.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(topic: &str, value: Option<&str>) -> OutputRecord {
        OutputRecord {
            topic: topic.into(),
            key: value.map(|value| value.as_bytes().to_vec()),
            value: value.map(|value| value.as_bytes().to_vec()),
            headers: vec![
                ("ä".into(), Some(b"1".to_vec())),
                ("null".into(), None),
                ("ä".into(), Some(Vec::new())),
            ],
        }
    }

    #[test]
    fn records_come_back_as_they_went_in() {
        let records = [
            record("a", Some("x")),
            record("b", None),
            record("a", Some("")),
        ];
        let mut buffer = OutputBuffer::default();
        for _ in 0..2 {
            records.iter().for_each(|record| buffer.push_record(record));
            assert_eq!(buffer.to_records(), records);
            let content_bytes: Vec<usize> = buffer.iter().map(|one| one.content_bytes()).collect();
            assert_eq!(content_bytes, [11, 9, 9]);
            buffer.truncate(1);
            assert_eq!(buffer.to_records(), records[..1]);
            assert_eq!(buffer.iter_from(0).count(), 1);
            assert_eq!(buffer.iter_from(2).count(), 0);
            buffer.clear();
            assert!(buffer.is_empty() && buffer.iter().next().is_none());
        }
    }

    #[test]
    fn what_a_panic_left_behind_is_in_no_record() {
        let mut buffer = OutputBuffer::default();
        buffer.push_record(&record("a", Some("x")));
        let topic: Arc<str> = "b".into();
        let half = std::panic::AssertUnwindSafe(|| {
            let header = Header {
                name: "h",
                value: Some(b"v"),
            };
            buffer.push(&topic, Some(b"key"), [header], |bytes| {
                bytes.extend_from_slice(b"half");
                panic!("in the middle")
            });
        });
        assert!(std::panic::catch_unwind(half).is_err());
        buffer.push_record(&record("c", Some("y")));
        let expected = [record("a", Some("x")), record("c", Some("y"))];
        assert_eq!(buffer.to_records(), expected);
    }

    #[test]
    fn the_memory_of_a_very_large_record_is_given_back() {
        let mut buffer = OutputBuffer::default();
        buffer.push(&"a".into(), None, [], |bytes| {
            bytes.resize(3 * KEPT_BYTES, 0);
        });
        buffer.clear();
        assert!(buffer.bytes.capacity() <= KEPT_BYTES);
    }
}
