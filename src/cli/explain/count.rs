//! How many events were explained.

use crate::sigma::RuleOutcome;

/// How many events were explained, and how many of them match.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) events: usize,
    pub(super) matches: usize,
}

impl Count {
    /// Counts an event.
    pub(super) fn add(&mut self, outcome: &RuleOutcome<'_>) {
        self.events += 1;
        self.matches += usize::from(outcome.matches());
    }
}
