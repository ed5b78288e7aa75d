//! YAML read into a tree in which every node knows its line and column, so that whoever reads
//! rules or configuration from it can say where something is wrong.
//! A duplicate key is an error; plain `yes` and `no` are strings (YAML 1.2); merge keys are merged.

mod reader;

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::diagnostic::{Mark, Problem};

pub use reader::Reader;

/// Deeper nesting is refused, so that no reader of a tree can overflow its stack.
const MAX_DEPTH: usize = 24;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its first character; for an alias, the alias.
    pub mark: Mark,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// Plain `true` or `false`.
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// Any other number; never NaN or infinite.
    Float(f64),
    /// Everything else that is no collection.
    String(String),
    /// A sequence.
    Seq(Vec<Node>),
    /// A mapping, in the order written, its keys distinct.
    Map(Vec<Entry>),
}

/// One line of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key stands.
    pub key_mark: Mark,
    /// What it maps to.
    pub node: Node,
}

impl Node {
    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The elements, if it is a sequence.
    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Seq(nodes) => Some(nodes),
            _ => None,
        }
    }

    /// What the key maps to, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Node> {
        let found = self.as_map()?.iter().find(|entry| entry.key == key)?;
        Some(&found.node)
    }

    /// The value as compact JSON, the keys of every map sorted: the same text for the same
    /// content, whatever its layout.
    pub fn canonical(&self) -> String {
        let list = |open: char, parts: Vec<String>, close: char| {
            format!("{open}{}{close}", parts.join(","))
        };
        match &self.value {
            Value::Seq(nodes) => list('[', nodes.iter().map(Node::canonical).collect(), ']'),
            Value::Map(entries) => {
                let mut sorted: Vec<&Entry> = entries.iter().collect();
                sorted.sort_by(|a, b| a.key.cmp(&b.key));
                let text = |key: &str| serde_json::Value::from(key).to_string();
                let pair = |e: &&Entry| format!("{}:{}", text(&e.key), e.node.canonical());
                list('{', sorted.iter().map(pair).collect(), '}')
            }
            _ => self.to_json().to_string(),
        }
    }

    /// The same value in JSON.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(bool) => Json::from(*bool),
            Value::Int(int) => Json::from(*int),
            Value::Float(float) => Json::from(*float),
            Value::String(text) => Json::from(text.as_str()),
            Value::Seq(nodes) => nodes.iter().map(Node::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.node.to_json()))
                .collect(),
        }
    }
}

impl Value {
    /// What it is, for a message: `a list`, `the number 5`.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Every document of a stream, empty ones left out.
///
/// # Errors
/// One problem, where the text stops being YAML or repeats a key.
pub fn documents(text: &str) -> Result<Vec<Node>, Problem> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, flow_nesting_limit: MAX_DEPTH },
    };
    let documents: Vec<Spanned<Value>> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| syntax(&error))?;
    Ok(documents.into_iter().map(Node::from).collect())
}

/// The only document of a text; null where there is none.
///
/// # Errors
/// One problem, where the text stops being YAML, repeats a key, or starts a second document.
pub fn document(text: &str) -> Result<Node, Problem> {
    let mut documents = documents(text)?;
    match documents.len() {
        0 => Ok(Node {
            value: Value::Null,
            mark: Mark::START,
        }),
        1 => Ok(documents.remove(0)),
        _ => Err(Problem::error(documents[1].mark, "a second document")
            .remedy("write one document in this file")),
    }
}

fn syntax(error: &serde_saphyr::Error) -> Problem {
    let mark = error.location().map_or(Mark::START, mark);
    let message = error.without_snippet().to_string();
    Problem::error(mark, format!("not readable as YAML: {message}"))
}

