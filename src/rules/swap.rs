//! The rule set in force. It is replaced as a whole, while other threads read it.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::RuleSet;

/// Holds the rule set in force. Each batch takes one snapshot and uses it for all its records.
#[derive(Debug)]
pub struct CurrentRules<P> {
    current: ArcSwap<RuleSet<P>>,
}

impl<P> CurrentRules<P> {
    /// Puts a first rule set in force.
    pub fn new(rules: RuleSet<P>) -> CurrentRules<P> {
        CurrentRules {
            current: ArcSwap::from_pointee(rules),
        }
    }

    /// The rule set in force now. A later [`CurrentRules::replace`] does not change the snapshot.
    pub fn snapshot(&self) -> Arc<RuleSet<P>> {
        self.current.load_full()
    }

    /// Puts another rule set in force and returns the previous one.
    pub fn replace(&self, rules: RuleSet<P>) -> Arc<RuleSet<P>> {
        self.current.swap(Arc::new(rules))
    }
}
