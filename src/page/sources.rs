//! Where each source stands, what was read of it day by day, and what could not be read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use maud::{Markup, html};

use super::frame::Frame;
use super::histogram::grouped;
use super::letters::NewestLetters;
use super::moment::moment;
use super::source_days::{DayRead, SourceDays, SourceRead};
use super::standing::Standing;
use crate::view::shown;

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
    pub dead_letters: NewestLetters<'p>,
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
            (page.dead_letters.show(frame))
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
