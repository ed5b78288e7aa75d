//! Detections compiled into one matcher: distinct tests are shared and asked at most once an event,
//! only fields that some test names are looked at, and only candidates from the index evaluated.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;

use super::index::Index;
use super::matcher::{Check, Expected, FieldReference, Subject};
use super::pattern::fold;
use super::rule::{Body, Condition, Detection, Logsource, Test};
use super::value::{Fields, Origin, UnknownField, Value};
use crate::diagnostic::Problem;

/// A detection's place in the list that the engine was compiled from.
pub type RuleIndex = usize;

/// A detection and the events it is about.
#[derive(Debug, Clone, Copy)]
pub struct Target<'r> {
    /// Events from elsewhere do not match.
    pub logsource: &'r Logsource,
    /// What to look for.
    pub detection: &'r Detection,
}

/// Many detections, compiled for events whose fields are found by `P`.
pub struct Engine<P> {
    tests: Vec<CompiledTest>,
    detections: Vec<Compiled>,
    paths: Vec<P>,
    index: Index,
}

/// A condition over tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr {
    Test(usize),
    Not(Box<Expr>),
    All(Vec<Expr>),
    AtLeast(usize, Vec<Expr>),
}

struct Compiled {
    logsource: Logsource,
    condition: Expr,
    selections: Vec<CompiledSelection>,
}

struct CompiledSelection {
    name: String,
    expr: Expr,
    tests: Vec<usize>,
}

struct CompiledTest {
    test: Test,
    /// The field's number; `None` searches every string.
    field: Option<usize>,
    /// The fields that a `fieldref` names.
    others: Vec<usize>,
    /// Folded texts of which one is enough, where a list is long.
    set: HashSet<String>,
}

/// From this many texts on a list is looked up by hash.
const SET_SIZE: usize = 8;

/// Memory reused from event to event.
#[derive(Debug, Default)]
pub struct Scratch {
    answers: Vec<Answer>,
    candidates: Vec<u64>,
    matched: Vec<RuleIndex>,
    buffer: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    NotAsked,
    Yes,
    No,
}

/// What became of one selection on one event.
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
    /// [`TestOutcome::MAX_VALUES`] texts.
    pub values: Vec<String>,
}

impl TestOutcome<'_> {
    /// No more values are reported than these.
    pub const MAX_VALUES: usize = 8;
}

impl<P> fmt::Debug for Engine<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("detections", &self.detections.len())
            .field("tests", &self.tests.len())
            .field("fields", &self.paths.len())
            .finish()
    }
}

impl<P> Engine<P> {
    /// Compiles detections; `resolve` compiles a field's name.
    ///
    /// # Errors
    /// Every field name that does not resolve, with the detection it is in.
    pub fn compile<'r>(
        targets: impl IntoIterator<Item = Target<'r>>,
        resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
    ) -> Result<Engine<P>, Vec<(RuleIndex, Problem)>> {
        let mut builder = Builder {
            resolve,
            tests: Vec::new(),
            known_tests: HashMap::new(),
            paths: Vec::new(),
            known_fields: HashMap::new(),
            problems: Vec::new(),
        };
        let mut detections = Vec::new();
        for (number, target) in targets.into_iter().enumerate() {
            detections.push(builder.detection(number, target));
        }
        if !builder.problems.is_empty() {
            return Err(builder.problems);
        }
        let indexed: Vec<_> = builder
            .tests
            .iter()
            .map(|t| (t.test.clone(), t.field))
            .collect();
        let index = Index::new(detections.iter().map(|d| &d.condition), &indexed);
        Ok(Engine {
            tests: builder.tests,
            detections,
            paths: builder.paths,
            index,
        })
    }

    /// How many detections it holds.
    pub fn len(&self) -> usize {
        self.detections.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.detections.is_empty()
    }

    /// The detections that match, in the order of compilation.
    pub fn matches<'s, E: Fields<Path = P>>(
        &self,
        event: &E,
        scratch: &'s mut Scratch,
    ) -> &'s [RuleIndex] {
        scratch.answers.clear();
        scratch.answers.resize(self.tests.len(), Answer::NotAsked);
        scratch.candidates.clear();
        scratch
            .candidates
            .resize(self.detections.len().div_ceil(64), 0);
        scratch.matched.clear();
        let Scratch {
            answers,
            candidates,
            matched,
            buffer,
        } = scratch;
        self.index
            .candidates(event, &self.paths, buffer, candidates);
        let origin = event.logsource();
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
                if detection.logsource.takes(origin) && asking.holds(&detection.condition) {
                    matched.push(rule);
                }
            }
        }
        matched
    }

    /// What became of each selection of one detection on an event, whether it matches or not.
    pub fn explain<'e, E: Fields<Path = P>>(
        &'e self,
        rule: RuleIndex,
        event: &E,
    ) -> Vec<SelectionOutcome<'e>> {
        let Some(detection) = self.detections.get(rule) else {
            return Vec::new();
        };
        let mut answers = vec![Answer::NotAsked; self.tests.len()];
        let mut buffer = String::new();
        let (answers, buffer) = (&mut answers, &mut buffer);
        let mut asking = Asking {
            engine: self,
            event,
            answers,
            buffer,
        };
        let mut outcomes = Vec::new();
        for selection in &detection.selections {
            let tests = selection.tests.iter().map(|number| {
                let (test, holds) = (&self.tests[*number], asking.test(*number));
                TestOutcome {
                    field: test.test.field.as_deref(),
                    holds,
                    values: asking.seen(test, holds),
                }
            });
            let tests = tests.collect();
            outcomes.push(SelectionOutcome {
                name: &selection.name,
                holds: asking.holds(&selection.expr),
                tests,
            });
        }
        outcomes
    }

    #[cfg(test)]
    pub(super) fn always_len(&self) -> usize {
        self.index.always_len()
    }
}

