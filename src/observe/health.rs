//! Liveness and readiness of the daemon.
//! Liveness depends on the heartbeats of the loops only: restarting a process because a broker is
//! unreachable would only make things worse. Readiness is what sessions, sinks and services report.

use std::sync::Arc;
use std::time::Duration;

use super::archive::{ArchiveState, CareState};
use super::readiness::Readiness;
use super::sink::SinkState;
use super::source::SourceState;
use crate::kafka::session::NotReady;

/// A loop without a heartbeat for this long counts as stuck.
pub const HEARTBEAT_LIMIT: Duration = Duration::from_secs(60);

/// The health of all sources, sinks, archived topics and services.
#[derive(Debug, Clone)]
pub struct Health {
    sources: Vec<Arc<SourceState>>,
    sinks: Vec<Arc<SinkState>>,
    archives: Vec<Arc<ArchiveState>>,
    care: Arc<CareState>,
    services: Vec<Arc<ServiceState>>,
}

/// A part of the daemon that is neither a source nor a sink, such as the one that reloads rules. It is
/// ready unless it has stopped by itself.
#[derive(Debug)]
pub struct ServiceState {
    name: &'static str,
    readiness: Readiness,
}

impl ServiceState {
    /// A service that has not stopped.
    pub fn new(name: &'static str) -> ServiceState {
        ServiceState {
            name,
            readiness: Readiness::new(None),
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// It has stopped by itself, or with `None` works again.
    pub fn stopped(&self, stop: Option<&NotReady>) {
        self.readiness.stop(stop);
    }
}

impl Health {
    /// The health of these sources.
    pub fn new(sources: Vec<Arc<SourceState>>) -> Health {
        Health {
            sources,
            sinks: Vec::new(),
            archives: Vec::new(),
            care: Arc::default(),
            services: Vec::new(),
        }
    }

    /// The same with these sinks.
    #[must_use]
    pub fn with_sinks(mut self, sinks: Vec<Arc<SinkState>>) -> Health {
        self.sinks = sinks;
        self
    }

    /// The same with these topics that are archived, and the care for their tables.
    #[must_use]
    pub fn with_archives(
        mut self,
        archives: Vec<Arc<ArchiveState>>,
        care: Arc<CareState>,
    ) -> Health {
        (self.archives, self.care) = (archives, care);
        self
    }

    /// The topics that are archived.
    pub fn archives(&self) -> &[Arc<ArchiveState>] {
        &self.archives
    }

    /// The care for the tables of the archive.
    pub fn care(&self) -> &CareState {
        &self.care
    }

    /// The same with these services.
    #[must_use]
    pub fn with_services(mut self, services: Vec<Arc<ServiceState>>) -> Health {
        self.services = services;
        self
    }

    /// Whether every loop has a recent heartbeat.
    ///
    /// # Errors
    /// A line for each loop that has none.
    pub fn live(&self) -> Result<(), String> {
        let stuck = |name: &str, silence: Duration| {
            (silence >= HEARTBEAT_LIMIT).then(|| {
                let silence_s = silence.as_secs();
                format!("{name}: the loop is stuck: no heartbeat for {silence_s} s")
            })
        };
        let sources = self.sources.iter().map(|s| (s.name(), s.silence()));
        let sinks = self.sinks.iter().map(|s| (s.described(), s.silence()));
        let archives = self.archives.iter().map(|a| (a.described(), a.silence()));
        let loops = sources.chain(sinks).chain(archives);
        lines(loops.filter_map(|(name, silence)| stuck(name, silence)))
    }

    /// Whether every source, sink, archived topic and service is ready.
    ///
    /// # Errors
    /// A line for each that is not: the reason, and what to repair.
    pub fn ready(&self) -> Result<(), String> {
        let waiting = |(name, state): (&str, Option<NotReady>)| {
            let NotReady { reason, remedy } = state?;
            Some(format!("{name}: {reason}: {remedy}"))
        };
        let sources = self.sources.iter().map(|s| (s.name(), s.not_ready()));
        let sinks = self.sinks.iter().map(|s| (s.described(), s.not_ready()));
        let services = self.services.iter();
        let services = services.map(|s| (s.name, s.readiness.not_ready()));
        let archives = self.archives.iter().map(|a| (a.described(), a.not_ready()));
        let all = sources.chain(sinks).chain(archives).chain(services);
        lines(all.filter_map(waiting))
    }

    /// All sinks, for the metrics that are computed at the time of a scrape.
    pub(super) fn sinks(&self) -> &[Arc<SinkState>] {
        &self.sinks
    }

    /// All sources, for the metrics that are computed at the time of a scrape.
    pub(super) fn sources(&self) -> &[Arc<SourceState>] {
        &self.sources
    }
}

fn lines(lines: impl Iterator<Item = String>) -> Result<(), String> {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        Ok(())
    } else {
        Err(lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_must_be_ready_and_one_that_is_not_says_what_to_repair() {
        let one = Arc::new(SourceState::new("one"));
        let two = Arc::new(SourceState::new("two"));
        let health = Health::new(vec![one.clone(), two.clone()]);
        let said = health.ready().expect_err("starting");
        assert_eq!(said.lines().count(), 2, "{said}");
        one.note_readiness(None);
        two.note_readiness(Some(&NotReady {
            reason: "topic_missing",
            remedy: "create the topic".into(),
        }));
        let said = health.ready().expect_err("one waits");
        assert_eq!(said, "two: topic_missing: create the topic");
        two.note_readiness(None);
        assert_eq!(health.ready(), Ok(()));
        assert_eq!(health.live(), Ok(()));
    }

    #[test]
    fn a_stopped_service_makes_the_process_not_ready_but_it_stays_live() {
        let reload = Arc::new(ServiceState::new("reload"));
        let health = Health::new(Vec::new()).with_services(vec![reload.clone()]);
        assert_eq!(health.ready(), Ok(()));
        reload.stopped(Some(&NotReady {
            reason: "panic",
            remedy: "report it".into(),
        }));
        assert_eq!(health.ready(), Err("reload: panic: report it".into()));
        assert_eq!(health.live(), Ok(()));
        reload.stopped(None);
        assert_eq!(health.ready(), Ok(()));
    }
}
