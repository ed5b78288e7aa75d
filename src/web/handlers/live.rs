//! New rows of a list of events as server-sent events, so that they appear without a reload. A row may be sent again; the
//! script knows those that it has.

use std::collections::HashSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::watch;

use crate::archive::TableKind;
use crate::page::{Asked, EventsPage, events_row};
use crate::query::archive::Conditions;
use crate::view::{At, Emitted, shown};
use crate::web::app::Web;
use crate::web::error_words::in_words;
use crate::web::event_stream::{Happening, Happenings, event_stream};
use crate::web::reader::Reader;
use crate::web::snapshot::Newest;

/// How many of the newest rows are looked at.
const ROWS: usize = 50;

/// How much older than the newest row a new row may be: events are not delivered in the order of their times.
const LATE_MS: i64 = 60 * 60 * 1_000;

/// A record that was written so long before the page was made was committed by then, and is on the page.
const COMMITTED_MS: i64 = 60 * 1_000;

/// New rows of a question, for as long as the reader stays.
pub(in crate::web) async fn live(State(web): State<Web>, reader: Reader) -> Response {
    let asked = Asked::of_query(&reader.query).newest();
    let Ok(conditions) = web.conditions(&asked, &reader) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let shown_ms = reader
        .parameter("shown")
        .and_then(|shown| shown.parse().ok());
    event_stream(NewRows {
        snapshots: web.0.snapshots.changes(),
        web,
        reader,
        asked,
        conditions,
        sent: HashSet::new(),
        newest_ms: None,
        shown_ms,
    })
}

struct NewRows {
    web: Web,
    reader: Reader,
    asked: Asked,
    conditions: Conditions,
    /// The rows that were looked at last.
    sent: HashSet<At>,
    /// The time of the newest row.
    newest_ms: Option<i64>,
    /// When the page was made, until the rows that it has are known.
    shown_ms: Option<i64>,
    snapshots: watch::Receiver<Newest>,
}

impl Happenings for NewRows {
    async fn next(&mut self) -> Option<Happening> {
        match self.new_rows().await {
            Ok(rows) if rows.is_empty() => None,
            Ok(rows) => Some(Happening {
                name: "rows",
                data: Value::from(rows).to_string(),
            }),
            // Why there are no new rows.
            Err(why) => Some(Happening {
                name: "problem",
                data: Value::from(shown(&why)).to_string(),
            }),
        }
    }

    async fn changed(&mut self) {
        let _ = self.snapshots.changed().await;
    }
}

impl NewRows {
    /// The rows that were not sent yet, the newest first.
    async fn new_rows(&mut self) -> Result<Vec<String>, String> {
        let snapshot = self.web.snapshot(self.reader.user()?).await?;
        let words = self.reader.language.words();
        let page = EventsPage {
            asked: &self.asked,
            faults: &[],
            words,
            zone: &self.reader.zone,
            live_since_ms: None,
        };
        let recent = self.newest_ms.map(|newest_ms| newest_ms - LATE_MS);
        let conditions = Conditions {
            from_ms: self.conditions.from_ms.max(recent),
            ..self.conditions.clone()
        };
        let _permit = self.web.permit().await;
        let engine = &snapshot.engine;
        let newest = engine.newest_records(TableKind::Events, &conditions, ROWS);
        let newest = newest.await.map_err(|error| in_words(&error))?;
        let (mut rows, mut seen) = (Vec::new(), HashSet::new());
        for stored in &newest {
            let emitted = Emitted::new(stored.record());
            let at = At::from(emitted.record.position);
            let time_ms = emitted.root().and_then(|root| root.int("time"));
            self.newest_ms = self.newest_ms.max(time_ms);
            let is_shown = self.shown_ms.is_some_and(|shown_ms: i64| {
                let written_ms = emitted.record.timestamp_ms.unwrap_or(shown_ms);
                written_ms < shown_ms.saturating_sub(COMMITTED_MS)
            });
            if !is_shown && !self.sent.contains(&at) {
                rows.push(events_row(&page, &emitted));
            }
            seen.insert(at);
        }
        (self.sent, self.shown_ms) = (seen, None);
        Ok(rows)
    }
}
