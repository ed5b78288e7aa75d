//! YAML parsed into a tree in which every node has its line and column, for error messages about
//! rules and configuration.
//! A duplicate key is an error, and so is a tag; plain `yes` and `no` are strings (YAML 1.2); merge keys are merged.
//! A plain number keeps its original text. [`Node::text`] returns it where a text is expected, and
//! refuses a number whose value prints differently, such as `1.10`.

mod reader;
mod syntax;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Spanned, Tagged};

use crate::diagnostic::{Mark, Problem};

pub use reader::YamlReader;
use syntax::{MAX_ALIASES_OF_ANCHOR, MAX_DEPTH, MAX_DOCUMENTS, MAX_VALUES, mark};

/// A value and its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Position of its first character; for an alias, that of the alias.
    pub mark: Mark,
    /// The original text of a number or truth value, and of an unquoted `yes`, `no`, `on` or `off`,
    /// which is a truth value in YAML 1.1.
    written: Option<Box<str>>,
    /// Its bytes in the text; for an alias, those of the anchored node.
    span: Range<usize>,
}

/// The value of a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// Plain `true` or `false`.
    Bool(bool),
    /// A whole number that fits into `i64`.
    Int(i64),
    /// Any other number; never NaN or infinite.
    Float(f64),
    /// Any other scalar.
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
    /// A value that is not in the text, with the position `mark`.
    pub fn new(value: Value, mark: Mark) -> Node {
        Node {
            value,
            mark,
            written: None,
            span: 0..0,
        }
    }

    /// The text of a scalar where a text is expected: a string, or a number or truth value that prints
    /// as it was written.
    ///
    /// # Errors
    /// It prints differently, or is null or a collection.
    pub fn text(&self) -> Result<Cow<'_, str>, Problem> {
        match &self.value {
            Value::String(text) => Ok(Cow::Borrowed(text)),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                self.check_written()?;
                Ok(Cow::Owned(self.printed()))
            }
            other => {
                let message = format!("a string is expected, not {}", other.kind());
                Err(Problem::error(self.mark, message))
            }
        }
    }

    /// Refuses a number or truth value that does not print as it was written: `1.10` is the number
    /// 1.1, `007` is 7, `0x1f` is 31, but the text may have been meant.
    ///
    /// # Errors
    /// The problem, with the remedy to quote it.
    pub fn check_written(&self) -> Result<(), Problem> {
        let printed = match self.value {
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => self.printed(),
            _ => return Ok(()),
        };
        match &self.written {
            Some(written) if **written != *printed => Err(rewritten(self.mark, written, &printed)),
            _ => Ok(()),
        }
    }

    /// The original text of a number or truth value, or the string.
    pub fn written(&self) -> Option<Cow<'_, str>> {
        match (&self.value, &self.written) {
            (Value::Bool(_) | Value::Int(_) | Value::Float(_), Some(written)) => {
                Some(Cow::Borrowed(written))
            }
            (Value::Bool(_) | Value::Int(_) | Value::Float(_), None) => {
                Some(Cow::Owned(self.printed()))
            }
            (Value::String(text), _) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    /// Whether it is an unquoted `yes`, `no`, `on` or `off`: a string here, a truth value in YAML 1.1.
    pub fn is_plain_yes_or_no(&self) -> bool {
        self.written.is_some() && matches!(self.value, Value::String(_))
    }

    fn printed(&self) -> String {
        match self.value {
            Value::Bool(bool) => bool.to_string(),
            Value::Int(int) => int.to_string(),
            Value::Float(float) => float.to_string(),
            _ => String::new(),
        }
    }

    /// Reports every number in it, at any depth, that would be written differently in JSON.
    pub fn numbers_rewritten(&self, problems: &mut Vec<Problem>) {
        match &self.value {
            Value::Int(_) | Value::Float(_) => {
                let json = self.to_json().to_string();
                if let Some(written) = self.written.as_deref().filter(|text| **text != *json) {
                    problems.push(rewritten(self.mark, written, &json));
                }
            }
            Value::Seq(nodes) => nodes.iter().for_each(|n| n.numbers_rewritten(problems)),
            Value::Map(entries) => entries
                .iter()
                .for_each(|entry| entry.node.numbers_rewritten(problems)),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }

    /// Stores the text for [`Node::written`] in this node and all below it.
    fn keep_written(&mut self, source: &str) {
        let plain = || source.get(self.span.clone()).map(str::trim);
        match &mut self.value {
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                self.written = plain().map(Into::into);
            }
            Value::String(text) if YES_OR_NO.iter().any(|w| w.eq_ignore_ascii_case(text)) => {
                let is_plain = |plain: &&str| *plain == text.as_str();
                self.written = plain().filter(is_plain).map(Into::into);
            }
            Value::Seq(nodes) => nodes.iter_mut().for_each(|n| n.keep_written(source)),
            Value::Map(entries) => entries
                .iter_mut()
                .for_each(|entry| entry.node.keep_written(source)),
            Value::Null | Value::String(_) => {}
        }
    }

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

    /// The value as compact JSON with sorted keys: equal content gives equal text, whatever its layout.
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
            Value::Int(_) | Value::Float(_) => self.printed(),
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

/// Words that are truth values in YAML 1.1 and strings in YAML 1.2.
const YES_OR_NO: [&str; 4] = ["yes", "no", "on", "off"];

fn rewritten(mark: Mark, written: &str, printed: &str) -> Problem {
    let what = match printed {
        "true" | "false" => "truth value",
        _ => "number",
    };
    let message = format!("`{written}` without quotes is the {what} {printed}");
    let remedy = format!("quote it if the text is meant: '{written}'; else write {printed}");
    Problem::error(mark, message).remedy(remedy)
}

impl Value {
    /// Its type for a message, such as `a list`.
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

/// Every document of a stream except empty ones.
///
/// # Errors
/// One problem, at the place where the text is not YAML or repeats a key.
pub fn documents(text: &str) -> Result<Vec<Node>, Problem> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        // The visitor below refuses them with a remedy.
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::PassThrough,
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_documents: MAX_DOCUMENTS,
            max_nodes: MAX_VALUES,
            alias_anchor_ratio_multiplier: MAX_ALIASES_OF_ANCHOR,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_VALUES },
    };
    let documents: Vec<Untagged<Value>> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| syntax::problem(&error, text))?;
    let mut nodes: Vec<Node> = documents.into_iter().map(Node::from).collect();
    nodes.iter_mut().for_each(|node| node.keep_written(text));
    Ok(nodes)
}

