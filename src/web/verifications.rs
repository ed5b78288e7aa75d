//! Verifications of days: one at a time in a process, and what they have said, as long as the process runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use tokio::sync::OwnedSemaphorePermit;

use super::turns::Turns;
use crate::page::Verdict;

/// What verifications have said, and whether one runs.
pub(super) struct Verifications {
    running: Turns,
    /// By the source and the day.
    verdicts: Mutex<BTreeMap<String, BTreeMap<Date, Verdict>>>,
}

impl Default for Verifications {
    fn default() -> Verifications {
        Verifications {
            running: Turns::new(1),
            verdicts: Mutex::default(),
        }
    }
}

impl Verifications {
    /// The turn of the caller, who keeps it until the verification has ended; `None` while another one runs.
    pub(super) fn begin(&self) -> Option<OwnedSemaphorePermit> {
        self.running.try_take()
    }

    /// Remembers what was said of a day that the ledger has.
    pub(super) fn note(&self, source: &str, day: Date, verdict: Verdict) {
        let mut verdicts = self.verdicts();
        let days = verdicts.entry(source.to_owned()).or_default();
        days.insert(day, verdict);
    }

    /// What was said of the days of a source.
    pub(super) fn of(&self, source: &str) -> BTreeMap<Date, Verdict> {
        self.verdicts().get(source).cloned().unwrap_or_default()
    }

    fn verdicts(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<Date, Verdict>>> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn one_runs_at_a_time_and_the_newest_verdict_of_a_day_is_remembered() {
        let verifications = Verifications::default();
        let turn = verifications.begin();
        assert!(turn.is_some());
        assert!(verifications.begin().is_none());
        drop(turn);
        assert!(verifications.begin().is_some());
        let day = date(2026, 3, 14);
        let verdict = |is_sound, at_ms| Verdict { is_sound, at_ms };
        verifications.note("one", day, verdict(true, 1));
        verifications.note("one", day, verdict(false, 2));
        assert_eq!(
            verifications.of("one"),
            BTreeMap::from([(day, verdict(false, 2))])
        );
        assert!(verifications.of("two").is_empty());
    }
}
