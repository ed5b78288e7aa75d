//! Evaluates all detections on one event: the index gives candidates, each test is evaluated at most
//! once, and only fields that some test uses are looked up. Total: there are no errors.
//!
//! An event with several readings matches if it does in some reading. Each test has two answers:
//! whether it holds in some reading, and whether it holds in every reading; `not` exchanges them.
//! Invariant: a detection that holds in some reading matches. (If several tests use one name, it may
//! also match although it holds in no single reading.)

use std::mem::take;
use std::ops::ControlFlow;

use foldhash::HashSet;

use super::compile::{Engine, RuleIndex, uncased_exact};
use super::index::Hits;
use super::matcher::{Check, Expected, FieldReference, Subject};
use super::pattern::fold_into;
use super::program::{CompiledTest, Expr};
use super::relate::Texts;
use super::rule::Logsource;
use super::value::{Fields, Origin, Value, Visit};

/// Memory reused from event to event.
#[derive(Debug, Default)]
pub struct Scratch {
    answers: Answers,
    logsource_answers: Answers,
    hits: Hits,
    matched: Vec<RuleIndex>,
    evaluated: usize,
    memory: Memory,
}

/// Memory for the texts that one line compares.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// A text without letter case.
    pub(super) folded: String,
    /// The texts of the two fields of a `fieldref`.
    own: Texts,
    other: Texts,
    /// The lines about one list that are evaluated in one visit, each with whether it holds.
    pub(super) lines: Vec<(usize, bool)>,
}

impl Scratch {
    /// How many detections were evaluated on the last event.
    pub fn evaluated(&self) -> usize {
        self.evaluated
    }
}

/// Answers to numbered questions about one event.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// The event by number, in order not to clear the answers to an earlier one.
    event: u32,
    /// For each question, twice the number of the event for which it was answered, and one more for yes.
    answers: Vec<u32>,
}

impl Answers {
    /// Forgets all answers; there will be so many questions.
    pub(super) fn begin(&mut self, questions: usize) {
        self.event = (self.event + 1) % (u32::MAX / 2);
        if self.event == 0 || self.answers.len() != questions {
            self.event = 1;
            self.answers.clear();
            self.answers.resize(questions, 0);
        }
    }

    pub(super) fn of(&self, question: usize) -> Option<bool> {
        let answer = self.answers[question];
        (answer / 2 == self.event).then_some(answer % 2 == 1)
    }

    pub(super) fn set(&mut self, question: usize, answer: bool) {
        self.answers[question] = 2 * self.event + u32::from(answer);
    }
}

/// In how many of an event's readings a condition must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readings {
    /// In at least one.
    Any,
    /// In every one.
    Every,
}

impl Readings {
    /// In which readings the negation of a condition must not hold.
    pub(super) fn opposite(self) -> Readings {
        match self {
            Readings::Any => Readings::Every,
            Readings::Every => Readings::Any,
        }
    }
}

impl<P> Engine<P> {
    /// The detections that match, in the order of compilation.
    pub fn matches<'s, E: Fields<Path = P>>(
        &self,
        event: &E,
        scratch: &'s mut Scratch,
    ) -> &'s [RuleIndex] {
        let Scratch {
            answers,
            logsource_answers,
            hits,
            matched,
            evaluated,
            memory,
        } = scratch;
        *evaluated = 0;
        answers.begin(self.answer_count());
        logsource_answers.begin(self.logsources.len());
        matched.clear();
        let origin = event.logsource();
        let mut is_of_logsource = |number: usize| {
            logsource_answers.of(number).unwrap_or_else(|| {
                let answer = self.logsources[number].matches(origin);
                logsource_answers.set(number, answer);
                answer
            })
        };
        self.index.find(
            event,
            &self.paths,
            &mut is_of_logsource,
            &mut memory.folded,
            hits,
        );
        let mut evaluation = Evaluation {
            engine: self,
            event,
            answers,
            hits: Some(hits),
            memory,
        };
        for rule in hits.detections() {
            let detection = &self.detections[rule];
            if !is_of_logsource(detection.logsource) {
                continue;
            }
            *evaluated += 1;
            let mut exclusions = detection.exclusions.iter();
            if evaluation.holds(&detection.condition, Readings::Any)
                && !exclusions
                    .any(|exclusion| evaluation.holds(&exclusion.condition, Readings::Every))
            {
                matched.push(rule);
            }
        }
        matched
    }

    /// Each test has two answers.
    pub(super) fn answer_count(&self) -> usize {
        2 * self.tests.len()
    }
}

