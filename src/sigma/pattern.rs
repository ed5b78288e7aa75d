//! Strings of a rule with wildcards `*` and `?`, escapes and letter case.
//! A pattern is compiled once into the cheapest possible comparison; matching is total and takes at most
//! pattern length times text length.

use std::fmt::{self, Write};

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// `*`
    Many,
    /// `?`
    One,
    /// One of `-`, `/`, en dash, em dash, horizontal bar (`windash`).
    Dash,
    /// Itself.
    Char(char),
}

/// The characters that `windash` treats as equal.
pub const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// A compiled string of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    tokens: Vec<Token>,
    cased: bool,
    shape: PatternShape,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PatternShape {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Glob(Vec<Token>),
}

/// A text as a pattern in which no character stands for others: the text alone fits it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// Reads wildcards and escapes (specification, "Escaping"): a backslash escapes `*`, `?` and a
/// backslash; before any other character it is an ordinary character.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' => Token::Many,
            '?' => Token::One,
            '\\' => Token::Char(
                chars
                    .next_if(|next| matches!(next, '*' | '?' | '\\'))
                    .unwrap_or('\\'),
            ),
            other => Token::Char(other),
        });
    }
    tokens
}

/// The text of tokens without wildcards.
pub fn literal(tokens: &[Token]) -> Option<String> {
    tokens
        .iter()
        .map(|token| match token {
            Token::Char(c) => Some(*c),
            _ => None,
        })
        .collect()
}

/// Appends the lower case of each character (Unicode's simple mapping) to `into`.
pub fn fold_into(text: &str, into: &mut String) {
    if text.is_ascii() {
        let start = into.len();
        into.push_str(text);
        into[start..].make_ascii_lowercase();
    } else {
        into.extend(text.chars().map(fold_char));
    }
}

/// Lower case as [`fold_into`] writes it.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

fn fold_char(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

impl Pattern {
    /// Compiles tokens; with `cased` letter case matters.
    pub fn new(tokens: Vec<Token>, cased: bool) -> Pattern {
        let mut tokens = tokens;
        tokens.dedup_by(|a, b| *a == Token::Many && *b == Token::Many);
        let folded = tokens.iter().map(|token| match token {
            Token::Char(c) if !cased => Token::Char(fold_char(*c)),
            token => *token,
        });
        let shape = shape(folded.collect());
        Pattern {
            tokens,
            cased,
            shape,
        }
    }

    /// A text with `*` and `?`, each of which a backslash makes a character like others; letter case is ignored.
    pub fn of(text: &str) -> Pattern {
        Pattern::new(tokens(text), false)
    }

    /// A pattern without wildcards.
    #[cfg(test)]
    pub(super) fn exactly(text: &str, cased: bool) -> Pattern {
        Pattern::new(text.chars().map(Token::Char).collect(), cased)
    }

    /// Whether a text matches; it is converted to lower case if needed.
    pub fn finds(&self, text: &str) -> bool {
        if self.cased {
            return self.matches(text);
        }
        self.matches_unfolded(text)
            .unwrap_or_else(|| self.matches(&fold(text)))
    }

    /// Whether a text matches whatever its case, where that shows without folding it: an ASCII text
    /// and a pattern that looks at one place.
    pub fn matches_unfolded(&self, text: &str) -> Option<bool> {
        let is = |part: Option<&str>, wanted: &str| {
            part.is_some_and(|part| part.eq_ignore_ascii_case(wanted))
        };
        let found = match &self.shape {
            PatternShape::Exact(exact) => is(Some(text), exact),
            PatternShape::Prefix(prefix) => is(text.get(..prefix.len()), prefix),
            PatternShape::Suffix(suffix) => {
                let start = text.len().checked_sub(suffix.len());
                is(start.and_then(|start| text.get(start..)), suffix)
            }
            PatternShape::Contains(_) | PatternShape::Glob(_) => return None,
        };
        // Beyond ASCII what was found differs may yet be alike.
        (found || text.is_ascii()).then_some(found)
    }

    /// Its parts as written, whatever their case.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Whether letters compare as they are; otherwise [`Pattern::matches`] wants folded text.
    pub fn is_cased(&self) -> bool {
        self.cased
    }

    /// The only text that matches, if there is only one (folded unless cased).
    pub fn exact(&self) -> Option<&str> {
        match &self.shape {
            PatternShape::Exact(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the whole text matches. The text must be folded (`fold_into`) unless
    /// [`Pattern::is_cased`].
    pub fn matches(&self, text: &str) -> bool {
        match &self.shape {
            PatternShape::Exact(exact) => text == exact,
            PatternShape::Prefix(prefix) => text.starts_with(prefix.as_str()),
            PatternShape::Suffix(suffix) => text.ends_with(suffix.as_str()),
            PatternShape::Contains(part) => text.contains(part.as_str()),
            PatternShape::Glob(tokens) => glob(tokens, text),
        }
    }
}

/// As a rule would write it.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens.iter().try_for_each(|token| match token {
            Token::Many => f.write_char('*'),
            Token::One => f.write_char('?'),
            Token::Dash => f.write_char('-'),
            Token::Char(c @ ('*' | '?')) => write!(f, "\\{c}"),
            Token::Char(c) => f.write_char(*c),
        })
    }
}

