//! The role `ingest`: the worker of a session, which sends source records through the pipeline.
//! Invariant: every record becomes an event or a dead letter, even if the pipeline panics on it, and is
//! counted once, when its batch is committed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

mod ledger;
mod totals;

use self::ledger::{Ledger, PartitionLedger};
use self::totals::DayTotals;
use super::clock::now_ms;
use super::outputs;
use crate::alert::{Source, SourceAlert};
use crate::event::{NextOffset, OutputBuffer, Partition, event_and_output};
use crate::kafka::session::{
    Advice, Cause, Gap, Kept, Outputs, Records, Refusal, Refusals, RefusedOutput, SessionConfig,
    SourceRecord, Unreadable, Worker, WorkerState,
};
use crate::kafka::topics::FoundTopic;
use crate::kafka::{ClientError, Cluster};
use crate::observe::SourceObserver;
use crate::pipeline::{
    self, Content, Dropped, EventForm, FindingForm, Forms, LetterForm, LookupCounts, Outcome,
    PANIC, Pipeline, RaisedAlert, Reading, RouteCount, published,
};

/// Describes the topics of these names; a test replaces it.
type Describe = fn(&Cluster, &[&str]) -> Result<Vec<FoundTopic>, ClientError>;

/// What is counted of a batch when it is committed.
#[derive(Debug, Default)]
struct BatchCounts {
    /// Of each event: whether its method is unknown, and its time in ms since the Unix epoch.
    events: Vec<(bool, i64)>,
    inferred: Vec<&'static str>,
    alerts: Vec<RaisedAlert>,
    dead_letters: Vec<&'static str>,
    lookups: LookupCounts,
    panics: usize,
    /// What each route has written or dropped, by its number.
    routes: Vec<RouteCount>,
}

/// What is known of a partition's past.
#[derive(Debug, Default)]
struct PartitionState {
    /// What was dropped today.
    totals: DayTotals,
    ledger: PartitionLedger,
}

/// The worker of one source.
#[derive(Debug)]
pub struct Ingest<'o> {
    pipeline: Pipeline,
    /// The names of the routes, by their numbers.
    routes: Vec<Arc<str>>,
    /// The snapshot of rules and lookups for the current transaction.
    batch: pipeline::Batch,
    observer: &'o SourceObserver,
    source: String,
    topic: String,
    group: String,
    destination: Cluster,
    describe: Describe,
    /// What is written to the ledger, if there is one.
    ledger: Option<Ledger>,
    partitions: BTreeMap<Partition, PartitionState>,
    /// The counts of each batch that is processed and not yet committed, the oldest first.
    pending: VecDeque<BatchCounts>,
}

