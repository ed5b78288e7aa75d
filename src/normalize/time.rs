//! When an event happened: its own time if that is plausible, else the timestamp of its record. The text of
//! its own time is kept in any case.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::walk;
use crate::json::{Document, NodeId, ValueKind};

/// 2000-01-01T00:00:00Z: no audit log is older.
const EARLIEST_MS: i64 = 946_684_800_000;
/// 9999-12-31T23:59:59.999Z: RFC 3339 has no later time.
const LATEST_MS: i64 = 253_402_300_799_999;
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
pub(super) enum StatedTime<'t> {
    /// Nothing, or `null`.
    Absent,
    /// Something that is not a string.
    NotText,
    /// Milliseconds since the Unix epoch.
    Milliseconds(i64),
    /// A text, which should be RFC 3339.
    Text(&'t str),
}

/// The time of an event that a member states; see [`event_time`].
pub(super) fn stated_time(
    document: &Document<'_>,
    node: Option<NodeId>,
    record_ms: Option<i64>,
) -> EventTime {
    let node = node.filter(|node| document.kind(*node) != ValueKind::Null);
    match (node, walk::text(document, node)) {
        (None, _) => event_time(StatedTime::Absent, record_ms),
        (Some(_), None) => event_time(StatedTime::NotText, record_ms),
        (Some(_), Some(text)) => event_time(StatedTime::Text(&text), record_ms),
    }
}

/// The time of an event that a member states as a number of milliseconds since the Unix epoch; see [`event_time`].
pub(super) fn stated_milliseconds(
    document: &Document<'_>,
    node: Option<NodeId>,
    record_ms: Option<i64>,
) -> EventTime {
    let node = node.filter(|node| document.kind(*node) != ValueKind::Null);
    let stated = match node.map(|node| document.raw(node).parse()) {
        None => StatedTime::Absent,
        Some(Ok(time_ms)) => StatedTime::Milliseconds(time_ms),
        Some(Err(_)) => StatedTime::NotText,
    };
    event_time(stated, record_ms)
}

/// A time in milliseconds since the Unix epoch, if an audit log may be of that time.
pub(super) fn plausible(time_ms: i64) -> Option<i64> {
    (EARLIEST_MS..=LATEST_MS)
        .contains(&time_ms)
        .then_some(time_ms)
}

/// A time as text in milliseconds since the Unix epoch.
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    let time = usual_form(text).or_else(|| text.parse().ok())?;
    Some(time.as_millisecond())
}

/// Reads RFC 3339 with up to nine fractional digits; falls back to the record's timestamp, else 0.
pub(super) fn event_time(written: StatedTime<'_>, record_ms: Option<i64>) -> EventTime {
    let read = match written {
        StatedTime::Text(text) => milliseconds(text),
        StatedTime::Milliseconds(time_ms) => Some(time_ms),
        StatedTime::Absent | StatedTime::NotText => None,
    };
    let latest_ms = record_ms.map_or(LATEST_MS, |ms| ms.saturating_add(AHEAD_LIMIT_MS));
    match read {
        Some(time_ms) if (EARLIEST_MS..=latest_ms).contains(&time_ms) => EventTime {
            time_ms,
            label: None,
        },
        _ => EventTime {
            time_ms: record_ms.unwrap_or(0),
            label: Some(match written {
                StatedTime::Absent => "time:absent",
                StatedTime::NotText | StatedTime::Milliseconds(_) | StatedTime::Text(_) => {
                    "time:from_record"
                }
            }),
        },
    }
}