/// The only document of a text; null if there is none.
///
/// # Errors
/// One problem, at the place where the text is not YAML, repeats a key, or starts a second document.
pub fn document(text: &str) -> Result<Node, Problem> {
    let mut documents = documents(text)?;
    match documents.len() {
        0 => Ok(Node::new(Value::Null, Mark::START)),
        1 => Ok(documents.remove(0)),
        _ => Err(Problem::error(documents[1].mark, "a second document")
            .remedy("write one document in this file")),
    }
}

/// A value with its place. A value with a tag, such as `!!int`, is refused.
struct Untagged<T>(Spanned<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Untagged<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Untagged<T>, D::Error> {
        match Tagged::<Spanned<T>>::deserialize(deserializer)? {
            Tagged(value, None) => Ok(Untagged(value)),
            Tagged(_, Some(_)) => Err(D::Error::custom(syntax::TAG)),
        }
    }
}

impl From<Untagged<Value>> for Node {
    fn from(Untagged(spanned): Untagged<Value>) -> Node {
        let span = spanned.defined.span();
        let index = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let start = index(span.byte_offset());
        Node {
            value: spanned.value,
            mark: mark(spanned.referenced),
            written: None,
            span: start..start.saturating_add(index(span.byte_len())),
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
            Err(E::custom(syntax::NOT_FINITE))
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
        while let Some(element) = elements.next_element::<Untagged<Value>>()? {
            nodes.push(element.into());
        }
        Ok(Value::Seq(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((Untagged(key), node)) =
            map.next_entry::<Untagged<String>, Untagged<Value>>()?
        {
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
    fn a_number_is_a_text_only_where_it_prints_as_it_was_written() {
        let text = |scalar: &str| {
            let root = document(&format!("a: [é, {scalar}]\nb: &x {scalar}\nc: *x\n")).unwrap();
            let texts = [
                root.entry("a").unwrap().as_seq().unwrap()[1].text(),
                root.entry("b").unwrap().text(),
                root.entry("c").unwrap().text(),
            ];
            let [a, b, c] = texts.map(|text| text.map(Cow::into_owned));
            assert_eq!(
                (&a.is_ok(), &b.is_ok()),
                (&b.is_ok(), &c.is_ok()),
                "{scalar}"
            );
            assert_eq!(b.as_ref().ok(), c.as_ref().ok());
            a
        };
        for same in [
            "5",
            "-3",
            "1.5",
            "0",
            "0.1",
            "true",
            "false",
            "12:30",
            "2026-11-21",
        ] {
            assert_eq!(text(same).as_deref(), Ok(same));
        }
        // YAML 1.2 has no truth values but true and false, and Rust's numbers are none of YAML's.
        for word in [
            "yes", "No", "on", "OFF", "y", "1.2.3", "inf", "nan", "1_", "0x", "1e", "08h",
        ] {
            assert_eq!(text(word).as_deref(), Ok(word));
        }
        for (other, printed) in [
            ("10.10", "10.1"),
            ("1.0", "1"),
            ("007", "7"),
            ("-010", "-10"),
            ("0x1f", "31"),
            ("0o17", "15"),
            ("0b11", "3"),
            ("1_000", "1000"),
            ("1e3", "1000"),
            ("+5", "5"),
            ("-0", "0"),
            (".5", "0.5"),
            ("5.", "5"),
            ("18446744073709551615", "18446744073709552000"),
            ("True", "true"),
            ("FALSE", "false"),
        ] {
            let Err(problem) = text(other) else {
                panic!("{other} is taken");
            };
            assert!(
                problem.message.contains(&format!("`{other}`")),
                "{problem:?}"
            );
            let remedy = problem.remedy.unwrap();
            assert!(remedy.contains(&format!("'{other}'")), "{remedy}");
            assert!(remedy.ends_with(&format!("write {printed}")), "{remedy}");
            let quoted = document(&format!("'{other}'")).unwrap();
            assert_eq!(quoted.text().as_deref(), Ok(other));
            let quoted = document(&format!("a: \"{other}\"")).unwrap();
            assert_eq!(quoted.entry("a").unwrap().text().as_deref(), Ok(other));
        }
        for null in ["~", "null", "Null", "NULL", ""] {
            assert_eq!(
                document(&format!("a: {null}"))
                    .unwrap()
                    .entry("a")
                    .unwrap()
                    .value,
                Value::Null
            );
        }
        for endless in [".inf", "-.inf", ".nan", "1e999"] {
            let problem = document(&format!("a: 1\nb: {endless}\n")).unwrap_err();
            assert_eq!(problem.mark, at(2, 4), "{problem:?}");
            assert!(problem.remedy.unwrap().contains("quote"));
        }
        let keys = document("007: a\n7: b\n1.10: c\n0x1f: d\nyes: e\n1e3: f\n").unwrap();
        let keys: Vec<&str> = keys
            .as_map()
            .unwrap()
            .iter()
            .map(|e| e.key.as_str())
            .collect();
        assert_eq!(keys, ["007", "7", "1.10", "0x1f", "yes", "1e3"]);
    }

    #[test]
    fn a_plain_yes_is_told_from_a_quoted_one() {
        let root = document("[yes, 'yes', \"off\", OFF, maybe]").unwrap();
        let plain = root.as_seq().unwrap().iter().map(Node::is_plain_yes_or_no);
        assert_eq!(plain.collect::<Vec<_>>(), [true, false, false, true, false]);
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
    fn a_tag_is_refused_wherever_it_stands() {
        for (text, tag, place) in [
            ("a: 1\nb: !custom x", "!custom", at(2, 12)),
            ("a: !!int '5'", "!!int", at(1, 10)),
            ("a: !!int abc", "!!int", at(1, 10)),
            ("a: !!str 5", "!!str", at(1, 10)),
            ("a: !!bool x", "!!bool", at(1, 11)),
            ("a: !!binary aGk=", "!!binary", at(1, 13)),
            ("a: !!binary //8=", "!!binary", at(1, 13)),
            ("a: !!timestamp 2020-01-01", "!!timestamp", at(1, 16)),
            ("a: !!seq x", "!!seq", at(1, 10)),
            ("a: ! 5", "!", at(1, 6)),
            ("a: !<tag:example.com> x", "!<tag:example.com>", at(1, 23)),
            ("- [!t x]", "!t", at(1, 7)),
            ("!t a: 1", "!t", at(1, 4)),
            ("!t\n- x", "!t", at(1, 1)),
            ("a: !t\n  b: 1", "!t", at(2, 3)),
            ("a: !t &x [1]\nb: *x", "!t", at(1, 10)),
        ] {
            let problem = document(text).unwrap_err();
            let expected = format!("the tag `{tag}`, which is not supported");
            assert_eq!((problem.message, problem.mark), (expected, place), "{text}");
            assert!(problem.remedy.unwrap().contains("quote"), "{text}");
        }
        let text = document("a: Stop !now\nb: '!x'").unwrap();
        assert_eq!(text.entry("a").unwrap().as_str(), Some("Stop !now"));
    }

    #[test]
    fn what_is_not_yaml_is_said_in_plain_words_with_a_remedy() {
        for (text, place, message, remedy) in [
            (
                "a: b: c",
                at(1, 5),
                "a colon where no key can stand",
                "quote",
            ),
            ("a: 'x", at(1, 4), "a quote is not closed", "close it"),
            ("a: [1", at(1, 4), "a bracket is not closed", "close it"),
            ("a:\n\t- b", at(2, 2), "a tab in the indentation", "spaces"),
            ("a: @x", at(1, 4), "cannot begin with this", "quote"),
            ("a: \"\\q\"", at(1, 4), "an escape that YAML", "two back"),
            ("- a\nb: 1", at(2, 1), "no element", "begin it with"),
            ("a: *x", at(1, 4), "anchor that does not exist", "quote"),
            ("a: &a [*a]", at(1, 8), "an alias within", "in place of"),
            ("<<: 1", at(1, 5), "merges maps only", "name a map"),
            ("? [1]\n: 2", at(1, 3), "a list or a map", "write a name"),
            ("null: 1", at(1, 1), "empty or null", "quote it"),
            ("a: 1\na: 2", at(2, 1), "duplicate key `a`", "keep one"),
            ("Stop !\na: b: c", at(2, 2), "a colon where", "quote"),
        ] {
            let problem = document(text).unwrap_err();
            assert!(problem.message.contains(message), "{text}: {problem:?}");
            assert!(problem.remedy.unwrap().contains(remedy), "{text}");
            assert_eq!(problem.mark, place, "{text}");
            let library = ["at line", "Option", "deserialize", "scalar", "mapping"];
            assert!(!library.iter().any(|word| problem.message.contains(word)));
        }
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
        let problem = document(&bomb).unwrap_err();
        assert_eq!(
            problem.message,
            "aliases that stand for more than 250000 values"
        );
        let many = format!("a: &a x\nb: [{}]\n", vec!["*a"; 2_000].join(", "));
        let problem = document(&many).unwrap_err();
        assert_eq!(problem.message, "more than 10 aliases for each anchor");
        assert!(problem.remedy.is_some());
    }

    #[test]
    fn deep_nesting_is_refused_rather_than_overflowing() {
        let deep = "[".repeat(100_000);
        let problem = document(&deep).unwrap_err();
        assert_eq!(problem.message, "maps and lists nested deeper than 24");
        assert!(document(&"a: {".repeat(5_000)).is_err());
    }

    #[test]
    fn a_text_with_too_many_documents_or_values_is_refused_with_the_bound() {
        let problem = documents(&"---\na: 1\n".repeat(2_000)).unwrap_err();
        assert_eq!(problem.message, "more than 1024 documents in one file");
        assert_eq!(problem.remedy.as_deref(), Some("split the file"));
        assert!(problem.mark.line > 2_000, "{problem:?}");
        let problem = document(&format!("[{}]", "1, ".repeat(300_000))).unwrap_err();
        assert_eq!(
            problem.message,
            "more than 250000 keys and values in one file"
        );
    }
}
