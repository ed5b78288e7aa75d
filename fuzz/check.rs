//! Checks the reader and the writer of JSON on any bytes. The fuzz target runs it, and `cargo test` runs it on
//! texts of a fixed seed. It compares the results with serde_json and with the simplest possible searches.

use std::collections::HashMap;

use serde_json::Value;

use crate::json::{
    DEPTH, Document, JsonError, JsonText, NodeId, Object, Portable, Text, Token, ValueKind,
    decoded, same_name,
};

/// How an object may hold two names that differ for JSON but not for rules.
const LOOKED_FOR: [&str; 4] = ["id", "client_id", "ClientId", ""];

/// Panics if a property does not hold.
pub fn check(bytes: &[u8]) {
    // A byte order mark is left out, which serde_json does not do.
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let theirs = serde_json::from_slice::<Value>(text);
    // The grammar alone, whatever the depth and the size of numbers.
    let is_json = JsonText::check(text).is_ok();
    match Document::parse(bytes) {
        Ok(mut document) => {
            assert!(is_json, "taken, and no JSON");
            tree(&document);
            names(&document);
            copies(&document, text);
            texts(&document);
            unmarked(&mut document);
            match theirs {
                Ok(theirs) => assert_eq!(value(&document, document.root()), theirs),
                // serde_json takes one level less.
                Err(error) => assert_eq!(depth(&document), DEPTH, "refused by them: {error}"),
            }
        }
        Err(JsonError::NotPortable) => {
            assert!(is_json, "JSON but for what some refuse, and no JSON");
            let portable = Portable::of(text);
            assert!(portable.has_surrogates || portable.has_numbers);
            let again = Document::parse(&portable.text).map(|document| depth(&document));
            assert!(
                again.is_ok(),
                "not portable after it was made so: {again:?}"
            );
            let theirs = serde_json::from_slice::<Value>(&portable.text);
            assert!(theirs.is_ok() || again == Ok(DEPTH), "{theirs:?}");
        }
        Err(JsonError::TooDeep { levels, .. }) => {
            assert_eq!(levels, DEPTH);
            assert!(theirs.is_err(), "deeper than serde_json goes");
        }
        Err(error) => {
            assert!(
                !is_json && theirs.is_err(),
                "refused though it is JSON: {error}"
            );
        }
    }
}

/// A value as serde_json has it.
fn value(document: &Document<'_>, id: NodeId) -> Value {
    let children = document.children(id);
    match document.kind(id) {
        ValueKind::Object => children
            .map(|child| (document.key(child).into_owned(), value(document, child)))
            .collect(),
        ValueKind::Array => children.map(|child| value(document, child)).collect(),
        ValueKind::String => document.text(id).expect("a string").to_string().into(),
        _ => serde_json::from_str(document.raw(id)).expect("a scalar"),
    }
}

fn depth(document: &Document<'_>) -> usize {
    let depth_of = |id| {
        let around = std::iter::successors(Some(id), |id| document.parent(*id));
        around.filter(|id| is_container(document, *id)).count()
    };
    document.nodes().map(depth_of).max().unwrap_or_default()
}

fn is_container(document: &Document<'_>, id: NodeId) -> bool {
    matches!(document.kind(id), ValueKind::Array | ValueKind::Object)
}

/// The nodes are those that lie below the root, each once, in the order of the text.
fn tree(document: &Document<'_>) {
    let mut open = vec![document.root()];
    let mut seen = Vec::new();
    while let Some(id) = open.pop() {
        seen.push(id);
        let children: Vec<NodeId> = document.children(id).collect();
        for child in &children {
            assert_eq!(document.parent(*child), Some(id));
        }
        assert_eq!(document.is_leaf(id), children.is_empty());
        open.extend(children.into_iter().rev());
    }
    assert!(seen.into_iter().eq(document.nodes()), "in document order");
}

/// Members are found as by comparing all of them.
fn names(document: &Document<'_>) {
    let mut repeated = Vec::new();
    for object in document
        .nodes()
        .filter(|id| document.kind(*id) == ValueKind::Object)
    {
        let members: Vec<(NodeId, String)> = document
            .children(object)
            .map(|child| (child, document.key(child).into_owned()))
            .collect();
        let own = members.iter().take(8).map(|(_, name)| name.as_str());
        for wanted in own.chain(LOOKED_FOR) {
            let find = |is_it: &dyn Fn(&str) -> bool| {
                let mut found = members.iter().filter(|(_, name)| is_it(name));
                found.next().map(|(child, _)| *child)
            };
            let exact = find(&|name| name == wanted);
            assert_eq!(document.member(object, wanted), exact, "{wanted}");
            let folded = exact.or_else(|| find(&|name| same_name(name, wanted)));
            assert_eq!(document.member_folded(object, wanted), folded, "{wanted}");
        }
        let mut count: HashMap<String, usize> = HashMap::new();
        let folded = |name: &str| name.replace('_', "").to_ascii_lowercase();
        for (_, name) in &members {
            *count.entry(folded(name)).or_default() += 1;
        }
        let shares = members.iter().filter(|(_, name)| count[&folded(name)] > 1);
        repeated.extend(shares.map(|(child, _)| *child));
    }
    repeated.sort_unstable();
    assert_eq!(document.repeated_members(), repeated);
}