fn mark(location: Location) -> Mark {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    Mark {
        line: number(location.line()),
        column: number(location.column()),
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Node {
        Node {
            value: spanned.value,
            mark: mark(spanned.referenced),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Bool(bool))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
        Ok(Value::Int(int))
    }

    fn visit_u64<E>(self, int: u64) -> Result<Value, E> {
        Ok(i64::try_from(int).map_or(Value::Float(int as f64), Value::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, float: f64) -> Result<Value, E> {
        if float.is_finite() {
            Ok(Value::Float(float))
        } else {
            Err(E::custom(
                "a number that is not finite; quote it to make it a string",
            ))
        }
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(element) = elements.next_element::<Spanned<Value>>()? {
            nodes.push(element.into());
        }
        Ok(Value::Seq(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = map.next_entry::<Spanned<String>, Spanned<Value>>()? {
            entries.push(Entry {
                key_mark: mark(key.referenced),
                key: key.value,
                node: node.into(),
            });
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Mark {
        Mark { line, column }
    }

    #[test]
    fn every_node_and_key_knows_its_place() {
        let root = document("a: 1\nb:\n  - x\n  - c: null\n    d: \"5\"\n").unwrap();
        let entries = root.as_map().unwrap();
        assert_eq!(entries[0].key_mark, at(1, 1));
        assert_eq!(entries[0].node.mark, at(1, 4));
        assert_eq!(entries[0].node.value, Value::Int(1));
        let list = entries[1].node.as_seq().unwrap();
        assert_eq!((list[0].as_str(), list[0].mark), (Some("x"), at(3, 5)));
        let inner = list[1].as_map().unwrap();
        assert_eq!(inner[0].node.value, Value::Null);
        assert_eq!(inner[1].key_mark, at(5, 5));
        assert_eq!(inner[1].node.as_str(), Some("5"));
        assert_eq!(inner[1].node.mark, at(5, 8));
    }

    #[test]
    fn scalars_take_the_types_of_yaml_1_2() {
        let root = document("[yes, No, true, 1.5, -3, ~, '', 2026-11-21, 0x17, 1.10]").unwrap();
        let values: Vec<&Value> = root.as_seq().unwrap().iter().map(|n| &n.value).collect();
        let string = |text: &str| Value::String(text.to_owned());
        assert_eq!(
            values,
            [
                &string("yes"),
                &string("No"),
                &Value::Bool(true),
                &Value::Float(1.5),
                &Value::Int(-3),
                &Value::Null,
                &string(""),
                &string("2026-11-21"),
                &Value::Int(23),
                &Value::Float(1.1),
            ]
        );
    }

    #[test]
    fn the_canonical_form_depends_on_content_alone() {
        let canonical = |text: &str| document(text).unwrap().canonical();
        let text = "b: [1, null, 'x']\n# why\na: {d: 1.5, c: \"\\\"\"}\n";
        assert_eq!(
            canonical(text),
            r#"{"a":{"c":"\"","d":1.5},"b":[1,null,"x"]}"#
        );
        assert_eq!(
            canonical("{a: {c: '\"', d: 1.50}, b: [1, ~, x]}"),
            canonical(text)
        );
        assert_ne!(canonical("a: '1'"), canonical("a: 1"));
    }

    #[test]
    fn a_duplicate_key_is_an_error_at_the_second_one() {
        let problem = document("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(problem.mark, at(3, 1));
        assert!(problem.message.contains("duplicate"), "{}", problem.message);
    }

    #[test]
    fn broken_yaml_is_reported_at_its_place() {
        let problem = document("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(problem.mark.line >= 2, "{problem:?}");
    }

    #[test]
    fn several_documents_keep_their_lines() {
        let all = documents("a: 1\n---\nb: 2\n").unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].as_map().unwrap()[0].key_mark, at(3, 1));
        assert!(document("a: 1\n---\nb: 2\n").is_err());
    }

    #[test]
    fn aliases_and_merge_keys_stand_for_what_they_name() {
        let text = "base: &b {x: 1, y: 2}\nsame: *b\nmore:\n  <<: *b\n  y: 3\n";
        let root = document(text).unwrap();
        let same = root.entry("same").unwrap();
        assert_eq!(
            (same.canonical().as_str(), same.mark),
            (r#"{"x":1,"y":2}"#, at(2, 7))
        );
        assert_eq!(root.entry("more").unwrap().canonical(), r#"{"x":1,"y":3}"#);
        let level = |n: usize| {
            format!(
                "l{}: &l{} [{}]\n",
                n + 1,
                n + 1,
                vec![format!("*l{n}"); 9].join(", ")
            )
        };
        let bomb = "l0: &l0 [x]\n".to_owned() + &(0..9).map(level).collect::<String>();
        assert!(document(&bomb).is_err());
    }

    #[test]
    fn deep_nesting_is_refused_rather_than_overflowing() {
        assert!(document(&"[".repeat(100_000)).is_err());
        assert!(document(&"a: {".repeat(5_000)).is_err());
    }
}
