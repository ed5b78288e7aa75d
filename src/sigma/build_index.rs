//! Builds the index: numbers the conditions of all witnesses, and the conditions of the other lines about the fields
//! that are looked up for them.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, BuildError};

use super::index::{FieldIndex, Index, Number, PartConditions, Parts, RequiredNumbers};
use super::literals::Place;
use super::program::{Compiled, CompiledTest, Expr};
use super::witness::{Choice, Key, Required, Wanted};

impl Index {
    /// Chooses a witness for each detection.
    pub(super) fn new(detections: &[Compiled], tests: &[CompiledTest]) -> Index {
        let conditions = detections.iter().map(|detection| &detection.condition);
        let choice = Choice::new(conditions, tests);
        let mut builder = Builder::default();
        for (number, detection) in detections.iter().enumerate() {
            let witness = choice.witness(&detection.condition);
            builder.add_detection(number, detection.logsource, witness);
        }
        builder.add_tests(detections, tests);
        // No automaton has more than 2^31 states; rules of some gigabytes are evaluated without one.
        let built = builder.build(detections.len());
        built.unwrap_or_else(|_| Index::of_all(detections, tests))
    }

    /// An index in which every detection is evaluated on every event of its log source, and no line is answered.
    pub(super) fn of_all(detections: &[Compiled], tests: &[CompiledTest]) -> Index {
        let mut builder = Builder::default();
        for (number, detection) in detections.iter().enumerate() {
            builder.add_detection(number, detection.logsource, None);
        }
        Index {
            detections: detections.len(),
            without_witness: builder.without_witness.into_iter().collect(),
            required: tests.iter().map(|_| RequiredNumbers::default()).collect(),
            ..Index::default()
        }
    }
}

/// The shortest part of a text, in bytes, that is looked up only to answer lines.
const SHORTEST_PART: usize = 4;

#[derive(Default)]
struct Builder {
    numbers: BTreeMap<Key, Number>,
    detections_of: Vec<Vec<usize>>,
    fields: BTreeMap<Option<usize>, IndexedField>,
    without_witness: BTreeMap<usize, Vec<usize>>,
    required: Vec<RequiredNumbers>,
}

/// Most parts that are looked for one after the other.
const MOST_FEW_PARTS: usize = 8;

/// How a field is looked up.
#[derive(Default)]
struct IndexedField {
    logsources: BTreeSet<usize>,
    has_texts: bool,
    has_numbers: bool,
    has_parts: bool,
}

impl IndexedField {
    /// Makes the field one in which this is looked up.
    fn include(&mut self, wanted: &Wanted) {
        match wanted {
            Wanted::Present => {}
            Wanted::Number(_) => self.has_numbers = true,
            Wanted::Text((Place::Whole, _)) => self.has_texts = true,
            Wanted::Text(_) => self.has_parts = true,
        }
    }

    /// Whether looking this up, too, adds no other kind of work to an event.
    fn includes(&self, wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Present => true,
            Wanted::Number(_) => self.has_numbers,
            Wanted::Text((Place::Whole, _)) => self.has_texts || self.has_parts,
            // A short part would be found everywhere, and each find costs time.
            Wanted::Text((_, text)) => self.has_parts && text.len() >= SHORTEST_PART,
        }
    }
}

impl Builder {
    fn add_detection(&mut self, detection: usize, logsource: usize, witness: Option<Vec<Key>>) {
        let Some(keys) = witness else {
            let others = self.without_witness.entry(logsource).or_default();
            others.push(detection);
            return;
        };
        for key in keys {
            let field = self.fields.entry(key.field).or_default();
            field.logsources.insert(logsource);
            field.include(&key.wanted);
            let number = self.number(key);
            let detections = &mut self.detections_of[number];
            if detections.last() != Some(&detection) {
                detections.push(detection);
            }
        }
    }

