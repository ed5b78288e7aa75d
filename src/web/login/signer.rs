//! Signs what browsers keep for the page. Each purpose has a key of its own, made from the one key of the configuration,
//! so that what was signed for one purpose is not accepted for another.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Signs for one purpose, by HMAC-SHA-256.
#[derive(Clone)]
pub(super) struct Signer(Hmac<Sha256>);

impl Signer {
    /// The signer of a purpose; `None` never happens, since HMAC takes keys of any length.
    pub(super) fn new(key: &[u8], purpose: &[&str]) -> Option<Signer> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        for part in purpose {
            // With the length before it, no two lists of parts are the same bytes.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let derived = mac.finalize().into_bytes();
        Hmac::new_from_slice(&derived).ok().map(Signer)
    }

    /// The content with its signature, as a cookie can hold it.
    pub(super) fn seal(&self, content: &[u8]) -> String {
        let content = BASE64URL_NOPAD.encode(content);
        let signature = self.signature(&content);
        format!("{content}.{signature}")
    }

    /// What was sealed; `None` if the signature is not ours.
    pub(super) fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let (content, signature) = sealed.split_once('.')?;
        let is_ours = self.is_signature(content, signature);
        is_ours.then(|| BASE64URL_NOPAD.decode(content.as_bytes()).ok())?
    }

    /// The signature of a text.
    pub(super) fn signature(&self, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        BASE64URL_NOPAD.encode(&mac.finalize().into_bytes())
    }

    /// Whether this is the signature of a text. The time that it takes does not depend on where it differs.
    pub(super) fn is_signature(&self, text: &str, signature: &str) -> bool {
        let Ok(signature) = BASE64URL_NOPAD.decode(signature.as_bytes()) else {
            return false;
        };
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        mac.verify_slice(&signature).is_ok()
    }

    /// Whether two secrets are the same, in a time that does not say where they differ.
    pub(super) fn is_same(&self, one: &str, other: &str) -> bool {
        self.is_signature(one, &self.signature(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(purpose: &[&str]) -> Signer {
        Signer::new(b"0123456789abcdef0123456789abcdef", purpose).unwrap()
    }

    #[test]
    fn what_was_sealed_is_opened_by_the_same_key_and_purpose_alone() {
        let sealed = signer(&["session", "a"]).seal(b"{\"name\":\"Jane\"}");
        assert_eq!(
            signer(&["session", "a"]).open(&sealed).as_deref(),
            Some(&b"{\"name\":\"Jane\"}"[..])
        );
        assert_eq!(signer(&["session", "b"]).open(&sealed), None);
        assert_eq!(signer(&["sessiona", ""]).open(&sealed), None);
        let other = Signer::new(b"another", &["session", "a"]).unwrap();
        assert_eq!(other.open(&sealed), None);
    }

    #[test]
    fn no_changed_character_is_accepted() {
        let signer = signer(&["session"]);
        let sealed = signer.seal(b"content");
        for at in 0..sealed.len() {
            for by in ["A", "B", ".", "=", "~"] {
                let mut changed = sealed.clone();
                changed.replace_range(at..=at, by);
                let is_same = changed == sealed;
                assert_eq!(signer.open(&changed).is_some(), is_same, "{changed}");
            }
        }
        for other in [
            "",
            ".",
            "a",
            "a.",
            ".b",
            &format!("{sealed}A"),
            &format!("{sealed}."),
        ] {
            assert_eq!(signer.open(other), None, "{other}");
        }
    }

    #[test]
    fn secrets_are_compared_as_wholes() {
        let signer = signer(&["token"]);
        assert!(signer.is_same("abc", "abc"));
        for other in ["", "ab", "abcd", "abd", "ABC"] {
            assert!(!signer.is_same("abc", other), "{other}");
        }
    }
}
