//! What is expected, as a suppression for the repository of rules. It is a proposal: a person reads it, commits it there,
//! and it is in force when the rules are read again.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::record::Triage;
use crate::printable::is_unseen;
use crate::sigma::escaped;

/// Who did what on what, of the event behind an alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deed {
    /// Paths of OCSF attributes, each with the value that the event has there.
    pub values: Vec<(&'static str, String)>,
}

/// A document with `suppress` for the rule of an incident and for events such as this one. `last_day` is the last day on
/// which it is in force, such as 2027-01-31.
pub fn proposal(triage: &Triage, deed: &Deed, last_day: &str) -> String {
    let (seen, newest) = (&triage.seen, &triage.newest);
    let reason = match &*newest.comment {
        "" => &*seen.title,
        comment => comment,
    };
    let mut out = format!(
        "title: {}\nid: {}\nsuppress:\n  rules: [{}]\n  owner: {}\n  reason: {}\n  expires: {last_day}\n",
        quoted(&format!("Expected: {}", seen.rule)),
        id(&seen.key.to_string()),
        quoted(&seen.rule_id),
        quoted(&newest.who),
        quoted(reason),
    );
    if !deed.values.is_empty() {
        out += "  detection:\n    expected:\n";
        for (path, value) in &deed.values {
            // Writing into a string does not fail.
            let _ = writeln!(out, "      {path}: {}", quoted(&escaped(value)));
        }
        out += "    condition: expected\n";
    }
    out
}

/// A UUID of its own for each incident, always the same.
fn id(key: &str) -> String {
    let hash = Sha256::digest(["suppression of ".as_bytes(), key.as_bytes()].concat());
    let mut bytes: [u8; 16] = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    // Version 8 and the variant of RFC 9562.
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut out = String::with_capacity(36);
    for (number, byte) in bytes.iter().enumerate() {
        let dash = if matches!(number, 4 | 6 | 8 | 10) {
            "-"
        } else {
            ""
        };
        let _ = write!(out, "{dash}{byte:02x}");
    }
    out
}

/// A text of YAML in double quotes, on one line and with everything visible.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        let code = u32::from(character);
        let _ = match character {
            '"' | '\\' => write!(out, "\\{character}"),
            character if !is_unseen(character) => write!(out, "{character}"),
            _ if code <= 0xffff => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out.push('"');
    out
}
