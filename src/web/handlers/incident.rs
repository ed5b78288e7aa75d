//! One incident, and what people decide of it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::alerts::{Said, notes, refused};
use super::plain::{not_recorded, unavailable};
use crate::alert::BUILT_IN;
use crate::config::Role;
use crate::finding::path;
use crate::page::{Draft, IncidentPage, Section, Suppression, incident_page, incident_url};
use crate::triage::{Alert, Deed, Incident, IncidentKey, TriageState, named, proposal};
use crate::view::{Emitted, JsonPart};
use crate::web::app::Web;
use crate::web::audit::Action;
use crate::web::decide::Posted;
use crate::web::error_words::in_words;
use crate::web::login::user::User;
use crate::web::reader::Reader;
use crate::web::respond::{html, see_other};
use crate::web::triage::Outcome;

/// Most alerts that the page of an incident lists.
const MOST_LISTED: usize = 200;

/// How long a proposed suppression is in force, unless the person who commits it changes that.
const SUPPRESSED_DAYS: i64 = 90;

/// The key of the incident that the URL names.
fn key_of(reader: &Reader) -> Option<IncidentKey> {
    reader.parameter("key")?.parse().ok()
}

/// The page of one incident.
pub(in crate::web) async fn incident(
    State(web): State<Web>,
    user: User,
    reader: Reader,
) -> Response {
    let key = reader.parameter("key").unwrap_or_default();
    let recorded = web.0.audit.record(&user, Action::VIEW_INCIDENT, &key).await;
    if recorded.is_err() {
        return not_recorded(&reader);
    }
    show((&web, &user), &reader, false, Said::default()).await
}

/// Decides on one incident.
pub(in crate::web) async fn decide_on_one(
    State(web): State<Web>,
    user: User,
    reader: Reader,
    posted: Posted,
) -> Response {
    let gathered = match web.incidents(&user).await {
        Ok(gathered) => gathered,
        Err(why) => return unavailable(&reader, &why),
    };
    let drafted = posted.draft(true);
    let decided = match &drafted {
        Ok(draft) => web.decide(&gathered, &posted, draft).await,
        Err(refusal) => Err(refusal.clone()),
    };
    let mut is_conflict = false;
    let (status, problems) = match decided {
        Err(refusal) => refused(&refusal, reader.language),
        Ok(outcomes) => {
            let changed = outcomes
                .iter()
                .any(|(_, outcome)| *outcome == Outcome::Changed);
            if !changed && let Some((incident, _)) = outcomes.first() {
                return see_other(&incident_url(&incident.seen.key));
            }
            is_conflict = true;
            (StatusCode::CONFLICT, Vec::new())
        }
    };
    // What was written is kept, also where it is refused.
    let kept = Draft {
        state: TriageState::of_name(posted.field("state")),
        assignee: Some(posted.field("assignee").to_owned()),
        comment: posted.field("comment").to_owned(),
    };
    let said = Said {
        draft: kept,
        problems,
        status: Some(status),
    };
    show((&web, &user), &reader, is_conflict, said).await
}

/// The page of the incident that the URL names.
async fn show(
    (web, user): (&Web, &User),
    reader: &Reader,
    is_conflict: bool,
    said: Said,
) -> Response {
    let words = reader.language.words();
    let gathered = match web.incidents(user).await {
        Ok(gathered) => gathered,
        Err(why) => return unavailable(reader, &why),
    };
    let incident = key_of(reader).and_then(|key| named(&gathered.incidents, &key));
    let Some(incident) = incident else {
        let (title, hint) = (words.no_incident, words.not_found_hint);
        let page = reader.message_in(Section::Alerts, title, hint);
        return html(StatusCode::NOT_FOUND, page);
    };
    let mut notes = notes(&gathered, reader.language);
    let listed: Vec<&Alert> = incident.alerts.iter().rev().take(MOST_LISTED).collect();
    let mut read = gathered.records(&listed).await.unwrap_or_else(|why| {
        notes.push(why);
        Vec::new()
    });
    // In the order in which they were written, the newest first.
    read.sort_by_key(|stored| std::cmp::Reverse(stored.order()));
    let behind = read.first().map(|newest| {
        let newest = Emitted::new(newest.record());
        gathered.snapshot.engine.events_behind(&newest)
    });
    let behind = match behind {
        Some(behind) => behind.await,
        None => Ok(Vec::new()),
    };
    let alerts: Vec<Emitted<'_>> = read
        .iter()
        .map(|stored| Emitted::new(stored.record()))
        .collect();
    let behind = behind.unwrap_or_else(|error| {
        notes.push(in_words(&error));
        Vec::new()
    });
    let events: Vec<Emitted<'_>> = behind
        .iter()
        .map(|stored| Emitted::new(stored.record()))
        .collect();
    let is_hiding = gathered.snapshot.is_hiding;
    let page = IncidentPage {
        incident,
        alerts: &alerts,
        events: &events,
        assignees: &gathered.known.board.assignees(),
        draft: &said.draft,
        conflict: incident.newest().filter(|_| is_conflict),
        notes: &notes,
        problems: &said.problems,
        suppression: suppression(incident, alerts.first(), is_hiding),
        can_decide: user.may(Role::Responder),
        is_hiding,
    };
    let frame = reader.frame(words.incident, Section::Alerts);
    let status = said.status.unwrap_or(StatusCode::OK);
    html(status, incident_page(frame, &page))
}

/// Of an incident that is expected, a suppression to propose, or why there is none.
fn suppression(
    incident: &Incident,
    newest: Option<&Emitted<'_>>,
    is_hiding: bool,
) -> Option<Suppression> {
    let triage = incident.triage.as_ref()?;
    if incident.state() != TriageState::Expected {
        return None;
    }
    if BUILT_IN.iter().any(|rule| rule.id == triage.seen.rule_id) {
        return Some(Suppression::BuiltIn);
    }
    if is_hiding {
        return Some(Suppression::Hidden);
    }
    let decided = Timestamp::from_millisecond(triage.newest.at_ms).unwrap_or_default();
    let day = decided.to_zoned(TimeZone::UTC).date();
    let last_day = day.checked_add(SUPPRESSED_DAYS.days()).unwrap_or(day);
    let deed = newest.map(deed).unwrap_or_default();
    let yaml = proposal(triage, &deed, &last_day.to_string());
    Some(Suppression::Yaml(yaml))
}

/// Who did what on what, as far as an alert says it.
fn deed(alert: &Emitted<'_>) -> Deed {
    let mut values = Vec::new();
    let Some(root) = alert.root() else {
        return Deed::default();
    };
    let evidence = root.each(path::EVIDENCES).next();
    let mut first_of = |part: Option<JsonPart<'_, '_>>, paths: &[(&'static str, &str)]| {
        let found = paths
            .iter()
            .find_map(|(field, path)| Some((*field, part?.text(path)?.into_owned())));
        values.extend(found);
    };
    let user =
        ["actor.user.uid", "actor.user.name", "actor.user.email_addr"].map(|path| (path, path));
    first_of(evidence, &user);
    first_of(evidence, &[("api.operation", "api.operation")]);
    let resource = [("resources.uid", "uid"), ("resources.name", "name")];
    first_of(root.each(path::RESOURCES).next(), &resource);
    Deed { values }
}
