//! New rows of a list of events as server-sent events, so that they appear without a reload. A row may be sent again; the
//! script knows those that it has.

use std::collections::HashSet;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::archive::TableKind;
use crate::page::{Asked, EventsPage, events_row};
use crate::query::archive::Conditions;
use crate::view::{At, Emitted};
use crate::web::app::Web;
use crate::web::question::in_words;
use crate::web::reader::Reader;
use crate::web::respond::Answer;
use crate::web::snapshot::Snapshot;

/// How many of the newest rows are looked at.
const ROWS: usize = 50;

/// How much older than the newest row a new row may be: events are not delivered in the order of their times.
const LATE_MS: i64 = 60 * 60 * 1_000;

/// A record that was written so long before the page was made was committed by then, and is on the page.
const COMMITTED_MS: i64 = 60 * 1_000;

/// After so long without a new row a line is sent, so that proxies keep the connection.
pub(super) const SILENCE: Duration = Duration::from_secs(15);

/// The connection ends after this, and the browser makes a new one: then it is looked anew who reads.
pub(super) const LONGEST: Duration = Duration::from_secs(10 * 60);

/// New rows of a question, for as long as the reader stays.
pub(in crate::web) async fn live(State(web): State<Web>, reader: Reader) -> Response {
    let asked = Asked::of_query(&reader.query).newest();
    let Ok(conditions) = web.conditions(&asked, &reader) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let shown_ms = reader
        .parameter("shown")
        .and_then(|shown| shown.parse().ok());
    let (answer, body) = Answer::new();
    tokio::spawn(async move {
        let left = answer.clone();
        let mut rows = NewRows {
            reader,
            asked,
            conditions,
            sent: HashSet::new(),
            newest_ms: None,
            shown_ms,
        };
        tokio::select! {
            () = left.left() => {}
            _ = rows.send(&web, &answer) => {}
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, body).into_response()
}

struct NewRows {
    reader: Reader,
    asked: Asked,
    conditions: Conditions,
    /// The rows that were looked at last.
    sent: HashSet<At>,
    /// The time of the newest row.
    newest_ms: Option<i64>,
    /// When the page was made, until the rows that it has are known.
    shown_ms: Option<i64>,
}

impl NewRows {
    /// Sends rows until the reader leaves or it is time for a new connection.
    async fn send(&mut self, web: &Web, answer: &Answer) -> Option<()> {
        let end = Instant::now() + LONGEST;
        let mut snapshots = web.0.snapshots.changes();
        let mut spoken = Instant::now();
        while Instant::now() < end {
            let snapshot = match self.reader.user() {
                Ok(user) => web.snapshot(user).await,
                Err(why) => Err(why),
            };
            match snapshot {
                Ok(snapshot) => {
                    let rows = self.new_rows(web, &snapshot).await;
                    if let Some(event) = rows.map_or_else(|why| Some(problem(&why)), event) {
                        answer.write(event).await.then_some(())?;
                        spoken = Instant::now();
                    }
                }
                Err(why) => {
                    answer.write(problem(&why)).await.then_some(())?;
                    spoken = Instant::now();
                }
            }
            if spoken.elapsed() > SILENCE {
                answer.write(": nothing new\n\n").await.then_some(())?;
                spoken = Instant::now();
            }
            // The next snapshot, or none for long.
            let _ = timeout_at(Instant::now() + SILENCE, snapshots.changed()).await;
        }
        Some(())
    }

    /// The rows that were not sent yet, the newest first.
    async fn new_rows(&mut self, web: &Web, snapshot: &Snapshot) -> Result<Vec<String>, String> {
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
        let _permit = web.permit().await;
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

/// Rows as an event; `None` if there are none.
fn event(rows: Vec<String>) -> Option<String> {
    let rows = Value::from(rows);
    let is_empty = rows.as_array().is_some_and(Vec::is_empty);
    (!is_empty).then(|| format!("event: rows\ndata: {rows}\n\n"))
}

/// Why there are no new rows.
fn problem(why: &str) -> String {
    let why = Value::from(crate::view::shown(why));
    format!("event: problem\ndata: {why}\n\n")
}
