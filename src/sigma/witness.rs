//! Chooses the witness of each detection: a list of conditions that are cheap to look up, of which at least one
//! holds for every event that the detection matches. `index` finds the detections of whose witness a condition
//! holds; only those are evaluated.
//!
//! # Conditions
//! A [`Key`] is about one field, or about every string of the event (keywords):
//! - some value, folded, is a text, begins or ends with it, or contains it;
//! - some value is a number that equals another one as a double;
//! - the field has a value at all.
//!
//! # Soundness
//! *Lines.* A line that compares values holds only if some value meets an expectation. What an expectation
//! requires of a value is necessary for it, never sufficient:
//! - Texts and patterns: the folded text contains each folded literal between the wildcards ([`literals`]). This is
//!   also so if letter case matters, because folding works character by character. The index folds with the same
//!   function as the matcher, so both agree about every letter.
//! - Booleans: the folded text is `true` or `false`.
//! - Numbers: numbers that are equal, as whole numbers or as doubles, are equal as doubles.
//! - Regular expressions: the folded text contains one of the folded texts that [`literals`] found.
//! - Other comparisons, `exists` and `fieldref`: the field has a value.
//! - Lines about one element of a list: what a value of the element meets, a value of the event meets, and the path of
//!   such a line finds that value in the event.
//! - `null` requires nothing. It is never a witness, since it may hold for a missing field.
//!
//! A list (any) requires a key for each value, and one of them holds; with `all`, the key of one value is enough.
//!
//! *Conditions.* Let `w(x)` be the witness of `x`. All of several parts hold only if each does, so the best `w` of a part
//! is one of the whole. If at least `m` of `k` parts hold, then at least one of any `k - m + 1` parts does; the
//! cheapest `k - m + 1` witnesses together are one of the whole. `not` is moved inwards: `not (a and b)` holds if at
//! least one of `not a` and `not b` does; twice negated is not negated. `not x` has no witness if `x` is a
//! line, except for those that hold for a missing field (`exists: false`, `null`): their opposite requires that it has a
//! value. `neq` counts as a `not`.
//!
//! *Readings.* If an event has several readings, a line that is not negated has to hold in some reading. The index
//! looks up the values of all readings, so it sees the value that made the line hold. Twice negated, a line is asked
//! for some reading again.
//!
//! # Choice
//! Any witness is sound; a good one seldom holds. [`Choice::cost`] estimates how often, and what looking it up
//! costs every event: a field that many rules use is shared by all of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::literals::{Literal, Place, of_pattern, of_regex};
use super::matcher::{Check, Expected};
use super::pattern::Token;
use super::program::{CompiledTest, Expr};

/// A condition that is looked up in an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// The number of the field; `None` for every string of the event.
    pub(super) field: Option<usize>,
    pub(super) wanted: Wanted,
}

/// What some value has to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Wanted {
    /// A text with this folded literal.
    Text(Literal),
    /// A number with this key.
    Number(u64),
    /// Any value.
    Present,
}

/// Conditions of which one must hold.
pub(super) type Keys = Vec<Key>;

/// Chooses among possible witnesses.
pub(super) struct Choice {
    /// For each test, the possible witnesses of the test, and of its negation.
    tests: Vec<[Vec<Keys>; 2]>,
    /// In how many detections each condition could be used.
    uses: HashMap<Key, usize>,
    /// The sum of these numbers for each field.
    field_uses: HashMap<Option<usize>, usize>,
}

