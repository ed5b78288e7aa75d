//! The role `page`: the server, and the keepers of the snapshots and of what was decided, from which it answers.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::runtime::Handle;

use super::supervise::requested;
use crate::config::{self, Config};
use crate::kafka::session::Shutdown;
use crate::observe::{Metrics, ServiceState, http};
use crate::pipeline::{self, Catalogs, Pipeline};
use crate::roles::outputs;
use crate::roles::rulebook::{Rulebook, read_placeholders};
use crate::roles::supervise::{DaemonPart, Service, Stop};
use crate::rules::CurrentRules;
use crate::web::{
    self, Audit, Background, CurrentPipeline, SnapshotKeeper, SnapshotMaker, Snapshots,
    TriageKeeper, Triages, Web,
};

/// The page, which listens already.
pub struct Page {
    config: Arc<Config>,
    page: config::Page,
    rules: Arc<CurrentRules<pipeline::Path>>,
    /// As it is before anything is known of the output topics.
    pipeline: Pipeline,
    /// Whether the cluster is asked for the output topics before dead letters are retried.
    describes_outputs: bool,
    listener: TcpListener,
    snapshots: Arc<Snapshots>,
    server: Arc<ServiceState>,
    keeper: Arc<ServiceState>,
    triages: Arc<Triages>,
    triage: Arc<ServiceState>,
    audit: Arc<Audit>,
    recorder: Arc<ServiceState>,
}

impl Page {
    /// The page of the configuration, which shows the rules in force, and retries dead letters with them; `None` if the
    /// configuration has none.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn new(
        config: &Config,
        rulebook: &Rulebook,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Page>, (SocketAddr, io::Error)> {
        let Some(page) = &config.page else {
            return Ok(None);
        };
        Ok(Some(Page {
            // The keepers have threads that outlive the parts.
            config: Arc::new(config.clone()),
            page: page.clone(),
            rules: rulebook.rules(),
            pipeline: rulebook.pipeline(config, config.outputs.clone()),
            describes_outputs: true,
            listener: http::bind(page.listen, "the page").map_err(|error| (page.listen, error))?,
            snapshots: Arc::default(),
            server: Arc::new(ServiceState::new("page")),
            keeper: Arc::new(ServiceState::new("page snapshots")),
            triages: Arc::default(),
            triage: Arc::new(ServiceState::new("page triage")),
            audit: Arc::new(Audit::new(config, metrics.clone())),
            recorder: Arc::new(ServiceState::new("page audit")),
        }))
    }

    /// What the probes show.
    pub fn states(&self) -> [Arc<ServiceState>; 4] {
        [
            self.server.clone(),
            self.keeper.clone(),
            self.triage.clone(),
            self.recorder.clone(),
        ]
    }

    /// Takes the output topics for as they are configured, where a cluster does not describe them.
    pub fn with_outputs_as_configured(mut self) -> Page {
        self.describes_outputs = false;
        self
    }

    /// The pipeline with the output topics as they are at each call.
    fn pipeline(&self) -> CurrentPipeline {
        let (config, pipeline) = (self.config.clone(), self.pipeline.clone());
        if !self.describes_outputs {
            return Box::new(move || Ok(pipeline.clone()));
        }
        Box::new(move || {
            let (cluster, may_create) = (&config.destination, config.create_topics);
            let outputs = outputs::existing(cluster, &config.outputs, may_create);
            let mut pipeline = pipeline.clone();
            pipeline.set_outputs(outputs.map_err(|error| error.to_string())?);
            Ok(pipeline)
        })
    }

    /// Where it listens; the port is the real one.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The parts.
    pub fn parts<'p>(
        &'p self,
        handle: &'p Handle,
        shutdown: &'p Shutdown,
    ) -> [Box<dyn DaemonPart + 'p>; 4] {
        [
            Box::new(ServerPart {
                page: self,
                shutdown,
            }),
            Box::new(KeeperPart {
                page: self,
                handle,
                shutdown,
            }),
            Box::new(AuditPart {
                page: self,
                shutdown,
            }),
            Box::new(TriagePart {
                page: self,
                shutdown,
            }),
        ]
    }
}

/// The service that answers requests. It has a runtime of its own, so that questions keep nothing else waiting.
struct ServerPart<'p> {
    page: &'p Page,
    shutdown: &'p Shutdown,
}

impl Service for ServerPart<'_> {
    fn state(&self) -> &ServiceState {
        &self.page.server
    }

    fn serve(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        let failed = |error: io::Error| Stop::new("listen", format!("serve the page: {error}"));
        let config = &self.page.config;
        let placeholders = read_placeholders(config.placeholders.as_deref()).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Stop::new("placeholders", faults.join("\n"))
        })?;
        let catalogs = Catalogs::shipped().map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Stop::new("catalog", faults.join("\n"))
        })?;
        let web = Web::new(
            (config, &self.page.page),
            &catalogs,
            (self.page.rules.clone(), placeholders),
            (self.page.snapshots.clone(), self.page.triages.clone()),
            self.page.audit.clone(),
            self.page.pipeline(),
            Background::new().map_err(failed)?,
        );
        let web = web.map_err(|error| Stop::new("login", error.to_string()))?;
        let runtime = web::threads().map_err(failed)?;
        let serve = async {
            let listener = self.page.listener.try_clone()?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            web::serve(web, listener, requested(self.shutdown)).await;
            Ok(())
        };
        let served = runtime.block_on(serve).map_err(failed);
        runtime.shutdown_background();
        served
    }
}

/// The service that keeps the snapshots.
struct KeeperPart<'p> {
    page: &'p Page,
    handle: &'p Handle,
    shutdown: &'p Shutdown,
}

impl Service for KeeperPart<'_> {
    fn state(&self) -> &ServiceState {
        &self.page.keeper
    }

    fn serve(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        let keeper = SnapshotKeeper {
            snapshots: &self.page.snapshots,
            maker: SnapshotMaker {
                config: self.page.config.clone(),
                handle: self.handle.clone(),
                shutdown: self.shutdown.clone(),
                known: Arc::default(),
            },
        };
        keeper.run();
        Ok(())
    }
}

/// The service that reads what was decided of alerts.
struct TriagePart<'p> {
    page: &'p Page,
    shutdown: &'p Shutdown,
}

impl Service for TriagePart<'_> {
    fn state(&self) -> &ServiceState {
        &self.page.triage
    }

    fn serve(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        let keeper = TriageKeeper {
            config: self.page.config.clone(),
            triages: self.page.triages.clone(),
            shutdown: self.shutdown.clone(),
        };
        let kept = keeper.run();
        kept.map_err(|error| Stop::new("thread", format!("read what was decided: {error}")))
    }
}

/// The service that writes what people do on the page.
struct AuditPart<'p> {
    page: &'p Page,
    shutdown: &'p Shutdown,
}

impl Service for AuditPart<'_> {
    fn state(&self) -> &ServiceState {
        &self.page.recorder
    }

    fn serve(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        let written = self.page.audit.run(self.shutdown);
        written.map_err(|error| Stop::new("producer", error.to_string()))
    }
}
