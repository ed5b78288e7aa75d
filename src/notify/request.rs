//! A request to a sink, and what the sink's answer means.

use std::fmt;
use std::time::Duration;

use crate::printable::printable_prose;

/// A text that no log, error or output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a secret of the text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for the request it belongs to.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A POST, or a message to a mail server.
#[derive(Clone)]
pub struct Request {
    /// The address; may contain a secret.
    pub url: String,
    /// All headers except `content-length`.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or a mail message (RFC 5322).
    pub body: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} bytes)", self.body.len())
    }
}

impl Request {
    /// A JSON body; the token, if any, goes into the `authorization` header.
    pub(super) fn json(
        url: impl Into<String>,
        body: &serde_json::Value,
        token: Option<&Secret>,
    ) -> Request {
        Request::json_text(url, body.to_string(), token)
    }

    /// The same with a body that is JSON text already.
    pub(super) fn json_text(
        url: impl Into<String>,
        body: String,
        token: Option<&Secret>,
    ) -> Request {
        let mut headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        headers.extend(token.map(|token| ("authorization", format!("Bearer {}", token.expose()))));
        Request {
            url: url.into(),
            headers,
            body: body.into_bytes(),
        }
    }
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkAnswer {
    /// The sink accepted it.
    Accepted,
    /// The sink is down, busy or misconfigured: try again later.
    Later {
        /// The sink's `Retry-After`.
        after: Option<Duration>,
        /// What the sink answered, for people; without secrets.
        detail: String,
    },
    /// The sink refuses this message; sending it again would not help.
    Refused {
        /// What the sink answered, for people; without secrets.
        detail: String,
    },
}

/// What an HTTP status means. A wrong address or credential is not the alert's fault, so 401, 403, 404
/// and the like are retried until somebody repairs the configuration.
pub(super) fn by_status(status: u16, after: Option<Duration>, body: &str) -> SinkAnswer {
    let detail = format!("status {status}: {}", readable(body));
    match status {
        200..=299 => SinkAnswer::Accepted,
        400 | 406 | 409 | 411 | 413 | 414 | 415 | 422 | 431 => SinkAnswer::Refused { detail },
        _ => SinkAnswer::Later { after, detail },
    }
}

/// The first 300 characters of an answer, on one line.
pub(super) fn readable(body: &str) -> String {
    let line: String = body.chars().take(300).collect();
    printable_prose(line.trim()).into_owned()
}

/// RFC 3339, as `2026-11-21T08:30:00.123Z`. Times before the Unix epoch or after the year 9999, which
/// vendors refuse, become the epoch.
pub(super) fn rfc3339(time_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(time_ms.max(0)).unwrap_or_default();
    time.to_string()
}
