//! `validate`: the configuration, the rules and the names, every problem in one pass.

use super::{Failure, say};
use crate::config::Config;
use crate::roles::rulebook::Rulebook;

pub(super) fn run(config: &Config) -> Result<(), Failure> {
    let rulebook = Rulebook::load(config).map_err(Failure::configuration)?;
    let rules = rulebook.rules().snapshot();
    for warning in rules.warnings() {
        say(warning);
    }
    let (count, warnings) = (rules.rules().len(), rules.warnings().len());
    say(format_args!(
        "configuration fine, {count} rules in force, {warnings} warnings"
    ));
    Ok(())
}
