//! The parts that the daemon supervises: each source, each sink, and the services.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::output_topics::{OutputTopics, RequiredTopics};
use crate::alert::{Source, SourceAlert, Stopped};
use crate::config::Config;
use crate::kafka::session::{
    self, NotReady, SessionConfig, SessionError, SessionObserver, Shutdown,
};
use crate::notify::Sink;
#[cfg(feature = "archive")]
use crate::observe::CareObserver;
use crate::observe::http::{self, Pages};
use crate::observe::{ArchiveObserver, Metrics, ServiceState, SinkObserver, SourceObserver};
use crate::pipeline::{Content, OutputTopic, Pipeline};
#[cfg(feature = "archive")]
use crate::roles::archive::{self, ArchiveConfig};
use crate::roles::clock::now_ms;
use crate::roles::ingest::Ingest;
use crate::roles::notify::{self, NotifyConfig};
use crate::roles::outbox::Outbox;
use crate::roles::rulebook::{ReloadRequests, Rulebook};
use crate::roles::supervise::{DaemonPart, Service, Stop, requested};

/// How often a part that waits checks whether it is to end.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The stop of a source because of this error: what was found, and what to do.
fn stop(source: &str, error: &SessionError) -> Stop {
    let why = match error.remedy(source) {
        Some(remedy) => format!("{error}; {remedy}"),
        None => error.to_string(),
    };
    Stop {
        reason: error.reason(),
        why,
        identity: error.identity(),
    }
}

/// Add the alert that `alert` makes of a stop to the outbox.
fn raise<'a>(outbox: &Outbox, stop: &Stop, alert: impl FnOnce(Stopped<'_>) -> SourceAlert<'a>) {
    let unique = now_ms().to_string();
    outbox.put(&alert(Stopped {
        reason: stop.reason,
        why: &stop.why,
        identity: stop.identity.as_deref().unwrap_or(&unique),
    }));
}

/// One source's session.
pub(super) struct SourcePart<'d> {
    pub(super) session: SessionConfig,
    pub(super) topics: &'d OutputTopics<'d>,
    pub(super) pipeline: &'d Pipeline,
    pub(super) observer: &'d SourceObserver,
    pub(super) outbox: &'d Outbox,
    pub(super) shutdown: &'d Shutdown,
}

impl SourcePart<'_> {
    /// Check, without joining the group, whether the session would stop again for the same reason. It
    /// joins the group only if not: positions can be moved only while the group has no members.
    fn check_before_restart(&self, after: &Stop) -> Result<(), Stop> {
        if after.identity.is_none() {
            return Ok(());
        }
        match session::would_stop(&self.session, &|| self.observer.turned()) {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(stop(&self.session.source_name, &error)),
            Err(error) => {
                let source = &self.session.source_name;
                tracing::debug!(source, %error, "cannot check whether the source is still stopped");
                Err(after.clone())
            }
        }
    }
}

impl DaemonPart for SourcePart<'_> {
    fn kind(&self) -> &'static str {
        "source"
    }

    fn name(&self) -> &str {
        &self.session.source_name
    }

    fn run(&self, after: Option<&Stop>) -> Result<(), Stop> {
        if let Some(after) = after {
            self.check_before_restart(after)?;
        }
        let waiting = |state: &NotReady| {
            self.observer.turned();
            self.observer.readiness(Some(state));
        };
        let Some(outputs) = self.topics.wait(RequiredTopics::All, &waiting) else {
            return Ok(());
        };
        let session = SessionConfig {
            output_batch_bytes: outputs.smallest_bytes(),
            ..self.session.clone()
        };
        let mut pipeline = self.pipeline.clone();
        pipeline.set_outputs(outputs);
        let mut worker = Ingest::new(pipeline, &session, self.observer);
        session::run(&session, &mut worker, self.shutdown, self.observer)
            .map_err(|error| stop(&session.source_name, &error))
    }

    fn is_ready(&self) -> bool {
        self.observer.state().reports_ready()
    }

    fn heartbeat(&self) {
        self.observer.turned();
    }

    fn show_stop(&self, stop: Option<&NotReady>) {
        self.observer.stopped(stop);
    }

    fn raise_alert(&self, stop: &Stop) {
        let source = Source {
            name: &self.session.source_name,
            topic: &self.session.source_topic,
        };
        raise(self.outbox, stop, |stopped| {
            SourceAlert::source_stopped(source, stopped)
        });
    }
}

