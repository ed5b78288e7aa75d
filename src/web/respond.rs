//! The answers of the page, and the headers that keep a browser from doing more than it should with them.

use std::io;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::block_in_place;

/// Nothing but the page's own files is loaded, and nothing in a page is run.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Parts of an answer that wait for the reader.
const WAITING: usize = 4;

/// Adds the headers of every answer. What does not say how long it may be kept is not kept.
pub(super) async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A page.
pub(super) fn html(status: StatusCode, page: String) -> Response {
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, html, page).into_response()
}

/// Sends the reader to another page.
pub(super) fn see_other(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

/// The other end of an answer that is written as it is found.
#[derive(Clone)]
pub(super) struct Answer(mpsc::Sender<io::Result<Bytes>>);

impl Answer {
    /// An answer, and its body.
    pub(super) fn new() -> (Answer, Body) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let parts = stream::unfold(receiver, |mut receiver| async {
            let part = receiver.recv().await?;
            Some((part, receiver))
        });
        (Answer(sender), Body::from_stream(parts))
    }

    /// Writes a part; whether the reader is still there.
    pub(super) async fn write(&self, part: impl Into<Bytes>) -> bool {
        self.0.send(Ok(part.into())).await.is_ok()
    }

    /// Writes a part and waits for the reader, also from within a future.
    pub(super) fn write_blocking(&self, part: impl Into<Bytes>) -> bool {
        block_in_place(|| self.0.blocking_send(Ok(part.into()))).is_ok()
    }

    /// Breaks the connection off, so that the reader does not take what was written for the whole.
    pub(super) async fn fail(&self, error: io::Error) {
        // The reader may have left.
        let _ = self.0.send(Err(error)).await;
    }

    /// Ends when the reader has left.
    pub(super) async fn left(&self) {
        self.0.closed().await;
    }
}

/// A page that is written as its parts are found, on some threads, until the reader leaves.
pub(super) fn streamed<W: Future<Output = ()> + Send>(
    status: StatusCode,
    threads: &Handle,
    write: impl FnOnce(Answer) -> W + Send + 'static,
) -> Response {
    let (answer, body) = Answer::new();
    threads.spawn(async move {
        let left = answer.clone();
        tokio::select! {
            () = left.left() => {}
            () = write(answer) => {}
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, kind, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use tokio::task::spawn_blocking;

    #[tokio::test(flavor = "multi_thread")]
    async fn parts_are_written_from_threads_also_within_a_future() {
        let (answer, body) = Answer::new();
        let handle = Handle::current();
        let written = spawn_blocking(move || {
            let first = answer.write_blocking("from a thread, ");
            // More than wait for the reader.
            let others =
                handle.block_on(async { (0..10).all(|_| answer.write_blocking("within ")) });
            first && others
        });
        let read = to_bytes(body, usize::MAX).await.unwrap();
        assert!(written.await.unwrap());
        assert_eq!(read, format!("from a thread, {}", "within ".repeat(10)));
    }

    #[tokio::test]
    async fn what_fails_does_not_end_like_a_whole_answer() {
        let (answer, body) = Answer::new();
        assert!(answer.write("part").await);
        answer.fail(io::Error::other("no storage")).await;
        assert!(to_bytes(body, usize::MAX).await.is_err());
    }
}
