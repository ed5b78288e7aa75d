//! What is wrong with a text that is not YAML, or not the YAML that is read here: in plain words, with a remedy. The
//! parser's own words name its types and options, so they are shown only for rare errors of syntax.

use serde_saphyr::budget::BudgetBreach as Breach;
use serde_saphyr::{Error, Location};

use crate::diagnostic::{Mark, Problem};

/// Deeper nesting is refused, so that recursion over a tree cannot overflow the stack.
pub(super) const MAX_DEPTH: usize = 24;

/// Most documents of a text.
pub(super) const MAX_DOCUMENTS: usize = 1_024;

/// Most values of a text, and most values for which its aliases may stand.
pub(super) const MAX_VALUES: usize = 250_000;

/// Most uses of an alias for each anchor, in a text with at least a hundred of them.
pub(super) const MAX_ALIASES_OF_ANCHOR: usize = 10;

/// The message of the visitor for a value with a tag.
pub(super) const TAG: &str = "a tag";

/// The message of the visitor for `.inf`, `.nan` and numbers beyond those of a double.
pub(super) const NOT_FINITE: &str = "a number that is not finite";

/// A message, and what to do about it.
type Explanation = (String, &'static str);

/// Errors of syntax by a part of the parser's words.
const SYNTAX: &[(&str, &str, &str)] = &[
    (
        "mapping values are not allowed",
        "a colon where no key can stand",
        "quote the value if the colon is part of it, or correct the indentation",
    ),
    (
        "unclosed quote",
        "a quote is not closed",
        "close it where the text ends; in single quotes, write '' for a quote",
    ),
    (
        "unclosed bracket",
        "a bracket is not closed",
        "close it, or quote the value if the bracket is part of it",
    ),
    ("tab", "a tab in the indentation", "indent with spaces"),
    (
        "unexpected character",
        "a value cannot begin with this character",
        "quote the value",
    ),
    (
        "expected '-' indicator",
        "a line among the elements of a list that is no element",
        "begin it with `- `, or correct the indentation",
    ),
    (
        "unknown escape character",
        "an escape that YAML does not have, in double quotes",
        "write two backslashes for one, or use single quotes",
    ),
    (
        "simple key expect",
        "a line without a colon among the keys of a map",
        "write `key: value`, or correct the indentation",
    ),
    (
        "did not find expected key",
        "a line among the keys of a map that is no key",
        "write `key: value`, or correct the indentation",
    ),
    (
        "invalid indentation",
        "the indentation fits none of the lines before",
        "indent keys of one map by the same number of spaces",
    ),
    (
        "expected ',' or",
        "a comma or the closing bracket is missing",
        "write `,` between elements, and close the bracket after the last",
    ),
    (
        "<document start>",
        "text after the end of the document",
        "correct the indentation, or begin a new document with `---`",
    ),
];

/// The position of a place.
pub(super) fn mark(location: Location) -> Mark {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    Mark {
        line: number(location.line()),
        column: number(location.column()),
    }
}

/// The problem that the parser reports for a text.
pub(super) fn problem(error: &Error, text: &str) -> Problem {
    let place = error.location();
    let mark = place.map_or(Mark::START, mark);
    let error = error.without_snippet();
    let tag = is_of_tag(error).then(|| tag_at(text, place)).flatten();
    let explained = match tag {
        Some(tag) => Some((
            format!("the tag `{tag}`, which is not supported"),
            "remove it; quote the value if a text is meant",
        )),
        None => explanation(error).or_else(|| bound(error)),
    };
    let (message, remedy) = explained.unwrap_or_else(|| syntax(error));
    Problem::error(mark, message).remedy(remedy)
}

/// Whether the error is that of a value with a tag.
fn is_of_tag(error: &Error) -> bool {
    match error {
        Error::Message { msg, .. } => msg == TAG,
        Error::AliasError { error, .. } => is_of_tag(error),
        Error::BinaryNotUtf8 { .. }
        | Error::InvalidBinaryBase64 { .. }
        | Error::InvalidBooleanStrict { .. }
        | Error::InvalidScalar { .. }
        | Error::TaggedScalarCannotDeserializeIntoString { .. }
        | Error::UnsupportedTag { .. } => true,
        _ => false,
    }
}

/// The tag of the value at a place: what is written before it, or at the beginning of a document after it.
fn tag_at(text: &str, place: Option<Location>) -> Option<&str> {
    // The error of a whole document may have no place.
    let byte = place.and_then(|place| place.span().byte_offset());
    let byte = usize::try_from(byte.unwrap_or(0)).ok()?;
    let (before, after) = text.split_at_checked(byte)?;
    let brackets = ['[', '{', ','];
    let words = before.split_whitespace().rev();
    let words = words.map(|word| word.trim_start_matches(brackets));
    // An anchor may follow the tag.
    let mut words = words.skip_while(|word| word.starts_with('&'));
    let is_tag = |word: &&str| word.starts_with('!');
    let tag = words.next().filter(is_tag);
    tag.or_else(|| after.split_whitespace().find(is_tag))
}

fn explanation(error: &Error) -> Option<Explanation> {
    let (message, remedy) = match error {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or_default();
            let message = format!("duplicate key `{key}`");
            return Some((message, "keep one of the two"));
        }
        Error::Message { msg, .. } if msg == TAG => (
            "a tag, which is not supported",
            "remove it; quote the value if a text is meant",
        ),
        Error::Message { msg, .. } if msg == NOT_FINITE => {
            (NOT_FINITE, "quote it if a text is meant")
        }
        Error::NullIntoString { .. } => (
            "a key that is empty or null",
            "write a name before the colon; quote it if it is the word null",
        ),
        Error::Unexpected {
            expected: "string scalar",
            ..
        } => (
            "a key that is a list or a map",
            "write a name before the colon",
        ),
        Error::UnknownAnchor { .. } => (
            "an alias of an anchor that does not exist",
            "quote the value if it is a text that begins with `*`, or write the anchor before it",
        ),
        Error::RecursiveReferencesRequireWeakTypes { .. } => (
            "an alias within the value for which it stands",
            "write the value in place of the alias",
        ),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            ("`<<` merges maps only", "name a map, as in `<<: *anchor`")
        }
        Error::FoldedBlockScalarMustIndentContent { .. } => (
            "the lines of a text after `>` are not indented",
            "indent them further than the key",
        ),
        Error::AliasError { error, .. } => return explanation(error),
        _ => return None,
    };
    Some((message.to_owned(), remedy))
}

