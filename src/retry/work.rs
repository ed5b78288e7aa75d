//! What is done with each record of the topic of dead letters while it is read: chosen dead letters go through the
//! pipeline, and their outputs and receipts are written, some dead letters in one transaction.

use std::ops::ControlFlow;

use super::error::RetryError;
use super::fate::{Became, Counts, Fate};
use super::pipelines::Pipelines;
use super::plan::{Retry, Summary, Tell};
use crate::encode::{self, Receipt};
use crate::event::{Digest, OutputBuffer, OutputRecord, Partition, RawRecord};
use crate::kafka::Stored;
use crate::kafka::atomic::AtomicError;
use crate::kafka::topic_reader::ReadError;
use crate::pipeline::Retried;
use crate::query::{Letter, Receipts};
use crate::view::At;

/// Most dead letters in a transaction.
const MOST_LETTERS: usize = 100;

/// Bytes of outputs after which a transaction is committed.
const MOST_BYTES: usize = 4 << 20;

/// A dead letter that is read, and not yet written.
struct Pending {
    position: At,
    outputs: Vec<OutputRecord>,
    receipt: OutputRecord,
    became: Became,
}

pub(super) struct Work<'w> {
    retry: &'w Retry<'w>,
    pipelines: Pipelines,
    receipts: &'w Receipts,
    tell: &'w mut Tell<'w>,
    /// The dead letters to be repaired: there must be one.
    to_repair: Vec<Stored>,
    pending: Vec<Pending>,
    pending_bytes: usize,
    /// Which of the chosen positions were found.
    found: Vec<bool>,
    counts: Counts,
    failure: Option<RetryError>,
}

impl<'w> Work<'w> {
    pub(super) fn new(
        retry: &'w Retry<'w>,
        pipelines: Pipelines,
        receipts: &'w Receipts,
        tell: &'w mut Tell<'w>,
    ) -> Work<'w> {
        Work {
            pipelines,
            receipts,
            tell,
            to_repair: Vec::new(),
            pending: Vec::new(),
            pending_bytes: 0,
            found: vec![false; retry.choice.positions.len()],
            counts: Counts::default(),
            failure: None,
            retry,
        }
    }

    /// Takes a record of the topic.
    pub(super) fn take(&mut self, record: &RawRecord<'_>) -> ControlFlow<()> {
        let letter = Letter::read(record.clone());
        let is_chosen = |letter: &Letter<'_>| self.retry.choice.takes(letter, self.retry.now);
        let Some(letter) = letter.filter(is_chosen) else {
            return ControlFlow::Continue(());
        };
        match self.letter(&letter) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                self.failure = Some(failure);
                ControlFlow::Break(())
            }
        }
    }

    /// Takes a dead letter that is chosen.
    fn letter(&mut self, letter: &Letter<'_>) -> Result<(), RetryError> {
        if let Some(number) = self.retry.choice.position_of(letter) {
            self.found[number] = true;
        }
        if let Some(retry) = self.receipts.of(letter) {
            self.counts.before += 1;
            if !self.retry.choice.positions.is_empty() {
                (self.tell)(&letter.position(), &Fate::Before(retry.time_ms))?;
            }
            return Ok(());
        }
        match self.retry.repaired {
            None => self.process(letter),
            Some(_) => {
                self.to_repair.push(Stored::from(&letter.record));
                Ok(())
            }
        }
    }

    fn process(&mut self, letter: &Letter<'_>) -> Result<(), RetryError> {
        let repaired = self.retry.repaired;
        let obstacle = match repaired {
            Some(_) => letter.lasting_obstacle(),
            None => letter.obstacle(),
        };
        if let Some(obstacle) = obstacle {
            return self.leave(&letter.position(), &Fate::Blocked(obstacle));
        }
        let taken = self.counts.retried + self.pending.len();
        if self.retry.limit.is_some_and(|limit| taken >= limit) {
            self.counts.waiting += 1;
            return Ok(());
        }
        let mut out = OutputBuffer::default();
        let now_ms = self.retry.now.as_millisecond();
        let (retried, told) = self.pipelines.retry(letter, repaired, now_ms, &mut out);
        match retried {
            Retried::Unread(why) => self.leave(&letter.position(), &Fate::Stays(why)),
            Retried::Read { dead_letters, .. } => {
                let repaired = repaired.map(Digest::of);
                self.pending_bytes += out.iter().map(|one| one.content_bytes()).sum::<usize>();
                self.pending.push(Pending {
                    position: letter.position(),
                    receipt: encode::receipt(&Receipt {
                        letter: letter.record.position,
                        outputs: out.len(),
                        repaired: repaired.as_ref(),
                    }),
                    became: Became::of(&out, dead_letters),
                    outputs: out.to_records().into_iter().chain(told).collect(),
                });
                let is_full =
                    self.pending.len() >= MOST_LETTERS || self.pending_bytes >= MOST_BYTES;
                if is_full { self.commit() } else { Ok(()) }
            }
        }
    }

    /// A chosen dead letter stays one.
    fn leave(&mut self, position: &At, why: &Fate) -> Result<(), RetryError> {
        self.counts.left += 1;
        Ok((self.tell)(position, why)?)
    }

    /// Writes what is pending; where a topic refuses something of it, each dead letter by itself, so that only the one
    /// to which it belongs stays.
    fn commit(&mut self) -> Result<(), RetryError> {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        match self.write(&pending) {
            Ok(()) => self.written(pending),
            Err(AtomicError::Refused { .. }) => {
                for one in pending {
                    match self.write(std::slice::from_ref(&one)) {
                        Ok(()) => self.written(vec![one])?,
                        Err(error @ AtomicError::Refused { .. }) => {
                            self.leave(&one.position, &Fate::Stays(error.to_string()))?;
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, pending: &[Pending]) -> Result<(), AtomicError> {
        let Some(appender) = self.retry.appender.filter(|_| !pending.is_empty()) else {
            return Ok(());
        };
        appender.write(pending.iter().flat_map(|one| {
            let partition = Partition(one.position.partition);
            let outputs = one.outputs.iter().map(|record| (record, None));
            outputs.chain([(&one.receipt, Some(partition))])
        }))
    }

    fn written(&mut self, pending: Vec<Pending>) -> Result<(), RetryError> {
        self.counts.retried += pending.len();
        for one in pending {
            self.counts.parts += one.became.parts.len();
            (self.tell)(&one.position, &Fate::Retried(one.became))?;
        }
        Ok(())
    }

    /// The value that somebody has repaired, in place of that of the one dead letter that was found.
    fn repair(&mut self) -> Result<(), RetryError> {
        let to_repair = std::mem::take(&mut self.to_repair);
        match &to_repair[..] {
            [] => Ok(()),
            [only] => match Letter::read(only.record()) {
                Some(letter) => self.process(&letter),
                None => Ok(()),
            },
            several => {
                let positions = several.iter().map(|one| At::from(one.record().position));
                Err(RetryError::Several(positions.collect()))
            }
        }
    }

    /// Writes the rest after everything was read.
    pub(super) fn finish(mut self, read: Result<(), ReadError>) -> Summary {
        let ended = match self.failure.take() {
            Some(failure) => Err(failure),
            None => read
                .map_err(RetryError::from)
                .and_then(|()| self.repair())
                .and_then(|()| self.commit()),
        };
        let chosen = self.retry.choice.positions.iter().zip(&self.found);
        let missing = chosen.filter(|(_, found)| !**found);
        Summary {
            counts: self.counts,
            missing: missing.map(|(at, _)| at.clone()).collect(),
            ended,
        }
    }
}
