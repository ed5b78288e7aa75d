//! How large a record is, and what is too large for its topic.

use super::outputs::OutputTopic;
use crate::event::{Output, OutputRecord};

/// Why a topic does not take a record of so many bytes; `None` if it does.
pub(super) fn refusal(output: &OutputTopic, bytes: usize) -> Option<String> {
    let (topic, limit) = (&output.topic, output.max_bytes);
    (bytes > limit).then(|| format!("larger than the {limit} bytes that {topic} takes"))
}

/// A larger event is evidence in only the first two alerts that it raises, so that memory does not grow with
/// the number of alerts; the other alerts refer to it by its id.
const LARGE_EVENT_BYTES: usize = 1 << 20;

/// Whether the event is evidence in its next alert, after this many others.
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
