//! A rule that is not in force yet, among those that are: what it would do with the filters, suppressions and overrides of
//! the configuration.

use super::RuleSet;
use super::load::{self, RuleFile, TRIED};
use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::sigma::UnknownField;

impl<P> RuleSet<P> {
    /// This rule set with one rule more, which is the first of the new set. It takes the place of the one with its id, and is
    /// in force also if the configuration disables that one. `text` has exactly one rule, and may have filters and
    /// suppressions beside it.
    ///
    /// # Errors
    /// The problems of the text, and those that the other files have only with it; their file is [`TRIED`] or the other one.
    pub fn with_tried<Q>(
        &self,
        text: &str,
        resolve: &dyn Fn(&str) -> Result<Q, UnknownField>,
    ) -> Result<RuleSet<Q>, Vec<Diagnostic>> {
        let tried = RuleFile {
            name: TRIED.into(),
            text: text.to_owned(),
        };
        let mut diagnostics = Vec::new();
        let placeholders = &self.known.placeholders;
        let parsed = load::parse(&self.files, Some(&tried), placeholders, &mut diagnostics);
        let is_tried = |diagnostic: &Diagnostic| &*diagnostic.file == TRIED;
        let rules = parsed.rules.iter().filter(|rule| &*rule.file == TRIED);
        let count = rules.count();
        if count != 1 && diagnostics.iter().all(|one| one.problem.is_warning()) {
            let message = format!("{count} rules, where one is tried");
            let problem = Problem::error(Mark::START, message);
            diagnostics.push(Diagnostic {
                file: tried.name,
                problem: problem.remedy("write exactly one rule"),
            });
        }
        let made_from = (self.files.clone(), self.known.clone());
        let compiled = RuleSet::compile(parsed, made_from, &self.overrides, resolve, diagnostics);
        let only_new = |mut diagnostics: Vec<Diagnostic>| {
            diagnostics.retain(|one| is_tried(one) || !one.problem.is_warning());
            diagnostics.sort_by_key(|one| !is_tried(one));
            diagnostics
        };
        match compiled {
            Ok(mut rules) => {
                rules.warnings.retain(is_tried);
                Ok(rules)
            }
            Err(diagnostics) => Err(only_new(diagnostics)),
        }
    }
}