fn syntax(error: &Error) -> Explanation {
    let words = error.to_string();
    let words = words.rsplit_once(" at line ").map_or(&*words, |(w, _)| w);
    let known = SYNTAX.iter().find(|(part, ..)| words.contains(part));
    let (message, remedy) = match known {
        Some((_, message, remedy)) => (*message, *remedy),
        None => (
            words,
            "correct this line or the one before; quotes make a value a text",
        ),
    };
    (format!("not readable as YAML: {message}"), remedy)
}

/// The bound that a text exceeds, if that is the error, and what to do about it.
fn bound(error: &Error) -> Option<Explanation> {
    let split = "split the file";
    let without = "write the values in place of aliases, or split the file";
    match error {
        Error::Budget { breach, .. } => match breach {
            Breach::Documents { .. } => Some((
                format!("more than {MAX_DOCUMENTS} documents in one file"),
                split,
            )),
            Breach::Nodes { .. } | Breach::Events { .. } | Breach::ScalarBytes { .. } => Some((
                format!("more than {MAX_VALUES} keys and values in one file"),
                split,
            )),
            Breach::Depth { .. } => {
                let message = format!("maps and lists nested deeper than {MAX_DEPTH}");
                Some((message, "nest them less deeply"))
            }
            Breach::AliasAnchorRatio { .. } => {
                let message = format!("more than {MAX_ALIASES_OF_ANCHOR} aliases for each anchor");
                Some((message, without))
            }
            _ => None,
        },
        Error::AliasError { error, .. } => bound(error),
        // The scanner reports the nesting of brackets as a text alone.
        other if other.to_string().starts_with("recursion limit exceeded") => {
            let message = format!("maps and lists nested deeper than {MAX_DEPTH}");
            Some((message, "nest them less deeply"))
        }
        Error::AliasReplayLimitExceeded { .. } => {
            let message = format!("aliases that stand for more than {MAX_VALUES} values");
            Some((message, without))
        }
        _ => None,
    }
}
