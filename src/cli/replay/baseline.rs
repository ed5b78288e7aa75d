//! What changed since an earlier summary of a replay, such as one with the rules before a change.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use indicatif::HumanCount;
use serde::Serialize;

use super::report::{Report, RuleReport, VERSION, counted, heading};
use crate::cli::failure::Failure;
use crate::input_file;
use crate::sigma::Level;

/// An earlier summary.
pub(super) struct Baseline {
    file: PathBuf,
    report: Report,
}

/// How the number of alerts of a rule has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Change {
    /// It had none.
    New,
    /// It has none now.
    Gone,
    More,
    Fewer,
    /// The same number, but another level.
    Level,
}

/// A rule whose alerts have changed.
#[derive(Debug, Serialize)]
pub(super) struct ChangedRule {
    change: Change,
    id: String,
    title: String,
    level: Level,
    /// The level in the baseline, if it was another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    level_before: Option<Level>,
    alerts: u64,
    alerts_before: u64,
}

/// The differences from a baseline.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    events_before: u64,
    /// The number of rules with the same alerts.
    same: u64,
    /// New rules first; among those of one kind, the highest level first.
    changes: Vec<ChangedRule>,
}

impl Baseline {
    /// Reads a summary that `--summary --json` has written.
    ///
    /// # Errors
    /// The file cannot be read, or is not such a summary.
    pub(super) fn read(file: &Path) -> Result<Baseline, Failure> {
        let name = file.display();
        let refused = |fault: String| {
            let remedy = "write the baseline with `watchbell replay --summary --json`";
            Failure::configuration([format!("{name}{fault}; {remedy}")])
        };
        let text =
            input_file::read(file).map_err(|problem| refused(format!(": {}", problem.message)))?;
        let report: Report = serde_json::from_slice(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column().max(1));
            refused(format!(":{line}:{column}: no summary"))
        })?;
        match report.summary_version {
            VERSION => Ok(Baseline {
                file: file.to_owned(),
                report,
            }),
            other => Err(refused(format!(
                ": version {other} of the summary; this program reads version {VERSION}"
            ))),
        }
    }

    /// Compares a later summary with this one.
    pub(super) fn compare(&self, now: &Report) -> Comparison {
        let mut before: BTreeMap<&str, &RuleReport> = BTreeMap::new();
        let raised = |rule: &&RuleReport| rule.alerts > 0;
        let rules = self.report.rules.iter().filter(raised);
        before.extend(rules.map(|rule| (&*rule.id, rule)));
        let (mut same, mut changes) = (0, Vec::new());
        for rule in now.rules.iter().filter(raised) {
            match ChangedRule::new(rule, before.remove(&*rule.id)) {
                Some(changed) => changes.push(changed),
                None => same += 1,
            }
        }
        changes.extend(before.into_values().map(ChangedRule::gone));
        changes.sort_by(|a, b| {
            let key = |rule: &ChangedRule| (rule.change, std::cmp::Reverse(rule.level));
            key(a).cmp(&key(b)).then_with(|| a.title.cmp(&b.title))
        });
        Comparison {
            events_before: self.report.events,
            same,
            changes,
        }
    }

    /// The comparison as text, with samples of the alerts of rules that have more.
    pub(super) fn text(&self, now: &Report) -> String {
        let comparison = self.compare(now);
        let mut text = format!("Compared with {}:", self.file.display());
        for change in [
            Change::New,
            Change::Gone,
            Change::More,
            Change::Fewer,
            Change::Level,
        ] {
            let rules = comparison.changes.iter();
            let count = rules.filter(|rule| rule.change == change).count();
            // Writing to a string cannot fail.
            let _ = write!(text, " {count} {},", change.words());
        }
        let _ = writeln!(text, " {} the same", comparison.same);
        if comparison.events_before != now.events {
            let (events, before) = (HumanCount(now.events), HumanCount(comparison.events_before));
            let _ = writeln!(
                text,
                "The events are not the same: {events} now, {before} in the baseline."
            );
        }
        for changed in &comparison.changes {
            changed.append_to(&mut text, now);
        }
        text
    }
}

impl Change {
    fn words(self) -> &'static str {
        match self {
            Change::New => "new",
            Change::Gone => "gone",
            Change::More => "with more alerts",
            Change::Fewer => "with fewer alerts",
            Change::Level => "with another level only",
        }
    }
}

impl ChangedRule {
    /// `None` if nothing has changed.
    fn new(now: &RuleReport, before: Option<&RuleReport>) -> Option<ChangedRule> {
        let alerts_before = before.map_or(0, |rule| rule.alerts);
        let level_before = before.map(|rule| rule.level);
        let level_before = level_before.filter(|level| *level != now.level);
        let change = match (before, now.alerts.cmp(&alerts_before)) {
            (None, _) => Change::New,
            (_, Ordering::Greater) => Change::More,
            (_, Ordering::Less) => Change::Fewer,
            (_, Ordering::Equal) => level_before.map(|_| Change::Level)?,
        };
        Some(ChangedRule {
            change,
            id: now.id.clone(),
            title: now.title.clone(),
            level: now.level,
            level_before,
            alerts: now.alerts,
            alerts_before,
        })
    }

    fn gone(before: &RuleReport) -> ChangedRule {
        ChangedRule {
            change: Change::Gone,
            id: before.id.clone(),
            title: before.title.clone(),
            level: before.level,
            level_before: None,
            alerts: 0,
            alerts_before: before.alerts,
        }
    }

    /// Appends a line, and samples where alerts were added.
    fn append_to(&self, text: &mut String, now: &Report) {
        let name = match self.change {
            Change::New => "new",
            Change::Gone => "gone",
            Change::More => "more",
            Change::Fewer => "fewer",
            Change::Level => "level",
        };
        let (before, after) = (HumanCount(self.alerts_before), self.alerts);
        let mut what = format!("{before} → {}", counted(after, "alert"));
        if let Some(level) = self.level_before {
            let _ = write!(what, ", level {} before", level.as_str());
        }
        let _ = write!(text, "\n{name:<5}  ");
        heading(self.level, (&self.title, &self.id), &what, text);
        let rule = now.rules.iter().find(|rule| rule.id == self.id);
        if let (Change::New | Change::More, Some(rule)) = (self.change, rule) {
            rule.list_samples(text);
        }
    }
}
