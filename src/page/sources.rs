//! What was read of each source, day by day, and what could not be read.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{ToSpan, civil};
use maud::{Markup, html};

use super::frame::Frame;
use super::histogram::grouped;
use super::moment::moment;
use super::record_row::{cut, record_url};
use super::words::Words;
use crate::printable::beginning_of_bytes;
use crate::view::{At, Emitted, RecordKind, shown};

/// Weeks of the calendar.
pub const WEEKS: i64 = 13;

/// Most bytes of a dead letter that the list shows.
const PREVIEW: usize = 160;

/// What was read of a source on a day (UTC), as the ledger says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayRead {
    /// Source records.
    pub records: u64,
    /// Events that were published of them.
    pub events: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// How often records had expired before they were read.
    pub gaps: u64,
}

/// What was read of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceRead {
    /// Its days.
    pub days: BTreeMap<Date, DayRead>,
    /// When the last commit was, in milliseconds since the Unix epoch.
    pub last_ms: i64,
}

/// What the page shows.
pub struct SourcesPage<'p> {
    /// The sources, by their names in the configuration.
    pub sources: &'p BTreeMap<String, SourceRead>,
    /// The newest dead letters.
    pub dead_letters: &'p [Emitted<'p>],
    /// The current day in UTC.
    pub today: civil::Date,
    /// Whether there is an archive, and so a ledger.
    pub has_ledger: bool,
}

/// The page of the sources.
pub fn sources_page(frame: Frame<'_>, page: &SourcesPage<'_>) -> String {
    let words = frame.words();
    let content = html! {
        h1 { (words.sources) }
        @if page.sources.is_empty() {
            div.empty { p { (if page.has_ledger { words.no_sources } else { words.no_ledger }) } }
        }
        @for (name, source) in page.sources {
            section.source {
                h2 { bdi { (shown(name)) } }
                (totals(frame, source))
                (calendar(source, page.today, words))
            }
        }
        section {
            h2 { (words.dead_letters) }
            @if page.dead_letters.is_empty() { p.faint { (words.no_dead_letters) } }
            @else { (letters(frame, page.dead_letters)) }
        }
    };
    frame.with(&content).into_string()
}

fn totals(frame: Frame<'_>, source: &SourceRead) -> Markup {
    let words = frame.words();
    let sum = |of: fn(&DayRead) -> u64| source.days.values().map(of).sum::<u64>();
    let all = [
        (words.records, sum(|day| day.records)),
        (words.events, sum(|day| day.events)),
        (words.dead_letters, sum(|day| day.dead_letters)),
        (words.gaps, sum(|day| day.gaps)),
    ];
    html! {
        p.seen {
            (words.last) " " (moment(source.last_ms, frame.zone))
            @for (name, count) in all {
                " · " @if name == words.gaps && count > 0 { span.bad { (grouped(count)) " " (name) } } @else { (grouped(count)) " " (name) }
            }
        }
    }
}

/// The days of the last weeks, a row for each day of the week.
fn calendar(source: &SourceRead, today: Date, words: &Words) -> Markup {
    let back = i64::from(today.weekday().to_monday_zero_offset()) + (WEEKS - 1) * 7;
    let Ok(first) = today.checked_sub(back.days()) else {
        return html! {};
    };
    let day = |number: i64| {
        first
            .checked_add(number.days())
            .ok()
            .filter(|day| *day <= today)
    };
    html! {
        div.table {
            table.calendar {
                caption.hidden { (words.days_read) }
                tbody {
                    @for weekday in 0..7 {
                        tr {
                            @for week in 0..WEEKS { (cell(source, day(week * 7 + weekday), words)) }
                        }
                    }
                }
            }
        }
        p.legend.faint {
            span.mark data-state="read" {} (words.day_read) " "
            span.mark data-state="gap" {} (words.day_gap) " "
            span.mark data-state="letters" {} (words.day_letters) " "
            span.mark data-state="none" {} (words.day_none)
        }
    }
}

fn cell(source: &SourceRead, day: Option<Date>, words: &Words) -> Markup {
    let Some(day) = day else {
        return html! { td {} };
    };
    let read = source.days.get(&day).copied().unwrap_or_default();
    let (state, text) = match read {
        DayRead { gaps: 1.., .. } => ("gap", words.day_gap),
        DayRead {
            dead_letters: 1.., ..
        } => ("letters", words.day_letters),
        DayRead { records: 1.., .. } => ("read", words.day_read),
        _ => ("none", words.day_none),
    };
    let about = format!("{day}: {text}, {} {}", grouped(read.records), words.records);
    html! {
        td { span.mark data-state=(state) title=(about) { span.hidden { (about) } } }
    }
}

fn letters(frame: Frame<'_>, letters: &[Emitted<'_>]) -> Markup {
    let words = frame.words();
    html! {
        div.table {
            table.records {
                thead { tr {
                    th scope="col" { (words.time) } th scope="col" { (words.reason) }
                    th scope="col" { (words.detail) } th scope="col" { (words.preview) }
                } }
                tbody {
                    @for letter in letters.iter().filter(|letter| letter.kind == RecordKind::DeadLetter) {
                        tr {
                            td.time {
                                a href=(record_url(&At::from(letter.record.position))) {
                                    (moment(letter.record.timestamp_ms.unwrap_or_default(), frame.zone))
                                }
                            }
                            td { code { (cut(&letter.header("watchbell-reason").unwrap_or_default())) } }
                            td { bdi { (cut(&letter.header("watchbell-detail").unwrap_or_default())) } }
                            td { code { bdi { (preview(letter)) } } }
                        }
                    }
                }
            }
        }
    }
}

/// The beginning of the bytes of a dead letter.
fn preview(letter: &Emitted<'_>) -> String {
    let value = letter.record.value.unwrap_or_default();
    let shown_bytes = beginning_of_bytes(value, PREVIEW);
    let more = if shown_bytes.len() < value.len() {
        "…"
    } else {
        ""
    };
    shown(&format!("{}{more}", String::from_utf8_lossy(shown_bytes)))
}
