//! Finds the literals that a text must contain to match a pattern or a regular expression.
//! All literals are folded, and they are found in the folded text. This is sound because [`fold`] maps each
//! character to one character by itself: if a text contains a literal, its folded form contains the folded
//! literal at the same place, whether or not the comparison regards letter case.

use regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::pattern::{Pattern, Token, fold};

/// Where a literal is found in a folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// It is the whole text.
    Whole,
    /// The text begins with it.
    Start,
    /// The text ends with it.
    End,
    /// Anywhere in the text.
    Within,
}

/// A folded literal and its place.
pub(super) type Literal = (Place, String);

/// At most so many texts are listed for one part of an expression.
const MOST_TEXTS: usize = 64;

/// The literals of a pattern. A text that matches contains each of them.
pub(super) fn of_pattern(pattern: &Pattern) -> Vec<Literal> {
    let tokens = pattern.tokens();
    let is_char = |token: &Token| matches!(token, Token::Char(_));
    if tokens.iter().all(is_char) {
        return vec![(Place::Whole, text(tokens))];
    }
    let runs = tokens.chunk_by(|a, b| is_char(a) && is_char(b));
    let mut start = 0;
    let mut literals = Vec::new();
    for run in runs {
        let end = start + run.len();
        let place = match (start, end) {
            (0, _) => Place::Start,
            (_, end) if end == tokens.len() => Place::End,
            _ => Place::Within,
        };
        if run.iter().all(is_char) {
            literals.push((place, text(run)));
        }
        start = end;
    }
    literals
}

fn text(tokens: &[Token]) -> String {
    let chars = tokens.iter().filter_map(|token| match token {
        Token::Char(c) => Some(*c),
        _ => None,
    });
    fold(&chars.collect::<String>())
}

/// The literals of a regular expression. A text that matches contains at least one of them; `None` if no such
/// literals are known.
pub(super) fn of_regex(regex: &Regex) -> Option<Vec<Literal>> {
    let parsed = regex_syntax::parse(regex.as_str()).ok()?;
    let properties = parsed.properties();
    let is_whole = properties.look_set_prefix().contains(Look::Start)
        && properties.look_set_suffix().contains(Look::End);
    let found = Found::of(&parsed);
    let (place, texts) = match found.all {
        Some(all) if is_whole => (Place::Whole, all),
        Some(all) => (Place::Within, required(vec![all])?),
        None => (Place::Within, found.one_of?),
    };
    Some(texts.into_iter().map(|text| (place, text)).collect())
}

/// What is known about the folded form of whatever an expression matches.
struct Found {
    /// It is one of these texts.
    all: Option<Vec<String>>,
    /// It contains one of these texts, none of which is empty.
    one_of: Option<Vec<String>>,
}

impl Found {
    const NOTHING: Found = Found {
        all: None,
        one_of: None,
    };

    fn all(mut texts: Vec<String>) -> Found {
        texts.sort_unstable();
        texts.dedup();
        if texts.len() > MOST_TEXTS {
            return Found::NOTHING;
        }
        Found {
            one_of: required(vec![texts.clone()]),
            all: Some(texts),
        }
    }

    fn of(expression: &Hir) -> Found {
        match expression.kind() {
            // Assertions such as `^` and `\b` match between characters.
            HirKind::Empty | HirKind::Look(_) => Found::all(vec![String::new()]),
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => Found::all(vec![fold(text)]),
                Err(_) => Found::NOTHING,
            },
            HirKind::Class(class) => match chars(class) {
                Some(chars) => Found::all(chars),
                None => Found::NOTHING,
            },
            HirKind::Repetition(repetition) => Found::of_repetition(repetition),
            HirKind::Capture(capture) => Found::of(&capture.sub),
            HirKind::Concat(parts) => Found::of_sequence(parts.iter().map(Found::of)),
            HirKind::Alternation(parts) => Found::of_alternatives(parts.iter().map(Found::of)),
        }
    }

    fn of_repetition(repetition: &Repetition) -> Found {
        let once = Found::of(&repetition.sub);
        match (repetition.min, repetition.max) {
            (0, Some(1)) => match once.all {
                Some(all) => Found::all(all.into_iter().chain([String::new()]).collect()),
                None => Found::NOTHING,
            },
            (0, _) => Found::NOTHING,
            _ => Found { all: None, ..once },
        }
    }

    fn of_sequence(parts: impl Iterator<Item = Found>) -> Found {
        let mut candidates = Vec::new();
        // The texts of the parts since the last one whose texts are not known.
        let mut run = vec![String::new()];
        let mut is_run = true;
        for part in parts {
            let extended = part
                .all
                .as_ref()
                .filter(|all| run.len() * all.len() <= MOST_TEXTS);
            if let Some(all) = extended {
                let mut longer = Vec::new();
                for before in &run {
                    longer.extend(all.iter().map(|text| format!("{before}{text}")));
                }
                run = longer;
                continue;
            }
            is_run = false;
            candidates.push(std::mem::replace(&mut run, vec![String::new()]));
            candidates.extend(part.one_of);
            run = part.all.unwrap_or(run);
        }
        if is_run {
            return Found::all(run);
        }
        candidates.push(run);
        Found {
            all: None,
            one_of: required(candidates),
        }
    }

    fn of_alternatives(parts: impl Iterator<Item = Found>) -> Found {
        let (mut all, mut one_of) = (Some(Vec::new()), Some(Vec::new()));
        let append =
            |to: &mut Option<Vec<String>>, texts: Option<Vec<String>>| match (&mut *to, texts) {
                (Some(to), Some(texts)) => to.extend(texts),
                _ => *to = None,
            };
        for part in parts {
            append(&mut all, part.all);
            append(&mut one_of, part.one_of);
        }
        let all = all.map_or(Found::NOTHING, Found::all).all;
        Found { all, one_of }
    }
}

