//! The values that are hidden of one event, found in any text.

use std::collections::BTreeMap;
use std::net::IpAddr;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::policy::{MASK, Policy, Treatment};
use super::within_text::any_within;

/// A text of so many bytes is hidden wherever it occurs. A shorter one is hidden where it is a word by itself: in
/// other words, such as `ann` in `annotation`, it means nothing.
const LONG_BYTES: usize = 8;

/// A shorter text may be any word, and a shorter number any number. They are hidden where they are all that a field, a
/// key or a value of the source says.
const MIN_TEXT_BYTES: usize = 2;
const MIN_DIGITS: usize = 5;

/// Words that say that there is no value.
const EMPTY: [&str; 6] = ["null", "none", "unknown", "true", "false", MASK];

/// The values, by what is written, gathered from an event.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Those that are looked for in texts.
    searched: BTreeMap<String, Treatment>,
    /// All of them, also those that are too short for that.
    whole: BTreeMap<String, Treatment>,
}

impl Gathered {
    /// A text of a hidden field.
    pub(super) fn text(&mut self, text: &str, treatment: Treatment) {
        let is_empty = EMPTY.iter().any(|word| word.eq_ignore_ascii_case(text));
        put(&mut self.whole, text, treatment);
        if text.len() >= MIN_TEXT_BYTES && !is_empty {
            put(&mut self.searched, text, treatment);
            // An IPv6 address has many spellings: the shortest one is looked for as well.
            if let Ok(address) = text.parse::<IpAddr>() {
                put(&mut self.searched, &address.to_string(), treatment);
            }
        }
    }

    /// A number of a hidden field, as written.
    pub(super) fn number(&mut self, digits: &str, treatment: Treatment) {
        put(&mut self.whole, digits, treatment);
        if digits.len() >= MIN_DIGITS {
            put(&mut self.searched, digits, treatment);
        }
    }
}

fn put(values: &mut BTreeMap<String, Treatment>, text: &str, treatment: Treatment) {
    let found = values.entry(text.to_owned()).or_insert(treatment);
    *found = treatment.max(*found);
}

/// One of the values.
#[derive(Debug)]
struct HiddenValue {
    replacement: String,
    treatment: Treatment,
}

/// The values, and what finds them. Upper and lower case of ASCII are the same.
#[derive(Debug)]
pub(super) struct HiddenValues {
    /// Finds values of [`LONG_BYTES`] and more, anywhere.
    long: Finder,
    /// Finds shorter ones, as words.
    short: Finder,
    /// What stands in place of a text that is a value as a whole.
    whole: BTreeMap<String, HiddenValue>,
}

/// Finds values in a text, in time that grows with the text alone.
#[derive(Debug)]
struct Finder {
    values: Vec<HiddenValue>,
    /// Its patterns are the values in their order; `None` without any.
    automaton: Option<AhoCorasick>,
    /// Whether there are more than it can be made for: then every text counts as one of them.
    finds_everything: bool,
}

impl Finder {
    fn new(values: Vec<(&String, HiddenValue)>, kind: MatchKind) -> Finder {
        let texts = values.iter().map(|(text, _)| text.as_bytes());
        let built = (!values.is_empty()).then(|| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(kind)
                // The other kinds search faster, and take time to build that grows with the square of a value.
                .kind(Some(AhoCorasickKind::NoncontiguousNFA))
                .build(texts)
        });
        Finder {
            finds_everything: matches!(built, Some(Err(_))),
            automaton: built.and_then(Result::ok),
            values: values.into_iter().map(|(_, value)| value).collect(),
        }
    }
}

/// A text without the hidden values, and how the strongest of them was treated.
pub(super) struct Hidden {
    pub(super) text: String,
    pub(super) treatment: Treatment,
}

/// A part of a text that is a value, or holds one.
struct Occurrence<'v> {
    start: usize,
    end: usize,
    value: &'v HiddenValue,
    /// Whether it is a word of which the value is a part.
    is_wider: bool,
}

impl HiddenValues {
    pub(super) fn new(gathered: Gathered, policy: &Policy) -> HiddenValues {
        let hidden = |text: &str, treatment: Treatment| HiddenValue {
            replacement: policy.replacement(text, treatment),
            treatment,
        };
        let (long, short): (Vec<_>, Vec<_>) = gathered
            .searched
            .iter()
            .map(|(text, treatment)| (text, hidden(text, *treatment)))
            .partition(|(text, _)| text.len() >= LONG_BYTES);
        let whole = gathered.whole.iter();
        HiddenValues {
            long: Finder::new(long, MatchKind::LeftmostLongest),
            // Of these, few can begin at one place.
            short: Finder::new(short, MatchKind::Standard),
            whole: whole
                .map(|(text, treatment)| (text.clone(), hidden(text, *treatment)))
                .collect(),
        }
    }

    /// The text without the values; `None` if it has none of them. A text that has one only beneath an encoding is
    /// replaced as a whole.
    pub(super) fn hide(&self, text: &str) -> Option<Hidden> {
        let masked = || Hidden {
            text: MASK.to_owned(),
            treatment: Treatment::Mask,
        };
        if self.long.finds_everything || self.short.finds_everything {
            return Some(masked());
        }
        if self.long.values.is_empty() && self.short.values.is_empty() {
            return None;
        }
        let replaced = self.replace(text);
        let rest = replaced.as_ref().map_or(text, |hidden| &hidden.text);
        match any_within(rest, &|said: &str| self.occurs(said)) {
            true => Some(masked()),
            false => replaced,
        }
    }

