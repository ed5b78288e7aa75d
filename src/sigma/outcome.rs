//! What each part of one rule answers for one event: the condition as a tree, down to the lines with the values
//! that were compared. It asks the engine's own tests, so it cannot disagree with what matches; a property
//! test holds that for the parts above them.

use std::ops::ControlFlow;

use super::compile::{Engine, RuleIndex};
use super::evaluate::{Answers, Evaluation, Memory, Readings};
use super::matcher::{Check, Expected, Subject, Test};
use super::program::{CompiledExclusion, CompiledSelection, CompiledTest};
use super::rule::{Body, Condition, Detection, Exclusion, Logsource, Selection};
use super::value::{Fields, Value};

/// The outcome of one rule on one event.
#[derive(Debug, Clone)]
pub struct RuleOutcome<'r> {
    /// Whether the event belongs to the rule's log source.
    pub is_of_logsource: bool,
    /// The log source of the rule.
    pub logsource: Logsource,
    /// The log source of the event.
    pub origin: Logsource,
    /// The condition. It is evaluated also for an event of another log source.
    pub condition: PartOutcome<'r>,
}

/// The answer of a part of a condition. If the event has several readings, a part holds if it does in some reading,
/// and a part under an odd number of `not` if it does in every reading.
#[derive(Debug, Clone)]
pub struct PartOutcome<'r> {
    /// Whether it holds.
    pub holds: bool,
    /// What was asked.
    pub part: Part<'r>,
}

