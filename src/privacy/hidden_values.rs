//! The values that are hidden of one event, found in any text.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};

use super::policy::{MASK, Policy, Treatment};
use super::within_text::any_within;

/// A text of so many bytes is hidden wherever it occurs. A shorter one is hidden where it is a word by itself: in
/// other words, such as `ann` in `annotation`, it means nothing.
const LONG_BYTES: usize = 8;

/// A shorter text may be any word, and a shorter number any number. They are hidden in the place of their field alone.
const MIN_TEXT_BYTES: usize = 2;
const MIN_DIGITS: usize = 5;

/// Words that say that there is no value.
const EMPTY: [&str; 6] = ["null", "none", "unknown", "true", "false", MASK];

/// The values, by what is written, gathered from an event.
#[derive(Debug, Default)]
pub(super) struct Gathered(BTreeMap<String, Treatment>);

impl Gathered {
    /// A text of a hidden field.
    pub(super) fn text(&mut self, text: &str, treatment: Treatment) {
        let is_empty = EMPTY.iter().any(|word| word.eq_ignore_ascii_case(text));
        if text.len() >= MIN_TEXT_BYTES && !is_empty {
            let found = self.0.entry(text.to_owned()).or_insert(treatment);
            *found = treatment.max(*found);
        }
    }

    /// A number of a hidden field, as written.
    pub(super) fn number(&mut self, digits: &str, treatment: Treatment) {
        if digits.len() >= MIN_DIGITS {
            self.text(digits, treatment);
        }
    }
}

/// One of the values.
#[derive(Debug)]
struct HiddenValue {
    text: String,
    replacement: String,
    treatment: Treatment,
}

/// The values, and what finds them. Upper and lower case of ASCII are the same.
#[derive(Debug)]
pub(super) struct HiddenValues {
    values: Vec<HiddenValue>,
    finder: Finder,
}

/// Finds the values in a text.
#[derive(Debug)]
enum Finder {
    /// There are none.
    Nothing,
    /// Its patterns are the values in their order.
    Values(AhoCorasick),
    /// There are more than it can be made for: every text counts as one of them.
    Everything,
}

/// A text without the hidden values, and how the strongest of them was treated.
pub(super) struct Hidden {
    pub(super) text: String,
    pub(super) treatment: Treatment,
}

impl HiddenValues {
    pub(super) fn new(gathered: Gathered, policy: &Policy) -> HiddenValues {
        let values: Vec<HiddenValue> = gathered
            .0
            .into_iter()
            .map(|(text, treatment)| HiddenValue {
                replacement: policy.replacement(&text, treatment),
                text,
                treatment,
            })
            .collect();
        let finder = match values.is_empty() {
            true => Finder::Nothing,
            false => AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::Standard)
                .build(values.iter().map(|value| &value.text))
                .map_or(Finder::Everything, Finder::Values),
        };
        HiddenValues { values, finder }
    }

    /// The text without the values; `None` if it has none of them. A text that has one only beneath an encoding is
    /// replaced as a whole.
    pub(super) fn hide(&self, text: &str) -> Option<Hidden> {
        let masked = Hidden {
            text: MASK.to_owned(),
            treatment: Treatment::Mask,
        };
        let finder = match &self.finder {
            Finder::Nothing => return None,
            Finder::Everything => return Some(masked),
            Finder::Values(finder) => finder,
        };
        let replaced = self.replace(finder, text);
        let rest = replaced.as_ref().map_or(text, |hidden| &hidden.text);
        match any_within(rest, &|said: &str| self.replace(finder, said).is_some()) {
            true => Some(masked),
            false => replaced,
        }
    }

    fn replace(&self, finder: &AhoCorasick, text: &str) -> Option<Hidden> {
        let mut found: Vec<(usize, usize, &HiddenValue)> = finder
            .find_overlapping_iter(text)
            .map(|found| {
                let value = &self.values[found.pattern().as_usize()];
                (found.start(), found.end(), value)
            })
            .filter(|(start, end, value)| {
                value.text.len() >= LONG_BYTES || is_word(text, *start, *end)
            })
            .collect();
        // Of several that begin at one place the longest.
        found.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
        let treatment = found.iter().map(|(_, _, value)| value.treatment).max()?;
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (start, end, value) in found {
            if start >= at {
                out.push_str(&text[at..start]);
                out.push_str(&value.replacement);
            }
            // What is left of one that overlaps the one before is hidden with it.
            at = at.max(end);
        }
        out.push_str(&text[at..]);
        Some(Hidden {
            text: out,
            treatment,
        })
    }
}

