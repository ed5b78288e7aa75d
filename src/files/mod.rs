//! Events in a file: JSON, arrays of JSON, NDJSON, each plain or in gzip.
//! Invariant: no text is left out but white space and an array's brackets and commas; what is not
//! JSON comes out as it stands, for the pipeline to refuse.

pub mod base64;

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The content, decompressed if it is gzip, whatever the name says.
///
/// # Errors
/// The gzip is damaged.
pub fn decompress(content: Vec<u8>) -> io::Result<Vec<u8>> {
    if !content.starts_with(GZIP_MAGIC) {
        return Ok(content);
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(content.as_slice()).read_to_end(&mut text)?;
    Ok(text)
}

/// The text of each event, in order. Where a document is not JSON, the last one is what stands from
/// the fault to the end; in NDJSON every line stands for itself.
pub fn events<'t>(name: &str, text: &'t [u8]) -> Vec<&'t [u8]> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if is_ndjson(name, text) {
        lines(text).collect()
    } else {
        documents(text)
    }
}

/// A value as one line: JSON needs no line breaks, and has none within strings.
pub fn on_one_line(json: &[u8]) -> Cow<'_, [u8]> {
    if !json.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Cow::Borrowed(json);
    }
    let unbroken = |byte: &u8| match byte {
        b'\n' | b'\r' => b' ',
        byte => *byte,
    };
    Cow::Owned(json.iter().map(unbroken).collect())
}

/// Whether these bytes are one JSON value.
pub fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}

fn is_ndjson(name: &str, text: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if name.ends_with(".ndjson") || name.ends_with(".jsonl") {
        return true;
    }
    // An array on one line is a document to be split.
    lines(text)
        .next()
        .is_some_and(|line| !line.starts_with(b"[") && is_json(line))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
}

/// Values one after the other, arrays among them split into their elements.
fn documents(text: &[u8]) -> Vec<&[u8]> {
    let mut events = Vec::new();
    let mut rest = text.trim_ascii();
    while !rest.is_empty() {
        let after = match rest.strip_prefix(b"[") {
            Some(inside) => elements(inside, &mut events),
            None => value(rest, &mut events),
        };
        match after {
            Ok(after) => rest = after.trim_ascii_start(),
            Err(fault) => {
                events.push(fault);
                break;
            }
        }
    }
    events
}

/// The elements of an array after its bracket; returns what follows the array, or from the fault on.
fn elements<'t>(inside: &'t [u8], events: &mut Vec<&'t [u8]>) -> Result<&'t [u8], &'t [u8]> {
    let mut rest = inside.trim_ascii_start();
    if let Some(after) = rest.strip_prefix(b"]") {
        return Ok(after);
    }
    loop {
        let after = value(rest, events)?.trim_ascii_start();
        match after.split_first() {
            Some((b',', next)) => rest = next.trim_ascii_start(),
            Some((b']', next)) => return Ok(next),
            _ => return Err(after),
        }
    }
}

/// One value; returns what follows it, or if there is none all of the text.
fn value<'t>(text: &'t [u8], events: &mut Vec<&'t [u8]>) -> Result<&'t [u8], &'t [u8]> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
    match values.next() {
        Some(Ok(value)) => {
            events.push(value.get().as_bytes());
            Ok(text.get(values.byte_offset()..).unwrap_or_default())
        }
        _ => Err(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'t>(name: &str, text: &'t str) -> Vec<&'t str> {
        let events = events(name, text.as_bytes());
        events
            .into_iter()
            .map(|event| std::str::from_utf8(event).unwrap())
            .collect()
    }

    #[test]
    fn an_array_is_split_and_a_document_is_one_event() {
        assert_eq!(read("a.json", "[{\"a\":1},\n 2 ]"), ["{\"a\":1}", "2"]);
        assert_eq!(read("a.json", "{\n\"a\":1}\n"), ["{\n\"a\":1}"]);
        assert!(read("a.json", " [ ] ").is_empty());
    }

    #[test]
    fn a_document_ends_at_its_fault() {
        assert_eq!(read("a.json", "[{}, {\"a\n, 3]"), ["{}", "{\"a\n, 3]"]);
        assert_eq!(read("a.json", "{}x\n{}"), ["{}", "x\n{}"]);
        assert_eq!(read("a.json", "[1"), ["1", ""]);
    }

    #[test]
    fn each_line_of_ndjson_stands_for_itself() {
        assert_eq!(read("a.log", "{}\r\n\nbad\n{}"), ["{}", "bad", "{}"]);
        assert_eq!(read("a.jsonl.gz", "bad\n{}"), ["bad", "{}"]);
    }
}
