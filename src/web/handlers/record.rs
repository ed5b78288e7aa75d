//! One record: an event, an alert or a dead letter.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::plain::{not_found, not_recorded, unavailable};
use crate::kafka::Stored;
use crate::page::{RecordPage, Section, record_page};
use crate::view::{At, Emitted, RecordKind, Reference};
use crate::web::app::Web;
use crate::web::audit::Action;
use crate::web::error_words::in_words;
use crate::web::login::user::User;
use crate::web::reader::Reader;
use crate::web::respond::html;

/// The page of a record, by `id` or by `at`.
pub(in crate::web) async fn record(State(web): State<Web>, user: User, reader: Reader) -> Response {
    let reference = reader.parameter("at").or_else(|| reader.parameter("id"));
    let Some(reference) = reference.and_then(|text| text.parse::<Reference>().ok()) else {
        return not_found(reader).await;
    };
    match found(&web, &user, &reference).await {
        Err(why) => unavailable(&reader, &why),
        Ok(None) => {
            let words = reader.language.words();
            let page = reader.message(words.not_found, words.not_found_hint);
            html(StatusCode::NOT_FOUND, page)
        }
        Ok(Some((stored, related))) => {
            let at = At::from(stored.record().position).to_string();
            if web
                .0
                .audit
                .record(&user, Action::VIEW_RECORD, &at)
                .await
                .is_err()
            {
                return not_recorded(&reader);
            }
            let emitted = Emitted::new(stored.record());
            let related: Vec<Emitted<'_>> = related
                .iter()
                .map(|stored| Emitted::new(stored.record()))
                .collect();
            let page = RecordPage {
                emitted: &emitted,
                related: &related,
            };
            let words = reader.language.words();
            let section = match emitted.kind {
                RecordKind::Alert => Section::Alerts,
                _ => Section::Events,
            };
            html(
                StatusCode::OK,
                record_page(reader.frame(words.details, section), &page),
            )
        }
    }
}

/// The record, with the alerts that it raised or the events behind it.
async fn found(
    web: &Web,
    user: &User,
    reference: &Reference,
) -> Result<Option<(Stored, Vec<Stored>)>, String> {
    let snapshot = web.snapshot(user).await?;
    let _permit = web.permit().await;
    let engine = &snapshot.engine;
    let asked = async {
        let Some(stored) = engine.find(reference).await? else {
            return Ok(None);
        };
        let (alerts, events) = {
            let emitted = Emitted::new(stored.record());
            (engine.alerts_of(&emitted), engine.events_behind(&emitted))
        };
        let mut related = alerts.await?;
        related.extend(events.await?);
        Ok(Some((stored, related)))
    };
    asked.await.map_err(|error| in_words(&error))
}
