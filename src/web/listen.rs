//! Accepts connections and serves their requests. Their number is limited, and a client that sends its request slowly is
//! left, so that nobody keeps others from the page.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

/// Most connections at a time. A browser opens up to six.
const MAX_CONNECTIONS: usize = 512;

/// Longest time for the head of a request, and between two requests of a connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Most bytes of a request's head. URLs hold the whole question.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Time for requests in flight when asked to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The address from which a request came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Answers on `listener` until `shutdown` resolves.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    let (ending, ended) = watch::channel(());
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let accept = async {
        loop {
            // Never closed.
            let Ok(permit) = connections.clone().acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let router = router.clone();
                    let ended = ended.clone();
                    // An IPv4 address stays one on a listener for IPv6, too.
                    let peer = Peer(peer.ip().to_canonical());
                    tokio::spawn(answer((stream, peer), router, (permit, ended)));
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection to the page cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = shutdown => {}
    }
    drop(listener);
    drop(ended);
    let _ = ending.send(());
    // Requests that take longer are cut off.
    let _ = timeout(SHUTDOWN_TIMEOUT, ending.closed()).await;
}

/// Answers the requests of a connection.
async fn answer(
    (stream, peer): (TcpStream, Peer),
    router: Router,
    (_permit, mut ended): (OwnedSemaphorePermit, watch::Receiver<()>),
) {
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = &mut connection => result,
        _ = ended.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection to the page failed");
    }
}
