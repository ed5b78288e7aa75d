//! The incidents: the newest alerts of a snapshot and what was decided of them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::app::Web;
use super::error_words::in_words;
use super::login::user::User;
use super::newest_alerts::{NewestAlerts, newest_alerts};
use super::snapshot::Snapshot;
use super::triage::Known;
use crate::kafka::Stored;
use crate::triage::{Alert, Board, Incident, gather};

/// The incidents at one time.
pub(super) struct Gathered {
    pub(super) incidents: Arc<Vec<Incident>>,
    /// Whether there are older alerts than those that were read.
    pub(super) is_cut: bool,
    /// What was decided.
    pub(super) known: Known,
    pub(super) snapshot: Arc<Snapshot>,
}

impl Web {
    /// The incidents by now.
    ///
    /// # Errors
    /// Why the alerts cannot be read, for a person.
    pub(super) async fn incidents(&self, of: &User) -> Result<Gathered, String> {
        let snapshot = self.snapshot(of).await?;
        let topic = &self.0.alerts_topic;
        let read = async {
            let _permit = self.permit().await;
            let newest = newest_alerts(&snapshot.engine, topic).await;
            newest.map(Arc::new).map_err(|error| in_words(&error))
        };
        let newest = snapshot.alerts.get_or_try_init(|| read).await?.clone();
        let known = self.0.triages.known();
        Ok(Gathered {
            incidents: snapshot.incidents(&newest, &known.board),
            is_cut: newest.is_cut,
            known,
            snapshot,
        })
    }
}

impl Snapshot {
    /// The incidents of the newest alerts and these decisions; gathered once as long as both are the same.
    fn incidents(&self, newest: &NewestAlerts, board: &Arc<Board>) -> Arc<Vec<Incident>> {
        let mut made = self
            .incidents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((known, incidents)) = &*made
            && Arc::ptr_eq(known, board)
        {
            return incidents.clone();
        }
        let mut incidents = gather(newest.alerts.iter().cloned(), board);
        if self.is_hiding {
            let whole = incidents.into_iter();
            incidents = whole.map(Incident::without_written_texts).collect();
        }
        let incidents = Arc::new(incidents);
        *made = Some((board.clone(), incidents.clone()));
        incidents
    }
}

impl Gathered {
    /// The whole records of alerts.
    ///
    /// # Errors
    /// Why they cannot be read, for a person.
    pub(super) async fn records(&self, alerts: &[&Alert]) -> Result<Vec<Stored>, String> {
        let mut topics: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
        for alert in alerts {
            topics.entry(&alert.topic).or_default().push(alert);
        }
        let mut records = Vec::new();
        for (topic, alerts) in topics {
            let offsets: Vec<i64> = alerts.iter().map(|alert| alert.mark.offset).collect();
            let times = || alerts.iter().map(|alert| alert.time_ms);
            let span_ms = (
                times().min().unwrap_or_default(),
                times().max().unwrap_or_default(),
            );
            let found = self
                .snapshot
                .engine
                .alerts_at(topic, &offsets, span_ms)
                .await;
            records.extend(found.map_err(|error| in_words(&error))?);
        }
        Ok(records)
    }
}
