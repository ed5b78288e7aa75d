//! A range of time as a person writes it: `3d`, `last 3 days`, `yesterday`, `Tuesday 14:00 to 15:00`,
//! `2026-03-01 to 2026-03-14`. Days and times without an offset are those of the reader's zone.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::query::PastTime;

/// A beginning and an end; a side that is open has none.
type Range = (Option<Timestamp>, Option<Timestamp>);

/// The reader's clock.
#[derive(Clone, Copy)]
pub struct Clock<'z> {
    /// The current time.
    pub now: Timestamp,
    /// The reader's zone.
    pub zone: &'z TimeZone,
}

/// What one side of a range means: from when on, and until when.
#[derive(Clone, Copy)]
struct Meant {
    begin: Timestamp,
    end: Timestamp,
    /// Its day, for a time that follows without one.
    day: Date,
}

/// The range that a text means; `None` if it means none, or one without time in it.
pub(super) fn read(text: &str, clock: Clock<'_>) -> Option<Range> {
    let text = text.trim().to_lowercase();
    let range = match text.strip_prefix("since ").or(text.strip_prefix("from ")) {
        Some(rest) if split(rest).is_none() => (Some(clock.meant(rest, None)?.begin), None),
        Some(rest) => clock.between(rest)?,
        None => match ["until ", "before "]
            .iter()
            .find_map(|word| text.strip_prefix(word))
        {
            Some(rest) => (None, Some(clock.meant(rest, None)?.begin)),
            None => clock.between(&text)?,
        },
    };
    match range {
        (Some(from), Some(to)) if from >= to => None,
        range => Some(range),
    }
}

/// The two sides of `a to b`, `a - b`, `a … b`.
fn split(text: &str) -> Option<(&str, &str)> {
    let words = [" to ", " until ", " – ", " - ", "..", "…", "到", "至"];
    let (a, b) = words.iter().find_map(|word| text.split_once(word))?;
    Some((a.trim(), b.trim()))
}

impl Clock<'_> {
    fn between(&self, text: &str) -> Option<Range> {
        if let Some(ago) = last(text) {
            return Some((Some(self.now.checked_sub(ago).ok()?), None));
        }
        let Some((first, second)) = split(text) else {
            // `12h` means the last twelve hours, and a time with an offset what happened since then.
            if let Ok(time) = text.to_uppercase().parse::<Timestamp>() {
                return Some((Some(time), None));
            }
            if let Ok(PastTime::Ago(ago)) = text.parse() {
                let begin = self.now.checked_sub(ago).ok()?;
                return (begin < self.now).then_some((Some(begin), None));
            }
            if ["this week", "本周"].contains(&text) {
                let monday = self.meant("monday", None)?;
                let next = self.day(monday.day.checked_add(7.days()).ok()?)?;
                return Some((Some(monday.begin), Some(next.begin)));
            }
            let meant = self.meant(text, None)?;
            return Some((Some(meant.begin), Some(meant.end)));
        };
        let mut from = self.meant(first, None)?;
        if let (Some(begin), Some(end)) = (time(first), time(second))
            && begin > end
            && from.begin > self.now
        {
            // The night that has begun.
            from = self.hour(from.day.yesterday().ok()?, begin)?;
        }
        if second == "now" || second.is_empty() {
            return Some((Some(from.begin), None));
        }
        let is_time = time(second).is_some();
        let mut to = self.meant(second, Some(from.day))?;
        if is_time && to.begin <= from.begin {
            // `23:00 to 01:00` ends on the next day.
            to = self.meant(second, Some(from.day.tomorrow().ok()?))?;
            // More hours are rather a mistake.
            if to.begin.duration_since(from.begin) > SignedDuration::from_hours(12) {
                return None;
            }
        }
        // A day as an end is meant with all its hours; a time is the end itself.
        let is_day = !is_time && to.end.duration_since(to.begin) > SignedDuration::from_hours(2);
        Some((
            Some(from.begin),
            Some(if is_day { to.end } else { to.begin }),
        ))
    }

    /// What one side means; `of` is the day of a time that has none.
    fn meant(&self, text: &str, of: Option<Date>) -> Option<Meant> {
        if let Ok(moment) = text.to_uppercase().parse::<Timestamp>() {
            return Some(self.moment(moment));
        }
        if let Ok(PastTime::Ago(ago)) = text.parse() {
            return Some(self.moment(self.now.checked_sub(ago).ok()?));
        }
        let today = self.now.to_zoned(self.zone.clone()).date();
        if let Some(time) = time(text) {
            return self.hour(of.unwrap_or(today), time);
        }
        if let Some(day) = day(text, today) {
            return self.day(day);
        }
        let (first, second) = text.rsplit_once([' ', 't'])?;
        let second = time(second.trim())?;
        self.hour(day(first.trim(), today)?, second)
    }

    fn moment(&self, moment: Timestamp) -> Meant {
        Meant {
            begin: moment,
            end: moment,
            day: moment.to_zoned(self.zone.clone()).date(),
        }
    }

    fn day(&self, day: Date) -> Option<Meant> {
        let begin = |day: Date| Some(day.to_zoned(self.zone.clone()).ok()?.timestamp());
        Some(Meant {
            begin: begin(day)?,
            end: begin(day.tomorrow().ok()?)?,
            day,
        })
    }

    /// A time of a day, alone: the hour from then on.
    fn hour(&self, day: Date, time: Time) -> Option<Meant> {
        let begin = day.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        let begin = begin.timestamp();
        Some(Meant {
            begin,
            end: begin.checked_add(SignedDuration::from_hours(1)).ok()?,
            day,
        })
    }
}

