//! The alerts, gathered into incidents, and what people decide of several of them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::plain::unavailable;
use crate::archive::TableKind;
use crate::config::Role;
use crate::page::{AlertsPage, AskedIncidents, Draft, Fault, Language, Section, alerts_page};
use crate::triage::{Alert, Incident};
use crate::view::{Emitted, RecordKind};
use crate::web::app::Web;
use crate::web::decide::{Posted, Refusal};
use crate::web::incidents::Gathered;
use crate::web::login::user::User;
use crate::web::newest_alerts::MOST_ALERTS;
use crate::web::reader::Reader;
use crate::web::respond::{html, see_other};
use crate::web::triage::{Outcome, Unwritten};

/// How many incidents a page has.
const ROWS: usize = 50;

/// Most characters of a title in a sentence.
const LONGEST_TITLE: usize = 200;

/// The list of incidents.
pub(in crate::web) async fn alerts(State(web): State<Web>, user: User, reader: Reader) -> Response {
    let asked = AskedIncidents::of_query(&reader.query);
    if asked.is_form() {
        return see_other(&format!("/alerts?{}", asked.query(asked.page)));
    }
    let gathered = web.incidents(&user).await;
    list(
        (&web, &user),
        &reader,
        &asked,
        gathered.as_ref(),
        Said::default(),
    )
    .await
}

/// What a person is told besides what was asked.
#[derive(Default)]
pub(super) struct Said {
    pub(super) draft: Draft,
    pub(super) problems: Vec<String>,
    pub(super) status: Option<StatusCode>,
}

/// Decides on the selected incidents.
pub(in crate::web) async fn decide_on_several(
    State(web): State<Web>,
    user: User,
    reader: Reader,
    posted: Posted,
) -> Response {
    let words = reader.language.words();
    let asked = AskedIncidents::of_query(&reader.query);
    let gathered = match web.incidents(&user).await {
        Ok(gathered) => gathered,
        Err(why) => return unavailable(&reader, &why),
    };
    let drafted = posted.draft(false);
    let decided = match &drafted {
        Ok(draft) => web.decide(&gathered, &posted, draft).await,
        Err(refusal) => Err(refusal.clone()),
    };
    let (status, problems) = match decided {
        Err(refusal) => refused(&refusal, reader.language),
        Ok(outcomes) => {
            let changed = outcomes
                .iter()
                .filter(|(_, outcome)| *outcome == Outcome::Changed);
            let titles: Vec<String> = changed
                .map(|(incident, _)| incident.seen.title.chars().take(LONGEST_TITLE).collect())
                .collect();
            if titles.is_empty() {
                return see_other(&format!("/alerts?{}", asked.query(asked.page)));
            }
            let problems = std::iter::once(words.some_changed.to_owned()).chain(titles);
            (StatusCode::CONFLICT, problems.collect())
        }
    };
    let said = Said {
        draft: drafted.unwrap_or_default(),
        problems,
        status: Some(status),
    };
    let gathered = web.incidents(&user).await;
    list((&web, &user), &reader, &asked, gathered.as_ref(), said).await
}