impl Logsource {
    /// Whether events of this origin belong to the log source, ignoring case.
    pub fn matches(&self, origin: Origin<'_>) -> bool {
        // Nearly always the case is equal, and an exact comparison is cheaper.
        let same = |wanted: &Option<String>, is: Option<&str>| match wanted {
            Some(wanted) => is.is_some_and(|is| is == wanted || is.eq_ignore_ascii_case(wanted)),
            None => true,
        };
        same(&self.product, origin.product)
            && same(&self.service, origin.service)
            && same(&self.category, origin.category)
    }
}

/// The tests on one event: each is evaluated once, and its answer is kept.
pub(super) struct Evaluation<'a, P, E> {
    pub(super) engine: &'a Engine<P>,
    pub(super) event: &'a E,
    pub(super) answers: &'a mut Answers,
    /// What the index found; without it, the fields of every test are looked up again.
    pub(super) hits: Option<&'a Hits>,
    pub(super) memory: &'a mut Memory,
}

impl<P, E: Fields<Path = P>> Evaluation<'_, P, E> {
    pub(super) fn holds(&mut self, expr: &Expr, readings: Readings) -> bool {
        match expr {
            Expr::Test(test) => self.test(*test, readings),
            Expr::Not(inner) => !self.holds(inner, readings.opposite()),
            Expr::All(parts) => parts.iter().all(|part| self.holds(part, readings)),
            Expr::AtLeast(needed, parts) => {
                let holding = parts.iter().filter(|part| self.holds(part, readings));
                holding.take(*needed).count() == *needed
            }
        }
    }

    pub(super) fn test(&mut self, number: usize, readings: Readings) -> bool {
        let test = &self.engine.tests[number];
        let slot = self.slot(number, readings);
        if let Some(known) = self.answers.of(slot) {
            return known;
        }
        let holds = match test.test.negated {
            true => !self.check(number, readings.opposite()),
            false => self.check(number, readings),
        };
        self.answers.set(slot, holds);
        holds
    }

    /// The number of the answer of a test in these readings.
    pub(super) fn slot(&self, number: usize, readings: Readings) -> usize {
        match readings {
            Readings::Every if self.may_vary(&self.engine.tests[number]) => {
                self.engine.tests.len() + number
            }
            // Both answers are the same, as for most events.
            _ => number,
        }
    }

    /// Whether a test may hold in some readings of the event and not in others.
    fn may_vary(&self, test: &CompiledTest) -> bool {
        if let Check::Element(_) = test.test.check {
            return self.elements_may_vary(test);
        }
        let path = |field: usize| &self.engine.paths[field];
        let mut others = test.others.iter();
        self.event.may_vary(test.field.map(path))
            || others.any(|other| self.event.may_vary(Some(path(*other))))
    }

    fn check(&mut self, number: usize, readings: Readings) -> bool {
        let test = &self.engine.tests[number];
        match (self.of_index(number), readings) {
            // What holds in no reading does not hold in every reading.
            (Some(false), _) => return false,
            (Some(true), Readings::Any) => return true,
            (Some(true), Readings::Every) if !self.may_vary(test) => return true,
            _ => {}
        }
        match &test.test.check {
            Check::Exists(true) => self.exists(test.field, readings),
            Check::Exists(false) => self.is_missing(test.field, readings),
            Check::Any(expected) => {
                self.any(test.field, readings, |subject| {
                    one_of(expected, &test.set, subject)
                }) || test.test.check.accepts_missing() && self.is_missing(test.field, readings)
            }
            Check::Every(all) => all.iter().all(|one| {
                self.any(test.field, readings, |subject| one.is_met(subject))
                    || one.is_null() && self.is_missing(test.field, readings)
            }),
            Check::Field(reference) => self.relates(test, reference, readings),
            Check::Element(element) => self.element(number, element.depth, readings),
        }
    }

    /// What the index answers for a test.
    pub(super) fn of_index(&self, number: usize) -> Option<bool> {
        let hits = self.hits?;
        self.engine.index.answer(number, hits)
    }

    /// Visits the values of a field in these readings.
    pub(super) fn values(&self, field: usize, readings: Readings, visit: &mut Visit<'_>) {
        let path = &self.engine.paths[field];
        match readings {
            Readings::Any => self.event.values(path, visit),
            Readings::Every => self.event.certain_values(path, visit),
        }
    }

    /// Visits the strings of the event in these readings.
    pub(super) fn strings(&self, readings: Readings, visit: &mut Visit<'_>) {
        let mut visit = |text: &str| visit(Value::String(text));
        match readings {
            Readings::Any => self.event.strings(&mut visit),
            Readings::Every => self.event.certain_strings(&mut visit),
        }
    }

    fn exists(&self, field: Option<usize>, readings: Readings) -> bool {
        let mut found = false;
        if let Some(field) = field {
            self.values(field, readings, &mut |_| {
                found = true;
                ControlFlow::Break(())
            });
        }
        found
    }

    pub(super) fn is_missing(&self, field: Option<usize>, readings: Readings) -> bool {
        field.is_some() && !self.exists(field, readings.opposite())
    }

    /// Whether any value of the field, or any string of the event, is accepted.
    fn any(
        &mut self,
        field: Option<usize>,
        readings: Readings,
        is: impl Fn(&mut Subject<'_, '_>) -> bool,
    ) -> bool {
        let mut found = false;
        let mut buffer = take(&mut self.memory.folded);
        let mut visit = |value: Value<'_>| {
            found = found || is(&mut Subject::new(value, &mut buffer));
            if found {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        match field {
            Some(field) => self.values(field, readings, &mut visit),
            None => self.strings(readings, &mut visit),
        }
        self.memory.folded = buffer;
        found
    }

    fn relates(
        &mut self,
        test: &CompiledTest,
        reference: &FieldReference,
        readings: Readings,
    ) -> bool {
        let Some(field) = test.field else {
            return false;
        };
        let mut own = take(&mut self.memory.own);
        let mut other = take(&mut self.memory.other);
        self.texts(field, reference, readings, &mut own);
        let mut related = |field: &usize| {
            self.texts(*field, reference, readings, &mut other);
            reference.relation.holds_for_any(&own, &other)
        };
        let relates = match reference.every {
            true => test.others.iter().all(&mut related),
            false => test.others.iter().any(&mut related),
        };
        (self.memory.own, self.memory.other) = (own, other);
        relates
    }

    /// The texts of a field, as a `fieldref` compares them.
    fn texts(
        &self,
        field: usize,
        reference: &FieldReference,
        readings: Readings,
        texts: &mut Texts,
    ) {
        texts.clear();
        self.values(field, readings, &mut |value| {
            value.with_text(|text| {
                texts.push(|out| match reference.cased {
                    true => out.push_str(text),
                    false => fold_into(text, out),
                });
            });
            ControlFlow::Continue(())
        });
    }
}

/// Whether a value is one of those expected; the set has the exact texts of a long list.
fn one_of(expected: &[Expected], set: &HashSet<String>, subject: &mut Subject<'_, '_>) -> bool {
    if set.is_empty() {
        return expected.iter().any(|one| one.is_met(subject));
    }
    if subject.folded().is_some_and(|text| set.contains(text)) {
        return true;
    }
    let mut others = expected.iter().filter(|one| uncased_exact(one).is_none());
    others.any(|one| one.is_met(subject))
}
