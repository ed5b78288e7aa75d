//! Reads the values of a line according to its modifiers: what the event's values are compared with.

use regex::Regex;

use super::context::Context;
use super::encoding::{base64, base64_offsets, utf16};
use super::matcher::{Check, Expected, FieldReference, Network, NetworkError, Relation};
use super::modifiers::{Base64, Modifiers, ValueKind};
use super::pattern::{DASHES, Pattern, Token, literal, tokens};
use super::regex_problem;
use super::time::TimeCheck;
use super::value::Number;
use crate::diagnostic::{Mark, Problem};
use crate::yaml::{Node, Value as Yaml};

impl Modifiers {
    /// The check for the values of a line.
    pub(super) fn check(
        &self,
        node: &Node,
        keywords: bool,
        key: Mark,
        context: &mut Context<'_>,
    ) -> Option<Check> {
        if self.kind == ValueKind::Exists {
            return match node.value {
                Yaml::Bool(exists) => Some(Check::Exists(exists)),
                _ => {
                    let problem = Problem::error(node.mark, "`exists` takes `true` or `false`");
                    let remedy = "write true if the field must be there, false if it must not";
                    context.problems.push(problem.remedy(remedy));
                    None
                }
            };
        }
        let values: &[Node] = match &node.value {
            Yaml::Seq(values) => values,
            _ => std::slice::from_ref(node),
        };
        if values.is_empty() {
            let problem = Problem::error(node.mark, "an empty list matches nothing");
            context
                .problems
                .push(problem.remedy("list at least one value, or remove the line"));
        }
        if self.all && values.len() < 2 {
            let message = "`all` with a single value has no effect";
            context
                .problems
                .push(Problem::warning(key, message).remedy("remove `all`"));
        }
        if self.kind == ValueKind::FieldRef {
            return self.field_reference(values, &mut context.problems);
        }
        let mut expected = Vec::new();
        for value in values {
            if value.is_plain_yes_or_no() {
                let written = value.as_str().unwrap_or_default();
                let message =
                    format!("`{written}` without quotes is a string here, not a truth value");
                let remedy = format!("write true or false, or quote the text: '{written}'");
                context
                    .problems
                    .push(Problem::warning(value.mark, message).remedy(remedy));
            }
            match self.expected(value, keywords, context) {
                Ok(alternatives) => expected.push(alternatives),
                Err(problem) => context.problems.push(problem),
            }
        }
        if self.all {
            return Some(Check::Every(expected.into_iter().map(one_of).collect()));
        }
        Some(Check::Any(expected.into_iter().flatten().collect()))
    }

    fn field_reference(&self, values: &[Node], problems: &mut Vec<Problem>) -> Option<Check> {
        let mut fields = Vec::new();
        for value in values {
            match value.as_str().filter(|name| !name.is_empty()) {
                Some(name) => fields.push(name.to_owned()),
                None => {
                    let message =
                        format!("`fieldref` takes a field name, not {}", value.value.kind());
                    let problem = Problem::error(value.mark, message);
                    problems.push(problem.remedy("write the name of another field"));
                }
            }
        }
        Some(Check::Field(FieldReference {
            fields,
            relation: self.relation.unwrap_or(Relation::Equal),
            cased: self.cased,
            every: self.all,
        }))
    }

