//! When the group is asked for positions that are not known, and which is asked for first; pure.

use std::time::{Duration, Instant};

use crate::event::Partition;

/// Pause between two rounds of requests.
pub(super) const SETTLE_PAUSE: Duration = Duration::from_millis(500);

/// After this a round makes no further requests: records of other partitions wait meanwhile.
const SETTLE_ROUND: Duration = Duration::from_secs(2);

/// The schedule of these requests.
#[derive(Debug)]
pub(super) struct SettleSchedule {
    at: Instant,
    /// The partition that was asked for last.
    last: Option<Partition>,
    /// When the present round began.
    begun: Instant,
}

impl SettleSchedule {
    pub(super) fn new(now: Instant) -> SettleSchedule {
        SettleSchedule {
            at: now,
            last: None,
            begun: now,
        }
    }

    /// The next round begins at `at`.
    pub(super) fn set(&mut self, at: Instant) {
        self.at = at;
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.at
    }

    /// A round begins. The partitions after the one that was asked for last come first: a leader that
    /// does not answer must not keep the others waiting.
    pub(super) fn begin(&mut self, mut pending: Vec<Partition>, now: Instant) -> Vec<Partition> {
        (self.begun, self.at) = (now, now + SETTLE_PAUSE);
        let asked = pending.partition_point(|partition| Some(*partition) <= self.last);
        pending.rotate_left(asked);
        pending
    }

    /// Whether the round goes on with `partition`.
    pub(super) fn ask(&mut self, partition: Partition, now: Instant) -> bool {
        let goes_on = now.saturating_duration_since(self.begun) < SETTLE_ROUND;
        if goes_on {
            self.last = Some(partition);
        }
        goes_on
    }

    /// The round is over. One that took long is followed by a pause as long, so that half of the time is
    /// left for the records of other partitions.
    pub(super) fn end(&mut self, now: Instant) {
        let took = now.saturating_duration_since(self.begun);
        if took >= SETTLE_ROUND {
            self.at = now + took;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(numbers: &[i32]) -> Vec<Partition> {
        numbers.iter().copied().map(Partition).collect()
    }

    #[test]
    fn a_round_begins_after_the_partition_that_was_asked_for_last() {
        let now = Instant::now();
        let mut schedule = SettleSchedule::new(now);
        let pending = partitions(&[0, 2, 5]);
        assert_eq!(schedule.begin(pending.clone(), now), pending);
        assert!(schedule.ask(Partition(0), now) && schedule.ask(Partition(2), now));
        let next = schedule.begin(pending.clone(), now);
        assert_eq!(next, partitions(&[5, 0, 2]));
        assert!(schedule.ask(Partition(5), now));
        assert_eq!(schedule.begin(pending.clone(), now), pending);
    }

    #[test]
    fn a_round_makes_no_request_after_two_seconds_and_the_next_one_waits_as_long() {
        let now = Instant::now();
        let after = |ms| now + Duration::from_millis(ms);
        let mut schedule = SettleSchedule::new(now);
        schedule.begin(partitions(&[0, 1]), now);
        assert!(schedule.ask(Partition(0), after(1_999)));
        assert!(!schedule.ask(Partition(1), after(2_000)));
        schedule.end(after(3_000));
        assert!(!schedule.is_due(after(5_999)));
        assert!(schedule.is_due(after(6_000)));
        // The partition that was left out comes first.
        let next = schedule.begin(partitions(&[0, 1]), after(6_000));
        assert_eq!(next, partitions(&[1, 0]));
    }

    #[test]
    fn a_short_round_is_repeated_after_half_a_second_or_whenever_it_is_asked_for() {
        let now = Instant::now();
        let mut schedule = SettleSchedule::new(now);
        schedule.begin(partitions(&[0]), now);
        schedule.end(now);
        assert!(!schedule.is_due(now));
        assert!(schedule.is_due(now + SETTLE_PAUSE));
        schedule.set(now);
        assert!(schedule.is_due(now));
    }
}
