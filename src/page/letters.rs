//! The newest dead letters on the page of the sources: whether each was retried, can be, or cannot be and why, and the
//! buttons that retry them.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::form_token::form_token;
use super::frame::Frame;
use super::moment::moment;
use super::record_row::{cut, record_url};
use super::words::Words;
use crate::printable::beginning_of_bytes;
use crate::query::{Letter, Obstacle, Receipts};
use crate::view::shown;

/// Where the forms are sent.
pub const RETRY: &str = "/retry";

/// Most bytes of a dead letter that the list shows.
const PREVIEW: usize = 160;

/// The newest dead letters.
pub struct NewestLetters<'p> {
    /// The dead letters, the newest first.
    pub letters: &'p [Letter<'p>],
    /// The receipts of those that were retried.
    pub receipts: &'p Receipts,
    /// The topic of dead letters.
    pub topic: &'p str,
    /// Whether the reader may retry them.
    pub may_retry: bool,
}

/// Whether a dead letter was retried.
enum RetryState {
    /// It was, at this time.
    Retried(Option<i64>),
    Possible,
    /// It cannot be, for this reason in words.
    Impossible(&'static str),
}

/// Why a dead letter cannot be retried, in words.
pub(super) fn obstacle(obstacle: Obstacle, words: &Words) -> &'static str {
    match obstacle {
        Obstacle::Cut => words.obstacle_cut,
        Obstacle::Alert => words.obstacle_alert,
        Obstacle::UnknownOutput => words.obstacle_output,
        Obstacle::NoSource => words.obstacle_source,
    }
}

