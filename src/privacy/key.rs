//! Pseudonyms: HMAC-SHA256 of a value (RFC 2104), so that the same value has the same pseudonym, and nobody without the
//! key can find out whose it is by trying names.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key of pseudonyms. It is never shown.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

/// The fewest bytes of a key: as many as SHA-256 gives (RFC 2104, section 3).
const MIN_BYTES: usize = 32;

/// How many bytes of the HMAC are written, as hexadecimal digits. Of a billion values no two are likely to share them.
const SHOWN_BYTES: usize = 16;

/// The key has too few bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key of pseudonyms has {0} bytes; at least {MIN_BYTES} are required")]
pub struct KeyTooShort(usize);

impl PseudonymKey {
    /// The key that a file holds; line breaks at its end do not belong to it.
    ///
    /// # Errors
    /// It is too short.
    pub fn new(content: &[u8]) -> Result<PseudonymKey, KeyTooShort> {
        let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let breaks = content.iter().rev().take_while(|byte| is_break(byte));
        let key = &content[..content.len() - breaks.count()];
        if key.len() < MIN_BYTES {
            return Err(KeyTooShort(key.len()));
        }
        // HMAC takes keys of any length.
        Hmac::new_from_slice(key)
            .map(PseudonymKey)
            .map_err(|_| KeyTooShort(key.len()))
    }

    /// The pseudonym of a value: `p-` and 32 hexadecimal digits. An e-mail address has one pseudonym in upper and
    /// lower case, because it is one address.
    pub(super) fn pseudonym(&self, value: &str) -> String {
        let mut mac = self.0.clone();
        match value.contains('@') {
            true => mac.update(value.to_lowercase().as_bytes()),
            false => mac.update(value.as_bytes()),
        }
        let digest = mac.finalize().into_bytes();
        format!("p-{}", HEXLOWER.encode(&digest[..SHOWN_BYTES]))
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_the_hmac_that_openssl_gives() {
        let key = PseudonymKey::new(b"0123456789abcdef0123456789abcdef\r\n").unwrap();
        // printf u-1 | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        assert_eq!(key.pseudonym("u-1"), "p-8728cad5b6657e664bb4312bffb6db8b");
        let address = key.pseudonym("ann@example.com");
        assert_eq!(key.pseudonym("Ann@Example.com"), address);
        assert_ne!(key.pseudonym("U-1"), key.pseudonym("u-1"));
        assert!(!format!("{key:?}").contains("0123"));
    }

    #[test]
    fn a_key_has_32_bytes_without_its_line_break() {
        let refused = PseudonymKey::new(b"0123456789abcdef0123456789abcde\n");
        assert_eq!(refused.unwrap_err(), KeyTooShort(31));
        assert!(PseudonymKey::new(&[0; 32]).is_ok());
        assert_eq!(PseudonymKey::new(b"\n\n").unwrap_err(), KeyTooShort(0));
    }
}
