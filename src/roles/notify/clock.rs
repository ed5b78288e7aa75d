//! The clock of a sink's loop. It is monotonic: pauses, windows and ages are measured with it. The wall
//! clock is read only once for each assignment, to find out how old the alerts in the topic are.

use std::time::Instant;

use crate::event::Latest;

/// Gives ms since the loop began. Times before that are negative.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Clock {
        Clock(Instant::now())
    }

    pub(super) fn now(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// What the alerts topic held when the partition was assigned. Records written later are read at once,
/// so they count as new, whatever their timestamps and the clocks say.
#[derive(Debug, Clone)]
pub(super) struct Backlog {
    /// The topic's end offset then.
    end: i64,
    /// Whether the sink reads for the first time.
    first: bool,
    /// The moment of assignment, on the loop's clock and by the wall clock.
    assigned: i64,
    assigned_ms: i64,
    latest: Latest,
}

impl Backlog {
    pub(super) fn new(end: i64, first: bool, now: i64, wall_ms: i64) -> Backlog {
        Backlog {
            end,
            first,
            assigned: now,
            assigned_ms: wall_ms,
            latest: Latest::default(),
        }
    }

    /// How far behind the reader was when it read this record, in ms. Must be called in the order of
    /// offsets.
    pub(super) fn behind_ms(&mut self, offset: i64, timestamp_ms: Option<i64>) -> i64 {
        if offset >= self.end {
            return 0;
        }
        self.latest.see(timestamp_ms, self.assigned_ms);
        let latest_ms = self.latest.0.unwrap_or(self.assigned_ms);
        self.assigned_ms.saturating_sub(latest_ms).max(0)
    }

    /// Whether the record was written before the sink read for the first time.
    pub(super) fn is_history(&self, offset: i64) -> bool {
        self.first && offset < self.end
    }

    /// When a record that is so far behind was written, on the loop's clock.
    pub(super) fn arrived(&self, behind_ms: i64, now: i64) -> i64 {
        match behind_ms {
            0 => now,
            behind_ms => self.assigned - behind_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;
    const WALL_MS: i64 = 1_800_000_000_000;

    #[test]
    fn old_records_are_as_late_as_the_topic_says_and_new_ones_are_in_time_by_any_clock() {
        let mut backlog = Backlog::new(4, true, 1_000, WALL_MS);
        assert!(backlog.is_history(3) && !backlog.is_history(4));
        let old = Some(WALL_MS - 3 * HOUR_MS);
        let newer = Some(WALL_MS - HOUR_MS);
        let behind = [old, newer, old, Some(0)].map(|timestamp| {
            let offset = 0;
            backlog.behind_ms(offset, timestamp)
        });
        assert_eq!(behind, [3 * HOUR_MS, HOUR_MS, HOUR_MS, HOUR_MS]);
        assert_eq!(backlog.arrived(HOUR_MS, 5_000), 1_000 - HOUR_MS);
        // Also if the wall clock of the reader or the writer jumps forwards or backwards meanwhile.
        for timestamp in [old, Some(0), None, Some(WALL_MS + 9 * HOUR_MS)] {
            assert_eq!(backlog.behind_ms(4, timestamp), 0);
            assert_eq!(backlog.arrived(0, 5_000), 5_000);
        }
    }
}
