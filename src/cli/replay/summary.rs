//! What a replay found: the numbers of events and dead letters, and the alerts of each rule by day. Its short form
//! is printed on standard error after every replay; the other modules print the whole of it, and compare it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use indicatif::HumanCount;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::event::RawRecord;
use crate::event::secret::without_secrets;
use crate::finding::path;
use crate::pipeline::Outcome;
use crate::sigma::Level;
use crate::view::{At, Emitted};

/// The number of alerts of each rule that are kept as samples.
const SAMPLES: usize = 3;

/// Counts of events, alerts and dead letters.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) events: u64,
    /// The alerts by level and rule id, the highest level first.
    pub(super) alerts: BTreeMap<(Reverse<Level>, Arc<str>), RuleAlerts>,
    /// Number of dead letters by reason.
    pub(super) dead_letters: BTreeMap<&'static str, u64>,
}

/// The alerts of one rule.
#[derive(Debug, Default)]
pub(super) struct RuleAlerts {
    /// The number of alerts by day, without those that are suppressed.
    pub(super) days: BTreeMap<Day, u64>,
    /// The number of alerts that a suppression keeps from people.
    pub(super) suppressed: u64,
    /// The oldest alerts that are not suppressed, in their order; empty if samples were not asked for.
    pub(super) samples: Vec<Sample>,
}

/// A day in UTC; `None` for alerts whose time is not known.
pub(super) type Day = Option<Date>;

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sample {
    /// The time of its event, milliseconds since the Unix epoch.
    pub(super) time_ms: i64,
    /// Where its record is, such as `audit.json/0@17`.
    pub(super) at: String,
    /// Its title.
    pub(super) title: String,
}

impl Summary {
    /// Counts the outcome of one record, which has this timestamp.
    pub(super) fn count(&mut self, outcome: Outcome, timestamp_ms: Option<i64>) {
        let (alerts, time_ms) = match outcome {
            Outcome::Event {
                alerts,
                event_time_ms,
                ..
            } => {
                self.events += 1;
                (alerts, Some(event_time_ms).filter(|time| *time != 0))
            }
            Outcome::DeadLetter { reason, alerts } => {
                *self.dead_letters.entry(reason).or_default() += 1;
                (alerts, timestamp_ms)
            }
            Outcome::Several(outcomes) => {
                for outcome in outcomes {
                    self.count(outcome, timestamp_ms);
                }
                return;
            }
        };
        for alert in alerts {
            let of_rule = (Reverse(alert.level), alert.rule);
            let of_rule = self.alerts.entry(of_rule).or_default();
            if alert.suppressed {
                of_rule.suppressed += 1;
            } else {
                *of_rule.days.entry(time_ms.and_then(day)).or_default() += 1;
            }
        }
    }

    /// Keeps an alert as a sample of its rule, if it is one of the oldest. `source` is the record that raised it.
    pub(super) fn sample(&mut self, alert: &[u8], source: &RawRecord<'_>) {
        let alert = Emitted::value(alert);
        let root = alert
            .root()
            .filter(|root| root.at(path::SUPPRESSION).is_none());
        let Some(root) = root else {
            return;
        };
        let rule = root.text(path::RULE_ID).unwrap_or_default();
        let title = root.text(path::MESSAGE).unwrap_or_default();
        let of_rule = self.alerts.iter_mut().find(|((_, id), _)| **id == *rule);
        if let Some((_, of_rule)) = of_rule {
            of_rule.keep(Sample {
                time_ms: root.int(path::TIME).unwrap_or_default(),
                at: At::from(source.position).to_string(),
                title: without_secrets(&title).into_owned(),
            });
        }
    }

    /// Adds the counts and samples of another summary.
    pub(super) fn add(&mut self, other: Summary) {
        self.events += other.events;
        for (rule, alerts) in other.alerts {
            let of_rule = self.alerts.entry(rule).or_default();
            of_rule.suppressed += alerts.suppressed;
            for (day, count) in alerts.days {
                *of_rule.days.entry(day).or_default() += count;
            }
            alerts
                .samples
                .into_iter()
                .for_each(|sample| of_rule.keep(sample));
        }
        for (reason, count) in other.dead_letters {
            *self.dead_letters.entry(reason).or_default() += count;
        }
    }

    /// The number of records of which something became.
    pub(super) fn records(&self) -> u64 {
        self.events + self.dead_letters.values().sum::<u64>()
    }

    /// The number of alerts of all rules that are suppressed.
    fn suppressed(&self) -> u64 {
        self.alerts.values().map(|alerts| alerts.suppressed).sum()
    }

    /// The number of alerts of all rules that are not suppressed.
    pub(super) fn alert_count(&self) -> u64 {
        self.alerts.values().map(RuleAlerts::count).sum()
    }

