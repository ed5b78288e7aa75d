//! Compiles detections into one matcher: equal comparisons are shared, equal fields are shared, and
//! every detection is in the index.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use foldhash::HashSet;
use sha2::{Digest, Sha256};

use super::index::Index;
use super::matcher::{Check, Expected, Test};
use super::program::{Compiled, CompiledExclusion, CompiledSelection, CompiledTest, Expr};
use super::rule::{Body, Condition, Detection, Logsource};
use super::value::UnknownField;
use crate::diagnostic::Problem;

/// The position of a detection in the list from which the engine was compiled.
pub type RuleIndex = usize;

/// A detection with its log source.
#[derive(Debug, Clone, Copy)]
pub struct LogsourceDetection<'r> {
    /// Events of another log source do not match.
    pub logsource: &'r Logsource,
    /// What must hold.
    pub detection: &'r Detection,
}

/// Many detections, compiled for events whose fields have paths of type `P`.
pub struct Engine<P> {
    pub(super) tests: Vec<CompiledTest>,
    pub(super) detections: Vec<Compiled>,
    pub(super) paths: Vec<P>,
    pub(super) index: Index,
    /// The different log sources of the detections.
    pub(super) logsources: Vec<Logsource>,
    /// For each detection, its tests that are about one element of a list.
    pub(super) element_tests: Vec<Vec<usize>>,
}

/// A list of at least so many texts is searched by hash.
const SET_SIZE: usize = 8;

impl<P> fmt::Debug for Engine<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("detections", &self.detections.len())
            .field("tests", &self.tests.len())
            .field("fields", &self.paths.len())
            .finish()
    }
}

impl<P> Default for Engine<P> {
    /// An engine without detections.
    fn default() -> Engine<P> {
        Engine {
            tests: Vec::new(),
            detections: Vec::new(),
            paths: Vec::new(),
            index: Index::default(),
            logsources: Vec::new(),
            element_tests: Vec::new(),
        }
    }
}

impl<P> Engine<P> {
    /// Compiles detections; `resolve` compiles a field's name.
    ///
    /// # Errors
    /// Every unknown field name, with the detection that uses it.
    pub fn compile<'r>(
        targets: impl IntoIterator<Item = LogsourceDetection<'r>>,
        resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
    ) -> Result<Engine<P>, Vec<(RuleIndex, Problem)>> {
        let mut builder = Builder {
            resolve,
            tests: Vec::new(),
            known_tests: HashMap::new(),
            paths: Vec::new(),
            known_fields: HashMap::new(),
            logsources: Vec::new(),
            exclusions: HashMap::new(),
            problems: Vec::new(),
        };
        let mut detections = Vec::new();
        for (number, target) in targets.into_iter().enumerate() {
            detections.push(builder.detection(number, target));
        }
        if !builder.problems.is_empty() {
            return Err(builder.problems);
        }
        let index = Index::new(&detections, &builder.tests);
        Ok(Engine {
            element_tests: element_tests(&detections, &builder.tests),
            tests: builder.tests,
            detections,
            paths: builder.paths,
            index,
            logsources: builder.logsources,
        })
    }

    /// Number of detections.
    pub fn len(&self) -> usize {
        self.detections.len()
    }

    /// Whether there is no detection.
    pub fn is_empty(&self) -> bool {
        self.detections.is_empty()
    }

    /// The same engine, except that every detection is evaluated on every event of its log source.
    #[cfg(test)]
    pub(super) fn without_index(mut self) -> Engine<P> {
        self.index = Index::of_all(&self.detections, &self.tests);
        self
    }

    /// The detections of which no line requires a value that can be looked up: they are evaluated on every event
    /// of their log source.
    pub fn without_witness(&self) -> impl Iterator<Item = RuleIndex> {
        self.index.without_witness()
    }
}

struct Builder<'r, P> {
    resolve: &'r dyn Fn(&str) -> Result<P, UnknownField>,
    tests: Vec<CompiledTest>,
    /// Test numbers by the digest of the test, so that equal tests are shared.
    known_tests: HashMap<TestDigest, usize>,
    paths: Vec<P>,
    known_fields: HashMap<String, usize>,
    logsources: Vec<Logsource>,
    /// Filters that are compiled, by the address of their detection.
    exclusions: HashMap<*const Detection, Arc<CompiledExclusion>>,
    problems: Vec<(RuleIndex, Problem)>,
}

