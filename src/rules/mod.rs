//! The rules in force. They are read from packs and directories, checked together, compiled into one
//! matcher, and identified by a hash.
//! Invariant: a rule set with an error is not built, so only a set without errors can replace the set in force.

mod disabled;
mod filters;
mod fingerprint;
mod known;
mod load;
mod native;
mod overrides;
mod pack;
mod parsed_rule;
mod references;
mod suppressions;
mod swap;
pub mod test;
mod trial;
mod unmatchable;
mod validate;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use disabled::DisabledRule;
pub use known::{Known, KnownField, KnownProduct};
use load::ParsedFiles;
use load::RuleFile;
pub use load::{RuleSource, TRIED};
pub use overrides::{OverridePart, Overrides};
pub use pack::{pack, pack_names};
use suppressions::Suppressions;
pub use suppressions::{LoadedSuppression, SuppressionEnd};
pub use swap::CurrentRules;

use parsed_rule::ParsedRule;

use crate::diagnostic::{Diagnostic, Mark, Problem, Severity};
use crate::sigma::{
    Detection, Engine, Fields, Level, Logsource, LogsourceDetection, Rule, RuleIndex, RuleOutcome,
    Scratch, SelectionOutcome, Status, Test, UnknownField,
};

/// A rule in force.
#[derive(Debug)]
pub struct LoadedRule<P> {
    /// The rule as written.
    pub rule: Rule,
    /// The file it was read from, or `pack:<name>/<file>`.
    pub file: Arc<str>,
    /// The level in force: that of an override, else that of the rule, else `medium`.
    pub level: Level,
    /// The day of its last change, if the rule states one, and the first eight hexadecimal digits of the hash of
    /// its content, such as `2026-11-21.9f3c01ab`.
    pub version: String,
    /// The fields whose values an alert shows (Sigma's `fields`), each with its name.
    pub shown: Vec<(String, P)>,
    /// The fields whose values form the alert's group key; if empty, the default group key is used.
    pub group_by: Vec<P>,
}

/// Warnings about lines of a detection on events of any product that no event meets.
pub fn unmatchable(detection: &Detection, known: &Known) -> Vec<Problem> {
    let mut problems = Vec::new();
    for test in detection.tests().flat_map(Test::lines) {
        unmatchable::check(&Logsource::default(), test, known, &mut problems);
        validate::methods(&Logsource::default(), test, known, &mut problems);
    }
    problems
}

impl<P> LoadedRule<P> {
    /// Whether the rule has Sigma's status `experimental`: its alerts are written to the alerts topic, but not
    /// sent to sinks.
    pub fn is_experimental(&self) -> bool {
        self.rule.status == Some(Status::Experimental)
    }
}

/// Rules without errors, compiled together. `P` is the compiled path by which an event finds a field.
#[derive(Debug)]
pub struct RuleSet<P> {
    rules: Vec<LoadedRule<P>>,
    engine: Engine<P>,
    suppressions: Suppressions<P>,
    overrides: Overrides,
    disabled: Vec<DisabledRule>,
    hash: String,
    warnings: Vec<Diagnostic>,
    /// What it was made from.
    files: Arc<[RuleFile]>,
    known: Arc<Known>,
}