impl<'o> Ingest<'o> {
    /// Processes the records of `session` with `pipeline`, and counts them with `observer`.
    pub fn new(
        pipeline: Pipeline,
        session: &SessionConfig,
        observer: &'o SourceObserver,
    ) -> Ingest<'o> {
        let pipeline = pipeline.of_source(&session.source_name);
        let routes = pipeline.route_names();
        observer.name_routes(&routes);
        let (name, topic) = (&session.source_name, &session.source_topic);
        Ingest {
            batch: pipeline.begin(),
            ledger: Ledger::new(pipeline.outputs(), name, topic),
            routes,
            pipeline,
            observer,
            source: session.source_name.clone(),
            topic: session.source_topic.clone(),
            group: session.group.clone(),
            destination: session.destination.clone(),
            describe: outputs::describe,
            partitions: BTreeMap::new(),
            pending: VecDeque::new(),
        }
    }

    fn source(&self) -> Source<'_> {
        Source {
            name: &self.source,
            topic: &self.topic,
        }
    }

    /// Write an alert that no record has raised; returns its counts.
    fn raise(&self, alert: &SourceAlert<'_>, outputs: &mut Outputs) -> BatchCounts {
        let mut counts = BatchCounts::default();
        if let Some(raised) = self.pipeline.begin().source_alert(alert, now_ms()) {
            outputs.of(0, |out| out.push_record(&raised.record));
            counts
                .alerts
                .push(RaisedAlert::new(raised.rule, raised.level));
        }
        counts
    }

    fn process_record(
        &mut self,
        source: &SourceRecord<'_>,
        now_ms: i64,
        out: &mut OutputBuffer,
        counts: &mut BatchCounts,
    ) {
        let record = &source.record;
        let partition = record.position.partition;
        let state = self.partitions.entry(partition).or_default();
        let ended = state.totals.advance(source.logged_ms.unwrap_or(now_ms));
        let reading = Reading {
            now_ms,
            logged_ms: source.logged_ms,
            history: source.history,
        };
        let forms = match source.refusals {
            Some(refusals) => forms(self.pipeline.outputs(), refusals),
            None => Forms::WHOLE,
        };
        if let Some(ended) = ended {
            self.batch.write_dropped(&ended, record, &forms, out);
        }
        let first = out.len();
        let outcome = self.batch.process_as(&forms, record, reading, out);
        if let Some(ledger) = &self.ledger {
            let fates = self.batch.fates_of(&outcome);
            let outputs = published(out, first, record.position, self.pipeline.outputs());
            let full = ledger.add(&mut state.ledger, record, fates, outputs);
            ledger.write(partition.0, full, out);
        }
        counts.add(outcome, source, &mut state.totals);
    }

    /// Write to the ledger what was read since its last records; `last` is the index of the batch's last record.
    fn finish_runs(&mut self, last: usize, outputs: &mut Outputs) {
        let Some(ledger) = &self.ledger else {
            return;
        };
        outputs.of(last, |out| {
            for (partition, state) in &mut self.partitions {
                let run = ledger.finish(&mut state.ledger, partition.0);
                ledger.write(partition.0, run.into_iter().collect(), out);
            }
        });
    }
}

impl PartitionState {
    /// As it was committed, at this position. What was dropped of records that are read again is counted anew.
    fn read(kept: Kept<'_>, next: NextOffset) -> PartitionState {
        PartitionState {
            totals: DayTotals::read(kept.state_here()),
            ledger: PartitionLedger::read(kept, next.0),
        }
    }

    fn text(&self, has_ledger: bool) -> Option<WorkerState> {
        let chain = self.ledger.text().filter(|_| has_ledger);
        self.totals.state(chain)
    }
}

impl BatchCounts {
    /// Counts what became of a record.
    fn add(&mut self, outcome: Outcome, source: &SourceRecord<'_>, totals: &mut DayTotals) {
        match outcome {
            Outcome::Event {
                unknown_method,
                inferred,
                event_time_ms,
                alerts,
                dropped,
            } => {
                if let Some(Dropped { noise, bytes }) = dropped {
                    totals.add(noise, bytes);
                }
                self.events.push((unknown_method, event_time_ms));
                self.inferred.extend(inferred);
                self.alerts.extend(alerts);
            }
            Outcome::DeadLetter { reason, alerts } => {
                if reason == PANIC {
                    tracing::error!(position = %source.record.position, "the record caused the panic");
                    self.panics += 1;
                }
                self.dead_letters.push(reason);
                self.alerts.extend(alerts);
            }
            Outcome::Several(outcomes) => {
                for outcome in outcomes {
                    self.add(outcome, source, totals);
                }
            }
        }
    }
}

/// The forms in which the outputs of a record are written again after the cluster has refused some of
/// them. An output that was refused for its size is written smaller. An event that was refused for its
/// content, or in every size, becomes a dead letter; an alert is reduced to its minimal form.
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
        let (event, number) = event_and_output(part);
        let forms = forms.of_event_mut(event);
        match output.content {
            Content::DeadLetters => {
                forms.dead_letter = match by_size {
                    0 => LetterForm::Whole,
                    1 => LetterForm::Cut,
                    _ => LetterForm::Headers,
                };
            }
            Content::Events if by_size + by_content > 0 => {
                let form = match (by_size, by_content) {
                    (1, 0) => EventForm::Slimmed,
                    _ => EventForm::DeadLetter {
                        reason: refused.reason(),
                        detail: detail.clone(),
                    },
                };
                forms.events.push((number, form));
            }
            // The ledger follows the limit of its topic.
            Content::Events | Content::Ledger => {}
            Content::Alerts => {
                let form = match (by_size, by_content) {
                    (1, 0) => FindingForm::Shortened,
                    _ => FindingForm::Minimal,
                };
                forms.findings.push((number, form));
            }
        }
    }
    forms
}

