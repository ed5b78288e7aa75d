//! Answers of server-sent events: a page that is open learns what has happened since it was made.

use std::time::Duration;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout};

use super::respond::Answer;

/// After so long without an event a line is sent, so that proxies keep the connection.
const SILENCE: Duration = Duration::from_secs(15);

/// The connection ends after this, and the browser makes a new one: then it is looked anew who reads.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// What happens.
pub(super) trait Happenings: Send + 'static {
    /// What has happened since the last call; none if nothing has.
    fn next(&mut self) -> impl Future<Output = Option<Happening>> + Send;

    /// Resolves when something may have happened.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;
}

/// An event of the stream.
pub(super) struct Happening {
    /// What the script listens for.
    pub(super) name: &'static str,
    /// What it says, on one line.
    pub(super) data: String,
}

/// Tells the reader what happens, until the reader leaves or it is time for a new connection.
pub(super) fn event_stream(mut happenings: impl Happenings) -> Response {
    let (answer, body) = Answer::new();
    tokio::spawn(async move {
        let left = answer.clone();
        tokio::select! {
            () = left.left() => {}
            _ = tell(&mut happenings, &answer) => {}
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

async fn tell(happenings: &mut impl Happenings, answer: &Answer) -> Option<()> {
    let end = Instant::now() + LONGEST;
    let mut spoken = Instant::now();
    while Instant::now() < end {
        if let Some(Happening { name, data }) = happenings.next().await {
            let event = format!("event: {name}\ndata: {data}\n\n");
            answer.write(event).await.then_some(())?;
            spoken = Instant::now();
        }
        if spoken.elapsed() > SILENCE {
            answer.write(": nothing new\n\n").await.then_some(())?;
            spoken = Instant::now();
        }
        // Nothing may happen for long.
        let _ = timeout(SILENCE, happenings.changed()).await;
    }
    Some(())
}
