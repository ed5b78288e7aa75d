//! The rules in force: read from packs and directories, checked as a whole, compiled into one
//! matcher, identified by a hash. A set with any error is not built, so the set in force is only ever
//! replaced by one without errors.

mod fingerprint;
mod load;
mod pack;
mod parsed_rule;
mod swap;
pub mod test;
mod validate;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use load::RuleSource;
pub use pack::{pack, pack_names};
pub use swap::CurrentRules;
pub use validate::{Known, KnownProduct, Overrides};

use crate::diagnostic::{Diagnostic, Severity};
use crate::sigma::{
    Engine, Fields, Level, LogsourceDetection, Rule, RuleIndex, Scratch, SelectionOutcome, Status,
    UnknownField,
};

/// A rule in force.
#[derive(Debug)]
pub struct LoadedRule<P> {
    /// The rule as written.
    pub rule: Rule,
    /// The file it was read from, or `pack:<name>/<file>`.
    pub file: Arc<str>,
    /// Its level, an override included; `medium` where neither says.
    pub level: Level,
    /// Its last day of change, if given, and a hash of its content: `2026-11-21.9f3c01ab`.
    pub version: String,
    /// The fields to be shown with an alert, by name.
    pub shown: Vec<(String, P)>,
    /// The fields of the alert's group key; empty means the default.
    pub group_by: Vec<P>,
}

impl<P> LoadedRule<P> {
    /// Whether its alerts are only written to the topic and not sent to sinks.
    pub fn is_experimental(&self) -> bool {
        self.rule.status == Some(Status::Experimental)
    }
}

/// Valid rules, compiled together for events whose fields are found by `P`.
#[derive(Debug)]
pub struct RuleSet<P> {
    rules: Vec<LoadedRule<P>>,
    engine: Engine<P>,
    overrides: Overrides,
    hash: String,
    warnings: Vec<Diagnostic>,
}

impl<P> RuleSet<P> {
    /// Reads, checks and compiles the rules of all sources. `resolve` compiles a field's name.
    ///
    /// # Errors
    /// Everything wrong in any file, warnings included, in the order of files and lines.
    pub fn load(
        sources: &[RuleSource],
        known: &Known,
        overrides: &Overrides,
        resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
    ) -> Result<RuleSet<P>, Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        let files = load::read(sources, &mut diagnostics);
        let mut written = load::parse(&files, &mut diagnostics);
        validate::rules(&written, known, &mut diagnostics);
        overrides.check(&written, known, &mut diagnostics);
        written.retain(|written| !overrides.disables(&written.rule));
        let hash = fingerprint::set(&written, overrides, known);
        let targets = written.iter().map(|written| LogsourceDetection {
            logsource: &written.rule.logsource,
            detection: &written.rule.detection,
        });
        let engine = Engine::compile(targets, resolve).map_err(|problems| {
            let located = problems.into_iter().map(|(rule, problem)| Diagnostic {
                file: written[rule].file.clone(),
                problem,
            });
            diagnostics.extend(located);
        });
        let mut rules = Vec::new();
        for written in written {
            let fields = validate::fields(&written, resolve, &mut diagnostics);
            rules.push(LoadedRule {
                level: overrides.level(&written.rule),
                shown: fields.shown,
                group_by: fields.group_by,
                rule: written.rule,
                file: written.file,
                version: written.version,
            });
        }
        diagnostics.sort_by(|a, b| (&a.file, a.problem.mark).cmp(&(&b.file, b.problem.mark)));
        let sound = diagnostics
            .iter()
            .all(|d| d.problem.severity == Severity::Warning);
        match engine {
            Ok(engine) if sound => Ok(RuleSet {
                rules,
                engine,
                overrides: overrides.clone(),
                hash,
                warnings: diagnostics,
            }),
            _ => Err(diagnostics),
        }
    }

    /// The rules in force, in the order of their files.
    pub fn rules(&self) -> &[LoadedRule<P>] {
        &self.rules
    }

    /// The level in force of a built-in rule, by default `level`; `None` if it is disabled.
    pub fn built_in_level(&self, id: &str, level: Level) -> Option<Level> {
        self.overrides.of_built_in(id, level)
    }

    /// SHA-256, in hexadecimal, of everything that decides which alerts the set raises. The order
    /// and the places of the files are no part of it.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Problems for which the set is not refused.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The rules that an event matches, as indices into [`RuleSet::rules`].
    pub fn matches<'s, E: Fields<Path = P>>(
        &self,
        event: &E,
        scratch: &'s mut Scratch,
    ) -> &'s [RuleIndex] {
        self.engine.matches(event, scratch)
    }

    /// What became of each selection of a rule on an event, with the values seen.
    pub fn explain<E: Fields<Path = P>>(
        &self,
        rule: RuleIndex,
        event: &E,
    ) -> Vec<SelectionOutcome<'_>> {
        self.engine.explain(rule, event)
    }
}