/// How long ago `last 3 days` begins.
fn last(text: &str) -> Option<SignedDuration> {
    let words = ["last ", "past ", "the last ", "最近", "过去"];
    let rest = words.iter().find_map(|word| text.strip_prefix(word))?;
    let rest = rest.trim();
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let count: i64 = match &rest[..digits] {
        "" => 1,
        digits => digits.parse().ok()?,
    };
    let minutes = match rest[digits..].trim().trim_end_matches('s') {
        "minute" | "min" | "m" | "分钟" => 1,
        "hour" | "h" | "小时" => 60,
        "day" | "d" | "天" => 24 * 60,
        "week" | "w" | "周" => 7 * 24 * 60,
        "month" | "个月" => 30 * 24 * 60,
        _ => return None,
    };
    let minutes = count.checked_mul(minutes).filter(|minutes| *minutes > 0)?;
    SignedDuration::try_from_mins(minutes)
}

/// The day that a word or a date means: the latest one of that name that has begun.
fn day(text: &str, today: Date) -> Option<Date> {
    let (text, is_before) = match text.strip_prefix("last ") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let weekday = match text {
        "today" | "今天" => return Some(today),
        "yesterday" | "昨天" => return today.yesterday().ok(),
        "monday" | "mon" | "周一" => Weekday::Monday,
        "tuesday" | "tue" | "周二" => Weekday::Tuesday,
        "wednesday" | "wed" | "周三" => Weekday::Wednesday,
        "thursday" | "thu" | "周四" => Weekday::Thursday,
        "friday" | "fri" | "周五" => Weekday::Friday,
        "saturday" | "sat" | "周六" => Weekday::Saturday,
        "sunday" | "sun" | "周日" => Weekday::Sunday,
        // The parser also takes the date of a whole time.
        date if date
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-') =>
        {
            return date.parse().ok();
        }
        _ => return None,
    };
    let ago = match today.weekday().since(weekday) {
        0 if is_before => 7,
        ago => ago,
    };
    today.checked_sub(i64::from(ago).days()).ok()
}

