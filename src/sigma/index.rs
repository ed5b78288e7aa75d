//! Finds the detections that an event can match, by looking up a few of its fields.
//! Every detection has a witness: a set of field values of which a matching event must have one.
//! Invariant: if an event has no value of the witness, the detection does not match; otherwise it is
//! evaluated.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::literals::only_texts;
use super::matcher::{Check, Expected, Subject};
use super::pattern::fold;
use super::program::{CompiledTest, Expr};
use super::value::Fields;

/// A field (by number) and a folded value.
type Key = (usize, String);

/// Detections by the folded value of a field. Events only look up values and insert none, so a fast hash
/// without protection is enough.
type ByValue = foldhash::HashMap<String, Vec<usize>>;

/// Detections by witness.
#[derive(Debug)]
pub(super) struct Index {
    /// For each field, the detections by folded value.
    fields: Vec<(usize, ByValue)>,
    /// Detections without a witness.
    always: Vec<usize>,
}

impl Index {
    /// Chooses a witness for the condition of each detection.
    pub(super) fn new<'e>(
        conditions: impl Iterator<Item = &'e Expr> + Clone,
        tests: &[CompiledTest],
    ) -> Index {
        let choice = Choice::new(tests);
        let mut by_field: HashMap<usize, ByValue> = HashMap::new();
        let mut always = Vec::new();
        for (detection, condition) in conditions.enumerate() {
            match choice.witness(condition) {
                None => always.push(detection),
                Some(keys) => {
                    let distinct: HashSet<Key> = keys.into_iter().collect();
                    for (field, value) in distinct {
                        let values = by_field.entry(field).or_default();
                        values.entry(value).or_default().push(detection);
                    }
                }
            }
        }
        let mut fields: Vec<_> = by_field.into_iter().collect();
        fields.sort_by_key(|(field, _)| *field);
        Index { fields, always }
    }

    /// Sets the bit of every detection that the event can match.
    pub(super) fn candidates<E: Fields>(
        &self,
        event: &E,
        paths: &[E::Path],
        buffer: &mut String,
        bits: &mut [u64],
    ) {
        let mut set = |detection: &usize| bits[detection / 64] |= 1 << (detection % 64);
        self.always.iter().for_each(&mut set);
        for (field, values) in &self.fields {
            event.values(&paths[*field], &mut |value| {
                let mut subject = Subject::new(value, buffer);
                if let Some(found) = subject.folded().and_then(|text| values.get(text)) {
                    found.iter().for_each(&mut set);
                }
                ControlFlow::Continue(())
            });
        }
    }

    /// Number of detections without a witness, which are evaluated on every event.
    #[cfg(test)]
    pub(super) fn always_len(&self) -> usize {
        self.always.len()
    }
}

/// Chooses among possible witnesses: a field with many distinct values in rules is selective.
struct Choice {
    /// For each test, the values of which one must be present, if there are any.
    keys: Vec<Option<Vec<Key>>>,
    /// For each field, the number of distinct values in tests.
    distinct: HashMap<usize, usize>,
}

impl Choice {
    fn new(tests: &[CompiledTest]) -> Choice {
        let keys: Vec<_> = tests.iter().map(keys).collect();
        let all: HashSet<&Key> = keys.iter().flatten().flatten().collect();
        let mut distinct = HashMap::new();
        for (field, _) in all {
            *distinct.entry(*field).or_insert(0) += 1;
        }
        Choice { keys, distinct }
    }

    /// Values of which one must be present for the expression to hold.
    fn witness(&self, expr: &Expr) -> Option<Vec<Key>> {
        match expr {
            Expr::Test(test) => self.keys[*test].clone(),
            Expr::Not(_) => None,
            Expr::All(parts) => {
                let witnesses = parts.iter().filter_map(|part| self.witness(part));
                witnesses.max_by_key(|keys| (self.selectivity(keys), usize::MAX - keys.len()))
            }
            Expr::AtLeast(_, parts) => {
                let witnesses: Option<Vec<_>> =
                    parts.iter().map(|part| self.witness(part)).collect();
                Some(witnesses?.concat())
            }
        }
    }

    fn selectivity(&self, keys: &[Key]) -> usize {
        let distinct = |(field, _): &Key| self.distinct.get(field).copied().unwrap_or(0);
        keys.iter().map(distinct).min().unwrap_or(0)
    }
}

/// The values of which one must be present for a test to hold. Only tests for equality with texts have
/// them, and regular expressions that match only certain texts.
fn keys(test: &CompiledTest) -> Option<Vec<Key>> {
    if let Check::Element(_) = test.test.check {
        // What an element has, the event has.
        let group = |lines: &Vec<CompiledTest>| lines.iter().find_map(keys);
        let groups: Option<Vec<_>> = test.groups.iter().map(group).collect();
        return groups.map(|groups| groups.concat());
    }
    let field = test.field?;
    let texts = |expected: &Expected| match expected {
        Expected::Text(pattern) => pattern.exact().map(|text| vec![fold(text)]),
        Expected::Regex(regex) => {
            only_texts(regex).map(|texts| texts.iter().map(|text| fold(text)).collect())
        }
        _ => None,
    };
    let texts: Vec<String> = match &test.test.check {
        _ if test.test.negated => None,
        Check::Any(expected) => {
            let texts: Option<Vec<Vec<String>>> = expected.iter().map(texts).collect();
            texts.map(|texts| texts.concat())
        }
        Check::Every(expected) => expected.iter().find_map(texts),
        Check::Exists(_) | Check::Field(_) | Check::Element(_) => None,
    }?;
    Some(texts.into_iter().map(|text| (field, text)).collect())
}
