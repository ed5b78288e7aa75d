//! The windows of time in which the newest rows of a table are looked for, one after the other, the newest first. A window
//! has about as many rows as are worth reading at once, so that a question with many answers does not read a whole day.
//! It is known how many rows a day has, and they are taken to be evenly spread over it. Where they are not, a window has
//! more or fewer rows, and nothing else changes.

use std::ops::Range;

use datafusion::logical_expr::Expr;

use super::pruning::{earlier, not_earlier};
use crate::archive::begin_of_day_ms;

/// Days in one window at most.
const MOST_DAYS: usize = 128;

/// By how much the next window is larger.
const GROWTH: u64 = 4;

/// How many rows windows have.
#[derive(Debug, Clone, Copy)]
pub(super) struct WindowRows {
    /// About how many the first one has.
    pub(super) first: u64,
    /// About how many a later one has at most.
    pub(super) most: u64,
}

/// What is known of the rows of a day without reading them.
#[derive(Debug, Clone, Copy)]
pub(super) struct DayRows {
    /// How many there are; `None` if that is not known.
    pub(super) rows: Option<u64>,
    /// The time of the newest one, in microseconds since the Unix epoch; `None` if that is not known.
    pub(super) newest_us: Option<i64>,
}

impl DayRows {
    /// Those of a day without rows.
    pub(super) const NONE: DayRows = DayRows {
        rows: Some(0),
        newest_us: None,
    };
}

/// A window of time, in microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// When it begins.
    pub(super) from_us: i64,
    /// When it ends, which is no part of it; `None` for the newest window, which has no end.
    pub(super) until_us: Option<i64>,
    /// How many days were searched when it is.
    pub(super) searched_days: usize,
}

impl Window {
    /// Whether a row is in it.
    pub(super) fn predicate(&self) -> Expr {
        let begins = not_earlier(self.from_us);
        match self.until_us {
            Some(until_us) => begins.and(earlier(until_us)),
            None => begins,
        }
    }
}

/// The windows of some days.
pub(super) struct Windows {
    /// The newest first.
    days: Vec<(i32, DayRows)>,
    /// The days of which nothing is left begin here.
    next_day: usize,
    /// Rows at other times are not wanted.
    wanted_us: Range<i64>,
    /// Where the last window began.
    until_us: Option<i64>,
    rows: WindowRows,
}

impl Windows {
    /// The windows of these days, the newest first, of which only rows at these times are wanted.
    pub(super) fn new(
        days: Vec<(i32, DayRows)>,
        wanted_us: Range<i64>,
        rows: WindowRows,
    ) -> Windows {
        Windows {
            days,
            next_day: 0,
            wanted_us,
            until_us: None,
            rows,
        }
    }

    /// How many days there are in all.
    pub(super) fn days(&self) -> usize {
        self.days.len()
    }

    /// The times of a day that are left and wanted, and about how many rows it has in them, where it is known.
    fn rest_of(&self, (day, known): (i32, DayRows)) -> (Range<i64>, Option<u64>) {
        let begin_us = begin_of_day_us(day);
        let end_us = begin_us.saturating_add(begin_of_day_us(1));
        let known_end_us = known
            .newest_us
            .map_or(end_us, |newest_us| newest_us.saturating_add(1));
        let known_end_us = known_end_us.clamp(begin_us.saturating_add(1), end_us);
        let from_us = begin_us.max(self.wanted_us.start);
        let wanted_until_us = self.until_us.unwrap_or(i64::MAX).min(self.wanted_us.end);
        let until_us = known_end_us.min(wanted_until_us).max(from_us);
        let part = (until_us - from_us) as f64 / (known_end_us - begin_us) as f64;
        let rows = known.rows.map(|rows| (rows as f64 * part) as u64);
        (from_us..until_us, rows)
    }
}

impl Iterator for Windows {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        let (mut left, mut from_us) = (self.rows.first, None);
        self.rows.first = self.rows.first.saturating_mul(GROWTH).min(self.rows.most);
        let last = self.days.len().min(self.next_day + MOST_DAYS);
        while let Some(day) = self.days[..last].get(self.next_day) {
            let (rest_us, rows) = self.rest_of(*day);
            let is_enough = rows.is_none_or(|rows| rows > left);
            if is_enough && from_us.is_some() {
                break;
            }
            if let Some(rows) = rows.filter(|rows| *rows > left)
                && let Some(newest_us) = newest_part(rest_us, left as f64 / rows as f64)
            {
                from_us = Some(newest_us);
                break;
            }
            left = left.saturating_sub(rows.unwrap_or(u64::MAX));
            from_us = Some(begin_of_day_us(day.0));
            self.next_day += 1;
        }
        let window = Window {
            from_us: from_us?,
            until_us: self.until_us,
            searched_days: self.next_day,
        };
        self.until_us = Some(window.from_us);
        Some(window)
    }
}

