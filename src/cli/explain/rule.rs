//! Finds the rule that is to be explained.

use std::path::Path;

use anyhow::anyhow;

use crate::cli::failure::Failure;
use crate::cli::say::say;
use crate::cli::shipped;
use crate::config::Config;
use crate::diagnostic::nearest;
use crate::pipeline::{self, Catalogs};
use crate::roles::rulebook::load_rules;
use crate::rules::{LoadedRule, Overrides, RuleSet, RuleSource};

/// The rules that were loaded, and which of them is explained.
pub(super) struct RuleUnderTest {
    pub(super) catalogs: Catalogs,
    pub(super) rules: RuleSet<pipeline::Path>,
    pub(super) index: usize,
}

impl RuleUnderTest {
    /// Loads the rule file of this name, or the rules of the configuration, or without one those of all packs. Rules
    /// that the configuration disables can be explained, too.
    pub(super) fn load(name: &str, config: Option<&Config>) -> Result<RuleUnderTest, Failure> {
        let is_file = Path::new(name).is_file();
        let sources = match config {
            _ if is_file => vec![RuleSource::Path(name.into())],
            Some(config) => config.rules.clone(),
            None => shipped::packs(),
        };
        let catalogs = Catalogs::shipped().map_err(Failure::configuration)?;
        let placeholders = config.and_then(|config| config.placeholders.as_deref());
        let rules = load_rules(&sources, &catalogs, &Overrides::default(), placeholders)
            .map_err(Failure::configuration)?;
        if is_file {
            rules.warnings().iter().for_each(say);
        }
        let index = find(name, rules.rules())?;
        Ok(RuleUnderTest {
            catalogs,
            rules,
            index,
        })
    }

    /// The rule itself.
    pub(super) fn rule(&self) -> &LoadedRule<pipeline::Path> {
        &self.rules.rules()[self.index]
    }
}

/// The only rule with this id, title or file.
fn find<P>(name: &str, rules: &[LoadedRule<P>]) -> anyhow::Result<usize> {
    let is_named = |loaded: &LoadedRule<P>| {
        loaded.rule.id.as_str().eq_ignore_ascii_case(name)
            || loaded.rule.title.eq_ignore_ascii_case(name)
            || *loaded.file == *name
    };
    let found: Vec<usize> = (0..rules.len())
        .filter(|index| is_named(&rules[*index]))
        .collect();
    match found[..] {
        [index] => Ok(index),
        [] => {
            let titles = rules.iter().map(|loaded| loaded.rule.title.as_str());
            let remedy = match nearest(name, titles) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`watchbell rules` lists the ids, sources and titles of rules".to_owned(),
            };
            Err(anyhow!("no rule `{name}`\n  help: {remedy}"))
        }
        _ => {
            let ids = found.iter().map(|index| rules[*index].rule.id.as_str());
            let ids: Vec<&str> = ids.collect();
            let remedy = format!("write one of their ids: {}", ids.join(", "));
            Err(anyhow!(
                "{} rules are called `{name}`\n  help: {remedy}",
                found.len()
            ))
        }
    }
}