/// `14:00`, `14:00:30`.
fn time(text: &str) -> Option<Time> {
    // The parser also takes the time of a whole date.
    let is_time = text.contains(':')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b':');
    is_time.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wednesday.
    const NOW: &str = "2026-03-18T12:00:00Z";

    fn range(text: &str, zone: &TimeZone) -> Option<(String, String)> {
        let now = NOW.parse().unwrap();
        let (from, to) = read(text, Clock { now, zone })?;
        let text = |time: Option<Timestamp>| time.map_or("-".to_owned(), |time| time.to_string());
        Some((text(from), text(to)))
    }

    #[test]
    fn people_write_ranges_in_words() {
        let cases = [
            ("3d", "2026-03-15T12:00:00Z", "-"),
            // The last night, and that of another day.
            (
                "23:00 to 01:00",
                "2026-03-17T23:00:00Z",
                "2026-03-18T01:00:00Z",
            ),
            (
                "Monday 23:00 to 01:00",
                "2026-03-16T23:00:00Z",
                "2026-03-17T01:00:00Z",
            ),
            ("this week", "2026-03-16T00:00:00Z", "2026-03-23T00:00:00Z"),
            (
                "last Tuesday",
                "2026-03-17T00:00:00Z",
                "2026-03-18T00:00:00Z",
            ),
            (
                "last wednesday",
                "2026-03-11T00:00:00Z",
                "2026-03-12T00:00:00Z",
            ),
            ("last 3 days", "2026-03-15T12:00:00Z", "-"),
            ("Last hour", "2026-03-18T11:00:00Z", "-"),
            ("最近3天", "2026-03-15T12:00:00Z", "-"),
            ("today", "2026-03-18T00:00:00Z", "2026-03-19T00:00:00Z"),
            ("yesterday", "2026-03-17T00:00:00Z", "2026-03-18T00:00:00Z"),
            ("Wednesday", "2026-03-18T00:00:00Z", "2026-03-19T00:00:00Z"),
            ("thursday", "2026-03-12T00:00:00Z", "2026-03-13T00:00:00Z"),
            (
                "Tuesday 14:00 to 15:00",
                "2026-03-17T14:00:00Z",
                "2026-03-17T15:00:00Z",
            ),
            (
                "tuesday 14:00",
                "2026-03-17T14:00:00Z",
                "2026-03-17T15:00:00Z",
            ),
            ("since tuesday 14:00", "2026-03-17T14:00:00Z", "-"),
            ("before 2026-03-02", "-", "2026-03-02T00:00:00Z"),
            ("2026-03-14", "2026-03-14T00:00:00Z", "2026-03-15T00:00:00Z"),
            (
                "2026-03-01 to 2026-03-14",
                "2026-03-01T00:00:00Z",
                "2026-03-15T00:00:00Z",
            ),
            (
                "monday 22:00 to tuesday 02:00",
                "2026-03-16T22:00:00Z",
                "2026-03-17T02:00:00Z",
            ),
            (
                "2026-03-14T09:00 to 2026-03-14T10:30",
                "2026-03-14T09:00:00Z",
                "2026-03-14T10:30:00Z",
            ),
            ("3d to 1d", "2026-03-15T12:00:00Z", "2026-03-17T12:00:00Z"),
            ("2026-03-14T09:00:00Z", "2026-03-14T09:00:00Z", "-"),
            ("13:00 to now", "2026-03-18T13:00:00Z", "-"),
        ];
        for (text, from, to) in cases {
            let expected = Some((from.to_owned(), to.to_owned()));
            assert_eq!(range(text, &TimeZone::UTC), expected, "{text}");
        }
        for text in [
            "",
            "someday",
            "0d",
            "last 0 days",
            "last -3 days",
            "15:00 to 14:00",
            "25:00",
            "to",
            " to ",
            "last 99999999999999 weeks",
            "2026-02-30",
            "99999999999d",
        ] {
            assert_eq!(range(text, &TimeZone::UTC), None, "{text}");
        }
    }

    #[test]
    fn days_are_those_of_the_readers_zone() {
        let zone = crate::sigma::time_zone("Asia/Shanghai").unwrap();
        let expected = (
            "2026-03-17T16:00:00Z".to_owned(),
            "2026-03-18T16:00:00Z".to_owned(),
        );
        assert_eq!(range("today", &zone), Some(expected));
        let expected = (
            "2026-03-17T06:00:00Z".to_owned(),
            "2026-03-17T07:00:00Z".to_owned(),
        );
        assert_eq!(range("tuesday 14:00 to 15:00", &zone), Some(expected));
    }
}
