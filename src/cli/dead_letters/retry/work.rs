//! What is done with each record of the topic of dead letters while it is read: chosen dead letters go through the
//! pipeline, and their outputs and receipts are written, some dead letters in one transaction.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::ControlFlow;

use anyhow::anyhow;
use jiff::Timestamp;

use super::ledger::RetryLedger;
use crate::cli::failure::Failure;
use crate::cli::say::say;
use crate::encode::{self, Receipt};
use crate::event::{Digest, Latest, OutputBuffer, OutputRecord, Partition, RawRecord};
use crate::kafka::Stored;
use crate::kafka::atomic::{AtomicAppender, AtomicError};
use crate::pipeline::{Batch, Pipeline, Reading, Retried};
use crate::query::{DeadLetterChoice, Letter, Receipts};
use crate::view::words::moment;
use crate::view::{At, printable};

/// Most dead letters in a transaction.
const MOST_LETTERS: usize = 100;

/// Bytes of outputs after which a transaction is committed.
const MOST_BYTES: usize = 4 << 20;

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
    fn retry(
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

/// A dead letter that is read, and not yet written.
struct Pending {
    position: At,
    outputs: Vec<OutputRecord>,
    receipt: OutputRecord,
    /// What became of it.
    said: String,
    /// How many parts of it are dead letters of their own.
    parts: usize,
}

/// Numbers of dead letters.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    retried: usize,
    /// Retried by an earlier call.
    before: usize,
    /// Chosen, and still dead letters.
    left: usize,
    /// Parts of those that were retried.
    parts: usize,
}

pub(super) struct Work<'w> {
    pipelines: Pipelines,
    /// `None` if nothing is to be written.
    appender: Option<&'w AtomicAppender>,
    choice: &'w DeadLetterChoice,
    now: Timestamp,
    receipts: &'w Receipts,
    repaired: Option<&'w [u8]>,
    /// The dead letters to be repaired: there must be one.
    to_repair: Vec<Stored>,
    pending: Vec<Pending>,
    pending_bytes: usize,
    /// Which of the chosen positions were found.
    found: Vec<bool>,
    counts: Counts,
    failure: Option<Failure>,
}

impl<'w> Work<'w> {
    pub(super) fn new(
        pipelines: Pipelines,
        appender: Option<&'w AtomicAppender>,
        (choice, now): (&'w DeadLetterChoice, Timestamp),
        receipts: &'w Receipts,
        repaired: Option<&'w [u8]>,
    ) -> Work<'w> {
        Work {
            pipelines,
            appender,
            choice,
            now,
            receipts,
            repaired,
            to_repair: Vec::new(),
            pending: Vec::new(),
            pending_bytes: 0,
            found: vec![false; choice.positions.len()],
            counts: Counts::default(),
            failure: None,
        }
    }

