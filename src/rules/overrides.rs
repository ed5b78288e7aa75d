//! The changes that the configuration makes to rules without editing their files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::known::Known;
use super::parsed_rule::ParsedRule;
use crate::diagnostic::{Diagnostic, Mark, Problem, Severity, nearest};
use crate::sigma::{Level, Rule, RuleId, Status, UnknownField};

/// The changes that the configuration makes to rules. A key is the id of a rule, a tag, or a pack such as
/// `pack:confluent`; the case of letters does not matter. A value for an id has precedence over one for a tag, and
/// that over one for a pack.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The rules that are not in force.
    pub disabled: BTreeSet<String>,
    /// Levels that replace those of the rules. Of several for the tags of one rule, the highest counts.
    pub levels: BTreeMap<String, Level>,
    /// Statuses that replace those of the rules.
    pub statuses: BTreeMap<String, Status>,
    /// The fields that replace a rule's `group_by`; an empty list stands for the default group key.
    pub group_by: BTreeMap<String, Vec<String>>,
    /// Runbooks that replace those of the rules.
    pub runbooks: BTreeMap<String, String>,
    /// The file and the position at which the value for a key is written.
    pub places: BTreeMap<(OverridePart, String), (Arc<str>, Mark)>,
}

/// What of a rule an override replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OverridePart {
    /// Whether the rule is in force.
    Disabled,
    /// Its level.
    Levels,
    /// Its status.
    Statuses,
    /// The fields of its group key.
    GroupBy,
    /// Its runbook.
    Runbooks,
}

impl OverridePart {
    /// Every part.
    pub const ALL: [OverridePart; 5] = [
        OverridePart::Disabled,
        OverridePart::Levels,
        OverridePart::Statuses,
        OverridePart::GroupBy,
        OverridePart::Runbooks,
    ];

    /// Its key in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            OverridePart::Disabled => "disabled",
            OverridePart::Levels => "levels",
            OverridePart::Statuses => "statuses",
            OverridePart::GroupBy => "group_by",
            OverridePart::Runbooks => "runbooks",
        }
    }
}

/// What a key names, the most specific last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum KeyKind {
    Pack,
    Tag,
    Id,
}

/// The prefix of a pack in a key and in the name of a rule's file.
const PACK: &str = "pack:";

impl Overrides {
    /// Whether the configuration disables a rule.
    pub(super) fn disables(&self, parsed: &ParsedRule) -> bool {
        self.disabled.iter().any(|key| selects(key, parsed))
    }

    /// The level in force of a rule: that for its id, else the highest of those for its tags, else that for its
    /// pack, else the rule's own, else `medium`.
    pub(super) fn level(&self, parsed: &ParsedRule) -> Level {
        let levels = most_specific(&self.levels, parsed);
        let highest = levels.into_iter().map(|(_, level)| *level).max();
        highest.or(parsed.rule.level).unwrap_or(Level::Medium)
    }

    /// The level in force of the built-in rule with this id: that of an override, else `level`. `None` if the
    /// configuration disables the rule.
    pub(super) fn of_built_in(&self, id: &str, level: Level) -> Option<Level> {
        let is_id = |key: &String| key.eq_ignore_ascii_case(id);
        if self.disabled.iter().any(is_id) {
            return None;
        }
        let configured = self.levels.iter().find(|(key, _)| is_id(key));
        Some(configured.map_or(level, |(_, level)| *level))
    }

    /// Replaces the status, the fields of the group key and the runbook of a rule. `group_by` with an unknown field,
    /// which [`Overrides::check`] reports, is not applied.
    pub(super) fn apply<P>(
        &self,
        parsed: &mut ParsedRule,
        resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
    ) {
        if let Some(status) = first(&self.statuses, parsed) {
            parsed.rule.status = Some(*status);
        }
        if let Some(fields) = first(&self.group_by, parsed)
            && fields.iter().all(|field| resolve(field).is_ok())
        {
            let fields = fields.iter().map(|field| (field.clone(), Mark::START));
            parsed.rule.group_by = fields.collect();
        }
        if let Some(runbook) = first(&self.runbooks, parsed) {
            parsed.rule.runbook = Some(runbook.clone());
        }
    }

    /// What [`Overrides::apply`] changes in a rule, as JSON; empty if nothing.
    pub(super) fn changes(&self, parsed: &ParsedRule) -> String {
        let status = first(&self.statuses, parsed).map(|status| json!(status.as_str()));
        let group_by = first(&self.group_by, parsed).map(|fields| json!(fields));
        let runbook = first(&self.runbooks, parsed).map(|runbook| json!(runbook));
        let changes = [
            ("status", status),
            ("group_by", group_by),
            ("runbook", runbook),
        ];
        let changes: Map<String, Value> = changes
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        match changes.is_empty() {
            true => String::new(),
            false => format!(" {}", Value::Object(changes)),
        }
    }

