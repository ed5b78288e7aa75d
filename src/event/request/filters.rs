//! Filters on the claims of tokens, in the Common Expression Language: whether one chooses some of the tokens of a
//! provider, or takes nearly all. A filter chooses if each of its alternatives compares a claim with a value that is no
//! pattern of everything; a negation or `!=` does not choose, since it holds for nearly all.

use std::ops::ControlFlow;

use regex::bytes::RegexBuilder;

use super::fact::{EXPRESSION, Fact, GiveFact, MATCHES, NAME, VALUE, Visited, values};
use super::names::folded;
use crate::sigma::Value;

/// What a filter matches.
pub(super) const MATCHED: [&str; 3] = [SOME, EVERYBODY, UNSAID];
const SOME: &str = "some";
const EVERYBODY: &str = "everybody";
const UNSAID: &str = "unsaid";

/// Gives the filter that a setting is.
pub(super) fn of_setting(setting: &Fact<'_>, give: &mut GiveFact<'_>) -> Visited {
    let mut is_filter = false;
    values(setting, NAME, &mut |name| {
        let name = name.text().map(|name| folded(&name)).unwrap_or_default();
        is_filter |= matches!(name.as_str(), "filter" | "filters" | "filterexpression");
        ControlFlow::Continue(())
    })?;
    if !is_filter {
        return ControlFlow::Continue(());
    }
    values(setting, VALUE, &mut |value| {
        // A null or an empty list is no expression.
        let text = value.text().unwrap_or_default();
        let matches = match chooses(&text) {
            _ if text.is_empty() => UNSAID,
            true => SOME,
            false => EVERYBODY,
        };
        give(&[
            (EXPRESSION, Value::String(&text)),
            (MATCHES, Value::String(matches)),
        ])
    })
}

/// A part of an expression.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// A claim, a function, `true`.
    Word(String),
    /// A text or a number that is written out.
    Literal(String),
    Sign(String),
}

/// A longer expression is not read: it counts as one that does not choose.
const MOST_BYTES: usize = 64 << 10;

/// Whether an expression chooses.
fn chooses(text: &str) -> bool {
    if text.len() > MOST_BYTES {
        return false;
    }
    match tokens(text) {
        // A condition chooses between expressions, so that either may be what counts.
        Some(tokens) if !tokens.iter().any(|token| is_sign(token, "?")) => {
            all_choose(&tokens, MOST_BRACKETS)
        }
        _ => false,
    }
}

/// More brackets within each other are not looked into.
const MOST_BRACKETS: usize = 32;

/// Whether each alternative of an expression chooses, in which there may be so many more brackets within each other.
fn all_choose(tokens: &[Token], brackets: usize) -> bool {
    let Some(brackets) = brackets.checked_sub(1) else {
        return false;
    };
    let alternatives = split(tokens, "||");
    alternatives.into_iter().all(|alternative| {
        let mut parts = split(alternative, "&&").into_iter();
        parts.any(|part| part_chooses(part, brackets))
    })
}

/// Whether a part of an alternative chooses, which has no `&&` or `||` but in brackets.
fn part_chooses(part: &[Token], brackets: usize) -> bool {
    let Some((first, [.., last])) = part.split_first() else {
        return false;
    };
    if is_sign(first, "!") {
        return false;
    }
    if let Some(open) = opening(part).filter(|_| is_sign(last, ")")) {
        let inner = &part[open + 1..part.len() - 1];
        match part[..open].last() {
            None => return all_choose(inner, brackets),
            Some(Token::Word(word)) if !word.eq_ignore_ascii_case("in") => {
                // A function of a claim, not one alone such as `has`.
                let Some((claim, name)) = word.rsplit_once('.') else {
                    return false;
                };
                // The claim stands in the word, as in `claims.sub.matches`, or before it.
                let is_shared = match claim {
                    "" => is_shared(&part[..open - 1]),
                    claim => claim
                        .rsplit('.')
                        .next()
                        .is_some_and(|last| SHARED.contains(&last)),
                };
                return !is_shared && calls(name, inner, brackets);
            }
            Some(_) => {}
        }
    }
    compares(part)
}

/// Where the bracket opens that the last token closes.
fn opening(part: &[Token]) -> Option<usize> {
    let mut depth = 0;
    part.iter().rposition(|token| {
        depth += opens(token);
        depth == 0
    })
}

/// Whether a call of a claim's function chooses.
fn calls(name: &str, inner: &[Token], brackets: usize) -> bool {
    match name.to_ascii_lowercase().as_str() {
        "startswith" | "endswith" | "contains" => {
            matches!(inner, [Token::Literal(text)] if !is_pattern_of_all(text))
        }
        "matches" => {
            matches!(inner, [Token::Literal(text)] if !is_pattern_of_all(text) && !matches_nearly_all(text))
        }
        // Of the elements of a list, for which an expression must hold.
        "exists" | "exists_one" | "filter" => {
            let after = inner.iter().position(|token| is_sign(token, ","));
            after.is_some_and(|at| all_choose(&inner[at + 1..], brackets))
        }
        _ => false,
    }
}

