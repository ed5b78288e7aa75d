//! The two clocks of a session. Values that own a state are told the time; only the loop asks for it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The wall clock, ms since the Unix epoch: for what is compared with the timestamps of records.
pub(super) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// The wall clock, and the clock by which durations are measured.
pub(super) fn now() -> (i64, Instant) {
    (wall_ms(), Instant::now())
}
