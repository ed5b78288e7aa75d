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

/// A larger event stands in the first two alerts that it raises, so that memory does not grow with their
/// number; the others name it.
const LARGE_EVENT_BYTES: usize = 1 << 20;

/// Whether an event stands as evidence in its next alert, after so many others.
pub(super) fn is_evidence(event: &[u8], alerts: usize) -> bool {
    event.len() <= LARGE_EVENT_BYTES || alerts < 2
}

/// Bytes of a record as the broker counts them, framing estimated from above.
pub(super) fn size(output: &Output<'_>) -> usize {
    framed(output.content_bytes(), output.headers().len())
}

/// The same of a record that is not in a buffer.
pub(super) fn record_size(record: &OutputRecord) -> usize {
    let bytes = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
    let headers = record.borrowed_headers();
    let header_bytes: usize = headers
        .map(|header| header.name.len() + bytes(header.value))
        .sum();
    let content_bytes =
        bytes(record.key.as_deref()) + bytes(record.value.as_deref()) + header_bytes;
    framed(content_bytes, record.headers.len())
}

fn framed(content_bytes: usize, headers: usize) -> usize {
    content_bytes + 12 * headers + 100
}
