//! Runs one test through the pipeline and explains why it fails.

use crate::event::{Offset, Output, OutputBuffer, Partition, Position, RawRecord};
use crate::pipeline::{self, Batch, Content, Outcome, OutputList, Pipeline};
use crate::rules::RuleSet;
use crate::rules::test::{Coverage, Mismatch, TestCase};
use crate::sigma::{Level, RuleIndex};
use crate::view::{Paint, printable, rule_outcome};

/// The pipeline with the rules under test.
pub(super) struct Checker<'r> {
    batch: Batch,
    rules: &'r RuleSet<pipeline::Path>,
    outputs: &'r OutputList,
    now_ms: i64,
}

/// Why a test failed.
pub(super) struct CaseFailure {
    pub(super) mismatch: Mismatch,
    /// What became of the record, and what each part of the rule answered, as lines of text.
    pub(super) explanation: String,
}

impl<'r> Checker<'r> {
    /// `rules` are those of the pipeline, and `outputs` its outputs.
    pub(super) fn new(
        pipeline: &Pipeline,
        rules: &'r RuleSet<pipeline::Path>,
        outputs: &'r OutputList,
    ) -> Checker<'r> {
        Checker {
            batch: pipeline.begin(),
            rules,
            outputs,
            now_ms: jiff::Timestamp::now().as_millisecond(),
        }
    }

    /// Runs the test of a rule; `None` if it passes. What its events exercise is added to `coverage`.
    pub(super) fn check(
        &self,
        rule: RuleIndex,
        case: &TestCase,
        coverage: &mut Coverage,
    ) -> Option<CaseFailure> {
        let record = RawRecord {
            position: Position {
                topic: "test",
                partition: Partition(0),
                offset: Offset(0),
                element: None,
            },
            timestamp_ms: None,
            key: None,
            value: Some(&case.event),
            headers: Vec::new(),
        };
        let mut out = OutputBuffer::default();
        let outcome = self.batch.process(&record, self.now_ms, &mut out);
        let mut raised = Vec::new();
        let id = self.rules.rules().get(rule)?.rule.id.as_str();
        levels_of(&outcome, id, &mut raised);
        let mismatch = case.mismatch(&raised);
        let mut trees = Vec::new();
        self.batch.visit_events(&record, &mut |event| {
            let Some(outcome) = self.rules.outcome(rule, event) else {
                return;
            };
            coverage.add(&outcome);
            // If only the levels differ, the rule answered as expected.
            if mismatch.as_ref().is_some_and(Mismatch::is_of_count) {
                trees.push(rule_outcome(&outcome, 0, Paint::PLAIN));
            }
        });
        let mismatch = mismatch?;
        let mut explanation = self.dead_letters(&out);
        for (number, tree) in (1..).zip(&trees) {
            if trees.len() > 1 {
                explanation.push_str(&format!("event {number} of {}:\n", trees.len()));
            }
            explanation.push_str(tree);
        }
        Some(CaseFailure {
            mismatch,
            explanation,
        })
    }

    /// A line for each dead letter, with its reason.
    fn dead_letters(&self, out: &OutputBuffer) -> String {
        let topic = &self.outputs.of(Content::DeadLetters).topic;
        let letters = out.iter().filter(|output| output.topic == topic);
        let lines = letters.map(|letter| {
            let (reason, detail) = (
                header(letter, "watchbell-reason"),
                header(letter, "watchbell-detail"),
            );
            let line =
                format!("the record became a dead letter, so no rule saw it: {reason}: {detail}");
            format!("{}\n", printable(&line))
        });
        lines.collect()
    }
}

fn header(output: Output<'_>, name: &str) -> String {
    let found = output.headers().find(|header| header.name == name);
    let value = found.and_then(|header| header.value).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

/// Appends the level of every alert of the rule with this id.
fn levels_of(outcome: &Outcome, id: &str, levels: &mut Vec<Level>) {
    match outcome {
        Outcome::Event { alerts, .. } | Outcome::DeadLetter { alerts, .. } => {
            let own = alerts.iter().filter(|(rule, _)| **rule == *id);
            levels.extend(own.map(|(_, level)| *level));
        }
        Outcome::Several(outcomes) => {
            outcomes
                .iter()
                .for_each(|outcome| levels_of(outcome, id, levels));
        }
    }
}
