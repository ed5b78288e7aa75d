//! Checks of a rule set beyond each rule's syntax: log sources, methods and fields must be known, and so
//! must the rules that the configuration overrides.

use std::collections::{BTreeMap, BTreeSet};

use super::parsed_rule::ParsedRule;
use crate::diagnostic::{Diagnostic, Mark, Problem, nearest};
use crate::sigma::{Check, Expected, Level, Rule, RuleId, Status, Test, UnknownField};

/// The field that holds an event's method.
pub const OPERATION_FIELD: &str = "api.operation";

/// What is known: the words that a rule may use.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// By the word that a `logsource` has for the product.
    pub products: BTreeMap<String, KnownProduct>,
    /// Ids of the built-in rules, which are part of the program and not files.
    pub built_in: BTreeSet<String>,
}

/// What is known of the events of one product.
#[derive(Debug, Clone, Default)]
pub struct KnownProduct {
    /// By the service of a `logsource`, every method that [`OPERATION_FIELD`] can hold. Empty checks none.
    pub services: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    /// The product that a rule names; all known products if it names none, or an unknown one.
    fn products_of(&self, rule: &Rule) -> Vec<&KnownProduct> {
        let named = rule.logsource.product.as_ref();
        match named.and_then(|product| self.products.get(product)) {
            Some(product) => vec![product],
            None => self.products.values().collect(),
        }
    }
}

/// What the configuration changes about rules without editing them. A key is a rule's id or a tag.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Rules that are not in force.
    pub disabled: BTreeSet<String>,
    /// Levels in place of the rules' own; that of an id goes before that of a tag.
    pub levels: BTreeMap<String, Level>,
}

impl Overrides {
    /// Whether a rule is not in force.
    pub fn disables(&self, rule: &Rule) -> bool {
        self.disabled.iter().any(|key| names(key, rule))
    }

    /// The level in force: of the id, else the highest of the tags, else the rule's own.
    pub fn level(&self, rule: &Rule) -> Level {
        let of = |wanted_id: bool| {
            let named = self
                .levels
                .iter()
                .filter(move |(key, _)| is_id(key) == wanted_id);
            named
                .filter(|(key, _)| names(key, rule))
                .map(|(_, level)| *level)
                .max()
        };
        of(true)
            .or(of(false))
            .or(rule.level)
            .unwrap_or(Level::Medium)
    }

    /// The level in force of a built-in rule, by default `level`; `None` if it is disabled.
    pub fn of_built_in(&self, id: &str, level: Level) -> Option<Level> {
        let is_it = |key: &String| key.eq_ignore_ascii_case(id);
        if self.disabled.iter().any(is_it) {
            return None;
        }
        let set = self.levels.iter().find(|(key, _)| is_it(key));
        Some(set.map_or(level, |(_, level)| *level))
    }

    /// Warns about keys that name no rule.
    pub(super) fn check(
        &self,
        written: &[ParsedRule],
        known: &Known,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        for key in self.disabled.iter().chain(self.levels.keys()) {
            let mut built_in = known.built_in.iter();
            if written.iter().any(|written| names(key, &written.rule))
                || built_in.any(|id| id.eq_ignore_ascii_case(key))
            {
                continue;
            }
            let tags = written.iter().flat_map(|written| written.rule.tags.iter());
            let message = format!("`{key}` is neither the id nor a tag of a rule");
            let mut problem = Problem::warning(Mark::START, message);
            if let Some(near) = nearest(key, tags.map(String::as_str)) {
                problem = problem.remedy(format!("did you mean `{near}`?"));
            }
            diagnostics.push(Diagnostic {
                file: "configuration".into(),
                problem,
            });
        }
    }
}

fn is_id(key: &str) -> bool {
    key.parse::<RuleId>().is_ok()
}

fn names(key: &str, rule: &Rule) -> bool {
    let same_id = key.parse::<RuleId>().is_ok_and(|id| id == rule.id);
    same_id || rule.tags.iter().any(|tag| tag.eq_ignore_ascii_case(key))
}

/// Checks each rule against what is known.
pub(super) fn rules(written: &[ParsedRule], known: &Known, diagnostics: &mut Vec<Diagnostic>) {
    for ParsedRule { rule, file, .. } in written {
        let mut problems = Vec::new();
        taxonomy(rule, &mut problems);
        status(rule, &mut problems);
        logsource(rule, known, &mut problems);
        for test in rule.detection.tests() {
            methods(rule, test, known, &mut problems);
        }
        diagnostics.extend(problems.into_iter().map(|problem| Diagnostic {
            file: file.clone(),
            problem,
        }));
    }
}

