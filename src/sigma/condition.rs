//! The `condition` of a detection: a small expression over the names of its selections.
//! Precedence, loosest first: `or`, `and`, `not`, `N of`, parentheses.

use super::pattern::{Pattern, Token};
use super::rule::Condition;
use crate::diagnostic::{Mark, Problem, nearest};

/// Most selections that a condition may refer to; `1 of x*` refers to each selection that it names.
const MAX_REFERENCES: usize = 2_000;

/// Deeper parentheses or chains of `not` are refused, so that evaluation cannot overflow the stack.
const MAX_DEPTH: usize = 32;

/// What to do about a rule that counts events.
pub(super) const NO_COUNTS: &str = "a rule cannot count events; write the condition for one event, and `group_by` to make one incident of many alerts";

/// The functions of Sigma 1 that count or relate events.
const AGGREGATIONS: [&str; 6] = ["count", "min", "max", "avg", "sum", "near"];

/// Parses a condition over the selections of these names.
///
/// # Errors
/// The first problem, at its place in the text if that is on one line.
pub fn parse(text: &str, mark: Mark, names: &[&str]) -> Result<Condition, Problem> {
    let mut parser = Parser {
        words: words(text),
        next: 0,
        references: 0,
        names,
        mark,
        one_line: !text.contains('\n'),
    };
    let condition = parser.any(0)?;
    match parser.peek() {
        None => Ok(condition),
        Some("|") => Err(parser
            .problem("an aggregation after `|`, which is not supported")
            .remedy(NO_COUNTS)),
        Some(word) => Err(parser
            .problem(format!("unexpected `{word}`"))
            .remedy("join selections with `and` or `or`")),
    }
}

/// A word of the condition and its offset in characters.
struct Word<'t> {
    text: &'t str,
    offset: usize,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    // Where the word begins, in bytes and in characters.
    let mut start = None;
    let mut push = |(from, offset): (usize, usize), to: usize| {
        let text = &text[from..to];
        words.push(Word { text, offset });
    };
    for (offset, (at, c)) in text.char_indices().enumerate() {
        let single = matches!(c, '(' | ')' | '|');
        if c.is_whitespace() || single {
            if let Some(start) = start.take() {
                push(start, at);
            }
            if single {
                push((at, offset), at + 1);
            }
        } else if start.is_none() {
            start = Some((at, offset));
        }
    }
    if let Some(start) = start {
        push(start, text.len());
    }
    words
}

