//! How large a record each output topic takes, and how large a record is.

use crate::event::{Output, OutputRecord};

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
    let headers = output.headers();
    let headers = headers.map(|header| (header.name.len(), header.value.map_or(0, <[u8]>::len)));
    framed(output.key, output.value, headers)
}

/// The same of a record that is not in a buffer.
pub(super) fn record_size(record: &OutputRecord) -> usize {
    let headers = record.headers.iter();
    let headers = headers.map(|(name, value)| (name.len(), value.as_ref().map_or(0, Vec::len)));
    framed(record.key.as_deref(), record.value.as_deref(), headers)
}

fn framed(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl Iterator<Item = (usize, usize)>,
) -> usize {
    let headers = headers.map(|(name, value)| name + value + 12);
    key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + headers.sum::<usize>() + 100
}
