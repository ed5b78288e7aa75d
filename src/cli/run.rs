//! `run`: the daemon. Load, build, spawn one thread for each source, wait for a signal, drain.
//! Invariant: it ends when it is asked to, or when a session says that going on would do harm.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Failure, ordinal};
use crate::config::Config;
use crate::kafka::session::{self, NotReady, SessionConfig, SessionObserver, Shutdown};
use crate::observe::http::{self, Pages};
use crate::observe::{Health, Metrics, SourceObserver, SourceState, log, panics};
use crate::pipeline::{Pipeline, Settings, Topics};
use crate::roles::ingest::Ingest;
use crate::roles::outputs;
use crate::roles::rulebook::{Request, Rulebook};

/// Longest pause before the output topics are asked for again.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Time for the last scrape once the sessions have ended.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) fn run(config: Config) -> Result<(), Failure> {
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
        let health = Health::new(observers.iter().map(SourceObserver::state).collect());
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

        let result = self.sources(&observers);

        drop(watcher);
        // The thread may have ended already.
        let _ = requests.send(Request::Stop);
        let _ = reloading.join();
        drop(ended);
        runtime.shutdown_timeout(FAREWELL);
        tracing::info!("ended");
        result
    }

    /// Run every source's session on a thread of its own until all have ended. One that stops by
    /// itself takes the others with it.
    fn sources(&self, observers: &[SourceObserver]) -> anyhow::Result<()> {
        let (config, shutdown) = (self.config, &self.shutdown);
        let Some(max_message_bytes) = output_topics(config, observers, shutdown) else {
            return Ok(());
        };
        let settings = Settings {
            topics: Topics {
                events: config.topics.events.as_str().into(),
                alerts: config.topics.alerts.as_str().into(),
                dead_letters: config.topics.dead_letters.as_str().into(),
            },
            max_message_bytes,
        };
        let (catalog, rules, names) = (
            self.rulebook.catalog(),
            self.rulebook.rules(),
            self.rulebook.names(),
        );
        let pipeline = Pipeline::new(settings, catalog, rules, names);
        thread::scope(|scope| {
            let mut running = Vec::new();
            for (session, observer) in self.sessions.iter().zip(observers) {
                let pipeline = pipeline.clone();
                let name = format!("source-{}", session.source_name);
                let thread = thread::Builder::new()
                    .name(name)
                    .spawn_scoped(scope, move || one(session, pipeline, observer, shutdown));
                match thread {
                    Ok(thread) => running.push(thread),
                    Err(error) => {
                        shutdown.request();
                        return Err(anyhow!(error).context("start a session's thread"));
                    }
                }
            }
            let ended = running.into_iter().map(|thread| match thread.join() {
                Ok(result) => result,
                Err(_) => Err(anyhow!("a session's thread panicked")),
            });
            // All are waited for; the first fault is the one reported.
            let results: Vec<anyhow::Result<()>> = ended.collect();
            results.into_iter().collect()
        })
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
    let mut worker = Ingest::new(pipeline, observer);
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

/// Wait until the output topics can be written; `None` if asked to stop meanwhile. Returns the
/// largest record that they take, in bytes.
fn output_topics(
    config: &Config,
    observers: &[SourceObserver],
    shutdown: &Shutdown,
) -> Option<usize> {
    let mut pause = Duration::from_millis(250);
    let mut said = String::new();
    while !shutdown.is_requested() {
        observers.iter().for_each(SessionObserver::turned);
        let error =
            match outputs::prepare(&config.destination, &config.topics, config.create_topics) {
                Ok(max_message_bytes) => return Some(max_message_bytes),
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
        let until = Instant::now() + pause;
        while Instant::now() < until && !shutdown.is_requested() {
            thread::sleep(Duration::from_millis(50));
        }
        pause = (pause * 2).min(MAX_PAUSE);
    }
    None
}
