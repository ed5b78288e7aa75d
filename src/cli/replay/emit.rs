//! Writes records as lines of JSON.
//! Invariant: every line is one JSON value, whatever the record contains.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt};

use clap::ValueEnum;
use data_encoding::BASE64;
use serde::Serialize;
use serde_json::json;

use crate::event::Output;
use crate::files::{is_json, on_one_line};
use crate::pipeline::{Content, OutputList};

/// Which of the output records are printed, and whether whole or only their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Emit {
    /// Every record with topic, key and headers.
    All,
    /// The same as the routes, the noise policy and the policies of privacy of the configuration make them.
    Routed,
    /// Only the values of events.
    Events,
    /// Only the values of alerts.
    Alerts,
    /// Only the values of dead letters.
    DeadLetters,
}

impl Emit {
    /// Appends the line of the record if this selection includes it.
    pub(super) fn write(self, output: Output<'_>, outputs: &OutputList, out: &mut Vec<u8>) {
        let content = match self {
            Emit::All => return write_whole(output, is_encoded(output, outputs), out),
            // A route may write a record as its source wrote it.
            Emit::Routed => return write_whole(output, false, out),
            Emit::Events => Content::Events,
            Emit::Alerts => Content::Alerts,
            Emit::DeadLetters => Content::DeadLetters,
        };
        if *output.topic != outputs.of(content).topic {
            return;
        }
        match json_line(output, is_encoded(output, outputs)) {
            Some(line) => out.extend_from_slice(&line),
            None => match text(output.value) {
                Ok(text) => write(&text, out),
                Err(base64) => write(&json!({"value_base64": base64}), out),
            },
        }
        out.push(b'\n');
    }
}

/// `{"topic","key","headers","value"}`; what is not UTF-8 is in base64, under the name followed by `_base64`.
fn write_whole(output: Output<'_>, is_encoded: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"topic\":");
    write(&**output.topic, out);
    out.push(b',');
    write_content(output, is_encoded, out);
    out.extend_from_slice(b"}\n");
}

/// Whether the value is an event or an alert, which the pipeline has just encoded as JSON on one line. The value
/// of a dead letter is the value of the source record, which may be anything.
fn is_encoded(output: Output<'_>, outputs: &OutputList) -> bool {
    *output.topic != outputs.of(Content::DeadLetters).topic
}

/// Writes the members `key`, `headers` and `value`. If `is_encoded`, the value is known to be JSON on one line and
/// is copied without a check.
pub(in crate::cli) fn write_content(output: Output<'_>, is_encoded: bool, out: &mut Vec<u8>) {
    write_member("key", text(output.key), out);
    out.extend_from_slice(b",\"headers\":{");
    write_headers(output, out);
    out.extend_from_slice(b"},");
    match json_line(output, is_encoded) {
        Some(line) => {
            out.extend_from_slice(b"\"value\":");
            out.extend_from_slice(&line);
        }
        None => write_member("value", text(output.value), out),
    }
}

/// The value as one line, if it is JSON.
fn json_line(output: Output<'_>, is_encoded: bool) -> Option<Cow<'_, [u8]>> {
    let value = output.value?;
    if is_encoded {
        return Some(Cow::Borrowed(value));
    }
    is_json(value).then(|| on_one_line(value))
}

/// Writes each header name once, in the order of the record. Kafka allows a name to be repeated; such a name has a
/// list of its values.
fn write_headers(output: Output<'_>, out: &mut Vec<u8>) {
    let mut members: Vec<(Cow<'_, str>, Vec<Text<'_>>)> = Vec::with_capacity(8);
    let mut places: HashMap<Cow<'_, str>, usize> = HashMap::new();
    for header in output.headers() {
        let value = text(header.value);
        let name: Cow<'_, str> = match value {
            Ok(_) => header.name.into(),
            Err(_) => format!("{}_base64", header.name).into(),
        };
        let place = *places.entry(name.clone()).or_insert(members.len());
        match members.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => members.push((name, vec![value])),
        }
    }
    for (number, (name, values)) in members.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(name, out);
        out.push(b':');
        let values: Vec<Option<&str>> = values.iter().map(printed).collect();
        match values[..] {
            [value] => write(&value, out),
            _ => write(&values, out),
        }
    }
}

/// The text of a JSON string, or `None` for `null`.
fn printed<'t>(value: &'t Text<'_>) -> Option<&'t str> {
    match value {
        Ok(text) => *text,
        Err(base64) => Some(base64),
    }
}

/// `Ok` is `null` or a string; `Err` is the base64 of bytes that are not UTF-8.
type Text<'t> = Result<Option<&'t str>, String>;

fn text(bytes: Option<&[u8]>) -> Text<'_> {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => Ok(None),
        Some((_, Ok(text))) => Ok(Some(text)),
        Some((bytes, Err(_))) => Err(BASE64.encode(bytes)),
    }
}

fn write_member(name: &str, value: Text<'_>, out: &mut Vec<u8>) {
    let suffix = if value.is_ok() { "" } else { "_base64" };
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(suffix.as_bytes());
    out.extend_from_slice(b"\":");
    match value {
        Ok(text) => write(&text, out),
        Err(base64) => write(&base64, out),
    }
}

fn write(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{OutputBuffer, OutputRecord};

    fn lines(emit: Emit, value: Option<&[u8]>, headers: &[(&'static str, &[u8])]) -> Vec<String> {
        let outputs = OutputList::new(|content| match content {
            Content::DeadLetters => "dead",
            _ => content.name(),
        });
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).into(), Some(value.to_vec())));
        let mut buffer = OutputBuffer::default();
        buffer.push_record(&OutputRecord {
            topic: "dead".into(),
            key: None,
            value: value.map(<[u8]>::to_vec),
            headers: headers.collect(),
        });
        let mut out = Vec::new();
        emit.write(buffer.iter().next().unwrap(), &outputs, &mut out);
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
