//! Random texts that nobody can guess.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// 256 random bits as 43 characters of a URL.
pub(super) fn random_text() -> String {
    BASE64URL_NOPAD.encode(&random_bytes())
}

/// 256 random bits: each UUID has 122 of them, from the system.
pub(super) fn random_bytes() -> [u8; 32] {
    let uuids = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
    let bytes: Vec<u8> = uuids.iter().flat_map(|uuid| *uuid.as_bytes()).collect();
    Sha256::digest(bytes).into()
}
