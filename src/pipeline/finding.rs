//! An alert's record, in a form that its topic takes. It is never left out: a person must hear of it
//! however much somebody has put into an event.

use super::Pipeline;
use super::forms::FindingForm;
use super::limits::record_size;
use crate::alert::Alert;
use crate::encode;
use crate::event::{AuditEvent, OutputRecord, Path};

/// An alert and what it is about.
pub(super) struct Finding<'f, 'e> {
    pub(super) alert: &'f Alert<'f, Path>,
    pub(super) event: &'f AuditEvent<'e>,
    /// Where the source record stands.
    pub(super) position: &'f str,
    pub(super) rule_set: &'f str,
    pub(super) now_ms: i64,
}

impl Pipeline {
    /// The alert's record. `written` is the event, which stands in it as evidence unless that would not
    /// fit the topic. What still does not fit is shortened, and reduced to the least that tells who did
    /// what if that does not help; this is written even if it seems too large, too.
    pub(super) fn finding(
        &self,
        finding: &Finding<'_, '_>,
        written: Option<&[u8]>,
        form: FindingForm,
    ) -> OutputRecord {
        let limit = self.settings.limits.alerts;
        // One that is larger by itself is not copied only to see that it does not fit.
        let whole = written.filter(|written| written.len() < limit);
        let whole = whole.map(|written| self.finding_record(finding, Some(written)));
        let whole_bytes = whole.as_ref().map_or(limit, record_size);
        if let Some(whole) = whole
            && form == FindingForm::Whole
            && whole_bytes <= limit
        {
            return whole;
        }
        let mut bare = self.finding_record(finding, None);
        if form == FindingForm::Whole && record_size(&bare) <= limit {
            return bare;
        }
        let value = bare.value.take().unwrap_or_default();
        // The topic takes less than is known: then half of it may do.
        let limit = match form {
            FindingForm::Whole => limit,
            FindingForm::Shortened | FindingForm::Minimal => limit.min(whole_bytes / 2),
        };
        let max_bytes = limit.saturating_sub(record_size(&bare));
        let shortened = (form != FindingForm::Minimal)
            .then(|| encode::shortened(&value, max_bytes))
            .flatten();
        let minimal = || encode::minimal(&value, finding.position);
        bare.value = Some(shortened.or_else(minimal).unwrap_or(value));
        bare
    }

    fn finding_record(&self, finding: &Finding<'_, '_>, evidence: Option<&[u8]>) -> OutputRecord {
        let Finding {
            alert,
            event,
            rule_set,
            now_ms,
            ..
        } = *finding;
        let mut value = Vec::with_capacity(8192 + evidence.map_or(0, <[u8]>::len));
        encode::finding(alert, event, evidence, rule_set, now_ms, &mut value);
        let rule = alert.rule.rule.id.as_str();
        self.alert_record((&alert.uid, &alert.group_key), rule, value, rule_set)
    }
}