impl Logsource {
    /// Whether an event from there is meant; letter case does not matter.
    pub fn takes(&self, origin: Origin<'_>) -> bool {
        let same = |wanted: &Option<String>, is: Option<&str>| match wanted {
            Some(wanted) => is.is_some_and(|is| is.eq_ignore_ascii_case(wanted)),
            None => true,
        };
        same(&self.product, origin.product)
            && same(&self.service, origin.service)
            && same(&self.category, origin.category)
    }
}

struct Builder<'r, P> {
    resolve: &'r dyn Fn(&str) -> Result<P, UnknownField>,
    tests: Vec<CompiledTest>,
    /// By what a test asks, so that equal ones are shared.
    known_tests: HashMap<String, usize>,
    paths: Vec<P>,
    known_fields: HashMap<String, usize>,
    problems: Vec<(RuleIndex, Problem)>,
}

impl<P> Builder<'_, P> {
    fn detection(&mut self, number: RuleIndex, target: Target<'_>) -> Compiled {
        let mut selections = Vec::new();
        for selection in &target.detection.selections {
            let mut tests = Vec::new();
            selections.push(CompiledSelection {
                name: selection.name.clone(),
                expr: self.body(number, &selection.body, &mut tests),
                tests,
            });
        }
        Compiled {
            logsource: target.logsource.clone(),
            condition: condition(&target.detection.condition, &selections),
            selections,
        }
    }

    fn body(&mut self, rule: RuleIndex, body: &Body, tests: &mut Vec<usize>) -> Expr {
        let mut parts = |builder: &mut Self, parts: &[Body]| {
            let exprs = parts.iter().map(|part| builder.body(rule, part, tests));
            exprs.collect::<Vec<_>>()
        };
        match body {
            Body::All(all) => Expr::All(parts(self, all)),
            Body::Any(any) => Expr::AtLeast(1, parts(self, any)),
            Body::Test(test) => {
                let number = self.test(rule, test);
                tests.push(number);
                Expr::Test(number)
            }
        }
    }

    fn test(&mut self, rule: RuleIndex, test: &Test) -> usize {
        let key = format!("{:?} {:?} {}", test.field, test.check, test.negated);
        if let Some(known) = self.known_tests.get(&key) {
            return *known;
        }
        let field = test.field.as_deref();
        let others: &[String] = match &test.check {
            Check::Field(reference) => &reference.fields,
            _ => &[],
        };
        let compiled = CompiledTest {
            field: field.map(|name| self.field(rule, name, test)),
            others: others
                .iter()
                .map(|name| self.field(rule, name, test))
                .collect(),
            set: exact_set(&test.check),
            test: test.clone(),
        };
        self.tests.push(compiled);
        self.known_tests.insert(key, self.tests.len() - 1);
        self.tests.len() - 1
    }

    /// The number of a field; of an unknown one, a number that is never used.
    fn field(&mut self, rule: RuleIndex, name: &str, test: &Test) -> usize {
        if let Some(known) = self.known_fields.get(name) {
            return *known;
        }
        match (self.resolve)(name) {
            Ok(path) => {
                self.paths.push(path);
                self.known_fields
                    .insert(name.to_owned(), self.paths.len() - 1);
                self.paths.len() - 1
            }
            Err(UnknownField { suggestion }) => {
                let mut problem = Problem::error(test.mark, format!("unknown field `{name}`"));
                if let Some(near) = suggestion {
                    problem = problem.remedy(format!("did you mean `{near}`?"));
                }
                self.problems.push((rule, problem));
                usize::MAX
            }
        }
    }
}

