//! Finds the detections that an event can match, by looking up the fields of their witnesses.
//! `witness` argues that every detection that matches is among them.
//! Invariant: the work is linear in the event. Each list of detections is added at most once for an event, however
//! often its condition holds.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use aho_corasick::AhoCorasick;

use super::literals::Place;
use super::matcher::Subject;
use super::program::{Compiled, CompiledTest};
use super::value::{Fields, Value};
use super::witness::{Choice, Key, Wanted};

/// The number of a list of detections.
type List = usize;

/// Detections by witness.
#[derive(Debug)]
pub(super) struct Index {
    /// Their number.
    detections: usize,
    fields: Vec<FieldIndex>,
    /// For each condition, the detections with it in their witness.
    lists: Vec<Vec<usize>>,
    /// For each log source that has some, its detections without a witness.
    without_witness: Vec<(usize, Vec<usize>)>,
}

/// The conditions about one field, or about every string.
#[derive(Debug)]
struct FieldIndex {
    /// The number of the field; `None` for every string.
    field: Option<usize>,
    /// The log sources of the detections; the field is looked up only for their events.
    logsources: Vec<usize>,
    /// That the field has a value.
    present: Vec<List>,
    /// By folded value. Events only look up values and insert none, so a fast hash without protection is enough.
    texts: foldhash::HashMap<String, List>,
    /// By [`super::value::Number::key`].
    numbers: foldhash::HashMap<u64, List>,
    parts: Option<Parts>,
}

/// Finds all parts of texts in one pass.
#[derive(Debug)]
struct Parts {
    automaton: AhoCorasick,
    /// For each text of the automaton, the lists for its places.
    lists: Vec<PartLists>,
}

#[derive(Debug, Default, Clone)]
struct PartLists {
    within: Option<List>,
    start: Option<List>,
    end: Option<List>,
}

/// The detections found for one event, as bits. The memory is reused.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    detections: Vec<u64>,
    /// The lists that were added.
    added: Vec<u64>,
}

impl Candidates {
    fn clear(&mut self, index: &Index) {
        self.detections.clear();
        self.detections.resize(index.detections.div_ceil(64), 0);
        self.added.clear();
        self.added.resize(index.lists.len().div_ceil(64), 0);
    }

    fn add(&mut self, index: &Index, list: Option<List>) {
        let Some(list) = list else {
            return;
        };
        let (word, bit) = (list / 64, 1 << (list % 64));
        if self.added[word] & bit == 0 {
            self.added[word] |= bit;
            index.lists[list]
                .iter()
                .for_each(|detection| self.set(*detection));
        }
    }

    fn set(&mut self, detection: usize) {
        self.detections[detection / 64] |= 1 << (detection % 64);
    }

    /// In ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
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
    /// Chooses a witness for each detection.
    pub(super) fn new(detections: &[Compiled], tests: &[CompiledTest]) -> Index {
        let conditions = detections.iter().map(|detection| &detection.condition);
        let choice = Choice::new(conditions, tests);
        let mut builder = Builder::default();
        for (number, detection) in detections.iter().enumerate() {
            builder.add(
                number,
                detection.logsource,
                choice.witness(&detection.condition),
            );
        }
        builder.build(detections.len())
    }

    /// An index in which every detection is a candidate for every event of its log source.
    #[cfg(test)]
    pub(super) fn of_all(detections: &[Compiled]) -> Index {
        let mut builder = Builder::default();
        for (number, detection) in detections.iter().enumerate() {
            builder.add(number, detection.logsource, None);
        }
        builder.build(detections.len())
    }

    /// Finds the detections that the event can match. Some of them are of another log source.
    pub(super) fn find<E: Fields>(
        &self,
        event: &E,
        paths: &[E::Path],
        is_of_logsource: &mut dyn FnMut(usize) -> bool,
        buffer: &mut String,
        candidates: &mut Candidates,
    ) {
        candidates.clear(self);
        for (logsource, without_witness) in &self.without_witness {
            if is_of_logsource(*logsource) {
                without_witness
                    .iter()
                    .for_each(|detection| candidates.set(*detection));
            }
        }
        for field in &self.fields {
            if !field
                .logsources
                .iter()
                .any(|logsource| is_of_logsource(*logsource))
            {
                continue;
            }
            let mut look_up = |value: Value<'_>| {
                field.look_up(self, value, buffer, candidates);
                ControlFlow::Continue(())
            };
            match field.field {
                Some(number) => event.values(&paths[number], &mut look_up),
                None => event.strings(&mut |text| look_up(Value::String(text))),
            }
        }
    }

    /// The detections without a witness, which are evaluated on every event of their log source.
    pub(super) fn without_witness(&self) -> impl Iterator<Item = usize> {
        let lists = self.without_witness.iter();
        lists.flat_map(|(_, detections)| detections.iter().copied())
    }
}

