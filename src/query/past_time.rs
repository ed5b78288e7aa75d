//! A time in the past, as people write it on the command line.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
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

/// The text is neither a timestamp nor how long ago something was.
#[derive(Debug, thiserror::Error)]
#[error(
    "write how long ago, such as 10m, 12h or 3d, or when, such as 2026-03-14T09:00:00Z, 2026-03-14T09:00+08:00, \
     2026-03-14T09:00[Asia/Shanghai], or in UTC 2026-03-14T09:00 or 2026-03-14"
)]
pub struct InvalidTime;

impl FromStr for PastTime {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<PastTime, InvalidTime> {
        if let Some(time) = moment(text) {
            return Ok(PastTime::At(time));
        }
        // `SignedDuration` has no unit for days. Here a day has 24 hours.
        let days = text
            .strip_suffix('d')
            .and_then(|days| days.parse::<u32>().ok());
        let ago = match days {
            Some(days) => SignedDuration::from_hours(i64::from(days) * 24),
            None => text.parse().map_err(|_| InvalidTime)?,
        };
        if ago.is_negative() {
            return Err(InvalidTime);
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

/// The time that is meant: one with an offset or a zone, else one in UTC, else the beginning of a day in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let (time, zone) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((time, zone)) => (time, sigma::time_zone(zone).ok()?),
        None => (text, TimeZone::UTC),
    };
    // A time without hours is the beginning of a day.
    zone.to_timestamp(time.parse::<DateTime>().ok()?).ok()
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
}
