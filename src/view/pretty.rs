//! Formats JSON over several lines; scalars stay as written, except secrets.

use std::borrow::Cow;
use std::fmt::Write;

use super::{Emitted, printable_json};
use crate::event::secret::{self, Container, Name, REDACTED, names_another, without_secrets};
use crate::json::{Document, NodeId, ValueKind};
use crate::printable::{beginning_of_bytes, printable_lines};

/// A record's JSON over several lines; what is not JSON is shown as text.
pub fn pretty_record(emitted: &Emitted<'_>) -> String {
    let mut out = String::new();
    match (emitted.document(), emitted.record.value) {
        (Some(document), _) => pretty(document, document.root(), 0, &mut out),
        (None, Some(value)) => {
            let text = String::from_utf8_lossy(beginning_of_bytes(value, MOST_TEXT));
            out = printable_lines(&without_secrets(&text)).into_owned();
        }
        (None, None) => {}
    }
    out
}

/// Most bytes of a value that are shown if it is not JSON.
const MOST_TEXT: usize = 64 << 10;

/// Appends the value; every line but the first is indented by `indent` columns. Small arrays and objects
/// of scalars are written on one line.
pub(super) fn pretty(document: &Document<'_>, id: NodeId, indent: usize, out: &mut String) {
    let mut pretty = Pretty { document, out };
    let container = pretty.container(id, false);
    pretty.value(id, container, Name::default(), indent);
}

/// Parts below this depth are not indented further; otherwise a deeply nested record would be mostly
/// spaces.
const DEEPEST: usize = 60;

/// Longest value in bytes that is written on one line.
const LINE: usize = 72;

struct Pretty<'p, 'r> {
    document: &'p Document<'r>,
    out: &'p mut String,
}

impl Pretty<'_, '_> {
    /// Appends a value; `around` is its parent, or itself if it is the outermost one.
    fn value(&mut self, id: NodeId, around: Container, name: Name, indent: usize) {
        let kind = self.document.kind(id);
        if !matches!(kind, ValueKind::Array | ValueKind::Object) {
            return self.scalar(id, around, name);
        }
        let container = self.container(id, around.hides(name));
        let is_small = self.is_small(id);
        let inner = (indent + 2).min(DEEPEST);
        let (open, close) = brackets(kind);
        self.out.push(open);
        for (index, child) in self.document.children(id).enumerate() {
            // Writing into a string does not fail.
            let _ = match (is_small, index) {
                (true, 0) => Ok(()),
                (true, _) => write!(self.out, ", "),
                (false, 0) => write!(self.out, "\n{:inner$}", ""),
                (false, _) => write!(self.out, ",\n{:inner$}", ""),
            };
            let name = self.name(kind, child);
            self.value(child, container, name, inner);
        }
        if !is_small {
            let _ = write!(self.out, "\n{:indent$}", "");
        }
        self.out.push(close);
    }

    fn is_small(&self, id: NodeId) -> bool {
        let document = self.document;
        let is_scalar =
            |child| !matches!(document.kind(child), ValueKind::Array | ValueKind::Object);
        document.is_leaf(id)
            || document.raw(id).len() <= LINE && document.children(id).all(is_scalar)
    }

    /// What a container says of its children.
    fn container(&self, id: NodeId, is_secret: bool) -> Container {
        let document = self.document;
        let is_object = document.kind(id) == ValueKind::Object;
        let names_secret = |member| {
            let text = document.text(member);
            text.is_some_and(|text| {
                names_another(&document.key(member)) && secret::is_secret(&text)
            })
        };
        Container {
            is_object,
            is_secret,
            names_secret: is_object && document.children(id).any(names_secret),
        }
    }

    /// Appends a scalar as written, or `***` for a secret.
    fn scalar(&mut self, id: NodeId, around: Container, name: Name) {
        let hides = match self.document.kind(id) {
            ValueKind::String => around.hides(name),
            ValueKind::Number => around.hides_number(name),
            _ => false,
        };
        let text = self.document.text(id).unwrap_or_default();
        let raw = self.document.raw(id);
        let shown = match without_secrets(&text) {
            _ if hides => format!("\"{REDACTED}\"").into(),
            Cow::Owned(safe) => serde_json::Value::from(safe).to_string().into(),
            Cow::Borrowed(_) => Cow::Borrowed(raw),
        };
        self.out.push_str(&printable_json(&shown));
    }

    fn name(&mut self, container: ValueKind, child: NodeId) -> Name {
        if container != ValueKind::Object {
            return Name::default();
        }
        let mut name = Vec::new();
        self.document.write_key(child, &mut name);
        self.out
            .push_str(&printable_json(&String::from_utf8_lossy(&name)));
        self.out.push(' ');
        Name::of(&self.document.key(child))
    }
}

fn brackets(kind: ValueKind) -> (char, char) {
    match kind {
        ValueKind::Array => ('[', ']'),
        _ => ('{', '}'),
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

    #[test]
    fn secrets_are_not_shown() {
        let json = r#"{"password":{"value":"S3CRET"},"pin":1234,"id":"KEY1",
            "list":[{"value":"S3CRET","name":"sasl.jaas.config"}],"sql":"'password' = 'S3CRET'"}"#;
        let document = Document::parse(json.as_bytes()).unwrap();
        let mut out = String::new();
        pretty(&document, document.root(), 0, &mut out);
        let expected = r#"{
  "password": {"value": "***"},
  "pin": "***",
  "id": "KEY1",
  "list": [
    {"value": "***", "name": "sasl.jaas.config"}
  ],
  "sql": "'password' = '***'"
}"#;
        assert_eq!(out, expected);
    }

    #[test]
    fn what_is_nested_deep_is_not_mostly_spaces() {
        let json = "[".repeat(128) + &"]".repeat(128);
        let document = Document::parse(json.as_bytes()).unwrap();
        let mut out = String::new();
        pretty(&document, document.root(), 0, &mut out);
        assert!(out.lines().all(|line| line.len() < 100));
    }
}