impl Worker for Ingest<'_> {
    fn on_position(&mut self, partition: Partition, next: NextOffset, kept: Kept<'_>) {
        let state = PartitionState::read(kept, next);
        self.partitions.insert(partition, state);
    }

    fn state(&self, partition: Partition) -> Option<WorkerState> {
        let state = self.partitions.get(&partition)?;
        state.text(self.ledger.is_some())
    }

    fn on_revoke(&mut self, partitions: &[Partition]) {
        self.partitions
            .retain(|partition, _| !partitions.contains(partition));
    }

    fn on_begin(&mut self) {
        self.pipeline.begin_next(&mut self.batch);
    }

    fn on_batch(&mut self, batch: &mut dyn Records, outputs: &mut Outputs) -> Result<(), Refusal> {
        let now_ms = now_ms();
        let mut counts = BatchCounts::default();
        let mut source_index = 0;
        while let Some(source) = batch.next_record() {
            outputs.of(source_index, |out| {
                self.process_record(&source, now_ms, out, &mut counts)
            });
            source_index += 1;
        }
        if let Some(last) = source_index.checked_sub(1) {
            self.finish_runs(last, outputs);
        }
        counts.routes = self.batch.take_counts();
        counts.lookups = self.batch.take_lookup_counts();
        self.pending.push_back(counts);
        Ok(())
    }

    fn on_refused(&mut self, refused: &[(&str, Cause)]) -> Advice {
        let known = self.pipeline.outputs();
        let found = match (self.describe)(&self.destination, &known.topics()) {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "cannot describe the output topics after a refusal");
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
        self.ledger = Ledger::new(self.pipeline.outputs(), &self.source, &self.topic);
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
        let counts = self.raise(&alert, outputs);
        self.pending.push_back(counts);
    }

    fn on_gap(&mut self, gap: &Gap, kept: Kept<'_>, outputs: &mut Outputs) -> Option<WorkerState> {
        let alert = SourceAlert::expired(
            self.source(),
            gap.partition,
            (gap.from, gap.to),
            gap.records,
        );
        let counts = self.raise(&alert, outputs);
        self.pending.push_back(counts);
        let mut state = PartitionState::read(kept, gap.from);
        if let Some(ledger) = &self.ledger {
            let partition = gap.partition.0;
            let values = ledger.gap(&mut state.ledger, partition, (gap.from.0, gap.to.0));
            outputs.of(0, |out| ledger.write(partition, values, out));
        }
        state.text(self.ledger.is_some())
    }

    fn on_positions_lost(
        &mut self,
        noted: &BTreeMap<Partition, NextOffset>,
        outputs: &mut Outputs,
    ) {
        let alert = SourceAlert::positions_lost(self.source(), &self.group, noted);
        let counts = self.raise(&alert, outputs);
        self.pending.push_back(counts);
    }

    fn on_abort(&mut self) {
        self.pending.clear();
    }

    fn on_commit(&mut self) {
        let Some(counts) = self.pending.pop_front() else {
            return;
        };
        let now_ms = now_ms();
        for (unknown_method, event_time_ms) in counts.events {
            // 0 is an unknown time.
            let delay_ms = (event_time_ms > 0).then(|| now_ms.saturating_sub(event_time_ms));
            self.observer.event(unknown_method, delay_ms);
        }
        for of in counts.inferred {
            self.observer.inferred(of);
        }
        for alert in counts.alerts {
            self.observer.alert(&alert.rule, alert.level);
            if alert.suppressed {
                self.observer.suppressed(&alert.rule);
            }
        }
        self.observer.lookups(&counts.lookups);
        for reason in counts.dead_letters {
            self.observer.dead_letter(reason);
        }
        for (route, count) in self.routes.iter().zip(counts.routes) {
            self.observer.routed(route, count.records, count.bytes);
        }
        for _ in 0..counts.panics {
            self.observer.panicked();
        }
    }
}

#[cfg(test)]
mod tests;
