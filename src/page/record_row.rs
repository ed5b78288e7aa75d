//! A row of the list of events.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::chosen_columns::PageColumn;
use super::moment::moment;
use crate::view::{At, Emitted, shown};

/// Most characters of a cell; the details show the whole.
const MOST_CHARACTERS: usize = 200;

/// The URL of a record.
pub(super) fn record_url(at: &At) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("at", &at.to_string());
    format!("/record?{}", query.finish())
}

/// The row of an event.
pub(super) fn row(emitted: &Emitted<'_>, columns: &[PageColumn], zone: &TimeZone) -> Markup {
    let Some(event) = emitted.event() else {
        return html! {};
    };
    let at = At::from(emitted.record.position);
    let url = record_url(&at);
    let outcome = PageColumn::Outcome.text(event);
    let time_ms = event.int("time").unwrap_or_default();
    html! {
        tr data-at=(at) data-outcome=[outcome.as_deref().map(shown)] {
            @for (number, column) in columns.iter().enumerate() {
                @let class = column.name();
                td class=(class) {
                    @let cell = html! {
                        @match column {
                            PageColumn::Time => (moment(time_ms, zone)),
                            column => bdi { (cut(column.text(event).as_deref().unwrap_or_default())) },
                        }
                    };
                    // The first cell is the link, so that a row is one stop for the keyboard.
                    @if number == 0 { a href=(url) { (cell) } } @else { (cell) }
                }
            }
        }
    }
}

/// The beginning of a text, printable and without secrets.
pub(super) fn cut(text: &str) -> String {
    let text = shown(text);
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
