//! Retries dead letters, and says what became of each.

use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use super::plain::not_recorded;
use crate::config::Role;
use crate::kafka::session::Shutdown;
use crate::page::{RetriedPage, RetryProblem, Retrying, Section, retried_page};
use crate::pipeline::Content;
use crate::query::{DeadLetterChoice, retry_id};
use crate::retry::{self, Counts, Fate, Retry, RetryError};
use crate::view::At;
use crate::web::app::Web;
use crate::web::audit::{Action, Deed};
use crate::web::login::user::User;
use crate::web::posted::Form;
use crate::web::reader::Reader;
use crate::web::respond::{html, see_other};
use crate::web::stop_when_left::StopWhenLeft;

/// Most dead letters that are retried by one click.
const MOST_RETRIED: usize = 10_000;

/// Most dead letters that the answer lists; the others are counted.
const MOST_LISTED: usize = 200;

/// What came of a retry.
#[derive(Debug, Default)]
struct Retried {
    lines: Vec<(At, Fate)>,
    more: usize,
    counts: Counts,
    /// Whether the dead letter that was chosen is not in the topic.
    is_missing: bool,
    problem: Option<RetryProblem>,
}

impl Retried {
    fn failed(problem: RetryProblem) -> Retried {
        Retried {
            problem: Some(problem),
            ..Retried::default()
        }
    }
}

/// Leads from the answer's address, which only a form is sent to, back to the dead letters.
pub(in crate::web) async fn retry_again() -> Response {
    see_other("/sources")
}

/// Retries the dead letter at a position, or those with a reason that were not retried yet.
pub(in crate::web) async fn retry(
    State(web): State<Web>,
    user: User,
    reader: Reader,
    posted: Result<Form, Response>,
) -> Response {
    let is_refused = refused(&web, &user, &reader);
    let posted = match posted {
        Ok(posted) => posted,
        Err(refused) => return is_refused.unwrap_or(refused),
    };
    let (position, reason) = (posted.field("position"), posted.field("reason"));
    let what = match position {
        "" => format!("reason {reason}"),
        position => position.to_owned(),
    };
    if let Some(refused) = is_refused {
        let deed = Deed::refused(&user, Action::RETRY, &what);
        web.0.audit.note(deed);
        return refused;
    }
    let words = reader.language.words();
    let said = |status: StatusCode, title: &str, text: &str| {
        html(status, reader.message_in(Section::Sources, title, text))
    };
    let missing = || {
        let (title, hint) = (words.no_such_letter, words.no_such_letter_hint);
        said(StatusCode::NOT_FOUND, title, hint)
    };
    let topic = &web.0.config.outputs.of(Content::DeadLetters).topic;
    let Some(chosen) = chosen(topic, position, reason) else {
        return missing();
    };
    let Some(permit) = web.0.retries.begin() else {
        let (title, hint) = (words.is_retrying, words.is_retrying_hint);
        return said(StatusCode::CONFLICT, title, hint);
    };
    let recorded = web.0.audit.record(&user, Action::RETRY, &what).await;
    if recorded.is_err() {
        return not_recorded(&reader);
    }
    let begun = Instant::now();
    let retried = run(&web, &chosen, permit).await;
    if retried.is_missing && retried.problem.is_none() {
        return missing();
    }
    let status = match retried.problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let page = RetriedPage {
        chosen: &chosen,
        lines: &retried.lines,
        more: retried.more,
        counts: retried.counts,
        problem: retried.problem.as_ref(),
        took_ms: begun.elapsed().as_millis(),
    };
    let frame = reader.frame(words.retry_of_letters, Section::Sources);
    html(status, retried_page(frame, &page))
}

