//! The receipt of a dead letter that was retried. It stands in the topic of dead letters, in the partition of the
//! dead letter and so after it: a partition loses its records in their order, hence never the receipt first.

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Digest, OutputRecord, Position};

/// What a receipt says.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'a> {
    /// Where the dead letter stands.
    pub letter: Position<'a>,
    /// How many records were written with it.
    pub outputs: usize,
    /// The digest of the value that somebody gave in place of the dead letter's.
    pub repaired: Option<&'a Digest>,
}

/// The record of a receipt: headers alone.
pub fn receipt(receipt: &Receipt<'_>) -> OutputRecord {
    let mut headers = vec![
        ("watchbell-retried", receipt.letter.reference()),
        ("watchbell-outputs", receipt.outputs.to_string()),
    ];
    if let Some(digest) = receipt.repaired {
        headers.push(("watchbell-repaired-size", digest.size.to_string()));
        headers.push(("watchbell-repaired-sha256", digest.hex()));
    }
    headers.push(("watchbell-version", env!("CARGO_PKG_VERSION").to_owned()));
    headers.push((
        "watchbell-schema",
        super::dead_letter::SCHEMA_VERSION.to_owned(),
    ));
    let headers = headers.into_iter();
    OutputRecord {
        topic: Arc::from(receipt.letter.topic),
        key: None,
        value: None,
        headers: headers
            .map(|(name, value)| (Cow::Borrowed(name), Some(value.into_bytes())))
            .collect(),
    }
}
