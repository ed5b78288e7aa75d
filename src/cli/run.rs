//! `run`: the daemon. Load, build, spawn one thread for each source and sink, wait for a
//! signal, drain.
//! Invariant: it ends when it is asked to, or when a session says that going on would do harm.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{ConfigFile, Failure, ordinal};
use crate::config::Config;
use crate::kafka::session::{self, NotReady, SessionConfig, SessionObserver, Shutdown};
use crate::notify::Sink;
use crate::observe::http::{self, Pages};
use crate::observe::{
    Health, Metrics, SinkObserver, SinkState, SourceObserver, SourceState, log, panics,
};
use crate::pipeline::{Limits, Pipeline, Settings, Topics};
use crate::roles::ingest::Ingest;
use crate::roles::notify::NotifyConfig;
use crate::roles::rulebook::{Request, Rulebook};
use crate::roles::{notify, outputs};

/// Longest pause before the output topics are asked for again.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Time for the last scrape once the sessions have ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// Run the daemon.
#[derive(Debug, Args)]
pub(super) struct Command {
    #[command(flatten)]
    file: ConfigFile,
    /// Do only this; may be given several times. Without it, everything that is configured.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<Role>,
}

/// A part of the daemon that can run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Sources to events, alerts and dead letters.
    Ingest,
    /// Alerts to sinks.
    Notify,
}

impl Command {
    /// The configuration, without what the roles leave to other processes.
    fn load(&self) -> Result<Config, Failure> {
        let mut config = self.file.load()?;
        let runs = |role| self.roles.is_empty() || self.roles.contains(&role);
        if !runs(Role::Ingest) {
            config.sources.clear();
        }
        if !runs(Role::Notify) {
            config.sinks.clear();
        } else if config.sinks.is_empty() && !self.roles.is_empty() {
            let fault = "the role notify has nothing to do\n  help: write a sink under `notify`";
            return Err(Failure::configuration([fault]));
        }
        Ok(config)
    }
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.load()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("start the runtime")?;
    let shutdown = Shutdown::default();
    let (requests, served) = mpsc::channel();
    // Before all that takes time: a signal that nobody hears ends the process.
    serve_signals(&runtime, shutdown.clone(), requests.clone())?;
    let ordinal = ordinal::choose(config.session.ordinal, &ordinal::Host::this())
        .map_err(|fault| Failure::configuration([fault]))?;
    let rulebook = Rulebook::load(&config).map_err(Failure::configuration)?;
    log::init(config.log.format, &config.log.filter).context("start the log")?;
    panics::report(|place| tracing::error!(place, "panic"));
    ordinal.announce();
    let sessions = config.sessions(ordinal.number);
    let daemon = Daemon {
        config: &config,
        sessions,
        rulebook: Arc::new(rulebook),
        shutdown,
    };
    Ok(daemon.run(runtime, requests, served)?)
}

/// What is to be run, and who may end it.
struct Daemon<'c> {
    config: &'c Config,
    sessions: Vec<SessionConfig>,
    rulebook: Arc<Rulebook>,
    shutdown: Shutdown,
}

