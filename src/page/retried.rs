//! What became of dead letters that somebody has retried on the page.

use maud::{Markup, html};

use super::frame::Frame;
use super::histogram::grouped;
use super::letters::{obstacle, reason, retry_all};
use super::moment::moment;
use super::record_row::{cut, record_url};
use crate::retry::{Became, Counts, Fate};
use crate::view::{At, shown};

/// Which dead letters somebody retries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retrying {
    /// The one at this position.
    At(At),
    /// Those with this reason.
    Reason(String),
}

/// Why not everything was retried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryProblem {
    /// The output topics are not as they must be.
    Outputs(String),
    /// The destination does not give the transactional id to this process.
    TransactionalId {
        /// The id.
        id: String,
        /// What the destination says.
        why: String,
    },
    /// Anything else, as an error says it.
    Other(String),
}

/// What became of dead letters.
pub struct RetriedPage<'p> {
    /// Which were chosen.
    pub chosen: &'p Retrying,
    /// What became of each of the first ones.
    pub lines: &'p [(At, Fate)],
    /// How many others there are.
    pub more: usize,
    /// Numbers of all.
    pub counts: Counts,
    /// Why not everything was retried.
    pub problem: Option<&'p RetryProblem>,
    /// How long it took, in milliseconds.
    pub took_ms: u128,
}

/// The page that says what became of dead letters.
pub fn retried_page(frame: Frame<'_>, page: &RetriedPage<'_>) -> String {
    let words = frame.words();
    let content = html! {
        h1 { (words.retry_of_letters) }
        p {
            @match page.chosen {
                Retrying::At(at) => a href=(record_url(at)) { bdi { (shown(&at.to_string())) } },
                Retrying::Reason(word) => { (words.all_with_reason) " " code { bdi { (cut(word)) } } }
            }
        }
        @if let Some(problem) = page.problem { (fault(frame, problem)) }
        (counts(frame, page))
        @if !page.lines.is_empty() {
            div.table {
                table.records.retried {
                    thead { tr { th scope="col" { (words.position) } th scope="col" { (words.became) } } }
                    tbody {
                        @for (at, fate) in page.lines {
                            tr {
                                td { a href=(record_url(at)) { bdi { (shown(&at.to_string())) } } }
                                td { (fate_words(frame, fate)) }
                            }
                        }
                    }
                }
            }
        }
        @if page.more > 0 { p { (words.letters_not_listed) ": " (grouped(page.more as u64)) } }
        p.faint { (words.took) " " (format!("{}.{:03} s", page.took_ms / 1_000, page.took_ms % 1_000)) }
        p { a href="/sources" { (words.sources) } }
    };
    frame.with(&content).into_string()
}

fn fault(frame: Frame<'_>, problem: &RetryProblem) -> Markup {
    let words = frame.words();
    html! {
        div.fault role="alert" {
            p { strong { (words.not_all_retried) } }
            @match problem {
                RetryProblem::Outputs(why) => p { (words.retry_outputs) " " (shown(why)) },
                RetryProblem::TransactionalId { id, why } => {
                    p { (words.retry_id_rights) " " code { (shown(id)) } }
                    p { (shown(why)) }
                }
                RetryProblem::Other(why) => p { (shown(why)) },
            }
            p { (words.retry_again) }
        }
    }
}

/// The numbers, and another click for what is left to it.
fn counts(frame: Frame<'_>, page: &RetriedPage<'_>) -> Markup {
    let words = frame.words();
    let counts = &page.counts;
    let always = [
        ("retried", words.count_retried, counts.retried),
        ("before", words.count_before, counts.before),
        ("left", words.count_left, counts.left),
    ];
    let rarely = [
        ("parts", words.count_parts, counts.parts),
        ("waiting", words.count_waiting, counts.waiting),
    ];
    let rarely = rarely.into_iter().filter(|(.., count)| *count > 0);
    html! {
        ul.tried {
            @for (name, text, count) in always.into_iter().chain(rarely) {
                li data-count=(name) { (text) ": " strong { (grouped(count as u64)) } }
            }
        }
        @if let (Retrying::Reason(word), 1..) = (page.chosen, counts.waiting) { (retry_all(frame, word)) }
    }
}

/// What became of a dead letter.
fn fate_words(frame: Frame<'_>, fate: &Fate) -> Markup {
    let words = frame.words();
    html! {
        @match fate {
            Fate::Retried(became) => (became_words(frame, became)),
            Fate::Before(time_ms) => {
                (words.was_retried)
                @if let Some(time_ms) = time_ms { " " (moment(*time_ms, frame.zone)) }
            }
            Fate::Blocked(found) => { (words.stays) " " (obstacle(*found, words)) }
            Fate::Stays(why) => { (words.stays) " " (why_words(frame, why)) }
        }
    }
}

