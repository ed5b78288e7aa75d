//! The summary of a replay, which is printed on standard error.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use indicatif::HumanCount;

use crate::pipeline::Outcome;
use crate::sigma::Level;

/// Counts of events, alerts and dead letters.
#[derive(Debug, Default)]
pub(super) struct Summary {
    events: u64,
    /// Number of alerts by level and rule id.
    alerts: BTreeMap<(Reverse<Level>, Arc<str>), u64>,
    /// Number of dead letters by reason.
    dead_letters: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// Counts the outcome of one record.
    pub(super) fn count(&mut self, outcome: Outcome) {
        let alerts = match outcome {
            Outcome::Event { alerts, .. } => {
                self.events += 1;
                alerts
            }
            Outcome::DeadLetter { reason, alerts } => {
                *self.dead_letters.entry(reason).or_default() += 1;
                alerts
            }
            Outcome::Several(outcomes) => {
                outcomes.into_iter().for_each(|outcome| self.count(outcome));
                return;
            }
        };
        for (rule, level) in alerts {
            *self.alerts.entry((Reverse(level), rule)).or_default() += 1;
        }
    }

    /// Adds the counts of another summary.
    pub(super) fn add(&mut self, other: Summary) {
        self.events += other.events;
        for (alert, count) in other.alerts {
            *self.alerts.entry(alert).or_default() += count;
        }
        for (reason, count) in other.dead_letters {
            *self.dead_letters.entry(reason).or_default() += count;
        }
    }

    /// The summary as text, with the alerts of the highest level first; `title` returns the title of a rule.
    pub(super) fn text(&self, duration: Duration, title: impl Fn(&str) -> String) -> String {
        let alerts: u64 = self.alerts.values().sum();
        let dead_letters: u64 = self.dead_letters.values().sum();
        let records = self.events + dead_letters;
        let seconds = duration.as_secs_f64();
        let rate = records as f64 / seconds.max(f64::MIN_POSITIVE);
        let mut text = String::new();
        let mut line = |count: u64, what: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:>12} {what}", HumanCount(count).to_string());
        };
        let rate = HumanCount(rate as u64);
        line(
            records,
            &format!("records in {seconds:.2} s, {rate} a second"),
        );
        line(self.events, "events");
        line(alerts, "alerts");
        for ((Reverse(level), rule), count) in &self.alerts {
            line(*count, &format!("  {:<8} {}", level.as_str(), title(rule)));
        }
        line(dead_letters, "dead letters");
        for (reason, count) in &self.dead_letters {
            line(*count, &format!("  {reason}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_by_rule_and_reason_with_the_worst_first() {
        let mut summary = Summary::default();
        for (rule, level) in [("b", Level::Low), ("a", Level::High), ("b", Level::Low)] {
            let mut other = Summary::default();
            other.count(Outcome::Event {
                unknown_method: false,
                inferred: Vec::new(),
                event_time_ms: 0,
                alerts: vec![(rule.into(), level)],
            });
            summary.add(other);
        }
        summary.count(Outcome::DeadLetter {
            reason: "not_json",
            alerts: Vec::new(),
        });
        let text = summary.text(Duration::from_secs(2), |rule| format!("Rule {rule}"));
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        assert_eq!(
            lines,
            [
                "4 records in 2.00 s, 2 a second",
                "3 events",
                "3 alerts",
                "1   high     Rule a",
                "2   low      Rule b",
                "1 dead letters",
                "1   not_json",
            ]
        );
    }
}
