//! Reads events from files: JSON, arrays of JSON, NDJSON, or such lines between others, plain or gzip.
//! Invariants: memory is bounded for every file; text that becomes no record is white space, an
//! array's brackets and commas, or counted in the [`Report`].

mod batch;
mod content;
mod damage;
mod event_text;
#[cfg(feature = "archive")]
mod fingerprint;
mod gzip;
mod lines;
mod reader;
pub mod report;
mod scan;
mod utf16;

pub use batch::{Batch, Piece};
#[cfg(feature = "archive")]
pub use fingerprint::{Fingerprint, FixedContent};
pub use reader::FileReader;
pub use report::Report;

use std::borrow::Cow;

use serde_json::value::RawValue;

/// The longest event that is kept, in bytes; of a longer one only size and digest are.
/// Brokers accept records of this size only if they are configured to.
pub const MAX_EVENT_BYTES: usize = 32 << 20;

/// A JSON value on one line: its line breaks, which are never within strings, become spaces.
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