fn shape(tokens: Vec<Token>) -> PatternShape {
    let simple = match tokens.as_slice() {
        [Token::Many, inner @ .., Token::Many] => literal(inner).map(PatternShape::Contains),
        [Token::Many, inner @ ..] => literal(inner).map(PatternShape::Suffix),
        [inner @ .., Token::Many] => literal(inner).map(PatternShape::Prefix),
        all => literal(all).map(PatternShape::Exact),
    };
    simple.unwrap_or(PatternShape::Glob(tokens))
}

/// Two cursors; on a mismatch the last `*` takes one character more.
fn glob(tokens: &[Token], text: &str) -> bool {
    let (mut token, mut rest) = (0, text);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let mut chars = rest.chars();
        match (tokens.get(token), chars.next()) {
            (None, None) => return true,
            (Some(Token::Many), _) => {
                token += 1;
                retry = Some((token, rest));
                continue;
            }
            (Some(expected), Some(c)) if one(*expected, c) => {
                token += 1;
                rest = chars.as_str();
                continue;
            }
            _ => {}
        }
        let Some((after_star, from)) = retry else {
            return false;
        };
        let mut skipped = from.chars();
        if skipped.next().is_none() {
            return false;
        }
        rest = skipped.as_str();
        token = after_star;
        retry = Some((after_star, rest));
    }
}

fn one(token: Token, c: char) -> bool {
    match token {
        Token::One => true,
        Token::Char(expected) => expected == c,
        Token::Dash => DASHES.contains(&c),
        Token::Many => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::of(pattern).matches(&fold(text))
    }

    #[test]
    fn an_escaped_text_fits_itself_alone() {
        for text in ["a*b", "a?b", r"a\b", r"a\*b", r"\\", r"\", "plain"] {
            let pattern = escaped(text);
            assert!(matches(&pattern, text), "{pattern}");
            for other in ["axb", "ab", r"a\xb", "", r"a\\b"] {
                assert!(!matches(&pattern, other), "{pattern} {other}");
            }
        }
    }

    #[test]
    fn what_matches_unfolded_matches_folded() {
        let texts = [
            "", "Delete", "DELETEX", "xdelete", "\u{212a}", "k", "Ä", "äDelete", "Deletä",
        ];
        for pattern in [
            "delete", "Delete*", "*dELETE", "K", "\u{212a}", "ä", "Ä*", "*ä", "*",
        ] {
            let pattern = Pattern::new(tokens(pattern), false);
            for text in texts {
                if let Some(found) = pattern.matches_unfolded(text) {
                    assert_eq!(found, pattern.matches(&fold(text)), "{pattern} {text}");
                }
            }
        }
        let unfolded = |pattern, text| Pattern::new(tokens(pattern), false).matches_unfolded(text);
        assert_eq!(unfolded("Delete*", "dELETE it"), Some(true));
        assert_eq!(unfolded("*it", "delete us"), Some(false));
        assert_eq!(unfolded("ä", "Ä"), None);
        assert_eq!(unfolded("*let*", "delete"), None);
    }

    #[test]
    fn escapes_follow_the_specification() {
        let plain = |text: &str| literal(&tokens(text));
        assert_eq!(plain(r"a\b").as_deref(), Some(r"a\b"));
        assert_eq!(plain(r"a\\b").as_deref(), Some(r"a\b"));
        assert_eq!(plain(r"a\*b\?").as_deref(), Some("a*b?"));
        assert_eq!(plain(r"a\\\*").as_deref(), Some(r"a\*"));
        assert_eq!(plain(r"a\\\\").as_deref(), Some(r"a\\"));
        assert_eq!(plain(r"a\\\b").as_deref(), Some(r"a\\b"));
        assert_eq!(plain(r"a\").as_deref(), Some(r"a\"));
        assert_eq!(
            tokens(r"\\*"),
            [Token::Char('\\'), Token::Many],
            "an escaped backslash leaves the wildcard"
        );
    }

    #[test]
    fn wildcards_match_whole_values() {
        assert!(matches("prog?.exe", "progA.exe"));
        assert!(!matches("prog?.exe", "prog.exe"));
        assert!(matches("antivirus_V*.exe", "antivirus_v21.2.1.exe"));
        assert!(!matches("antivirus", "antivirus.exe"));
        assert!(matches("*", ""));
        assert!(!matches("?*", ""));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("a*b*c", "a-c-b"));
        assert!(matches("*?x", "äx"));
        assert!(matches("**", "anything"));
    }

    #[test]
    fn case_is_ignored_by_unicode_letter_unless_cased() {
        assert!(matches("DELETE?", "deletes"));
        assert!(matches("ÄRGER*", "ärgernis"));
        assert!(matches("kelvin", "\u{212A}elvin"));
        assert!(!matches("İ", "i"), "no single lower-case letter");
        let cased = Pattern::new(tokens("Ab*"), true);
        assert!(cased.matches("Abc"));
        assert!(!cased.matches("abc"));
    }

    #[test]
    fn a_hostile_glob_stays_quadratic() {
        let pattern = "a*".repeat(50) + "b";
        assert!(!matches(&pattern, &"a".repeat(2_000)));
    }
}