/// The folded characters of a small class.
fn chars(class: &Class) -> Option<Vec<String>> {
    let class = match class {
        Class::Unicode(class) => class.clone(),
        Class::Bytes(class) => class.to_unicode_class()?,
    };
    let count: usize = class.iter().map(|range| range.len()).sum();
    if count > MOST_TEXTS {
        return None;
    }
    let chars = class.iter().flat_map(|range| range.start()..=range.end());
    Some(chars.map(|c| fold(c.encode_utf8(&mut [0; 4]))).collect())
}

/// Of several lists, of each of which one text is contained, the list with the longest shortest text.
fn required(candidates: Vec<Vec<String>>) -> Option<Vec<String>> {
    let shortest = |texts: &Vec<String>| texts.iter().map(String::len).min().unwrap_or(0);
    let best = candidates
        .into_iter()
        .max_by_key(|texts| (shortest(texts), usize::MAX - texts.len()))?;
    (shortest(&best) > 0).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigma::pattern::tokens;

    fn regex(regex: &str) -> Option<(Place, Vec<String>)> {
        let mut literals = of_regex(&Regex::new(regex).unwrap())?;
        literals.sort_by(|a, b| a.1.cmp(&b.1));
        let place = literals[0].0;
        assert!(literals.iter().all(|(other, _)| *other == place));
        Some((place, literals.into_iter().map(|(_, text)| text).collect()))
    }

    fn some(place: Place, texts: &[&str]) -> Option<(Place, Vec<String>)> {
        Some((place, texts.iter().map(|text| (*text).to_owned()).collect()))
    }

    #[test]
    fn an_expression_for_whole_texts_is_spelled_out() {
        assert_eq!(
            regex("^Delete(Role|Acl)7?$"),
            some(
                Place::Whole,
                &["deleteacl", "deleteacl7", "deleterole", "deleterole7"]
            )
        );
        assert_eq!(regex("^(?:Ä|bc)$"), some(Place::Whole, &["bc", "ä"]));
        assert_eq!(regex("^$"), some(Place::Whole, &[""]));
        assert_eq!(regex("(?i)^ab$"), some(Place::Whole, &["ab"]));
    }

    #[test]
    fn other_expressions_have_the_longest_text_that_must_occur() {
        for (expression, texts) in [
            ("Delete", &["delete"][..]),
            ("^Delete", &["delete"]),
            ("^Delete.*$", &["delete"]),
            ("^ab|c$", &["ab", "c"]),
            ("^a+$", &["a"]),
            ("(?m)^a$", &["a"]),
            (r"\bfoo\b\s+barbar", &["barbar"]),
            ("(foo|barbar)x", &["barbarx", "foox"]),
            ("x(foo|b.r)+", &["x"]),
            ("(?i)disk", &["disk", "di\u{17f}k"]),
        ] {
            let mut texts = texts.to_vec();
            texts.sort_unstable();
            assert_eq!(
                regex(expression),
                some(Place::Within, &texts),
                "{expression}"
            );
        }
        for expression in [r"^\w{9}$", "a?", "a*", "foo|", ".", r"(?i)[^a]\d?"] {
            assert_eq!(regex(expression), None, "{expression}");
        }
    }

    #[test]
    fn the_literals_of_a_pattern_are_what_stands_between_its_wildcards() {
        let literals = |pattern: &str| {
            let literals = of_pattern(&Pattern::new(tokens(pattern), true));
            let literals = literals.iter().map(|(place, text)| (*place, text.clone()));
            literals.collect::<Vec<_>>()
        };
        let literal = |place, text: &str| (place, text.to_owned());
        assert_eq!(literals("Delete"), [literal(Place::Whole, "delete")]);
        assert_eq!(literals(""), [literal(Place::Whole, "")]);
        assert_eq!(
            literals("A*b?C"),
            [
                literal(Place::Start, "a"),
                literal(Place::Within, "b"),
                literal(Place::End, "c")
            ]
        );
        assert_eq!(literals("*ab*"), [literal(Place::Within, "ab")]);
        assert_eq!(literals("?*"), []);
    }
}
