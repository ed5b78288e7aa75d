//! The triage records in force: of each incident the last one in the topic.
//! Invariant: whoever has read the topic to the same offset has the same records, however often and in whatever pieces it
//! was read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::key::IncidentKey;
use super::record::Triage;

/// The records in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    records: BTreeMap<IncidentKey, Kept>,
    /// The offset after the last record that was read.
    next: i64,
}

/// The last record of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    offset: i64,
    /// `None` where the record was deleted.
    triage: Option<Arc<Triage>>,
}

/// A record that is no triage record.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Board {
    /// Takes a record of the topic.
    ///
    /// # Errors
    /// It is no triage record; what was known stays.
    pub fn read(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<(), Unreadable> {
        self.next = self.next.max(offset + 1);
        let key = key.and_then(|key| std::str::from_utf8(key).ok());
        let key: IncidentKey = key.and_then(|key| key.parse().ok()).ok_or(Unreadable)?;
        let triage = match value {
            None => None,
            Some(value) => {
                let triage = Triage::of_json(value).filter(|triage| triage.seen.key == key);
                Some(Arc::new(triage.ok_or(Unreadable)?))
            }
        };
        let known = self.records.get(&key);
        if known.is_none_or(|known| known.offset < offset) {
            self.records.insert(key, Kept { offset, triage });
        }
        Ok(())
    }

    /// How many incidents have a record.
    pub fn len(&self) -> usize {
        self.all().count()
    }

    /// Whether none has one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The offset after the last record that was read.
    pub fn next(&self) -> i64 {
        self.next
    }

    /// The offset of the last record of a key; `None` if there is none.
    pub fn version(&self, key: &IncidentKey) -> Option<i64> {
        self.records.get(key).map(|kept| kept.offset)
    }

    /// The record in force of a key.
    pub fn get(&self, key: &IncidentKey) -> Option<&Arc<Triage>> {
        self.records.get(key)?.triage.as_ref()
    }

    /// Every record in force, by group and then by when the incident began.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Triage>> {
        self.records
            .values()
            .filter_map(|kept| kept.triage.as_ref())
    }

    /// Everybody to whom an incident is assigned, each once.
    pub fn assignees(&self) -> Vec<&str> {
        let names = self.all().map(|triage| &*triage.newest.assignee);
        let mut names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
