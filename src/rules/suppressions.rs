//! Suppressions in a rule set: checks them, and tells which alerts they suppress.
//! Invariant: an event that can be read in several ways is suppressed only if its suppression holds in every reading,
//! so nobody can hide an alert by an ambiguous event.

use std::sync::Arc;

use super::known::Known;
use super::parsed_rule::{ParsedRule, ParsedSuppression};
use super::references::References;
use super::{native, unmatchable, validate};
use crate::diagnostic::{Diagnostic, Problem};
use crate::sigma::{
    Condition, Detection, Engine, Fields, FilteredRules, Logsource, LogsourceDetection, Rule,
    RuleId, RuleIndex, Scratch, Suppression, Test, UnknownField,
};

/// A suppression in force.
#[derive(Debug, Clone)]
pub struct LoadedSuppression {
    /// The suppression as written.
    pub suppression: Suppression,
    /// The file it was read from.
    pub file: Arc<str>,
}

/// The end of a suppression, as far as people are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SuppressionEnd {
    /// It ends in less than a week.
    Soon,
    /// It has ended.
    Reached,
}

/// So long before its end people are told of it, milliseconds.
const SOON_MS: i64 = 7 * 24 * 3_600_000;

impl LoadedSuppression {
    /// What people are to be told of its end at this time, milliseconds since the Unix epoch.
    pub fn end(&self, now_ms: i64) -> Option<SuppressionEnd> {
        let left_ms = self.suppression.expires_ms.saturating_sub(now_ms);
        match left_ms {
            ..=0 => Some(SuppressionEnd::Reached),
            1..SOON_MS => Some(SuppressionEnd::Soon),
            _ => None,
        }
    }

    /// The same as a warning.
    pub fn warning(&self, now_ms: i64) -> Option<Diagnostic> {
        let Suppression {
            title,
            owner,
            expires_mark,
            ..
        } = &self.suppression;
        let expires = self.suppression.expires();
        let message = match self.end(now_ms)? {
            SuppressionEnd::Soon => format!("the suppression `{title}` ends at {expires}"),
            SuppressionEnd::Reached => format!("the suppression `{title}` ended at {expires}"),
        };
        let remedy =
            format!("ask {owner} whether it is still needed: write a later day, or delete it");
        Some(Diagnostic {
            file: self.file.clone(),
            problem: Problem::warning(*expires_mark, message).remedy(remedy),
        })
    }
}

/// A suppression without errors, with the ids of its rules; `None` stands for every rule.
pub(super) struct CheckedSuppression {
    pub(super) loaded: LoadedSuppression,
    rules: Option<Vec<RuleId>>,
}

