//! The rule set in force, replaced as a whole while others read it.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::RuleSet;

/// Holds the rule set in force. A batch takes one snapshot and keeps it to its end.
#[derive(Debug)]
pub struct CurrentRules<P> {
    current: ArcSwap<RuleSet<P>>,
}

impl<P> CurrentRules<P> {
    /// Starts with a valid set.
    pub fn new(rules: RuleSet<P>) -> CurrentRules<P> {
        CurrentRules {
            current: ArcSwap::from_pointee(rules),
        }
    }

    /// The set in force now. The snapshot does not change, however long it is kept.
    pub fn snapshot(&self) -> Arc<RuleSet<P>> {
        self.current.load_full()
    }

    /// Puts another set in force and returns the one before.
    pub fn replace(&self, rules: RuleSet<P>) -> Arc<RuleSet<P>> {
        self.current.swap(Arc::new(rules))
    }
}