    /// Takes a record of the topic.
    pub(super) fn take(&mut self, record: &RawRecord<'_>) -> ControlFlow<()> {
        let letter = Letter::read(record.clone());
        let Some(letter) = letter.filter(|letter| self.choice.takes(letter, self.now)) else {
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
    fn letter(&mut self, letter: &Letter<'_>) -> Result<(), Failure> {
        if let Some(number) = self.choice.position_of(letter) {
            self.found[number] = true;
        }
        if let Some(retry) = self.receipts.of(letter) {
            self.counts.before += 1;
            // Where all are chosen, most may have been retried long ago.
            if !self.choice.positions.is_empty() {
                let time = retry.time_ms.map(|ms| format!(" at {}", moment(ms, 0)));
                let time = time.unwrap_or_default();
                print(&letter.position(), &format!("was retried{time}"))?;
            }
            return Ok(());
        }
        match self.repaired {
            None => self.process(letter),
            Some(_) => {
                self.to_repair.push(Stored::from(&letter.record));
                Ok(())
            }
        }
    }

    fn process(&mut self, letter: &Letter<'_>) -> Result<(), Failure> {
        let obstacle = match self.repaired {
            Some(_) => letter.lasting_obstacle(),
            None => letter.obstacle(),
        };
        if let Some(obstacle) = obstacle {
            let (word, description) = (obstacle.word(), obstacle.description());
            return self.leave(&letter.position(), &format!("{word}: {description}"));
        }
        let mut out = OutputBuffer::default();
        let now_ms = self.now.as_millisecond();
        let (retried, told) = self
            .pipelines
            .retry(letter, self.repaired, now_ms, &mut out);
        match retried {
            Retried::Unread(why) => self.leave(&letter.position(), &printable(&why)),
            Retried::Read { dead_letters, .. } => {
                let repaired = self.repaired.map(Digest::of);
                self.pending_bytes += out.iter().map(|one| one.content_bytes()).sum::<usize>();
                self.pending.push(Pending {
                    position: letter.position(),
                    receipt: encode::receipt(&Receipt {
                        letter: letter.record.position,
                        outputs: out.len(),
                        repaired: repaired.as_ref(),
                    }),
                    said: said(&out, &dead_letters),
                    parts: dead_letters.len(),
                    outputs: out.to_records().into_iter().chain(told).collect(),
                });
                let is_full =
                    self.pending.len() >= MOST_LETTERS || self.pending_bytes >= MOST_BYTES;
                if is_full { self.commit() } else { Ok(()) }
            }
        }
    }

    /// A chosen dead letter stays one.
    fn leave(&mut self, position: &At, why: &str) -> Result<(), Failure> {
        self.counts.left += 1;
        print(position, &format!("stays a dead letter: {why}"))
    }

    /// Writes what is pending; where a topic refuses something of it, each dead letter by itself, so that only the one
    /// to which it belongs stays.
    fn commit(&mut self) -> Result<(), Failure> {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        match self.write(&pending) {
            Ok(()) => self.written(&pending),
            Err(AtomicError::Refused { .. }) => {
                for one in pending.chunks(1) {
                    match self.write(one) {
                        Ok(()) => self.written(one)?,
                        Err(error @ AtomicError::Refused { .. }) => {
                            self.leave(&one[0].position, &error.to_string())?;
                        }
                        Err(error) => return Err(failed(&error)),
                    }
                }
                Ok(())
            }
            Err(error) => Err(failed(&error)),
        }
    }

    fn write(&self, pending: &[Pending]) -> Result<(), AtomicError> {
        let Some(appender) = self.appender.filter(|_| !pending.is_empty()) else {
            return Ok(());
        };
        appender.write(pending.iter().flat_map(|one| {
            let partition = Partition(one.position.partition);
            let outputs = one.outputs.iter().map(|record| (record, None));
            outputs.chain([(&one.receipt, Some(partition))])
        }))
    }

    fn written(&mut self, pending: &[Pending]) -> Result<(), Failure> {
        let done = match self.appender {
            Some(_) => "retried",
            None => "would be retried",
        };
        self.counts.retried += pending.len();
        for one in pending {
            self.counts.parts += one.parts;
            print(&one.position, &format!("{done}: {}", one.said))?;
        }
        Ok(())
    }

    /// The value that somebody has repaired, in place of that of the one dead letter that was found.
    fn repair(&mut self) -> Result<(), Failure> {
        let to_repair = std::mem::take(&mut self.to_repair);
        match &to_repair[..] {
            [] => Ok(()),
            [only] => match Letter::read(only.record()) {
                Some(letter) => self.process(&letter),
                None => Ok(()),
            },
            several => {
                let positions = several.iter().map(|one| At::from(one.record().position));
                let positions: Vec<String> = positions.map(|at| at.to_string()).collect();
                let positions = positions.join(", ");
                Err(anyhow!("--repaired is for one dead letter; name one of {positions}").into())
            }
        }
    }

    /// Writes the rest after everything was read, and says how many dead letters were retried.
    ///
    /// # Errors
    /// The error of the reading or the writing, or that some dead letters stay.
    pub(super) fn finish(
        mut self,
        read: Result<(), Failure>,
        is_stopped: bool,
    ) -> Result<(), Failure> {
        let worked = match self.failure.take() {
            Some(failure) => Err(failure),
            None => read
                .and_then(|()| self.repair())
                .and_then(|()| self.commit()),
        };
        say(self.counts.text(self.appender.is_none()));
        worked?;
        let missing = self.choice.positions.iter().zip(&self.found);
        let missing = missing.filter(|(_, found)| !**found);
        let mut problems: Vec<String> = match is_stopped {
            true => vec!["stopped before the end of the topic".to_owned()],
            false => missing
                .map(|(at, _)| format!("no dead letter at {at}"))
                .collect(),
        };
        problems.extend(self.counts.problems());
        match problems.is_empty() {
            true => Ok(()),
            false => Err(anyhow!(problems.join("; ")).into()),
        }
    }
}

impl Counts {
    fn text(&self, is_dry_run: bool) -> String {
        let done = match is_dry_run {
            true => "would be retried",
            false => "retried",
        };
        let Counts {
            retried,
            before,
            left,
            ..
        } = self;
        format!("{done}: {retried}, were retried before: {before}, stay dead letters: {left}")
    }

    /// Why not everything is done that was asked for.
    fn problems(&self) -> Vec<String> {
        let of = |count: usize, text: &str| (count > 0).then(|| format!("{count} {text}"));
        let left = of(self.left, "of the chosen dead letters cannot be retried");
        let parts = of(
            self.parts,
            "parts of those that were retried are dead letters of their own",
        );
        left.into_iter().chain(parts).collect()
    }
}

/// What a dead letter became: how many records in which topics, and which parts of it are still dead letters.
fn said(out: &OutputBuffer, dead_letters: &[String]) -> String {
    let mut by_topic: BTreeMap<&str, usize> = BTreeMap::new();
    for output in out.iter() {
        *by_topic.entry(output.topic).or_default() += 1;
    }
    let counts: Vec<String> = by_topic
        .iter()
        .map(|(topic, count)| format!("{count} to {topic}"))
        .collect();
    let mut said = match counts.is_empty() {
        true => "dropped, as the routes or the noise policy say".to_owned(),
        false => counts.join(", "),
    };
    if let Some(first) = dead_letters.first() {
        let (count, first) = (dead_letters.len(), printable(first));
        said += &format!(" ({count} of its parts cannot be written, the first because of {first})");
    }
    said
}

/// Writes what became of a dead letter to standard output.
fn print(position: &At, said: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    Ok(writeln!(out, "{position}  {said}")?)
}

fn failed(error: &AtomicError) -> Failure {
    let again = "call it again: what is retried is not retried twice";
    anyhow!("the destination: {error}; {again}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_letter_became_is_told_by_topic() {
        let mut out = OutputBuffer::default();
        assert!(said(&out, &[]).starts_with("dropped"));
        for topic in ["events", "alerts", "events"] {
            out.push_copy(&topic.into(), None, [], None);
        }
        assert_eq!(said(&out, &[]), "1 to alerts, 2 to events");
        let parts = ["not_json: \u{202e}".to_owned(), "empty: it".to_owned()];
        let said = said(&out, &parts);
        assert!(said.contains("(2 of its parts cannot be written"), "{said}");
        assert!(!said.contains('\u{202e}'), "{said}");
    }

    #[test]
    fn only_what_stays_is_a_problem() {
        let mut counts = Counts {
            retried: 3,
            before: 4,
            ..Counts::default()
        };
        assert!(counts.problems().is_empty());
        (counts.left, counts.parts) = (2, 1);
        let problems = counts.problems();
        assert!(problems[0].starts_with("2 of the chosen"), "{problems:?}");
        assert!(problems[1].starts_with("1 parts"), "{problems:?}");
        assert!(counts.text(true).starts_with("would be retried: 3,"));
    }
}