struct Parser<'t> {
    words: Vec<Word<'t>>,
    next: usize,
    /// To how many selections the condition refers so far.
    references: usize,
    names: &'t [&'t str],
    mark: Mark,
    one_line: bool,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t str> {
        self.words.get(self.next).map(|word| word.text)
    }

    fn take(&mut self, keyword: &str) -> bool {
        let found = self
            .peek()
            .is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    /// A problem at the next word.
    fn problem(&self, message: impl Into<String>) -> Problem {
        let offset = match self.words.get(self.next).or(self.words.last()) {
            Some(word) if self.one_line => word.offset,
            _ => 0,
        };
        Problem::error(self.mark.right_by(offset), message)
    }

    fn any(&mut self, depth: usize) -> Result<Condition, Problem> {
        let mut parts = vec![self.all(depth)?];
        while self.take("or") {
            parts.push(self.all(depth)?);
        }
        Ok(single_or(parts, |parts| Condition::AtLeast(1, parts)))
    }

    fn all(&mut self, depth: usize) -> Result<Condition, Problem> {
        let mut parts = vec![self.not(depth)?];
        while self.take("and") {
            parts.push(self.not(depth)?);
        }
        Ok(single_or(parts, Condition::All))
    }

    fn not(&mut self, depth: usize) -> Result<Condition, Problem> {
        if depth > MAX_DEPTH {
            return Err(self
                .problem(format!("nested deeper than {MAX_DEPTH}"))
                .remedy("write fewer parentheses and `not`"));
        }
        if self.take("not") {
            return Ok(Condition::Not(Box::new(self.not(depth + 1)?)));
        }
        self.primary(depth)
    }

    fn primary(&mut self, depth: usize) -> Result<Condition, Problem> {
        let Some(word) = self.peek() else {
            let remedy = format!("write one of: {}", self.names.join(", "));
            return Err(self
                .problem("the condition ends where a selection is expected")
                .remedy(remedy));
        };
        if self.take("(") {
            let inner = self.any(depth + 1)?;
            if !self.take(")") {
                return Err(self
                    .problem("a parenthesis is not closed")
                    .remedy("write `)` after the last selection in it"));
            }
            return Ok(inner);
        }
        let of = self.words.get(self.next + 1).map(|word| word.text);
        if of.is_some_and(|of| of.eq_ignore_ascii_case("of")) {
            return self.quantified(word);
        }
        let Some(index) = self.names.iter().position(|name| *name == word) else {
            let is_called = self
                .words
                .get(self.next + 1)
                .is_some_and(|next| next.text == "(");
            if is_called
                && AGGREGATIONS
                    .iter()
                    .any(|name| word.eq_ignore_ascii_case(name))
            {
                let message = format!("`{word}()`, which is not supported");
                return Err(self.problem(message).remedy(NO_COUNTS));
            }
            return Err(self.unknown(word));
        };
        self.count(1)?;
        self.next += 1;
        Ok(Condition::Selection(index))
    }

    /// Counts references at the next word.
    fn count(&mut self, references: usize) -> Result<(), Problem> {
        self.references += references;
        if self.references <= MAX_REFERENCES {
            return Ok(());
        }
        let message =
            format!("up to here, the condition refers to more than {MAX_REFERENCES} selections");
        let remedy = "write the selections as one list, or several rules";
        Err(self.problem(message).remedy(remedy))
    }

    /// `1 of x*`, `all of them`.
    fn quantified(&mut self, quantity: &str) -> Result<Condition, Problem> {
        let needed = match quantity.to_ascii_lowercase().as_str() {
            "all" => None,
            "any" => Some(1),
            digits => match digits.parse::<usize>() {
                Ok(number) if number > 0 => Some(number),
                _ => {
                    return Err(self
                        .problem(format!("`{quantity} of` is not a quantity"))
                        .remedy("write `1 of`, `any of`, `all of`, or another number"));
                }
            },
        };
        self.next += 2;
        let Some(pattern) = self.peek() else {
            return Err(self
                .problem("nothing after `of`")
                .remedy("name selections with a pattern such as `selection*`, or write `them`"));
        };
        let found = self.named(pattern);
        if found.is_empty() {
            return Err(self.unknown(pattern));
        }
        if needed.is_some_and(|needed| needed > found.len()) {
            let message = format!("`{pattern}` matches only {} selections", found.len());
            return Err(self.problem(message).remedy("write a smaller number"));
        }
        self.count(found.len())?;
        self.next += 1;
        let parts = found.into_iter().map(Condition::Selection).collect();
        Ok(match needed {
            None => single_or(parts, Condition::All),
            Some(1) => single_or(parts, |parts| Condition::AtLeast(1, parts)),
            Some(needed) => Condition::AtLeast(needed, parts),
        })
    }

    /// Selections that match a pattern; those that begin with `_` only if the pattern does, too.
    fn named(&self, pattern: &str) -> Vec<usize> {
        let them = pattern.eq_ignore_ascii_case("them");
        let tokens = pattern.chars().map(|c| match c {
            '*' => Token::Many,
            other => Token::Char(other),
        });
        let matcher = Pattern::new(tokens.collect(), true);
        let hidden = |name: &str| name.starts_with('_') && !pattern.starts_with('_');
        let named = |name: &&str| !hidden(name) && (them || matcher.matches(name));
        let indexed = self.names.iter().enumerate();
        indexed
            .filter(|(_, name)| named(name))
            .map(|(i, _)| i)
            .collect()
    }

    fn unknown(&self, word: &str) -> Problem {
        let problem = self.problem(format!("no selection `{word}`"));
        match nearest(word, self.names.iter().copied()) {
            Some(name) => problem.remedy(format!("did you mean `{name}`?")),
            None => problem.remedy(format!("the selections are: {}", self.names.join(", "))),
        }
    }
}

