//! The list of events: conditions, the histogram, the rows as they are found, and where older ones are.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::asked::{Asked, Fault};
use super::filter_bar::{FILTERS, column_choice, faults, filter_bar};
use super::histogram::Histogram;
use super::record_row::row;
use super::words::Words;
use crate::query::archive::Before;
use crate::view::{Emitted, shown};

/// The path of the list.
const PATH: &str = "/events";

/// What the list is about.
pub struct EventsPage<'p> {
    /// The question.
    pub asked: &'p Asked,
    /// What is wrong with it.
    pub faults: &'p [Fault],
    /// The texts.
    pub words: &'static Words,
    /// The reader's zone.
    pub zone: &'p TimeZone,
    /// When the list was made, in milliseconds since the Unix epoch, if new events belong to it.
    pub live_since_ms: Option<i64>,
}

/// What stands before the rows.
pub fn events_begin(page: &EventsPage<'_>) -> String {
    let (asked, words) = (page.asked, page.words);
    let begin = html! {
        h1.hidden { (words.events) }
        (filter_bar(PATH, asked, &FILTERS, words))
        (faults(page.faults, words))
        div.tools {
            @if let Some(since_ms) = page.live_since_ms {
                button #live.quiet type="button" hidden data-live={ "/live?shown=" (since_ms) "&" (asked.query()) }
                    data-going=(words.live) data-paused=(words.paused) aria-pressed="true" { (words.live) }
                span #live-status.faint role="status" data-new=(words.new_events) {}
            }
            (column_choice(PATH, asked, words))
            @if page.faults.is_empty() {
                details.download {
                    summary { (words.download) }
                    ul {
                        @for form in ["csv", "ndjson", "parquet"] {
                            @let href = format!("/download?format={form}&{}", asked.newest().query());
                            li { a href=(href) download { (form) } }
                        }
                    }
                }
            }
        }
    };
    // The rest is written as it is found, so elements stay open.
    let mut out = begin.into_string();
    out.push_str("<div class=\"list\"><div class=\"table\"><table class=\"records\"><thead><tr>");
    for column in asked.columns() {
        let cell = html! { th scope="col" class=(column.name()) { (column.heading(words)) } };
        out.push_str(&cell.into_string());
    }
    out.push_str("</tr></thead><tbody>");
    out
}

/// The row of an event.
pub fn events_row(page: &EventsPage<'_>, event: &Emitted<'_>) -> String {
    row(event, page.asked.columns(), (page.zone, page.words)).into_string()
}

/// How the list ends.
#[derive(Default)]
pub struct EventsEnd {
    /// How many rows it has.
    pub count: usize,
    /// The last row, if there are older ones.
    pub last: Option<Before>,
    /// How many events there were when.
    pub histogram: Option<Histogram>,
    /// Why there is no whole answer.
    pub problem: Option<String>,
    /// What readers must know of the answer, such as that a topic could not be read.
    pub notes: Vec<String>,
}

/// What stands after the rows.
pub fn events_end(page: &EventsPage<'_>, end: &EventsEnd) -> String {
    let (asked, words) = (page.asked, page.words);
    let end = html! {
        @for note in &end.notes { p.note role="status" { (shown(note)) } }
        @if let Some(problem) = &end.problem {
            div.fault role="alert" { p { (words.cannot_be_read) " " (shown(problem)) } }
        } @else if end.count == 0 && page.faults.is_empty() {
            div.empty { p { strong { (words.no_events) } } p { (words.no_events_hint) } }
        }
        nav.pager {
            @if asked.before().is_some() { a href={ (PATH) "?" (asked.newest().query()) } { (words.newest) } }
            @if let Some(last) = &end.last { a.older href={ (PATH) "?" (asked.after(last.clone()).query()) } { (words.older) } }
        }
        (histogram_of(page, end.histogram.as_ref()))
    };
    format!("</tbody></table></div>{}</div>", end.into_string())
}

fn histogram_of(page: &EventsPage<'_>, histogram: Option<&Histogram>) -> Markup {
    match histogram.filter(|histogram| !histogram.bars.is_empty()) {
        Some(histogram) => histogram.markup(page.asked, page.zone, page.words),
        None => html! {},
    }
}
