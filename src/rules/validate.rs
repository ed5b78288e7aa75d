//! Checks of a rule set that go beyond the syntax of each rule: its log sources, methods and fields must be
//! known.

use std::collections::BTreeSet;

use super::known::Known;
use super::parsed_rule::ParsedRule;
use super::unmatchable;
use crate::diagnostic::{Diagnostic, Mark, Problem, nearest};
use crate::sigma::{Check, Expected, Logsource, Rule, Status, Test, UnknownField};
use crate::vendors::DEFAULT_TAXONOMY;

/// The taxonomy of OCSF attribute paths.
const OCSF_TAXONOMY: &str = "ocsf";

/// The OCSF attribute that holds the name of an event's method.
pub const OPERATION_FIELD: &str = "api.operation";

/// Checks the taxonomy, status, log source and methods of each rule.
pub(super) fn rules(parsed: &[ParsedRule], known: &Known, diagnostics: &mut Vec<Diagnostic>) {
    for ParsedRule { rule, file, .. } in parsed {
        let mut problems = Vec::new();
        taxonomy(
            rule.taxonomy.as_ref(),
            &rule.logsource,
            known,
            &mut problems,
        );
        check_status(rule, &mut problems);
        logsource(&rule.logsource, rule.logsource_mark, known, &mut problems);
        for test in rule.detection.tests().flat_map(Test::lines) {
            methods(&rule.logsource, test, known, &mut problems);
            unmatchable::check(&rule.logsource, test, known, &mut problems);
        }
        diagnostics.extend(problems.into_iter().map(|problem| Diagnostic {
            file: file.clone(),
            problem,
        }));
    }
}

/// Reports a taxonomy of field names that is not supported.
pub(super) fn taxonomy(
    taxonomy: Option<&(String, Mark)>,
    logsource: &Logsource,
    known: &Known,
    problems: &mut Vec<Problem>,
) {
    let Some((taxonomy, mark)) = taxonomy else {
        return;
    };
    let product = logsource.product.as_deref();
    let is_product = known.products.contains_key(taxonomy);
    if [OCSF_TAXONOMY, DEFAULT_TAXONOMY].contains(&taxonomy.as_str()) || product == Some(taxonomy) {
        return;
    }
    problems.push(match is_product {
        true => {
            let message = format!("the fields of `{taxonomy}` in a rule of another log source");
            let remedy = format!("write `logsource: {{product: {taxonomy}}}`, or `taxonomy: ocsf`");
            Problem::error(*mark, message).remedy(remedy)
        }
        false => {
            let message = format!("unknown taxonomy `{taxonomy}`");
            let remedy = "write `taxonomy: ocsf` and attribute paths of OCSF, or the product of \
                          the log source and its own names of fields";
            Problem::error(*mark, message).remedy(remedy)
        }
    });
}

fn check_status(rule: &Rule, problems: &mut Vec<Problem>) {
    if rule.status == Some(Status::Unsupported) {
        let message = "`status: unsupported` says that the rule cannot work";
        problems.push(
            Problem::error(rule.id_mark, message)
                .remedy("delete the rule, or correct it and change its status"),
        );
    }
}

/// Reports a product, service or category of which there are no events.
pub(super) fn logsource(
    logsource: &Logsource,
    mark: Mark,
    known: &Known,
    problems: &mut Vec<Problem>,
) {
    let mut report_unknown = |key: &str, value: &str, allowed: Vec<&str>| {
        let problem = Problem::error(mark, format!("unknown {key} `{value}`"));
        problems.push(match nearest(value, allowed.iter().copied()) {
            Some(near) => problem.remedy(format!("did you mean `{near}`?")),
            None => problem.remedy(format!("write one of: {}", allowed.join(", "))),
        });
    };
    if let Some(product) = &logsource.product
        && !known.products.contains_key(product)
    {
        let allowed = known.products.keys().map(String::as_str);
        report_unknown("product", product, allowed.collect());
    }
    let products = known.products_of(logsource);
    let services = products
        .into_iter()
        .flat_map(|product| product.services.keys());
    let services: BTreeSet<&str> = services.map(String::as_str).collect();
    if let Some(service) = &logsource.service
        && !services.contains(service.as_str())
    {
        report_unknown("service", service, services.into_iter().collect());
    }
    if let Some(category) = &logsource.category {
        let message = format!("no event has a category, so `{category}` matches nothing");
        problems.push(Problem::error(mark, message).remedy("write `product` and `service`"));
    }
}

