//! `/livez`, `/readyz`, `/status` and `/metrics`, until the shutdown future resolves.
//! Invariant: at most [`MAX_CONNECTIONS`] connections are open, each for one request and at most
//! [`EXCHANGE`], so that whoever opens more of them takes no descriptors from Kafka and the sinks,
//! and keeps no probe from being answered.

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

/// Whether the process is to be restarted.
pub const LIVEZ: &str = "/livez";
/// Whether records flow.
pub const READYZ: &str = "/readyz";
/// What a person asks first.
pub const STATUS: &str = "/status";
/// What Prometheus scrapes.
pub const METRICS: &str = "/metrics";

/// Most connections at a time: several scrapers and people beside two probes.
pub const MAX_CONNECTIONS: usize = 128;

/// Longest time from accepting a connection to the last byte of its answer: Prometheus waits as long.
pub const EXCHANGE: Duration = Duration::from_secs(10);

/// Most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Pause after the system refused a connection, such as for want of descriptors.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// For requests under way when asked to end.
const FAREWELL: Duration = Duration::from_secs(1);

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

/// Begin to listen; [`serve`] takes the listener as `tokio`'s.
///
/// # Errors
/// The address is taken, or is none of this machine.
pub fn bind(listen: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    // The port differs where it was 0.
    let listen = listener.local_addr()?;
    tracing::info!(%listen, "serving /livez, /readyz, /status and /metrics");
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
    let mut said = false;
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
                    said = false;
                    connections.accept(stream, router.clone());
                    // Lets those that were accepted before read their requests.
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    if !said {
                        tracing::warn!(%error, "a connection to metrics and probes was refused");
                        said = true;
                    }
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let all = async { while connections.tasks.join_next().await.is_some() {} };
    // Whoever takes longer is cut off.
    let _ = timeout(FAREWELL, all).await;
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
    /// Whether its request has come in.
    asked: Arc<AtomicBool>,
}

impl Connections {
    /// Serve a new connection. Where there are too many, the oldest that has asked nothing gives way,
    /// else the oldest of all.
    fn accept(&mut self, stream: TcpStream, router: Router) {
        if self.open.len() >= MAX_CONNECTIONS {
            let idle = |connection: &Connection| !connection.asked.load(Ordering::Relaxed);
            let index = self.open.iter().position(idle).unwrap_or(0);
            if let Some(gives_way) = self.open.remove(index) {
                gives_way.task.abort();
            }
        }
        let asked = Arc::new(AtomicBool::new(false));
        let task = self.tasks.spawn(answer(stream, router, asked.clone()));
        self.open.push_back(Connection { task, asked });
    }
}

/// Answer the one request of a connection.
async fn answer(stream: TcpStream, router: Router, asked: Arc<AtomicBool>) {
    let pages = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        asked.store(true, Ordering::Relaxed);
        pages.call(request)
    });
    let exchange = http1::Builder::new()
        // A connection that stays open for a next request would be one that idles.
        .keep_alive(false)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(EXCHANGE, exchange).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a request for metrics or a probe"),
        Err(_) => tracing::debug!("a request for metrics or a probe took too long"),
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
    match exposition(&pages.metrics, &pages.health) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            let text = format!("{error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}