    /// The short form, with the alerts of the highest level first; `title` returns the title of a rule. The lines of
    /// the rules are left out if `with_rules` is false.
    pub(super) fn text(
        &self,
        duration: Duration,
        with_rules: bool,
        title: impl Fn(&str) -> String,
    ) -> String {
        let records = self.records();
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
        line(self.alert_count(), "alerts");
        let raised = |(_, alerts): &(_, &RuleAlerts)| with_rules && alerts.count() > 0;
        let of_rules = self.alerts.iter().filter(raised);
        for ((Reverse(level), rule), alerts) in of_rules {
            let what = format!("  {:<8} {}", level.as_str(), title(rule));
            line(alerts.count(), &what);
        }
        if self.suppressed() > 0 {
            line(self.suppressed(), "suppressed alerts");
        }
        line(self.dead_letters.values().sum(), "dead letters");
        for (reason, count) in &self.dead_letters {
            line(*count, &format!("  {reason}"));
        }
        text
    }
}

impl RuleAlerts {
    /// The number of alerts of all days that are not suppressed.
    pub(super) fn count(&self) -> u64 {
        self.days.values().sum()
    }

    /// Keeps the sample if it is one of the oldest. The order does not depend on how the input was divided among
    /// the threads.
    fn keep(&mut self, sample: Sample) {
        let place = self.samples.partition_point(|kept| *kept <= sample);
        if place < SAMPLES {
            self.samples.insert(place, sample);
            self.samples.truncate(SAMPLES);
        }
    }
}

/// The day in UTC; `None` for a time beyond the calendar's range.
fn day(time_ms: i64) -> Day {
    let time = jiff::Timestamp::from_millisecond(time_ms).ok()?;
    Some(TimeZone::UTC.to_datetime(time).date())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::RaisedAlert;

    /// An event with one alert of each of these rules.
    fn event(time_ms: i64, alerts: &[(&str, Level)]) -> Outcome {
        let alerts = alerts
            .iter()
            .map(|(rule, level)| RaisedAlert::new(*rule, *level));
        Outcome::Event {
            unknown_method: false,
            inferred: Vec::new(),
            event_time_ms: time_ms,
            alerts: alerts.collect(),
            dropped: None,
        }
    }

    #[test]
    fn it_counts_by_rule_and_reason_with_the_worst_first() {
        let mut summary = Summary::default();
        for (rule, level) in [("b", Level::Low), ("a", Level::High), ("b", Level::Low)] {
            let mut other = Summary::default();
            other.count(event(0, &[(rule, level)]), None);
            summary.add(other);
        }
        let dead_letter = Outcome::DeadLetter {
            reason: "not_json",
            alerts: Vec::new(),
        };
        summary.count(dead_letter, None);
        let text = |with_rules| {
            let title = |rule: &str| format!("Rule {rule}");
            let text = summary.text(Duration::from_secs(2), with_rules, title);
            let lines = text.lines().map(|line| line.trim_start().to_owned());
            lines.collect::<Vec<_>>()
        };
        let (head, rules, tail) = (
            ["4 records in 2.00 s, 2 a second", "3 events", "3 alerts"],
            ["1   high     Rule a", "2   low      Rule b"],
            ["1 dead letters", "1   not_json"],
        );
        assert_eq!(text(true), [&head[..], &rules, &tail].concat());
        assert_eq!(text(false), [&head[..], &tail].concat());
    }

    #[test]
    fn the_day_of_an_alert_is_that_of_its_event_or_of_the_refused_record_in_utc() {
        let mut summary = Summary::default();
        let last_ms_of_1970_01_01 = 24 * 3_600_000 - 1;
        for time_ms in [last_ms_of_1970_01_01, last_ms_of_1970_01_01 + 1, 0] {
            summary.count(event(time_ms, &[("a", Level::Low)]), Some(1));
        }
        let dead_letter = Outcome::DeadLetter {
            reason: "not_json",
            alerts: vec![RaisedAlert::new("a", Level::Low)],
        };
        summary.count(Outcome::Several(vec![dead_letter.clone()]), Some(1));
        summary.count(dead_letter, None);
        let days = summary.alerts.values().next().unwrap().days.iter();
        let days = days.map(|(day, count)| (day.map(|day| day.to_string()), *count));
        let day = |text: &str| Some(text.to_owned());
        let expected = [(None, 2), (day("1970-01-01"), 2), (day("1970-01-02"), 1)];
        assert_eq!(days.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_samples_are_the_oldest_alerts_in_whatever_order_they_are_added() {
        let sample = |time_ms: i64| Sample {
            time_ms,
            at: format!("file/0@{time_ms}"),
            title: String::new(),
        };
        for order in [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [3, 5, 1, 4, 2]] {
            let mut alerts = RuleAlerts::default();
            order.map(sample).into_iter().for_each(|s| alerts.keep(s));
            assert_eq!(alerts.samples, [1, 2, 3].map(sample));
        }
    }
}
