//! Pseudonyms: HMAC-SHA256 of a value (RFC 2104), so that the same value has the same pseudonym, and nobody without the
//! key can find out whose it is by trying names.

use std::fmt;
use std::net::IpAddr;

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

/// What is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It has too few bytes.
    #[error("the key of pseudonyms has {0} bytes; at least {MIN_BYTES} are required")]
    TooShort(usize),
    /// Anybody could guess it.
    #[error("the key of pseudonyms is one byte, repeated")]
    OneByte,
}

/// What some editors write at the beginning of a file in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl PseudonymKey {
    /// The key that a file holds; a byte order mark, and line breaks at its end, do not belong to it.
    ///
    /// # Errors
    /// It is too short, or can be guessed.
    pub fn new(content: &[u8]) -> Result<PseudonymKey, KeyError> {
        let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
        let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let breaks = content.iter().rev().take_while(|byte| is_break(byte));
        let key = &content[..content.len() - breaks.count()];
        if key.len() < MIN_BYTES {
            return Err(KeyError::TooShort(key.len()));
        }
        if key.iter().all(|byte| *byte == key[0]) {
            return Err(KeyError::OneByte);
        }
        // HMAC takes keys of any length.
        Hmac::new_from_slice(key)
            .map(PseudonymKey)
            .map_err(|_| KeyError::TooShort(key.len()))
    }

    /// The pseudonym of a value: `p-` and 32 hexadecimal digits. An e-mail address has one pseudonym in upper and
    /// lower case, and an IP address in all its spellings, because it is one address.
    pub(super) fn pseudonym(&self, value: &str) -> String {
        let mut mac = self.0.clone();
        match value.parse::<IpAddr>() {
            Ok(address) => mac.update(address.to_string().as_bytes()),
            Err(_) if value.contains('@') => mac.update(value.to_lowercase().as_bytes()),
            Err(_) => mac.update(value.as_bytes()),
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
        assert_eq!(refused.unwrap_err(), KeyError::TooShort(31));
        assert_eq!(
            PseudonymKey::new(b"\n\n").unwrap_err(),
            KeyError::TooShort(0)
        );
        assert_eq!(PseudonymKey::new(&[7; 32]).unwrap_err(), KeyError::OneByte);
        let key = |content: &[u8]| PseudonymKey::new(content).unwrap().pseudonym("u-1");
        let bytes = b"0123456789abcdef0123456789abcdef";
        assert_eq!(key(&[BYTE_ORDER_MARK, bytes].concat()), key(bytes));
    }
}
