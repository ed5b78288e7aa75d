//! Tries a rule on what is archived. The form is sent first, and the answer when it is found.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tokio::time::timeout;

use super::plain::{not_recorded, unavailable};
use super::rules::text_of;
use crate::archive::{TableKind, begin_of_day_ms, day_of};
use crate::page::{Section, TRIED_DAYS, TryAnswer, TryForm, try_answer, try_form};
use crate::query::archive::{Trial, TriedSoFar};
use crate::rules::LoadedRule;
use crate::web::app::Web;
use crate::web::audit::Action;
use crate::web::error_words::in_words;
use crate::web::login::user::User;
use crate::web::posted::Form;
use crate::web::reader::Reader;
use crate::web::respond::{html, streamed};

/// How long events are looked at.
const TIME: Duration = Duration::from_secs(10);

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The form, with the rule that the URL names.
pub(in crate::web) async fn rule_to_try(
    State(web): State<Web>,
    user: User,
    reader: Reader,
) -> Response {
    let rules = web.0.rules.rules();
    let id = reader.parameter("id").unwrap_or_default();
    let (days, _) = TRIED_DAYS;
    let form = TryForm {
        text: text_of(&rules, &id).unwrap_or_default(),
        days: &days.to_string(),
        is_hidden: web.hides_from(&user),
        faults: &[],
        warnings: &[],
        problems: &[],
        is_tried: false,
    };
    let frame = reader.frame(reader.language.words().try_rule, Section::Rules);
    html(
        StatusCode::OK,
        frame.with(&try_form(frame, &form)).into_string(),
    )
}

/// Tries the rule of the form.
pub(in crate::web) async fn try_rule(
    State(web): State<Web>,
    user: User,
    reader: Reader,
    posted: Form,
) -> Response {
    let words = reader.language.words();
    let (text, days) = (posted.field("rule").to_owned(), posted.field("days"));
    let form = TryForm {
        text: &text,
        days,
        is_hidden: web.hides_from(&user),
        faults: &[],
        warnings: &[],
        problems: &[],
        is_tried: false,
    };
    let refused = |form: &TryForm<'_>| {
        let frame = reader.frame(words.try_rule, Section::Rules);
        let page = frame.with(&try_form(frame, form)).into_string();
        html(StatusCode::BAD_REQUEST, page)
    };
    let (_, most) = TRIED_DAYS;
    let number = days.trim().parse::<u32>().ok();
    let Some(number) = number.filter(|number| (1..=most).contains(number)) else {
        let problems = [words.rule_days_wrong.to_owned()];
        return refused(&TryForm {
            problems: &problems,
            ..form
        });
    };
    let background = &web.0.background;
    let turn = background.turns.take().await;
    let (rules, written) = (web.0.rules.rules(), text.clone());
    let read = background
        .handle()
        .spawn_blocking(move || Trial::new(&rules, &written))
        .await;
    let trial = match read {
        Ok(Ok(trial)) => trial,
        Ok(Err(faults)) => {
            return refused(&TryForm {
                faults: &faults,
                ..form
            });
        }
        Err(error) => return unavailable(&reader, &error.to_string()),
    };
    let id = trial.rule().map_or("", |loaded| loaded.rule.id.as_str());
    if web
        .0
        .audit
        .record(&user, Action::TRY_RULE, id)
        .await
        .is_err()
    {
        return not_recorded(&reader);
    }
    let (before, after) = {
        let form = TryForm {
            warnings: trial.warnings(),
            is_tried: true,
            ..form
        };
        let frame = reader.frame(words.try_rule, Section::Rules);
        let (before, after) = frame.around();
        (before + &try_form(frame, &form).into_string(), after)
    };
    let threads = background.handle().clone();
    streamed(StatusCode::OK, &threads, async move |answer| {
        let _turn = turn;
        if answer.write(before).await {
            let found = tried((&web, &user), &reader, &trial, i64::from(number)).await;
            answer.write(found + &after).await;
        }
    })
}

/// What the rule would have done in the last days of the archive.
async fn tried((web, user): (&Web, &User), reader: &Reader, trial: &Trial, days: i64) -> String {
    let snapshot = web.snapshot(user).await;
    let mut found = TriedSoFar::default();
    let (mut span, mut problem) = (None, None);
    let now_ms = Timestamp::now().as_millisecond();
    match &snapshot {
        Ok(snapshot) => {
            // Where the newest events are older, their days are the last ones.
            if let Some(newest) = snapshot.engine.newest_day(TableKind::Events, now_ms) {
                let to_ms = begin_of_day_ms(newest + 1).min(now_ms);
                let from_ms = to_ms - days * DAY_MS;
                let engine = &snapshot.engine;
                let looked = engine.try_rule(trial, (from_ms, to_ms), now_ms, &mut found);
                if let Ok(Err(error)) = timeout(TIME, looked).await {
                    problem = Some(in_words(&error));
                }
                span = Some((day_of(from_ms), day_of(to_ms - 1)));
            }
        }
        Err(why) => problem = Some(why.clone()),
    }
    let notes = snapshot.as_ref().ok();
    let notes = notes.map_or_else(Vec::new, |snapshot| snapshot.notes(reader.language));
    let answer = TryAnswer {
        found: &found,
        days: span,
        is_experimental: trial.rule().is_some_and(LoadedRule::is_experimental),
        problem,
        notes: &notes,
    };
    let frame = reader.frame(reader.language.words().try_rule, Section::Rules);
    try_answer(frame, &answer).into_string()
}
