//! Going back: every setback ends in a state in which nothing is open and nothing uncommitted is
//! remembered. Never guess: where an outcome is unknown, a new producer fences the old one and the
//! group is asked what was committed.

use std::time::{Duration, Instant};

use super::error::{Refused, Setback, Side, Trouble};
use super::flight::Cargo;
use super::open::QUESTION;
use super::turn::{Ended, Session, reopen};
use super::writer::Writer;

/// Longest rest between two attempts.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// A record that cannot even be written as a cut dead letter holds its partition up from here on.
const HOPELESS_ATTEMPT: u32 = 3;

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
                tracing::info!(reason, detail, "batch taken back");
                self.observer.aborted(reason);
                self.take_back()
            }
            Setback::Poison(refused) => {
                let cargo = cargo.as_ref();
                self.quarantine(&refused, cargo);
                self.observer.aborted("poison");
                self.take_back()
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
                if let Some(trouble) = trouble {
                    self.note_trouble(trouble);
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
        self.writer = Writer::new(self.config).map_err(|error| Setback::Stop(error.into()))?;
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
        self.rest_until = Instant::now() + pause.min(LONGEST_REST);
        self.settle_at = self.rest_until;
    }

    fn quarantine(&mut self, refused: &[Refused], cargo: Option<&Cargo>) {
        let Some(cargo) = cargo else {
            return;
        };
        for ((partition, offset), quarantine) in self.blame.note(refused, cargo) {
            tracing::warn!(
                partition = partition.0,
                offset = offset.0,
                reason = quarantine.reason,
                detail = quarantine.detail,
                attempt = quarantine.attempt,
                "record quarantined"
            );
            self.observer
                .quarantined(partition, offset, quarantine.reason);
            if quarantine.attempt >= HOPELESS_ATTEMPT {
                self.note_trouble(Trouble {
                    side: Side::Destination,
                    reason: "dead_letter_refused",
                    remedy: format!(
                        "record {}@{} cannot be written even as a dead letter ({}): raise \
                         max.message.bytes of the dead-letter topic",
                        partition.0, offset.0, quarantine.detail
                    ),
                });
            }
        }
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
    }
}
