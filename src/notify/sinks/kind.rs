//! What a kind of sink declares of itself, and what an endpoint of any kind can be asked.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::notify::message::Message;
use crate::notify::pace::Rate;
use crate::notify::probe::Probe;
use crate::notify::request::{Answer, Request, by_status};
use crate::notify::standing::StandingAlert;
use crate::notify::transport::Mailer;
use crate::settings::{Fault, Key, Section};

/// Reads the section of one sink, and notes what is wrong in it.
pub type ReadSection = fn(&Section<'_>, &mut Vec<Fault>) -> Option<Arc<dyn Endpoint>>;

/// One kind of sink. Its file declares all of it.
pub struct SinkKind {
    /// The word for `type`.
    pub name: &'static str,
    /// The keys that it takes beside those of every sink. A key that several kinds share is
    /// declared once, in `shared`.
    pub keys: &'static [Key],
    /// Within what the vendor documents.
    pub rate: Rate,
    /// Whether people read it. They are told of many groups together.
    pub is_read_by_people: bool,
    /// The keys and values of an example of its section, each secret by its file.
    #[cfg(test)]
    pub example: &'static str,
    /// Reads its section. `None` where a fault was noted that leaves nothing to send to.
    pub read: ReadSection,
}

/// As many requests as there are.
pub(super) const NO_LIMIT: Rate = Rate {
    per_minute: None,
    burst: 1,
};

/// Where a sink's messages go. Functions of values: `Client` sends what they return.
pub trait Endpoint: Debug + Send + Sync {
    /// What to send for a message: one request, or one for each peer.
    fn requests(&self, message: &Message, now_ms: i64) -> Vec<Request>;

    /// How to ask whether it is there, without alarming anybody.
    fn probes(&self) -> Vec<Probe>;

    /// What an answer over HTTP means.
    fn answer(&self, status: u16, after: Option<Duration>, body: &str) -> Answer {
        by_status(status, after, body)
    }

    /// How long an alert stands there, ms; nothing for a sink that remembers by itself.
    fn hold_ms(&self) -> Option<i64> {
        None
    }

    /// What then stands there in memory alone and is to be told again, if it is that kind of sink.
    fn standing(&self, _message: &Message, _told_ms: i64) -> Option<StandingAlert> {
        None
    }

    /// What to send to tell alerts again, to each peer by itself.
    fn again(&self, _alerts: &[String]) -> Vec<Vec<Request>> {
        Vec::new()
    }

    /// The way to the mail server, for a sink that is reached over SMTP: its requests and probes go
    /// there, not over HTTP.
    ///
    /// # Errors
    /// What is wrong with the certificates or the addresses, in words.
    fn mailer(&self, _timeout: Duration, _ca: Option<&[u8]>) -> Result<Option<Mailer>, String> {
        Ok(None)
    }
}
