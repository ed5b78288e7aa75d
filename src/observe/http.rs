//! Serves `/livez`, `/readyz`, `/status` and `/metrics` until the shutdown future resolves.
//! Invariant: at most [`MAX_CONNECTIONS`] connections are open, each for one request and at most
//! [`EXCHANGE_TIMEOUT`], so that clients that open more connections neither use up the file descriptors
//! of Kafka and the sinks nor keep probes from being answered.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::exposition::exposition;
use super::health::Health;
use super::metrics::Metrics;
use super::status::status;
use crate::pipeline::Path;
use crate::printable::printable_lines;
use crate::rules::CurrentRules;

/// Liveness probe: whether the process should be restarted.
pub const LIVEZ: &str = "/livez";
/// Readiness probe: whether sources, sinks and services work.
pub const READYZ: &str = "/readyz";
/// An overview for people.
pub const STATUS: &str = "/status";
/// Metrics for Prometheus.
pub const METRICS: &str = "/metrics";

/// Most connections at a time: enough for several scrapers and people beside the two probes.
pub const MAX_CONNECTIONS: usize = 128;

/// Longest time from accepting a connection to the last byte of its answer. It is Prometheus' default
/// scrape timeout.
pub const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// Most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Pause after a connection could not be accepted, for example because no file descriptor was left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Time for requests in flight when asked to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// The data of the pages.
#[derive(Clone)]
pub struct Pages {
    /// For `/livez`, `/readyz` and `/status`.
    pub health: Health,
    /// For `/metrics`.
    pub metrics: Arc<Metrics>,
    /// For `/status`.
    pub rules: Arc<CurrentRules<Path>>,
}

/// What [`serve`] serves, for the log.
pub const SERVED: &str = "/livez, /readyz, /status and /metrics";

/// Begin to listen, and log `what` is served. [`serve`] needs the listener as one of `tokio`.
///
/// # Errors
/// The address is in use, or is not an address of this machine.
pub fn bind(listen: SocketAddr, what: &str) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    // The configured port may be 0; this is the real one.
    let listen = listener.local_addr()?;
    tracing::info!(%listen, "serving {what}");
    Ok(listener)
}

/// Answer on `listener` until `shutdown` resolves.
pub async fn serve(listener: TcpListener, pages: Pages, shutdown: impl Future<Output = ()>) {
    let router = Router::new()
        .route(LIVEZ, get(livez))
        .route(READYZ, get(readyz))
        .route(STATUS, get(overview))
        .route(METRICS, get(metrics))
        .with_state(pages);
    let mut connections = Connections::default();
    let mut is_warned = false;
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(ended) = connections.tasks.join_next_with_id() => {
                let id = match ended {
                    Ok((id, ())) => id,
                    Err(error) => error.id(),
                };
                connections.open.retain(|connection| connection.task.id() != id);
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    is_warned = false;
                    connections.accept(stream, router.clone());
                    // Lets the tasks of earlier connections read their requests.
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    if !is_warned {
                        tracing::warn!(%error, "a connection to metrics and probes cannot be accepted");
                        is_warned = true;
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let all = async { while connections.tasks.join_next().await.is_some() {} };
    // Requests that take longer are cut off.
    let _ = timeout(SHUTDOWN_TIMEOUT, all).await;
}

/// The connections that are open.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// The oldest first.
    open: VecDeque<Connection>,
}

struct Connection {
    task: AbortHandle,
    /// Whether its request has arrived.
    has_request: Arc<AtomicBool>,
}

impl Connections {
    /// Serve a new connection. If there are too many, the oldest one without a request is closed, or, if
    /// all have one, the oldest of all.
    fn accept(&mut self, stream: TcpStream, router: Router) {
        if self.open.len() >= MAX_CONNECTIONS {
            let idle = |connection: &Connection| !connection.has_request.load(Ordering::Relaxed);
            let index = self.open.iter().position(idle).unwrap_or(0);
            if let Some(closed) = self.open.remove(index) {
                closed.task.abort();
            }
        }
        let has_request = Arc::new(AtomicBool::new(false));
        let task = self
            .tasks
            .spawn(answer(stream, router, has_request.clone()));
        self.open.push_back(Connection { task, has_request });
    }
}

/// Answer the one request of a connection.
async fn answer(stream: TcpStream, router: Router, has_request: Arc<AtomicBool>) {
    let pages = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        has_request.store(true, Ordering::Relaxed);
        pages.call(request)
    });
    let exchange = http1::Builder::new()
        // A connection that is kept alive for another request would only be idle.
        .keep_alive(false)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(EXCHANGE_TIMEOUT, exchange).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a request for metrics or a probe failed"),
        Err(_) => tracing::debug!("a request for metrics or a probe timed out"),
    }
}

async fn livez(State(pages): State<Pages>) -> Response {
    probe(pages.health.live())
}

async fn readyz(State(pages): State<Pages>) -> Response {
    probe(pages.health.ready())
}

async fn overview(State(pages): State<Pages>) -> Response {
    let rules = pages.rules.snapshot();
    let page = status(
        &pages.health,
        (rules.hash(), rules.rules().len()),
        &pages.metrics.last_reloads(),
    );
    let json = [(header::CONTENT_TYPE, "application/json")];
    // Characters are escaped as in JSON, so the page keeps its meaning.
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
    match exposition(&pages.metrics, &pages.health) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            let text = format!("{error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}
