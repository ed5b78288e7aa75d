//! What is retried, with what, and what came of it.

use std::io;

use jiff::Timestamp;

use super::error::RetryError;
use super::fate::{Counts, Fate};
use crate::config::Config;
use crate::kafka::atomic::AtomicAppender;
use crate::kafka::session::Shutdown;
use crate::pipeline::Pipeline;
use crate::query::DeadLetterChoice;
use crate::view::At;

/// What is retried, and with what.
pub struct Retry<'r> {
    /// The configuration, which names the topics and clusters.
    pub config: &'r Config,
    /// The pipeline of the daemon, with the output topics as they are now.
    pub pipeline: &'r Pipeline,
    /// Writes the outputs and receipts, and was opened by [`super::open`]; `None` if nothing is to be written.
    pub appender: Option<&'r AtomicAppender>,
    /// Which dead letters are retried.
    pub choice: &'r DeadLetterChoice,
    /// The value that replaces that of the only dead letter.
    pub repaired: Option<&'r [u8]>,
    /// Most dead letters that are retried; all if `None`.
    pub limit: Option<usize>,
    /// The current time.
    pub now: Timestamp,
    /// Ends the retry between two transactions.
    pub stop: &'r Shutdown,
    /// Is told that the cluster is slow to respond.
    pub note: &'r (dyn Fn(&str) + Sync),
}

/// What came of a retry.
#[derive(Debug)]
pub struct Summary {
    /// Numbers of dead letters.
    pub counts: Counts,
    /// The chosen positions at which there is no dead letter, as far as was read.
    pub missing: Vec<At>,
    /// Why it ended before all chosen dead letters were taken.
    pub ended: Result<(), RetryError>,
}

/// Takes what becomes of a dead letter.
pub type Tell<'t> = dyn FnMut(&At, &Fate) -> io::Result<()> + 't;
