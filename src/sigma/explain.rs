//! Why a detection matched an event, or which of its selections did not.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::compile::{Engine, RuleIndex};
use super::evaluate::{Answer, Evaluation, Readings};
use super::matcher::{Check, Expected, Subject};
use super::program::CompiledTest;
use super::value::{Fields, Value};

/// What became of one selection on one event. Of an event that can be read in several ways it is
/// told what made the detection match: what holds in some reading, but of a selection that stands
/// under `not` only, what holds in every one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectionOutcome<'e> {
    /// The selection's name.
    pub name: &'e str,
    /// Whether it holds.
    pub holds: bool,
    /// Its lines.
    pub tests: Vec<TestOutcome<'e>>,
}

/// What became of one line of a selection on one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOutcome<'e> {
    /// The field's name; `None` for keywords.
    pub field: Option<&'e str>,
    /// Whether the line holds.
    pub holds: bool,
    /// If it holds, the values that made it hold; otherwise the field's values. At most
    /// [`TestOutcome::MAX_VALUES`] texts of [`TestOutcome::MAX_CHARS`] characters.
    pub values: Vec<String>,
}

impl TestOutcome<'_> {
    /// No more values are reported than these.
    pub const MAX_VALUES: usize = 8;

    /// No more characters of a value are reported than these; what is cut ends in `…`.
    pub const MAX_CHARS: usize = 1_000;

    /// A value as it is reported.
    pub fn reported(text: Cow<'_, str>) -> String {
        match text.char_indices().nth(Self::MAX_CHARS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.into_owned(),
        }
    }
}

impl<P> Engine<P> {
    /// What became of each selection of one detection on an event, whether it matches or not.
    pub fn explain<'e, E: Fields<Path = P>>(
        &'e self,
        rule: RuleIndex,
        event: &E,
    ) -> Vec<SelectionOutcome<'e>> {
        let Some(detection) = self.detections.get(rule) else {
            return Vec::new();
        };
        let mut answers = vec![Answer::NotAsked; self.answer_count()];
        let mut buffer = String::new();
        let (answers, buffer) = (&mut answers, &mut buffer);
        let mut evaluation = Evaluation {
            engine: self,
            event,
            answers,
            buffer,
        };
        let mut outcomes = Vec::new();
        for selection in &detection.selections {
            let readings = match selection.only_negated {
                true => Readings::Every,
                false => Readings::Any,
            };
            let tests = selection.tests.iter().map(|number| {
                let (test, holds) = (&self.tests[*number], evaluation.test(*number, readings));
                TestOutcome {
                    field: test.test.field.as_deref(),
                    holds,
                    values: evaluation.seen(test, holds, readings),
                }
            });
            let tests = tests.collect();
            outcomes.push(SelectionOutcome {
                name: &selection.name,
                holds: evaluation.holds(&selection.expr, readings),
                tests,
            });
        }
        outcomes
    }
}

impl<P, E: Fields<Path = P>> Evaluation<'_, P, E> {
    /// The values that a test saw: those that met it if it holds by them, else all.
    fn seen(&mut self, test: &CompiledTest, holds: bool, readings: Readings) -> Vec<String> {
        let expected: &[Expected] = match &test.test.check {
            Check::Any(expected) | Check::Every(expected) => expected,
            Check::Exists(_) | Check::Field(_) => &[],
        };
        let by_value = holds && !test.test.negated && !expected.is_empty();
        // What holds is shown by what makes it hold, and what does not, by all that is there.
        let shown = if by_value { readings } else { Readings::Any };
        let mut seen = Vec::new();
        let mut buffer = String::new();
        let mut visit = |value: Value<'_>| {
            let mut subject = Subject::new(value, &mut buffer);
            if !by_value || expected.iter().any(|one| one.is_met(&mut subject)) {
                let text = value.text();
                seen.push(text.map_or_else(|| value.described().to_owned(), TestOutcome::reported));
            }
            if seen.len() < TestOutcome::MAX_VALUES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        match test.field {
            Some(field) => self.values(field, shown, &mut visit),
            // The strings of the whole event say nothing about a keyword that is not among them.
            None if by_value => self.strings(shown, &mut visit),
            None => {}
        }
        seen
    }
}
