//! Whether the clock goes as time does.

use std::time::Instant;

/// A clock that is set right by more than this has jumped.
const MOST_MS: i64 = 60_000;

/// Compares a clock with the time that passes.
pub(super) struct Steadiness {
    at: Instant,
    clock_ms: i64,
}

impl Steadiness {
    /// The clock shows this now.
    pub(super) fn new(now: Instant, clock_ms: i64) -> Steadiness {
        Steadiness { at: now, clock_ms }
    }

    /// By how many seconds the clock has jumped since the last look, forward or back; `None` if it has not.
    pub(super) fn jump_s(&mut self, now: Instant, clock_ms: i64) -> Option<i64> {
        let passed = now.saturating_duration_since(self.at).as_millis();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        let jump = clock_ms
            .saturating_sub(self.clock_ms)
            .saturating_sub(passed);
        *self = Steadiness::new(now, clock_ms);
        (jump.saturating_abs() > MOST_MS).then_some(jump / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_jumps_is_seen_once_forward_and_back() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let year_ms = 365 * 24 * 60 * 60 * 1_000;
        let mut steadiness = Steadiness::new(start, 1_000_000);
        assert_eq!(steadiness.jump_s(at(10), 1_010_000), None);
        // It is set right by some seconds.
        assert_eq!(steadiness.jump_s(at(20), 1_040_000), None);
        let jumped = steadiness.jump_s(at(30), 1_050_000 + year_ms);
        assert_eq!(jumped, Some(365 * 24 * 60 * 60));
        assert_eq!(steadiness.jump_s(at(40), 1_060_000 + year_ms), None);
        let jumped = steadiness.jump_s(at(50), 1_070_000);
        assert_eq!(jumped, Some(-365 * 24 * 60 * 60));
        assert_eq!(steadiness.jump_s(at(60), 1_080_000), None);
    }
}
