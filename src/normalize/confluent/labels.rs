//! Flags of an event that say how it was read; OCSF `metadata.labels`.

use crate::normalize::labels::{CONTRADICTORY, INFERRED};

/// Which of them an event has. Most have none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Labels(u8);

impl Labels {
    /// Two statements about the same check contradict each other.
    pub(super) const CONTRADICTORY: Labels = Labels(1);
    /// The outcome was inferred from the parts of a word.
    pub(super) const STATUS: Labels = Labels(2);
    /// Whether the method changes something was inferred.
    pub(super) const ACCESS: Labels = Labels(4);
    /// The kind of the principal was inferred.
    pub(super) const PRINCIPAL: Labels = Labels(8);
    /// The kind of a policy was inferred.
    pub(super) const POLICY: Labels = Labels(16);

    pub(super) fn add(&mut self, label: Labels) {
        self.0 |= label.0;
    }

    /// As they are written.
    pub(super) fn words(self) -> impl Iterator<Item = &'static str> {
        let words = std::iter::once(CONTRADICTORY).chain(INFERRED);
        words
            .enumerate()
            .filter(move |(bit, _)| self.0 & 1 << bit != 0)
            .map(|(_, word)| word)
    }
}
