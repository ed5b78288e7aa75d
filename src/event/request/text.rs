//! Names in a text, alone or with values: `retention.ms, segment.ms`, or `retention.ms=1000`.

use super::names::{self, is_of_kafka};

/// The settings that a text lists, if it is nothing but such a list.
pub(super) fn names_alone(text: &str) -> Option<Vec<&'static str>> {
    let is_between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '"' | '\'');
    let words = text.split(is_between).filter(|word| !word.is_empty());
    let of_kafka = |word| names::named(word).filter(|name| is_of_kafka(name));
    let names: Vec<_> = words.map(of_kafka).collect::<Option<_>>()?;
    (!names.is_empty()).then_some(names)
}

/// The names in a text that `=` or `:` follows, each with the word after it.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_around = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']' | '(' | '{');
    let is_end = |c: char| c.is_whitespace() || ",;&=\"'|(){}[]".contains(c);
    text.match_indices(['=', ':'])
        .filter_map(move |(at, sign)| {
            // No name or value that matters is longer; so many signs in a text take no longer than others.
            let before = last_bytes(&text[..at], 80).trim_end_matches(is_around);
            let start = before.rfind(|c| !is_part(c));
            let start = start.map_or(0, |at| {
                at + before[at..].chars().next().map_or(1, char::len_utf8)
            });
            let name = Some(&before[start..]).filter(|name| !name.is_empty())?;
            let after = first_bytes(&text[at + sign.len()..], 100).trim_start_matches(is_around);
            let end = after.find(is_end).unwrap_or(after.len());
            Some((name, &after[..end]))
        })
}

fn last_bytes(text: &str, most: usize) -> &str {
    let mut start = text.len().saturating_sub(most);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

fn first_bytes(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