    /// The expectations for one value: one, or three for `base64offset`.
    fn expected(
        &self,
        node: &Node,
        keywords: bool,
        context: &mut Context<'_>,
    ) -> Result<Vec<Expected>, Problem> {
        let wrong = |wanted: &str, remedy: &str| {
            let message = format!("{wanted} is expected here, not {}", node.value.kind());
            Err(Problem::error(node.mark, message).remedy(remedy))
        };
        match self.kind {
            ValueKind::Regex { i, m, s } => match node.value {
                Yaml::Null | Yaml::Seq(_) | Yaml::Map(_) => wrong(
                    "a regular expression",
                    "write it in quotes, as in '^Delete'",
                ),
                _ => Ok(vec![regex(&node.text()?, i, m, s, node.mark)?]),
            },
            ValueKind::Cidr => match node.as_str() {
                Some(text) if self.expand => {
                    let texts = context.expand(text, node.mark)?.into_iter();
                    texts
                        .map(|parts| network(&parts.concat(), node.mark))
                        .collect()
                }
                Some(text) => Ok(vec![network(text, node.mark)?]),
                None => wrong(
                    "a network such as `10.0.0.0/8`",
                    "write an address or a network, or a list of them",
                ),
            },
            ValueKind::Compare(bound) => match limit(node)? {
                Some(limit) => Ok(vec![Expected::Compare(bound, limit)]),
                None => wrong("a number", "write one such as 5 or 1.5"),
            },
            ValueKind::Time(part, bound) => match node.value {
                Yaml::Int(number) if is_within(number, part.range()) => {
                    node.check_written()?;
                    Ok(vec![Expected::Time(Box::new(TimeCheck {
                        part,
                        bound,
                        number,
                        zone: context.zone(),
                    }))])
                }
                Yaml::Int(_) => {
                    let (first, last) = part.range();
                    let message = format!("`{}` is from {first} to {last}", part.as_str());
                    Err(Problem::error(node.mark, message).remedy("write a number in this range"))
                }
                _ => {
                    let (first, last) = part.range();
                    let remedy = format!("write one from {first} to {last}");
                    wrong("a whole number", &remedy)
                }
            },
            ValueKind::Plain | ValueKind::Exists | ValueKind::FieldRef => match &node.value {
                Yaml::Seq(_) | Yaml::Map(_) => wrong(
                    "a string, number, boolean or null",
                    "write one value, or a list of values",
                ),
                Yaml::Null if keywords || self.wants_text() => {
                    wrong("a string", "write a text; quote it if it is the word null")
                }
                _ if keywords || self.wants_text() => {
                    self.text(&node.text()?, keywords, node.mark, context)
                }
                Yaml::Null => Ok(vec![Expected::Null]),
                Yaml::Bool(bool) => Ok(vec![Expected::Bool(*bool)]),
                Yaml::Int(int) => {
                    node.check_written()?;
                    Ok(vec![Expected::Number(Number::Int(*int))])
                }
                Yaml::Float(float) => {
                    node.check_written()?;
                    Ok(vec![Expected::Number(Number::Float(*float))])
                }
                Yaml::String(text) => self.text(text, keywords, node.mark, context),
            },
        }
    }

    /// Whether a number or boolean is used as its text.
    fn wants_text(&self) -> bool {
        self.relation.is_some() || self.base64.is_some() || self.windash || self.expand
    }

    /// The expectations for a text: more than one with `base64offset`, or a placeholder.
    fn text(
        &self,
        text: &str,
        keywords: bool,
        mark: Mark,
        context: &mut Context<'_>,
    ) -> Result<Vec<Expected>, Problem> {
        let texts = match self.expand {
            true => context.expand(text, mark)?,
            false => vec![vec![text.to_owned()]],
        };
        let mut expected = Vec::new();
        for parts in &texts {
            // Each part has its own escapes: one cannot escape the first character of the next.
            let tokens: Vec<Token> = parts.iter().flat_map(|part| tokens(part)).collect();
            if keywords && tokens.is_empty() {
                let problem = Problem::error(mark, "an empty keyword matches every event");
                return Err(problem.remedy("write a word that an event must contain"));
            }
            expected.extend(self.tokens(tokens, keywords, mark)?);
        }
        Ok(expected)
    }