/// The suppressions without errors, in an order that depends on their content alone. `broken` are ids and names of
/// rules that have errors.
pub(super) fn checked<P>(
    parsed: Vec<ParsedSuppression>,
    rules: &[ParsedRule],
    known: &Known,
    broken: &[String],
    resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<CheckedSuppression> {
    let references = References::new(rules, known, broken);
    let mut checked = Vec::new();
    for ParsedSuppression {
        mut suppression,
        file,
    } in parsed
    {
        let named = match suppression.rules.clone() {
            FilteredRules::Any => None,
            FilteredRules::Named(names) => Some(names),
        };
        let mut found = Vec::new();
        for (name, mark) in named.iter().flatten() {
            match references.find(name, rules) {
                Ok(number) => found.extend(number.map(|number| &rules[number].rule)),
                Err((message, remedy)) => diagnostics.push(Diagnostic {
                    file: file.clone(),
                    problem: Problem::error(*mark, message).remedy(remedy),
                }),
            }
        }
        let ids = named
            .as_ref()
            .map(|_| found.iter().map(|rule| rule.id.clone()).collect());
        let logsource = logsource_of(&found);
        if let Some(detection) = &mut suppression.detection {
            let mapped = native::map_suppression(detection, &logsource, known, resolve);
            suppression.canonical.push_str(&mapped);
            let mut problems = Vec::new();
            for test in detection.tests().flat_map(Test::lines) {
                validate::methods(&logsource, test, known, &mut problems);
                unmatchable::check(&logsource, test, known, &mut problems);
            }
            diagnostics.extend(problems.into_iter().map(|problem| Diagnostic {
                file: file.clone(),
                problem,
            }));
        }
        checked.push(CheckedSuppression {
            rules: ids,
            loaded: LoadedSuppression { suppression, file },
        });
    }
    checked.sort_by(|a, b| {
        let canonical = |checked: &CheckedSuppression| checked.loaded.suppression.canonical.clone();
        canonical(a).cmp(&canonical(b))
    });
    checked
}

/// What the log sources of rules have in common.
fn logsource_of(rules: &[&Rule]) -> Logsource {
    let of_all = |part: fn(&Logsource) -> Option<&String>| {
        let (first, others) = rules.split_first()?;
        let first = part(&first.logsource)?;
        let same = |rule: &&Rule| part(&rule.logsource) == Some(first);
        others.iter().all(same).then(|| first.clone())
    };
    let product = of_all(|logsource| logsource.product.as_ref());
    Logsource {
        service: of_all(|logsource| logsource.service.as_ref()).filter(|_| product.is_some()),
        product,
        category: None,
    }
}

/// The suppressions in force.
#[derive(Debug)]
pub(super) struct Suppressions<P> {
    all: Vec<LoadedSuppression>,
    /// For each rule, the numbers of its suppressions.
    of_rules: Vec<Vec<usize>>,
    /// For each suppression, the detection of the events whose alerts are not suppressed: a detection matches if it
    /// holds in any reading, so its negation does not match if it holds in every reading.
    not_suppressed: Engine<P>,
}

impl<P> Suppressions<P> {
    /// Compiles the suppressions for these rules; `None` if a detection has an error, which is reported.
    pub(super) fn compile(
        checked: Vec<CheckedSuppression>,
        rules: &[ParsedRule],
        resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Suppressions<P>> {
        let of_rule = |ParsedRule { rule, .. }: &ParsedRule| {
            let applies = |checked: &CheckedSuppression| match &checked.rules {
                None => true,
                Some(ids) => ids.contains(&rule.id),
            };
            let numbers = (0..).zip(&checked);
            numbers
                .filter(|(_, checked)| applies(checked))
                .map(|(number, _)| number)
                .collect()
        };
        let of_rules = rules.iter().map(of_rule).collect();
        let negated = checked
            .iter()
            .map(|checked| negated(&checked.loaded.suppression));
        let negated: Vec<Detection> = negated.collect();
        let everywhere = Logsource::default();
        let detections = negated.iter().map(|detection| LogsourceDetection {
            logsource: &everywhere,
            detection,
        });
        let compiled = Engine::compile(detections, resolve);
        let compiled = compiled.map_err(|problems| {
            diagnostics.extend(problems.into_iter().map(|(number, problem)| Diagnostic {
                file: checked[number].loaded.file.clone(),
                problem,
            }));
        });
        Some(Suppressions {
            not_suppressed: compiled.ok()?,
            all: checked.into_iter().map(|checked| checked.loaded).collect(),
            of_rules,
        })
    }

    pub(super) fn all(&self) -> &[LoadedSuppression] {
        &self.all
    }

    /// The first suppression of a rule's alert for an event at this time.
    pub(super) fn of<E: Fields<Path = P>>(
        &self,
        rule: RuleIndex,
        event: &E,
        now_ms: i64,
        scratch: &mut Scratch,
    ) -> Option<&LoadedSuppression> {
        let mut of_rule = self.in_force_of(rule, now_ms).peekable();
        of_rule.peek()?;
        let not_suppressed = self.not_suppressed.matches(event, scratch);
        let number = of_rule.find(|number| !not_suppressed.contains(number))?;
        self.all.get(number)
    }

    /// The numbers of the suppressions of a rule that have not expired.
    pub(super) fn in_force_of(
        &self,
        rule: RuleIndex,
        now_ms: i64,
    ) -> impl Iterator<Item = usize> + '_ {
        let of_rule = self.of_rules.get(rule).into_iter().flatten().copied();
        of_rule.filter(move |number| now_ms < self.all[*number].suppression.expires_ms)
    }
}

/// The detection of the events whose alerts are not suppressed.
fn negated(suppression: &Suppression) -> Detection {
    match suppression.detection.clone() {
        Some(detection) => Detection {
            condition: Condition::Not(Box::new(detection.condition)),
            ..detection
        },
        // No event is left: at least one of nothing.
        None => Detection {
            selections: Vec::new(),
            condition: Condition::AtLeast(1, Vec::new()),
            exclusions: Vec::new(),
        },
    }
}
