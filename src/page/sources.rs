//! Where each source stands, what was read of it day by day, and what could not be read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use maud::{Markup, html};

use super::frame::Frame;
use super::histogram::grouped;
use super::moment::moment;
use super::record_row::{cut, record_url};
use super::source_days::{DayRead, SourceDays, SourceRead};
use super::standing::Standing;
use crate::printable::beginning_of_bytes;
use crate::view::{At, Emitted, RecordKind, shown};

/// Most bytes of a dead letter that the list shows.
const PREVIEW: usize = 160;

/// What the page shows.
pub struct SourcesPage<'p> {
    /// What was read of each source, by their names in the configuration.
    pub sources: &'p BTreeMap<String, SourceRead>,
    /// Where each source of the configuration stands.
    pub standings: &'p BTreeMap<String, Standing>,
    /// The source and the day that the reader has chosen.
    pub chosen: Option<(&'p str, Date)>,
    /// Whether the reader may verify.
    pub may_verify: bool,
    /// The newest dead letters.
    pub dead_letters: &'p [Emitted<'p>],
    /// The current day in UTC.
    pub today: Date,
    /// Whether there is an archive, and so a ledger.
    pub has_ledger: bool,
}

/// The page of the sources.
pub fn sources_page(frame: Frame<'_>, page: &SourcesPage<'_>) -> String {
    let words = frame.words();
    let names: BTreeSet<&String> = page.sources.keys().chain(page.standings.keys()).collect();
    let content = html! {
        h1 { (words.sources) }
        @if page.sources.is_empty() {
            div.empty { p { (if page.has_ledger { words.no_sources } else { words.no_ledger }) } }
        }
        @for name in names { (source(frame, page, name)) }
        section {
            h2 { (words.dead_letters) }
            @if page.dead_letters.is_empty() { p.faint { (words.no_dead_letters) } }
            @else {
                (letters(frame, page.dead_letters))
                p.faint { (words.retry_hint) " " code { "watchbell dead-letters retry" } }
            }
        }
    };
    frame.with(&content).into_string()
}

fn source(frame: Frame<'_>, page: &SourcesPage<'_>, name: &str) -> Markup {
    let standing = page.standings.get(name);
    let chosen = page.chosen.filter(|(source, _)| *source == name);
    html! {
        section.source {
            h2 { bdi { (shown(name)) } }
            @if let Some(standing) = standing { (standing.show(frame)) }
            @if let Some(source) = page.sources.get(name) {
                (totals(frame, source))
                @let days = SourceDays {
                    name,
                    source,
                    today: page.today,
                    chosen: chosen.map(|(_, day)| day),
                    may_verify: page.may_verify,
                };
                (days.show(frame))
            }
        }
    }
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
                            (reason(frame, letter))
                            td { bdi { (cut(&letter.header("watchbell-detail").unwrap_or_default())) } }
                            td { code { bdi { (preview(letter)) } } }
                        }
                    }
                }
            }
        }
    }
}

/// Why a record is a dead letter: the word, by which it is looked for, and what it means.
fn reason(frame: Frame<'_>, letter: &Emitted<'_>) -> Markup {
    let word = letter.header("watchbell-reason").unwrap_or_default();
    html! {
        td {
            @if let Some(text) = frame.language.reason(&word) { (text) br; }
            code { (cut(&word)) }
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