/// One sink's loop.
pub(super) struct SinkPart<'d> {
    pub(super) config: &'d Config,
    pub(super) topics: &'d OutputTopics<'d>,
    pub(super) sink: &'d Sink,
    pub(super) handle: &'d Handle,
    pub(super) observer: &'d SinkObserver,
    pub(super) outbox: &'d Outbox,
    pub(super) shutdown: &'d Shutdown,
}

impl DaemonPart for SinkPart<'_> {
    fn kind(&self) -> &'static str {
        "sink"
    }

    fn name(&self) -> &str {
        &self.sink.name
    }

    fn run(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        let waiting = |state: &NotReady| {
            self.observer.turned(None, 0);
            self.observer.readiness(Some(state));
        };
        let Some(outputs) = self.topics.wait(RequiredTopics::Alerts, &waiting) else {
            return Ok(());
        };
        notify::run(
            &NotifyConfig::new(self.config, self.sink, &outputs),
            self.sink,
            self.handle,
            self.shutdown,
            self.observer,
        )
        .map_err(|error| Stop::new("client", error.to_string()))
    }

    fn is_ready(&self) -> bool {
        self.observer.state().reports_ready()
    }

    fn heartbeat(&self) {
        self.observer.turned(None, 0);
    }

    fn show_stop(&self, stop: Option<&NotReady>) {
        self.observer.stopped(stop);
    }

    fn raise_alert(&self, stop: &Stop) {
        raise(self.outbox, stop, |stopped| {
            let alerts = &self.config.outputs.of(Content::Alerts).topic;
            SourceAlert::sink_stopped(&self.sink.name, alerts, stopped)
        });
    }
}

/// The loop that archives one topic.
pub(super) struct ArchivePart<'d> {
    pub(super) config: &'d Config,
    pub(super) archive: &'d crate::config::Archive,
    pub(super) output: &'d OutputTopic,
    #[cfg(feature = "archive")]
    pub(super) caretaker: archive::Caretaker,
    pub(super) topics: &'d OutputTopics<'d>,
    pub(super) handle: &'d Handle,
    pub(super) observer: &'d ArchiveObserver,
    pub(super) outbox: &'d Outbox,
    pub(super) shutdown: &'d Shutdown,
}

impl ArchivePart<'_> {
    #[cfg(feature = "archive")]
    fn archive(&self) -> Result<(), Stop> {
        let config = ArchiveConfig::new(self.config, self.archive, self.output, &self.caretaker);
        let config = config.map_err(|error| Stop::new("storage", error.to_string()))?;
        let ended = archive::run(&config, self.handle, self.shutdown, self.observer);
        ended.map_err(|error| Stop {
            reason: error.reason(),
            why: error.to_string(),
            identity: error.identity(),
        })
    }

    /// The configuration of an archive is refused where the program has none.
    #[cfg(not(feature = "archive"))]
    fn archive(&self) -> Result<(), Stop> {
        let (url, config, handle) = (&self.archive.url, self.config, self.handle);
        let _ = (config, handle);
        Err(Stop::new(
            "feature",
            format!("{url}: this watchbell was built without the archive"),
        ))
    }
}

