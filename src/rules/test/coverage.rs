//! What the tests of a rule exercise: each selection with either answer, and each value that a line lists.

use crate::diagnostic::{Mark, Problem};
use crate::sigma::{Check, Detection, RuleOutcome};

/// Most values that a message lists.
const MAX_LISTED: usize = 10;

/// What the tests of one rule have exercised so far.
#[derive(Debug, Clone)]
pub struct Coverage {
    selections: Vec<SelectionCoverage>,
}

#[derive(Debug, Clone)]
struct SelectionCoverage {
    name: String,
    /// The position of its first line.
    mark: Mark,
    has_held: bool,
    has_not_held: bool,
    lines: Vec<LineCoverage>,
}

/// A line that lists values.
#[derive(Debug, Clone)]
struct LineCoverage {
    field: String,
    mark: Mark,
    /// The listed values as text, and whether some test had a value that meets them.
    values: Vec<(String, bool)>,
}

/// How many of something are exercised by tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CoverageCount {
    /// Answers of selections: each selection can hold and not hold.
    pub answers: usize,
    /// Those of them that some test gives.
    pub tested_answers: usize,
    /// The values that lines list.
    pub values: usize,
    /// Those of them that the event of some test has.
    pub tested_values: usize,
}

impl Coverage {
    /// Nothing of a rule is exercised yet.
    pub fn of(detection: &Detection) -> Coverage {
        let selections = detection.selections.iter().map(|selection| {
            let tests = selection.body.tests();
            SelectionCoverage {
                name: selection.name.clone(),
                mark: tests.first().map_or(Mark::START, |test| test.mark),
                has_held: false,
                has_not_held: false,
                lines: tests
                    .into_iter()
                    .map(|test| LineCoverage {
                        field: test.field.clone().unwrap_or_else(|| "any text".to_owned()),
                        mark: test.mark,
                        values: match &test.check {
                            Check::Any(expected) | Check::Every(expected) => expected
                                .iter()
                                .map(|expected| (expected.to_string(), false))
                                .collect(),
                            Check::Exists(_) | Check::Field(_) | Check::Element(_) => Vec::new(),
                        },
                    })
                    .collect(),
            }
        });
        Coverage {
            selections: selections.collect(),
        }
    }

    /// Adds what one event exercised. An event of another log source exercises nothing.
    pub fn add(&mut self, outcome: &RuleOutcome<'_>) {
        if !outcome.is_of_logsource {
            return;
        }
        outcome.condition.selections(&mut |name, part| {
            let mut selections = self.selections.iter_mut();
            let Some(selection) = selections.find(|selection| selection.name == name) else {
                return;
            };
            selection.has_held |= part.holds;
            selection.has_not_held |= !part.holds;
            let mut lines = selection.lines.iter_mut();
            part.lines(&mut |line| {
                let values = lines.next().into_iter().flat_map(|line| &mut line.values);
                for ((_, tested), met) in values.zip(&line.met) {
                    *tested |= met;
                }
            });
        });
    }

    /// What no test exercises, as warnings about places in the rule file. The values of a selection that never holds
    /// are not listed.
    pub fn gaps(&self) -> Vec<Problem> {
        let mut gaps = Vec::new();
        for selection in &self.selections {
            let name = &selection.name;
            if !selection.has_held {
                let message = format!("no test makes the selection `{name}` true");
                let remedy = "write a test with an event for which it holds";
                gaps.push(Problem::warning(selection.mark, message).remedy(remedy));
                continue;
            }
            if !selection.has_not_held {
                let message = format!("no test makes the selection `{name}` false");
                let remedy = "write a test with an event for which it does not hold";
                gaps.push(Problem::warning(selection.mark, message).remedy(remedy));
            }
            gaps.extend(selection.lines.iter().filter_map(LineCoverage::gap));
        }
        gaps
    }

    /// How much of the rule is exercised.
    pub fn count(&self) -> CoverageCount {
        let mut count = CoverageCount::default();
        for selection in &self.selections {
            count.answers += 2;
            count.tested_answers += usize::from(selection.has_held);
            count.tested_answers += usize::from(selection.has_not_held);
            for (_, tested) in selection.lines.iter().flat_map(|line| &line.values) {
                count.values += 1;
                count.tested_values += usize::from(*tested);
            }
        }
        count
    }
}

impl LineCoverage {
    fn gap(&self) -> Option<Problem> {
        let untested = self.values.iter().filter(|(_, tested)| !tested);
        let untested: Vec<&str> = untested.map(|(text, _)| text.as_str()).collect();
        if untested.is_empty() {
            return None;
        }
        let listed = untested[..untested.len().min(MAX_LISTED)].join(", ");
        let more = match untested.len().saturating_sub(MAX_LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (count, all, field) = (untested.len(), self.values.len(), &self.field);
        let which = match all {
            1 => "the value".to_owned(),
            all => format!("{count} of the {all} values"),
        };
        let message = format!("no test has {which} of `{field}`: {listed}{more}");
        let remedy = "write a test for each, with a `patch` of the event";
        Some(Problem::warning(self.mark, message).remedy(remedy))
    }
}

impl std::ops::AddAssign for CoverageCount {
    fn add_assign(&mut self, other: CoverageCount) {
        self.answers += other.answers;
        self.tested_answers += other.tested_answers;
        self.values += other.values;
        self.tested_values += other.tested_values;
    }
}