    /// Reports keys that name no rule, different values for one rule, and unknown fields.
    pub(super) fn check<P>(
        &self,
        rules: &[ParsedRule],
        known: &Known,
        resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut problems = Vec::new();
        let mut keys = |part, keys: Vec<&String>| {
            for key in keys {
                problems.extend(check_key(key, rules, part, known).map(|p| (part, key.clone(), p)));
            }
        };
        keys(OverridePart::Disabled, self.disabled.iter().collect());
        keys(OverridePart::Levels, self.levels.keys().collect());
        keys(OverridePart::Statuses, self.statuses.keys().collect());
        keys(OverridePart::GroupBy, self.group_by.keys().collect());
        keys(OverridePart::Runbooks, self.runbooks.keys().collect());
        for parsed in rules {
            let mut conflict = |part, found: Option<(&str, Problem)>| {
                problems.extend(found.map(|(key, problem)| (part, key.to_owned(), problem)));
            };
            conflict(
                OverridePart::Statuses,
                find_conflict("status", &self.statuses, parsed),
            );
            conflict(
                OverridePart::GroupBy,
                find_conflict("group_by", &self.group_by, parsed),
            );
            conflict(
                OverridePart::Runbooks,
                find_conflict("runbook", &self.runbooks, parsed),
            );
        }
        for (key, fields) in &self.group_by {
            for field in fields {
                if let Err(unknown) = resolve(field) {
                    let problem =
                        error(format!("overrides: unknown field `{field}` in `group_by`"));
                    let problem = match unknown.suggestion {
                        Some(near) => problem.remedy(format!("did you mean `{near}`?")),
                        None => problem.remedy("docs/rule-reference.md lists the fields"),
                    };
                    problems.push((OverridePart::GroupBy, key.clone(), problem));
                }
            }
        }
        let placed = problems.into_iter().map(|(part, key, problem)| {
            let place = self.places.get(&(part, key));
            let (file, mark) = place
                .cloned()
                .unwrap_or_else(|| ("configuration".into(), Mark::START));
            Diagnostic {
                file,
                problem: Problem { mark, ..problem },
            }
        });
        diagnostics.extend(placed);
    }
}

fn error(message: String) -> Problem {
    Problem::error(Mark::START, message)
}

/// The values for a rule under the keys of the most specific kind that has any, with their keys.
fn most_specific<'o, T>(
    values: &'o BTreeMap<String, T>,
    parsed: &ParsedRule,
) -> Vec<(&'o str, &'o T)> {
    let of_rule = || values.iter().filter(|(key, _)| selects(key, parsed));
    let kind = of_rule().map(|(key, _)| kind_of(key)).max();
    of_rule()
        .filter(|(key, _)| Some(kind_of(key)) == kind)
        .map(|(key, value)| (key.as_str(), value))
        .collect()
}

/// The value for a rule. Several, which [`Overrides::check`] reports, are equal.
fn first<'o, T>(values: &'o BTreeMap<String, T>, parsed: &ParsedRule) -> Option<&'o T> {
    let found = most_specific(values, parsed);
    found.first().map(|(_, value)| *value)
}

/// The problem with a key that selects no rule. Built-in rules can be disabled and have another level.
fn check_key(
    key: &str,
    rules: &[ParsedRule],
    part: OverridePart,
    known: &Known,
) -> Option<Problem> {
    let is_built_in = known.built_in.iter().any(|id| id.eq_ignore_ascii_case(key));
    let takes_built_in = matches!(part, OverridePart::Disabled | OverridePart::Levels);
    if rules.iter().any(|parsed| selects(key, parsed)) || is_built_in && takes_built_in {
        return None;
    }
    if is_built_in {
        let problem = error(format!("overrides: `{key}` is a built-in rule"));
        let problem = Problem {
            severity: Severity::Warning,
            ..problem
        };
        return Some(problem.remedy("it can be disabled, or given another level"));
    }
    let tags = rules.iter().flat_map(|parsed| parsed.rule.tags.iter());
    let packs = rules.iter().filter_map(|parsed| pack(&parsed.file));
    let message =
        format!("overrides: `{key}` is neither the id, nor a tag, nor the pack of a rule");
    let problem = Problem::warning(Mark::START, message);
    Some(match nearest(key, tags.map(String::as_str).chain(packs)) {
        Some(near) => problem.remedy(format!("did you mean `{near}`?")),
        None => problem.remedy("`watchbell rules` lists the ids and packs of rules"),
    })
}

/// Different values for one rule under keys of the same kind, of which none is more specific: the second key.
fn find_conflict<'o, T: PartialEq>(
    what: &str,
    values: &'o BTreeMap<String, T>,
    parsed: &ParsedRule,
) -> Option<(&'o str, Problem)> {
    let found = most_specific(values, parsed);
    let (first, rest) = found.split_first()?;
    let other = rest.iter().find(|other| other.1 != first.1)?;
    let Rule { title, id, .. } = &parsed.rule;
    let message = format!(
        "overrides: `{}` and `{}` give the rule `{title}` a different {what}",
        first.0, other.0
    );
    let remedy = format!("give it one by its id `{id}`");
    Some((other.0, error(message).remedy(remedy)))
}

fn kind_of(key: &str) -> KeyKind {
    if key.parse::<RuleId>().is_ok() {
        KeyKind::Id
    } else if pack(key).is_some() {
        KeyKind::Pack
    } else {
        KeyKind::Tag
    }
}

/// The pack that a key or the name of a rule's file begins with, such as `pack:confluent`.
fn pack(text: &str) -> Option<&str> {
    let named = text.get(..PACK.len())?.eq_ignore_ascii_case(PACK);
    named.then(|| text.split_once('/').map_or(text, |(pack, _)| pack))
}

/// Whether a key is the id, a tag or the pack of a rule.
fn selects(key: &str, ParsedRule { rule, file, .. }: &ParsedRule) -> bool {
    match kind_of(key) {
        KeyKind::Id => key.parse::<RuleId>().is_ok_and(|id| id == rule.id),
        KeyKind::Pack => pack(file).is_some_and(|pack| pack.eq_ignore_ascii_case(key)),
        KeyKind::Tag => rule.tags.iter().any(|tag| tag.eq_ignore_ascii_case(key)),
    }
}
