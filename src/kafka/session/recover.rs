//! Recovery: every failure ends in a state in which no transaction is open and nothing uncommitted is
//! remembered. Where an outcome is unknown nothing is guessed: a new producer fences the old one, and the
//! group is asked what was committed.

use std::time::Instant;

use super::blame::{Judgement, Refused};
use super::cluster_facts::REQUEST_TIMEOUT;
use super::committed_position::RecordPosition;
use super::deliveries::remedy_for;
use super::failure::{BatchFailure, Next, ProducerAction, Trouble};
use super::pace::Failed;
use super::transaction::BatchContents;
use super::turn::{Ended, Session, reopen};
use super::worker::{Advice, Cause, RefusedOutput};
use super::writer::Writer;
use crate::kafka::fault::Side;

/// So many failures in a row are reported, whatever their reason: they do not pass by themselves.
const PERSISTENT_FAILURES: u32 = 6;

impl Session<'_> {
    /// Do what the failure asks for; `Some` ends the session.
    pub(super) fn recover(&mut self, failure: BatchFailure) -> Option<Ended> {
        let contents = self.transaction.take().map(|open| open.contents);
        let recovery = failure.recovery();
        if let Some(reason) = recovery.aborted {
            self.observer.aborted(reason);
        }
        self.report_failure(&failure);
        let mut went_back = match recovery.producer {
            ProducerAction::Abort => self.abort_or_replace_producer(),
            ProducerAction::Replace => self.replace_producer(),
        };
        match (recovery.next, failure) {
            (_, BatchFailure::Stop(error)) => return Some(Ended::Stopped(error)),
            (Next::Reopen | Next::Stop, _) => {
                self.worker.on_abort();
                return Some(Ended::Reopen);
            }
            (Next::ReadAgain, BatchFailure::Refused(refused)) => {
                let judged = |()| self.judge_refused(&refused, contents.as_ref());
                went_back = went_back.and_then(judged);
            }
            (Next::ReadAgain, _) => {}
        }
        let went_back = went_back.and_then(|()| self.rewind());
        self.rest(contents.as_ref());
        match went_back {
            Ok(()) => None,
            Err(failure) => {
                tracing::warn!(?failure, "clients are opened again");
                self.worker.on_abort();
                Some(Ended::Reopen)
            }
        }
    }

    /// Log a failure, and report what somebody has to repair.
    fn report_failure(&mut self, failure: &BatchFailure) {
        match failure {
            BatchFailure::Stop(error) => {
                tracing::error!(reason = error.reason(), %error, "session stops");
            }
            BatchFailure::Reopen(detail) => {
                tracing::warn!(detail, "clients are opened again");
            }
            BatchFailure::Abort { reason, detail } => {
                tracing::info!(
                    reason,
                    detail,
                    "transaction aborted; its records will be read again"
                );
                self.report_if_persistent(reason, detail);
            }
            BatchFailure::Refused(_) => {}
            BatchFailure::Trouble(trouble) => self.report_trouble(trouble.clone()),
            BatchFailure::Rebuild {
                reason,
                detail,
                trouble,
            } => {
                tracing::warn!(reason, detail, "the producer is replaced by a new one");
                match trouble {
                    Some(trouble) => self.report_trouble(trouble.clone()),
                    None => self.report_if_persistent(reason, detail),
                }
            }
        }
    }

    /// Abort what is open; where even that has no certain outcome, make a new producer.
    fn abort_or_replace_producer(&mut self) -> Result<(), BatchFailure> {
        match self.writer.abort(self.deadline()) {
            Ok(()) => Ok(()),
            Err(_) => self.replace_producer(),
        }
    }

    fn replace_producer(&mut self) -> Result<(), BatchFailure> {
        if self.writer.is_fenced() {
            tracing::warn!(
                source = self.config.source_name,
                transactional_id = self.config.transactional_id(),
                "fenced: another process has the same ordinal (give each its own), or a transaction \
                 outlived transaction_timeout"
            );
        }
        self.writer = Writer::new(self.config, self.output_batch_bytes)
            .map_err(|error| BatchFailure::Stop(error.into()))?;
        self.writer_ready = false;
        self.positions.forget();
        Ok(())
    }

    /// Read again from what is committed, in smaller batches.
    fn rewind(&mut self) -> Result<(), BatchFailure> {
        self.gathering.clear();
        self.positions.rewind();
        self.reader.stop(&self.positions.owned()).map_err(reopen)?;
        self.reader
            .read_from(&self.positions.sought())
            .map_err(reopen)?;
        self.worker.on_abort();
        self.give_states_back(&self.positions.owned());
        Ok(())
    }

    /// Wait a little longer after each failure in a row.
    fn rest(&mut self, contents: Option<&BatchContents>) {
        let failed = Failed {
            records: contents.map(|contents| contents.places.len()),
            needs_repair: self.readiness.in_trouble(),
            hopeless: self.blame.has_hopeless(),
        };
        self.pace.failed(failed, Instant::now());
        self.settling.set(self.pace.rest_until());
    }

    /// What should pass by itself, and does not.
    fn report_if_persistent(&mut self, reason: &'static str, detail: &str) {
        let failures = self.pace.failures();
        if failures < PERSISTENT_FAILURES || self.readiness.in_other_trouble(reason) {
            return;
        }
        self.report_trouble(persistent_failure(reason, detail, failures + 1));
    }

    /// Find out who is to blame for refused outputs: a topic that takes less than was known, a setting
    /// of a topic, or a record.
    fn judge_refused(
        &mut self,
        refused: &[Refused],
        contents: Option<&BatchContents>,
    ) -> Result<(), BatchFailure> {
        let mut topics: Vec<(&str, Cause)> = refused
            .iter()
            .map(|r| (r.topic.as_str(), r.cause))
            .collect();
        topics.sort_unstable_by_key(|(topic, cause)| (*topic, cause.reason()));
        topics.dedup();
        if self.follow_advice(&topics)? {
            return Ok(());
        }
        let owned = |place: &RecordPosition| self.positions.owns(place.0);
        // Records of partitions that belong to other members by now are not judged.
        let Some(contents) = contents.filter(|contents| contents.places.iter().all(owned)) else {
            return Ok(());
        };
        match self.blame.judge(refused, contents) {
            None | Some(Judgement::Suspects) => {}
            Some(Judgement::Replace(place, outputs)) => {
                log_replaced(place, &outputs);
                if let Some(first) = outputs.first() {
                    self.observer.quarantined(place.0, place.1, first.reason());
                }
            }
            Some(Judgement::Hopeless(place, output)) => {
                self.ask_limits = true;
                self.report_trouble(hopeless_output(place, &output));
            }
            Some(Judgement::Topic(output)) => {
                self.blame.forget();
                self.report_trouble(refusing_topic(&output));
            }
        }
        Ok(())
    }

    /// Ask the worker about refused outputs; whether that settles it, so that no record is to blame.
    fn follow_advice(&mut self, topics: &[(&str, Cause)]) -> Result<bool, BatchFailure> {
        match self.worker.on_refused(topics) {
            Advice::Replace => return Ok(false),
            Advice::Repair { reason, remedy } => self.report_trouble(Trouble {
                side: Side::Destination,
                reason,
                remedy,
            }),
            Advice::Fit { batch_bytes } => {
                let source = &self.config.source_name;
                tracing::warn!(
                    source,
                    ?topics,
                    batch_bytes,
                    "topics take records of another size than before: outputs are made to fit"
                );
                if batch_bytes != self.output_batch_bytes {
                    self.output_batch_bytes = batch_bytes;
                    self.replace_producer()?;
                }
            }
        }
        self.blame.forget();
        Ok(true)
    }

    /// A topic has refused an output in every form. Its limit may be raised before the next attempt.
    pub(super) fn ask_limits_again(&mut self) {
        if !std::mem::take(&mut self.ask_limits) {
            return;
        }
        if let Err(failure) = self.follow_advice(&[]) {
            tracing::warn!(?failure, "a new producer could not be made");
            self.ask_limits = true;
        }
    }

    /// Fence the predecessor before the first transaction; `false` asks for another turn.
    pub(super) fn init_writer(&mut self) -> Result<bool, BatchFailure> {
        if !self.writer_ready {
            self.writer_ready = self.writer.init(REQUEST_TIMEOUT)?;
        }
        Ok(self.writer_ready)
    }

    /// Note positions that have moved since they were noted.
    fn write_moved_notes(&mut self) -> Result<(), BatchFailure> {
        self.skip_markers()?;
        let positions = self.positions.unnoted();
        if positions.is_empty() {
            return Ok(());
        }
        self.commit_positions(&positions)
    }

    /// Commit what is under way, write the notes of positions that have moved, and give up the partitions.
    pub(super) fn leave(&mut self) {
        self.gathering.clear();
        if let Err(failure) = self.finish() {
            tracing::warn!(
                ?failure,
                "the last transaction is aborted; its records are read again after the start"
            );
            if let Err(failure) = self.writer.abort(self.deadline()) {
                tracing::warn!(
                    ?failure,
                    "the cluster will abort the last transaction by itself"
                );
            }
        } else if let Err(failure) = self.write_moved_notes() {
            tracing::info!(?failure, "the last positions are committed, but not noted");
            // It holds notes only; the writer of the next session ends it.
            let _ = self.writer.abort(self.deadline());
        }
        self.mirror_now();
        let owned = self.positions.owned();
        if let Err(error) = self.reader.stop(&owned) {
            tracing::debug!(%error, "stop reading");
        }
        self.positions.disown(&owned);
        if !owned.is_empty() {
            self.worker.on_revoke(&owned);
        }
        self.observer.assigned(&[]);
        self.observer.unreadable(&[]);
    }
}