impl<P> RuleSet<P> {
    /// Reads, checks and compiles the rules of all sources. `resolve` compiles the name of a field to its path.
    ///
    /// # Errors
    /// If at least one file has an error: the errors and warnings of all files, ordered by file and line.
    pub fn load(
        sources: &[RuleSource],
        known: &Known,
        overrides: &Overrides,
        resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
    ) -> Result<RuleSet<P>, Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        let files = load::read(sources, &mut diagnostics);
        let parsed = load::parse(&files, None, &known.placeholders, &mut diagnostics);
        let made_from = (files.into(), Arc::new(known.clone()));
        RuleSet::compile(parsed, made_from, overrides, resolve, diagnostics)
    }

    /// Checks and compiles what files hold. `diagnostics` are the problems that are known already.
    fn compile(
        parsed: ParsedFiles,
        (files, known_things): (Arc<[RuleFile]>, Arc<Known>),
        overrides: &Overrides,
        resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
        mut diagnostics: Vec<Diagnostic>,
    ) -> Result<RuleSet<P>, Vec<Diagnostic>> {
        let known = &*known_things;
        let ParsedFiles {
            rules: mut parsed,
            mut filters,
            suppressions,
            broken,
        } = parsed;
        native::map(&mut parsed, &mut filters, known, resolve);
        validate::rules(&parsed, known, &mut diagnostics);
        overrides.check(&parsed, known, resolve, &mut diagnostics);
        let filters = filters::checked(filters, known, resolve, &mut diagnostics);
        filters::apply(&filters, &mut parsed, known, &broken, &mut diagnostics);
        let suppressions = suppressions::checked(
            suppressions,
            &parsed,
            known,
            &broken,
            resolve,
            &mut diagnostics,
        );
        let is_disabled =
            |parsed: &ParsedRule| overrides.disables(parsed) && &*parsed.file != TRIED;
        let (disabled, parsed): (Vec<ParsedRule>, Vec<ParsedRule>) =
            parsed.into_iter().partition(is_disabled);
        let hash = fingerprint::rule_set(&parsed, &suppressions, overrides, known);
        let suppressions = Suppressions::compile(suppressions, &parsed, resolve, &mut diagnostics);
        let detections = parsed.iter().map(|parsed| LogsourceDetection {
            logsource: &parsed.rule.logsource,
            detection: &parsed.rule.detection,
        });
        let engine = Engine::compile(detections, resolve).map_err(|problems| {
            let located = problems.into_iter().map(|(rule, problem)| Diagnostic {
                file: parsed[rule].file.clone(),
                problem,
            });
            diagnostics.extend(located);
        });
        if let Ok(engine) = &engine {
            let rules = engine.without_witness().map(|rule| &parsed[rule]);
            validate::without_witness(rules, &mut diagnostics);
        }
        let mut rules = Vec::new();
        for mut parsed in parsed {
            let level = overrides.level(&parsed);
            overrides.apply(&mut parsed, resolve);
            let fields = validate::fields(&parsed, resolve, &mut diagnostics);
            rules.push(LoadedRule {
                level,
                shown: fields.shown,
                group_by: fields.group_by,
                version: fingerprint::version(&parsed.rule),
                rule: parsed.rule,
                file: parsed.file,
            });
        }
        diagnostics.sort_by(|a, b| (&a.file, a.problem.mark).cmp(&(&b.file, b.problem.mark)));
        let has_no_error = diagnostics
            .iter()
            .all(|d| d.problem.severity == Severity::Warning);
        match (engine, suppressions) {
            (Ok(engine), Some(suppressions)) if has_no_error => Ok(RuleSet {
                rules,
                engine,
                suppressions,
                overrides: overrides.clone(),
                disabled: disabled.into_iter().map(DisabledRule::from).collect(),
                hash,
                warnings: diagnostics,
                files,
                known: known_things,
            }),
            _ => Err(diagnostics),
        }
    }

    /// The rules in force, in the order in which they were read.
    pub fn rules(&self) -> &[LoadedRule<P>] {
        &self.rules
    }

    /// The rules that the configuration disables.
    pub fn disabled(&self) -> &[DisabledRule] {
        &self.disabled
    }

    /// The document of a rule whose id stands at this place of a file, as it was read.
    pub fn text_of(&self, file: &str, rule_at: Mark) -> Option<&str> {
        let file = self.files.iter().find(|known| &*known.name == file)?;
        file.document_at(rule_at.line)
    }

    /// The level in force of the built-in rule with this id: that of an override, else `level`. `None` if the
    /// configuration disables the rule.
    pub fn built_in_level(&self, id: &str, level: Level) -> Option<Level> {
        self.overrides.of_built_in(id, level)
    }

    /// SHA-256, as 64 hexadecimal digits, of everything that decides which alerts the set raises. It does not
    /// depend on the order or the paths of the files.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The problems that were found but do not prevent the use of the set.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The rules of which no line requires a value of some field, as indices into [`RuleSet::rules`]: they are
    /// evaluated on every event of their log source.
    pub fn without_witness(&self) -> impl Iterator<Item = RuleIndex> {
        self.engine.without_witness()
    }

    /// The rules that an event matches, as indices into [`RuleSet::rules`].
    pub fn matches<'s, E: Fields<Path = P>>(
        &self,
        event: &E,
        scratch: &'s mut Scratch,
    ) -> &'s [RuleIndex] {
        self.engine.matches(event, scratch)
    }

    /// The suppressions in force, also those that have expired.
    pub fn suppressions(&self) -> &[LoadedSuppression] {
        self.suppressions.all()
    }

    /// How many suppressions that have not expired are for a rule.
    pub fn suppressions_of(&self, rule: RuleIndex, now_ms: i64) -> usize {
        self.suppressions.in_force_of(rule, now_ms).count()
    }

    /// The suppression because of which nobody is notified of the alert that a rule raises for an event; `now_ms` is
    /// when the alert is made, milliseconds since the Unix epoch.
    pub fn suppression<E: Fields<Path = P>>(
        &self,
        rule: RuleIndex,
        event: &E,
        now_ms: i64,
        scratch: &mut Scratch,
    ) -> Option<&LoadedSuppression> {
        self.suppressions.of(rule, event, now_ms, scratch)
    }

    /// Whether each selection of a rule matches an event, with the values that were compared.
    pub fn explain<E: Fields<Path = P>>(
        &self,
        rule: RuleIndex,
        event: &E,
    ) -> Vec<SelectionOutcome<'_>> {
        self.engine.explain(rule, event)
    }

    /// What each part of a rule's condition answers for an event, with the values that were compared; `None` if there
    /// is no rule of this index.
    pub fn outcome<E: Fields<Path = P>>(
        &self,
        rule: RuleIndex,
        event: &E,
    ) -> Option<RuleOutcome<'_>> {
        let detection = &self.rules.get(rule)?.rule.detection;
        self.engine.outcome(rule, detection, event)
    }
}