fn taxonomy(rule: &Rule, problems: &mut Vec<Problem>) {
    if let Some((taxonomy, mark)) = &rule.taxonomy
        && taxonomy != "ocsf"
    {
        let message = format!("taxonomy `{taxonomy}` is not supported");
        let remedy = "write OCSF attribute paths and `taxonomy: ocsf`";
        problems.push(Problem::error(*mark, message).remedy(remedy));
    }
}

fn status(rule: &Rule, problems: &mut Vec<Problem>) {
    if rule.status == Some(Status::Unsupported) {
        let message = "`status: unsupported` says that the rule cannot work";
        problems.push(Problem::error(rule.id_mark, message).remedy("delete the rule, or mend it"));
    }
}

fn logsource(rule: &Rule, known: &Known, problems: &mut Vec<Problem>) {
    let mark = rule.logsource_mark;
    let mut refuse = |what: &str, word: &str, allowed: Vec<&str>| {
        let problem = Problem::error(mark, format!("unknown {what} `{word}`"));
        problems.push(match nearest(word, allowed.iter().copied()) {
            Some(near) => problem.remedy(format!("did you mean `{near}`?")),
            None => problem.remedy(format!("write one of: {}", allowed.join(", "))),
        });
    };
    if let Some(product) = &rule.logsource.product
        && !known.products.contains_key(product)
    {
        let allowed = known.products.keys().map(String::as_str);
        refuse("product", product, allowed.collect());
    }
    let products = known.products_of(rule);
    let services = products
        .into_iter()
        .flat_map(|product| product.services.keys());
    let services: BTreeSet<&str> = services.map(String::as_str).collect();
    if let Some(service) = &rule.logsource.service
        && !services.contains(service.as_str())
    {
        refuse("service", service, services.into_iter().collect());
    }
    if let Some(category) = &rule.logsource.category {
        let message = format!("no event has a category, so `{category}` matches nothing");
        problems.push(Problem::error(mark, message).remedy("write `product` and `service`"));
    }
}

/// Warns about expected methods that no known method of the rule's service matches.
fn methods(rule: &Rule, test: &Test, known: &Known, problems: &mut Vec<Problem>) {
    let (Check::Any(expected) | Check::Every(expected)) = &test.check else {
        return;
    };
    if test.field.as_deref() != Some(OPERATION_FIELD) {
        return;
    }
    let products = known.products_of(rule);
    let services = || products.iter().flat_map(|product| &product.services);
    let asked = rule.logsource.service.as_ref();
    let is_asked = |service: &String| asked.is_none_or(|asked| asked == service);
    let own = || {
        let own = services().filter(|(service, _)| is_asked(service));
        own.flat_map(|(_, methods)| methods)
    };
    if own().next().is_none() {
        return;
    }
    for expected in expected {
        let Expected::Text(pattern) = expected else {
            continue;
        };
        let is_expected = |method: &String| pattern.finds(method);
        if own().any(is_expected) {
            continue;
        }
        let written = pattern.to_string();
        let warning = |message| Problem::warning(test.mark, message);
        let elsewhere = services().find(|(_, methods)| methods.iter().any(is_expected));
        problems.push(match (asked, elsewhere) {
            (Some(asked), Some((other, _))) => {
                warning(format!("`{written}` is no method of the service `{asked}`"))
                    .remedy(format!("it is one of `{other}`"))
            }
            _ => {
                let problem = warning(format!("no known method is `{written}`"));
                match nearest(written.trim_matches('*'), own().map(String::as_str)) {
                    Some(near) => problem.remedy(format!("did you mean `{near}`?")),
                    None => problem.remedy("look the method up in the catalogue"),
                }
            }
        });
    }
}

/// The compiled fields of a rule outside its detection.
pub(super) struct RuleFields<P> {
    /// To be shown with an alert, by name.
    pub(super) shown: Vec<(String, P)>,
    /// Of the group key.
    pub(super) group_by: Vec<P>,
}

/// Compiles them. One of the group key that is unknown is an error; an unknown one among those to be
/// shown only a warning.
pub(super) fn fields<P>(
    written: &ParsedRule,
    resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
    diagnostics: &mut Vec<Diagnostic>,
) -> RuleFields<P> {
    let ParsedRule { rule, file, .. } = written;
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
            Ok(path) => shown.push((field.clone(), path)),
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
