//! The daemon: builds its parts, runs them until asked to stop, and returns those that had stopped by
//! themselves.
//! Invariant: once it listens, it ends only when it is asked to.

mod archives;
mod output_topics;
mod parts;
mod suppressions;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use tokio::runtime::Handle;

use super::outbox::{Outbox, OutboxConfig};
#[cfg(feature = "archive")]
use super::page::Page;
use super::rulebook::{ReloadRequests, Rulebook};
use super::supervise::{self, DaemonPart, Pauses, RequestOnDrop, Stop};
use crate::config::{Archive, Config};
use crate::kafka::session::{SessionConfig, Shutdown};
use crate::observe::http::{self, Pages};
use crate::observe::{
    Health, Metrics, MetricsError, ServiceState, SinkObserver, SinkState, SourceObserver,
    SourceState,
};
use crate::pipeline::{Content, Pipeline};
use archives::Archives;
use output_topics::OutputTopics;
use parts::{AlertsPart, HttpPart, ReloadPart, SinkPart, SourcePart};
use suppressions::SuppressionsPart;

/// The daemon cannot start, or parts of it had stopped when it ended.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Two metrics have the same name.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The address of metrics and probes cannot be bound.
    #[error("listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The directories of rules and names cannot be watched for changes.
    #[error("watch the directories of rules and names: {0}")]
    Watch(#[from] ::notify::Error),
    /// A thread cannot be started.
    #[error("start a thread: {0}")]
    Thread(#[source] std::io::Error),
    /// Parts had stopped by themselves when it was asked to end.
    #[error("{}", .0.join("\n"))]
    Stopped(Vec<String>),
}

/// What the daemon runs.
pub struct Daemon<'c> {
    /// The configuration.
    pub config: &'c Config,
    /// The archive that this process writes to; the configuration may have one that it only reads.
    pub archive: Option<&'c Archive>,
    /// One for each source that this process reads; the configuration may have others, of which it shows where they stand.
    pub sessions: Vec<SessionConfig>,
    /// Rules and names.
    pub rulebook: Arc<Rulebook>,
    /// Requests to read rules and names again.
    pub requests: Arc<ReloadRequests>,
    /// The request to end.
    pub shutdown: Shutdown,
}