fn became_words(frame: Frame<'_>, became: &Became) -> Markup {
    let words = frame.words();
    html! {
        @if became.topics.is_empty() { (words.dropped) }
        @for (number, (topic, count)) in became.topics.iter().enumerate() {
            @if number > 0 { ", " }
            (grouped(*count as u64)) " → " code { (shown(topic)) }
        }
        @if let Some(first) = became.parts.first() {
            br;
            (grouped(became.parts.len() as u64)) " " (words.its_parts) " " (why_words(frame, first))
        }
    }
}

/// A reason and its detail, as the pipeline gives them: `not_json: …`.
fn why_words(frame: Frame<'_>, why: &str) -> Markup {
    let known = why.split_once(": ");
    let known = known.filter(|(word, _)| frame.language.reason(word).is_some());
    html! {
        @match known {
            Some((word, detail)) => { (reason(frame, word)) " " bdi { (cut(detail)) } }
            None => bdi { (cut(why)) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Language;
    use crate::page::frame::TEST_FRAME;
    use crate::query::Obstacle;

    fn frame(language: Language) -> Frame<'static> {
        Frame {
            language,
            ..TEST_FRAME
        }
    }

    fn page<'p>(chosen: &'p Retrying, lines: &'p [(At, Fate)], counts: Counts) -> RetriedPage<'p> {
        RetriedPage {
            chosen,
            lines,
            more: 0,
            counts,
            problem: None,
            took_ms: 1_250,
        }
    }

    #[test]
    fn each_dead_letter_says_what_it_became_or_why_it_stays() {
        let at = |offset: i64| format!("dead/0@{offset}").parse::<At>().unwrap();
        let became = Became {
            topics: [("alerts".to_owned(), 1), ("events".to_owned(), 2)].into(),
            parts: vec!["empty: <b>".to_owned()],
        };
        let lines = [
            (at(1), Fate::Retried(became)),
            (at(2), Fate::Before(Some(1_790_000_000_000))),
            (at(3), Fate::Blocked(Obstacle::Alert)),
            (at(4), Fate::Stays("not_json: <script>".to_owned())),
            (at(5), Fate::Retried(Became::default())),
        ];
        let chosen = Retrying::Reason("not_json".to_owned());
        let counts = Counts {
            retried: 2,
            before: 1,
            left: 2,
            parts: 1,
            waiting: 0,
        };
        let mut page = page(&chosen, &lines, counts);
        page.more = 7;
        let html = retried_page(frame(Language::English), &page);
        let rows: Vec<&str> = html.split("<tr>").skip(2).collect();
        assert!(
            rows[0].contains("1 → <code>alerts</code>, 2 → <code>events</code>"),
            "{}",
            rows[0]
        );
        assert!(rows[0].contains("&lt;b&gt;"), "{}", rows[0]);
        assert!(
            rows[1].contains("retried <time datetime=\"2026-09-21T"),
            "{}",
            rows[1]
        );
        assert!(
            rows[2].contains("it is an alert that a sink did not accept"),
            "{}",
            rows[2]
        );
        assert!(
            rows[3].contains("the value is not JSON") && rows[3].contains("&lt;script&gt;"),
            "{}",
            rows[3]
        );
        assert!(rows[4].contains("dropped"), "{}", rows[4]);
        assert!(
            html.contains("data-count=\"retried\">Retried: <strong>2</strong>"),
            "{html}"
        );
        assert!(
            html.contains("which are not listed: 7</p>")
                && !html.contains("data-count=\"waiting\""),
            "{html}"
        );
        assert!(!html.contains("name=\"reason\""), "{html}");
        let html = retried_page(frame(Language::Chinese), &page);
        assert!(html.contains("值不是 JSON"), "{html}");
    }

    #[test]
    fn what_is_left_for_another_click_has_a_button_and_a_problem_names_the_right() {
        let chosen = Retrying::Reason("unrecognized".to_owned());
        let counts = Counts {
            retried: 10_000,
            waiting: 3,
            ..Counts::default()
        };
        let problem = RetryProblem::TransactionalId {
            id: "watchbell/retry".to_owned(),
            why: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED".to_owned(),
        };
        let mut page = page(&chosen, &[], counts);
        page.problem = Some(&problem);
        let html = retried_page(frame(Language::English), &page);
        assert!(
            html.contains("name=\"reason\" value=\"unrecognized\""),
            "{html}"
        );
        assert!(html.contains("data-count=\"waiting\""), "{html}");
        assert!(
            html.contains(
                "Describe and Write on the transactional id <code>watchbell/retry</code>"
            ),
            "{html}"
        );
    }
}