impl FieldIndex {
    fn look_up(
        &self,
        index: &Index,
        value: Value<'_>,
        buffer: &mut String,
        candidates: &mut Candidates,
    ) {
        for list in &self.present {
            candidates.add(index, Some(*list));
        }
        if !self.numbers.is_empty()
            && let Some(number) = value.number()
        {
            candidates.add(index, self.numbers.get(&number.key()).copied());
        }
        if self.texts.is_empty() && self.parts.is_none() {
            return;
        }
        let mut subject = Subject::new(value, buffer);
        let Some(text) = subject.folded() else {
            return;
        };
        candidates.add(index, self.texts.get(text).copied());
        let Some(parts) = &self.parts else {
            return;
        };
        for found in parts.automaton.find_overlapping_iter(text) {
            let lists = &parts.lists[found.pattern().as_usize()];
            candidates.add(index, lists.within);
            if found.start() == 0 {
                candidates.add(index, lists.start);
            }
            if found.end() == text.len() {
                candidates.add(index, lists.end);
            }
        }
    }
}

/// Sorts detections by the conditions of their witnesses.
#[derive(Default)]
struct Builder {
    /// Ordered, so that equal rules make an equal index.
    lists: BTreeMap<Key, Vec<usize>>,
    logsources: HashMap<Option<usize>, Vec<usize>>,
    without_witness: Vec<(usize, Vec<usize>)>,
}

impl Builder {
    fn add(&mut self, detection: usize, logsource: usize, witness: Option<Vec<Key>>) {
        let Some(keys) = witness else {
            let known = self.without_witness.iter_mut();
            match known.into_iter().find(|(known, _)| *known == logsource) {
                Some((_, detections)) => detections.push(detection),
                None => self.without_witness.push((logsource, vec![detection])),
            }
            return;
        };
        for key in keys {
            let logsources = self.logsources.entry(key.field).or_default();
            if !logsources.contains(&logsource) {
                logsources.push(logsource);
            }
            let list = self.lists.entry(key).or_default();
            if list.last() != Some(&detection) {
                list.push(detection);
            }
        }
    }

    fn build(self, detections: usize) -> Index {
        let mut lists = Vec::new();
        let mut fields: BTreeMap<Option<usize>, FieldBuilder> = BTreeMap::new();
        for (Key { field, wanted }, list) in self.lists {
            fields.entry(field).or_default().add(wanted, lists.len());
            lists.push(list);
        }
        let fields = fields.into_iter().map(|(field, builder)| FieldIndex {
            logsources: self.logsources.get(&field).cloned().unwrap_or_default(),
            ..builder.build(field)
        });
        Index {
            detections,
            fields: fields.collect(),
            lists,
            without_witness: self.without_witness,
        }
    }
}

/// Sorts the conditions about one field.
#[derive(Default)]
struct FieldBuilder {
    present: Vec<List>,
    texts: foldhash::HashMap<String, List>,
    numbers: foldhash::HashMap<u64, List>,
    parts: BTreeMap<String, PartLists>,
}

impl FieldBuilder {
    fn add(&mut self, wanted: Wanted, list: List) {
        match wanted {
            Wanted::Present => self.present.push(list),
            Wanted::Number(key) => {
                self.numbers.insert(key, list);
            }
            Wanted::Text((Place::Whole, text)) => {
                self.texts.insert(text, list);
            }
            Wanted::Text((place, text)) => {
                let lists = self.parts.entry(text).or_default();
                let of_place = match place {
                    Place::Start => &mut lists.start,
                    Place::End => &mut lists.end,
                    Place::Within | Place::Whole => &mut lists.within,
                };
                *of_place = Some(list);
            }
        }
    }

    fn build(self, field: Option<usize>) -> FieldIndex {
        let mut present = self.present;
        let parts = Parts::new(self.parts).unwrap_or_else(|lists| {
            present.extend(lists);
            None
        });
        FieldIndex {
            field,
            logsources: Vec::new(),
            present,
            texts: self.texts,
            numbers: self.numbers,
            parts,
        }
    }
}

impl Parts {
    /// The automaton for these texts, if there are any.
    ///
    /// # Errors
    /// The texts are too many for an automaton: their lists, to be added whenever the field has a value.
    fn new(parts: BTreeMap<String, PartLists>) -> Result<Option<Parts>, Vec<List>> {
        if parts.is_empty() {
            return Ok(None);
        }
        let automaton = AhoCorasick::new(parts.keys());
        let lists: Vec<PartLists> = parts.into_values().collect();
        match automaton {
            Ok(automaton) => Ok(Some(Parts { automaton, lists })),
            Err(_) => Err(lists
                .into_iter()
                .flat_map(|lists| [lists.within, lists.start, lists.end])
                .flatten()
                .collect()),
        }
    }
}
