//! The hashes of the ledger: SHA-256 of values, and the first half of it for what is published.

use sha2::{Digest, Sha256};

use crate::event::Header;

/// The name of the hash, which every record of the ledger says.
pub const ALGORITHM: &str = "sha256";

/// A SHA-256.
pub type Sum = [u8; 32];

/// The first 16 bytes of a SHA-256.
pub type OutputHash = [u8; 16];

/// The hash of a value; of a null value 32 zero bytes.
pub fn value_hash(value: Option<&[u8]>) -> Sum {
    value.map_or([0; 32], |value| Sha256::digest(value).into())
}

/// The hash of the value of a record in a topic of events.
pub fn output_hash(value: Option<&[u8]>) -> OutputHash {
    half(value_hash(value))
}

/// The hash of a dead letter: over key, value, and name and value of each header in order, each after its length as 8
/// bytes, big-endian; of what is null the length is -1.
pub fn letter_hash<'h>(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl IntoIterator<Item = Header<'h>>,
) -> OutputHash {
    let mut hash = Sha256::new();
    let mut add = |part: Option<&[u8]>| {
        let length = part.map_or(-1, |part| i64::try_from(part.len()).unwrap_or(i64::MAX));
        hash.update(length.to_be_bytes());
        hash.update(part.unwrap_or_default());
    };
    add(key);
    add(value);
    for header in headers {
        add(Some(header.name.as_bytes()));
        add(header.value);
    }
    half(hash.finalize().into())
}

fn half(sum: Sum) -> OutputHash {
    let (half, _) = sum.split_at(16);
    half.try_into().unwrap_or_default()
}
