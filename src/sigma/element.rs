//! Lines about the same element of a list: `resources: {type: topic, uid|startswith: orders}` holds if one resource has
//! both. How such a line is read, evaluated and explained.
//!
//! An event with several readings has an element in some of them or in all; see `evaluate`. A line about elements holds
//! in some reading if some element of some reading meets its lines in some reading, and in every reading if some
//! element that every reading has meets them in every reading.

use std::mem::take;
use std::ops::ControlFlow;

use super::evaluate::{Evaluation, Readings};
use super::explain::TestOutcome;
use super::matcher::{Check, Expected, Subject};
use super::program::CompiledTest;
use super::value::{ElementValues, Fields, Value, Visit};

impl<P, E: Fields<Path = P>> Evaluation<'_, P, E> {
    /// Whether all lines of one of a test's groups hold for one element. If it takes long to visit the list, what other
    /// detections ask of it is answered in the same visit.
    pub(super) fn element(&mut self, number: usize, depth: usize, readings: Readings) -> bool {
        let mut lines = take(&mut self.memory.lines);
        lines.clear();
        lines.push((number, false));
        self.add_others(number, readings, &mut lines);
        let engine = self.engine;
        let mut open = lines.len();
        self.elements(&engine.tests[number], depth, readings, &mut |element| {
            for (test, holds) in lines.iter_mut().filter(|(_, holds)| !holds) {
                *holds = element.meets_any(&engine.tests[*test].groups, readings);
                open -= usize::from(*holds);
            }
            match open {
                0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        for (test, holds) in &lines {
            self.answers.set(self.slot(*test, readings), *holds);
        }
        let holds = lines.first().is_some_and(|(_, holds)| *holds);
        self.memory.lines = lines;
        holds
    }

    /// Adds the tests of the candidates about the same costly list that are not answered yet.
    fn add_others(&self, number: usize, readings: Readings, lines: &mut Vec<(usize, bool)>) {
        let list = self.list_of(number);
        let (Some(hits), Some(_)) = (self.hits, list) else {
            return;
        };
        for detection in hits.detections() {
            for test in &self.engine.element_tests[detection] {
                let is_other = *test != number
                    && self.list_of(*test) == list
                    && self.answers.of(self.slot(*test, readings)).is_none()
                    && self.of_index(*test) != Some(false);
                if is_other {
                    lines.push((*test, false));
                }
            }
        }
        if let Some((_, others)) = lines.split_first_mut() {
            others.sort_unstable();
        }
        lines.dedup();
    }

    /// The costly list that a test is about.
    fn list_of(&self, number: usize) -> Option<(u32, usize)> {
        let mut lines = self.engine.tests[number].groups.iter().flatten();
        let path = lines.find_map(|line| self.engine.paths.get(line.field?))?;
        self.event.costly_list(path)
    }

    /// Whether what a line about elements answers may differ between readings.
    pub(super) fn elements_may_vary(&self, test: &CompiledTest) -> bool {
        let lines = test.groups.iter().flatten();
        let mut paths = lines.filter_map(|line| self.engine.paths.get(line.field?));
        paths.any(|path| self.event.may_vary(Some(path)))
    }

    /// The elements that a line is about: if it holds those that meet it, otherwise all. Of each, the values of the
    /// fields that the line names.
    pub(super) fn seen_elements(
        &self,
        test: &CompiledTest,
        depth: usize,
        holds: bool,
        readings: Readings,
    ) -> Vec<String> {
        let shown_readings = if holds { readings } else { Readings::Any };
        let mut seen = Vec::new();
        self.elements(test, depth, shown_readings, &mut |element| {
            if !holds || element.meets_any(&test.groups, readings) {
                let text = element.described(&test.groups, depth);
                seen.push(TestOutcome::reported(text.into()));
            }
            match seen.len() < TestOutcome::MAX_VALUES {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        seen
    }

    /// For each field that a line about elements names, its values in the elements that are shown.
    pub(super) fn element_lines<'e>(
        &self,
        test: &'e CompiledTest,
        depth: usize,
        holds: bool,
        readings: Readings,
    ) -> Vec<TestOutcome<'e>> {
        let mut lines: Vec<(&CompiledTest, TestOutcome<'e>)> = Vec::new();
        for line in test.groups.iter().flatten() {
            let field = line.test.field.as_deref();
            if lines.iter().all(|(_, known)| known.field != field) {
                let values = Vec::new();
                lines.push((
                    line,
                    TestOutcome {
                        field,
                        holds,
                        values,
                    },
                ));
            }
        }
        let shown_readings = if holds { readings } else { Readings::Any };
        self.elements(test, depth, shown_readings, &mut |element| {
            if holds && !element.meets_any(&test.groups, readings) {
                return ControlFlow::Continue(());
            }
            for (line, outcome) in &mut lines {
                element.visit(line, Readings::Any, &mut |value| {
                    let text = value.text().unwrap_or_else(|| value.described().into());
                    let text = TestOutcome::reported(text);
                    if !outcome.values.contains(&text) {
                        outcome.values.push(text);
                    }
                    match outcome.values.len() < TestOutcome::MAX_VALUES {
                        true => ControlFlow::Continue(()),
                        false => ControlFlow::Break(()),
                    }
                });
            }
            ControlFlow::Continue(())
        });
        lines.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn elements(
        &self,
        test: &CompiledTest,
        depth: usize,
        readings: Readings,
        visit: &mut dyn FnMut(&Element<'_, P>) -> ControlFlow<()>,
    ) {
        let paths = &self.engine.paths;
        let mut lines = test.groups.iter().flatten();
        let Some(first) = lines.find_map(|line| paths.get(line.field?)) else {
            return;
        };
        let is_certain = readings == Readings::Every;
        self.event
            .elements(first, depth, is_certain, &mut |values| {
                visit(&Element { paths, values })
            });
    }
}

/// One element of a list.
struct Element<'v, P> {
    paths: &'v [P],
    values: &'v ElementValues<'v, P>,
}

impl<P> Element<'_, P> {
    fn meets_any(&self, groups: &[Vec<CompiledTest>], readings: Readings) -> bool {
        let meets = |line: &CompiledTest| self.holds(line, readings);
        groups.iter().any(|lines| lines.iter().all(meets))
    }

    fn holds(&self, line: &CompiledTest, readings: Readings) -> bool {
        match line.test.negated {
            true => !self.check(line, readings.opposite()),
            false => self.check(line, readings),
        }
    }

    fn check(&self, line: &CompiledTest, readings: Readings) -> bool {
        let is_missing = || !self.any(line, readings.opposite(), |_| true);
        let is_met = |expected: &Expected| {
            self.any(line, readings, |value| {
                expected.is_met(&mut Subject::new(value, &mut String::new()))
            }) || expected.is_null() && is_missing()
        };
        match &line.test.check {
            Check::Exists(true) => self.any(line, readings, |_| true),
            Check::Exists(false) => is_missing(),
            Check::Any(expected) => expected.iter().any(is_met),
            Check::Every(expected) => expected.iter().all(is_met),
            // The parser allows neither within an element.
            Check::Field(_) | Check::Element(_) => false,
        }
    }

    fn any(&self, line: &CompiledTest, readings: Readings, is: impl Fn(Value<'_>) -> bool) -> bool {
        let mut found = false;
        self.visit(line, readings, &mut |value| {
            found = found || is(value);
            match found {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        found
    }

    fn visit(&self, line: &CompiledTest, readings: Readings, visit: &mut Visit<'_>) {
        if let Some(path) = line.field.and_then(|field| self.paths.get(field)) {
            (self.values)(path, readings == Readings::Every, visit);
        }
    }

    /// The values of the fields that the lines name, as in `type: TOPIC, uid: orders`.
    fn described(&self, groups: &[Vec<CompiledTest>], depth: usize) -> String {
        let mut parts: Vec<String> = Vec::new();
        for line in groups.iter().flatten() {
            let name = line.test.name_below(depth);
            self.visit(line, Readings::Any, &mut |value| {
                let text = value.text().unwrap_or_else(|| value.described().into());
                let part = format!("{name}: {text}");
                if !parts.contains(&part) {
                    parts.push(part);
                }
                ControlFlow::Continue(())
            });
        }
        parts.join(", ")
    }
}