impl Choice {
    /// Counts how often each condition could be used.
    pub(super) fn new<'e>(
        conditions: impl Iterator<Item = &'e Expr>,
        tests: &[CompiledTest],
    ) -> Choice {
        let mut choice = Choice {
            tests: tests.iter().map(witnesses).collect(),
            uses: HashMap::new(),
            field_uses: HashMap::new(),
        };
        for condition in conditions {
            let mut used = HashSet::new();
            choice.collect(condition, true, &mut used);
            let used: Vec<Key> = used.into_iter().cloned().collect();
            for key in used {
                *choice.field_uses.entry(key.field).or_insert(0) += 1;
                *choice.uses.entry(key).or_insert(0) += 1;
            }
        }
        choice
    }

    /// The conditions that occur in an expression; `holds` is false under an odd number of `not`.
    fn collect<'c>(&'c self, expr: &Expr, holds: bool, used: &mut HashSet<&'c Key>) {
        match expr {
            Expr::Test(test) => used.extend(self.of_test(*test, holds).iter().flatten()),
            Expr::Not(inner) => self.collect(inner, !holds, used),
            Expr::All(parts) | Expr::AtLeast(_, parts) => {
                parts
                    .iter()
                    .for_each(|part| self.collect(part, holds, used));
            }
        }
    }

    /// The conditions of which one must hold for the expression to hold; `None` if there are none.
    pub(super) fn witness(&self, expr: &Expr) -> Option<Keys> {
        self.best(expr, true).map(|(_, keys)| keys)
    }

    /// The cheapest witness, with its cost, for an expression to hold, or not to hold.
    fn best(&self, expr: &Expr, holds: bool) -> Option<(f64, Keys)> {
        match expr {
            Expr::Test(test) => {
                let witnesses = self.of_test(*test, holds).iter();
                let priced = witnesses.map(|keys| (self.cost(keys), keys));
                let best = priced.min_by(|a, b| a.0.total_cmp(&b.0))?;
                Some((best.0, best.1.clone()))
            }
            Expr::Not(inner) => self.best(inner, !holds),
            Expr::All(parts) => {
                let needed = if holds { parts.len() } else { 1 };
                self.at_least(needed, parts, holds)
            }
            Expr::AtLeast(needed, parts) if holds => self.at_least(*needed, parts, true),
            // Fewer than `needed` hold, so at least so many do not.
            Expr::AtLeast(needed, parts) => {
                let needed = (parts.len() + 1).checked_sub(*needed)?;
                self.at_least(needed, parts, false)
            }
        }
    }

    fn at_least(&self, needed: usize, parts: &[Expr], holds: bool) -> Option<(f64, Keys)> {
        if needed == 0 {
            // It always holds.
            return None;
        }
        // If more are needed than there are, it never holds, and its witness has no condition.
        let together = (parts.len() + 1).saturating_sub(needed);
        let mut witnesses: Vec<_> = parts
            .iter()
            .filter_map(|part| self.best(part, holds))
            .collect();
        if witnesses.len() < together {
            return None;
        }
        witnesses.sort_by(|a, b| a.0.total_cmp(&b.0));
        witnesses.truncate(together);
        let cost = witnesses.iter().map(|(cost, _)| cost).sum();
        Some((
            cost,
            witnesses.into_iter().flat_map(|(_, keys)| keys).collect(),
        ))
    }

    fn of_test(&self, test: usize, holds: bool) -> &[Keys] {
        &self.tests[test][usize::from(!holds)]
    }

    /// An estimate of what a witness costs: how often a condition of it holds, and its share of the work of
    /// looking up its fields, compared with the evaluation of a detection.
    fn cost(&self, keys: &[Key]) -> f64 {
        let mut fields: BTreeMap<Option<usize>, f64> = BTreeMap::new();
        for key in keys {
            let cost = fields.entry(key.field).or_default();
            *cost = cost.max(key.wanted.lookup_cost(key.field));
        }
        let shares = fields
            .iter()
            .map(|(field, cost)| cost / self.field_uses[field] as f64);
        keys.iter().map(|key| self.frequency(key)).sum::<f64>() + shares.sum::<f64>()
    }

    /// How often a condition may hold. What many rules ask for is thought to be frequent, and so is a short part
    /// of a text.
    fn frequency(&self, key: &Key) -> f64 {
        /// The uses of values that no rule asks for.
        const OTHERS: f64 = 5.0;
        let uses = self.uses[key] as f64 / (self.field_uses[&key.field] as f64 + OTHERS);
        let shortness = |text: &str| 2.0 * 0.6_f64.powi(text.chars().count().min(20) as i32);
        match &key.wanted {
            Wanted::Present => 1.0,
            Wanted::Number(_) => uses,
            Wanted::Text((Place::Whole, text)) => uses.max(shortness(text) / 4.0),
            Wanted::Text((_, text)) => uses.max(shortness(text)),
        }
    }
}

impl Wanted {
    /// What an event pays for looking up a field in this way.
    fn lookup_cost(&self, field: Option<usize>) -> f64 {
        match (field, self) {
            // Every string of the event is searched.
            (None, _) => 2.0,
            (_, Wanted::Text((Place::Whole, _)) | Wanted::Number(_) | Wanted::Present) => 0.3,
            (_, Wanted::Text(_)) => 1.0,
        }
    }
}

/// What a line requires, in conditions that are looked up.
#[derive(Debug, Default)]
pub(super) struct Required {
    /// Of each list, one condition holds if the line does.
    pub(super) all: Vec<Keys>,
    /// Whether the line holds if one condition of each list does.
    pub(super) is_sufficient: bool,
}

