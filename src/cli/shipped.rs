//! The pipeline with the built-in catalogue and rules, for commands that need no configuration.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::failure::Failure;
use crate::enrich::LookupFiles;
use crate::pipeline::{self, Catalogs, Content, Lookups, OutputList, Path, Pipeline};
use crate::roles::rulebook::RulebookFiles;
use crate::rules::{CurrentRules, Overrides, RuleSet, RuleSource, pack_names};

/// The catalogues, the rules of every pack and the topics of a default configuration.
pub(super) struct Shipped {
    pub(super) catalogs: Arc<Catalogs>,
    pub(super) rules: Arc<CurrentRules<Path>>,
    pub(super) outputs: OutputList,
}

/// Every pack, as a source of rules.
pub(super) fn packs() -> Vec<RuleSource> {
    let packs = pack_names().map(str::to_owned);
    packs.map(RuleSource::Pack).collect()
}

/// Every pack, without overrides, placeholders, names and networks.
pub(super) fn rulebook_files() -> RulebookFiles {
    RulebookFiles {
        rules: packs(),
        overrides: Overrides::default(),
        placeholders: None,
        lookups: LookupFiles::default(),
    }
}

/// The topics of a default configuration.
pub(super) fn outputs() -> OutputList {
    OutputList::new(|content| match content {
        Content::Events => "watchbell.events",
        Content::Alerts => "watchbell.alerts",
        Content::DeadLetters => "watchbell.dead-letters",
        Content::Ledger => "watchbell.ledger",
    })
}

impl Shipped {
    pub(super) fn load() -> Result<Shipped, Failure> {
        let catalogs = Catalogs::shipped().map_err(Failure::configuration)?;
        let known = pipeline::known(&catalogs);
        let rules = RuleSet::load(&packs(), &known, &Overrides::default(), &Path::parse)
            .map_err(Failure::configuration)?;
        Ok(Shipped {
            catalogs: Arc::new(catalogs),
            rules: Arc::new(CurrentRules::new(rules)),
            outputs: outputs(),
        })
    }

    /// The pipeline. It limits records to the default size limit of topics, so that the output is the same as
    /// the daemon's.
    pub(super) fn pipeline(&self, lookups: Lookups) -> Pipeline {
        let (catalogs, rules) = (self.catalogs.clone(), self.rules.clone());
        Pipeline::new(
            self.outputs.clone(),
            catalogs,
            rules,
            Arc::new(ArcSwap::from_pointee(lookups)),
        )
    }
}
