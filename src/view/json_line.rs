//! One record as one line of JSON, safe to print.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{Emitted, Kind, printable_json};

/// The value of an event or alert. Of anything else the whole record: `topic`, `partition`,
/// `offset`, `timestamp_ms`, `key`, `headers` (the last of equal names) and `value`, which is a
/// string where it is not JSON. Bytes that are not UTF-8 are replaced.
pub fn json_line(emitted: &Emitted<'_>) -> String {
    let record = &emitted.record;
    let value = record.value.map(String::from_utf8_lossy);
    if let (Kind::Event | Kind::Alert, Some(value)) = (emitted.kind, &value) {
        return printable_json(value).into_owned();
    }
    let headers: Map<String, Value> = record
        .headers
        .iter()
        .map(|header| {
            let text = header.value.map(String::from_utf8_lossy);
            (header.name.to_owned(), text.into())
        })
        .collect();
    let shown = match (&value, emitted.document()) {
        (Some(value), Some(_)) => Cow::Borrowed(value.as_ref()),
        (value, _) => Cow::Owned(Value::from(value.as_deref()).to_string()),
    };
    let whole = json!({
        "topic": record.position.topic,
        "partition": record.position.partition.0,
        "offset": record.position.offset.0,
        "timestamp_ms": record.timestamp_ms,
        "key": record.key.map(String::from_utf8_lossy),
        "headers": headers,
    });
    // The value goes in as it was written: numbers and repeated names stay.
    let whole = whole.to_string();
    let open = whole.strip_suffix('}').unwrap_or_default();
    printable_json(&format!("{open},\"value\":{shown}}}")).into_owned()
}