impl Required {
    /// What a test requires; that it is negated (`neq`) is disregarded.
    pub(super) fn by(test: &CompiledTest) -> Required {
        let field = test.field;
        match &test.test.check {
            Check::Any(expected) => Required {
                all: match expected.as_slice() {
                    [single] => of_expected(field, single),
                    several => one_of(several.iter().map(|one| of_expected(field, one))),
                },
                is_sufficient: expected.iter().all(is_one_literal),
            },
            Check::Every(expected) => Required {
                all: expected
                    .iter()
                    .flat_map(|one| of_expected(field, one))
                    .collect(),
                is_sufficient: expected.iter().all(is_one_literal),
            },
            Check::Exists(true) => Required {
                all: vec![vec![present(field)]],
                is_sufficient: true,
            },
            Check::Exists(false) => Required::default(),
            // Without another field there is nothing to compare.
            Check::Field(reference) if reference.fields.is_empty() => Required::default(),
            Check::Field(_) => Required {
                all: vec![vec![present(field)]],
                is_sufficient: false,
            },
            Check::Element(_) => Required {
                all: one_of(test.groups.iter().map(|lines| {
                    let lines = lines.iter().map(witnesses);
                    lines.flat_map(|[of_line, _]| of_line).collect()
                })),
                is_sufficient: false,
            },
        }
    }
}

/// The possible witnesses of a test, and of its negation.
fn witnesses(test: &CompiledTest) -> [Vec<Keys>; 2] {
    let of_line = Required::by(test).all;
    let of_opposite = match test.field.is_some() && test.test.check.accepts_missing() {
        true => vec![vec![present(test.field)]],
        false => Vec::new(),
    };
    match test.test.negated {
        true => [of_opposite, of_line],
        false => [of_line, of_opposite],
    }
}

/// Whether a text meets the expectation exactly if its folded form has one literal.
fn is_one_literal(expected: &Expected) -> bool {
    let Expected::Text(pattern) = expected else {
        return false;
    };
    let only = |token: &Token| matches!(token, Token::Char(_) | Token::Many);
    !pattern.is_cased() && pattern.tokens().iter().all(only) && of_pattern(pattern).len() == 1
}

/// The witness if one of several alternatives holds, of which each has these possible witnesses.
fn one_of(alternatives: impl Iterator<Item = Vec<Keys>>) -> Vec<Keys> {
    // One for each, since the best of one alternative need not be that of another.
    let keys: Option<Vec<Keys>> = alternatives.map(longest).collect();
    keys.map(|keys| keys.concat()).into_iter().collect()
}

/// The possible witnesses of one expected value.
fn of_expected(field: Option<usize>, expected: &Expected) -> Vec<Keys> {
    let key = |wanted| Key { field, wanted };
    let whole = |text: &str| vec![vec![key(Wanted::Text((Place::Whole, text.to_owned())))]];
    let literal = |literal| key(Wanted::Text(literal));
    let any = || vec![vec![present(field)]];
    match expected {
        Expected::Null => Vec::new(),
        Expected::Bool(bool) => whole(if *bool { "true" } else { "false" }),
        Expected::Number(number) => vec![vec![key(Wanted::Number(number.key()))]],
        Expected::Text(pattern) => match of_pattern(pattern) {
            literals if literals.is_empty() => any(),
            literals => literals
                .into_iter()
                .map(|found| vec![literal(found)])
                .collect(),
        },
        Expected::Regex(regex) => match of_regex(regex) {
            Some(literals) => vec![literals.into_iter().map(literal).collect()],
            None => any(),
        },
        Expected::OneOf(forms) => one_of(forms.iter().map(|form| of_expected(field, form))),
        Expected::Compare(..) | Expected::Network(_) | Expected::Time(_) => any(),
    }
}

/// The witness whose shortest text is the longest.
fn longest(witnesses: Vec<Keys>) -> Option<Keys> {
    let length = |key: &Key| match &key.wanted {
        Wanted::Text((Place::Whole, _)) | Wanted::Number(_) => usize::MAX,
        Wanted::Text((_, text)) => text.len(),
        Wanted::Present => 0,
    };
    let mut witnesses = witnesses;
    witnesses.sort_by_key(|keys| keys.iter().map(length).min());
    witnesses.pop()
}

fn present(field: Option<usize>) -> Key {
    let wanted = Wanted::Present;
    Key { field, wanted }
}
