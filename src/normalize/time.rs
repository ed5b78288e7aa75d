//! When an event happened: what it says itself, if that can be believed, else when its record was
//! written. The written form is kept elsewhere in any case.

use jiff::Timestamp;

/// 2000-01-01T00:00:00Z: no audit log is older.
const EARLIEST_MS: i64 = 946_684_800_000;
/// How far a producer's clock may run ahead of the broker's.
const AHEAD_LIMIT_MS: i64 = 24 * 60 * 60 * 1000;

/// OCSF `time`, and what to say about its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventTime {
    /// Milliseconds since the Unix epoch.
    pub(super) time_ms: i64,
    /// A label, if the event's own time was not used.
    pub(super) label: Option<&'static str>,
}

/// What an event says of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written<'t> {
    /// Nothing, or `null`.
    Absent,
    /// Something that is not a string.
    NotText,
    /// RFC 3339, if all is well.
    Text(&'t str),
}

/// Reads RFC 3339 with up to nine fractional digits; falls back to the record's timestamp, else 0.
pub(super) fn event_time(written: Written<'_>, record_ms: Option<i64>) -> EventTime {
    let read = match written {
        Written::Text(text) => text
            .parse::<Timestamp>()
            .ok()
            .map(Timestamp::as_millisecond),
        Written::Absent | Written::NotText => None,
    };
    let latest_ms = record_ms.map_or(i64::MAX, |ms| ms.saturating_add(AHEAD_LIMIT_MS));
    match read {
        Some(time_ms) if (EARLIEST_MS..=latest_ms).contains(&time_ms) => EventTime {
            time_ms,
            label: None,
        },
        _ => EventTime {
            time_ms: record_ms.unwrap_or(0),
            label: Some(match written {
                Written::Absent => "time:absent",
                Written::NotText | Written::Text(_) => "time:from_record",
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_digits_and_an_offset_are_read() {
        let at = |text| event_time(Written::Text(text), None);
        assert_eq!(
            at("2026-03-14T09:26:53.589793238Z").time_ms,
            1_773_480_413_589
        );
        assert_eq!(
            at("2026-03-14T10:26:53.589+01:00").time_ms,
            1_773_480_413_589
        );
        assert_eq!(at("2026-03-14T09:26:53Z").label, None);
    }

    #[test]
    fn an_implausible_time_gives_way_to_the_records() {
        for text in [
            "+999999999-12-31T23:59:59.999999999-18:00",
            "1999-12-31T23:59:59Z",
            "2026-03-16T00:00:00Z",
            "yesterday",
            "",
        ] {
            let time = event_time(Written::Text(text), Some(1_773_480_413_589));
            assert_eq!(time.time_ms, 1_773_480_413_589, "{text}");
            assert_eq!(time.label, Some("time:from_record"), "{text}");
        }
    }

    #[test]
    fn without_any_time_it_is_zero_and_flagged() {
        let time = event_time(Written::Absent, None);
        assert_eq!((time.time_ms, time.label), (0, Some("time:absent")));
        let time = event_time(Written::NotText, Some(7));
        assert_eq!((time.time_ms, time.label), (7, Some("time:from_record")));
    }
}