/// The answer to somebody who may not retry. Why a dead letter stays one may quote it, so a role from which fields are
/// hidden may not, either.
fn refused(web: &Web, user: &User, reader: &Reader) -> Option<Response> {
    reader.refuse(user, Role::Admin).or_else(|| {
        let words = reader.language.words();
        web.hides_from(user).then(|| {
            let page = reader.message(words.letters_hidden, words.letters_hidden_hint);
            html(StatusCode::FORBIDDEN, page)
        })
    })
}

/// What a form chooses; `None` if that is no dead letter of the topic.
fn chosen(topic: &str, position: &str, reason: &str) -> Option<Retrying> {
    match (position, reason) {
        ("", "") => None,
        ("", reason) => Some(Retrying::Reason(reason.to_owned())),
        (position, _) => {
            let at = position.parse::<At>().ok();
            let at = at.filter(|at| at.topic == topic && at.element.is_none());
            at.map(Retrying::At)
        }
    }
}

/// Retries on a thread that may wait; it stops when the reader leaves, between two transactions.
async fn run(web: &Web, chosen: &Retrying, permit: OwnedSemaphorePermit) -> Retried {
    let left = StopWhenLeft::default();
    let stop = left.request();
    let choice = match chosen.clone() {
        Retrying::At(at) => DeadLetterChoice {
            positions: vec![at],
            ..DeadLetterChoice::default()
        },
        Retrying::Reason(reason) => DeadLetterChoice {
            reasons: vec![reason],
            ..DeadLetterChoice::default()
        },
    };
    let web = web.clone();
    let retried = spawn_blocking(move || {
        // Until it has ended, no other one begins.
        let _permit = permit;
        retry_letters(&web, &choice, &stop)
    });
    let retried = retried.await;
    retried.unwrap_or_else(|error| Retried::failed(RetryProblem::Other(error.to_string())))
}

fn retry_letters(web: &Web, choice: &DeadLetterChoice, stop: &Shutdown) -> Retried {
    let config = &web.0.config;
    let pipeline = match web.0.retries.pipeline() {
        Ok(pipeline) => pipeline,
        Err(why) => return Retried::failed(RetryProblem::Outputs(why)),
    };
    if stop.is_requested() {
        return Retried::default();
    }
    let appender = match retry::open(config, pipeline.outputs()) {
        Ok(appender) => appender,
        Err(error) => {
            return Retried::failed(RetryProblem::TransactionalId {
                id: retry_id(&config.session.group),
                why: error.to_string(),
            });
        }
    };
    let retry = Retry {
        config,
        pipeline: &pipeline,
        appender: Some(&appender),
        choice,
        repaired: None,
        limit: Some(MOST_RETRIED),
        now: Timestamp::now(),
        stop,
        note: &|_| {},
    };
    let (mut lines, mut more) = (Vec::new(), 0);
    let summary = retry.run(&mut |at, fate| {
        match lines.len() < MOST_LISTED {
            true => lines.push((at.clone(), fate.clone())),
            false => more += 1,
        }
        Ok(())
    });
    let other = |error: RetryError| {
        RetryProblem::Other(match error {
            RetryError::Write(error) => error.to_string(),
            error => error.to_string(),
        })
    };
    match summary {
        Ok(summary) => Retried {
            lines,
            more,
            counts: summary.counts,
            is_missing: !summary.missing.is_empty(),
            problem: summary.ended.err().map(other),
        },
        Err(error) => Retried::failed(other(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_chooses_one_dead_letter_of_the_topic_or_those_with_a_reason() {
        let one = "dead/0@5".parse().unwrap();
        assert_eq!(chosen("dead", "dead/0@5", ""), Some(Retrying::At(one)));
        let all = Retrying::Reason("not_json".to_owned());
        assert_eq!(chosen("dead", "", "not_json"), Some(all));
        for (position, reason) in [
            ("", ""),
            // The position of a source record may stand for several dead letters.
            ("audit/0@5", ""),
            ("dead/0@5#1", ""),
            ("dead", "not_json"),
        ] {
            assert_eq!(chosen("dead", position, reason), None, "{position}");
        }
    }
}
