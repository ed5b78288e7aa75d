//! The results of the tests, as text for a person.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use super::check::CaseFailure;
use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::rules::test::{Coverage, CoverageCount};
use crate::view::printable;

/// The results of all rules, in the order of the rules.
pub(super) struct Report {
    pub(super) rules: Vec<RuleReport>,
}

/// The results of the tests of one rule, which may have none.
pub(super) struct RuleReport {
    pub(super) title: String,
    /// The rule file.
    pub(super) file: Arc<str>,
    /// The position of the rule's id in it.
    pub(super) id_mark: Mark,
    pub(super) cases: Vec<CaseReport>,
    pub(super) coverage: Coverage,
}

/// The result of one test.
pub(super) struct CaseReport {
    /// The test file.
    pub(super) file: Arc<str>,
    pub(super) name: String,
    /// The position of the test in its file.
    pub(super) mark: Mark,
    /// `None` if it passed.
    pub(super) failure: Option<CaseFailure>,
    pub(super) duration: Duration,
}

impl RuleReport {
    pub(super) fn failed(&self) -> usize {
        let failed = self.cases.iter().filter(|case| case.failure.is_some());
        failed.count()
    }
}

impl Report {
    /// How many tests there are.
    pub(super) fn cases(&self) -> usize {
        self.rules.iter().map(|rule| rule.cases.len()).sum()
    }

    /// How many tests failed.
    pub(super) fn failed(&self) -> usize {
        self.rules.iter().map(RuleReport::failed).sum()
    }

    /// How many rules have tests.
    pub(super) fn tested_rules(&self) -> usize {
        let tested = self.rules.iter().filter(|rule| !rule.cases.is_empty());
        tested.count()
    }

    /// Writes a line for each rule that has tests, and after it the tests that failed.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for rule in self.rules.iter().filter(|rule| !rule.cases.is_empty()) {
            let (file, title) = (printable(&rule.file), printable(&rule.title));
            let count = match rule.cases.len() {
                1 => "1 test".to_owned(),
                cases => format!("{cases} tests"),
            };
            match rule.failed() {
                0 => writeln!(out, "ok      {file}: {title}: {count}")?,
                failed => writeln!(out, "FAILED  {file}: {title}: {failed} of {count} failed")?,
            }
            for case in &rule.cases {
                if let Some(failure) = &case.failure {
                    case.write(failure, out)?;
                }
            }
        }
        Ok(())
    }

    /// Writes what the tests do not exercise, with its place in the rule files, and how much they do.
    pub(super) fn write_coverage(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut count = CoverageCount::default();
        for rule in &self.rules {
            count += rule.coverage.count();
            for problem in rule.gaps() {
                let file = rule.file.clone();
                writeln!(out, "{}", Diagnostic { file, problem })?;
            }
        }
        let (tested, rules) = (self.tested_rules(), self.rules.len());
        let CoverageCount {
            answers,
            tested_answers,
            values,
            tested_values,
        } = count;
        writeln!(
            out,
            "coverage: {tested} of {rules} rules have tests; tests exercise {tested_answers} of {answers} answers of \
             selections and {tested_values} of {values} listed values"
        )
    }
}

impl RuleReport {
    /// What no test exercises.
    fn gaps(&self) -> Vec<Problem> {
        if !self.cases.is_empty() {
            return self.coverage.gaps();
        }
        let message = format!("the rule `{}` has no test", self.title);
        let remedy =
            "write tests beside the rule, in a file of the same name that ends in `.test.yaml`";
        vec![Problem::warning(self.id_mark, message).remedy(remedy)]
    }
}

impl CaseReport {
    fn write(&self, failure: &CaseFailure, out: &mut dyn Write) -> io::Result<()> {
        let Mark { line, column } = self.mark;
        let (file, name) = (printable(&self.file), printable(&self.name));
        writeln!(out, "  {file}:{line}:{column}: {name}")?;
        writeln!(out, "    {}", failure.mismatch)?;
        for line in failure.explanation.lines() {
            writeln!(out, "    {line}")?;
        }
        Ok(())
    }
}
