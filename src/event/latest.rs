//! How far a partition's log has come, by the timestamps of its records.

/// How far a timestamp may be ahead of our clock, ms; a timestamp beyond that is ignored.
const MAX_AHEAD_MS: i64 = 5 * 60_000;

/// Kafka's first public year; an earlier timestamp is ignored.
const FIRST_MS: i64 = 1_293_840_000_000;

/// The greatest timestamp among the records of a partition. A log goes on, so what is read after it is
/// not older than this, whatever the clock of a single producer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latest(pub Option<i64>);

impl Latest {
    /// A record was read at `now_ms`, by the wall clock. A timestamp that cannot be true, such as 0 or
    /// one of next year, changes nothing.
    pub fn see(&mut self, timestamp_ms: Option<i64>, now_ms: i64) {
        let is_possible = |ms: &i64| (FIRST_MS..=now_ms.saturating_add(MAX_AHEAD_MS)).contains(ms);
        self.0 = self.0.max(timestamp_ms.filter(is_possible));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_800_000_000_000;
    const HOUR_MS: i64 = 3_600_000;

    fn after(timestamps: &[i64]) -> Option<i64> {
        let mut latest = Latest::default();
        for timestamp in timestamps {
            latest.see(Some(*timestamp), NOW_MS);
        }
        latest.0
    }

    #[test]
    fn it_is_the_greatest_and_no_single_clock_moves_it_where_the_log_is_not() {
        let hour_ago = NOW_MS - HOUR_MS;
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[hour_ago, NOW_MS, hour_ago]), Some(NOW_MS));
        for wrong in [-1, 0, 86_400_000, NOW_MS + 365 * 24 * HOUR_MS, i64::MAX] {
            assert_eq!(after(&[wrong]), None, "{wrong}");
            assert_eq!(after(&[hour_ago, wrong]), Some(hour_ago), "{wrong}");
        }
        assert_eq!(after(&[NOW_MS + 1_000]), Some(NOW_MS + 1_000));
    }
}