impl<P> Builder<'_, P> {
    fn detection(&mut self, number: RuleIndex, target: LogsourceDetection<'_>) -> Compiled {
        let selections = self.selections(number, target.detection, false);
        let exclusions = target.detection.exclusions.iter();
        let exclusions = exclusions.map(|exclusion| self.exclusion(number, &exclusion.detection));
        Compiled {
            condition: self::condition(&target.detection.condition, &selections),
            selections,
            exclusions: exclusions.collect(),
            logsource: self.logsource(target.logsource),
        }
    }

    fn exclusion(
        &mut self,
        number: RuleIndex,
        detection: &Arc<Detection>,
    ) -> Arc<CompiledExclusion> {
        let address = Arc::as_ptr(detection);
        if let Some(known) = self.exclusions.get(&address) {
            return Arc::clone(known);
        }
        let selections = self.selections(number, detection, true);
        let compiled = Arc::new(CompiledExclusion {
            condition: self::condition(&detection.condition, &selections),
            selections,
        });
        self.exclusions.insert(address, Arc::clone(&compiled));
        compiled
    }

    /// The selections of a detection; `is_negated` if its condition is under `not`.
    fn selections(
        &mut self,
        number: RuleIndex,
        detection: &Detection,
        is_negated: bool,
    ) -> Vec<CompiledSelection> {
        let mut only_negated = vec![true; detection.selections.len()];
        mark_uses(&detection.condition, is_negated, &mut only_negated);
        let mut selections = Vec::new();
        for (selection, only_negated) in detection.selections.iter().zip(only_negated) {
            let mut tests = Vec::new();
            selections.push(CompiledSelection {
                only_negated,
                name: selection.name.clone(),
                expr: self.body(number, &selection.body, &mut tests),
                tests,
            });
        }
        selections
    }

    fn logsource(&mut self, logsource: &Logsource) -> usize {
        let known = self.logsources.iter().position(|known| known == logsource);
        known.unwrap_or_else(|| {
            self.logsources.push(logsource.clone());
            self.logsources.len() - 1
        })
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
        let key = digest(test);
        if let Some(known) = self.known_tests.get(&key) {
            return *known;
        }
        let before = self.problems.len();
        let compiled = self.compiled(rule, test);
        self.tests.push(compiled);
        // A test of an unknown field is not shared, so that every rule that has it is reported.
        if self.problems.len() == before {
            self.known_tests.insert(key, self.tests.len() - 1);
        }
        self.tests.len() - 1
    }

    fn compiled(&mut self, rule: RuleIndex, test: &Test) -> CompiledTest {
        let (mut others, mut groups) = (Vec::new(), Vec::new());
        let mut field = test.field.as_deref();
        match &test.check {
            Check::Field(reference) => {
                let fields = reference.fields.iter();
                others = fields.map(|name| self.field(rule, name, test)).collect();
            }
            Check::Element(element) => {
                let lines = |lines: &Vec<Test>| {
                    let lines = lines.iter().map(|line| self.compiled(rule, line));
                    lines.collect()
                };
                groups = element.groups.iter().map(lines).collect();
                // The list itself has no values that are compared.
                field = None;
            }
            _ => {}
        }
        CompiledTest {
            field: field.map(|name| self.field(rule, name, test)),
            others,
            groups,
            set: exact_set(&test.check),
            test: test.clone(),
        }
    }

    /// The number of a field; for an unknown one, a number that is never used.
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
                let problem = Problem::error(test.mark, format!("unknown field `{name}`"));
                let problem = problem.remedy(match suggestion {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        "docs/rule-reference.md lists the fields, docs/notify.md those of sinks"
                            .to_owned()
                    }
                });
                self.problems.push((rule, problem));
                usize::MAX
            }
        }
    }
}

/// Marks the selections that a condition uses elsewhere than under `not`; `is_negated` if the condition itself is
/// under `not`.
fn mark_uses(condition: &Condition, is_negated: bool, only_negated: &mut [bool]) {
    match condition {
        Condition::Selection(index) => only_negated[*index] &= is_negated,
        Condition::Not(inner) => mark_uses(inner, !is_negated, only_negated),
        Condition::All(parts) | Condition::AtLeast(_, parts) => {
            for part in parts {
                mark_uses(part, is_negated, only_negated);
            }
        }
    }
}

/// The digest of what a test compares; its place is no part of it.
type TestDigest = [u8; 32];

fn digest(test: &Test) -> TestDigest {
    /// Hashes a text while it is written, since that of a long list of values is much larger than the list.
    struct Hashed(Sha256);

    impl Write for Hashed {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text);
            Ok(())
        }
    }

    let mut hashed = Hashed(Sha256::new());
    // Hashing cannot fail.
    let _ = write!(hashed, "{:?} {:?} {}", test.field, test.check, test.negated);
    hashed.0.finalize().into()
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

/// For each detection, its tests that are about one element of a list.
fn element_tests(detections: &[Compiled], tests: &[CompiledTest]) -> Vec<Vec<usize>> {
    let of_detection = |detection: &Compiled| {
        let exclusions = detection.exclusions.iter();
        let excluded = exclusions.flat_map(|exclusion| &exclusion.selections);
        let all = detection.selections.iter().chain(excluded);
        let all = all.flat_map(|selection| &selection.tests).copied();
        all.filter(|test| matches!(tests[*test].test.check, Check::Element(_)))
            .collect()
    };
    detections.iter().map(of_detection).collect()
}

/// The folded texts of a long list.
fn exact_set(check: &Check) -> HashSet<String> {
    let Check::Any(expected) = check else {
        return HashSet::default();
    };
    let texts: HashSet<String> = expected
        .iter()
        .filter_map(uncased_exact)
        .map(str::to_owned)
        .collect();
    if texts.len() < SET_SIZE {
        HashSet::default()
    } else {
        texts
    }
}

pub(super) fn uncased_exact(expected: &Expected) -> Option<&str> {
    match expected {
        Expected::Text(pattern) if !pattern.is_cased() => pattern.exact(),
        _ => None,
    }
}
