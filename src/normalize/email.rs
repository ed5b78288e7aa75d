//! Addresses of e-mail as OCSF writes them.

use memchr::memchr;

/// Whether OCSF's type `email_t` takes it: one `@`, a domain with a dot, no other than these signs.
pub(super) fn is_email(text: &str) -> bool {
    let in_local =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+,-./=?^_`{|}~".contains(byte);
    let in_domain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.".contains(byte);
    let Some(at) = memchr(b'@', text.as_bytes()) else {
        return false;
    };
    let (local, domain) = (&text.as_bytes()[..at], &text.as_bytes()[at + 1..]);
    let dot = memchr(b'.', domain);
    !local.is_empty()
        && local.iter().all(in_local)
        && domain.iter().all(in_domain)
        && dot.is_some_and(|dot| dot > 0 && dot + 1 < domain.len())
}