/// The page of the list.
async fn list(
    (web, user): (&Web, &User),
    reader: &Reader,
    asked: &AskedIncidents,
    gathered: Result<&Gathered, &String>,
    mut said: Said,
) -> Response {
    let words = reader.language.words();
    let frame = reader.frame(words.alerts, Section::Alerts);
    let mut status = said.status.unwrap_or(StatusCode::OK);
    let mut faults = Vec::new();
    let mut notes = Vec::new();
    let (mut on_page, mut total): (Vec<&Incident>, usize) = (Vec::new(), 0);
    let mut assignees: Vec<&str> = Vec::new();
    match gathered {
        Ok(gathered) => {
            notes = self::notes(gathered, reader.language);
            assignees = gathered.known.board.assignees();
            match self::on_page(web, reader, asked, gathered) {
                Ok(found) => (on_page, total) = found,
                Err(found) => {
                    status = StatusCode::BAD_REQUEST;
                    faults = found;
                }
            }
        }
        Err(why) => {
            status = StatusCode::SERVICE_UNAVAILABLE;
            said.problems
                .push(format!("{} {why}", words.cannot_be_read));
        }
    }
    let newest: Vec<&Alert> = on_page
        .iter()
        .filter_map(|incident| newest_alert(incident))
        .collect();
    let records = match gathered {
        Ok(gathered) => gathered.records(&newest).await,
        Err(_) => Ok(Vec::new()),
    };
    let records = records.unwrap_or_else(|why| {
        notes.push(why);
        Vec::new()
    });
    let emitted: Vec<Emitted<'_>> = records
        .iter()
        .map(|stored| Emitted::new(stored.record()))
        .collect();
    let record_of = |incident: &Incident| {
        let offset = newest_alert(incident)?.mark.offset;
        emitted
            .iter()
            .find(|one| one.record.position.offset.0 == offset)
    };
    let incidents: Vec<_> = on_page
        .iter()
        .map(|incident| (*incident, record_of(incident)))
        .collect();
    let page = AlertsPage {
        asked,
        faults: &faults,
        incidents: &incidents,
        total,
        has_more: total > (asked.page + 1).saturating_mul(ROWS),
        assignees: &assignees,
        can_decide: user.may(Role::Responder),
        draft: &said.draft,
        notes: &notes,
        problems: &said.problems,
    };
    html(status, alerts_page(frame, &page))
}

/// The incidents on the page that is asked for, and the number of those on all pages.
///
/// # Errors
/// Parts of the question are none.
pub(super) fn on_page<'g>(
    web: &Web,
    reader: &Reader,
    asked: &AskedIncidents,
    gathered: &'g Gathered,
) -> Result<(Vec<&'g Incident>, usize), Vec<Fault>> {
    let of = (TableKind::Alerts, RecordKind::Alert);
    let conditions = web.conditions_of(of, asked.asked(), reader);
    let mut faults = conditions.as_ref().err().cloned().unwrap_or_default();
    faults.extend(asked.faults().iter().cloned());
    let Some(conditions) = conditions.ok().filter(|_| faults.is_empty()) else {
        return Err(faults);
    };
    let wanted = |incident: &&Incident| asked.takes(incident, conditions.from_ms, conditions.to_ms);
    let wanted: Vec<&Incident> = gathered.incidents.iter().filter(wanted).collect();
    let total = wanted.len();
    let first = asked.page.saturating_mul(ROWS);
    let on_page = wanted.into_iter().skip(first).take(ROWS);
    Ok((on_page.collect(), total))
}

/// What a person must know of what is shown.
pub(super) fn notes(gathered: &Gathered, language: Language) -> Vec<String> {
    let words = language.words();
    let mut notes = gathered.snapshot.notes(language);
    if !gathered.known.is_whole {
        notes.push(words.triage_being_read.to_owned());
    }
    if let Some(trouble) = &gathered.known.trouble {
        notes.push(format!("{} {trouble}", words.triage_not_read));
    }
    if gathered.is_cut {
        notes.push(format!("{} {MOST_ALERTS}", words.only_newest_alerts));
    }
    notes
}

fn newest_alert(incident: &Incident) -> Option<&Alert> {
    incident.alerts.last()
}

/// The status of an answer that says that nothing was decided, and why.
pub(super) fn refused(refusal: &Refusal, language: Language) -> (StatusCode, Vec<String>) {
    let words = language.words();
    let (status, texts) = match refusal {
        Refusal::NothingSelected => (StatusCode::BAD_REQUEST, vec![words.nothing_selected]),
        Refusal::NothingToChange => (StatusCode::BAD_REQUEST, vec![words.nothing_to_change]),
        Refusal::TooLong => (StatusCode::BAD_REQUEST, vec![words.too_long]),
        Refusal::NoSuchValue => (StatusCode::BAD_REQUEST, vec![words.fault_other]),
        Refusal::BeingRead => (
            StatusCode::SERVICE_UNAVAILABLE,
            vec![words.triage_being_read],
        ),
        Refusal::Unwritten(Unwritten::NotStored(why)) => (
            StatusCode::SERVICE_UNAVAILABLE,
            vec![words.not_written, why],
        ),
        Refusal::Unwritten(Unwritten::Unknown(why)) => (
            StatusCode::SERVICE_UNAVAILABLE,
            vec![words.maybe_written, why],
        ),
    };
    (status, texts.into_iter().map(str::to_owned).collect())
}
