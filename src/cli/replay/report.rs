//! The summary that `--summary` prints: the alerts of each rule by day, with samples, as text or as JSON. The JSON is
//! also what `--baseline` reads.

use std::collections::BTreeMap;
use std::fmt::Write;

use indicatif::HumanCount;
use serde::{Deserialize, Serialize};

use super::summary::{RuleAlerts, Sample, Summary};
use crate::sigma::Level;
use crate::view::printable;
use crate::view::words::moment;

/// The key of the alerts whose time is not known.
const NO_DAY: &str = "unknown";

/// The summary of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    /// The version of this format.
    pub(super) summary_version: u32,
    pub(super) events: u64,
    /// Number of dead letters by reason.
    pub(super) dead_letters: BTreeMap<String, u64>,
    /// The rules that raised alerts, the highest level first.
    pub(super) rules: Vec<RuleReport>,
}

/// The alerts of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RuleReport {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) level: Level,
    pub(super) alerts: u64,
    /// Number of alerts that a suppression keeps from people; they are not among the others.
    #[serde(default)]
    pub(super) suppressed: u64,
    /// Number of alerts by day in UTC, such as `2026-03-14`.
    pub(super) days: BTreeMap<String, u64>,
    /// The oldest alerts.
    pub(super) samples: Vec<SampleReport>,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SampleReport {
    /// The time of its event, such as `2026-03-14T09:26:53Z`.
    pub(super) time: String,
    /// Where its record is, such as `audit.json/0@17`.
    pub(super) at: String,
    pub(super) title: String,
}

/// The version of the format that is written and read.
pub(super) const VERSION: u32 = 1;

impl Report {
    /// `title` returns the title of a rule.
    pub(super) fn new(summary: &Summary, title: impl Fn(&str) -> String) -> Report {
        let letters = summary.dead_letters.iter();
        Report {
            summary_version: VERSION,
            events: summary.events,
            dead_letters: letters
                .map(|(reason, count)| ((*reason).to_owned(), *count))
                .collect(),
            rules: summary
                .alerts
                .iter()
                .map(|((level, id), alerts)| RuleReport::new(id, title(id), level.0, alerts))
                .collect(),
        }
    }

    /// The number of alerts of all rules by day.
    pub(super) fn days(&self) -> BTreeMap<&str, u64> {
        let mut days = BTreeMap::new();
        for (day, count) in self.rules.iter().flat_map(|rule| &rule.days) {
            *days.entry(&**day).or_default() += count;
        }
        days
    }

    /// The report as text.
    pub(super) fn text(&self) -> String {
        let days = self.days();
        let alerts: u64 = days.values().sum();
        let mut text = format!(
            "{} of {} on {}, in {} and {}\n",
            counted(alerts, "alert"),
            counted(self.rules.len() as u64, "rule"),
            counted(days.len() as u64, "day"),
            counted(self.events, "event"),
            counted(self.dead_letters.values().sum(), "dead letter"),
        );
        for rule in &self.rules {
            text.push('\n');
            heading(rule.level, rule.name(), &rule.counts(), &mut text);
            for (day, count) in &rule.days {
                let count = HumanCount(*count).to_string();
                // Writing to a string cannot fail.
                let _ = writeln!(text, "  {day:<10}  {count:>9}");
            }
            rule.list_samples(&mut text);
        }
        text
    }
}

impl RuleReport {
    fn new(id: &str, title: String, level: Level, alerts: &RuleAlerts) -> RuleReport {
        let name = |day: &Option<_>| day.map_or_else(|| NO_DAY.to_owned(), |day| format!("{day}"));
        let days = alerts.days.iter();
        RuleReport {
            id: id.to_owned(),
            title,
            level,
            alerts: alerts.count(),
            suppressed: alerts.suppressed,
            days: days.map(|(day, count)| (name(day), *count)).collect(),
            samples: alerts.samples.iter().map(SampleReport::new).collect(),
        }
    }

    /// Such as `3 alerts`, or `3 alerts, 2 more suppressed`.
    fn counts(&self) -> String {
        let alerts = counted(self.alerts, "alert");
        match self.suppressed {
            0 => alerts,
            suppressed => format!("{alerts}, {} more suppressed", HumanCount(suppressed)),
        }
    }

    /// Title and id.
    fn name(&self) -> (&str, &str) {
        (&self.title, &self.id)
    }

    /// Appends a line for each sample, without the title of the rule.
    pub(super) fn list_samples(&self, text: &mut String) {
        let heading = format!("{}: ", self.title);
        for sample in &self.samples {
            let SampleReport { time, at, title } = sample;
            let title = title.strip_prefix(&heading).unwrap_or(title);
            let (at, title) = (printable(at), printable(title));
            let _ = writeln!(text, "  e.g. {time}  {title}  {at}");
        }
    }
}

impl SampleReport {
    fn new(sample: &Sample) -> SampleReport {
        SampleReport {
            time: moment(sample.time_ms, 0),
            at: sample.at.clone(),
            title: sample.title.clone(),
        }
    }
}

/// Appends a line with the level, the title and the id of a rule, and `what` there is to say about it.
pub(super) fn heading(level: Level, (title, id): (&str, &str), what: &str, text: &mut String) {
    let (level, title, id) = (level.as_str(), printable(title), printable(id));
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{level:<8}  {title}: {what}  ({id})");
}

/// A count with its noun, such as `1 alert` or `2 alerts`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", HumanCount(count))
}
