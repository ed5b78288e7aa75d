//! Ingest: source records through the pipeline, as the worker of a session.
//! Invariant: every record ends in an event or a dead letter, whatever it does to the pipeline, and
//! is counted once, when its batch is committed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::clock::now_ms;
use super::outputs;
use crate::alert::{Source, SourceAlert};
use crate::event::{NextOffset, OutputBuffer, Partition};
use crate::kafka::session::{
    Advice, Cause, Gap, Outputs, Refusal, Refusals, RefusedOutput, SessionConfig, SourceRecord,
    Unreadable, Worker,
};
use crate::kafka::topics::FoundTopic;
use crate::kafka::{ClientError, Cluster};
use crate::observe::SourceObserver;
use crate::pipeline::{
    self, Content, EventForm, FindingForm, Forms, LetterForm, Outcome, PANIC, Pipeline, Reading,
};
use crate::sigma::Level;

/// Asks a cluster for its topics of these names.
type Describe = fn(&Cluster, &[&str]) -> Result<Vec<FoundTopic>, ClientError>;

/// What a batch amounts to, once it is committed.
#[derive(Debug, Default)]
struct Tally {
    /// Whether the method is unknown, and the event's time in ms since the Unix epoch.
    events: Vec<(bool, i64)>,
    inferred: Vec<&'static str>,
    alerts: Vec<(Arc<str>, Level)>,
    dead_letters: Vec<&'static str>,
    panics: usize,
}

/// The worker of one source.
#[derive(Debug)]
pub struct Ingest<'o> {
    pipeline: Pipeline,
    /// For the records of the transaction that is being filled.
    batch: pipeline::Batch,
    observer: &'o SourceObserver,
    source: String,
    topic: String,
    group: String,
    destination: Cluster,
    describe: Describe,
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
        let pipeline = pipeline.of_source(&session.source_name);
        Ingest {
            batch: pipeline.begin(),
            pipeline,
            observer,
            source: session.source_name.clone(),
            topic: session.source_topic.clone(),
            group: session.group.clone(),
            destination: session.destination.clone(),
            describe: outputs::describe,
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
        let mut tally = Tally::default();
        if let Some(raised) = self.pipeline.begin().source_alert(alert, now_ms()) {
            outputs.of(0, |out| out.push_record(&raised.record));
            tally.alerts.push((raised.rule.into(), raised.level));
        }
        tally
    }

    fn one(
        &self,
        source: &SourceRecord<'_>,
        now_ms: i64,
        out: &mut OutputBuffer,
        tally: &mut Tally,
    ) {
        let record = &source.record;
        let reading = Reading {
            now_ms,
            logged_ms: source.logged_ms,
            history: source.history,
        };
        let outcome = match source.refusals {
            None => self.batch.process(record, reading, out),
            Some(refusals) => {
                let forms = forms(self.pipeline.outputs(), refusals);
                self.batch.process_as(&forms, record, reading, out)
            }
        };
        match outcome {
            Outcome::Event {
                unknown_method,
                inferred,
                event_time_ms,
                alerts,
            } => {
                tally.events.push((unknown_method, event_time_ms));
                tally.inferred.extend(inferred);
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

/// The forms in which the outputs of a record are written of which some were refused. Only what was
/// refused for its size becomes smaller; an event that was refused for its content, or in every size,
/// becomes a dead letter, and an alert is reduced to the least.
fn forms(outputs: &pipeline::OutputList, refusals: &Refusals) -> Forms {
    let mut forms = Forms::WHOLE;
    for refused in refusals.iter() {
        let RefusedOutput {
            part,
            ref topic,
            ref detail,
            by_size,
            by_content,
        } = *refused;
        let Some(output) = outputs.in_topic(topic) else {
            continue;
        };
        match output.content {
            Content::DeadLetters => {
                forms.dead_letter = match by_size {
                    0 => LetterForm::Whole,
                    1 => LetterForm::Cut,
                    _ => LetterForm::Headers,
                };
            }
            Content::Events if by_size + by_content > 0 => {
                forms.event = match (by_size, by_content) {
                    (1, 0) => EventForm::Slimmed,
                    _ => EventForm::DeadLetter {
                        reason: refused.reason(),
                        detail: detail.clone(),
                    },
                };
            }
            Content::Events => {}
            Content::Alerts => {
                let form = match (by_size, by_content) {
                    (1, 0) => FindingForm::Shortened,
                    _ => FindingForm::Minimal,
                };
                forms.findings.push((part, form));
            }
        }
    }
    forms
}

impl Worker for Ingest<'_> {
    fn on_begin(&mut self) {
        self.batch = self.pipeline.begin();
    }

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

    fn on_refused(&mut self, refused: &[(&str, Cause)]) -> Advice {
        let known = self.pipeline.outputs();
        let found = match (self.describe)(&self.destination, &known.topics()) {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "the settings of the output topics are not known");
                return Advice::Replace;
            }
        };
        let by_content = |topic: &&FoundTopic| refused.contains(&(&topic.name, Cause::Content));
        for topic in found.iter().filter(by_content) {
            if let Some(setting) = topic.refuses_sound_records() {
                return Advice::Repair {
                    reason: "topic_refuses_records",
                    remedy: format!(
                        "{} refuses records because of its setting {setting}: correct it (an output \
                         topic has cleanup.policy=delete, and validates no schemas)",
                        topic.name
                    ),
                };
            }
        }
        let now = outputs::limited(known, &found);
        if now == *known {
            return Advice::Replace;
        }
        let batch_bytes = now.smallest_bytes();
        self.pipeline.set_outputs(now);
        Advice::Fit { batch_bytes }
    }

    fn on_unreadable(&mut self, unreadable: &Unreadable, outputs: &mut Outputs) {
        let alert = SourceAlert::unreadable(
            self.source(),
            unreadable.partition,
            unreadable.offset,
            unreadable.past(),
            &unreadable.detail,
        );
        let tally = self.raise(&alert, outputs);
        self.pending.push_back(tally);
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
        for of in tally.inferred {
            self.observer.inferred(of);
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
