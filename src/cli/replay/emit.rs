//! Records as lines of JSON.
//! Invariant: every line is one JSON value, whatever the record holds.

use std::borrow::Cow;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::event::OutputRecord;
use crate::files::{base64, is_json, on_one_line};
use crate::pipeline::Topics;

/// What is printed of the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Emit {
    /// Every record with topic, key and headers.
    All,
    /// The values of events.
    Events,
    /// The values of alerts.
    Alerts,
    /// The values of dead letters.
    DeadLetters,
}

impl Emit {
    /// Appends the record's line, if it is wanted.
    pub(super) fn write(self, record: &OutputRecord, topics: &Topics, out: &mut Vec<u8>) {
        let topic = match self {
            Emit::All => return whole(record, topics, out),
            Emit::Events => &topics.events,
            Emit::Alerts => &topics.alerts,
            Emit::DeadLetters => &topics.dead_letters,
        };
        if record.topic != *topic {
            return;
        }
        match json_line(record, is_ours(record, topics)) {
            Some(line) => out.extend_from_slice(&line),
            None => match text(record.value.as_deref()) {
                Ok(text) => write(&text, out),
                Err(base64) => write(&json!({"value_base64": base64}), out),
            },
        }
        out.push(b'\n');
    }
}

/// `{"topic","key","headers","value"}`; what is not UTF-8 stands under the name with `_base64`.
fn whole(record: &OutputRecord, topics: &Topics, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"topic\":");
    write(&Value::from(&*record.topic), out);
    out.push(b',');
    content(record, is_ours(record, topics), out);
    out.extend_from_slice(b"}\n");
}

/// Whether the value is an event or an alert that was just written: JSON, on one line. A dead letter
/// holds what was read.
fn is_ours(record: &OutputRecord, topics: &Topics) -> bool {
    record.topic != topics.dead_letters
}

/// The members `key`, `headers` and `value`; the value of a record that `is_ours` is not looked at.
pub(in crate::cli) fn content(record: &OutputRecord, is_ours: bool, out: &mut Vec<u8>) {
    member("key", text(record.key.as_deref()), out);
    out.extend_from_slice(b",\"headers\":{");
    for (index, (name, values)) in headers(record).iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(&Value::from(name.as_str()), out);
        out.push(b':');
        match values.as_slice() {
            [value] => write(value, out),
            // Kafka allows a name to be repeated.
            values => write(&Value::from(values), out),
        }
    }
    out.extend_from_slice(b"},");
    match json_line(record, is_ours) {
        Some(line) => {
            out.extend_from_slice(b"\"value\":");
            out.extend_from_slice(&line);
        }
        None => member("value", text(record.value.as_deref()), out),
    }
}

/// The value on one line, if it is JSON.
fn json_line(record: &OutputRecord, is_ours: bool) -> Option<Cow<'_, [u8]>> {
    let value = record.value.as_deref()?;
    if is_ours {
        return Some(Cow::Borrowed(value));
    }
    is_json(value).then(|| on_one_line(value))
}

/// Each name once, in the order of the record, with its values in theirs.
fn headers(record: &OutputRecord) -> Vec<(String, Vec<Value>)> {
    let mut headers: Vec<(String, Vec<Value>)> = Vec::new();
    for (name, value) in &record.headers {
        let (name, value) = match text(value.as_deref()) {
            Ok(text) => (name.to_string(), text),
            Err(base64) => (format!("{name}_base64"), base64),
        };
        match headers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => headers.push((name, vec![value])),
        }
    }
    headers
}

/// `null` or a string; in base64 what is not UTF-8.
fn text(bytes: Option<&[u8]>) -> Result<Value, Value> {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => Ok(Value::Null),
        Some((_, Ok(text))) => Ok(text.into()),
        Some((bytes, Err(_))) => Err(base64::encode(bytes).into()),
    }
}

fn member(name: &str, value: Result<Value, Value>, out: &mut Vec<u8>) {
    let suffix = if value.is_ok() { "" } else { "_base64" };
    write(&Value::from(format!("{name}{suffix}")), out);
    out.push(b':');
    let (Ok(value) | Err(value)) = value;
    write(&value, out);
}

fn write(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(value.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(emit: Emit, value: Option<&[u8]>, headers: &[(&'static str, &[u8])]) -> Vec<String> {
        let topics = Topics {
            events: "events".into(),
            alerts: "alerts".into(),
            dead_letters: "dead".into(),
        };
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).into(), Some(value.to_vec())));
        let record = OutputRecord {
            topic: "dead".into(),
            key: None,
            value: value.map(<[u8]>::to_vec),
            headers: headers.collect(),
        };
        let mut out = Vec::new();
        emit.write(&record, &topics, &mut out);
        let out = String::from_utf8(out).unwrap();
        out.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_bare_value_is_one_line_of_json() {
        let cases: [(Option<&[u8]>, &str); 5] = [
            (Some(b"{\n \"a\": \"x\\n\"\r\n}"), "{  \"a\": \"x\\n\"  }"),
            (Some(b"cut \"off\n"), "\"cut \\\"off\\n\""),
            (Some(b""), "\"\""),
            (Some(b"\xff{}"), "{\"value_base64\":\"/3t9\"}"),
            (None, "null"),
        ];
        for (value, line) in cases {
            assert_eq!(lines(Emit::DeadLetters, value, &[]), [line]);
        }
        assert!(lines(Emit::Events, Some(b"{}"), &[]).is_empty());
    }

    #[test]
    fn a_repeated_header_is_a_list_and_nothing_else_is() {
        let headers: [(&'static str, &[u8]); 4] =
            [("b", b"1"), ("a", b"2"), ("b", b"3"), ("c", b"\xff")];
        assert_eq!(
            lines(Emit::All, Some(b"[1,\n2]"), &headers),
            [
                "{\"topic\":\"dead\",\"key\":null,\"headers\":{\"b\":[\"1\",\"3\"],\"a\":\"2\",\
                 \"c_base64\":\"/w==\"},\"value\":[1, 2]}"
            ]
        );
    }
}
