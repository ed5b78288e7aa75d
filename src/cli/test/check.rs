//! Runs one test through the pipeline and explains why it fails.

use crate::cli::explainer::{Explained, Explainer};
use crate::pipeline::Outcome;
use crate::rules::LoadedRule;
use crate::rules::test::{Coverage, Mismatch, TestCase};
use crate::sigma::{Level, RuleIndex};
use crate::view::{Paint, rule_outcome};

/// Why a test failed.
pub(super) struct CaseFailure {
    pub(super) mismatch: Mismatch,
    /// What became of the record, and what each part of the rule answered, as lines of text.
    pub(super) explanation: String,
}

/// Runs the test of a rule; `None` if it passes. What its events exercise is added to `coverage`.
pub(super) fn check<P>(
    explainer: &Explainer<'_>,
    (index, rule): (RuleIndex, &LoadedRule<P>),
    case: &TestCase,
    coverage: &mut Coverage,
) -> Option<CaseFailure> {
    let explained = explainer.explain(index, &case.event, Paint::PLAIN);
    let outcomes = &explained.rule_outcomes;
    outcomes.iter().for_each(|outcome| coverage.add(outcome));
    let mut raised = Vec::new();
    levels_of(&explained.outcome, rule.rule.id.as_str(), &mut raised);
    let mismatch = case.mismatch(&raised)?;
    let explanation = explanation(&explained, &mismatch);
    Some(CaseFailure {
        mismatch,
        explanation,
    })
}

fn explanation(explained: &Explained<'_>, mismatch: &Mismatch) -> String {
    let letters = explained.dead_letters.iter();
    let mut text: String = letters.map(|letter| format!("{letter}\n")).collect();
    // If only the levels differ, the rule answered as expected.
    if !mismatch.is_of_count() {
        return text;
    }
    let outcomes = &explained.rule_outcomes;
    for (number, outcome) in (1..).zip(outcomes) {
        if outcomes.len() > 1 {
            text.push_str(&format!("event {number} of {}:\n", outcomes.len()));
        }
        text.push_str(&rule_outcome(outcome, 0, Paint::PLAIN));
    }
    text
}

/// Appends the level of every alert of the rule with this id.
fn levels_of(outcome: &Outcome, id: &str, levels: &mut Vec<Level>) {
    match outcome {
        Outcome::Event { alerts, .. } | Outcome::DeadLetter { alerts, .. } => {
            let own = alerts.iter().filter(|alert| *alert.rule == *id);
            levels.extend(own.map(|alert| alert.level));
        }
        Outcome::Several(outcomes) => {
            outcomes
                .iter()
                .for_each(|outcome| levels_of(outcome, id, levels));
        }
    }
}
