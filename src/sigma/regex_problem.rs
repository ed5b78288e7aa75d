//! Why a text is no regular expression that can be used, in plain words, and what to write instead.

use regex_syntax::Error;
use regex_syntax::ast::{ErrorKind as Syntax, Span};
use regex_syntax::hir::ErrorKind as Meaning;

use crate::diagnostic::{Mark, Problem};

/// The problem with an expression that cannot be compiled.
pub(super) fn of(text: &str, mark: Mark) -> Problem {
    let (message, remedy) = match regex_syntax::parse(text) {
        Err(Error::Parse(error)) => {
            let (what, remedy) = syntax(error.kind());
            (at(what, error.span(), text), remedy)
        }
        Err(Error::Translate(error)) => {
            let (what, remedy) = meaning(error.kind());
            (at(what, error.span(), text), remedy)
        }
        _ => (
            "it would be too large in memory".to_owned(),
            "make the counts in braces smaller, or write several expressions",
        ),
    };
    let message = format!("not a supported regular expression: {message}");
    Problem::error(mark, message).remedy(remedy)
}

/// What is wrong, with the part of the text that is meant.
fn at(what: &str, span: &Span, text: &str) -> String {
    let before = text.get(..span.start.offset).unwrap_or_default();
    let character = before.chars().count() + 1;
    match text.get(span.start.offset..span.end.offset) {
        Some(part) if !part.is_empty() => format!("{what}: `{part}` at character {character}"),
        _ => format!("{what}, at character {character}"),
    }
}

fn syntax(kind: &Syntax) -> (&'static str, &'static str) {
    match kind {
        Syntax::UnsupportedLookAround => (
            "look-around",
            "matching takes linear time, so there is none; write several selections, with `not` in the condition",
        ),
        Syntax::UnsupportedBackreference => (
            "a back-reference",
            "matching takes linear time, so there are none; write the text itself, or a backslash as `\\\\`",
        ),
        Syntax::GroupUnclosed => (
            "a group that is not closed",
            "write `)`, or `\\(` for a parenthesis",
        ),
        Syntax::GroupUnopened => (
            "a closing parenthesis without an opening one",
            "remove it, or write `\\)` for a parenthesis",
        ),
        Syntax::ClassUnclosed => (
            "a class that is not closed",
            "write `]`, or `\\[` for a bracket",
        ),
        Syntax::ClassRangeInvalid | Syntax::ClassRangeLiteral => (
            "a range in a class that is none",
            "write the lower character first, as in `[a-z]`, or `\\-` for a hyphen",
        ),
        Syntax::RepetitionMissing => (
            "nothing to repeat",
            "write what is to be repeated before it, or `\\*`, `\\+`, `\\?` for the character",
        ),
        Syntax::RepetitionCountInvalid
        | Syntax::RepetitionCountUnclosed
        | Syntax::RepetitionCountDecimalEmpty
        | Syntax::DecimalEmpty
        | Syntax::DecimalInvalid => (
            "a count of repetitions that is none",
            "write `{2}`, `{2,}` or `{2,5}`, or `\\{` for a brace",
        ),
        Syntax::ClassEscapeInvalid | Syntax::EscapeUnrecognized => (
            "an escape that does not exist",
            "write a backslash itself as `\\\\`; letters need no backslash",
        ),
        Syntax::EscapeUnexpectedEof => (
            "a backslash at the end",
            "write a backslash itself as `\\\\`",
        ),
        Syntax::EscapeHexEmpty | Syntax::EscapeHexInvalid | Syntax::EscapeHexInvalidDigit => (
            "a hexadecimal escape that names no character",
            "write it as `\\x{1F600}`, or a backslash itself as `\\\\`",
        ),
        Syntax::UnicodeClassInvalid => (
            "a class of characters that does not exist",
            "write one such as `\\p{Greek}` or `\\p{L}`",
        ),
        Syntax::FlagUnrecognized
        | Syntax::FlagUnexpectedEof
        | Syntax::FlagDanglingNegation
        | Syntax::FlagDuplicate { .. }
        | Syntax::FlagRepeatedNegation { .. } => (
            "a flag of a group that does not exist",
            "the flags are i, m, s, x, U and u, as in `(?i)`; there are no atomic groups and no conditions",
        ),
        Syntax::GroupNameDuplicate { .. }
        | Syntax::GroupNameEmpty
        | Syntax::GroupNameInvalid
        | Syntax::GroupNameUnexpectedEof => (
            "a name of a group that is none",
            "write `(?:…)`: groups need no name",
        ),
        Syntax::NestLimitExceeded(_) => ("groups nested too deeply", "write several expressions"),
        _ => (
            "a part that is not understood",
            "docs.rs/regex lists the syntax; write several simpler expressions",
        ),
    }
}

fn meaning(kind: &Meaning) -> (&'static str, &'static str) {
    match kind {
        Meaning::UnicodePropertyNotFound | Meaning::UnicodePropertyValueNotFound => (
            "a class of characters that does not exist",
            "write one such as `\\p{Greek}` or `\\p{L}`",
        ),
        _ => (
            "a part that could match bytes that are no text",
            "remove the flag `(?-u)`",
        ),
    }
}