fn log_replaced((partition, offset): RecordPosition, outputs: &[RefusedOutput]) {
    for output in outputs {
        tracing::warn!(
            partition = partition.0,
            offset = offset.0,
            topic = output.topic,
            reason = output.reason(),
            detail = output.detail,
            "an output of this record was refused; it is replaced"
        );
    }
}

/// What should pass by itself, and has not.
fn persistent_failure(reason: &'static str, detail: &str, times: u32) -> Trouble {
    Trouble {
        side: Side::Destination,
        reason,
        remedy: format!(
            "nothing could be committed {times} times in a row ({detail}): look at the brokers of the \
             destination, and at this log with log.filter: debug"
        ),
    }
}

/// A topic refuses records whatever they hold.
fn refusing_topic(output: &RefusedOutput) -> Trouble {
    Trouble {
        side: Side::Destination,
        reason: "topic_refuses_records",
        remedy: format!(
            "{} refuses one record after the other, so that none of them is to blame ({}): {}",
            output.topic,
            output.detail,
            remedy_for(Cause::Content)
        ),
    }
}

/// A topic refuses the output of a record in every form that there is.
fn hopeless_output((partition, offset): RecordPosition, output: &RefusedOutput) -> Trouble {
    let cause = match output.by_content {
        0 => Cause::Size,
        _ => Cause::Content,
    };
    Trouble {
        side: Side::Destination,
        reason: "output_refused",
        remedy: format!(
            "{} refuses the output of record {}@{} in every form, also in its smallest ({}): {}",
            output.topic,
            partition.0,
            offset.0,
            output.detail,
            remedy_for(cause)
        ),
    }
}
