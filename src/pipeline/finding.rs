//! An alert's record, in a form that its topic takes. An alert is never left out: a person must be
//! notified, however large somebody has made an event.

use super::batch::{Batch, Finding};
use super::forms::FindingForm;
use super::limits::record_size;
use super::outputs::Content;
use crate::event::OutputRecord;
use crate::finding;

impl Batch {
    /// The alert's record. `evidence` is the event as JSON, which is left out if the alert would not fit the
    /// topic with it. What still does not fit is shortened, and reduced to the least that tells who did
    /// what if that does not help; this is written even if it seems too large, too.
    pub(super) fn finding(
        &self,
        finding: &Finding<'_, '_>,
        evidence: Option<&[u8]>,
        form: FindingForm,
    ) -> OutputRecord {
        let limit = self.output(Content::Alerts).max_bytes;
        // An event that is larger than the limit is not copied first.
        let evidence = evidence.filter(|event| event.len() < limit);
        let whole = evidence.map(|event| self.finding_record(finding, Some(event)));
        let whole_bytes = whole.as_ref().map_or(limit, record_size);
        if let Some(whole) = whole
            && form == FindingForm::Whole
            && whole_bytes <= limit
        {
            return whole;
        }
        let bare = self.finding_record(finding, None);
        // The topic accepts less than is known, so half of that is tried.
        let limit = match form {
            FindingForm::Whole => limit,
            FindingForm::Shortened | FindingForm::Minimal => limit.min(whole_bytes / 2),
        };
        reduced(bare, form, limit, finding.position)
    }

    /// The record of an alert without an event, in a form that its topic takes.
    pub(super) fn fitted(
        &self,
        whole: OutputRecord,
        form: FindingForm,
        position: &str,
    ) -> OutputRecord {
        let limit = self.output(Content::Alerts).max_bytes;
        let limit = match form {
            FindingForm::Whole => limit,
            FindingForm::Shortened | FindingForm::Minimal => limit.min(record_size(&whole) / 2),
        };
        reduced(whole, form, limit, position)
    }

    fn finding_record(&self, finding: &Finding<'_, '_>, evidence: Option<&[u8]>) -> OutputRecord {
        let Finding {
            alert,
            event,
            hiding,
            now_ms,
            ..
        } = *finding;
        let mut value = Vec::with_capacity(8192 + evidence.map_or(0, <[u8]>::len));
        finding::finding(
            alert,
            event,
            evidence,
            self.rules.hash(),
            now_ms,
            &mut value,
        );
        if let Some(hiding) = hiding {
            let shown = std::mem::take(&mut value);
            hiding.alert(&shown, &mut value);
        }
        let rule = alert.rule.rule.id.as_str();
        self.alert_record((&alert.uid, &alert.group_key), rule, value)
    }
}

/// An alert's record as it is if the form is whole and it takes no more than `limit` bytes; else
/// shortened, and reduced to the least where that does not help.
fn reduced(
    mut record: OutputRecord,
    form: FindingForm,
    limit: usize,
    position: &str,
) -> OutputRecord {
    let bytes = record_size(&record);
    if form == FindingForm::Whole && bytes <= limit {
        return record;
    }
    let value = record.value.take().unwrap_or_default();
    let frame_bytes = bytes - value.len();
    let shortened = (form != FindingForm::Minimal)
        .then(|| finding::shortened(&value, limit.saturating_sub(frame_bytes)))
        .flatten();
    let minimal = || finding::minimal(&value, position);
    record.value = Some(shortened.or_else(minimal).unwrap_or(value));
    record
}
