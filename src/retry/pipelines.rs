//! The pipeline as dead letters go through it, with what the ledger is told of each.

use super::ledger::RetryLedger;
use crate::event::{Latest, OutputBuffer, OutputRecord};
use crate::pipeline::{Batch, Pipeline, Reading, Retried};
use crate::query::Letter;

/// The pipeline as it reads dead letters of the daemon, and those of `replay`: sinks are not told of the latter.
pub(super) struct Pipelines {
    ledger: RetryLedger,
    of_daemon: Batch,
    of_replay: Batch,
}

impl Pipelines {
    pub(super) fn new(pipeline: &Pipeline, ledger: RetryLedger) -> Pipelines {
        Pipelines {
            ledger,
            of_daemon: pipeline.clone().retrying().begin(),
            of_replay: pipeline.clone().replaying(true).begin(),
        }
    }

    /// Processes the source record of a dead letter. Gives what the ledger is told of it, too.
    pub(super) fn retry(
        &self,
        letter: &Letter<'_>,
        repaired: Option<&[u8]>,
        now_ms: i64,
        out: &mut OutputBuffer,
    ) -> (Retried, Vec<OutputRecord>) {
        let Some(record) = letter.source_record(repaired) else {
            let why = "it does not say where its record stood".to_owned();
            return (Retried::Unread(why), Vec::new());
        };
        // Its alerts are late by as much as has passed since the record was written, or else the dead letter.
        let mut written = Latest::default();
        written.see(letter.source_timestamp_ms, now_ms);
        let reading = Reading {
            now_ms,
            logged_ms: written.0.or(letter.record.timestamp_ms),
            history: false,
        };
        let batch = match letter.is_replayed {
            true => &self.of_replay,
            false => &self.of_daemon,
        };
        let retried = batch.retry(&record, letter.output.as_deref(), reading, out);
        let told = match &retried {
            Retried::Read {
                events,
                dead_letters,
            } => {
                let counts = [*events as u64, dead_letters.len() as u64];
                self.ledger.records(&record, counts, out)
            }
            Retried::Unread(_) => Vec::new(),
        };
        (retried, told)
    }
}
