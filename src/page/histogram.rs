//! How many events there were when: bars that lead to their span of time.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::asked::Asked;
use super::words::Words;
use crate::query::archive::Unit;

/// Height and width of the chart in its own units, and the gap between two bars.
const HEIGHT: f64 = 100.0;
const WIDTH: f64 = 1_000.0;
const GAP: f64 = 0.15;

/// Most bars; with more, several are shown as one.
const MOST_BARS: i64 = 200;

/// The number of events from some time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// When it begins, in milliseconds since the Unix epoch.
    pub begin_ms: i64,
    /// How many there were until the next one.
    pub count: u64,
}

/// The bars that have any event, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// The width of a bar.
    pub unit: Unit,
    /// The bars.
    pub bars: Vec<Bar>,
    /// The span of time that was asked for, in milliseconds since the Unix epoch; none where it has no beginning: then the
    /// chart begins with the first bar.
    pub asked_ms: Option<(i64, i64)>,
}

/// What is drawn.
struct Drawn {
    /// Each bar with its place, the first of which is 0. Bars without events are left out.
    bars: Vec<(Bar, i64)>,
    /// When the first place begins.
    begin_ms: i64,
    /// The width of a place, in milliseconds.
    width_ms: i64,
    /// How many places there are.
    places: i64,
}

/// The unit that gives a span of time between 20 and some 200 bars.
pub fn unit_for(from_ms: i64, to_ms: i64) -> Unit {
    const HOUR_MS: i64 = 60 * 60 * 1_000;
    match to_ms.saturating_sub(from_ms) / HOUR_MS {
        ..4 => Unit::Minute,
        4..=200 => Unit::Hour,
        201..=4_800 => Unit::Day,
        _ => Unit::Week,
    }
}

impl Histogram {
    /// The number of all events.
    fn total(&self) -> u64 {
        self.bars.iter().map(|bar| bar.count).sum()
    }

    fn drawn(&self) -> Drawn {
        let (Some(first), Some(last)) = (self.bars.first(), self.bars.last()) else {
            return Drawn {
                bars: Vec::new(),
                begin_ms: 0,
                width_ms: 1,
                places: 1,
            };
        };
        let unit_ms = unit_ms(self.unit);
        // The first bar says where units begin: that of the beginning is so many units before it.
        let (from_ms, to_ms) = self.asked_ms.unwrap_or((first.begin_ms, last.begin_ms));
        let before = first.begin_ms.saturating_sub(from_ms).max(0) / unit_ms;
        let first_ms = first.begin_ms.saturating_sub(before * unit_ms);
        let last_ms = last.begin_ms.max(to_ms.saturating_sub(1));
        let units = last_ms.saturating_sub(first_ms) / unit_ms + 1;
        let width_ms = units.div_euclid(MOST_BARS).saturating_add(1) * unit_ms;
        let mut bars: Vec<(Bar, i64)> = Vec::new();
        for bar in &self.bars {
            let number = (bar.begin_ms - first_ms) / width_ms;
            let begin_ms = first_ms + number * width_ms;
            match bars.last_mut() {
                Some((last, _)) if last.begin_ms == begin_ms => last.count += bar.count,
                _ => bars.push((
                    Bar {
                        begin_ms,
                        count: bar.count,
                    },
                    number,
                )),
            }
        }
        Drawn {
            bars,
            begin_ms: first_ms,
            width_ms,
            places: last_ms.saturating_sub(first_ms) / width_ms + 1,
        }
    }

    /// What was asked for of a span of time: a bar at the edge counts no more than that.
    fn asked_of(&self, from_ms: i64, to_ms: i64) -> (i64, i64) {
        match self.asked_ms {
            Some((first_ms, last_ms)) if last_ms > from_ms && first_ms < to_ms => {
                (from_ms.max(first_ms), to_ms.min(last_ms))
            }
            _ => (from_ms, to_ms),
        }
    }

    /// The chart. Each bar leads to the question with its span of time.
    pub(super) fn markup(&self, asked: &Asked, zone: &TimeZone, words: &Words) -> Markup {
        let Drawn {
            bars,
            begin_ms,
            width_ms,
            places,
        } = self.drawn();
        let highest = bars.iter().map(|(bar, _)| bar.count).max().unwrap_or(1);
        let slot = WIDTH / places as f64;
        let unit = unit_word(self.unit, words);
        let time = |time_ms: i64| label(time_ms, width_ms, zone);
        html! {
            figure.histogram data-first=(begin_ms) data-width=(width_ms) data-bars=(places) {
                figcaption {
                    strong { (grouped(self.total())) } " " (words.counted)
                    " · " (words.events_per) " " (unit)
                }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" {
                    @for (bar, number) in &bars {
                        @let height = (bar.count as f64 / highest as f64 * HEIGHT).max(1.5);
                        @let (from_ms, to_ms) = self.asked_of(bar.begin_ms, bar.begin_ms + width_ms);
                        @let (from, to) = (instant(from_ms), instant(to_ms));
                        @let what = format!("{}: {}", time(bar.begin_ms), grouped(bar.count));
                        a href={ "/events?" (asked.within(&from, &to).query()) } aria-label=(what) {
                            title { (what) }
                            rect.slot x=(slot * *number as f64) y="0" width=(slot) height=(HEIGHT) {}
                            rect.bar x=(slot * (*number as f64 + GAP / 2.0)) y=(HEIGHT - height)
                                width=(slot * (1.0 - GAP)) height=(height) {}
                        }
                    }
                }
                @if !bars.is_empty() {
                    div.axis {
                        span { (time(begin_ms)) }
                        span { (time(begin_ms + (places - 1) * width_ms)) }
                    }
                }
            }
        }
    }
}