/// A part of a condition, with the outcomes of the parts in it.
#[derive(Debug, Clone)]
pub enum Part<'r> {
    /// The part does not hold.
    Not(Box<PartOutcome<'r>>),
    /// All parts hold.
    All(Vec<PartOutcome<'r>>),
    /// At least so many parts hold.
    AtLeast(usize, Vec<PartOutcome<'r>>),
    /// What a selection looks for, or the condition of a filter.
    Selection(&'r str, Box<PartOutcome<'r>>),
    /// One line of a selection.
    Line(LineOutcome<'r>),
}

/// One line of a selection and the values that it was compared with.
#[derive(Debug, Clone)]
pub struct LineOutcome<'r> {
    /// The line.
    pub test: &'r Test,
    /// If the line holds because of a value, the values that matched; otherwise all values of the field. At most
    /// [`super::TestOutcome::MAX_VALUES`] texts of [`super::TestOutcome::MAX_CHARS`] characters.
    pub values: Vec<String>,
    /// For each expected value, whether some value of the event meets it; empty if the line lists no values.
    pub met: Vec<bool>,
}

impl<'r> RuleOutcome<'r> {
    /// Whether the rule matches the event.
    pub fn matches(&self) -> bool {
        self.is_of_logsource && self.condition.holds
    }

    /// The selections each of which alone prevents the match: with the opposite answer of this one, the
    /// condition would hold. Empty if the condition holds.
    pub fn would_match_but_for(&self) -> Vec<&'r str> {
        let mut names: Vec<&'r str> = Vec::new();
        if !self.condition.holds {
            self.condition.selections(&mut |name, _| {
                if !names.iter().any(|known| is_same(known, name)) {
                    names.push(name);
                }
            });
        }
        names.retain(|name| self.condition.holds_with_opposite(name));
        names
    }
}

/// Whether two names are that of one selection or filter. Two filters may have the same title.
fn is_same(name: &str, other: &str) -> bool {
    std::ptr::eq(name, other)
}

impl<'r> PartOutcome<'r> {
    /// Visits every use of a selection, in the order of the condition.
    pub fn selections<'o>(&'o self, visit: &mut dyn FnMut(&'r str, &'o PartOutcome<'r>)) {
        match &self.part {
            Part::Selection(name, _) => visit(name, self),
            Part::Not(inner) => inner.selections(visit),
            Part::All(parts) | Part::AtLeast(_, parts) => {
                parts.iter().for_each(|part| part.selections(visit));
            }
            Part::Line(_) => {}
        }
    }

    /// Visits every line, in the order of the file within each selection.
    pub fn lines<'o>(&'o self, visit: &mut dyn FnMut(&'o LineOutcome<'r>)) {
        match &self.part {
            Part::Line(line) => visit(line),
            Part::Not(inner) | Part::Selection(_, inner) => inner.lines(visit),
            Part::All(parts) | Part::AtLeast(_, parts) => {
                parts.iter().for_each(|part| part.lines(visit));
            }
        }
    }

    /// Whether the part would hold if a selection had the opposite answer.
    fn holds_with_opposite(&self, selection: &str) -> bool {
        let holds = |part: &PartOutcome<'_>| part.holds_with_opposite(selection);
        match &self.part {
            Part::Not(inner) => !holds(inner),
            Part::All(parts) => parts.iter().all(holds),
            Part::AtLeast(needed, parts) => {
                parts.iter().filter(|part| holds(part)).count() >= *needed
            }
            Part::Selection(name, _) => self.holds != is_same(name, selection),
            Part::Line(_) => self.holds,
        }
    }

    fn not(inner: PartOutcome<'r>) -> PartOutcome<'r> {
        PartOutcome {
            holds: !inner.holds,
            part: Part::Not(Box::new(inner)),
        }
    }

    fn all(parts: Vec<PartOutcome<'r>>) -> PartOutcome<'r> {
        PartOutcome {
            holds: parts.iter().all(|part| part.holds),
            part: Part::All(parts),
        }
    }

    fn at_least(needed: usize, parts: Vec<PartOutcome<'r>>) -> PartOutcome<'r> {
        PartOutcome {
            holds: parts.iter().filter(|part| part.holds).count() >= needed,
            part: Part::AtLeast(needed, parts),
        }
    }
}

impl<P> Engine<P> {
    /// The outcome of one detection on an event, whether it matches or not; `None` if there is no detection of this
    /// number. `detection` is the one from which it was compiled.
    pub fn outcome<'r, E: Fields<Path = P>>(
        &self,
        rule: RuleIndex,
        detection: &'r Detection,
        event: &E,
    ) -> Option<RuleOutcome<'r>> {
        let compiled = self.detections.get(rule)?;
        let (logsource, origin) = (&self.logsources[compiled.logsource], event.logsource());
        let mut answers = Answers::default();
        answers.begin(self.answer_count());
        let mut tree = Tree {
            evaluation: Evaluation {
                engine: self,
                event,
                answers: &mut answers,
                hits: None,
                memory: &mut Memory::default(),
            },
        };
        let own = Numbered::new(detection, &compiled.selections);
        let own = tree.condition(&own, &detection.condition, Readings::Any);
        let exclusions = detection.exclusions.iter().zip(&compiled.exclusions);
        let exclusions =
            exclusions.map(|(exclusion, compiled)| tree.exclusion(exclusion, compiled));
        let condition = match exclusions.collect::<Vec<_>>() {
            exclusions if exclusions.is_empty() => own,
            exclusions => {
                let mut parts = match own.part {
                    Part::All(parts) => parts,
                    part => vec![PartOutcome { part, ..own }],
                };
                parts.extend(exclusions);
                PartOutcome::all(parts)
            }
        };
        Some(RuleOutcome {
            is_of_logsource: logsource.matches(origin),
            logsource: logsource.clone(),
            origin: Logsource {
                product: origin.product.map(str::to_owned),
                service: origin.service.map(str::to_owned),
                category: origin.category.map(str::to_owned),
            },
            condition,
        })
    }
}

/// The selections of a detection, and for each the numbers of its lines in the engine, in the order of the file.
struct Numbered<'r, 'a> {
    selections: &'r [Selection],
    numbers: Vec<&'a [usize]>,
}

impl<'r, 'a> Numbered<'r, 'a> {
    fn new(detection: &'r Detection, compiled: &'a [CompiledSelection]) -> Numbered<'r, 'a> {
        Numbered {
            selections: &detection.selections,
            numbers: compiled.iter().map(|s| &*s.tests).collect(),
        }
    }
}

/// Builds the tree of one detection on one event.
struct Tree<'a, P, E> {
    evaluation: Evaluation<'a, P, E>,
}