impl NewestLetters<'_> {
    /// The table, and below it a button for each reason.
    pub(super) fn show(&self, frame: Frame<'_>) -> Markup {
        let words = frame.words();
        html! {
            @if self.letters.is_empty() { p.faint { (words.no_dead_letters) } }
            @else {
                (self.table(frame))
                @if self.may_retry { (self.reasons(frame)) }
                p.faint { (words.retry_hint) " " code { "watchbell dead-letters retry" } }
            }
        }
    }

    fn state(&self, letter: &Letter<'_>, words: &Words) -> RetryState {
        if letter.record.position.topic != self.topic {
            return RetryState::Impossible(words.obstacle_archived);
        }
        match (self.receipts.of(letter), letter.obstacle()) {
            (Some(retry), _) => RetryState::Retried(retry.time_ms),
            (None, Some(found)) => RetryState::Impossible(obstacle(found, words)),
            (None, None) => RetryState::Possible,
        }
    }

    fn table(&self, frame: Frame<'_>) -> Markup {
        let words = frame.words();
        html! {
            div.table {
                table.records.letters {
                    thead { tr {
                        th scope="col" { (words.time) } th scope="col" { (words.reason) }
                        th scope="col" { (words.detail) } th scope="col" { (words.preview) }
                        th scope="col" { (words.retry) }
                    } }
                    tbody {
                        @for letter in self.letters {
                            tr {
                                td.time {
                                    a href=(record_url(&letter.position())) {
                                        (moment(letter.record.timestamp_ms.unwrap_or_default(), frame.zone))
                                    }
                                }
                                td { (reason(frame, &letter.reason)) }
                                td { bdi { (cut(&letter.detail)) } }
                                td { code { bdi { (preview(letter)) } } }
                                td.retry { (self.retry(frame, letter)) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Whether a dead letter was retried, and the button if it can be.
    fn retry(&self, frame: Frame<'_>, letter: &Letter<'_>) -> Markup {
        let words = frame.words();
        let position = letter.position().to_string();
        html! {
            @match self.state(letter, words) {
                RetryState::Retried(time_ms) => {
                    span.good { (words.was_retried) }
                    @if let Some(time_ms) = time_ms { " " (moment(time_ms, frame.zone)) }
                }
                RetryState::Impossible(why) => span.faint { (words.cannot_be_retried) " " (why) },
                RetryState::Possible if self.may_retry => form method="post" action=(RETRY) {
                    (form_token(frame.form_token))
                    input type="hidden" name="position" value=(position);
                    button.second type="submit" { (words.retry) span.hidden { " " (shown(&position)) } }
                },
                RetryState::Possible => (words.can_be_retried),
            }
        }
    }

    /// A button for each reason of the dead letters that can be retried.
    fn reasons(&self, frame: Frame<'_>) -> Markup {
        let words = frame.words();
        let possible = self
            .letters
            .iter()
            .filter(|letter| matches!(self.state(letter, words), RetryState::Possible));
        let reasons: BTreeSet<&str> = possible.map(|letter| &*letter.reason).collect();
        html! { @for word in reasons { (retry_all(frame, word)) } }
    }
}

/// The button that retries all dead letters with a reason.
pub(super) fn retry_all(frame: Frame<'_>, word: &str) -> Markup {
    let words = frame.words();
    html! {
        form.verify.several method="post" action=(RETRY) {
            (form_token(frame.form_token))
            input type="hidden" name="reason" value=(word);
            button.second type="submit" { (words.retry_all) ": " bdi { (cut(word)) } }
            span.faint { (words.retry_all_hint) }
        }
    }
}

/// Why a record is a dead letter: what it means, and the word, by which it is looked for.
pub(super) fn reason(frame: Frame<'_>, word: &str) -> Markup {
    html! {
        @if let Some(text) = frame.language.reason(word) { (text) br; }
        code { bdi { (cut(word)) } }
    }
}

/// The beginning of the bytes of a dead letter.
fn preview(letter: &Letter<'_>) -> String {
    let value = letter.record.value.unwrap_or_default();
    let shown_bytes = beginning_of_bytes(value, PREVIEW);
    let more = if shown_bytes.len() < value.len() {
        "…"
    } else {
        ""
    };
    shown(&format!("{}{more}", String::from_utf8_lossy(shown_bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Header, Offset, Partition, Position, RawRecord};
    use crate::page::Language;
    use crate::page::frame::TEST_FRAME;

    const EVIL: &str = "\"><script>alert(1)</script>\u{202e}";

    fn frame(language: Language) -> Frame<'static> {
        Frame {
            language,
            ..TEST_FRAME
        }
    }

    fn record<'r>(
        (topic, offset): (&'r str, i64),
        headers: &[(&'r str, &'r str)],
    ) -> RawRecord<'r> {
        let header = |(name, value): &(&'r str, &'r str)| Header {
            name,
            value: Some(value.as_bytes()),
        };
        RawRecord {
            position: Position {
                topic,
                partition: Partition(0),
                offset: Offset(offset),
                element: None,
            },
            timestamp_ms: Some(1_790_000_000_000),
            key: None,
            value: Some(EVIL.as_bytes()),
            headers: headers.iter().map(header).collect(),
        }
    }

    fn letter<'r>(at: (&'r str, i64), reason: &'r str, more: &[(&'r str, &'r str)]) -> Letter<'r> {
        let headers = [
            ("watchbell-reason", reason),
            ("watchbell-detail", EVIL),
            ("watchbell-source-topic", "audit"),
            ("watchbell-source-partition", "3"),
            ("watchbell-source-offset", "42"),
        ];
        Letter::read(record(at, &[&headers[..], more].concat())).unwrap()
    }

    fn show(letters: &[Letter<'_>], may_retry: bool, language: Language) -> String {
        let mut receipts = Receipts::default();
        receipts.note(&record(("dead", 9), &[("watchbell-retried", "dead/0@5")]));
        let newest = NewestLetters {
            letters,
            receipts: &receipts,
            topic: "dead",
            may_retry,
        };
        newest.show(frame(language)).into_string()
    }

    #[test]
    fn each_dead_letter_says_whether_it_was_retried_and_has_a_button_only_if_it_can_be() {
        let letters = [
            letter(("dead", 5), "not_json", &[]),
            letter(("dead", 6), "unrecognized", &[]),
            letter(("dead", 7), "not_json", &[("watchbell-cut-size", "7000")]),
            // One of a file has the position of one that was retried.
            letter(("file:a5", 5), "empty", &[]),
        ];
        let page = show(&letters, true, Language::English);
        let rows: Vec<&str> = page.split("<tr>").skip(2).collect();
        assert!(rows[0].contains("retried</span> <time"), "{}", rows[0]);
        assert!(
            rows[1].contains("name=\"position\" value=\"dead/0@6\""),
            "{}",
            rows[1]
        );
        assert!(
            rows[1].contains("name=\"form-token\" value=\"the token\""),
            "{}",
            rows[1]
        );
        assert!(
            rows[2].contains("only size and SHA-256 of its value are kept"),
            "{}",
            rows[2]
        );
        assert!(rows[3].contains("in the archive alone"), "{}", rows[3]);
        assert_eq!(page.matches("name=\"position\"").count(), 1, "{page}");
        // A button for the only reason of those that can be retried.
        assert_eq!(page.matches("name=\"reason\"").count(), 1, "{page}");
        assert!(
            page.contains("name=\"reason\" value=\"unrecognized\""),
            "{page}"
        );
        assert!(
            !page.contains("<script>") && !page.contains('\u{202e}'),
            "{page}"
        );
        let chinese = show(&letters, true, Language::Chinese);
        assert!(chinese.contains("只保留了值的大小和 SHA-256"), "{chinese}");
    }

    #[test]
    fn who_may_not_retry_has_no_form_and_sees_what_can_be_retried() {
        let letters = [letter(("dead", 6), "unrecognized", &[])];
        let page = show(&letters, false, Language::English);
        assert!(page.contains("can be retried"), "{page}");
        assert!(!page.contains("<form"), "{page}");
        let page = show(&[], true, Language::English);
        assert!(!page.contains("<form"), "{page}");
    }
}
