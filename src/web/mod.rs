//! Serves the page: an HTTP server on a listener of its own, which asks the query library and answers with HTML.
//! Invariant: it writes nothing but what people decide on it. The work of a request is bounded, and ends when the
//! reader leaves.

mod assets;
mod handlers;
mod listen;
mod question;
mod reader;
mod respond;
mod snapshot;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use listen::bind;
pub use snapshot::{SnapshotKeeper, Snapshots};

use self::snapshot::Snapshot;
use crate::config;
use crate::sigma::Placeholders;

/// Most questions that are answered at the same time.
const QUESTIONS: usize = 8;

/// What the page is served from.
#[derive(Clone)]
pub struct Web(Arc<Shared>);

struct Shared {
    page: config::Page,
    placeholders: Placeholders,
    snapshots: Arc<Snapshots>,
    questions: Arc<Semaphore>,
}

impl Web {
    /// The page of a configuration, which is answered from snapshots that somebody keeps.
    pub fn new(page: config::Page, placeholders: Placeholders, snapshots: Arc<Snapshots>) -> Web {
        Web(Arc::new(Shared {
            page,
            placeholders,
            snapshots,
            questions: Arc::new(Semaphore::new(QUESTIONS)),
        }))
    }

    /// A snapshot that is some seconds old at most.
    ///
    /// # Errors
    /// Why there is none, for a person.
    async fn snapshot(&self) -> Result<Arc<Snapshot>, String> {
        let snapshot = self.0.snapshots.get().await;
        snapshot.map_err(|reason| reason.to_string())
    }

    /// Waits for its turn: the number of questions that are answered at the same time is limited.
    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed.
        self.0.questions.clone().acquire_owned().await.ok()
    }

    /// The routes.
    fn router(self) -> Router {
        Router::new()
            .route("/", get(handlers::home))
            .route("/events", get(handlers::events))
            .route("/record", get(handlers::record))
            .route("/actor", get(handlers::actor))
            .route("/resource", get(handlers::resource))
            .route("/alerts", get(handlers::alerts))
            .route("/live", get(handlers::live))
            .route("/download", get(handlers::download))
            .route("/values", get(handlers::values))
            .route("/language", get(handlers::language))
            .route("/assets/{name}", get(handlers::asset))
            .fallback(handlers::not_found)
            .layer(from_fn_with_state(self.clone(), reader::check_host))
            .layer(from_fn(respond::with_headers))
            .with_state(self)
    }

    /// Answers on the listener until `shutdown` resolves.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        listen::serve(listener, self.router(), shutdown).await;
    }
}