impl<P, E: Fields<Path = P>> Tree<'_, P, E> {
    /// That a filter does not hold. Its selections are not named by themselves, since other filters and the rule may
    /// have selections of the same names.
    fn exclusion<'r>(
        &mut self,
        exclusion: &'r Exclusion,
        compiled: &CompiledExclusion,
    ) -> PartOutcome<'r> {
        let Exclusion { name, detection } = exclusion;
        let selections = Numbered::new(detection, &compiled.selections);
        let inner = self.condition(&selections, &detection.condition, Readings::Every);
        PartOutcome::not(PartOutcome {
            holds: inner.holds,
            part: Part::Selection(name, Box::new(inner)),
        })
    }

    fn condition<'r>(
        &mut self,
        of: &Numbered<'r, '_>,
        condition: &'r Condition,
        readings: Readings,
    ) -> PartOutcome<'r> {
        let mut each = |parts: &'r [Condition]| {
            let outcomes = parts.iter().map(|part| self.condition(of, part, readings));
            outcomes.collect()
        };
        match condition {
            Condition::Not(inner) => {
                PartOutcome::not(self.condition(of, inner, readings.opposite()))
            }
            Condition::All(parts) => PartOutcome::all(each(parts)),
            Condition::AtLeast(needed, parts) => PartOutcome::at_least(*needed, each(parts)),
            Condition::Selection(index) => {
                let selection = &of.selections[*index];
                let mut numbers = of.numbers.get(*index).copied().unwrap_or_default();
                let body = self.body(&selection.body, &mut numbers, readings);
                PartOutcome {
                    holds: body.holds,
                    part: Part::Selection(&selection.name, Box::new(body)),
                }
            }
        }
    }

    /// `numbers` are those of the lines that were not yet visited.
    fn body<'r>(
        &mut self,
        body: &'r Body,
        numbers: &mut &[usize],
        readings: Readings,
    ) -> PartOutcome<'r> {
        let mut each = |parts: &'r [Body]| {
            let outcomes = parts.iter().map(|part| self.body(part, numbers, readings));
            outcomes.collect()
        };
        match body {
            Body::All(parts) => PartOutcome::all(each(parts)),
            Body::Any(parts) => PartOutcome::at_least(1, each(parts)),
            Body::Test(test) => {
                let number = numbers.split_off_first();
                self.line(test, number.copied(), readings)
            }
        }
    }

    fn line<'r>(
        &mut self,
        test: &'r Test,
        number: Option<usize>,
        readings: Readings,
    ) -> PartOutcome<'r> {
        let compiled = number.and_then(|number| {
            let test = self.evaluation.engine.tests.get(number)?;
            Some((number, test))
        });
        let (holds, values, met) = match compiled {
            Some((number, compiled)) => {
                let holds = self.evaluation.test(number, readings);
                let values = self.evaluation.seen(compiled, holds, readings);
                (holds, values, self.evaluation.met(compiled))
            }
            None => (false, Vec::new(), Vec::new()),
        };
        PartOutcome {
            holds,
            part: Part::Line(LineOutcome { test, values, met }),
        }
    }
}

impl<P, E: Fields<Path = P>> Evaluation<'_, P, E> {
    /// For each expected value of a test, whether some value of the event meets it in some reading.
    fn met(&self, test: &CompiledTest) -> Vec<bool> {
        let expected = match &test.test.check {
            Check::Any(expected) | Check::Every(expected) => expected.as_slice(),
            Check::Exists(_) | Check::Field(_) | Check::Element(_) => return Vec::new(),
        };
        let is_missing = self.is_missing(test.field, Readings::Any);
        let null = |expected: &Expected| is_missing && expected.is_null();
        let mut met: Vec<bool> = expected.iter().map(null).collect();
        let mut buffer = String::new();
        let mut visit = |value: Value<'_>| {
            let mut subject = Subject::new(value, &mut buffer);
            for (met, expected) in met.iter_mut().zip(expected) {
                *met = *met || expected.is_met(&mut subject);
            }
            ControlFlow::Continue(())
        };
        match test.field {
            Some(field) => self.values(field, Readings::Any, &mut visit),
            None => self.strings(Readings::Any, &mut visit),
        }
        met
    }
}
