//! Turns: how many of some kind of work are done at the same time. Others wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns of one kind of work.
pub(super) struct Turns(Arc<Semaphore>);

impl Turns {
    /// At most so many at the same time.
    pub(super) fn new(most: usize) -> Turns {
        Turns(Arc::new(Semaphore::new(most)))
    }

    /// Waits for a turn, which ends when it is dropped.
    pub(super) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed.
        self.0.clone().acquire_owned().await.ok()
    }

    /// A turn that is free now, which ends when it is dropped.
    pub(super) fn try_take(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_owned().ok()
    }
}
