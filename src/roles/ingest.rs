//! Ingest: source records through the pipeline, as the worker of a session.
//! Invariant: every record ends in an event or a dead letter, whatever it does to the pipeline, and
//! is counted once, when its batch is committed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::clock::now_ms;
use crate::alert::{Source, SourceAlert};
use crate::event::{NextOffset, OutputBuffer, Partition};
use crate::kafka::session::{Gap, Outputs, Refusal, SessionConfig, SourceRecord, Worker};
use crate::observe::SourceObserver;
use crate::pipeline::{Outcome, PANIC, Pipeline, Reading};
use crate::sigma::Level;

/// From this attempt on the dead letter itself was refused, and is cut.
const CUT_FROM_ATTEMPT: u32 = 2;

/// What a batch amounts to, once it is committed.
#[derive(Debug, Default)]
struct Tally {
    /// Whether the method is unknown, and the event's time in ms since the Unix epoch.
    events: Vec<(bool, i64)>,
    alerts: Vec<(Arc<str>, Level)>,
    dead_letters: Vec<&'static str>,
    panics: usize,
}

/// The worker of one source.
#[derive(Debug)]
pub struct Ingest<'o> {
    pipeline: Pipeline,
    observer: &'o SourceObserver,
    source: String,
    topic: String,
    group: String,
    /// Processed and not yet committed, the oldest first: one for each batch.
    pending: VecDeque<Tally>,
}

impl<'o> Ingest<'o> {
    /// Process what `session` reads with `pipeline`, count with `observer`.
    pub fn new(
        pipeline: Pipeline,
        session: &SessionConfig,
        observer: &'o SourceObserver,
    ) -> Ingest<'o> {
        Ingest {
            pipeline,
            observer,
            source: session.source_name.clone(),
            topic: session.source_topic.clone(),
            group: session.group.clone(),
            pending: VecDeque::new(),
        }
    }

    fn source(&self) -> Source<'_> {
        Source {
            name: &self.source,
            topic: &self.topic,
        }
    }

    /// Write an alert that no record has raised; what is to be counted of it.
    fn raise(&self, alert: &SourceAlert<'_>, outputs: &mut Outputs) -> Tally {
        let record = self.pipeline.source_alert(alert, now_ms());
        outputs.of(0, |out| out.push_record(&record));
        Tally {
            alerts: vec![(alert.rule.id.into(), alert.rule.level)],
            ..Tally::default()
        }
    }

    fn one(
        &self,
        source: &SourceRecord<'_>,
        now_ms: i64,
        out: &mut OutputBuffer,
        tally: &mut Tally,
    ) {
        let record = &source.record;
        if let Some(quarantine) = source.quarantine {
            let cut = quarantine.attempt >= CUT_FROM_ATTEMPT;
            let (reason, detail) = (quarantine.reason, &quarantine.detail);
            self.pipeline.refuse(record, reason, detail, cut, out);
            tally.dead_letters.push(reason);
            return;
        }
        let reading = Reading {
            now_ms,
            logged_ms: source.logged_ms,
            history: source.history,
        };
        match self.pipeline.process(record, reading, out) {
            Outcome::Event {
                unknown_method,
                event_time_ms,
                alerts,
            } => {
                tally.events.push((unknown_method, event_time_ms));
                tally.alerts.extend(alerts);
            }
            Outcome::DeadLetter { reason, alerts } => {
                if reason == PANIC {
                    tracing::error!(position = %record.position, "the record caused the panic");
                    tally.panics += 1;
                }
                tally.dead_letters.push(reason);
                tally.alerts.extend(alerts);
            }
        }
    }
}

impl Worker for Ingest<'_> {
    fn on_batch(
        &mut self,
        batch: &[SourceRecord<'_>],
        outputs: &mut Outputs,
    ) -> Result<(), Refusal> {
        let now_ms = now_ms();
        let mut tally = Tally::default();
        for (source_index, source) in batch.iter().enumerate() {
            outputs.of(source_index, |out| {
                self.one(source, now_ms, out, &mut tally)
            });
        }
        self.pending.push_back(tally);
        Ok(())
    }

    fn on_gap(&mut self, gap: &Gap, outputs: &mut Outputs) {
        let alert = SourceAlert::expired(self.source(), gap.partition, gap.from, gap.to);
        let tally = self.raise(&alert, outputs);
        self.pending.push_back(tally);
    }

    fn on_positions_lost(
        &mut self,
        noted: &BTreeMap<Partition, NextOffset>,
        outputs: &mut Outputs,
    ) {
        let alert = SourceAlert::positions_lost(self.source(), &self.group, noted);
        let tally = self.raise(&alert, outputs);
        self.pending.push_back(tally);
    }

    fn on_abort(&mut self) {
        self.pending.clear();
    }

    fn on_commit(&mut self) {
        let Some(tally) = self.pending.pop_front() else {
            return;
        };
        let now_ms = now_ms();
        for (unknown_method, event_time_ms) in tally.events {
            // 0 stands for a time that nobody knows.
            let delay_ms = (event_time_ms > 0).then(|| now_ms.saturating_sub(event_time_ms));
            self.observer.event(unknown_method, delay_ms);
        }
        for (rule, level) in tally.alerts {
            self.observer.alert(&rule, level);
        }
        for reason in tally.dead_letters {
            self.observer.dead_letter(reason);
        }
        for _ in 0..tally.panics {
            self.observer.panicked();
        }
    }
}

#[cfg(test)]
mod tests;