/// The length of a unit. Months are counted as four weeks, which only moves the borders of bars.
const fn unit_ms(unit: Unit) -> i64 {
    const MINUTE_MS: i64 = 60 * 1_000;
    match unit {
        Unit::Minute => MINUTE_MS,
        Unit::Hour => 60 * MINUTE_MS,
        Unit::Day => 24 * 60 * MINUTE_MS,
        Unit::Week => 7 * 24 * 60 * MINUTE_MS,
        Unit::Month => 28 * 24 * 60 * MINUTE_MS,
    }
}

fn unit_word(unit: Unit, words: &Words) -> &'static str {
    match unit {
        Unit::Minute => words.minute,
        Unit::Hour => words.hour,
        Unit::Day => words.day,
        Unit::Week => words.week,
        Unit::Month => words.month,
    }
}

/// A time as a URL has it.
fn instant(time_ms: i64) -> String {
    Timestamp::from_millisecond(time_ms).map_or_else(|_| String::new(), |time| time.to_string())
}

/// A time below the chart: a day in UTC, as the archive counts, or an hour of a day in the reader's zone.
fn label(time_ms: i64, width_ms: i64, zone: &TimeZone) -> String {
    let Ok(time) = Timestamp::from_millisecond(time_ms) else {
        return String::new();
    };
    if SignedDuration::from_millis(width_ms).as_hours() < 24 {
        let zoned = time.to_zoned(zone.clone());
        return zoned.strftime("%Y-%m-%d %H:%M").to_string();
    }
    let form = match zone.to_offset(time).is_zero() {
        true => "%Y-%m-%d",
        false => "%Y-%m-%d UTC",
    };
    time.to_zoned(TimeZone::UTC).strftime(form).to_string()
}

/// A number with its digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::Language;

    #[test]
    fn bars_lead_to_their_span_and_keep_the_question() {
        let day_ms = 24 * 60 * 60 * 1_000;
        let begin: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let bar = |day: i64, count| Bar {
            begin_ms: begin.as_millisecond() + day * day_ms,
            count,
        };
        let histogram = Histogram {
            unit: Unit::Day,
            bars: vec![bar(0, 1_000), bar(3, 500)],
            asked_ms: None,
        };
        let asked = Asked::of_query("actor=jane");
        let markup = histogram.markup(&asked, &TimeZone::UTC, Language::English.words());
        let markup = markup.into_string();
        let link =
            "/events?actor=jane&amp;from=2026-03-04T00%3A00%3A00Z&amp;to=2026-03-05T00%3A00%3A00Z";
        assert!(markup.contains(link), "{markup}");
        assert!(markup.contains("<strong>1\u{202f}500</strong>"), "{markup}");
        assert!(markup.contains("2026-03-04: 500"), "{markup}");
    }

    #[test]
    fn days_are_those_of_utc_and_a_bar_leads_to_what_it_counts() {
        let time_ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let histogram = Histogram {
            unit: Unit::Day,
            bars: vec![Bar {
                begin_ms: time_ms("2026-03-01T00:00:00Z"),
                count: 7,
            }],
            asked_ms: Some((
                time_ms("2026-03-01T16:00:00Z"),
                time_ms("2026-03-20T00:00:00Z"),
            )),
        };
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        let markup = histogram.markup(&Asked::default(), &zone, Language::English.words());
        let markup = markup.into_string();
        assert!(markup.contains("2026-03-01 UTC: 7"), "{markup}");
        let link = "from=2026-03-01T16%3A00%3A00Z&amp;to=2026-03-02T00%3A00%3A00Z";
        assert!(markup.contains(link), "{markup}");
    }

    #[test]
    fn many_units_are_shown_as_few_bars() {
        let bars = (0..10_000).map(|hour| Bar {
            begin_ms: hour * 60 * 60 * 1_000,
            count: 1,
        });
        let histogram = Histogram {
            unit: Unit::Hour,
            bars: bars.collect(),
            asked_ms: None,
        };
        let drawn = histogram.drawn();
        assert!(drawn.bars.len() <= 200, "{}", drawn.bars.len());
        let total: u64 = drawn.bars.iter().map(|(bar, _)| bar.count).sum();
        assert_eq!(total, 10_000);
    }

    #[test]
    fn the_chart_shows_the_whole_time_that_was_asked() {
        const HOUR_MS: i64 = 60 * 60 * 1_000;
        let histogram = |asked_ms| Histogram {
            unit: Unit::Hour,
            bars: vec![Bar {
                begin_ms: 40 * HOUR_MS,
                count: 2,
            }],
            asked_ms,
        };
        let drawn = histogram(Some((20 * HOUR_MS + 5, 44 * HOUR_MS + 5))).drawn();
        let bars: Vec<i64> = drawn.bars.iter().map(|(_, place)| *place).collect();
        // The first hour began before what was asked for.
        assert_eq!((drawn.begin_ms, bars), (21 * HOUR_MS, vec![19]));
        assert_eq!(drawn.places, 24);
        // An event that was found outside of it, such as a late one, is drawn nevertheless.
        let drawn = histogram(Some((0, 10 * HOUR_MS))).drawn();
        assert_eq!((drawn.begin_ms, drawn.places), (0, 41));
        let drawn = histogram(None).drawn();
        assert_eq!((drawn.begin_ms, drawn.places), (40 * HOUR_MS, 1));
        // The longest times that anybody can ask for.
        let drawn = histogram(Some((i64::MIN, i64::MAX))).drawn();
        assert!(drawn.places > 0 && drawn.bars.len() == 1);
    }
}
