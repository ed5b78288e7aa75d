//! What is sent to a sink, and what its answer means.

use std::fmt;
use std::time::Duration;

use crate::printable::printable_prose;

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides the text.
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
    /// Where to; may hold a secret.
    pub url: String,
    /// Besides the body's length.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or the message as RFC 5322 has it.
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

    /// The same of a body that is written already.
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

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The sink has it.
    Accepted,
    /// Not now: the sink is down, busy, or not set up as it should be.
    Later {
        /// When the sink wants to be asked again.
        after: Option<Duration>,
        /// For a person; without secrets.
        detail: String,
    },
    /// Never: the sink does not want this message.
    Refused {
        /// For a person; without secrets.
        detail: String,
    },
}

/// What an HTTP status says. A wrong address or credential is no alert's fault, so 401, 403, 404 and
/// the like wait for somebody to repair them.
pub(super) fn by_status(status: u16, after: Option<Duration>, body: &str) -> Answer {
    let detail = format!("status {status}: {}", readable(body));
    match status {
        200..=299 => Answer::Accepted,
        400 | 406 | 409 | 411 | 413 | 414 | 415 | 422 | 431 => Answer::Refused { detail },
        _ => Answer::Later { after, detail },
    }
}

/// The beginning of an answer, on one line.
pub(super) fn readable(body: &str) -> String {
    let line: String = body.chars().take(300).collect();
    printable_prose(line.trim()).into_owned()
}

/// `2026-11-21T08:30:00.123Z`; the epoch for what lies before it, or beyond the year 9999: vendors
/// refuse such times.
pub(super) fn rfc3339(time_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(time_ms.max(0)).unwrap_or_default();
    time.to_string()
}
