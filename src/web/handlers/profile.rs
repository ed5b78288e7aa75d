//! The pages of an actor and of a resource.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;

use super::events::histogram;
use super::plain::{not_found, unavailable};
use crate::archive::TableKind;
use crate::kafka::Stored;
use crate::page::{Asked, Fault, GrantedBy, Grants, Profile, ProfileOf, Section, profile_page};
use crate::query::archive::{Conditions, Facet};
use crate::sigma::escaped;
use crate::view::Emitted;
use crate::web::app::Web;
use crate::web::question::in_words;
use crate::web::reader::Reader;
use crate::web::respond::html;

/// How many values of a column are shown.
const VALUES: usize = 12;

/// How many of the newest events are shown in which rights were given or taken away.
const GRANTS: usize = 10;

/// How many ids and how many names of an actor are looked for in them.
const NAMES: usize = 4;

/// The span of time, unless the reader chooses another one.
const SPAN: &str = "30d";

/// What an actor did.
pub(in crate::web) async fn actor(State(web): State<Web>, reader: Reader) -> Response {
    profile(&web, reader, ProfileOf::Actor).await
}

/// What was done to a resource.
pub(in crate::web) async fn resource(State(web): State<Web>, reader: Reader) -> Response {
    profile(&web, reader, ProfileOf::Resource).await
}

async fn profile(web: &Web, reader: Reader, of: ProfileOf) -> Response {
    let name = reader.parameter("id").filter(|name| !name.is_empty());
    let Some(name) = name else {
        return not_found(reader).await;
    };
    let when = reader.parameter("when").unwrap_or_else(|| SPAN.to_owned());
    let when = if when == "all" { "" } else { &*when };
    let asked = Asked::default().and(of.attribute().name(), &escaped(&name));
    let Ok(conditions) = web.conditions(&asked.in_span(when), &reader) else {
        return not_found(reader).await;
    };
    match found((web, &reader), of, (&name, when), &conditions).await {
        Err(why) => unavailable(&reader, &why),
        Ok((profile, granted)) => {
            let granted = granted.iter().filter(|(_, _, events)| !events.is_empty());
            let grants = granted.map(|(by, asked, events)| Grants {
                by: *by,
                asked: asked.clone(),
                events: events
                    .iter()
                    .map(|event| Emitted::new(event.record()))
                    .collect(),
            });
            let profile = Profile {
                name: &name,
                when,
                grants: grants.collect(),
                ..profile
            };
            let frame = reader.frame(&name, Section::Events);
            html(StatusCode::OK, profile_page(frame, &profile))
        }
    }
}

/// By whom, the question, and the newest events of its answer.
type Granted = (GrantedBy, Asked, Vec<Stored>);

/// What there is in the archive.
async fn found(
    (web, reader): (&Web, &Reader),
    of: ProfileOf,
    (name, when): (&str, &str),
    conditions: &Conditions,
) -> Result<(Profile<'static>, Vec<Granted>), String> {
    let snapshot = web.snapshot(reader.user()?).await?;
    let _permit = web.permit().await;
    let engine = &snapshot.engine;
    let columns: Vec<&'static str> = of.columns().iter().map(|(column, _)| *column).collect();
    let facets = engine.facets(TableKind::Events, conditions, &columns, VALUES);
    let facets = facets.await.map_err(|error| in_words(&error))?;
    let alerts = engine.count(TableKind::Alerts, conditions).await;
    let mut granted = Vec::new();
    if of == ProfileOf::Actor {
        let names = names(name, &facets);
        for by in [GrantedBy::Actor, GrantedBy::Others] {
            let asked = by.asked(&web.0.grants, &names, when);
            let conditions = web.conditions(&asked, reader).map_err(faults)?;
            let events = engine.newest_records(TableKind::Events, &conditions, GRANTS);
            granted.push((by, asked, events.await.map_err(|error| in_words(&error))?));
        }
    }
    let now_ms = Timestamp::now().as_millisecond();
    let profile = Profile {
        of,
        name: "",
        when: "",
        end_ms: conditions.to_ms.unwrap_or(now_ms).min(now_ms),
        histogram: histogram(&snapshot, conditions).await?,
        facets,
        alerts: alerts.map_err(|error| in_words(&error))? as u64,
        grants: Vec::new(),
    };
    Ok((profile, granted))
}

/// The ids and names of an actor: what was asked for, and what its events say.
fn names(asked: &str, facets: &[Facet]) -> Vec<String> {
    let named = facets
        .iter()
        .filter(|facet| ["actor_uid", "actor_name"].contains(&facet.column));
    let values = named.flat_map(|facet| facet.values.iter().take(NAMES));
    let mut names = vec![asked.to_owned()];
    names.extend(values.map(|value| value.value.clone()));
    names.sort();
    names.dedup();
    names
}

fn faults(faults: Vec<Fault>) -> String {
    let texts: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
    texts.join("; ")
}