/// Whether a part of a text has no letter or digit beside it.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    let is_of_word = |beside: Option<char>| beside.is_some_and(char::is_alphanumeric);
    !is_of_word(before) && !is_of_word(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Mark;
    use crate::privacy::PseudonymKey;

    fn values(values: &[(&str, Treatment)]) -> HiddenValues {
        let policy = Policy {
            name: "people".to_owned(),
            mark: Mark::START,
            fields: Vec::new(),
            topics: Vec::new(),
            sinks: Vec::new(),
            key: PseudonymKey::new(&[7; 32]).ok(),
        };
        let mut gathered = Gathered::default();
        for (text, treatment) in values {
            gathered.text(text, *treatment);
        }
        HiddenValues::new(gathered, &policy)
    }

    fn masked(hidden: &[&str], text: &str) -> String {
        let all: Vec<_> = hidden.iter().map(|text| (*text, Treatment::Mask)).collect();
        let hidden = values(&all).hide(text);
        hidden.map_or_else(|| text.to_owned(), |hidden| hidden.text)
    }

    #[test]
    fn a_value_is_hidden_wherever_a_text_has_it() {
        let mail = ["ann@example.com"];
        assert_eq!(masked(&mail, "ann@example.com"), "***");
        assert_eq!(
            masked(&mail, "User <Ann@Example.COM> left"),
            "User <***> left"
        );
        assert_eq!(masked(&mail, "xann@example.comx"), "x***x");
        assert_eq!(masked(&mail, "ann@example.org"), "ann@example.org");
        assert_eq!(masked(&mail, "user=ann%40example.com"), "***");
        assert_eq!(masked(&["Müller & Söhne"], "an Müller & Söhne"), "an ***");
    }

    #[test]
    fn a_short_value_is_hidden_where_it_is_a_word() {
        assert_eq!(
            masked(&["ann"], "ann's annotation, by User:ann"),
            "***'s annotation, by User:***"
        );
        assert_eq!(masked(&["a"], "a"), "a");
        assert_eq!(masked(&["unknown"], "unknown"), "unknown");
        assert_eq!(masked(&["u-1"], "u-12 u-1 xu-1"), "u-12 *** xu-1");
    }

    #[test]
    fn values_that_overlap_are_hidden_whole() {
        let both = ["abcdefgh", "efghijkl"];
        assert_eq!(masked(&both, "1 abcdefghijkl 2"), "1 *** 2");
        assert_eq!(
            masked(&["ann", "ann@example.com"], "ann@example.com"),
            "***"
        );
        assert_eq!(masked(&["ann", "ann.b"], "ann.b ann"), "*** ***");
    }

    #[test]
    fn the_strongest_treatment_wins() {
        let hidden = values(&[
            ("ann@example.com", Treatment::Pseudonym),
            ("198.51.100.7", Treatment::Mask),
            ("ann@example.com", Treatment::Drop),
        ]);
        assert_eq!(hidden.hide("ann@example.com").unwrap().text, "***");
        let hidden = values(&[("u-1a2b3c", Treatment::Pseudonym)]);
        let one = hidden.hide("User:u-1a2b3c").unwrap();
        assert_eq!(one.treatment, Treatment::Pseudonym);
        assert!(one.text.starts_with("User:p-"), "{}", one.text);
    }
}
