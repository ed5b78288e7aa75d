//! What time it is where something is deleted for good by its age. A clock that is years ahead must delete nothing that
//! is young, so it is believed only as far as the events of the archive bear it out: their times are those of the vendors.

use super::file_entry::FileEntry;

/// How far the time may be after that of the newest event. It is shorter than the day for which replaced files are kept,
/// so that a file that is being committed is never old.
const MARGIN_MS: i64 = 60 * 60 * 1_000;

/// The time by which the age of what is deleted is told: that of the clock, but at most an hour after the newest event.
/// `None` where there are no events: then nothing is old.
pub fn proven_ms(clock_ms: i64, events: &[FileEntry]) -> Option<i64> {
    let newest = events.iter().filter_map(FileEntry::newest_ms).max()?;
    Some(clock_ms.min(newest.saturating_add(MARGIN_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::day::DAY_MS;

    const TEN_YEARS_MS: i64 = 10 * 365 * DAY_MS;

    fn file(day: &str, newest: Option<&str>) -> FileEntry {
        FileEntry {
            path: day.into(),
            day: day.into(),
            size: 1,
            written_ms: 0,
            statistics: serde_json::json!({"maxValues": {"time": newest}}),
        }
    }

    fn ms(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_clock_is_believed_as_far_as_the_events_bear_it_out() {
        let events = [
            file("2026-03-14", Some("2026-03-14T09:00:00.000Z")),
            file("2026-03-13", Some("2026-03-13T23:00:00.000Z")),
        ];
        let now = ms("2026-03-14T09:00:30Z");
        assert_eq!(proven_ms(now, &events), Some(now));
        let proven = Some(ms("2026-03-14T10:00:00Z"));
        assert_eq!(proven_ms(now + TEN_YEARS_MS, &events), proven);
        // Of a clock that is behind, nothing is old.
        let behind = now - TEN_YEARS_MS;
        assert_eq!(proven_ms(behind, &events), Some(behind));
        // An event with a time that is years ahead does not move the clock.
        let ahead = [file("2036-01-01", Some("2036-01-01T00:00:00.000Z"))];
        assert_eq!(proven_ms(now, &ahead), Some(now));
    }

    #[test]
    fn a_file_without_statistics_tells_its_day_and_without_events_nothing_is_old() {
        let now = ms("2026-03-14T09:00:00Z");
        let proven = Some(ms("2026-03-13T01:00:00Z"));
        assert_eq!(proven_ms(now, &[file("2026-03-13", None)]), proven);
        assert_eq!(proven_ms(now, &[]), None);
    }
}