fn single_or(mut parts: Vec<Condition>, many: impl Fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        many(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::Condition::{All, AtLeast, Not, Selection};
    use super::*;

    const NAMES: [&str; 5] = ["a", "b", "filter_x", "filter_y", "_hidden"];
    const MARK: Mark = Mark {
        line: 7,
        column: 14,
    };

    fn ok(text: &str) -> Condition {
        parse(text, MARK, &NAMES).unwrap()
    }

    fn not(condition: Condition) -> Condition {
        Not(Box::new(condition))
    }

    #[test]
    fn and_binds_tighter_than_or_and_not_tighter_than_both() {
        assert_eq!(ok("a"), Selection(0));
        let a_and_not_b = All(vec![Selection(0), not(Selection(1))]);
        assert_eq!(
            ok("a and not b or filter_x"),
            AtLeast(1, vec![a_and_not_b, Selection(2)])
        );
        let a_or_b = AtLeast(1, vec![Selection(0), Selection(1)]);
        assert_eq!(ok("NOT (a OR b)"), not(a_or_b));
    }

    #[test]
    fn quantities_expand_to_the_selections_they_name() {
        let filters = vec![Selection(2), Selection(3)];
        assert_eq!(ok("1 of filter_*"), AtLeast(1, filters.clone()));
        assert_eq!(ok("all of filter*"), All(filters.clone()));
        assert_eq!(ok("2 of filter_*"), AtLeast(2, filters.clone()));
        assert_eq!(ok("any of *_x"), Selection(2));
        assert_eq!(
            ok("not 1 of filter* and a"),
            All(vec![not(AtLeast(1, filters)), Selection(0)])
        );
    }

    #[test]
    fn names_that_start_with_an_underscore_are_meant_only_when_named() {
        let them = (0..4).map(Selection).collect();
        assert_eq!(ok("1 of them"), AtLeast(1, them));
        assert_eq!(ok("_hidden"), Selection(4));
        assert_eq!(ok("1 of _*"), Selection(4));
        assert!(parse("1 of *hidden*", MARK, &NAMES).is_err());
    }

    #[test]
    fn problems_name_the_column_and_the_nearest_selection() {
        let problem = |text: &str| parse(text, MARK, &NAMES).unwrap_err();
        let unknown = problem("a and filter_z");
        assert_eq!(unknown.message, "no selection `filter_z`");
        assert_eq!(
            unknown.mark,
            Mark {
                line: 7,
                column: 20
            }
        );
        assert_eq!(unknown.remedy.as_deref(), Some("did you mean `filter_y`?"));
        assert_eq!(problem("a b").message, "unexpected `b`");
        assert_eq!(problem("(a or b").message, "a parenthesis is not closed");
        assert_eq!(
            problem("a and").message,
            "the condition ends where a selection is expected"
        );
        assert_eq!(
            problem("").message,
            "the condition ends where a selection is expected"
        );
        assert_eq!(problem("0 of them").message, "`0 of` is not a quantity");
        assert_eq!(
            problem("3 of filter*").message,
            "`filter*` matches only 2 selections"
        );
        assert_eq!(problem("1 of x*").message, "no selection `x*`");
        let many = problem(&format!("a{}", " or 1 of filter*".repeat(1_000)));
        assert_eq!(
            many.message,
            "up to here, the condition refers to more than 2000 selections"
        );
        assert_eq!(many.mark.column, MARK.column + 1 + 16 * 1_000 - 7);
        assert!(parse(&vec!["a"; 2_000].join(" or "), MARK, &NAMES).is_ok());
        let aggregation = problem("a | count() by b > 5");
        assert!(aggregation.message.contains("aggregation"));
        assert_eq!(aggregation.remedy.as_deref(), Some(NO_COUNTS));
        let counted = problem("a and count() > 5");
        assert_eq!(counted.message, "`count()`, which is not supported");
        assert_eq!(counted.remedy.as_deref(), Some(NO_COUNTS));
        assert_eq!(problem("count").message, "no selection `count`");
        assert!(problem(&"(".repeat(1000)).message.contains("nested deeper"));
        assert!(
            problem(&"not ".repeat(1000))
                .message
                .contains("nested deeper")
        );
    }
}
