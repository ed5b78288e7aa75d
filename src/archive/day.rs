//! Days in UTC, as numbers since the Unix epoch and as the Delta log writes them.

use jiff::civil::{Date, date};

/// When a day begins, in milliseconds since the Unix epoch.
pub fn begin_of_day_ms(day: i32) -> i64 {
    i64::from(day) * DAY_MS
}

/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;

/// The day of a time in milliseconds since the Unix epoch.
pub fn day_of(time_ms: i64) -> i32 {
    let day = time_ms.div_euclid(DAY_MS);
    day.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

/// The days since the Unix epoch of such as `2026-03-14`; 0 of anything else.
pub fn day_number(day: &str) -> i32 {
    let parsed = day.parse::<jiff::civil::Date>();
    let since = parsed.and_then(|day| day.since(date(1970, 1, 1)));
    since.map_or(0, |since| since.get_days())
}

/// Such as `2026-03-14`.
pub fn day_text(days: i32) -> String {
    date_of(days).to_string()
}

/// The first day of the month of a day, both since the Unix epoch.
pub fn first_of_month(days: i32) -> i32 {
    days - i32::from(date_of(days).day() - 1)
}

fn date_of(days: i32) -> Date {
    let epoch = date(1970, 1, 1);
    let day = jiff::Span::new()
        .try_days(days)
        .and_then(|span| epoch.checked_add(span));
    day.unwrap_or(epoch)
}
