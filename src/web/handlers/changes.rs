//! Whether incidents have changed since a page was made, as server-sent events, so that it shows a new alert or what somebody
//! else has decided.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout_at};

use super::alerts::on_page;
use super::live::{LONGEST, SILENCE};
use crate::page::{AskedIncidents, SHOWN, version};
use crate::triage::{IncidentKey, named};
use crate::web::app::Web;
use crate::web::login::user::User;
use crate::web::reader::Reader;
use crate::web::respond::Answer;

/// Sends the version of the incidents whenever it is another one than the page shows, for as long as the reader stays: of the
/// incident that `key` names, or of a list.
pub(in crate::web) async fn changes(
    State(web): State<Web>,
    user: User,
    reader: Reader,
) -> Response {
    let (answer, body) = Answer::new();
    tokio::spawn(async move {
        let left = answer.clone();
        tokio::select! {
            () = left.left() => {}
            _ = send((&web, &user), &reader, &answer) => {}
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

async fn send((web, user): (&Web, &User), reader: &Reader, answer: &Answer) -> Option<()> {
    let end = Instant::now() + LONGEST;
    let mut snapshots = web.0.snapshots.changes();
    let mut decisions = web.0.triages.changes();
    let mut shown = reader.parameter(SHOWN);
    let mut spoken = Instant::now();
    while Instant::now() < end {
        // If there is no answer now, the page says so when it is read anew.
        if let Some(version) = now((web, user), reader).await
            && shown.as_ref() != Some(&version)
        {
            let event = format!("event: changed\ndata: {version}\n\n");
            answer.write(event).await.then_some(())?;
            shown = Some(version);
            spoken = Instant::now();
        }
        if spoken.elapsed() > SILENCE {
            answer.write(": nothing new\n\n").await.then_some(())?;
            spoken = Instant::now();
        }
        let changed = async {
            tokio::select! {
                _ = snapshots.changed() => {}
                _ = decisions.changed() => {}
            }
        };
        let _ = timeout_at(Instant::now() + SILENCE, changed).await;
    }
    Some(())
}

/// The version of the incidents by now.
async fn now((web, user): (&Web, &User), reader: &Reader) -> Option<String> {
    let gathered = web.incidents(user).await.ok()?;
    match reader.parameter("key") {
        Some(key) => {
            let key: IncidentKey = key.parse().ok()?;
            Some(version(named(&gathered.incidents, &key).into_iter()))
        }
        None => {
            let asked = AskedIncidents::of_query(&reader.query);
            let (incidents, _) = on_page(web, reader, &asked, &gathered).ok()?;
            Some(version(incidents.into_iter()))
        }
    }
}