/// What is copied is the text without white space between its parts, every byte of these kept; it is
/// also what the tokens of the text are.
fn copies(document: &Document<'_>, text: &[u8]) {
    let mut in_string = false;
    let mut is_escaped = false;
    let mut expected = text.to_vec();
    expected.retain(|byte| {
        if in_string {
            in_string = *byte != b'"' || is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            return true;
        }
        in_string = *byte == b'"';
        !b" \t\r\n".contains(byte)
    });
    let mut copied = Vec::new();
    document.write_compact(document.root(), &mut copied);
    assert_eq!(copied, expected, "{}", String::from_utf8_lossy(&copied));
    let again = Document::parse(&copied).expect("a copy");
    let raw = |document: &Document<'_>| -> Vec<String> {
        let leaves = document.nodes().filter(|id| !is_container(document, *id));
        leaves.map(|id| document.raw(id).to_owned()).collect()
    };
    assert_eq!(raw(document), raw(&again));

    let tokens = JsonText::check(text).expect("JSON").tokens();
    let strings: Vec<String> = tokens
        .filter_map(|token| match token {
            Token::Name(content) | Token::Text(content) => Some(decoded(content).into_owned()),
            Token::Open(_) | Token::Close(_) | Token::Scalar(_) => None,
        })
        .collect();
    let is_member = |id: NodeId| {
        let parent = document.parent(id);
        parent.is_some_and(|parent| document.kind(parent) == ValueKind::Object)
    };
    let of_node = |id: NodeId| {
        let name = is_member(id).then(|| document.key(id).into_owned());
        let text = document.text(id).map(|text| text.to_string());
        name.into_iter().chain(text)
    };
    let expected: Vec<String> = document.nodes().flat_map(of_node).collect();
    assert_eq!(strings, expected);
}

/// What the writer writes is read back, by serde_json too, as names and as values; and a text that is
/// written without a second look is one in which JSON escapes nothing.
fn texts(document: &Document<'_>) {
    for id in document.nodes().take(64) {
        let name = document.key(id);
        let found = [
            document.text(id),
            document.number(id),
            document
                .text(id)
                .and_then(|text| text.part(|text| text.get(1..))),
            Some(Text::from(&*name)),
        ];
        for text in found.into_iter().flatten() {
            if let Some(plain) = text.as_plain() {
                let escaped = serde_json::to_string(plain).expect("a string");
                assert_eq!(escaped, format!("\"{plain}\""));
            }
            let mut out = Vec::new();
            Object::write(&mut out, |o| {
                o.text(&*text, &text);
                o.texts("\"", &[&text, &text]);
                o.copy("copy", document, id);
                o.serialized("serialized", &text.to_string());
            });
            let mut expected = serde_json::Map::new();
            expected.insert(text.to_string(), text.to_string().into());
            expected.insert("\"".to_owned(), vec![text.to_string(); 2].into());
            expected.insert("copy".to_owned(), value(document, id));
            expected.insert("serialized".to_owned(), text.to_string().into());
            // One level deeper than what was read.
            let read = Document::parse_within(DEPTH + 1, &out).expect("what was written");
            assert_eq!(value(&read, read.root()), Value::Object(expected));
        }
    }
}

/// Of a document of which every third leaf is marked, the others are written, in their places.
fn unmarked(document: &mut Document<'_>) {
    let root = document.root();
    if document.kind(root) != ValueKind::Object {
        return;
    }
    let leaves: Vec<NodeId> = document
        .nodes()
        .filter(|id| document.is_leaf(*id))
        .collect();
    let mut rest = Vec::new();
    for (number, id) in leaves.iter().enumerate() {
        match number % 3 {
            0 => document.mark(*id),
            _ => rest.push(
                document
                    .raw(*id)
                    .split_ascii_whitespace()
                    .collect::<String>(),
            ),
        }
    }
    let mut out = Vec::new();
    Object::write(&mut out, |o| o.copy_unmarked_members(document, root));
    let written = Document::parse(&out).expect("what was written");
    let leaves = written.nodes().filter(|id| written.is_leaf(*id));
    let leaves = leaves.map(|id| written.raw(id).split_ascii_whitespace().collect::<String>());
    match rest.is_empty() {
        true => assert_eq!(out, b"{}"),
        false => assert_eq!(leaves.collect::<Vec<_>>(), rest),
    }
}
