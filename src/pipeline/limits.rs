//! How large a record each output topic takes, and how large a record is.

use crate::event::{Header, Output, OutputRecord};

/// The largest record that each output topic takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Normalized events.
    pub events: usize,
    /// Alerts.
    pub alerts: usize,
    /// Dead letters.
    pub dead_letters: usize,
}

impl Limits {
    /// The same for each topic.
    pub fn all(bytes: usize) -> Limits {
        Limits {
            events: bytes,
            alerts: bytes,
            dead_letters: bytes,
        }
    }

    /// What every topic takes.
    pub fn smallest(self) -> usize {
        self.events.min(self.alerts).min(self.dead_letters)
    }
}

/// Why a topic does not take a record of so many bytes; `None` if it does.
pub(super) fn refusal(topic: &str, bytes: usize, limit: usize) -> Option<String> {
    (bytes > limit).then(|| {
        format!("larger than the {limit} bytes that {topic} takes, even without its raw parts")
    })
}

/// Bytes of a record as the broker counts them, framing estimated from above.
pub(super) fn size(output: &Output<'_>) -> usize {
    framed(output.key, output.value, output.headers())
}

/// The same of a record that is not in a buffer.
pub(super) fn record_size(record: &OutputRecord) -> usize {
    let (key, value) = (record.key.as_deref(), record.value.as_deref());
    framed(key, value, record.borrowed_headers())
}

fn framed<'h>(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl Iterator<Item = Header<'h>>,
) -> usize {
    let bytes = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
    let headers = headers.map(|header| header.name.len() + bytes(header.value) + 12);
    bytes(key) + bytes(value) + headers.sum::<usize>() + 100
}
