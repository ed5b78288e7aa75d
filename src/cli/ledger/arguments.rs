//! The arguments of `ledger` and `ledger verify`.

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A day in UTC: a date, `today` or `yesterday`.
fn utc_day(text: &str) -> Result<Date, String> {
    let today = || Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = match text {
        "today" => Ok(today()),
        "yesterday" => today().checked_sub(1.day()),
        text => text.parse(),
    };
    day.map_err(|_| "a day is a date such as 2026-03-14, today or yesterday".to_owned())
}

/// The days to list.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only this day in UTC, such as 2026-03-14, `today` or `yesterday`; default: the last seven days.
    #[arg(long, value_name = "DAY", value_parser = utc_day, conflicts_with_all = ["from", "to"])]
    pub(super) day: Option<Date>,
    /// The first day.
    #[arg(long, value_name = "DAY", value_parser = utc_day)]
    pub(super) from: Option<Date>,
    /// The last day.
    #[arg(long, value_name = "DAY", value_parser = utc_day)]
    pub(super) to: Option<Date>,
    /// Only this source.
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// One JSON object per line.
    #[arg(long)]
    pub(super) json: bool,
}

impl List {
    /// Whether no option is given.
    pub(super) fn is_empty(&self) -> bool {
        let List {
            day,
            from,
            to,
            source,
            json,
        } = self;
        day.or(*from).or(*to).is_none() && source.is_none() && !json
    }
}

/// What to verify.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The day in UTC on which ingest committed the records, such as 2026-03-14, or `yesterday`.
    #[arg(long, value_name = "DAY", value_parser = utc_day)]
    pub(super) day: Date,
    /// Only this source, and those that have the same topic.
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// One JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date_or_a_word() {
        assert_eq!(utc_day("2026-03-14"), Ok(jiff::civil::date(2026, 3, 14)));
        let yesterday = utc_day("yesterday").unwrap();
        // Midnight may come in between.
        let next = [1, 2].map(|days| yesterday.checked_add(days.days()).unwrap());
        assert!(next.contains(&utc_day("today").unwrap()));
        let fault = utc_day("tomorrow").unwrap_err();
        assert!(fault.contains("2026-03-14"), "{fault}");
    }
}
