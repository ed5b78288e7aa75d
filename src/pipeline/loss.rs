//! Alerts of built-in rules: about a source as a whole, or about a record that could not be read.

use super::Batch;
use super::forms::FindingForm;
use crate::alert::SourceAlert;
use crate::event::OutputRecord;
use crate::finding;
use crate::sigma::Level;

/// An alert of a built-in rule.
#[derive(Debug)]
pub struct Raised {
    /// To be written.
    pub record: OutputRecord,
    /// The rule's id.
    pub rule: &'static str,
    /// The level in force.
    pub level: Level,
}

impl Batch {
    /// The record of an alert of watchbell's own; `None` if the configuration disables its rule.
    /// `now_ms` is when its cause was found, milliseconds since the Unix epoch: it counts as the
    /// alert's time where the alert has none.
    pub fn source_alert(&self, alert: &SourceAlert<'_>, now_ms: i64) -> Option<Raised> {
        self.source_alert_as(FindingForm::Whole, alert, &alert.place(), now_ms)
    }

    /// The same in another form; in the minimal form `position` alone says where it was.
    pub(super) fn source_alert_as(
        &self,
        form: FindingForm,
        alert: &SourceAlert<'_>,
        position: &str,
        now_ms: i64,
    ) -> Option<Raised> {
        let rule = alert.rule.id;
        let level = self.rules.built_in_level(rule, alert.rule.level)?;
        let label = self.context.label();
        let labels = label.as_slice();
        let mut value = Vec::with_capacity(4096);
        finding::source_finding(alert, level, labels, self.rules.hash(), now_ms, &mut value);
        let keys = (alert.uid.as_str(), alert.group_key.as_str());
        let whole = self.alert_record(keys, rule, value);
        // A list of many partitions or long names may not fit.
        let record = self.fitted(whole, form, position);
        Some(Raised {
            record,
            rule,
            level,
        })
    }
}