impl Daemon<'_> {
    /// Run until asked to stop. `handle` runs the requests to sinks and the HTTP server.
    ///
    /// # Errors
    /// It cannot start, or a part had stopped by itself when it was asked to end.
    pub fn run(&self, handle: &Handle) -> Result<(), DaemonError> {
        let config = self.config;
        let metrics = Arc::new(Metrics::new()?);
        self.rulebook.announce(&metrics);
        let sources: Vec<SourceObserver> = self
            .sessions
            .iter()
            .map(|session| Arc::new(SourceState::new(&session.source_name)))
            .map(|state| SourceObserver::new(state, metrics.clone()))
            .collect();
        let sinks: Vec<SinkObserver> = config
            .sinks
            .iter()
            .map(|sink| Arc::new(SinkState::new(&sink.name)))
            .map(|state| SinkObserver::new(state, metrics.clone()))
            .collect();
        let archives = Archives::new((config, self.archive), &metrics);
        let [web, reload, alerts, suppressions] = ["http", "reload", "alerts", "suppressions"]
            .map(ServiceState::new)
            .map(Arc::new);
        #[cfg(feature = "archive")]
        let page = Page::new(config, &self.rulebook, &metrics)
            .map_err(|(at, error)| DaemonError::Listen(at, error))?;
        let services = vec![
            web.clone(),
            reload.clone(),
            alerts.clone(),
            suppressions.clone(),
            archives.care(),
        ];
        #[cfg(feature = "archive")]
        let services = services
            .into_iter()
            .chain(page.iter().flat_map(Page::states))
            .collect();
        let health = Health::new(sources.iter().map(SourceObserver::state).collect())
            .with_sinks(sinks.iter().map(SinkObserver::state).collect())
            .with_archives(archives.states(), archives.care_state())
            .with_services(services);
        let listen = |error| DaemonError::Listen(config.listen, error);
        // The services end only after all sources and sinks have ended.
        let services = Shutdown::default();
        let web = HttpPart {
            state: web,
            handle,
            listener: http::bind(config.listen, http::SERVED).map_err(listen)?,
            pages: Pages {
                health,
                metrics: metrics.clone(),
                rules: self.rulebook.rules(),
            },
            shutdown: &services,
        };
        let watcher = self.rulebook.watch(self.requests.clone())?;
        let reload = ReloadPart {
            state: reload,
            rulebook: &self.rulebook,
            requests: &self.requests,
            metrics: &metrics,
            shutdown: &services,
        };
        #[cfg(feature = "archive")]
        let of_page = page.as_ref().map(|page| page.parts(handle, &services));
        let parts: Vec<&dyn DaemonPart> = vec![&web, &reload];
        #[cfg(feature = "archive")]
        let parts: Vec<&dyn DaemonPart> = parts
            .into_iter()
            .chain(of_page.iter().flatten().map(|part| &**part))
            .collect();
        let stopped = thread::scope(|scope| {
            let _request = RequestOnDrop(&services);
            let supervise = || supervise::run(&parts, Pauses::default(), &services, &metrics);
            let supervised = thread::Builder::new()
                .name("services".into())
                .spawn_scoped(scope, supervise)
                .map_err(DaemonError::Thread)?;
            let mut stopped = self.roles(
                (&sources, &sinks, &archives),
                [alerts, suppressions],
                &metrics,
                handle,
            );
            services.request();
            stopped.extend(supervised.join().unwrap_or_default());
            Ok::<_, DaemonError>(stopped)
        })?;
        drop(watcher);
        tracing::info!("the daemon has ended");
        if stopped.is_empty() {
            return Ok(());
        }
        let line = |(part, stop): (String, Stop)| {
            format!("{part} had stopped: {}: {}", stop.reason, stop.why)
        };
        Err(DaemonError::Stopped(
            stopped.into_iter().map(line).collect(),
        ))
    }

    /// Run the session of every source and the loop of every sink, each on a thread of its own, until all
    /// have ended.
    fn roles(
        &self,
        (sources, sinks, archives): (&[SourceObserver], &[SinkObserver], &Archives<'_>),
        [alerts, suppressions]: [Arc<ServiceState>; 2],
        metrics: &Metrics,
        handle: &Handle,
    ) -> Vec<(String, Stop)> {
        let config = self.config;
        let pipeline = self.pipeline();
        let outbox = OutboxConfig {
            cluster: config.destination.clone(),
            max_bytes: pipeline.outputs().of(Content::Alerts).max_bytes,
        };
        let outbox = Outbox::new(outbox, pipeline.clone());
        let shutdown = &self.shutdown;
        let topics = OutputTopics::new(config, shutdown);
        let source = |(session, observer)| SourcePart {
            session: SessionConfig::clone(session),
            topics: &topics,
            pipeline: &pipeline,
            observer,
            outbox: &outbox,
            shutdown,
        };
        let sink = |(sink, observer)| SinkPart {
            config,
            topics: &topics,
            sink,
            handle,
            observer,
            outbox: &outbox,
            shutdown,
        };
        let sources: Vec<SourcePart<'_>> = self.sessions.iter().zip(sources).map(source).collect();
        let sinks: Vec<SinkPart<'_>> = config.sinks.iter().zip(sinks).map(sink).collect();
        let archives = archives.parts(&topics, handle, &outbox, shutdown);
        let alerts = AlertsPart {
            state: alerts,
            outbox: &outbox,
            metrics,
            shutdown,
        };
        let suppressions = SuppressionsPart {
            state: suppressions,
            rules: self.rulebook.rules(),
            alerts: &config.outputs.of(Content::Alerts).topic,
            outbox: &outbox,
            shutdown,
        };
        let mut parts: Vec<&dyn DaemonPart> = vec![&alerts, &suppressions];
        parts.extend(sources.iter().map(|part| part as &dyn DaemonPart));
        parts.extend(sinks.iter().map(|part| part as &dyn DaemonPart));
        parts.extend(archives.iter().map(|part| &**part));
        let stopped = supervise::run(&parts, Pauses::default(), shutdown, metrics);
        outbox.log_unwritten();
        stopped
    }

    /// The pipeline of every source. The limits of the output topics are not known yet and are set later.
    fn pipeline(&self) -> Pipeline {
        let outputs = self.config.outputs.clone();
        self.rulebook.pipeline(self.config, outputs)
    }
}
