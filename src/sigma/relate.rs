//! Compares the texts of one field with those of another (`fieldref`). Time grows with the length of the
//! texts and not with the number of pairs, because a caller can make both lists long on purpose.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::matcher::Relation;

/// Up to so many texts, each is simply compared with each of the others.
const FEW: usize = 8;

/// Texts in one buffer.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    /// The end of each text.
    ends: Vec<usize>,
}

impl Texts {
    /// Appends the text that `write` writes.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.text);
        self.ends.push(self.text.len());
    }

    /// Forgets the texts and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let text = &self.text[start..*end];
            start = *end;
            text
        })
    }
}

impl Relation {
    /// Whether any text relates to any of the others in this way.
    pub(super) fn holds_for_any(self, texts: &Texts, others: &Texts) -> bool {
        if texts.ends.len().min(others.ends.len()) <= FEW {
            let relates = |text| others.iter().any(|other| self.holds(text, other));
            return texts.iter().any(relates);
        }
        match self {
            Relation::Equal => {
                let others: HashSet<&str> = others.iter().collect();
                texts.iter().any(|text| others.contains(text))
            }
            Relation::StartsWith => {
                let others = Prefixes::new(others.iter().map(str::as_bytes).collect());
                texts.iter().any(|text| others.begin(text.as_bytes()))
            }
            Relation::EndsWith => {
                let (texts, others) = (texts.reversed(), others.reversed());
                let others = Prefixes::new(others.iter().map(Vec::as_slice).collect());
                texts.iter().any(|text| others.begin(text))
            }
            Relation::Contains => contains(texts, others),
        }
    }
}

impl Texts {
    fn reversed(&self) -> Vec<Vec<u8>> {
        let reversed = |text: &str| text.bytes().rev().collect();
        self.iter().map(reversed).collect()
    }
}

/// Sorted texts of which none is a prefix of another.
struct Prefixes<'t>(Vec<&'t [u8]>);

impl<'t> Prefixes<'t> {
    fn new(mut texts: Vec<&'t [u8]>) -> Prefixes<'t> {
        texts.sort_unstable();
        // A text with another one as its prefix is sorted after it, and is not needed.
        texts.dedup_by(|later, earlier| later.starts_with(earlier));
        Prefixes(texts)
    }

    /// Whether the text begins with one of them. In sorted order only texts with the same prefix can be
    /// between a text and its prefix, and those are left out; so only one text has to be compared.
    fn begin(&self, text: &[u8]) -> bool {
        let behind = self.0.partition_point(|prefix| *prefix <= text);
        let before = behind.checked_sub(1);
        before.is_some_and(|before| text.starts_with(self.0[before]))
    }
}

fn contains(texts: &Texts, others: &Texts) -> bool {
    // The automaton appends equal texts to a list, which it walks to the end for each; so they are removed.
    let mut distinct: Vec<&str> = others.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let automaton = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .prefilter(false)
        .build(distinct);
    match automaton {
        Ok(automaton) => texts.iter().any(|text| automaton.is_match(text)),
        // This fails only beyond 2^32 states, and no record is so long.
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts<'t>(words: impl IntoIterator<Item = &'t str>) -> Texts {
        let mut texts = Texts::default();
        for word in words {
            texts.push(|out| out.push_str(word));
        }
        texts
    }

    const RELATIONS: [Relation; 4] = [
        Relation::Equal,
        Relation::Contains,
        Relation::StartsWith,
        Relation::EndsWith,
    ];

    proptest! {
        #[test]
        fn many_relate_as_each_pair_of_them_does(
            own in prop::collection::vec("[abü]{0,5}", 0..14),
            others in prop::collection::vec("[abü]{1,5}", 0..14),
        ) {
            // Without a match of the shortest, too.
            for shortest in 0..5 {
                let others: Vec<&str> = others.iter().map(String::as_str)
                    .filter(|other| other.len() > shortest).collect();
                let own: Vec<&str> = own.iter().map(String::as_str).collect();
                for relation in RELATIONS {
                    let expected = own.iter().any(|text| {
                        others.iter().any(|other| relation.holds(text, other))
                    });
                    let (own, others) = (texts(own.clone()), texts(others.clone()));
                    prop_assert_eq!(relation.holds_for_any(&own, &others), expected);
                }
            }
        }
    }

    #[test]
    fn the_empty_text_is_in_every_other_however_many_there_are() {
        let own = texts(["b"; 20]);
        let others = texts(["a"; 20].into_iter().chain([""]));
        let held = RELATIONS.map(|relation| relation.holds_for_any(&own, &others));
        assert_eq!(held, [false, true, true, true]);
    }
}
