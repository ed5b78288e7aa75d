//! Events in a file: JSON, arrays of JSON, NDJSON, or such lines between others, each plain or in
//! gzip, read piece by piece.
//! Invariants: memory is bounded whatever the file is; what is left out is white space, an array's
//! brackets and commas, or counted.

mod batch;
mod content;
mod damage;
mod event_text;
mod gzip;
mod lines;
mod reader;
pub mod report;
mod scan;
mod utf16;

pub use batch::{Batch, Piece};
pub use reader::Reader;
pub use report::Report;

use std::borrow::Cow;

use serde_json::value::RawValue;

/// The longest event that is held, in bytes; of a longer one only size and digest are kept.
/// No broker takes a record of this size unless it was told to.
pub const MAX_EVENT_BYTES: usize = 32 << 20;

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
