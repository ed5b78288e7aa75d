//! From the reader to the worker: records are gathered, then processed in steps that fill a transaction.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::blame::Blame;
use super::clock;
use super::error::SessionError;
use super::failure::BatchFailure;
use super::gathering::{Room, Waiting};
use super::positions::{Arrival, Positions};
use super::source_reader::Fetched;
use super::transaction::{BatchContents, ProcessedBatch};
use super::turn::{IDLE, Session};
use super::worker::{Records, SourceRecord};
use crate::event::Partition;

/// Most records, and bytes of them, that are processed at a time. Only these are in memory a second time,
/// beside the client's buffer.
const STEP: Room = Room {
    records: 250,
    bytes: 1024 * 1024,
};

impl<'s> Session<'s> {
    /// The size of a whole transaction.
    fn most(&self) -> Room {
        Room {
            records: self.pace.records(),
            bytes: self.config.commit_bytes,
        }
    }

    /// Whether the transaction under way is to be committed. After a pause its first record is
    /// enough: the interval bounds how often one commits.
    pub(super) fn transaction_is_full(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| {
            transaction.is_full(self.most())
                || self.blame.has_suspects()
                || Instant::now() >= self.due()
        })
    }

    fn due(&self) -> Instant {
        self.pace.due(self.config.commit_interval())
    }

    /// Read until there is enough to process or, with `wait`, until the commit interval is over.
    pub(super) fn gather(&mut self, wait: bool) -> Result<(), BatchFailure> {
        let due = self.due();
        let mut now = clock::now();
        while !self.gathering.fills(self.most().at_most(STEP)) {
            let patience = || match self.gathering.is_empty() {
                true => IDLE,
                false => due.saturating_duration_since(Instant::now()).min(IDLE),
            };
            // Asking for the time costs as much as taking a record that was fetched already.
            let mut polled = self.reader.poll(Duration::ZERO);
            if polled.is_none() && wait {
                polled = self.reader.poll(patience());
                now = clock::now();
            }
            match polled {
                Some(Ok(fetched)) => {
                    self.take_in(fetched, now)?;
                    self.record_read();
                }
                Some(Err(error)) => self.judge_reader_error(&error)?,
                None if self.gathering.is_empty() || !wait || Instant::now() >= due => break,
                None => {}
            }
        }
        Ok(())
    }

    /// Keep a record for the next batch, unless it was read before a rewind or a rebalance. The one
    /// before the position must be the one that was consumed.
    fn take_in(
        &mut self,
        mut fetched: Fetched<'s>,
        now: (i64, Instant),
    ) -> Result<(), BatchFailure> {
        let (partition, offset) = (fetched.partition(), fetched.offset());
        match self.positions.arrive(partition, offset) {
            Arrival::Next => {
                let timestamp_ms = fetched.timestamp_ms();
                let (latest, logged_ms) = self.positions.see(partition, timestamp_ms, now);
                (fetched.latest, fetched.logged_ms) = (latest, logged_ms);
                self.gathering.push(fetched);
            }
            Arrival::Proof(last) if last.hash != fetched.last_record().hash => {
                let error = SessionError::AnotherRecord { partition, offset };
                return Err(BatchFailure::Stop(error));
            }
            Arrival::Proof(_) | Arrival::Stale => {}
        }
        Ok(())
    }

    /// Give the worker some of the waiting records: as many as still fit the transaction under way,
    /// or, with `anew`, for the next one.
    pub(super) fn process(&mut self, anew: bool) -> Result<ProcessedBatch, BatchFailure> {
        let under_way = self.transaction.as_ref().filter(|_| !anew);
        let begins = under_way.is_none();
        let room = under_way.map_or(self.most(), |transaction| transaction.room(self.most()));
        let isolates = |place| self.blame.isolates(place);
        let (batch, bytes) = self.gathering.take(room.at_most(STEP), begins, isolates);
        if batch.is_empty() {
            return Ok(ProcessedBatch::default());
        }
        let places = batch.iter().map(Waiting::place).collect();
        let mut records = BatchRecords {
            waiting: batch.into_iter(),
            last: BTreeMap::new(),
            blame: &self.blame,
            positions: &self.positions,
        };
        let mut outputs = std::mem::take(&mut self.spare);
        if begins {
            self.worker.on_begin();
        }
        let processed = self.worker.on_batch(&mut records, &mut outputs);
        processed.map_err(|refusal| BatchFailure::Abort {
            reason: refusal.reason,
            detail: refusal.detail,
        })?;
        let last = records.into_last();
        let contents = BatchContents {
            places,
            positions: self.positions_after(&last),
            bytes,
        };
        Ok(ProcessedBatch { contents, outputs })
    }
}

/// The records of a batch for the worker. One is freed when the next one of its partition is taken.
struct BatchRecords<'b, 's> {
    waiting: std::vec::IntoIter<Fetched<'s>>,
    /// The last record taken of each partition.
    last: BTreeMap<Partition, Fetched<'s>>,
    blame: &'b Blame,
    positions: &'b Positions,
}

impl<'s> BatchRecords<'_, 's> {
    /// The last record of each partition.
    fn into_last(mut self) -> BTreeMap<Partition, Fetched<'s>> {
        let rest = self.waiting.map(|fetched| (fetched.partition(), fetched));
        self.last.extend(rest);
        self.last
    }
}

impl Records for BatchRecords<'_, '_> {
    fn next_record(&mut self) -> Option<SourceRecord<'_>> {
        let fetched = self.waiting.next()?;
        let partition = fetched.partition();
        let entry = self.last.entry(partition).insert_entry(fetched);
        let fetched: &Fetched<'_> = entry.into_mut();
        Some(SourceRecord {
            record: fetched.record(),
            refusals: self.blame.refusals(fetched.place()),
            logged_ms: fetched.logged_ms,
            history: self.positions.is_history(partition, fetched.offset()),
        })
    }
}
