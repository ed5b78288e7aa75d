//! Going back: every setback ends in a state in which nothing is open and nothing uncommitted is
//! remembered. Never guess: where an outcome is unknown, a new producer fences the old one and the
//! group is asked what was committed.

use std::time::{Duration, Instant};

use super::blame::{Judgement, Refused};
use super::deliveries::remedy_for;
use super::error::{Setback, Trouble};
use super::fault::Side;
use super::flight::{Cargo, Place};
use super::open::QUESTION;
use super::turn::{Ended, Session, reopen};
use super::worker::{Advice, Cause, RefusedOutput};
use super::writer::Writer;

/// Longest rest between two attempts.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// Shortest rest while an output is refused in every form. What others commit in between does not
/// shorten it.
const HOPELESS_REST: Duration = Duration::from_secs(1);

/// So many setbacks in a row are reported, whatever their reason: it does not pass by itself.
const STUBBORN: u32 = 6;

impl Session<'_> {
    /// Go back as far as the setback asks; `Some` ends the session.
    pub(super) fn recover(&mut self, setback: Setback) -> Option<Ended> {
        let cargo = self.flight.take().map(|flight| flight.cargo);
        let went_back = match setback {
            Setback::Stop(error) => {
                tracing::error!(reason = error.reason(), %error, "session stops");
                let _ = self.take_back();
                return Some(Ended::Stopped(error));
            }
            Setback::Reopen(detail) => {
                tracing::warn!(detail, "clients are opened again");
                let _ = self.take_back();
                self.observer.aborted("reopen");
                self.worker.on_abort();
                return Some(Ended::Reopen);
            }
            Setback::Abort { reason, detail } => {
                tracing::info!(
                    reason,
                    detail,
                    "transaction aborted; its records will be read again"
                );
                self.observer.aborted(reason);
                self.note_stubborn(reason, &detail);
                self.take_back()
            }
            Setback::Refused(refused) => {
                self.observer.aborted("poison");
                self.take_back()
                    .and_then(|()| self.judge_refused(&refused, cargo.as_ref()))
            }
            Setback::Trouble(trouble) => {
                self.observer.aborted(trouble.reason);
                self.note_trouble(trouble);
                self.take_back()
            }
            Setback::Rebuild {
                reason,
                detail,
                trouble,
            } => {
                tracing::warn!(reason, detail, "a new producer is made");
                self.observer.aborted(reason);
                match trouble {
                    Some(trouble) => self.note_trouble(trouble),
                    None => self.note_stubborn(reason, &detail),
                }
                self.rebuild()
            }
        };
        let went_back = went_back.and_then(|()| self.rewind());
        self.rest(cargo.as_ref());
        match went_back {
            Ok(()) => None,
            Err(setback) => {
                tracing::warn!(?setback, "clients are opened again");
                self.worker.on_abort();
                Some(Ended::Reopen)
            }
        }
    }

    /// Abort what is open; where even that has no certain outcome, make a new producer.
    fn take_back(&mut self) -> Result<(), Setback> {
        match self.writer.abort(self.deadline()) {
            Ok(()) => Ok(()),
            Err(_) => self.rebuild(),
        }
    }

    fn rebuild(&mut self) -> Result<(), Setback> {
        if self.writer.is_fenced() {
            tracing::warn!(
                source = self.config.source_name,
                transactional_id = self.config.transactional_id(),
                "fenced: another process has the same ordinal (give each its own), or a transaction \
                 outlived transaction_timeout"
            );
        }
        self.writer = Writer::new(self.config, self.output_batch_bytes)
            .map_err(|error| Setback::Stop(error.into()))?;
        self.writer_ready = false;
        self.positions.forget();
        Ok(())
    }

    /// Read again from what is committed, in smaller batches.
    fn rewind(&mut self) -> Result<(), Setback> {
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.positions.rewind();
        self.reader.stop(&self.positions.owned()).map_err(reopen)?;
        self.reader
            .read_from(&self.positions.sought())
            .map_err(reopen)?;
        self.worker.on_abort();
        Ok(())
    }

    /// Wait a little longer after each setback in a row; the first costs nothing.
    fn rest(&mut self, cargo: Option<&Cargo>) {
        let size = cargo.map_or(self.batch_records, |cargo| cargo.places.len());
        self.batch_records = (size / 2).max(1);
        let exponent = self.setbacks.min(7);
        self.setbacks += 1;
        let pause = if exponent == 0 && self.trouble.is_none() {
            Duration::ZERO
        } else {
            Duration::from_millis(100) * 2_u32.pow(exponent)
        };
        let least = match self.blame.has_hopeless() {
            true => HOPELESS_REST,
            false => Duration::ZERO,
        };
        self.rest_until = Instant::now() + pause.clamp(least, LONGEST_REST);
        self.settle_at = self.rest_until;
    }

    /// What should pass by itself, and does not.
    fn note_stubborn(&mut self, reason: &'static str, detail: &str) {
        let elsewhere = self.trouble.as_ref().is_some_and(|t| t.reason != reason);
        if self.setbacks < STUBBORN || elsewhere {
            return;
        }
        self.note_trouble(Trouble {
            side: Side::Destination,
            reason,
            remedy: format!(
                "nothing could be committed {} times in a row ({detail}): look at the brokers of the \
                 destination, and at this log with log.filter: debug",
                self.setbacks + 1
            ),
        });
    }

    /// Find out who is to blame for refused outputs: a topic that takes less than was known, a setting
    /// of a topic, or a record.
    fn judge_refused(&mut self, refused: &[Refused], cargo: Option<&Cargo>) -> Result<(), Setback> {
        let mut topics: Vec<(&str, Cause)> = refused
            .iter()
            .map(|r| (r.topic.as_str(), r.cause))
            .collect();
        topics.sort_unstable_by_key(|(topic, cause)| (*topic, cause.reason()));
        topics.dedup();
        if self.follow_advice(&topics)? {
            return Ok(());
        }
        let owned = |place: &Place| self.positions.owns(place.0);
        // Nothing is held against records that belong to others by now.
        let Some(cargo) = cargo.filter(|cargo| cargo.places.iter().all(owned)) else {
            return Ok(());
        };
        match self.blame.judge(refused, cargo) {
            None | Some(Judgement::Suspects) => {}
            Some(Judgement::Replace(place, outputs)) => self.note_replaced(place, &outputs),
            Some(Judgement::Hopeless(place, output)) => {
                self.ask_limits = true;
                self.note_hopeless(place, &output);
            }
            Some(Judgement::Topic(output)) => {
                self.blame.forget();
                self.note_trouble(Trouble {
                    side: Side::Destination,
                    reason: "topic_refuses_records",
                    remedy: format!(
                        "{} refuses one record after the other, so that none of them is to blame \
                         ({}): {}",
                        output.topic,
                        output.detail,
                        remedy_for(Cause::Content)
                    ),
                });
            }
        }
        Ok(())
    }

    /// Ask the worker about refused outputs; whether that settles it, so that no record is to blame.
    fn follow_advice(&mut self, topics: &[(&str, Cause)]) -> Result<bool, Setback> {
        match self.worker.on_refused(topics) {
            Advice::Replace => return Ok(false),
            Advice::Repair { reason, remedy } => self.note_trouble(Trouble {
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
                    self.rebuild()?;
                }
            }
        }
        self.blame.forget();
        Ok(true)
    }

    /// A topic took an output in no form. Before the next attempt its limit may have been raised.
    pub(super) fn fit_again(&mut self) {
        if !std::mem::take(&mut self.ask_limits) {
            return;
        }
        if let Err(setback) = self.follow_advice(&[]) {
            tracing::warn!(?setback, "a new producer could not be made");
            self.ask_limits = true;
        }
    }

    fn note_replaced(&self, (partition, offset): Place, outputs: &[RefusedOutput]) {
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
        if let Some(first) = outputs.first() {
            self.observer.quarantined(partition, offset, first.reason());
        }
    }

    fn note_hopeless(&mut self, (partition, offset): Place, output: &RefusedOutput) {
        let cause = match output.by_content {
            0 => Cause::Size,
            _ => Cause::Content,
        };
        self.note_trouble(Trouble {
            side: Side::Destination,
            reason: "output_refused",
            remedy: format!(
                "{} takes the output of record {}@{} in no form, not even as its smallest ({}): {}",
                output.topic,
                partition.0,
                offset.0,
                output.detail,
                remedy_for(cause)
            ),
        });
    }

    /// Fence the predecessor before the first transaction; `false` asks for another turn.
    pub(super) fn init_writer(&mut self) -> Result<bool, Setback> {
        if !self.writer_ready {
            self.writer_ready = self.writer.init(QUESTION)?;
        }
        Ok(self.writer_ready)
    }

    /// Note positions that have moved since they were noted.
    fn note_what_moved(&mut self) -> Result<(), Setback> {
        self.skip_markers()?;
        let marks = self.positions.unnoted();
        if marks.is_empty() {
            return Ok(());
        }
        self.commit_marks(&marks)
    }

    /// Commit what is under way, note positions, give the partitions back in words, say goodbye.
    pub(super) fn leave(&mut self) {
        self.waiting.clear();
        if let Err(setback) = self.finish() {
            tracing::warn!(
                ?setback,
                "the last batch is taken back; it is read again after the start"
            );
            if let Err(setback) = self.writer.abort(self.deadline()) {
                tracing::warn!(
                    ?setback,
                    "the cluster will abort the last transaction by itself"
                );
            }
        } else if let Err(setback) = self.note_what_moved() {
            tracing::info!(?setback, "the last positions are committed, but not noted");
            // Nothing stands in it but notes; the next session's writer ends it.
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
