//! Alerts about a source as a whole: what of it was lost.

use super::Pipeline;
use super::limits::record_size;
use crate::alert::SourceAlert;
use crate::encode;
use crate::event::OutputRecord;

impl Pipeline {
    /// The record of an alert of watchbell's own. `now_ms` is when the loss was found, milliseconds
    /// since the Unix epoch: it counts as the alert's time, since nobody knows that of the records.
    pub fn source_alert(&self, alert: &SourceAlert<'_>, now_ms: i64) -> OutputRecord {
        let rules = self.rules.snapshot();
        let mut value = Vec::with_capacity(4096);
        encode::source_finding(alert, rules.hash(), now_ms, &mut value);
        let keys = (alert.uid.as_str(), alert.group_key.as_str());
        let mut record = self.alert_record(keys, alert.rule.id, value, rules.hash());
        let excess = record_size(&record).saturating_sub(self.settings.limits.alerts);
        if excess > 0 {
            // A list of many partitions, and long names.
            let value = record.value.take().unwrap_or_default();
            let limit = value.len().saturating_sub(excess);
            let shortened = encode::shortened(&value, limit);
            record.value = Some(shortened.unwrap_or(value));
        }
        record
    }
}