impl Daemon<'_> {
    fn run(
        &self,
        runtime: Runtime,
        requests: mpsc::Sender<Request>,
        served: mpsc::Receiver<Request>,
    ) -> anyhow::Result<()> {
        let metrics = Arc::new(Metrics::new()?);
        self.rulebook.announce(&metrics);
        let observers: Vec<SourceObserver> = self
            .config
            .sources
            .iter()
            .map(|source| Arc::new(SourceState::new(&source.name)))
            .map(|state| SourceObserver::new(state, metrics.clone()))
            .collect();
        let sinks: Vec<SinkObserver> = self
            .config
            .sinks
            .iter()
            .map(|sink| Arc::new(SinkState::new(&sink.name)))
            .map(|state| SinkObserver::new(state, metrics.clone()))
            .collect();
        let health = Health::new(observers.iter().map(SourceObserver::state).collect())
            .with_sinks(sinks.iter().map(SinkObserver::state).collect());
        let (ended, until_ended) = watch::channel(());
        let pages = Pages {
            health,
            metrics: metrics.clone(),
            rules: self.rulebook.rules(),
        };
        serve_http(&runtime, self.config.listen, pages, until_ended)?;
        let watcher = self
            .rulebook
            .watch(requests.clone())
            .context("watch the directories of rules and names")?;
        let reloading = {
            let (rulebook, metrics) = (self.rulebook.clone(), metrics.clone());
            thread::Builder::new()
                .name("reload".into())
                .spawn(move || rulebook.serve(&served, &metrics))?
        };

        let result = self.roles(&observers, &sinks, runtime.handle());

        drop(watcher);
        // The thread may have ended already.
        let _ = requests.send(Request::Stop);
        let _ = reloading.join();
        drop(ended);
        runtime.shutdown_timeout(FAREWELL);
        tracing::info!("ended");
        result
    }

    /// Run every source's session and every sink's loop on a thread of its own until all have
    /// ended. One that stops by itself takes the others with it.
    fn roles(
        &self,
        observers: &[SourceObserver],
        sinks: &[SinkObserver],
        handle: &Handle,
    ) -> anyhow::Result<()> {
        let Some(limits) = self.output_topics(observers, sinks) else {
            return Ok(());
        };
        let pipeline = self.pipeline(limits);
        thread::scope(|scope| {
            let mut running = Vec::new();
            for (session, observer) in self.sessions.iter().zip(observers) {
                let pipeline = pipeline.clone();
                let name = format!("source-{}", session.source_name);
                let session = SessionConfig {
                    output_batch_bytes: limits.smallest(),
                    ..session.clone()
                };
                let run = move || one(&session, pipeline, observer, &self.shutdown);
                running.push(thread::Builder::new().name(name).spawn_scoped(scope, run));
            }
            for (sink, observer) in self.config.sinks.iter().zip(sinks) {
                let name = format!("notify-{}", sink.name);
                let config = self.config.notify(sink, limits.dead_letters);
                let run = move || self.notify(&config, sink, handle, observer);
                running.push(thread::Builder::new().name(name).spawn_scoped(scope, run));
            }
            if running.iter().any(Result::is_err) {
                self.shutdown.request();
            }
            let ended = running.into_iter().map(|thread| match thread {
                Ok(thread) => match thread.join() {
                    Ok(result) => result,
                    Err(_) => Err(anyhow!("a thread panicked")),
                },
                Err(error) => Err(anyhow!(error).context("start a thread")),
            });
            // All are waited for; the first fault is the one reported.
            let results: Vec<anyhow::Result<()>> = ended.collect();
            results.into_iter().collect()
        })
    }

    fn pipeline(&self, limits: Limits) -> Pipeline {
        let topics = &self.config.topics;
        let settings = Settings {
            topics: Topics {
                events: topics.events.as_str().into(),
                alerts: topics.alerts.as_str().into(),
                dead_letters: topics.dead_letters.as_str().into(),
            },
            limits,
        };
        let rulebook = &self.rulebook;
        let (catalog, rules, names) = (rulebook.catalog(), rulebook.rules(), rulebook.names());
        Pipeline::new(settings, catalog, rules, names)
    }

    fn notify(
        &self,
        config: &NotifyConfig,
        sink: &Sink,
        handle: &Handle,
        observer: &SinkObserver,
    ) -> anyhow::Result<()> {
        let _ending = StopOthers(&self.shutdown);
        notify::run(config, sink, handle, &self.shutdown, observer).map_err(|error| {
            tracing::error!(sink = sink.name, "{error}");
            anyhow!(error).context(format!("sink {}", sink.name))
        })
    }

    /// Wait until the output topics are there; `None` if asked to stop meanwhile.
    fn output_topics(
        &self,
        observers: &[SourceObserver],
        sinks: &[SinkObserver],
    ) -> Option<Limits> {
        let config = self.config;
        let mut pause = Duration::from_millis(250);
        let mut said = String::new();
        while !self.shutdown.is_requested() {
            observers.iter().for_each(SessionObserver::turned);
            sinks.iter().for_each(|sink| sink.turned(None, 0));
            let prepared =
                outputs::prepare(&config.destination, &config.topics, config.create_topics);
            let error = match prepared {
                Ok(limits) => return Some(limits),
                Err(error) => error,
            };
            let state = NotReady {
                reason: error.reason(),
                remedy: error.to_string(),
            };
            if said != state.remedy {
                tracing::warn!(reason = state.reason, "{}", state.remedy);
                said.clone_from(&state.remedy);
            }
            for observer in observers {
                observer.readiness(Some(&state));
            }
            for sink in sinks {
                sink.readiness(Some(&state));
            }
            let until = Instant::now() + pause;
            while Instant::now() < until && !self.shutdown.is_requested() {
                thread::sleep(Duration::from_millis(50));
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
        None
    }
}

/// Serve until the sender of `ended` is gone; returns where, which differs from `listen` in a port
/// that was 0.
pub(super) fn serve_http(
    runtime: &Runtime,
    listen: SocketAddr,
    pages: Pages,
    mut ended: watch::Receiver<()>,
) -> anyhow::Result<SocketAddr> {
    let listener = runtime
        .block_on(TcpListener::bind(listen))
        .with_context(|| format!("listen on {listen}"))?;
    let listen = listener.local_addr().context("ask for the port")?;
    runtime.spawn(async move {
        // The sender's end is the sign.
        let until_ended = async move { while ended.changed().await.is_ok() {} };
        if let Err(error) = http::serve(listener, pages, until_ended).await {
            tracing::error!(%error, "metrics and probes are not served any more");
        }
    });
    tracing::info!(%listen, "serving /livez, /readyz, /status and /metrics");
    Ok(listen)
}

/// SIGTERM and SIGINT ask the sessions to stop; SIGHUP asks for a reload.
fn serve_signals(
    runtime: &Runtime,
    shutdown: Shutdown,
    requests: mpsc::Sender<Request>,
) -> anyhow::Result<()> {
    let _inside = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut hangup = signal(SignalKind::hangup()).context("listen for SIGHUP")?;
    runtime.spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => {
                    // Nobody listens any more while the daemon ends.
                    let _ = requests.send(Request::Asked);
                }
            }
        }
        tracing::info!("asked to stop");
        shutdown.request();
    });
    Ok(())
}

fn one(
    config: &SessionConfig,
    pipeline: Pipeline,
    observer: &SourceObserver,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    // Asks on every way out, a panic included: one source never dies in silence.
    let _ending = StopOthers(shutdown);
    let mut worker = Ingest::new(pipeline, config, observer);
    session::run(config, &mut worker, shutdown, observer).map_err(|error| {
        let (source, reason) = (&config.source_name, error.reason());
        tracing::error!(source, reason, "{error}");
        anyhow!(error).context(format!("source {source}"))
    })
}

struct StopOthers<'s>(&'s Shutdown);

impl Drop for StopOthers<'_> {
    fn drop(&mut self) {
        self.0.request();
    }
}