fn condition(condition: &Condition, selections: &[CompiledSelection]) -> Expr {
    let all = |parts: &[Condition]| {
        parts
            .iter()
            .map(|part| self::condition(part, selections))
            .collect()
    };
    match condition {
        Condition::Selection(index) => selections[*index].expr.clone(),
        Condition::Not(inner) => Expr::Not(Box::new(self::condition(inner, selections))),
        Condition::All(parts) => Expr::All(all(parts)),
        Condition::AtLeast(needed, parts) => Expr::AtLeast(*needed, all(parts)),
    }
}

/// The folded texts of a long list.
fn exact_set(check: &Check) -> HashSet<String> {
    let Check::Any(expected) = check else {
        return HashSet::new();
    };
    let texts: HashSet<String> = expected
        .iter()
        .filter_map(uncased_exact)
        .map(str::to_owned)
        .collect();
    if texts.len() < SET_SIZE {
        HashSet::new()
    } else {
        texts
    }
}

fn uncased_exact(expected: &Expected) -> Option<&str> {
    match expected {
        Expected::Text(pattern) if !pattern.is_cased() => pattern.exact(),
        _ => None,
    }
}

/// One event being asked tests.
struct Asking<'a, P, E> {
    engine: &'a Engine<P>,
    event: &'a E,
    answers: &'a mut Vec<Answer>,
    buffer: &'a mut String,
}

impl<P, E: Fields<Path = P>> Asking<'_, P, E> {
    fn holds(&mut self, expr: &Expr) -> bool {
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

    fn test(&mut self, number: usize) -> bool {
        match self.answers[number] {
            Answer::Yes => true,
            Answer::No => false,
            Answer::NotAsked => {
                let test = &self.engine.tests[number];
                let holds = self.check(test) != test.test.negated;
                self.answers[number] = if holds { Answer::Yes } else { Answer::No };
                holds
            }
        }
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
            found = is(&mut Subject::new(value, buffer));
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
        let text = |value: Value<'_>| {
            let text = value.text()?;
            Some(if reference.cased {
                text.into_owned()
            } else {
                fold(&text)
            })
        };
        let texts = |field: usize| {
            let mut texts = Vec::new();
            self.event.values(&self.engine.paths[field], &mut |value| {
                texts.extend(text(value));
                ControlFlow::Continue(())
            });
            texts
        };
        let Some(own) = test.field.map(texts) else {
            return false;
        };
        let related = |other: &usize| {
            let others = texts(*other);
            own.iter().any(|own| {
                others
                    .iter()
                    .any(|other| reference.relation.holds(own, other))
            })
        };
        if reference.every {
            test.others.iter().all(related)
        } else {
            test.others.iter().any(related)
        }
    }

    /// The values that a test saw: those that met it if it holds by them, else all.
    fn seen(&mut self, test: &CompiledTest, holds: bool) -> Vec<String> {
        let expected: &[Expected] = match &test.test.check {
            Check::Any(expected) | Check::Every(expected) => expected,
            Check::Exists(_) | Check::Field(_) => &[],
        };
        let by_value = holds && !test.test.negated && !expected.is_empty();
        let mut seen = Vec::new();
        let buffer = &mut *self.buffer;
        let mut visit = |value: Value<'_>| {
            let mut subject = Subject::new(value, buffer);
            if !by_value || expected.iter().any(|one| one.is_met(&mut subject)) {
                let text = value.text();
                seen.push(text.map_or_else(|| value.described().to_owned(), Cow::into_owned));
            }
            if seen.len() < TestOutcome::MAX_VALUES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        match test.field {
            Some(field) => self.event.values(&self.engine.paths[field], &mut visit),
            // The strings of the whole event say nothing about a keyword that is not among them.
            None if by_value => self.event.strings(&mut |text| visit(Value::String(text))),
            None => {}
        }
        seen
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