impl DaemonPart for ArchivePart<'_> {
    fn kind(&self) -> &'static str {
        "archive"
    }

    fn name(&self) -> &str {
        &self.output.topic
    }

    fn run(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        let waiting = |state: &NotReady| {
            self.observer.turned(0);
            self.observer.readiness(Some(state));
        };
        let Some(outputs) = self.topics.wait(RequiredTopics::All, &waiting) else {
            return Ok(());
        };
        if outputs.in_topic(&self.output.topic).is_none() {
            // A topic that is optional and not there has nothing to archive.
            self.observer.readiness(None);
            while !self.shutdown.is_requested() {
                self.observer.turned(0);
                std::thread::sleep(POLL_INTERVAL);
            }
            return Ok(());
        }
        self.archive()
    }

    fn is_ready(&self) -> bool {
        self.observer.state().reports_ready()
    }

    fn heartbeat(&self) {
        self.observer.turned(0);
    }

    fn show_stop(&self, stop: Option<&NotReady>) {
        self.observer.stopped(stop);
    }

    fn raise_alert(&self, stop: &Stop) {
        raise(self.outbox, stop, |stopped| {
            SourceAlert::archive_stopped(&self.output.topic, stopped)
        });
    }
}

/// The service that cares for the tables of the archive.
#[cfg(feature = "archive")]
pub(super) struct CarePart<'d> {
    pub(super) state: Arc<ServiceState>,
    pub(super) archive: &'d crate::config::Archive,
    pub(super) caretaker: archive::Caretaker,
    pub(super) handle: &'d Handle,
    pub(super) observer: CareObserver,
    pub(super) shutdown: &'d Shutdown,
}

#[cfg(feature = "archive")]
impl Service for CarePart<'_> {
    fn state(&self) -> &ServiceState {
        &self.state
    }

    fn serve(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        let config = archive::CareConfig::new(self.archive);
        let config = config.map_err(|error| Stop::new("storage", error.to_string()))?;
        archive::care(
            &config,
            &self.caretaker,
            (self.handle, self.shutdown, &self.observer),
        );
        Ok(())
    }
}

/// The service that writes the alerts about stops.
pub(super) struct AlertsPart<'d> {
    pub(super) state: Arc<ServiceState>,
    pub(super) outbox: &'d Outbox,
    pub(super) metrics: &'d Metrics,
    pub(super) shutdown: &'d Shutdown,
}

impl Service for AlertsPart<'_> {
    fn state(&self) -> &ServiceState {
        &self.state
    }

    fn serve(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        let written = self.outbox.run(self.shutdown, self.metrics);
        written.map_err(|error| Stop::new("client", error.to_string()))
    }
}

/// The service that answers probes and scrapes.
pub(super) struct HttpPart<'d> {
    pub(super) state: Arc<ServiceState>,
    pub(super) handle: &'d Handle,
    pub(super) listener: TcpListener,
    pub(super) pages: Pages,
    pub(super) shutdown: &'d Shutdown,
}

impl Service for HttpPart<'_> {
    fn state(&self) -> &ServiceState {
        &self.state
    }

    fn serve(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        let serve = async {
            let listener = tokio::net::TcpListener::from_std(self.listener.try_clone()?)?;
            http::serve(listener, self.pages.clone(), requested(self.shutdown)).await;
            Ok(())
        };
        let served: std::io::Result<()> = self.handle.block_on(serve);
        served.map_err(|error| Stop::new("listen", format!("serve metrics and probes: {error}")))
    }
}

/// The service that reads rules and names again when they change.
pub(super) struct ReloadPart<'d> {
    pub(super) state: Arc<ServiceState>,
    pub(super) rulebook: &'d Rulebook,
    pub(super) requests: &'d ReloadRequests,
    pub(super) metrics: &'d Metrics,
    pub(super) shutdown: &'d Shutdown,
}

impl Service for ReloadPart<'_> {
    fn state(&self) -> &ServiceState {
        &self.state
    }

    fn serve(&self, after: Option<&Stop>) -> Result<(), Stop> {
        if after.is_some() {
            // The reload that was under way when it stopped may not have happened.
            self.requests.force();
        }
        self.rulebook
            .serve(self.requests, self.shutdown, self.metrics);
        Ok(())
    }
}
