//! Filters in a rule set: checks them, and adds each to the rules to which it applies.
//! A filter is part of such a rule from then on: the rule's version changes with it, and an explanation shows it.

use super::known::Known;
use super::parsed_rule::{ParsedFilter, ParsedRule};
use super::references::{References, Refusal};
use super::{fingerprint, unmatchable, validate};
use crate::diagnostic::{Diagnostic, Problem};
use crate::sigma::{Engine, Filter, FilteredRules, LogsourceDetection, Test, UnknownField};

/// How often filters may apply to rules, all together.
const MAX_APPLICATIONS: usize = 100_000;

/// The filters without errors, in an order that depends on their content alone.
pub(super) fn checked<P>(
    mut filters: Vec<ParsedFilter>,
    known: &Known,
    resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<ParsedFilter> {
    filters.retain(|ParsedFilter { filter, file }| {
        let mut problems = Vec::new();
        let Filter {
            logsource,
            detection,
            ..
        } = filter;
        validate::taxonomy(filter.taxonomy.as_ref(), logsource, known, &mut problems);
        validate::logsource(logsource, filter.logsource_mark, known, &mut problems);
        for test in detection.tests().flat_map(Test::lines) {
            validate::methods(logsource, test, known, &mut problems);
            unmatchable::check(logsource, test, known, &mut problems);
        }
        let target = LogsourceDetection {
            logsource,
            detection,
        };
        if let Err(unknown) = Engine::compile([target], resolve) {
            problems.extend(unknown.into_iter().map(|(_, problem)| problem));
        }
        let is_sound = problems.iter().all(Problem::is_warning);
        diagnostics.extend(problems.into_iter().map(|problem| Diagnostic {
            file: file.clone(),
            problem,
        }));
        is_sound
    });
    filters.sort_by(|a, b| a.filter.canonical.cmp(&b.filter.canonical));
    filters
}

/// Adds each filter to the rules to which it applies. `broken` are ids and names of rules that have errors.
pub(super) fn apply(
    filters: &[ParsedFilter],
    rules: &mut [ParsedRule],
    known: &Known,
    broken: &[String],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let references = References::new(rules, known, broken);
    let mut applications = 0;
    for ParsedFilter { filter, file } in filters {
        let mut problems = Vec::new();
        let mut applies = match &filter.rules {
            FilteredRules::Any => every_covered(filter, rules, &mut problems),
            FilteredRules::Named(names) => {
                let numbers = names.iter().filter_map(|(name, mark)| {
                    let found = references.find(name, rules);
                    let number = found.and_then(|number| match number {
                        Some(number) => covered(filter, number, rules).map(Some),
                        None => Ok(None),
                    });
                    number.unwrap_or_else(|(message, remedy)| {
                        problems.push(Problem::error(*mark, message).remedy(remedy));
                        None
                    })
                });
                numbers.collect()
            }
        };
        applies.sort_unstable();
        applies.dedup();
        applications += applies.len();
        if applications > MAX_APPLICATIONS {
            let message =
                format!("up to here, filters apply to rules more than {MAX_APPLICATIONS} times");
            let problem = Problem::error(filter.logsource_mark, message);
            diagnostics.push(Diagnostic {
                file: file.clone(),
                problem: problem.remedy("write fewer filters, or name fewer rules in them"),
            });
            return;
        }
        let digest = fingerprint::digest(&filter.canonical);
        let exclusion = filter.exclusion();
        for number in applies {
            let rule = &mut rules[number].rule;
            rule.detection.exclusions.push(exclusion.clone());
            rule.canonical.push_str("\nfilter ");
            rule.canonical.push_str(&digest);
        }
        diagnostics.extend(problems.into_iter().map(|problem| Diagnostic {
            file: file.clone(),
            problem,
        }));
    }
}

/// The number of a rule that a filter names, if the filter is for all events of the rule.
fn covered(filter: &Filter, number: usize, rules: &[ParsedRule]) -> Result<usize, Refusal> {
    let rule = &rules[number].rule;
    if filter.covers(&rule.logsource) {
        return Ok(number);
    }
    let message = format!(
        "the filter is for {}, but the rule `{}` is for {}",
        filter.logsource, rule.title, rule.logsource
    );
    let remedy = "write the log source of the rule, or a wider one such as `logsource: {}`";
    Err((message, remedy.to_owned()))
}

/// Every rule that a filter for `any` applies to.
fn every_covered(filter: &Filter, rules: &[ParsedRule], problems: &mut Vec<Problem>) -> Vec<usize> {
    let numbers = 0..rules.len();
    let covered: Vec<usize> = numbers
        .filter(|number| filter.covers(&rules[*number].rule.logsource))
        .collect();
    if covered.is_empty() {
        let message = format!(
            "the filter applies to no rule: none is for {}",
            filter.logsource
        );
        let problem = Problem::warning(filter.logsource_mark, message);
        problems.push(problem.remedy("write the log source of the rules, or `logsource: {}`"));
    }
    covered
}
