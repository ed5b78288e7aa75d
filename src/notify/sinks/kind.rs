//! What each kind of sink declares, and the interface of an endpoint of any kind.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::notify::firing::FiringAlert;
use crate::notify::message::Message;
use crate::notify::pace::Rate;
use crate::notify::probe::Probe;
use crate::notify::request::{Request, SinkAnswer, by_status};
use crate::notify::transport::Mailer;
use crate::settings::{Fault, Key, Section};

/// Reads the section of one sink; faults are added to the list.
pub type ReadSection = fn(&Section<'_>, &mut Vec<Fault>) -> Option<Arc<dyn Endpoint>>;

/// One kind of sink, declared completely in its file.
pub struct SinkKind {
    /// The value of `type`.
    pub name: &'static str,
    /// The keys that it accepts beside the common ones. A key that several kinds share is declared once,
    /// in `shared`.
    pub keys: &'static [Key],
    /// Default rate limit, within what the vendor documents.
    pub rate: Rate,
    /// Whether people read it directly. They get many groups at once as one digest.
    pub is_read_by_people: bool,
    /// Keys and values of an example section, each secret by its `…_file` key.
    #[cfg(test)]
    pub example: &'static str,
    /// Reads its section. `None` if a fault leaves no address to send to.
    pub read: ReadSection,
}

/// No rate limit.
pub(super) const NO_LIMIT: Rate = Rate {
    per_minute: None,
    burst: 1,
};

/// Where a sink's messages go. All methods are pure; `Client` sends the requests that they return.
pub trait Endpoint: Debug + Send + Sync {
    /// The requests for a message: one, or one for each peer.
    fn requests(&self, message: &Message, now_ms: i64) -> Vec<Request>;

    /// How to check that it is reachable, without raising an alarm.
    fn probes(&self) -> Vec<Probe>;

    /// What an HTTP answer means.
    fn answer(&self, status: u16, after: Option<Duration>, body: &str) -> SinkAnswer {
        by_status(status, after, body)
    }

    /// How long an alert fires without being sent again, ms; `None` for a sink that stores alerts itself.
    fn hold_ms(&self) -> Option<i64> {
        None
    }

    /// The alert that this message, sent at `sent_ms`, makes fire there, for a sink that holds alerts in
    /// memory only: it must be sent again until it ends.
    fn firing(&self, _message: &Message, _sent_ms: i64) -> Option<FiringAlert> {
        None
    }

    /// The requests that send firing alerts again: a list for each peer.
    fn resend(&self, _alerts: &[String]) -> Vec<Vec<Request>> {
        Vec::new()
    }

    /// The mail client, for a sink that is reached over SMTP: its requests and probes do not use HTTP.
    ///
    /// # Errors
    /// What is wrong with the certificates or the addresses.
    fn mailer(&self, _timeout: Duration, _ca: Option<&[u8]>) -> Result<Option<Mailer>, String> {
        Ok(None)
    }
}
