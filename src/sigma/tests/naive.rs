//! One line and one event, read naively: without compilation, and without code of the matcher except for the
//! encodings. Every modifier of the language occurs.

use std::net::IpAddr;

use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value as Json, json};

use super::super::encoding::{Utf16, base64, base64_offsets, utf16};

const FIELDS: [&str; 4] = ["op", "user", "res.id", "n"];

/// One line of a selection.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Empty for keywords.
    field: &'static str,
    modifiers: Vec<&'static str>,
    pub(super) values: Json,
}

impl Line {
    pub(super) fn key(&self) -> String {
        let words = std::iter::once(self.field).chain(self.modifiers.iter().copied());
        words.collect::<Vec<_>>().join("|")
    }

    fn has(&self, modifier: &str) -> bool {
        self.modifiers.contains(&modifier)
    }
}

/// Texts of rules and events, which are short so that they meet.
const WORDS: [&str; 15] = [
    "",
    "a",
    "B",
    "ab",
    "bA",
    "ä",
    "\u{212a}b",
    "-a",
    "/A",
    "true",
    "10",
    "10.0",
    "a\nb",
    "0",
    "%a",
];
const REGEXES: [&str; 14] = [
    "a", "^a", "b$", "^(a|b)$", "a.b", "^b$", "B", "k", "^ab?$", "[ab]b|ä", "^10", "(?i)^AB$",
    "a*", "(a|ba)+b",
];
const NETWORKS: [&str; 4] = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "2001:db8::/32"];
const ADDRESSES: [&str; 4] = ["10.1.2.3", "11.1.2.3", "::ffff:10.0.0.1", "2001:DB8::1"];
/// Texts that are encoded.
const SECRETS: [&str; 3] = ["abcd", "xabcd", "Äbcd"];

fn word() -> BoxedStrategy<Json> {
    prop::sample::select(WORDS.to_vec())
        .prop_map(Json::from)
        .boxed()
}

fn one_of(words: &'static [&'static str]) -> BoxedStrategy<Json> {
    prop::sample::select(words).prop_map(Json::from).boxed()
}

/// A text with wildcards and escapes, which is not empty.
fn pattern() -> BoxedStrategy<Json> {
    let atom = prop::sample::select(vec![
        "a", "A", "b", "ä", "Ä", "k", "-", "1", "*", "?", r"\*", r"\\", r"\a",
    ]);
    let atoms = prop::collection::vec(atom, 1..4);
    atoms.prop_map(|atoms| Json::from(atoms.concat())).boxed()
}

fn number() -> BoxedStrategy<Json> {
    prop::sample::select(vec![json!(10), json!(0), json!(-1), json!(1.5)]).boxed()
}

fn plain() -> BoxedStrategy<Json> {
    prop_oneof![
        4 => word(),
        2 => pattern(),
        1 => number(),
        1 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
    ]
    .boxed()
}

/// Lists of modifiers, and the values that they take.
fn a_family() -> impl Strategy<Value = (Vec<&'static str>, Json)> {
    let family = |modifiers: &[&'static str], value: BoxedStrategy<Json>| {
        let lists: Vec<Vec<&str>> = modifiers
            .iter()
            .map(|list| list.split('|').filter(|word| !word.is_empty()).collect())
            .collect();
        let values = prop_oneof![
            1 => value.clone(),
            2 => prop::collection::vec(value, 2..10).prop_map(Json::from),
        ];
        (prop::sample::select(lists), values)
    };
    let text = [
        "contains",
        "startswith",
        "endswith",
        "contains|all",
        "windash|contains",
        "windash",
        "cased|contains",
        "endswith|neq",
        "startswith|cased|all",
        "windash|startswith|cased|neq",
    ];
    prop_oneof![
        3 => family(&["", "neq", "cased", "all", "cased|neq", "all|neq"], plain()),
        3 => family(&["", "neq", "cased", "all"], word()),
        4 => family(&text, prop_oneof![word(), pattern()].boxed()),
        1 => family(&["expand", "expand|contains", "expand|cased|neq"], one_of(&[r"\%a", "a", "A*"])),
        3 => family(&["re", "re|i", "re|m", "re|s", "re|all", "re|i|neq", "re|i|m|s|all"], one_of(&REGEXES)),
        1 => family(&["cidr", "cidr|neq", "cidr|all"], one_of(&NETWORKS)),
        2 => family(&["lt", "lte", "gt", "gte", "lt|neq", "gte|all"], number()),
        1 => (Just(vec!["exists"]), any::<bool>().prop_map(Json::from)),
        2 => family(&["fieldref", "fieldref|contains", "fieldref|startswith", "fieldref|endswith",
                      "fieldref|cased", "fieldref|neq", "fieldref|all"], one_of(&FIELDS)),
        2 => family(&["base64", "base64|contains", "base64offset|contains", "utf16le|base64|contains",
                      "utf16be|base64offset|contains", "wide|base64offset|contains",
                      "utf16|base64|startswith", "base64|contains|all", "base64|neq"], one_of(&SECRETS)),
    ]
}