/// Reads `2026-03-14T09:26:53Z`, with or without a fraction, as nearly all events write it. It costs
/// half as much as a parser of all of RFC 3339, which reads every other form.
fn usual_form(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.as_bytes().split_at_checked(19)?;
    let signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if signs.iter().any(|(at, sign)| whole[*at] != *sign) {
        return None;
    }
    let two = |at: usize| i8::try_from(number(&whole[at..at + 2])?).ok();
    let nanosecond = match fraction {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => {
            number(digits)? * 10_i32.pow(9 - digits.len() as u32)
        }
        _ => return None,
    };
    let year = i16::try_from(number(&whole[..4])?).ok()?;
    let (month, day) = (two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    let time = DateTime::new(year, month, day, hour, minute, second, nanosecond).ok()?;
    Offset::UTC.to_timestamp(time).ok()
}

/// At most nine digits as a number.
fn number(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i32::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_digits_and_an_offset_are_read() {
        let at = |text| event_time(StatedTime::Text(text), None);
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
    fn the_usual_form_is_what_rfc_3339_says() {
        let usual = [
            "2026-03-14T09:26:53Z",
            "2026-03-14T09:26:53.5Z",
            "2026-03-14T09:26:53.589793238Z",
            "2024-02-29T23:59:59.999999999Z",
            "0000-01-01T00:00:00.000000001Z",
            "9999-12-30T22:00:00Z",
        ];
        for text in usual {
            assert_eq!(usual_form(text), text.parse().ok(), "{text}");
            assert!(usual_form(text).is_some(), "{text}");
        }
        let others = [
            "2026-03-14T09:26:60Z",
            "2026-02-29T09:26:53Z",
            "2026-13-14T09:26:53Z",
            "2026-03-14T24:00:00Z",
            "2026-03-14T09:26:53.Z",
            "2026-03-14T09:26:53.1234567890Z",
            "2026-03-14T09:26:53.12+4Z",
            "2026-03-14T09:26:53+01:00",
            "2026-03-14 09:26:53Z",
            "+026-03-14T09:26:53Z",
            "2026-03-14T09:26:5\u{e9}Z",
            "2026-03-14T09:26:53",
            "2026-03-14",
        ];
        for text in others {
            assert_eq!(usual_form(text), None, "{text}");
        }
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
            let time = event_time(StatedTime::Text(text), Some(1_773_480_413_589));
            assert_eq!(time.time_ms, 1_773_480_413_589, "{text}");
            assert_eq!(time.label, Some("time:from_record"), "{text}");
        }
    }

    #[test]
    fn a_number_counts_milliseconds_and_must_be_plausible() {
        let at = |json: &'static str| {
            let document = Document::parse(json.as_bytes()).unwrap();
            let time = document.member(document.root(), "time");
            stated_milliseconds(&document, time, Some(1_773_480_414_000))
        };
        let time = at(r#"{"time":1773480413589}"#);
        assert_eq!((time.time_ms, time.label), (1_773_480_413_589, None));
        for json in [
            r#"{"time":1}"#,
            r#"{"time":1773480413.589}"#,
            r#"{"time":1e300}"#,
            r#"{"time":9223372036854775807}"#,
            r#"{"time":253402300800000}"#,
            r#"{"time":"1773480413589"}"#,
        ] {
            let time = at(json);
            assert_eq!(time.time_ms, 1_773_480_414_000, "{json}");
            assert_eq!(time.label, Some("time:from_record"), "{json}");
        }
        assert_eq!(at(r#"{"time":null}"#).label, Some("time:absent"));
        assert_eq!(at("{}").label, Some("time:absent"));
    }

    #[test]
    fn without_a_record_no_time_is_later_than_rfc_3339_can_write() {
        let at = |ms| event_time(StatedTime::Milliseconds(ms), None);
        assert_eq!(at(LATEST_MS).time_ms, LATEST_MS);
        let later = at(LATEST_MS + 1);
        assert_eq!((later.time_ms, later.label), (0, Some("time:from_record")));
    }

    #[test]
    fn without_any_time_it_is_zero_and_flagged() {
        let time = event_time(StatedTime::Absent, None);
        assert_eq!((time.time_ms, time.label), (0, Some("time:absent")));
        let time = event_time(StatedTime::NotText, Some(7));
        assert_eq!((time.time_ms, time.label), (7, Some("time:from_record")));
    }
}
