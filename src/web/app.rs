//! What the page is served from, shared by all requests.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::snapshot::{Snapshot, Snapshots};
use crate::config;
use crate::sigma::Placeholders;

/// Most questions that are answered at the same time.
const QUESTIONS: usize = 8;

/// What the page is served from.
#[derive(Clone)]
pub struct Web(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) page: config::Page,
    pub(super) placeholders: Placeholders,
    pub(super) snapshots: Arc<Snapshots>,
    questions: Arc<Semaphore>,
    /// Whether an archive is configured.
    pub(super) has_archive: bool,
}

impl Web {
    /// The page of a configuration, which is answered from snapshots that somebody keeps.
    pub fn new(
        (page, has_archive): (config::Page, bool),
        placeholders: Placeholders,
        snapshots: Arc<Snapshots>,
    ) -> Web {
        Web(Arc::new(Shared {
            page,
            placeholders,
            snapshots,
            questions: Arc::new(Semaphore::new(QUESTIONS)),
            has_archive,
        }))
    }

    /// A snapshot that is some seconds old at most.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub(super) async fn snapshot(&self) -> Result<Arc<Snapshot>, String> {
        let snapshot = self.0.snapshots.get().await;
        snapshot.map_err(|reason| reason.to_string())
    }

    /// Waits for its turn: the number of questions that are answered at the same time is limited.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed.
        self.0.questions.clone().acquire_owned().await.ok()
    }
}
