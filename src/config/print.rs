//! The effective configuration as YAML, each value with its origin, secrets redacted.
//! Invariant: the text contains no secret, wherever the secret was set.

use std::fmt::Write;

use config::{Map, Value, ValueKind};

use super::schema::ROOT;
use crate::kafka::client::is_secret;
use crate::settings::{DEFAULT, Key, Shape};

/// Write the merged layers in the order of the schema.
pub(super) fn print(merged: &Map<String, Value>) -> String {
    let mut text = String::new();
    section(merged, ROOT, 0, &mut text);
    text
}

fn section(table: &Map<String, Value>, keys: &[Key], depth: usize, text: &mut String) {
    for key in keys {
        let Some(value) = table.get(key.name) else {
            continue;
        };
        match (key.shape, &value.kind) {
            (Shape::Section(keys), ValueKind::Table(inner)) => {
                if has_values(inner) {
                    line(depth, key.name, "", None, text);
                    section(inner, keys, depth + 1, text);
                }
            }
            (Shape::Named(_), ValueKind::Table(inner)) if inner.is_empty() => {}
            // Canonical JSON is YAML.
            (Shape::Structure(_), ValueKind::String(written)) => {
                line(depth, key.name, written, Some(value), text);
            }
            (Shape::Named(keys), ValueKind::Table(inner)) => {
                line(depth, key.name, "", None, text);
                for (name, value) in sorted(inner) {
                    if let ValueKind::Table(named) = &value.kind {
                        line(depth + 1, name, "", None, text);
                        section(named, keys(), depth + 2, text);
                    }
                }
            }
            (_, ValueKind::Table(inner)) => {
                let secrets = matches!(key.shape, Shape::Properties);
                if has_values(inner) {
                    line(depth, key.name, "", None, text);
                }
                for (name, value) in sorted(inner) {
                    let redact = secrets && is_secret(name) && !name.ends_with("_file");
                    leaf(depth + 1, name, value, redact, text);
                }
            }
            (shape, _) => {
                let redact = matches!(shape, Shape::Secret);
                leaf(depth, key.name, value, redact, text);
            }
        }
    }
}

fn has_values(table: &Map<String, Value>) -> bool {
    table.values().any(|value| match &value.kind {
        ValueKind::Table(inner) => has_values(inner),
        _ => true,
    })
}

fn sorted(table: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| *name);
    entries
}

fn leaf(depth: usize, name: &str, value: &Value, redact: bool, text: &mut String) {
    let shown = if redact {
        "\"***\"".to_owned()
    } else {
        scalar(value)
    };
    line(depth, name, &shown, Some(value), text);
}

fn line(depth: usize, name: &str, shown: &str, origin: Option<&Value>, text: &mut String) {
    let indent = "  ".repeat(depth);
    let gap = if shown.is_empty() { "" } else { " " };
    let name = word(name);
    // Writing to a string cannot fail.
    let _ = match origin {
        Some(value) => {
            let origin = value.origin().unwrap_or(DEFAULT);
            writeln!(text, "{indent}{name}:{gap}{shown}  # {origin}")
        }
        None => writeln!(text, "{indent}{name}:"),
    };
}

fn scalar(value: &Value) -> String {
    match &value.kind {
        ValueKind::Array(words) => {
            let words: Vec<String> = words.iter().map(scalar).collect();
            format!("[{}]", words.join(", "))
        }
        ValueKind::String(text) => word(text),
        _ => value.clone().into_string().unwrap_or_default(),
    }
}

/// A text as a YAML scalar, quoted if YAML could read it as something else.
fn word(text: &str) -> String {
    let starts_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let reserved = ["null", "true", "false"].contains(&text.to_lowercase().as_str());
    if starts_plain && is_plain && !reserved {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}
