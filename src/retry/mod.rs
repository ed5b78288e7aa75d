//! Retries dead letters: each goes through the pipeline again, once. The command and the page call it.
//! Invariant: the outputs of a dead letter and its receipt are committed in one transaction, under one transactional
//! id for a deployment. Whoever opens the id ends the transactions of whoever had it before, and then reads all
//! receipts; so a dead letter with a receipt is never retried again, whoever is killed and whoever else begins.

mod error;
mod fate;
mod ledger;
mod pipelines;
mod plan;
mod work;

use std::time::Duration;

use crate::config::Config;
use crate::kafka::ClientError;
use crate::kafka::atomic::{AtomicAppender, AtomicConfig};
use crate::pipeline::{Content, OutputList};
use crate::query::{self, Receipts, retry_id};
pub use error::RetryError;
pub use fate::{Became, Counts, Fate};
use ledger::RetryLedger;
use pipelines::Pipelines;
pub use plan::{Retry, Summary, Tell};
use work::Work;

/// How much longer than a transaction may last its end is waited for: the cluster looks for abandoned ones every ten
/// seconds.
const SETTLING: Duration = Duration::from_secs(50);

/// How long the destination may take to give the transactional id to this process.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

/// Opens the transactional id of retries, [`retry_id`]: Describe and Write on it are needed.
///
/// # Errors
/// The cluster does not give it to this process.
pub fn open(config: &Config, outputs: &OutputList) -> Result<AtomicAppender, ClientError> {
    let atomic = AtomicConfig {
        role: "retry",
        transactional_id: &retry_id(&config.session.group),
        batch_bytes: outputs.smallest_bytes(),
        open_timeout: OPEN_TIMEOUT,
        transaction_timeout: config.session.transaction_timeout,
    };
    AtomicAppender::open(&config.destination, &atomic)
}

impl Retry<'_> {
    /// Retries the chosen dead letters, in the order of their partitions, and tells what becomes of each.
    ///
    /// # Errors
    /// The topic or its receipts cannot be read, and nothing was retried. What ends it later is in the summary.
    pub fn run(&self, tell: &mut Tell<'_>) -> Result<Summary, RetryError> {
        let mut config = self.config.clone();
        // A follower of a partition may know less of it than its leader, and receipts would be missed.
        config.destination.properties.remove("client.rack");
        let outputs = self.pipeline.outputs();
        let reader = query::reader(&config, &outputs.of(Content::DeadLetters).topic)?;
        let all = match self.appender {
            None => query::spans(&reader, self.note)?,
            Some(_) => {
                let patience = config.session.transaction_timeout + SETTLING;
                reader.settled_spans(&config.destination, patience)?
            }
        };
        let spans = self.choice.spans(&reader, &all, self.now)?;
        let receipts = Receipts::read(&reader, &spans, self.stop)?;
        if self.stop.is_requested() {
            return Err(RetryError::Stopped);
        }
        let ledger = RetryLedger::new(&config, outputs.clone());
        let pipelines = Pipelines::new(self.pipeline, ledger);
        let mut work = Work::new(self, pipelines, &receipts, tell);
        let read = reader.read(&spans, &|| self.stop.is_requested(), &mut |record| {
            work.take(record)
        });
        Ok(work.finish(read))
    }
}

#[cfg(test)]
mod tests;
