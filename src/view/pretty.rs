//! JSON over several lines, every scalar as it was written.

use std::fmt::Write;

use super::printable_json;
use crate::event::json::{Document, Kind, NodeId};

/// Appends the value, each line but the first `indent` columns in. Small arrays and objects of
/// scalars stand on one line.
pub(super) fn pretty(document: &Document<'_>, id: NodeId, indent: usize, out: &mut String) {
    let kind = document.kind(id);
    if !matches!(kind, Kind::Array | Kind::Object) || is_small(document, id) {
        compact(document, id, out);
        return;
    }
    let (open, close) = brackets(kind);
    out.push(open);
    for (index, child) in document.children(id).enumerate() {
        let separator = if index > 0 { "," } else { "" };
        let inner = (indent + 2).min(DEEPEST);
        // Writing into a string does not fail.
        let _ = write!(out, "{separator}\n{:inner$}", "");
        name(document, kind, child, out);
        pretty(document, child, inner, out);
    }
    let _ = write!(out, "\n{:indent$}{close}", "");
}

/// Deeper parts stand no further to the right: a long record that is nested deep would be mostly spaces.
const DEEPEST: usize = 60;

/// Longest value in bytes that is written on one line.
const LINE: usize = 72;

fn is_small(document: &Document<'_>, id: NodeId) -> bool {
    let is_scalar = |child| !matches!(document.kind(child), Kind::Array | Kind::Object);
    document.raw(id).len() <= LINE && document.children(id).all(is_scalar)
}

fn compact(document: &Document<'_>, id: NodeId, out: &mut String) {
    let kind = document.kind(id);
    if !matches!(kind, Kind::Array | Kind::Object) {
        out.push_str(&printable_json(document.raw(id)));
        return;
    }
    let (open, close) = brackets(kind);
    out.push(open);
    for (index, child) in document.children(id).enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        name(document, kind, child, out);
        compact(document, child, out);
    }
    out.push(close);
}

fn brackets(kind: Kind) -> (char, char) {
    match kind {
        Kind::Array => ('[', ']'),
        _ => ('{', '}'),
    }
}

fn name(document: &Document<'_>, container: Kind, child: NodeId, out: &mut String) {
    if container == Kind::Object {
        let mut name = Vec::new();
        document.write_key(child, &mut name);
        out.push_str(&printable_json(&String::from_utf8_lossy(&name)));
        out.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_as_written_and_small_parts_stay_on_a_line() {
        let json = r#"{"a":1.50,"b":{"c":"\u001bx\u009b"},"d":[],"e":[{"f":null}],"g":"y"}"#;
        let json = json.replace("\\u009b", "\u{9b}");
        let document = Document::parse(json.as_bytes()).unwrap();
        let mut out = String::new();
        pretty(&document, document.root(), 2, &mut out);
        let expected = r#"{
    "a": 1.50,
    "b": {"c": "\u001bx\u009b"},
    "d": [],
    "e": [
      {"f": null}
    ],
    "g": "y"
  }"#;
        assert_eq!(out, expected);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&out), value(&json));
    }
}
