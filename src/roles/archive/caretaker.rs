//! Who cares for the tables.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process owns partition 0 of the events topic, and so cares for the tables.
#[derive(Debug, Clone, Default)]
pub struct Caretaker(Arc<AtomicBool>);

impl Caretaker {
    /// The partition is ours, or is not.
    pub(super) fn owns(&self, owns: bool) {
        self.0.store(owns, Ordering::Relaxed);
    }

    pub(super) fn is_us(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