/// Modifiers and values of keywords.
fn keywords() -> impl Strategy<Value = (Vec<&'static str>, Json)> {
    let word = word().prop_filter("a keyword", |word| *word != "");
    let text = prop_oneof![word, pattern()].boxed();
    let texts = prop::collection::vec(text, 2..4).prop_map(Json::from);
    let modifiers = [
        vec!["contains"],
        vec!["all"],
        vec!["cased"],
        vec!["windash"],
        vec!["startswith"],
    ];
    let regexes = prop::collection::vec(one_of(&REGEXES), 2..4).prop_map(Json::from);
    prop_oneof![
        3 => (prop::sample::select(modifiers.to_vec()), texts),
        1 => (prop::sample::select(vec![vec!["re"], vec!["re", "i", "all"]]), regexes),
    ]
}

pub(super) fn a_line() -> impl Strategy<Value = Line> {
    let field = prop::sample::select(FIELDS.to_vec());
    let about_field = (field, a_family()).prop_map(|(field, (modifiers, values))| Line {
        field,
        modifiers,
        values,
    });
    let keywords = keywords().prop_map(|(modifiers, values)| Line {
        field: "",
        modifiers,
        values,
    });
    prop_oneof![9 => about_field, 1 => keywords]
}

fn a_value() -> impl Strategy<Value = Json> {
    let encoded = (prop::sample::select(SECRETS.to_vec()), 0..3usize, 0..4).prop_map(
        |(secret, before, encoding)| {
            let text = format!("{}{secret}", &"xyz"[..before]);
            Json::from(base64(&match encoding {
                0 => utf16(&text, Utf16::Little),
                1 => utf16(&text, Utf16::Big),
                2 => utf16(&text, Utf16::Marked),
                _ => text.into_bytes(),
            }))
        },
    );
    let scalar = prop_oneof![
        6 => word(),
        2 => number(),
        1 => encoded,
        1 => one_of(&ADDRESSES),
        1 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
    ];
    prop_oneof![
        6 => scalar.clone(),
        2 => prop::collection::vec(scalar, 0..3).prop_map(Json::from),
        1 => Just(json!({"deep": "ab"})),
    ]
}

/// An event with a log source.
pub(super) fn an_event() -> impl Strategy<Value = Json> {
    let field = || prop::option::weighted(0.8, a_value());
    let product = prop::sample::select(vec!["one", "Two"]);
    let service = prop::sample::select(vec!["api", "web"]);
    let logsource = (product, service);
    (field(), field(), field(), field(), logsource).prop_map(
        |(op, user, id, n, (product, service))| {
            let mut event = serde_json::Map::new();
            for (name, value) in [
                ("op", op),
                ("user", user),
                ("res", id.map(|id| json!({"id": id}))),
                ("n", n),
                (
                    "logsource",
                    Some(json!({"product": product, "service": service})),
                ),
            ] {
                event.extend(value.map(|value| (name.to_owned(), value)));
            }
            Json::Object(event)
        },
    )
}

pub(super) fn naive_line(line: &Line, event: &Json) -> bool {
    let expected = match &line.values {
        Json::Array(several) => several.clone(),
        single => vec![single.clone()],
    };
    let values = match line.field {
        "" => strings(event).into_iter().map(Json::from).collect(),
        field => values(event, field),
    };
    let met = |expected: &Json| {
        if line.has("exists") {
            return expected.as_bool() == Some(!values.is_empty());
        }
        if line.has("fieldref") {
            let others = self::values(event, expected.as_str().unwrap());
            return values.iter().any(|value| {
                let other = |other: &Json| relates(line, value, other);
                others.iter().any(other)
            });
        }
        let is_missing = expected.is_null() && values.is_empty();
        is_missing || values.iter().any(|value| meets(line, expected, value))
    };
    let holds = match line.has("all") {
        true => expected.iter().all(met),
        false => expected.iter().any(met),
    };
    holds != line.has("neq")
}

fn meets(line: &Line, expected: &Json, value: &Json) -> bool {
    let text = || text(value).unwrap_or_default();
    let has_text = self::text(value).is_some();
    if line.has("re") {
        let flags = ["i", "m", "s"].into_iter().filter(|flag| line.has(flag));
        let flags: String = flags.collect();
        let flags = if flags.is_empty() {
            flags
        } else {
            format!("(?{flags})")
        };
        let regex = Regex::new(&format!("{flags}{}", expected.as_str().unwrap())).unwrap();
        return has_text && regex.is_match(&text());
    }
    if line.has("cidr") {
        return has_text && in_network(&text(), expected.as_str().unwrap());
    }
    for (bound, holds) in [
        ("lt", f64::lt as fn(&f64, &f64) -> bool),
        ("lte", f64::le),
        ("gt", f64::gt),
        ("gte", f64::ge),
    ] {
        if line.has(bound) {
            return as_number(value)
                .is_some_and(|number| holds(&number, &expected.as_f64().unwrap()));
        }
    }
    if line.has("base64") || line.has("base64offset") {
        let encoded = encodings(line, expected.as_str().unwrap());
        let tokens = |text: &String| placed(line, text.chars().map(Token::Char).collect());
        let mut encoded = encoded.iter().map(tokens);
        let chars: Vec<char> = text().chars().collect();
        return has_text && encoded.any(|tokens| glob(&tokens, &chars));
    }
    match expected {
        Json::Null => value.is_null(),
        Json::Bool(bool) => text().to_lowercase() == bool.to_string(),
        Json::Number(number) => as_number(value) == number.as_f64(),
        expected => {
            let expected = expected.as_str().unwrap().to_owned();
            let expected = match line.has("expand") {
                true => expected.replace(r"\%", "%"),
                false => expected,
            };
            let dash = |c: char| {
                if line.has("windash") && c == '/' {
                    '-'
                } else {
                    c
                }
            };
            let tokens = tokens(&expected).into_iter().map(|token| match token {
                Token::Char(c) => Token::Char(lower(line, dash(c))),
                other => other,
            });
            let chars: Vec<char> = text().chars().map(|c| lower(line, dash(c))).collect();
            has_text && glob(&placed(line, tokens.collect()), &chars)
        }
    }
}

