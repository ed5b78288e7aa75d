//! Finds the detections that an event can match, by looking up the conditions of their witnesses. Lines about the
//! same fields are answered by the same look-ups as far as possible.
//! `witness` argues that every detection that matches is found.
//! Invariant: the work is linear in the event. The detections of a condition are added at most once for an event,
//! however often the condition holds.

use std::mem::take;
use std::ops::ControlFlow;

use aho_corasick::AhoCorasick;

use super::matcher::Subject;
use super::value::{Fields, Value};

/// The number of a condition.
pub(super) type Number = usize;

/// Detections by witness.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// How many detections there are.
    pub(super) detections: usize,
    pub(super) fields: Vec<FieldIndex>,
    /// For each condition, the detections with it in their witness.
    pub(super) detections_of: Vec<Vec<usize>>,
    /// For each log source that has some, its detections without a witness.
    pub(super) without_witness: Vec<(usize, Vec<usize>)>,
    /// For each test, what it requires.
    pub(super) required: Vec<RequiredNumbers>,
}

/// The conditions about one field, or about every string.
#[derive(Debug, Default)]
pub(super) struct FieldIndex {
    /// The number of the field; `None` for every string.
    pub(super) field: Option<usize>,
    /// The log sources of the detections that name the field; it is looked up only for their events.
    pub(super) logsources: Vec<usize>,
    /// That the field has a value.
    pub(super) present: Option<Number>,
    /// By folded value. Events only look up values and insert none, so a fast hash without protection is enough.
    pub(super) texts: foldhash::HashMap<String, Number>,
    /// Those of the texts.
    pub(super) signs: Signs,
    /// By [`super::value::Number::key`].
    pub(super) numbers: foldhash::HashMap<u64, Number>,
    pub(super) parts: Option<Parts>,
}

/// Bits for the lengths and the first and last letters of texts: most values that are none of the texts are known by
/// them, without being folded and hashed.
#[derive(Debug, Default)]
pub(super) struct Signs([u64; 16]);

impl Signs {
    /// Adds a folded text.
    pub(super) fn add(&mut self, text: &str) {
        let bit = Signs::bit(text.as_bytes());
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    /// Whether the folded value may be one of the texts. Folding keeps the length of ASCII alone.
    fn may_have(&self, value: &str) -> bool {
        let bit = Signs::bit(value.as_bytes());
        self.0[bit / 64] & 1 << (bit % 64) != 0 || !value.is_ascii()
    }

    fn bit(text: &[u8]) -> usize {
        let letter = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(byte | 0x20));
        (text.len() * 37 + letter(text.first()) * 5 + letter(text.last())) % 1024
    }
}

/// Finds all parts of texts.
#[derive(Debug)]
pub(super) enum Parts {
    /// A few that are only looked for at the start or the end.
    Few(Vec<(String, PartConditions)>),
    /// All others, in one pass.
    Many {
        automaton: AhoCorasick,
        /// For each text of the automaton, the conditions about it.
        conditions: Vec<PartConditions>,
    },
}

impl Parts {
    /// Whether one of a few texts may be at the start or the end of the folded value, by one letter. Of many, it is
    /// not known.
    fn may_be_in(&self, value: &str) -> bool {
        let Parts::Few(parts) = self else {
            return true;
        };
        let is = |letter: Option<&u8>, folded: Option<&u8>| match (letter, folded) {
            (Some(letter), Some(folded)) => letter.eq_ignore_ascii_case(folded),
            (_, None) => true,
            (None, Some(_)) => false,
        };
        let value_bytes = value.as_bytes();
        let mut parts = parts.iter().map(|(part, found)| (part.as_bytes(), found));
        // Folding may turn another character into a letter of ASCII.
        !value.is_ascii()
            || parts.any(|(part, found)| {
                found.start.is_some() && is(value_bytes.first(), part.first())
                    || found.end.is_some() && is(value_bytes.last(), part.last())
            })
    }
}

/// The conditions that a text is at a place.
#[derive(Debug, Default)]
pub(super) struct PartConditions {
    pub(super) within: Option<Number>,
    pub(super) start: Option<Number>,
    pub(super) end: Option<Number>,
}

/// What a test requires: of each list, one condition. Empty if nothing is known.
#[derive(Debug, Default)]
pub(super) struct RequiredNumbers {
    pub(super) all: Vec<Vec<Number>>,
    /// Whether this is all that it requires.
    pub(super) is_sufficient: bool,
}

/// What was found in one event. The memory is reused.
#[derive(Debug, Default)]
pub(super) struct Hits {
    /// A bit for each detection that can match.
    detections: Vec<u64>,
    /// A bit for each condition that holds.
    conditions: Vec<u64>,
    /// The fields that are looked up in one visit of a list.
    together: Vec<usize>,
}

impl Hits {
    fn clear(&mut self, index: &Index) {
        let clear = |bits: &mut Vec<u64>, len: usize| {
            bits.clear();
            bits.resize(len.div_ceil(64), 0);
        };
        clear(&mut self.detections, index.detections);
        clear(&mut self.conditions, index.detections_of.len());
    }

    fn add(&mut self, index: &Index, condition: Option<Number>) {
        if let Some(condition) = condition
            && !self.holds(condition)
        {
            self.conditions[condition / 64] |= 1 << (condition % 64);
            for detection in &index.detections_of[condition] {
                self.add_detection(*detection);
            }
        }
    }

    fn add_detection(&mut self, detection: usize) {
        self.detections[detection / 64] |= 1 << (detection % 64);
    }

