//! Runs one record through the pipeline, and explains what one rule answers for each of its events.

use super::shipped;
use crate::event::{Output, OutputBuffer, RawRecord};
use crate::pipeline::{self, Batch, Content, Outcome, OutputList, Pipeline};
use crate::rules::{LoadedSuppression, RuleSet};
use crate::sigma::{RuleIndex, RuleOutcome, Scratch};
use crate::view::{Emitted, Paint, line, printable};

/// The pipeline and the rules in it.
pub(super) struct Explainer<'r> {
    batch: Batch,
    rules: &'r RuleSet<pipeline::Path>,
    outputs: OutputList,
    now_ms: i64,
}

/// What became of a record.
pub(super) struct Explained<'r> {
    pub(super) outcome: Outcome,
    /// What the rule answers for each event of the record.
    pub(super) rule_outcomes: Vec<RuleOutcome<'r>>,
    /// For each of these events, the suppression of the alert that the rule would raise.
    pub(super) suppressions: Vec<Option<&'r LoadedSuppression>>,
    /// Each event as a line for people.
    pub(super) events: Vec<String>,
    /// Each dead letter with its reason, as a sentence.
    pub(super) dead_letters: Vec<String>,
}

impl<'r> Explainer<'r> {
    /// `rules` are those of the pipeline, which writes to the topics of a default configuration.
    pub(super) fn new(pipeline: &Pipeline, rules: &'r RuleSet<pipeline::Path>) -> Explainer<'r> {
        Explainer {
            batch: pipeline.begin(),
            rules,
            outputs: shipped::outputs(),
            now_ms: jiff::Timestamp::now().as_millisecond(),
        }
    }

    /// Runs the record with this value through the pipeline. `paint` is for the lines of the events.
    pub(super) fn explain(&self, rule: RuleIndex, value: &[u8], paint: Paint) -> Explained<'r> {
        let record = RawRecord::of_value("test", value);
        let mut out = OutputBuffer::default();
        let outcome = self.batch.process(&record, self.now_ms, &mut out);
        let (mut rule_outcomes, mut suppressions) = (Vec::new(), Vec::new());
        self.batch.visit_events(&record, &mut |event| {
            rule_outcomes.extend(self.rules.outcome(rule, event));
            let scratch = &mut Scratch::default();
            suppressions.push(self.rules.suppression(rule, event, self.now_ms, scratch));
        });
        let of = |content| {
            let topic = &self.outputs.of(content).topic;
            out.iter().filter(move |output| output.topic == topic)
        };
        let events = of(Content::Events).filter_map(|output| {
            let event = Emitted::value(output.value?);
            Some(line(&event, paint))
        });
        Explained {
            rule_outcomes,
            suppressions,
            events: events.collect(),
            dead_letters: of(Content::DeadLetters).map(dead_letter).collect(),
            outcome,
        }
    }
}

fn dead_letter(letter: Output<'_>) -> String {
    let header = |name: &str| {
        let found = letter.headers().find(|header| header.name == name);
        let value = found.and_then(|header| header.value).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    };
    let (reason, detail) = (header("watchbell-reason"), header("watchbell-detail"));
    let text = format!("the record became a dead letter, so no rule saw it: {reason}: {detail}");
    printable(&text).into_owned()
}