    fn number(&mut self, key: Key) -> Number {
        let next = self.detections_of.len();
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.detections_of.push(Vec::new());
        }
        number
    }

    /// Numbers what tests require of the fields that are looked up in any case.
    fn add_tests(&mut self, detections: &[Compiled], tests: &[CompiledTest]) {
        let mut answered_by: Vec<BTreeSet<Option<usize>>> = Vec::new();
        for test in tests {
            let mut required = Required::by(test);
            let is_looked_up = |keys: &Vec<Key>| {
                keys.iter().all(|key| {
                    let field = self.fields.get(&key.field);
                    field.is_some_and(|field| field.includes(&key.wanted))
                })
            };
            let before = required.all.len();
            required.all.retain(is_looked_up);
            let is_all = before == required.all.len();
            let keys = required.all.iter().flatten();
            answered_by.push(keys.map(|key| key.field).collect());
            let mut all = Vec::new();
            for keys in required.all {
                all.push(keys.into_iter().map(|key| self.number(key)).collect());
            }
            self.required.push(RequiredNumbers {
                all,
                is_sufficient: required.is_sufficient && is_all,
            });
        }
        for detection in detections {
            let excluded = detection.exclusions.iter();
            let excluded = excluded.map(|exclusion| &exclusion.condition);
            for condition in excluded.chain([&detection.condition]) {
                self.add_logsource(detection.logsource, condition, &answered_by);
            }
        }
    }

    /// Makes the fields whose look-ups answer lines of a condition be looked up for the events of its log source.
    fn add_logsource(
        &mut self,
        logsource: usize,
        condition: &Expr,
        answered_by: &[BTreeSet<Option<usize>>],
    ) {
        match condition {
            Expr::Test(test) => {
                for field in &answered_by[*test] {
                    let field = self.fields.entry(*field).or_default();
                    field.logsources.insert(logsource);
                }
            }
            Expr::Not(inner) => self.add_logsource(logsource, inner, answered_by),
            Expr::All(parts) | Expr::AtLeast(_, parts) => {
                for part in parts {
                    self.add_logsource(logsource, part, answered_by);
                }
            }
        }
    }

    fn build(mut self, detections: usize) -> Result<Index, BuildError> {
        let mut keys: BTreeMap<Option<usize>, Vec<(Wanted, Number)>> = BTreeMap::new();
        for (key, number) in std::mem::take(&mut self.numbers) {
            keys.entry(key.field)
                .or_default()
                .push((key.wanted, number));
        }
        let fields = self.fields.into_iter().map(|(field, indexed)| {
            let keys = keys.remove(&field).unwrap_or_default();
            FieldIndex::new(field, indexed.logsources.into_iter().collect(), keys)
        });
        Ok(Index {
            detections,
            fields: fields.collect::<Result<_, _>>()?,
            detections_of: self.detections_of,
            without_witness: self.without_witness.into_iter().collect(),
            required: self.required,
        })
    }
}

impl FieldIndex {
    fn new(
        field: Option<usize>,
        logsources: Vec<usize>,
        keys: Vec<(Wanted, Number)>,
    ) -> Result<FieldIndex, BuildError> {
        let mut index = FieldIndex {
            field,
            logsources,
            ..FieldIndex::default()
        };
        let mut parts: BTreeMap<String, PartConditions> = BTreeMap::new();
        for (wanted, number) in keys {
            match wanted {
                Wanted::Present => index.present = Some(number),
                Wanted::Number(key) => {
                    index.numbers.insert(key, number);
                }
                Wanted::Text((Place::Whole, text)) => {
                    index.signs.add(&text);
                    index.texts.insert(text, number);
                }
                Wanted::Text((place, text)) => {
                    let part = parts.entry(text).or_default();
                    match place {
                        Place::Start => part.start = Some(number),
                        Place::End => part.end = Some(number),
                        Place::Within | Place::Whole => part.within = Some(number),
                    }
                }
            }
        }
        let is_within = parts.values().any(|part| part.within.is_some());
        index.parts = match parts.len() {
            0 => None,
            1..=MOST_FEW_PARTS if !is_within => Some(Parts::Few(parts.into_iter().collect())),
            _ => Some(Parts::Many {
                automaton: AhoCorasick::new(parts.keys())?,
                conditions: parts.into_values().collect(),
            }),
        };
        Ok(index)
    }
}
