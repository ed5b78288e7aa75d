//! What was dropped of the events of one partition in one day, by reason. It is committed beside the position, so
//! that no crash loses or doubles a count; when the next day begins, it is written to the events topic.
//! Invariant: the days of a partition follow the greatest timestamp of its records, which never goes back.

use crate::encode::{DroppedCount, DroppedTotals};
use crate::kafka::session::WorkerState;
use crate::route::Noise;

const DAY_MS: i64 = 86_400_000;

/// The version of the text form.
const VERSION: &str = "dropped1";

/// The reasons: each kind of noise, and a route.
const REASONS: usize = Noise::ALL.len() + 1;

/// The totals of a day that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct DayTotals {
    /// Days since the Unix epoch; 0 before the first event was dropped.
    day: i64,
    /// Records and bytes by reason.
    counts: [(u64, u64); REASONS],
}

impl DayTotals {
    /// Those that were committed; none if the text is another version's.
    pub(super) fn read(state: Option<&WorkerState>) -> DayTotals {
        let read = |text: &str| {
            let mut words = text.split(' ');
            let is_ours = words.next()? == VERSION;
            let mut totals = DayTotals {
                day: words.next().filter(|_| is_ours)?.parse().ok()?,
                ..DayTotals::default()
            };
            for count in &mut totals.counts {
                let (records, bytes) = words.next()?.split_once('/')?;
                *count = (records.parse().ok()?, bytes.parse().ok()?);
            }
            Some(totals)
        };
        state
            .and_then(|state| read(state.as_str()))
            .unwrap_or_default()
    }

    /// The text that is committed, with what is committed beside it; `None` as long as nothing was dropped and there is
    /// nothing beside it.
    pub(super) fn state(&self, beside: Option<String>) -> Option<WorkerState> {
        if self.is_empty() && beside.is_none() {
            return None;
        }
        let counts = self.counts.iter();
        let counts = counts.map(|(records, bytes)| format!(" {records}/{bytes}"));
        let beside = beside.map(|beside| format!(" {beside}"));
        WorkerState::new(format!(
            "{VERSION} {}{}{}",
            self.day,
            counts.collect::<String>(),
            beside.unwrap_or_default()
        ))
    }

    fn is_empty(&self) -> bool {
        self.counts.iter().all(|(records, _)| *records == 0)
    }

    /// Goes on to the day of this time, in ms since the Unix epoch; gives what was dropped on the day before it.
    pub(super) fn advance(&mut self, time_ms: i64) -> Option<DroppedTotals> {
        let day = time_ms.div_euclid(DAY_MS);
        if day <= self.day {
            return None;
        }
        let ended = std::mem::replace(
            self,
            DayTotals {
                day,
                ..DayTotals::default()
            },
        );
        (!ended.is_empty()).then(|| DroppedTotals {
            start_ms: ended.day * DAY_MS,
            end_ms: (ended.day + 1) * DAY_MS - 1,
            counts: ended.counts().collect(),
        })
    }

    fn counts(&self) -> impl Iterator<Item = DroppedCount> {
        let reasons = Noise::ALL.map(Noise::name).into_iter().chain(["route"]);
        let counts = reasons.zip(self.counts);
        counts
            .filter(|(_, (records, _))| *records > 0)
            .map(|(reason, (records, bytes))| DroppedCount {
                reason,
                records,
                bytes,
            })
    }

    /// Counts a dropped event. `noise` is the kind of noise, or `None` if a route dropped it.
    pub(super) fn add(&mut self, noise: Option<Noise>, bytes: u64) {
        let reason = noise.map_or(REASONS - 1, |noise| noise as usize);
        self.counts[reason].0 += 1;
        self.counts[reason].1 = self.counts[reason].1.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_ends_gives_what_was_dropped_on_it() {
        let mut totals = DayTotals::default();
        assert_eq!(totals.advance(5 * DAY_MS + 1), None);
        assert_eq!(totals.state(None), None);
        totals.add(Some(Noise::Read), 100);
        totals.add(Some(Noise::Read), 50);
        totals.add(None, 7);
        assert_eq!(totals.advance(6 * DAY_MS - 1), None);
        // A record that is older than those before it belongs to the same day.
        assert_eq!(totals.advance(0), None);
        let ended = totals.advance(9 * DAY_MS).unwrap();
        let count = |reason, records, bytes| DroppedCount {
            reason,
            records,
            bytes,
        };
        assert_eq!(
            ended,
            DroppedTotals {
                start_ms: 5 * DAY_MS,
                end_ms: 6 * DAY_MS - 1,
                counts: vec![count("noise_reads", 2, 150), count("route", 1, 7)],
            }
        );
        assert_eq!(totals.advance(10 * DAY_MS), None, "nothing was dropped");
    }

    #[test]
    fn what_is_committed_is_read_again_and_fits() {
        let mut totals = DayTotals {
            day: 20_786,
            counts: [(u64::MAX, u64::MAX); REASONS],
        };
        // The largest numbers, and the longest chain.
        let chain = crate::ledger::Chain {
            next: i64::MAX,
            head: [255; 32],
        };
        let state = totals.state(Some(chain.text())).unwrap();
        assert_eq!(DayTotals::read(Some(&state)), totals);
        totals.counts = [(0, 0); REASONS];
        totals.add(Some(Noise::Login), 12);
        let state = totals.state(None).unwrap();
        assert_eq!(state.as_str(), "dropped1 20786 0/0 1/12 0/0 0/0");
        assert_eq!(DayTotals::read(Some(&state)), totals);
    }

    #[test]
    fn another_text_is_none_of_ours() {
        for text in [
            "",
            "dropped2 1 0/0 0/0 0/0 0/0",
            "dropped1 1 0/0",
            "dropped1 x 0/0 0/0 0/0 0/0",
        ] {
            let state = WorkerState::new(text).unwrap();
            assert_eq!(
                DayTotals::read(Some(&state)),
                DayTotals::default(),
                "{text}"
            );
        }
    }
}
