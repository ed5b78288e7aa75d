//! What could not become an event: the original key, value and headers, and why, in headers of
//! our own that begin with `watchbell-`. It is no CloudEvent.

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Digest, OutputRecord, RawRecord};
use crate::printable::printable;

/// Why a record is a dead letter.
#[derive(Debug, Clone, Copy)]
pub struct DeadLetter<'a> {
    /// One word, also the metric label.
    pub reason: &'a str,
    /// For a person.
    pub detail: &'a str,
    /// The largest record its topic takes, in bytes; a larger one loses its value, and if that is
    /// not enough its key and headers, too. 0 keeps nothing.
    pub max_bytes: usize,
    /// It loses its value even if it is not too large.
    pub cut: bool,
    /// Nothing is kept of the original, nor said of what is in it: only where it stands, its size and its SHA-256.
    pub sealed: bool,
    /// Of a value that could not be held: all that is known of it.
    pub unread: Option<&'a Digest>,
    /// Set if it stands for a single output of an event, whose other outputs are written: the name of the route,
    /// or `default`.
    pub output: Option<&'a str>,
    /// Set if the record was read by a command, and not by the daemon.
    pub origin: Option<&'a str>,
}

/// What is said in place of a sealed dead letter's detail, which may quote the record.
pub const SEALED_DETAIL: &str =
    "not said, because dead letters are sealed: what cannot be parsed cannot be masked";

/// Version of these headers; additive changes keep it.
pub(super) const SCHEMA_VERSION: &str = "1";

/// Framing, and the headers that a cut value has besides, take less than this, in bytes.
const FRAME_BYTES: usize = 300;

/// Framing of one header.
const HEADER_BYTES: usize = 12;

/// The dead letter of a record. What is too large for the topic is cut, with the value's size and
/// SHA-256 in its headers.
pub fn dead_letter(record: &RawRecord<'_>, topic: &Arc<str>, why: DeadLetter<'_>) -> OutputRecord {
    let detail = match why.sealed {
        true => SEALED_DETAIL,
        false => why.detail,
    };
    let detail: String = printable(detail).chars().take(1024).collect();
    let mut ours = vec![
        ("watchbell-reason", why.reason.to_owned()),
        ("watchbell-detail", detail),
    ];
    if why.sealed {
        ours.push(("watchbell-sealed", "true".to_owned()));
    }
    let set = [
        ("watchbell-output", why.output),
        ("watchbell-origin", why.origin),
    ];
    ours.extend(
        set.into_iter()
            .filter_map(|(name, value)| Some((name, value?.to_owned()))),
    );
    ours.extend(source_headers(record));
    ours.push(("watchbell-version", env!("CARGO_PKG_VERSION").to_owned()));
    ours.push(("watchbell-schema", SCHEMA_VERSION.to_owned()));
    let headers_bytes: usize = record
        .headers
        .iter()
        .map(|header| header.name.len() + header.value.map_or(0, <[u8]>::len) + HEADER_BYTES)
        .sum();
    let ours_bytes: usize = ours
        .iter()
        .map(|(name, value)| name.len() + value.len() + HEADER_BYTES)
        .sum();
    let key_bytes = record.key.map_or(0, <[u8]>::len);
    let frame_bytes = key_bytes + headers_bytes + ours_bytes + FRAME_BYTES;
    let value_bytes = record.value.map_or(0, <[u8]>::len);
    let keeps_frame = !why.sealed && frame_bytes <= why.max_bytes;
    let keeps_value = keeps_frame
        && why.unread.is_none()
        && !why.cut
        && frame_bytes + value_bytes <= why.max_bytes;
    let mut headers: Vec<(Cow<'static, str>, Option<Vec<u8>>)> = Vec::new();
    if keeps_frame {
        headers.extend(record.headers.iter().map(|header| {
            let value = header.value.map(<[u8]>::to_vec);
            (Cow::Owned(header.name.to_owned()), value)
        }));
    }
    if !keeps_value {
        let digest = match why.unread {
            Some(digest) => *digest,
            None => Digest::of(record.value.unwrap_or_default()),
        };
        ours.push(("watchbell-cut-size", digest.size.to_string()));
        ours.push(("watchbell-cut-sha256", digest.hex()));
    }
    headers.extend(
        ours.into_iter()
            .map(|(name, value)| (Cow::Borrowed(name), Some(value.into_bytes()))),
    );
    OutputRecord {
        topic: topic.clone(),
        key: record.key.filter(|_| keeps_frame).map(<[u8]>::to_vec),
        value: record.value.filter(|_| keeps_value).map(<[u8]>::to_vec),
        headers,
    }
}

/// Headers that say where a record stands in its source.
pub fn source_headers(record: &RawRecord<'_>) -> Vec<(&'static str, String)> {
    let position = &record.position;
    let mut headers = vec![
        ("watchbell-source-topic", position.topic.to_owned()),
        (
            "watchbell-source-partition",
            position.partition.0.to_string(),
        ),
        ("watchbell-source-offset", position.offset.0.to_string()),
    ];
    if let Some(element) = position.element {
        headers.push(("watchbell-source-element", element.to_string()));
    }
    if let Some(timestamp_ms) = record.timestamp_ms {
        headers.push(("watchbell-source-timestamp", timestamp_ms.to_string()));
    }
    headers
}

#[cfg(test)]
mod tests;
