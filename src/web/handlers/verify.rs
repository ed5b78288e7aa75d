//! Verifies a day of a source, and says what was found out.

use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::OwnedSemaphorePermit;

use super::plain::{not_recorded, unavailable};
use super::sources::read;
use crate::archive::day_number;
use crate::config::Role;
use crate::page::{Section, Verdict, VerifiedDay, verified_page};
use crate::query::ledger::{Effort, Report, Verification, VerifyError, fault_line};
use crate::query::parallel::cores;
use crate::web::app::Web;
use crate::web::audit::{Action, Deed};
use crate::web::error_words::in_words;
use crate::web::login::user::User;
use crate::web::posted::Form;
use crate::web::reader::Reader;
use crate::web::respond::html;
use crate::web::stop_when_left::StopWhenLeft;

/// Most faults that the page names; the command names more.
const MOST_NAMED: usize = 500;

/// Compares a day of a source with the ledger. The archive is read as it is, whatever is hidden from the reader: hashes are
/// compared, and no values shown.
pub(in crate::web) async fn verify(
    State(web): State<Web>,
    user: User,
    reader: Reader,
    posted: Result<Form, Response>,
) -> Response {
    let is_refused = reader.refuse(&user, Role::Admin);
    let posted = match posted {
        Ok(posted) => posted,
        Err(refused) => return is_refused.unwrap_or(refused),
    };
    let (source, day) = (posted.field("source"), posted.field("day"));
    let what = format!("{source} {day}");
    if let Some(refused) = is_refused {
        web.0
            .audit
            .note(Deed::refused(&user, Action::VERIFY, &what));
        return refused;
    }
    let words = reader.language.words();
    let said = |status: StatusCode, title: &str, text: &str| {
        html(status, reader.message_in(Section::Sources, title, text))
    };
    let day = match known_day(&web, &user, (source, day)).await {
        Ok(Some(day)) => day,
        Ok(None) => {
            return said(
                StatusCode::NOT_FOUND,
                words.no_such_day,
                words.no_such_day_hint,
            );
        }
        Err(why) => return unavailable(&reader, &why),
    };
    let Some(permit) = web.0.verifications.begin() else {
        return said(
            StatusCode::CONFLICT,
            words.is_verifying,
            words.is_verifying_hint,
        );
    };
    let recorded = web.0.audit.record(&user, Action::VERIFY, &what).await;
    if recorded.is_err() {
        return not_recorded(&reader);
    }
    let begun = Instant::now();
    match run(&web, (source, day), permit).await {
        // The ledger's rows are archived some time after they were written.
        Ok(report) if report.is_empty() && report.is_sound() => said(
            StatusCode::CONFLICT,
            words.nothing_to_verify,
            words.nothing_to_verify_hint,
        ),
        Ok(report) => show(&web, &reader, (source, day), (&report, begun)),
        Err(why) => {
            let why = crate::view::shown(&why);
            said(StatusCode::SERVICE_UNAVAILABLE, words.not_verifiable, &why)
        }
    }
}

/// The day of the form, if the ledger has it.
async fn known_day(
    web: &Web,
    user: &User,
    (source, day): (&str, &str),
) -> Result<Option<Date>, String> {
    let Ok(day) = day.parse::<Date>() else {
        return Ok(None);
    };
    let snapshot = web.snapshot(user).await?;
    let _permit = web.permit().await;
    let sources = read(&snapshot.engine).await;
    let sources = sources.map_err(|error| in_words(&error))?;
    let days = sources.get(source).map(|source| &source.days);
    Ok(days
        .is_some_and(|days| days.contains_key(&day))
        .then_some(day))
}

/// Verifies the day in the background, with half of the machine; it stops when the reader leaves.
async fn run(
    web: &Web,
    (source, day): (&str, Date),
    permit: OwnedSemaphorePermit,
) -> Result<Report, String> {
    let left = StopWhenLeft::default();
    let stop = left.request();
    let (config, source) = (web.0.config.clone(), source.to_owned());
    let verified = web.0.background.handle().spawn_blocking(move || {
        // Until it has ended, no other one begins.
        let _permit = permit;
        let archive = config.archive.as_ref();
        let archive = archive.ok_or_else(|| "there is no archive".to_owned())?;
        let verification = Verification {
            config: &config,
            archive,
            source: Some(&source),
            day: day_number(&day.to_string()),
            now: Timestamp::now(),
            effort: Effort {
                threads: cores().div_ceil(2),
                stop,
            },
        };
        verification
            .report()
            .map_err(|error: VerifyError| error.to_string())
    });
    verified.await.map_err(|error| error.to_string())?
}

fn show(
    web: &Web,
    reader: &Reader,
    (source, day): (&str, Date),
    (report, begun): (&Report, Instant),
) -> Response {
    let verdict = Verdict {
        is_sound: report.is_sound(),
        at_ms: Timestamp::now().as_millisecond(),
    };
    web.0.verifications.note(source, day, verdict);
    let named = report.faults.named.iter().take(MOST_NAMED);
    let lines: Vec<String> = named.map(fault_line).collect();
    let page = VerifiedDay {
        source,
        day,
        faults: report.faults.count,
        lines: &lines,
        is_sound: report.is_sound(),
        notes: &report.notes(),
        summary: &report.summary(),
        took_ms: begun.elapsed().as_millis(),
    };
    let title = format!("{source}, {day}");
    let title = crate::view::shown(&title);
    html(
        StatusCode::OK,
        verified_page(reader.frame(&title, Section::Sources), &page),
    )
}