/// Warns about each expected value of [`OPERATION_FIELD`] that matches no known method of the log source. A service
/// without known methods is not checked.
pub(super) fn methods(
    logsource: &Logsource,
    test: &Test,
    known: &Known,
    problems: &mut Vec<Problem>,
) {
    let (Check::Any(expected) | Check::Every(expected)) = &test.check else {
        return;
    };
    if test.shown_field() != Some(OPERATION_FIELD) {
        return;
    }
    let products = known.products_of(logsource);
    let services = || products.iter().flat_map(|product| &product.services);
    let named = logsource.service.as_ref();
    let is_covered = |service: &String| named.is_none_or(|named| named == service);
    let methods_of_rule = || {
        let covered = services().filter(|(service, _)| is_covered(service));
        covered.flat_map(|(_, methods)| methods)
    };
    if methods_of_rule().next().is_none() {
        return;
    }
    for expected in expected {
        let Expected::Text(pattern) = expected else {
            continue;
        };
        let is_expected = |method: &String| pattern.finds(method);
        if methods_of_rule().any(is_expected) {
            continue;
        }
        let text = pattern.to_string();
        let warning = |message| Problem::warning(test.mark, message);
        let other_service = services().find(|(_, methods)| methods.iter().any(is_expected));
        problems.push(match (named, other_service) {
            (Some(named), Some((other, _))) => {
                warning(format!("`{text}` is no method of the service `{named}`"))
                    .remedy(format!("it is a method of the service `{other}`"))
            }
            _ => {
                let problem = warning(format!("no known method is `{text}`"));
                match nearest(
                    text.trim_matches('*'),
                    methods_of_rule().map(String::as_str),
                ) {
                    Some(near) => problem.remedy(format!("did you mean `{near}`?")),
                    None => problem.remedy("look the method up in the catalogue"),
                }
            }
        });
    }
}

/// Warns about rules of which no line requires a value.
pub(super) fn without_witness<'r>(
    rules: impl Iterator<Item = &'r ParsedRule>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for ParsedRule { rule, file, .. } in rules {
        let message = "no line requires a value of a field, so the rule is evaluated on every event of its \
                       log source";
        let remedy =
            format!("add a selection that requires a value, such as one of `{OPERATION_FIELD}`");
        diagnostics.push(Diagnostic {
            file: file.clone(),
            problem: Problem::warning(rule.id_mark, message).remedy(remedy),
        });
    }
}

/// The compiled fields that a rule names outside its detection.
pub(super) struct RuleFields<P> {
    /// The fields of `fields`, whose values an alert shows, each with its name.
    pub(super) shown: Vec<(String, P)>,
    /// The fields of `group_by`, whose values form the alert's group key.
    pub(super) group_by: Vec<P>,
}

/// Compiles the fields that a rule names outside its detection. An unknown field in `group_by` is an error, because
/// it changes how alerts are grouped; in `fields` it is a warning, and the field is left out.
pub(super) fn fields<P>(
    parsed: &ParsedRule,
    resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
    diagnostics: &mut Vec<Diagnostic>,
) -> RuleFields<P> {
    let ParsedRule { rule, file, .. } = parsed;
    let mut report = |problem: Problem, unknown: UnknownField| {
        let problem = match unknown.suggestion {
            Some(near) => problem.remedy(format!("did you mean `{near}`?")),
            None => problem,
        };
        let file = file.clone();
        diagnostics.push(Diagnostic { file, problem });
    };
    let mut shown = Vec::new();
    for field in &rule.fields {
        match resolve(field) {
            Ok(path) => {
                let name = field.split('|').next().unwrap_or(field);
                shown.push((name.to_owned(), path));
            }
            Err(unknown) => {
                let message = format!("unknown field `{field}` in `fields`");
                report(Problem::warning(rule.id_mark, message), unknown);
            }
        }
    }
    let mut group_by = Vec::new();
    for (field, mark) in &rule.group_by {
        match resolve(field) {
            Ok(path) => group_by.push(path),
            Err(unknown) => {
                let message = format!("unknown field `{field}` in `group_by`");
                report(Problem::error(*mark, message), unknown);
            }
        }
    }
    RuleFields { shown, group_by }
}
