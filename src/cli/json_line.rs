//! One record of an output topic as one line of JSON without control characters, so that it cannot control
//! the terminal.

use super::replay::emit;
use crate::event::OutputBuffer;
use crate::view::{Emitted, RecordKind, printable_json};

/// The value of an event or alert. Any other record is printed whole, because its headers matter:
/// `topic`, `partition`, `offset`, `timestamp_ms`, `key`, `headers`, `value`.
pub(super) fn json_line(emitted: &Emitted<'_>) -> String {
    let record = &emitted.record;
    if let (RecordKind::Event | RecordKind::Alert, Some(value)) = (emitted.kind, record.value) {
        return printable_json(&String::from_utf8_lossy(value)).into_owned();
    }
    let position = record.position;
    let mut line = format!(
        r#"{{"topic":"{}","partition":{},"offset":{},"timestamp_ms":{},"#,
        // A topic name contains no character that JSON must escape.
        position.topic,
        position.partition.0,
        position.offset.0,
        record
            .timestamp_ms
            .map_or_else(|| "null".to_owned(), |time| time.to_string()),
    )
    .into_bytes();
    let mut buffer = OutputBuffer::default();
    let headers = record.headers.iter().copied();
    buffer.push_copy(&position.topic.into(), record.key, headers, record.value);
    if let Some(copy) = buffer.iter().next() {
        emit::write_content(copy, false, &mut line);
    }
    line.push(b'}');
    printable_json(&String::from_utf8_lossy(&line)).into_owned()
}