    fn holds(&self, condition: Number) -> bool {
        self.conditions[condition / 64] & 1 << (condition % 64) != 0
    }

    /// The detections that can match, in ascending order.
    pub(super) fn detections(&self) -> impl Iterator<Item = usize> {
        self.detections.iter().enumerate().flat_map(|(word, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(word * 64 + bit)
            })
        })
    }
}

impl Index {
    /// Finds the detections that the event can match. Some of them are of another log source.
    pub(super) fn find<E: Fields>(
        &self,
        event: &E,
        paths: &[E::Path],
        is_of_logsource: &mut dyn FnMut(usize) -> bool,
        buffer: &mut String,
        hits: &mut Hits,
    ) {
        hits.clear(self);
        for (logsource, without_witness) in &self.without_witness {
            if is_of_logsource(*logsource) {
                for detection in without_witness {
                    hits.add_detection(*detection);
                }
            }
        }
        let mut visited_lists = 0_u64;
        for (at, field) in self.fields.iter().enumerate() {
            if !field.is_asked(is_of_logsource) {
                continue;
            }
            let list = field.field.and_then(|path| event.costly_list(&paths[path]));
            if let Some((list, _)) = list {
                if visited_lists & 1 << list == 0 {
                    visited_lists |= 1 << list;
                    self.look_up_list(event, paths, at, is_of_logsource, buffer, hits);
                }
                continue;
            }
            let mut look_up = |value: Value<'_>| {
                field.look_up(self, value, buffer, hits);
                ControlFlow::Continue(())
            };
            match field.field {
                Some(number) => event.values(&paths[number], &mut look_up),
                None => event.strings(&mut |text| look_up(Value::String(text))),
            }
        }
    }

    /// Looks up the fields of a list in one visit of it. The first of them has this place among the fields.
    fn look_up_list<E: Fields>(
        &self,
        event: &E,
        paths: &[E::Path],
        first: usize,
        is_of_logsource: &mut dyn FnMut(usize) -> bool,
        buffer: &mut String,
        hits: &mut Hits,
    ) {
        let path_of = |at: usize| self.fields[at].field.map(|path| &paths[path]);
        let list_of = |at: usize| path_of(at).and_then(|path| event.costly_list(path));
        let list = list_of(first);
        let (Some(path), Some((_, depth))) = (path_of(first), list) else {
            return;
        };
        let mut together = take(&mut hits.together);
        together.clear();
        together.extend(
            (first..self.fields.len())
                .filter(|at| list_of(*at) == list && self.fields[*at].is_asked(is_of_logsource)),
        );
        event.elements(path, depth, false, &mut |values| {
            for at in &together {
                let Some(path) = path_of(*at) else {
                    continue;
                };
                values(path, false, &mut |value| {
                    self.fields[*at].look_up(self, value, buffer, hits);
                    ControlFlow::Continue(())
                });
            }
            ControlFlow::Continue(())
        });
        hits.together = together;
    }

    /// Whether a test holds in some reading, its negation (`neq`) aside, if this follows from what was found. The test
    /// must be one of a detection of the event's log source.
    pub(super) fn answer(&self, test: usize, hits: &Hits) -> Option<bool> {
        let required = &self.required[test];
        required.all.first()?;
        let mut all = required.all.iter();
        match all.all(|list| list.iter().any(|condition| hits.holds(*condition))) {
            false => Some(false),
            true => required.is_sufficient.then_some(true),
        }
    }

    /// The detections without a witness, which are evaluated on every event of their log source.
    pub(super) fn without_witness(&self) -> impl Iterator<Item = usize> {
        let lists = self.without_witness.iter();
        lists.flat_map(|(_, detections)| detections.iter().copied())
    }
}

impl FieldIndex {
    fn is_asked(&self, is_of_logsource: &mut dyn FnMut(usize) -> bool) -> bool {
        let mut logsources = self.logsources.iter();
        logsources.any(|logsource| is_of_logsource(*logsource))
    }

    fn look_up(&self, index: &Index, value: Value<'_>, buffer: &mut String, hits: &mut Hits) {
        hits.add(index, self.present);
        if !self.numbers.is_empty()
            && let Some(number) = value.number()
        {
            hits.add(index, self.numbers.get(&number.key()).copied());
        }
        let may_be_text = match value {
            Value::String(text) => self.signs.may_have(text),
            _ => !self.texts.is_empty(),
        };
        let parts = self.parts.as_ref().filter(|parts| match value {
            Value::String(text) => parts.may_be_in(text),
            _ => true,
        });
        if !may_be_text && parts.is_none() {
            return;
        }
        let mut subject = Subject::new(value, buffer);
        let Some(text) = subject.folded() else {
            return;
        };
        if may_be_text {
            hits.add(index, self.texts.get(text).copied());
        }
        match parts {
            None => {}
            Some(Parts::Few(parts)) => {
                for (part, conditions) in parts {
                    if conditions.start.is_some() && text.starts_with(&**part) {
                        hits.add(index, conditions.start);
                    }
                    if conditions.end.is_some() && text.ends_with(&**part) {
                        hits.add(index, conditions.end);
                    }
                }
            }
            Some(Parts::Many {
                automaton,
                conditions,
            }) => {
                for found in automaton.find_overlapping_iter(text) {
                    let conditions = &conditions[found.pattern().as_usize()];
                    hits.add(index, conditions.within);
                    if found.start() == 0 {
                        hits.add(index, conditions.start);
                    }
                    if found.end() == text.len() {
                        hits.add(index, conditions.end);
                    }
                }
            }
        }
    }
}
