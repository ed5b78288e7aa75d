//! `/livez`, `/readyz`, `/status` and `/metrics`, until the shutdown future resolves.

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::health::Health;
use super::metrics::Metrics;
use super::status::status;
use crate::pipeline::Path;
use crate::printable::printable_lines;
use crate::rules::CurrentRules;

/// Whether the process is to be restarted.
pub const LIVEZ: &str = "/livez";
/// Whether records flow.
pub const READYZ: &str = "/readyz";
/// What a person asks first.
pub const STATUS: &str = "/status";
/// What Prometheus scrapes.
pub const METRICS: &str = "/metrics";

/// What the pages are made of.
#[derive(Clone)]
pub struct Pages {
    /// For `/livez`, `/readyz` and `/status`.
    pub health: Health,
    /// For `/metrics`.
    pub metrics: Arc<Metrics>,
    /// For `/status`: those in force when it is asked for.
    pub rules: Arc<CurrentRules<Path>>,
}

/// Answer on `listener` until `shutdown` resolves.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    pages: Pages,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new()
        .route(LIVEZ, get(livez))
        .route(READYZ, get(readyz))
        .route(STATUS, get(overview))
        .route(METRICS, get(metrics))
        .with_state(pages);
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await
}

async fn livez(State(pages): State<Pages>) -> Response {
    probe(pages.health.live())
}

async fn readyz(State(pages): State<Pages>) -> Response {
    probe(pages.health.ready())
}

async fn overview(State(pages): State<Pages>) -> Response {
    let rules = pages.rules.snapshot();
    let page = status(&pages.health, rules.hash(), rules.rules().len());
    let json = [(header::CONTENT_TYPE, "application/json")];
    // Escapes of JSON: the page means the same.
    let page = format!("{page:#}\n");
    (json, printable_lines(&page).into_owned()).into_response()
}

fn probe(state: Result<(), String>) -> Response {
    match state {
        Ok(()) => (StatusCode::OK, "ok\n").into_response(),
        Err(remedy) => (
            StatusCode::SERVICE_UNAVAILABLE,
            printable_lines(&remedy).into_owned() + "\n",
        )
            .into_response(),
    }
}

async fn metrics(State(pages): State<Pages>) -> Response {
    match pages.metrics.render(&pages.health) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            let text = format!("{error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}
