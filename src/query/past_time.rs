//! A time in the past, as people write it on the command line.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::sigma;

/// A time, given as how long ago it was or as a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PastTime {
    /// This long before the current time.
    Ago(SignedDuration),
    /// At this time.
    At(Timestamp),
}

/// The text is no time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// It is neither a timestamp nor how long ago something was.
    #[error(
        "write how long ago, such as 10m, 12h or 3d, or when, such as 2026-03-14T09:00:00Z, 2026-03-14T09:00+08:00, \
         2026-03-14T09:00[Asia/Shanghai], or in UTC 2026-03-14T09:00 or 2026-03-14"
    )]
    Unreadable,
    /// The clocks of the zone were set forward over this time.
    #[error(
        "there is no such time in {0}: the clocks were set forward over it; write it in UTC or with an offset"
    )]
    Skipped(String),
    /// The clocks of the zone were set back, and showed this time twice.
    #[error(
        "{zone} had this time twice, since the clocks were set back; write which one is meant: {first} or {second}"
    )]
    Twice {
        /// The zone.
        zone: String,
        /// The earlier of the two, with its offset.
        first: Timestamped,
        /// The later of the two.
        second: Timestamped,
    },
    /// The offset is not that of the zone at this time.
    #[error("the offset is not that of {0} at this time; write one of the two")]
    Contradiction(String),
}

/// A time with an offset, as it is written on the command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Timestamped(DateTime, Offset);

impl fmt::Display for Timestamped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timestamped(time, offset) = self;
        match offset.to_time_zone().to_timestamp(*time) {
            Ok(moment) => write!(f, "{}", moment.display_with_offset(*offset)),
            Err(_) => write!(f, "{time}"),
        }
    }
}

impl FromStr for PastTime {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<PastTime, InvalidTime> {
        if let Some(time) = moment(text)? {
            return Ok(PastTime::At(time));
        }
        // `SignedDuration` has no unit for days. Here a day has 24 hours.
        let days = text
            .strip_suffix('d')
            .and_then(|days| days.parse::<u32>().ok());
        let ago = match days {
            Some(days) => SignedDuration::from_hours(i64::from(days) * 24),
            None => text.parse().map_err(|_| InvalidTime::Unreadable)?,
        };
        if ago.is_negative() {
            return Err(InvalidTime::Unreadable);
        }
        Ok(PastTime::Ago(ago))
    }
}

impl fmt::Display for PastTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PastTime::Ago(ago) => write!(f, "{ago:#} ago"),
            PastTime::At(time) => time.fmt(f),
        }
    }
}

impl PastTime {
    /// The time in milliseconds since the Unix epoch, if the current time is `now`.
    pub fn time_ms(self, now: Timestamp) -> i64 {
        let time = match self {
            PastTime::Ago(ago) => now.saturating_sub(ago).unwrap_or(Timestamp::MIN),
            PastTime::At(time) => time,
        };
        time.as_millisecond()
    }
}

/// The time that is meant: one with an offset or a zone, else one in UTC, else the beginning of a day in UTC; `None` if
/// the text is none of these.
fn moment(text: &str) -> Result<Option<Timestamp>, InvalidTime> {
    let Some((time, zone)) = text.strip_suffix(']').and_then(|text| text.split_once('[')) else {
        if let Ok(time) = text.parse() {
            return Ok(Some(time));
        }
        // A time without hours is the beginning of a day.
        let time = text.parse::<DateTime>().ok();
        return Ok(time.and_then(|time| TimeZone::UTC.to_timestamp(time).ok()));
    };
    let zone = zone.trim_start_matches('!');
    let (Ok(found), Ok(civil)) = (
        sigma::time_zone(zone),
        time.trim_end_matches(['Z', 'z']).parse(),
    ) else {
        return Ok(None);
    };
    if let Ok(moment) = time.parse::<Timestamp>() {
        // `Z` says nothing of the place (RFC 9557, section 2).
        let is_utc = time.ends_with(['Z', 'z']);
        return match is_utc || found.to_datetime(moment) == civil {
            true => Ok(Some(moment)),
            false => Err(InvalidTime::Contradiction(zone.into())),
        };
    }
    let meant = found.to_ambiguous_timestamp(civil);
    match meant.offset() {
        AmbiguousOffset::Unambiguous { .. } => Ok(meant.unambiguous().ok()),
        AmbiguousOffset::Gap { .. } => Err(InvalidTime::Skipped(zone.into())),
        AmbiguousOffset::Fold { before, after } => Err(InvalidTime::Twice {
            zone: zone.into(),
            first: Timestamped(civil, before),
            second: Timestamped(civil, after),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_timestamp_or_how_long_ago_it_was() {
        let now: Timestamp = "2026-03-14T12:00:00Z".parse().unwrap();
        let cases = [
            ("10m", "2026-03-14T11:50:00Z"),
            ("1h30m", "2026-03-14T10:30:00Z"),
            ("3d", "2026-03-11T12:00:00Z"),
            ("2026-03-14T09:00:00Z", "2026-03-14T09:00:00Z"),
            ("2026-03-14T09:00:00+02:00", "2026-03-14T07:00:00Z"),
            ("2026-03-14T09:00+08:00", "2026-03-14T01:00:00Z"),
            ("2026-03-14T09:00[Asia/Shanghai]", "2026-03-14T01:00:00Z"),
            ("2026-03-14T09:00", "2026-03-14T09:00:00Z"),
            ("2026-03-14 09:00:30", "2026-03-14T09:00:30Z"),
            ("2026-03-14", "2026-03-14T00:00:00Z"),
        ];
        for (text, expected) in cases {
            let time: PastTime = text.parse().unwrap();
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(time.time_ms(now), expected.as_millisecond(), "{text}");
        }
        for text in ["", "ten minutes", "-10m", "10", "yesterday", "99999999999d"] {
            assert!(text.parse::<PastTime>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_that_a_zone_does_not_have_once_is_refused_with_what_to_write() {
        for (text, expected) in [
            (
                "2026-03-14T09:00+01:00[Europe/Berlin]",
                "2026-03-14T08:00:00Z",
            ),
            (
                "2026-10-25T02:30+01:00[Europe/Berlin]",
                "2026-10-25T01:30:00Z",
            ),
            (
                "2026-03-14T09:00:00Z[Europe/Berlin]",
                "2026-03-14T09:00:00Z",
            ),
            ("2026-03-29T01:59[Europe/Berlin]", "2026-03-29T00:59:00Z"),
            ("2026-03-29[Europe/Berlin]", "2026-03-28T23:00:00Z"),
        ] {
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(text.parse(), Ok(PastTime::At(expected)), "{text}");
        }
        for (text, expected) in [
            (
                "2026-03-29T02:30[Europe/Berlin]",
                "there is no such time in Europe/Berlin",
            ),
            (
                "2026-10-25T02:30[Europe/Berlin]",
                "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00",
            ),
            (
                "2026-03-14T09:00+05:00[Europe/Berlin]",
                "not that of Europe/Berlin",
            ),
            ("2026-03-14T09:00[Europe/Atlantis]", "write how long ago"),
        ] {
            let told = text.parse::<PastTime>().unwrap_err().to_string();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