    /// The same for a text that is a value as a whole, however short it is.
    pub(super) fn hide_whole(&self, text: &str) -> Option<Hidden> {
        let value = self.whole.get(text)?;
        Some(Hidden {
            text: value.replacement.clone(),
            treatment: value.treatment,
        })
    }

    /// The name of a member without the values that it has as words: a part of a word is no value there, since names
    /// such as `confluentUser` are made of words.
    pub(super) fn hide_name(&self, name: &str) -> Option<Hidden> {
        let found = self.occurrences(name);
        let is_part_of_words = !found.is_empty() && found.iter().all(|one| one.is_wider);
        match is_part_of_words {
            true => None,
            false => self.hide(name),
        }
    }

    fn occurs(&self, text: &str) -> bool {
        !self.occurrences(text).is_empty()
    }

    /// Where the values occur in a text.
    fn occurrences(&self, text: &str) -> Vec<Occurrence<'_>> {
        let mut found = Vec::new();
        if let Some(long) = &self.long.automaton {
            let mut at = 0;
            for one in long.find_iter(text) {
                // It is in the same word as the one before.
                if one.start() < at {
                    continue;
                }
                let (start, end) = word_around(text, one.start(), one.end());
                at = end;
                found.push(Occurrence {
                    start,
                    end,
                    value: &self.long.values[one.pattern().as_usize()],
                    is_wider: (start, end) != (one.start(), one.end()),
                });
            }
        }
        if let Some(short) = &self.short.automaton {
            let all = short.find_overlapping_iter(text);
            let words = all.filter(|one| is_word(text, one.start(), one.end()));
            found.extend(words.map(|one| Occurrence {
                start: one.start(),
                end: one.end(),
                value: &self.short.values[one.pattern().as_usize()],
                is_wider: false,
            }));
        }
        found
    }

    fn replace(&self, text: &str) -> Option<Hidden> {
        let mut found = self.occurrences(text);
        // Of several that begin at one place the longest.
        found.sort_by_key(|one| (one.start, std::cmp::Reverse(one.end)));
        let treatment = found.iter().map(|one| one.value.treatment).max()?;
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for one in &found {
            if one.start >= at {
                out.push_str(&text[at..one.start]);
                // A word of which a value is only a part may be the value of somebody else.
                out.push_str(match one.is_wider {
                    true => MASK,
                    false => &one.value.replacement,
                });
            }
            // What is left of one that overlaps the one before is hidden with it.
            at = at.max(one.end);
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

/// The part of a text with the letters and digits before and after it that continue a word.
fn word_around(text: &str, start: usize, end: usize) -> (usize, usize) {
    let continues = |edge: Option<char>| edge.is_some_and(char::is_alphanumeric);
    let part = &text[start..end];
    let mut whole = (start, end);
    if continues(part.chars().next()) {
        let before = text[..start].trim_end_matches(char::is_alphanumeric);
        whole.0 = before.len();
    }
    if continues(part.chars().next_back()) {
        let after = text[end..].trim_start_matches(char::is_alphanumeric);
        whole.1 = text.len() - after.len();
    }
    whole
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
            archive: Vec::new(),
            key: PseudonymKey::new(b"0123456789abcdef0123456789abcdef").ok(),
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
        assert_eq!(masked(&mail, "xann@example.comx"), "***");
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
    fn a_word_that_holds_a_value_is_masked_since_it_may_be_the_value_of_somebody_else() {
        let hidden = values(&[("10.0.0.1", Treatment::Pseudonym)]);
        assert_eq!(
            hidden.hide("from 10.0.0.11 on").unwrap().text,
            "from *** on"
        );
        let shown = hidden.hide("from 10.0.0.1.").unwrap().text;
        assert!(shown.starts_with("from p-"), "{shown}");
        assert!(hidden.hide_name("x10.0.0.11").is_none());
        assert!(hidden.hide_name("of 10.0.0.1").is_some());
    }

    #[test]
    fn the_spellings_of_an_address_have_one_pseudonym() {
        let hidden = values(&[("2001:DB8:0:0::1", Treatment::Pseudonym)]);
        let one = hidden.hide("2001:db8::1").unwrap().text;
        assert_eq!(hidden.hide("2001:DB8:0:0::1").unwrap().text, one);
        assert!(one.starts_with("p-"), "{one}");
    }

    #[test]
    fn short_values_are_found_where_they_are_all_that_is_said() {
        let hidden = values(&[("Q", Treatment::Mask), ("null", Treatment::Pseudonym)]);
        assert!(hidden.hide("Q").is_none() && hidden.hide("null").is_none());
        assert_eq!(hidden.hide_whole("Q").unwrap().text, "***");
        assert!(hidden.hide_whole("null").unwrap().text.starts_with("p-"));
        assert!(hidden.hide_whole("q").is_none());
    }

    #[test]
    fn values_that_repeat_themselves_take_no_longer_than_others() {
        let text = "x".repeat(200_000) + "Q";
        assert_eq!(masked(&[&text], &format!("y {text} {text}")), "y *** ***");
        let words = "ab ".repeat(50_000);
        assert_eq!(masked(&[&words, "ab"], &words), "***");
        let word = "abcdefgh".repeat(50_000);
        assert_eq!(masked(&["abcdefgh", "fg"], &word), "***");
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