    fn tokens(
        &self,
        mut tokens: Vec<Token>,
        keywords: bool,
        mark: Mark,
    ) -> Result<Vec<Expected>, Problem> {
        if self.windash {
            for token in &mut tokens {
                if matches!(token, Token::Char(c) if DASHES.contains(c)) {
                    *token = Token::Dash;
                }
            }
        }
        let relation = match self.relation {
            None if keywords => Relation::Contains,
            relation => relation.unwrap_or(Relation::Equal),
        };
        let Some(base64) = self.base64 else {
            return Ok(vec![placed(tokens, relation, self.cased)]);
        };
        let encoded = self.encoded(&tokens, base64, mark)?;
        let chars = |text: String| text.chars().map(Token::Char).collect();
        // Base64 is case-sensitive: another case encodes other bytes.
        Ok(encoded
            .into_iter()
            .map(|text| placed(chars(text), relation, true))
            .collect())
    }

    fn encoded(
        &self,
        tokens: &[Token],
        base64_as: Base64,
        mark: Mark,
    ) -> Result<Vec<String>, Problem> {
        let Some(text) = literal(tokens) else {
            let message = "wildcards and `windash` cannot be encoded in Base64";
            return Err(Problem::error(mark, message).remedy("escape `*` and `?` with a backslash"));
        };
        let bytes = match self.utf16 {
            Some(order) => utf16(&text, order),
            None => text.into_bytes(),
        };
        let encoded = match base64_as {
            Base64::Whole => vec![base64(&bytes)],
            Base64::Offset => base64_offsets(&bytes).to_vec(),
        };
        if encoded.iter().any(String::is_empty) {
            let problem = Problem::error(mark, "too short to be found in Base64");
            return Err(problem.remedy("write at least three characters"));
        }
        Ok(encoded)
    }
}

fn is_within(number: i64, (first, last): (i64, i64)) -> bool {
    (first..=last).contains(&number)
}

/// One expectation for several alternatives.
fn one_of(mut alternatives: Vec<Expected>) -> Expected {
    match alternatives.len() {
        1 => alternatives.remove(0),
        _ => Expected::OneOf(alternatives),
    }
}

fn placed(mut tokens: Vec<Token>, relation: Relation, cased: bool) -> Expected {
    if matches!(relation, Relation::Contains | Relation::EndsWith) {
        tokens.insert(0, Token::Many);
    }
    if matches!(relation, Relation::Contains | Relation::StartsWith) {
        tokens.push(Token::Many);
    }
    Expected::Text(Pattern::new(tokens, cased))
}

/// The number that values are compared with, in any form that JSON allows, such as `1e3` and `1.50`.
/// Other forms (`0x1f`, `007`) are refused, because YAML parsers differ about them.
fn limit(node: &Node) -> Result<Option<Number>, Problem> {
    let number = match &node.value {
        Yaml::Int(int) => Number::Int(*int),
        Yaml::Float(float) => Number::Float(*float),
        Yaml::String(text) => {
            return Ok(Number::parse(text).filter(|number| number.is_finite()));
        }
        _ => return Ok(None),
    };
    let written = node.written().unwrap_or_default();
    if serde_json::from_str::<serde_json::Number>(&written).is_err() {
        node.check_written()?;
    }
    Ok(Some(number))
}

fn regex(text: &str, i: bool, m: bool, s: bool, mark: Mark) -> Result<Expected, Problem> {
    // Flags become part of the text, so that expressions with equal text are equal.
    let flags: String = [(i, 'i'), (m, 'm'), (s, 's')]
        .into_iter()
        .filter_map(|(set, flag)| set.then_some(flag))
        .collect();
    let built = match flags.as_str() {
        "" => Regex::new(text),
        flags => Regex::new(&format!("(?{flags}){text}")),
    };
    built
        .map(Expected::Regex)
        .map_err(|_| regex_problem::of(text, mark))
}

fn network(text: &str, mark: Mark) -> Result<Expected, Problem> {
    Network::parse(text)
        .map(Expected::Network)
        .map_err(|error| {
            let problem = Problem::error(mark, format!("`{text}`: {error}"));
            match error {
                NetworkError::Malformed => problem.remedy("write an address, or `10.0.0.0/8`"),
                NetworkError::HostBits(meant) => problem.remedy(format!("write `{meant}`")),
            }
        })
}
