//! The daemon: builds its parts, runs them until asked to stop, and says which had stopped by
//! themselves.
//! Invariant: once it listens, it ends when it is asked to and for no other reason.

mod output_topics;
mod parts;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use tokio::runtime::Handle;

use super::outbox::{Outbox, OutboxConfig};
use super::rulebook::{Requests, Rulebook};
use super::supervise::{self, Part, Pauses, RequestOnDrop, Stop};
use crate::config::Config;
use crate::kafka::session::{SessionConfig, Shutdown};
use crate::observe::http::{self, Pages};
use crate::observe::{
    Health, Metrics, MetricsError, ServiceState, SinkObserver, SinkState, SourceObserver,
    SourceState,
};
use crate::pipeline::{Content, Pipeline};
use output_topics::OutputTopics;
use parts::{Alerts, Http, Reload, SinkPart, SourcePart};

/// The daemon cannot start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Two metrics have one name.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// Metrics and probes cannot be served.
    #[error("listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The system does not say when files change.
    #[error("watch the directories of rules and names: {0}")]
    Watch(#[from] ::notify::Error),
    /// The system has no thread.
    #[error("start a thread: {0}")]
    Thread(#[source] std::io::Error),
    /// It was asked to end while parts had stopped by themselves.
    #[error("{}", .0.join("\n"))]
    Stopped(Vec<String>),
}

/// What is to be run, and who may end it.
pub struct Daemon<'c> {
    /// What a person has decided.
    pub config: &'c Config,
    /// One for each source.
    pub sessions: Vec<SessionConfig>,
    /// Rules and names.
    pub rulebook: Arc<Rulebook>,
    /// Asks for rules and names to be read again.
    pub requests: Arc<Requests>,
    /// Asks the daemon to end.
    pub shutdown: Shutdown,
}

impl Daemon<'_> {
    /// Run until asked to stop. `handle` runs requests to the sinks and answers to probes.
    ///
    /// # Errors
    /// It cannot start, or a part of it had stopped by itself when it was asked to end.
    pub fn run(&self, handle: &Handle) -> Result<(), DaemonError> {
        let config = self.config;
        let metrics = Arc::new(Metrics::new()?);
        self.rulebook.announce(&metrics);
        let sources: Vec<SourceObserver> = config
            .sources
            .iter()
            .map(|source| Arc::new(SourceState::new(&source.name)))
            .map(|state| SourceObserver::new(state, metrics.clone()))
            .collect();
        let sinks: Vec<SinkObserver> = config
            .sinks
            .iter()
            .map(|sink| Arc::new(SinkState::new(&sink.name)))
            .map(|state| SinkObserver::new(state, metrics.clone()))
            .collect();
        let [web, reload, alerts] = ["http", "reload", "alerts"]
            .map(ServiceState::new)
            .map(Arc::new);
        let health = Health::new(sources.iter().map(SourceObserver::state).collect())
            .with_sinks(sinks.iter().map(SinkObserver::state).collect())
            .with_services(vec![web.clone(), reload.clone(), alerts.clone()]);
        let listen = |error| DaemonError::Listen(config.listen, error);
        // They go on until everything else has ended.
        let services = Shutdown::default();
        let web = Http {
            state: web,
            handle,
            listener: http::bind(config.listen).map_err(listen)?,
            pages: Pages {
                health,
                metrics: metrics.clone(),
                rules: self.rulebook.rules(),
            },
            shutdown: &services,
        };
        let watcher = self.rulebook.watch(self.requests.clone())?;
        let reload = Reload {
            state: reload,
            rulebook: &self.rulebook,
            requests: &self.requests,
            metrics: &metrics,
            shutdown: &services,
        };
        let parts: [&dyn Part; 2] = [&web, &reload];
        let stopped = thread::scope(|scope| {
            let _asks = RequestOnDrop(&services);
            let supervise = || supervise::run(&parts, Pauses::default(), &services, &metrics);
            let supervised = thread::Builder::new()
                .name("services".into())
                .spawn_scoped(scope, supervise)
                .map_err(DaemonError::Thread)?;
            let mut stopped = self.roles(&sources, &sinks, alerts, &metrics, handle);
            services.request();
            stopped.extend(supervised.join().unwrap_or_default());
            Ok::<_, DaemonError>(stopped)
        })?;
        drop(watcher);
        tracing::info!("ended");
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

    /// Run every source's session and every sink's loop on a thread of its own until all have ended.
    fn roles(
        &self,
        sources: &[SourceObserver],
        sinks: &[SinkObserver],
        alerts: Arc<ServiceState>,
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
        let alerts = Alerts {
            state: alerts,
            outbox: &outbox,
            metrics,
            shutdown,
        };
        let mut parts: Vec<&dyn Part> = vec![&alerts];
        parts.extend(sources.iter().map(|part| part as &dyn Part));
        parts.extend(sinks.iter().map(|part| part as &dyn Part));
        let stopped = supervise::run(&parts, Pauses::default(), shutdown, metrics);
        outbox.say_unwritten();
        stopped
    }

    /// The pipeline of every source; what the output topics take is not known yet.
    fn pipeline(&self) -> Pipeline {
        let rulebook = &self.rulebook;
        let (catalogs, rules, names) = (rulebook.catalogs(), rulebook.rules(), rulebook.names());
        Pipeline::new(self.config.outputs.clone(), catalogs, rules, names)
    }
}
