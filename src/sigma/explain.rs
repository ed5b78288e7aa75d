//! Which selections of a detection match an event, as an alert states them. `outcome` has the whole condition.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::compile::{Engine, RuleIndex};
use super::evaluate::{Answers, Evaluation, Memory, Readings};
use super::matcher::{Check, Expected, Subject};
use super::program::CompiledTest;
use super::value::{Fields, Value};

/// The result of one selection on one event. If the event has several readings, the result is the one
/// that made the detection match: whether the selection holds in some reading; for a selection that
/// is used only under `not`, whether it holds in every reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectionOutcome<'e> {
    /// The selection's name.
    pub name: &'e str,
    /// Whether it holds.
    pub holds: bool,
    /// Its lines.
    pub tests: Vec<TestOutcome<'e>>,
}

/// The result of one line of a selection on one event; of a line about elements, that of each field that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOutcome<'e> {
    /// The field's name; `None` for keywords.
    pub field: Option<&'e str>,
    /// Whether the line holds.
    pub holds: bool,
    /// If the line holds, the values that matched; otherwise all values of the field. At most
    /// [`TestOutcome::MAX_VALUES`] texts of [`TestOutcome::MAX_CHARS`] characters.
    pub values: Vec<String>,
}

impl TestOutcome<'_> {
    /// Most values that are reported.
    pub const MAX_VALUES: usize = 8;

    /// Most characters of a value that are reported; a cut value ends in `…`.
    pub const MAX_CHARS: usize = 1_000;

    /// A value, cut to [`TestOutcome::MAX_CHARS`].
    pub fn reported(text: Cow<'_, str>) -> String {
        match text.char_indices().nth(Self::MAX_CHARS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.into_owned(),
        }
    }
}

impl<P> Engine<P> {
    /// The result of each selection of one detection on an event, whether it matches or not.
    pub fn explain<'e, E: Fields<Path = P>>(
        &'e self,
        rule: RuleIndex,
        event: &E,
    ) -> Vec<SelectionOutcome<'e>> {
        let Some(detection) = self.detections.get(rule) else {
            return Vec::new();
        };
        let mut answers = Answers::default();
        answers.begin(self.answer_count());
        let mut memory = Memory::default();
        let (answers, memory) = (&mut answers, &mut memory);
        let mut evaluation = Evaluation {
            engine: self,
            event,
            answers,
            hits: None,
            memory,
        };
        let mut outcomes = Vec::new();
        for selection in &detection.selections {
            let readings = match selection.only_negated {
                true => Readings::Every,
                false => Readings::Any,
            };
            let mut tests = Vec::new();
            for number in &selection.tests {
                let (test, holds) = (&self.tests[*number], evaluation.test(*number, readings));
                if let Check::Element(element) = &test.test.check {
                    tests.extend(evaluation.element_lines(test, element.depth, holds, readings));
                    continue;
                }
                tests.push(TestOutcome {
                    field: test.test.shown_field(),
                    holds,
                    values: evaluation.seen(test, holds, readings),
                });
            }
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
    /// The values for a test: those that matched if it holds because of them, else all.
    pub(super) fn seen(
        &mut self,
        test: &CompiledTest,
        holds: bool,
        readings: Readings,
    ) -> Vec<String> {
        let expected: &[Expected] = match &test.test.check {
            Check::Any(expected) | Check::Every(expected) => expected,
            Check::Exists(_) | Check::Field(_) => &[],
            Check::Element(element) => {
                return self.seen_elements(test, element.depth, holds, readings);
            }
        };
        let by_value = holds && !test.test.negated && !expected.is_empty();
        // If the test holds, the matching values are shown; if not, all values.
        let shown = if by_value { readings } else { Readings::Any };
        let mut seen = Vec::new();
        let mut buffer = String::new();
        let mut visit = |value: Value<'_>| {
            let mut subject = Subject::new(value, &mut buffer);
            if !by_value || expected.iter().any(|one| one.is_met(&mut subject)) {
                let time = expected.iter().find_map(|one| one.time_of(value));
                let text = time.map(Cow::Owned).or_else(|| value.text());
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
            // For a keyword that was not found, the strings of the whole event would be useless.
            None if by_value => self.strings(shown, &mut visit),
            None => {}
        }
        seen
    }
}
