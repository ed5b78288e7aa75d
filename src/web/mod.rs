//! Serves the page: an HTTP server on a listener of its own, which asks the query library and answers with HTML.
//! Invariant: it writes nothing but what people decide on it, and the dead letters that they retry. The work of a request
//! is bounded, and ends when the reader leaves; one search for rights at a time goes on for the next reader.

mod answers;
mod app;
mod assets;
mod audit;
mod background;
mod cookie;
mod decide;
mod error_words;
mod event_stream;
mod grant_events;
mod handlers;
mod incidents;
mod listen;
mod login;
mod newest_alerts;
mod posted;
mod priority;
mod question;
mod reader;
mod remembered;
mod respond;
mod retries;
mod rule_book;
mod snapshot;
mod standings;
mod stop_when_left;
mod triage;
mod turns;
mod verifications;

use std::future::Future;
use std::io;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use self::priority::SHORT;
use crate::page::{CHANGES, RETRY};

pub use app::Web;
pub use audit::Audit;
pub use background::Background;
pub use retries::CurrentPipeline;
pub use snapshot::{SnapshotKeeper, SnapshotMaker, Snapshots};
pub use triage::{TriageKeeper, Triages};

/// Threads that answer requests.
const THREADS: usize = 2;

/// The threads for requests, which yield to those of ingest.
///
/// # Errors
/// They cannot be started.
pub fn threads() -> io::Result<Runtime> {
    priority::runtime("page", THREADS, SHORT)
}

/// Answers on the listener until `shutdown` resolves.
pub async fn serve(web: Web, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    listen::serve(listener, router(web), shutdown).await;
}

/// The pages, by their paths.
fn router(web: Web) -> Router {
    Router::new()
        .route("/", get(handlers::home))
        .route("/events", get(handlers::events))
        .route("/record", get(handlers::record))
        .route("/actor", get(handlers::actor))
        .route("/resource", get(handlers::resource))
        .route(
            "/alerts",
            get(handlers::alerts).post(handlers::decide_on_several),
        )
        .route(
            "/incident",
            get(handlers::incident).post(handlers::decide_on_one),
        )
        .route("/access", get(handlers::access))
        .route("/rules", get(handlers::rules))
        .route("/rules/rule", get(handlers::rule))
        .route(
            "/rules/try",
            get(handlers::rule_to_try).post(handlers::try_rule),
        )
        .route("/sources", get(handlers::sources).post(handlers::verify))
        .route(RETRY, get(handlers::retry_again).post(handlers::retry))
        .route("/live", get(handlers::live))
        .route(CHANGES, get(handlers::changes))
        .route("/download", get(handlers::download))
        .route("/values", get(handlers::values))
        .route("/login", get(login::start).post(login::log_in))
        .route("/login/callback", get(login::callback))
        .route("/logout", post(login::log_out))
        .route("/logged-out", get(login::logged_out))
        .route("/language", get(handlers::language))
        .route("/assets/{name}", get(handlers::asset))
        .fallback(handlers::not_found)
        .layer(from_fn_with_state(web.clone(), login::refuse_forged))
        .layer(from_fn_with_state(web.clone(), login::identify))
        .layer(from_fn_with_state(web.clone(), reader::check_host))
        .layer(from_fn(respond::with_headers))
        .with_state(web)
}
