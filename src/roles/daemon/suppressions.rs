//! The service that tells people of suppressions that end soon, and of those that have ended.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::alert::SourceAlert;
use crate::kafka::session::Shutdown;
use crate::observe::ServiceState;
use crate::pipeline;
use crate::roles::clock::now_ms;
use crate::roles::outbox::Outbox;
use crate::roles::supervise::{Service, Stop};
use crate::rules::{CurrentRules, SuppressionEnd};
use crate::sigma::RuleId;

/// How often the suppressions in force are looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Tells of each end of a suppression once in the life of the process.
pub(super) struct SuppressionsPart<'d> {
    pub(super) state: Arc<ServiceState>,
    pub(super) rules: Arc<CurrentRules<pipeline::Path>>,
    /// The topic of the alerts that suppressions keep from people.
    pub(super) alerts: &'d str,
    pub(super) outbox: &'d Outbox,
    pub(super) shutdown: &'d Shutdown,
}

/// A suppression, when it ends, and which of its two alerts was raised.
type Told = (RuleId, i64, SuppressionEnd);

impl SuppressionsPart<'_> {
    /// Raises the alerts that are due and were not raised yet.
    fn tell(&self, now_ms: i64, told: &mut HashSet<Told>) {
        for loaded in self.rules.snapshot().suppressions() {
            let Some(end) = loaded.end(now_ms) else {
                continue;
            };
            let suppression = &loaded.suppression;
            if told.insert((suppression.id.clone(), suppression.expires_ms, end)) {
                let alert = SourceAlert::suppression_ends(loaded, end, self.alerts);
                tracing::warn!(
                    title = alert.title,
                    file = &*loaded.file,
                    "a suppression ends"
                );
                self.outbox.put(&alert);
            }
        }
    }
}

impl Service for SuppressionsPart<'_> {
    fn state(&self) -> &ServiceState {
        &self.state
    }

    fn serve(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        let mut told = HashSet::new();
        while !self.shutdown.is_requested() {
            self.tell(now_ms(), &mut told);
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }
}
