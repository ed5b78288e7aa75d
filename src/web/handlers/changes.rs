//! Whether incidents have changed since a page was made, as server-sent events, so that it shows a new alert or what somebody
//! else has decided.

use axum::extract::State;
use axum::response::Response;
use tokio::sync::watch;

use super::alerts::on_page;
use crate::page::{AskedIncidents, SHOWN, version};
use crate::triage::{IncidentKey, named};
use crate::web::app::Web;
use crate::web::event_stream::{Happening, Happenings, event_stream};
use crate::web::login::user::User;
use crate::web::reader::Reader;
use crate::web::snapshot::Newest;
use crate::web::triage::Known;

/// Sends the version of the incidents whenever it is another one than the page shows, for as long as the reader stays: of the
/// incident that `key` names, or of a list.
pub(in crate::web) async fn changes(
    State(web): State<Web>,
    user: User,
    reader: Reader,
) -> Response {
    event_stream(Changes {
        snapshots: web.0.snapshots.changes(),
        decisions: web.0.triages.changes(),
        shown: reader.parameter(SHOWN),
        web,
        user,
        reader,
    })
}

struct Changes {
    web: Web,
    user: User,
    reader: Reader,
    /// The version that the page shows.
    shown: Option<String>,
    snapshots: watch::Receiver<Newest>,
    decisions: watch::Receiver<Known>,
}

impl Happenings for Changes {
    async fn next(&mut self) -> Option<Happening> {
        // If there is no answer now, the page says so when it is read anew.
        let version = now((&self.web, &self.user), &self.reader).await?;
        if self.shown.as_ref() == Some(&version) {
            return None;
        }
        self.shown = Some(version.clone());
        Some(Happening {
            name: "changed",
            data: version,
        })
    }

    async fn changed(&mut self) {
        tokio::select! {
            _ = self.snapshots.changed() => {}
            _ = self.decisions.changed() => {}
        }
    }
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
