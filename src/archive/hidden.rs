//! Records as the archive keeps them where it has a policy of privacy of its own.

use std::borrow::Cow;

use crate::event::{Header, RawRecord};
use crate::json::Memory;
use crate::privacy::{Hiding, Policy};
use crate::view::{Emitted, RecordKind};

/// A record without what a policy hides.
struct HiddenRecord<'r> {
    record: &'r RawRecord<'r>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl<'r> HiddenRecord<'r> {
    /// A record of a topic of events or alerts without what the policy hides. A value that is no JSON has no fields in
    /// which to look for what is meant: it is left out.
    fn of(policy: &Policy, record: &'r RawRecord<'r>) -> HiddenRecord<'r> {
        let whole = record.value.unwrap_or_default();
        let mut value = Vec::with_capacity(whole.len());
        let hiding = match Emitted::new(record.clone()).kind {
            RecordKind::Alert => {
                let hiding = Hiding::of_alert(policy, whole);
                hiding.alert(whole, &mut value);
                hiding
            }
            _ => {
                let hiding = Hiding::of_event(policy, whole);
                hiding.event(whole, &mut value);
                hiding
            }
        };
        let header = |header: &Header<'_>| {
            let (name, value) = hiding.header(header);
            (name.into_owned(), value.map(Cow::into_owned))
        };
        HiddenRecord {
            key: record
                .key
                .and_then(|key| hiding.key(key))
                .map(Cow::into_owned),
            value: (!value.is_empty()).then_some(value),
            headers: record.headers.iter().map(header).collect(),
            record,
        }
    }

    /// The record.
    fn record(&self) -> RawRecord<'_> {
        let headers = self.headers.iter().map(|(name, value)| Header {
            name,
            value: value.as_deref(),
        });
        RawRecord {
            position: self.record.position,
            timestamp_ms: self.record.timestamp_ms,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: headers.collect(),
        }
    }
}

/// Calls `take` with a record as the archive keeps it; it is read in reused memory if there is some.
pub fn with_policy<T>(
    policy: Option<&Policy>,
    memory: Option<&Memory>,
    record: RawRecord<'_>,
    take: impl FnOnce(&Emitted<'_>) -> T,
) -> T {
    match policy {
        None => take(&Emitted::new_in(memory, record)),
        Some(policy) => {
            let hidden = HiddenRecord::of(policy, &record);
            take(&Emitted::new_in(memory, hidden.record()))
        }
    }
}
