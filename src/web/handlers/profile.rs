//! The pages of an actor and of a resource.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;

use super::events::histogram;
use super::plain::{not_found, unavailable};
use crate::archive::TableKind;
use crate::page::{Asked, Profile, ProfileOf, Section, profile_page};
use crate::query::archive::Conditions;
use crate::sigma::escaped;
use crate::web::app::Web;
use crate::web::question::in_words;
use crate::web::reader::Reader;
use crate::web::respond::html;

/// How many values of a column are shown.
const VALUES: usize = 12;

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
    match found((web, &reader), of, &conditions).await {
        Err(why) => unavailable(&reader, &why),
        Ok(profile) => {
            let profile = Profile {
                name: &name,
                when,
                ..profile
            };
            let frame = reader.frame(&name, Section::Events);
            html(StatusCode::OK, profile_page(frame, &profile))
        }
    }
}

/// What there is in the archive.
async fn found(
    (web, reader): (&Web, &Reader),
    of: ProfileOf,
    conditions: &Conditions,
) -> Result<Profile<'static>, String> {
    let snapshot = web.snapshot(reader.user()?).await?;
    let _permit = web.permit().await;
    let engine = &snapshot.engine;
    let columns: Vec<&'static str> = of.columns().iter().map(|(column, _)| *column).collect();
    let facets = engine.facets(TableKind::Events, conditions, &columns, VALUES);
    let facets = facets.await.map_err(|error| in_words(&error))?;
    let alerts = engine.count(TableKind::Alerts, conditions).await;
    let now_ms = Timestamp::now().as_millisecond();
    Ok(Profile {
        of,
        name: "",
        when: "",
        end_ms: conditions.to_ms.unwrap_or(now_ms).min(now_ms),
        histogram: histogram(&snapshot, conditions).await?,
        facets,
        alerts: alerts.map_err(|error| in_words(&error))? as u64,
    })
}