fn encodings(line: &Line, text: &str) -> Vec<String> {
    let order = match line {
        _ if line.has("utf16le") || line.has("wide") => Some(Utf16::Little),
        _ if line.has("utf16be") => Some(Utf16::Big),
        _ if line.has("utf16") => Some(Utf16::Marked),
        _ => None,
    };
    let bytes = order.map_or_else(|| text.as_bytes().to_vec(), |order| utf16(text, order));
    match line.has("base64") {
        true => vec![base64(&bytes)],
        false => base64_offsets(&bytes).to_vec(),
    }
}

fn relates(line: &Line, value: &Json, other: &Json) -> bool {
    let lowered = |value: &Json| {
        let text = text(value)?;
        Some(text.chars().map(|c| lower(line, c)).collect::<String>())
    };
    let (Some(value), Some(other)) = (lowered(value), lowered(other)) else {
        return false;
    };
    match line {
        _ if line.has("contains") => value.contains(&other),
        _ if line.has("startswith") => value.starts_with(&other),
        _ if line.has("endswith") => value.ends_with(&other),
        _ => value == other,
    }
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn as_number(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn lower(line: &Line, c: char) -> char {
    let lower: Vec<char> = c.to_lowercase().collect();
    match lower[..] {
        [single] if !line.has("cased") => single,
        _ => c,
    }
}

fn in_network(text: &str, network: &str) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => format!("{:032b}", u32::from(v4)),
        IpAddr::V6(v6) => format!("{:0128b}", u128::from(v6)),
    };
    let (base, prefix) = network.split_once('/').unwrap();
    let (base, prefix) = (
        bits(base.parse().unwrap()),
        prefix.parse::<usize>().unwrap(),
    );
    let Ok(address) = text.parse::<IpAddr>() else {
        return false;
    };
    let address = bits(address.to_canonical());
    address.len() == base.len() && address[..prefix] == base[..prefix]
}

/// The values of a field; an array stands for its elements.
fn values(event: &Json, field: &str) -> Vec<Json> {
    let value = event.pointer(&format!("/{}", field.replace('.', "/")));
    match value {
        Some(Json::Array(several)) if !several.is_empty() => several.clone(),
        Some(single) => vec![single.clone()],
        None => Vec::new(),
    }
}

fn strings(value: &Json) -> Vec<String> {
    match value {
        Json::String(text) => vec![text.clone()],
        Json::Array(several) => several.iter().flat_map(strings).collect(),
        Json::Object(members) => members.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Token {
    Many,
    One,
    Char(char),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let escaped = ["*", "?", r"\"].into_iter().find(|&next| {
            rest.strip_prefix('\\')
                .is_some_and(|rest| rest.starts_with(next))
        });
        let (token, length) = match (escaped, c) {
            (Some(next), _) => (Token::Char(next.chars().next().unwrap()), 2),
            (None, '*') => (Token::Many, 1),
            (None, '?') => (Token::One, 1),
            (None, c) => (Token::Char(c), c.len_utf8()),
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens
}

/// With what `contains`, `startswith` and `endswith` allow before and after; keywords are contained.
fn placed(line: &Line, tokens: Vec<Token>) -> Vec<Token> {
    let related = ["contains", "startswith", "endswith"]
        .into_iter()
        .any(|word| line.has(word));
    let contains = line.has("contains") || line.field.is_empty() && !related;
    let before = (contains || line.has("endswith")).then_some(Token::Many);
    let after = (contains || line.has("startswith")).then_some(Token::Many);
    before.into_iter().chain(tokens).chain(after).collect()
}

fn glob(pattern: &[Token], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([Token::Many, rest @ ..], _) => (0..=text.len()).any(|n| glob(rest, &text[n..])),
        ([Token::One, rest @ ..], [_, others @ ..]) => glob(rest, others),
        ([Token::Char(p), rest @ ..], [t, others @ ..]) => p == t && glob(rest, others),
        _ => false,
    }
}
