//! The rules to which filters and suppressions refer, by id or by name.

use std::collections::{HashMap, HashSet};

use super::known::Known;
use super::parsed_rule::ParsedRule;
use crate::diagnostic::nearest;

/// What is wrong, and what to write instead.
pub(super) type Refusal = (String, String);

/// Rules by id and by name.
pub(super) struct References<'k> {
    /// The numbers of the rules by id and by name, in lower case.
    rules: HashMap<String, Vec<usize>>,
    /// Ids and names of rules that have errors, in lower case.
    broken: HashSet<String>,
    known: &'k Known,
}

impl<'k> References<'k> {
    /// `broken` are ids and names of rules that have errors.
    pub(super) fn new(rules: &[ParsedRule], known: &'k Known, broken: &[String]) -> References<'k> {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, ParsedRule { rule, .. }) in rules.iter().enumerate() {
            let id = rule.id.as_str().to_owned();
            for name in rule.name.iter().map(|name| name.to_lowercase()).chain([id]) {
                by_name.entry(name).or_default().push(number);
            }
        }
        References {
            rules: by_name,
            broken: broken.iter().map(|name| name.to_lowercase()).collect(),
            known,
        }
    }

    /// The number of the rule with an id or name; `None` if that rule has errors, which are reported elsewhere.
    pub(super) fn find(&self, name: &str, rules: &[ParsedRule]) -> Result<Option<usize>, Refusal> {
        let lowercase = name.to_lowercase();
        match self.rules.get(&lowercase).map(Vec::as_slice) {
            Some([number]) => Ok(Some(*number)),
            Some(several) => {
                let ids = several.iter().map(|number| rules[*number].rule.id.as_str());
                let ids: Vec<&str> = ids.collect();
                let message = format!("{} rules have the name `{name}`", ids.len());
                Err((message, format!("write their ids: {}", ids.join(", "))))
            }
            None if self.broken.contains(&lowercase) => Ok(None),
            None => Err(unknown(name, rules, self.known)),
        }
    }
}

fn unknown(name: &str, rules: &[ParsedRule], known: &Known) -> Refusal {
    if known
        .built_in
        .iter()
        .any(|id| id.eq_ignore_ascii_case(name))
    {
        let message = format!("`{name}` is a built-in rule, which is about no event");
        let remedy = "disable it, or change its level, with `overrides` in the configuration";
        return (message, remedy.to_owned());
    }
    let message = format!("no rule has the id or name `{name}`");
    let titled = |parsed: &&ParsedRule| parsed.rule.title.eq_ignore_ascii_case(name);
    if let Some(ParsedRule { rule, .. }) = rules.iter().find(titled) {
        return (message, format!("it is a title; write the id: {}", rule.id));
    }
    let names = rules
        .iter()
        .filter_map(|parsed| parsed.rule.name.as_deref());
    let ids = rules.iter().map(|parsed| parsed.rule.id.as_str());
    let remedy = match nearest(name, names.chain(ids)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "load the file or pack of the rule together with this file".to_owned(),
    };
    (message, remedy)
}
