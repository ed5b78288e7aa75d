//! Whether the daemon lives and whether it is ready.
//! Living is the loops' heartbeat and nothing else: to restart a process because a broker is away
//! makes everything worse. Ready is what the sessions say of themselves.

use std::sync::Arc;
use std::time::Duration;

use super::readiness::Readiness;
use super::sink::SinkState;
use super::source::SourceState;
use crate::kafka::session::NotReady;

/// A loop that has not turned for this long is stuck.
pub const HEARTBEAT_LIMIT: Duration = Duration::from_secs(60);

/// The health of all sources, sinks and services.
#[derive(Debug, Clone)]
pub struct Health {
    sources: Vec<Arc<SourceState>>,
    sinks: Vec<Arc<SinkState>>,
    services: Vec<Arc<ServiceState>>,
}

/// A part of the daemon beside sources and sinks, such as the one that reloads rules. It is ready
/// unless it has ended by itself.
#[derive(Debug)]
pub struct ServiceState {
    name: &'static str,
    readiness: Readiness,
}

impl ServiceState {
    /// A service that runs.
    pub fn new(name: &'static str) -> ServiceState {
        ServiceState {
            name,
            readiness: Readiness::new(None),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// It has ended by itself, or with `None` works again.
    pub fn stopped(&self, stop: Option<&NotReady>) {
        self.readiness.stop(stop);
    }
}

impl Health {
    /// Watch these sources.
    pub fn new(sources: Vec<Arc<SourceState>>) -> Health {
        Health {
            sources,
            sinks: Vec::new(),
            services: Vec::new(),
        }
    }

    /// Watch these sinks, too.
    #[must_use]
    pub fn with_sinks(mut self, sinks: Vec<Arc<SinkState>>) -> Health {
        self.sinks = sinks;
        self
    }

    /// Watch these services, too.
    #[must_use]
    pub fn with_services(mut self, services: Vec<Arc<ServiceState>>) -> Health {
        self.services = services;
        self
    }

    /// Whether every loop still turns; otherwise which does not, a line each.
    ///
    /// # Errors
    /// The text for a person.
    pub fn live(&self) -> Result<(), String> {
        let stuck = |name: &str, silence: Duration| {
            (silence >= HEARTBEAT_LIMIT).then(|| {
                let silence_s = silence.as_secs();
                format!("{name}: the loop has not turned for {silence_s} s")
            })
        };
        let sources = self.sources.iter().map(|s| (s.name(), s.silence()));
        let sinks = self.sinks.iter().map(|s| (s.described(), s.silence()));
        lines(
            sources
                .chain(sinks)
                .filter_map(|(name, silence)| stuck(name, silence)),
        )
    }

    /// Whether records of every source flow; otherwise what is wrong and what to repair.
    ///
    /// # Errors
    /// The text for a person.
    pub fn ready(&self) -> Result<(), String> {
        let waiting = |(name, state): (&str, Option<NotReady>)| {
            let NotReady { reason, remedy } = state?;
            Some(format!("{name}: {reason}: {remedy}"))
        };
        let sources = self.sources.iter().map(|s| (s.name(), s.not_ready()));
        let sinks = self.sinks.iter().map(|s| (s.described(), s.not_ready()));
        let services = self.services.iter();
        let services = services.map(|s| (s.name, s.readiness.not_ready()));
        lines(sources.chain(sinks).chain(services).filter_map(waiting))
    }

    /// All sinks, for figures that are taken when they are asked for.
    pub(super) fn sinks(&self) -> &[Arc<SinkState>] {
        &self.sinks
    }

    /// All sources, for figures that are taken when they are asked for.
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
    fn every_source_must_be_ready_and_the_others_say_what_to_repair() {
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
    fn a_service_that_has_stopped_is_named_and_the_process_lives() {
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
