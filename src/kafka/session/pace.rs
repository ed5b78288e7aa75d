//! How large the next batch is, and when it may begin: halved and delayed by failures, doubled by
//! commits; pure.

use std::time::{Duration, Instant};

/// Longest rest between two attempts.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// Shortest rest while an output is refused in every form. What others commit in between does not
/// shorten it.
const HOPELESS_REST: Duration = Duration::from_secs(1);

/// The rest after a first failure that somebody has to repair; it doubles with each one that follows.
const FIRST_REST: Duration = Duration::from_millis(100);

/// Batch size and back-off.
#[derive(Debug)]
pub(super) struct Pace {
    /// The configured size of a batch.
    most_records: usize,
    /// Most records in the next batch.
    records: usize,
    /// Failures since the last commit.
    failures: u32,
    /// No attempt before this.
    rest_until: Instant,
    last_commit: Instant,
}

/// What the rest after a failure depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Failed {
    /// How many records the batch had; `None` where none was under way.
    pub(super) records: Option<usize>,
    /// Whether somebody has to repair something.
    pub(super) needs_repair: bool,
    /// Whether an output is refused in every form.
    pub(super) hopeless: bool,
}

impl Pace {
    pub(super) fn new(most_records: usize, now: Instant) -> Pace {
        Pace {
            most_records,
            records: most_records,
            failures: 0,
            rest_until: now,
            last_commit: now,
        }
    }

    /// Most records in the next batch.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// Failures since the last commit.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Until when nothing is attempted.
    pub(super) fn rest_until(&self) -> Instant {
        self.rest_until
    }

    /// When a transaction under way is committed at the latest.
    pub(super) fn due(&self, interval: Duration) -> Instant {
        self.last_commit + interval
    }

    pub(super) fn committed(&mut self, now: Instant) {
        self.last_commit = now;
        self.failures = 0;
        self.records = (self.records * 2).min(self.most_records);
    }

    /// Partitions were revoked: the records that could not be written may have been in them.
    pub(super) fn forgive(&mut self) {
        self.failures = 0;
    }

    /// Half the batch next time, and a rest that grows with each failure in a row; the first one costs
    /// nothing where nobody has to repair anything.
    pub(super) fn failed(&mut self, failed: Failed, now: Instant) {
        self.records = (failed.records.unwrap_or(self.records) / 2).max(1);
        let exponent = self.failures.min(7);
        self.failures += 1;
        let pause = if exponent == 0 && !failed.needs_repair {
            Duration::ZERO
        } else {
            FIRST_REST * 2_u32.pow(exponent)
        };
        let least = match failed.hopeless {
            true => HOPELESS_REST,
            false => Duration::ZERO,
        };
        self.rest_until = now + pause.clamp(least, LONGEST_REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rests(failed: Failed, times: usize) -> Vec<u128> {
        let now = Instant::now();
        let mut pace = Pace::new(1_000, now);
        let rest = |_| {
            pace.failed(failed, now);
            pace.rest_until().duration_since(now).as_millis()
        };
        (0..times).map(rest).collect()
    }

    #[test]
    fn the_rest_doubles_from_failure_to_failure_up_to_five_seconds() {
        let expected = [0, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000];
        assert_eq!(rests(Failed::default(), 9), expected);
    }

    #[test]
    fn where_somebody_has_to_repair_something_the_first_failure_rests_too() {
        let failed = Failed {
            needs_repair: true,
            ..Failed::default()
        };
        assert_eq!(rests(failed, 3), [100, 200, 400]);
    }

    #[test]
    fn an_output_that_is_refused_in_every_form_rests_for_a_second_at_least() {
        let failed = Failed {
            hopeless: true,
            ..Failed::default()
        };
        assert_eq!(rests(failed, 6), [1_000, 1_000, 1_000, 1_000, 1_600, 3_200]);
    }

    #[test]
    fn a_failure_halves_the_batch_that_failed_and_commits_double_it_up_to_what_is_configured() {
        let now = Instant::now();
        let mut pace = Pace::new(1_000, now);
        let of = |records| Failed {
            records: Some(records),
            ..Failed::default()
        };
        for (records, expected) in [(300, 150), (150, 75), (1, 1)] {
            pace.failed(of(records), now);
            assert_eq!(pace.records(), expected);
        }
        for expected in [2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000, 1_000] {
            pace.committed(now);
            assert_eq!((pace.records(), pace.failures()), (expected, 0));
        }
        // Nothing was under way: the next batch is half of what it would have been.
        pace.failed(Failed::default(), now);
        assert_eq!(pace.records(), 500);
    }

    #[test]
    fn failures_are_counted_until_a_commit_or_until_partitions_are_revoked() {
        let now = Instant::now();
        let mut pace = Pace::new(10, now);
        let interval = Duration::from_millis(100);
        pace.failed(Failed::default(), now);
        pace.failed(Failed::default(), now);
        assert_eq!(pace.failures(), 2);
        pace.forgive();
        assert_eq!(pace.failures(), 0);
        let later = now + Duration::from_secs(1);
        pace.committed(later);
        assert_eq!(pace.due(interval), later + interval);
    }
}
