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

/// Most rules that a message lists.
const MAX_LISTED: usize = 20;

/// Where the rules are, as the command line has it.
#[derive(Default)]
pub(super) struct RuleFiles<'c> {
    /// The values of `--rules`.
    pub(super) sources: &'c [RuleSource],
    /// The file with the values of placeholders.
    pub(super) placeholders: Option<&'c Path>,
    /// What applies unless the command line names something else.
    pub(super) config: Option<&'c Config>,
}

/// The rules that were loaded, and which of them is explained.
pub(super) struct RuleUnderTest {
    pub(super) catalogs: Catalogs,
    pub(super) rules: RuleSet<pipeline::Path>,
    pub(super) index: usize,
}

impl RuleUnderTest {
    /// Loads the rules of `--rules`, or else the rule file of this name, or the rules of the configuration, or without
    /// one those of all packs. Rules that the configuration disables can be explained, too.
    pub(super) fn load(name: &str, files: &RuleFiles<'_>) -> Result<RuleUnderTest, Failure> {
        let is_file = files.sources.is_empty() && Path::new(name).exists();
        let sources = match files.config {
            _ if is_file => vec![RuleSource::Path(name.into())],
            _ if !files.sources.is_empty() => files.sources.to_vec(),
            Some(config) => config.rules.clone(),
            None => shipped::packs(),
        };
        let catalogs = Catalogs::shipped().map_err(Failure::configuration)?;
        let of_config = files
            .config
            .and_then(|config| config.placeholders.as_deref());
        let placeholders = files.placeholders.or(of_config);
        let rules = load_rules(&sources, &catalogs, &Overrides::default(), placeholders)
            .map_err(Failure::configuration)?;
        if is_file || !files.sources.is_empty() {
            rules.warnings().iter().for_each(say);
        }
        let index = match is_file {
            true => only(name, rules.rules()),
            false => find(name, rules.rules()),
        }?;
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

/// The only rule of a file or directory.
fn only<P>(name: &str, rules: &[LoadedRule<P>]) -> anyhow::Result<usize> {
    match rules {
        [_] => Ok(0),
        [] => Err(anyhow!(
            "{name} has no rule\n  help: name the rule, and this file with `--rules {name}`"
        )),
        rules => {
            let listed = rules
                .iter()
                .take(MAX_LISTED)
                .map(|LoadedRule { rule, .. }| {
                    let (id, title) = (&rule.id, &rule.title);
                    format!("\n    watchbell explain {id} --rules {name} --event …   ({title})")
                });
            let mut listed: String = listed.collect();
            if rules.len() > MAX_LISTED {
                listed.push_str("\n    …");
            }
            let count = rules.len();
            Err(anyhow!(
                "{name} has {count} rules\n  help: name one of them:{listed}"
            ))
        }
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
