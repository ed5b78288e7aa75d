//! A row of the list of events.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::chosen_columns::PageColumn;
use super::moment::moment;
use super::words::Words;
use crate::view::{At, Emitted, shown};

/// Most characters of a cell; the details show the whole.
const MOST_CHARACTERS: usize = 200;

/// Most characters of a value that are read for a cell: more than a secret has that begins in what is shown.
const MOST_READ: usize = 16 * 1024;

/// The URL of a record.
pub(super) fn record_url(at: &At) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("at", &at.to_string());
    format!("/record?{}", query.finish())
}

/// The row of an event.
pub(super) fn row(
    emitted: &Emitted<'_>,
    columns: &[PageColumn],
    (zone, words): (&TimeZone, &Words),
) -> Markup {
    let at = At::from(emitted.record.position);
    let url = record_url(&at);
    let Some(event) = emitted.event() else {
        // It is counted as all others are.
        let written_ms = emitted.record.timestamp_ms.unwrap_or_default();
        return html! {
            tr data-at=(at) {
                td colspan=(columns.len().max(1)) { a href=(url) { (moment(written_ms, zone)) " " (words.no_whole_event) } }
            }
        };
    };
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
    let end = text.char_indices().nth(MOST_READ).map(|(end, _)| end);
    let text = shown(&text[..end.unwrap_or(text.len())]);
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RawRecord;
    use crate::page::words::Language;

    #[test]
    fn a_record_that_is_no_whole_event_has_a_row_that_leads_to_it() {
        for value in ["null", "{\"class_uid\": \"<b>\"", "\u{202e}"] {
            let record = RawRecord::of_value("watchbell.events", value.as_bytes());
            let words = Language::English.words();
            let shown = (&TimeZone::UTC, words);
            let row = row(&Emitted::new(record), PageColumn::DEFAULT, shown).into_string();
            assert!(row.contains(words.no_whole_event), "{row}");
            assert!(row.contains("/record?at=watchbell.events%2F0%400"), "{row}");
            assert!(!row.contains("<b>"), "{row}");
        }
    }
}