/// Where the newest part of a time begins; `None` if it is too short to be divided.
fn newest_part(time_us: Range<i64>, part: f64) -> Option<i64> {
    let length_us = time_us.end - time_us.start;
    let newest_us = ((length_us as f64 * part) as i64).max(1);
    (newest_us < length_us).then(|| time_us.end - newest_us)
}

/// When a day begins, in microseconds since the Unix epoch.
fn begin_of_day_us(day: i32) -> i64 {
    begin_of_day_ms(day).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    fn windows(
        days: &[(i32, Option<u64>, i64)],
        wanted_us: Range<i64>,
        rows: (u64, u64),
    ) -> Vec<Window> {
        let days = days.iter().map(|(day, rows, newest_us)| {
            let newest_us = (*newest_us >= 0).then(|| begin_of_day_us(*day) + newest_us);
            (
                *day,
                DayRows {
                    rows: *rows,
                    newest_us,
                },
            )
        });
        let (first, most) = rows;
        let windows = Windows::new(days.collect(), wanted_us, WindowRows { first, most });
        windows.take(10_000).collect()
    }

    fn begins(windows: &[Window]) -> Vec<i64> {
        windows.iter().map(|window| window.from_us).collect()
    }

    #[test]
    fn a_window_ends_where_it_has_enough_rows() {
        const ALL: Range<i64> = i64::MIN..i64::MAX;
        // The newest row of the newest day is at noon.
        let days = [
            (9, Some(1_000), DAY_US / 2 - 1),
            (7, Some(1_000), -1),
            (3, Some(10), -1),
        ];
        let found = windows(&days, ALL, (100, 600));
        let noon = 9 * DAY_US + DAY_US / 2;
        let expected = [
            noon - DAY_US / 20,
            noon - DAY_US / 4,
            9 * DAY_US,
            8 * DAY_US - DAY_US * 6 / 10,
            3 * DAY_US,
        ];
        assert_eq!(begins(&found), expected);
        // Each ends where the one before begins, and the first one has no end.
        let ends: Vec<Option<i64>> = found.iter().map(|window| window.until_us).collect();
        let before = expected.map(Some);
        assert_eq!(ends[0], None);
        assert_eq!(ends[1..], before[..4]);
        let searched: Vec<usize> = found.iter().map(|window| window.searched_days).collect();
        assert_eq!(searched, [0, 0, 1, 1, 3]);
    }

    #[test]
    fn the_wanted_time_is_divided_and_no_other() {
        let hour_us = DAY_US / 24;
        let days = [(9, Some(2_400), -1), (8, Some(2_400), -1)];
        let wanted_us = 8 * DAY_US + 22 * hour_us..9 * DAY_US + 4 * hour_us;
        let found = windows(&days, wanted_us, (100, 100));
        let hours = [3, 2, 1, 0].map(|hour| 9 * DAY_US + hour * hour_us);
        assert_eq!(begins(&found)[..4], hours);
        assert_eq!(begins(&found)[4..], [8 * DAY_US + 23 * hour_us, 8 * DAY_US]);
    }

    #[test]
    fn days_of_which_little_is_known_are_whole() {
        const ALL: Range<i64> = i64::MIN..i64::MAX;
        // How many rows there are is not known, or all of them are said to be of one moment.
        let days = [(9, None, -1), (8, Some(1_000), 0), (7, None, -1)];
        let found = windows(&days, ALL, (10, 10));
        assert_eq!(begins(&found), [9 * DAY_US, 8 * DAY_US, 7 * DAY_US]);
        assert_eq!(windows(&[], ALL, (10, 10)), []);
        let many: Vec<_> = (0..300).rev().map(|day| (day, Some(0), -1)).collect();
        let found = windows(&many, ALL, (10, 10));
        assert_eq!(begins(&found), [172 * DAY_US, 44 * DAY_US, 0]);
    }
}
