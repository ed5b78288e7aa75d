//! One event against all detections: candidates from the index, tests asked at most once, only
//! fields that some test names looked at. Total: there is no error path.

use std::ops::ControlFlow;

use foldhash::HashSet;

use super::compile::{CompiledTest, Engine, Expr, RuleIndex, uncased_exact};
use super::matcher::{Check, Expected, FieldReference, Subject};
use super::pattern::fold_into;
use super::relate::Texts;
use super::rule::Logsource;
use super::value::{Fields, Origin, Value};

/// Memory reused from event to event.
#[derive(Debug, Default)]
pub struct Scratch {
    answers: Vec<Answer>,
    from_there: Vec<Answer>,
    candidates: Vec<u64>,
    matched: Vec<RuleIndex>,
    buffer: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    NotAsked,
    Yes,
    No,
}

impl Answer {
    /// The answer, asked for at most once.
    fn or_ask(&mut self, ask: impl FnOnce() -> bool) -> bool {
        if *self == Answer::NotAsked {
            *self = if ask() { Answer::Yes } else { Answer::No };
        }
        *self == Answer::Yes
    }
}

/// Makes it so many of one value.
fn all<T: Copy>(values: &mut Vec<T>, len: usize, value: T) {
    values.clear();
    values.resize(len, value);
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
            from_there,
            candidates,
            matched,
            buffer,
        } = scratch;
        all(answers, self.tests.len(), Answer::NotAsked);
        all(from_there, self.logsources.len(), Answer::NotAsked);
        all(candidates, self.detections.len().div_ceil(64), 0);
        matched.clear();
        self.index
            .candidates(event, &self.paths, buffer, candidates);
        let origin = event.logsource();
        let mut is_from_there =
            |number: usize| from_there[number].or_ask(|| self.logsources[number].takes(origin));
        let mut asking = Asking {
            engine: self,
            event,
            answers,
            buffer,
        };
        for (word, bits) in candidates.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let rule = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let detection = &self.detections[rule];
                if is_from_there(detection.logsource) && asking.holds(&detection.condition) {
                    matched.push(rule);
                }
            }
        }
        matched
    }
}

impl Logsource {
    /// Whether an event from there is meant; letter case does not matter.
    pub fn takes(&self, origin: Origin<'_>) -> bool {
        // Asked of every event, and mostly written alike: that shows faster than folding it.
        let same = |wanted: &Option<String>, is: Option<&str>| match wanted {
            Some(wanted) => is.is_some_and(|is| is == wanted || is.eq_ignore_ascii_case(wanted)),
            None => true,
        };
        same(&self.product, origin.product)
            && same(&self.service, origin.service)
            && same(&self.category, origin.category)
    }
}

/// One event being asked tests.
pub(super) struct Asking<'a, P, E> {
    pub(super) engine: &'a Engine<P>,
    pub(super) event: &'a E,
    pub(super) answers: &'a mut Vec<Answer>,
    pub(super) buffer: &'a mut String,
}

impl<P, E: Fields<Path = P>> Asking<'_, P, E> {
    pub(super) fn holds(&mut self, expr: &Expr) -> bool {
        match expr {
            Expr::Test(test) => self.test(*test),
            Expr::Not(inner) => !self.holds(inner),
            Expr::All(parts) => parts.iter().all(|part| self.holds(part)),
            Expr::AtLeast(needed, parts) => {
                let holding = parts.iter().filter(|part| self.holds(part));
                holding.take(*needed).count() == *needed
            }
        }
    }

    pub(super) fn test(&mut self, number: usize) -> bool {
        let mut answer = self.answers[number];
        let test = &self.engine.tests[number];
        let holds = answer.or_ask(|| self.check(test) != test.test.negated);
        self.answers[number] = answer;
        holds
    }

    fn check(&mut self, test: &CompiledTest) -> bool {
        match &test.test.check {
            Check::Exists(wanted) => self.exists(test.field) == *wanted,
            Check::Any(expected) => {
                self.any(test.field, |subject| one_of(expected, &test.set, subject))
            }
            Check::Every(all) => all
                .iter()
                .all(|one| self.any(test.field, |subject| one.is_met(subject))),
            Check::Field(reference) => self.relates(test, reference),
        }
    }

    fn exists(&self, field: Option<usize>) -> bool {
        let mut found = false;
        if let Some(field) = field {
            self.event.values(&self.engine.paths[field], &mut |_| {
                found = true;
                ControlFlow::Break(())
            });
        }
        found
    }

    /// Whether any value of the field, or any string of the event, is as asked.
    fn any(&mut self, field: Option<usize>, is: impl Fn(&mut Subject<'_, '_>) -> bool) -> bool {
        let mut found = false;
        let buffer = &mut *self.buffer;
        let mut visit = |value: Value<'_>| {
            found = found || is(&mut Subject::new(value, buffer));
            if found {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        match field {
            Some(field) => self.event.values(&self.engine.paths[field], &mut visit),
            None => self.event.strings(&mut |text| visit(Value::String(text))),
        }
        found
    }

    fn relates(&mut self, test: &CompiledTest, reference: &FieldReference) -> bool {
        let texts = |field: usize| {
            let mut texts = Texts::default();
            self.event.values(&self.engine.paths[field], &mut |value| {
                if let Some(text) = value.text() {
                    texts.push(|out| match reference.cased {
                        true => out.push_str(&text),
                        false => fold_into(&text, out),
                    });
                }
                ControlFlow::Continue(())
            });
            texts
        };
        let Some(own) = test.field.map(texts) else {
            return false;
        };
        let related = |other: &usize| reference.relation.holds_for_any(&own, &texts(*other));
        if reference.every {
            test.others.iter().all(related)
        } else {
            test.others.iter().any(related)
        }
    }
}

/// Whether a value is one of those expected; the set holds the exact texts of a long list.
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
