//! A small chart of numbers per day, with its sum as text beside it.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::histogram::grouped;
use crate::archive::day_text;

/// Width of a day and height of the chart in its own units.
const DAY: i32 = 4;
const HEIGHT: f64 = 20.0;

/// The least height of a day that has any.
const LEAST: f64 = 2.0;

/// The numbers of so many days up to the last one; days are counted since the Unix epoch. `about` names them.
pub(super) fn sparkline(
    days: &BTreeMap<i32, u64>,
    (last, count): (i32, i32),
    about: &str,
) -> Markup {
    let first = last.saturating_sub(count.saturating_sub(1));
    let shown: Vec<(i32, u64)> = days
        .range(first..=last)
        .map(|(day, of)| (*day, *of))
        .collect();
    let sum: u64 = shown.iter().map(|(_, of)| of).sum();
    let highest = shown.iter().map(|(_, of)| *of).max().unwrap_or(1).max(1);
    let highest_day = shown.iter().max_by_key(|(day, of)| (*of, *day));
    let what = match highest_day {
        Some((day, of)) => format!(
            "{about}: {}; {}: {}",
            grouped(sum),
            day_text(*day),
            grouped(*of)
        ),
        None => format!("{about}: 0"),
    };
    html! {
        span.spark {
            svg viewBox={ "0 0 " (DAY * count) " " (HEIGHT) } role="img" aria-label=(what) preserveAspectRatio="none" {
                title { (what) }
                rect.ground x="0" y=(HEIGHT - 1.0) width=(DAY * count) height="1" {}
                @for (day, of) in &shown {
                    @let height = (*of as f64 / highest as f64 * HEIGHT).max(LEAST);
                    rect.bar x=(DAY * (day - first)) y=(HEIGHT - height) width=(DAY - 1) height=(height) {}
                }
            }
            " " span.sum { (grouped(sum)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_days_are_drawn_and_summed_and_the_highest_is_named() {
        let last = 20_526;
        let days = BTreeMap::from([
            (last - 28, 1_000),
            (last - 27, 4),
            (last - 1, 8),
            (last + 1, 9),
        ]);
        let drawn = sparkline(&days, (last, 28), "Alerts").into_string();
        assert!(drawn.contains("<span class=\"sum\">12</span>"), "{drawn}");
        assert_eq!(drawn.matches("class=\"bar\"").count(), 2, "{drawn}");
        let highest = day_text(last - 1);
        assert!(
            drawn.contains(&format!("<title>Alerts: 12; {highest}: 8</title>")),
            "{drawn}"
        );
        // The first day is at the left, the last one at the right.
        assert!(
            drawn.contains("x=\"0\" y=\"10\" width=\"3\" height=\"10\""),
            "{drawn}"
        );
        assert!(
            drawn.contains("x=\"104\" y=\"0\" width=\"3\" height=\"20\""),
            "{drawn}"
        );
    }

    #[test]
    fn without_any_the_sum_is_said() {
        let drawn = sparkline(&BTreeMap::new(), (20_526, 28), "Alerts").into_string();
        assert!(drawn.contains("<title>Alerts: 0</title>"), "{drawn}");
        assert!(drawn.contains("<span class=\"sum\">0</span>"), "{drawn}");
    }
}
