//! The alerts, gathered into incidents.

use std::ops::ControlFlow;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::archive::TableKind;
use crate::finding::path;
use crate::kafka::Stored;
use crate::page::{Incident, Section, alerts_page};
use crate::query::archive::{Conditions, Found, record_columns};
use crate::view::Emitted;
use crate::web::app::Web;
use crate::web::question::in_words;
use crate::web::reader::Reader;
use crate::web::respond::html;

/// How many of the newest alerts are gathered.
const ALERTS: usize = 1_000;

/// After so long a quiet, an alert of the same group begins a new incident.
const QUIET_MS: i64 = 24 * 60 * 60 * 1_000;

/// The page of the incidents.
pub(in crate::web) async fn alerts(State(web): State<Web>, reader: Reader) -> Response {
    let words = reader.language.words();
    let frame = reader.frame(words.alerts, Section::Alerts);
    match newest(&web).await {
        Err(why) => html(
            StatusCode::SERVICE_UNAVAILABLE,
            alerts_page(frame, &[], Some(&why)),
        ),
        Ok(alerts) => {
            let alerts: Vec<Emitted<'_>> = alerts
                .iter()
                .map(|stored| Emitted::new(stored.record()))
                .collect();
            html(
                StatusCode::OK,
                alerts_page(frame, &incidents(&alerts), None),
            )
        }
    }
}

/// The newest alerts, the newest first.
async fn newest(web: &Web) -> Result<Vec<Stored>, String> {
    let snapshot = web.snapshot().await?;
    let _permit = web.permit().await;
    let mut alerts = Vec::new();
    let mut found = |found: &Found| {
        let each = found.each_record(TableKind::Alerts, &mut |record| {
            alerts.push(Stored::from(record));
            ControlFlow::Continue(())
        });
        each.unwrap_or(ControlFlow::Break(()))
    };
    let columns = record_columns(TableKind::Alerts);
    let all = Conditions::default();
    snapshot
        .engine
        .newest(TableKind::Alerts, &all, Some(ALERTS), columns, &mut found)
        .await
        .map_err(|error| in_words(&error))?;
    Ok(alerts)
}

/// The incidents of these alerts, which are sorted with the newest first; so are the incidents, by their newest alert.
fn incidents<'a>(alerts: &'a [Emitted<'a>]) -> Vec<Incident<'a>> {
    let mut incidents: Vec<(String, Incident<'a>)> = Vec::new();
    for alert in alerts {
        let Some(root) = alert.root() else {
            continue;
        };
        let time_ms = root.int(path::TIME).unwrap_or_default();
        let key = root.text(path::GROUP_KEY).or_else(|| root.text(path::UID));
        let key = key.unwrap_or_default().into_owned();
        let same = incidents.iter_mut().rev().find(|(known, _)| *known == key);
        match same {
            Some((_, incident)) if incident.span_ms.0.saturating_sub(time_ms) < QUIET_MS => {
                incident.count += 1;
                incident.span_ms.0 = time_ms;
            }
            _ => incidents.push((
                key,
                Incident {
                    newest: alert,
                    count: 1,
                    span_ms: (time_ms, time_ms),
                },
            )),
        }
    }
    incidents
        .into_iter()
        .map(|(_, incident)| incident)
        .collect()
}