/// Whether a comparison is of a claim with a text or a number, or with a list of them.
fn compares(part: &[Token]) -> bool {
    let is_comparison = |token: &Token| {
        is_sign(token, "==")
            || matches!(token, Token::Word(word) if word.eq_ignore_ascii_case("in"))
    };
    let Some(at) = part.iter().position(is_comparison) else {
        return false;
    };
    let (left, right) = (&part[..at], &part[at + 1..]);
    let is_claim = |side: &[Token]| {
        side.iter()
            .any(|token| matches!(token, Token::Word(word) if !is_constant(word)))
            && !is_shared(side)
    };
    let is_value = |side: &[Token]| {
        let mut literals = side.iter().filter_map(|token| match token {
            Token::Literal(text) => Some(!is_pattern_of_all(text)),
            _ => None,
        });
        let has_words = side.iter().any(|token| matches!(token, Token::Word(_)));
        !has_words && literals.clone().next().is_some() && literals.all(|is_some| is_some)
    };
    is_claim(left) && is_value(right) || is_value(left) && is_claim(right)
}

/// Claims that all tokens of a provider have in common.
const SHARED: [&str; 5] = ["alg", "iss", "token_type", "typ", "ver"];

/// Whether a side of a comparison is a claim that all tokens have in common: `claims.iss`, `claims["iss"]`.
fn is_shared(side: &[Token]) -> bool {
    let name = side.iter().rev().find_map(|token| match token {
        Token::Word(name) | Token::Literal(name) => Some(name.as_str()),
        Token::Sign(_) => None,
    });
    let last = name.map(|name| name.rsplit('.').next().unwrap_or(name));
    last.is_some_and(|last| SHARED.contains(&last))
}

fn is_constant(word: &str) -> bool {
    ["true", "false", "null"]
        .iter()
        .any(|constant| word.eq_ignore_ascii_case(constant))
}

fn is_sign(token: &Token, sign: &str) -> bool {
    matches!(token, Token::Sign(found) if found == sign)
}

/// How much a token opens or closes.
fn opens(token: &Token) -> i32 {
    match token {
        Token::Sign(sign) if sign == "(" || sign == "[" => 1,
        Token::Sign(sign) if sign == ")" || sign == "]" => -1,
        _ => 0,
    }
}

/// The parts between a sign that is in no brackets.
fn split<'t>(tokens: &'t [Token], sign: &str) -> Vec<&'t [Token]> {
    let mut depth = 0;
    let is_between = |token: &Token| {
        depth += opens(token);
        depth == 0 && is_sign(token, sign)
    };
    tokens.split(is_between).collect()
}

/// The tokens of an expression; `None` if a text in it does not end.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if first == '"' || first == '\'' {
            let (content, after) = quoted(&rest[1..], first)?;
            // `r'…'` is a text, too.
            if matches!(tokens.last(), Some(Token::Word(prefix)) if prefix.eq_ignore_ascii_case("r"))
            {
                tokens.pop();
            }
            tokens.push(Token::Literal(content.to_owned()));
            rest = after;
        } else if is_word(first) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push(
                match word
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.')
                {
                    true => Token::Literal(word.to_owned()),
                    false => Token::Word(word.to_owned()),
                },
            );
            rest = after;
        } else {
            let signs = ["||", "&&", "==", "!=", "<=", ">="];
            let sign = signs.into_iter().find(|sign| rest.starts_with(sign));
            let (sign, after) = rest.split_at(sign.map_or(first.len_utf8(), str::len));
            if !first.is_whitespace() {
                tokens.push(Token::Sign(sign.to_owned()));
            }
            rest = after;
        }
    }
    Some(tokens)
}

/// What stands before a quote that no backslash escapes, and what stands after it.
fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let ends = *c == quote && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        ends
    })?;
    Some((&text[..end.0], &text[end.0 + 1..]))
}

/// Names of different kinds: a pattern that is found in each of them chooses hardly anything.
const NAMES: [&str; 5] = [
    "0oa4k7Q2xz",
    "jane.doe@example.com",
    "7f0e9c52-13aa-4c0e-9a55-d1a2b3c4d5e6",
    "system:serviceaccount:prod:loader",
    "repo:acme/site:ref:refs/heads/main",
];

/// A longer regular expression, or one that takes more memory, is not read: it counts as one of everything.
const MOST_PATTERN_BYTES: usize = 256;
const MOST_REGEX_BYTES: usize = 64 << 10;

/// Whether a regular expression matches the empty text, or each of several names that have little in common.
fn matches_nearly_all(pattern: &str) -> bool {
    if pattern.len() > MOST_PATTERN_BYTES {
        return true;
    }
    // In a text, a backslash is written twice.
    let pattern = pattern.replace(r"\\", r"\");
    let regex = RegexBuilder::new(&pattern)
        .unicode(false)
        .size_limit(MOST_REGEX_BYTES)
        .build();
    regex.map_or(true, |regex| {
        let is_found = |name: &&str| regex.is_match(name.as_bytes());
        is_found(&"") || NAMES.iter().all(is_found)
    })
}

/// Whether a text is empty, or a pattern without a letter of its own.
fn is_pattern_of_all(text: &str) -> bool {
    let mut in_class = false;
    !text.chars().any(|c| {
        match c {
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        !in_class && (c.is_alphanumeric() || "-@/:_".contains(c))
    })
}
