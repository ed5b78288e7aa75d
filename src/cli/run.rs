//! `run`: loads the configuration, listens for signals, runs the daemon and returns how it ended.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::config_file::{ConfigFile, check_archive};
use super::failure::Failure;
use super::ordinal;
use super::signals::StopSignals;
use crate::config::Config;
use crate::kafka::session::Shutdown;
use crate::observe::{descriptors, log, panics};
use crate::roles::daemon::Daemon;
use crate::roles::rulebook::{ReloadRequests, Rulebook};

/// How long requests in flight may take to end after the daemon has ended.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Run the daemon.
#[derive(Debug, Args)]
pub(super) struct Command {
    #[command(flatten)]
    file: ConfigFile,
    /// Run only this role; may be given several times. Without it, all roles run.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<Role>,
}

/// A part of the daemon that can run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Read the sources and write events, alerts and dead letters.
    Ingest,
    /// Read the alerts and notify the sinks.
    Notify,
    /// Read the topics and append them to the archive.
    Archive,
    /// Serve the page.
    Page,
}

impl Command {
    /// Whether a role runs in this process.
    fn runs(&self, role: Role) -> bool {
        self.roles.is_empty() || self.roles.contains(&role)
    }

    /// The configuration without the parts of roles that do not run in this process.
    fn load(&self) -> Result<Config, Failure> {
        let mut config = self.file.load()?;
        let runs = |role| self.runs(role);
        // The page shows where the sources stand, whoever reads them.
        if !runs(Role::Ingest) && !runs(Role::Page) {
            config.sources.clear();
        }
        if !runs(Role::Notify) {
            config.sinks.clear();
        } else if config.sinks.is_empty() && !self.roles.is_empty() {
            let fault = "the role notify has nothing to do\n  help: write a sink under `notify`";
            return Err(Failure::configuration([fault]));
        }
        if !runs(Role::Page) {
            config.page = None;
        } else if config.page.is_none() && !self.roles.is_empty() {
            let fault = "the role page has nothing to do\n  help: write `page: {listen: \"127.0.0.1:9465\"}`";
            return Err(Failure::configuration([fault]));
        }
        let has_archive = config.archive.is_some();
        if !runs(Role::Archive) && !runs(Role::Page) {
            config.archive = None;
        } else if runs(Role::Archive) && !has_archive && !self.roles.is_empty() {
            let fault = "the role archive has nothing to do\n  help: write `archive: {url: file:///a/folder}`";
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
    let requests = Arc::new(ReloadRequests::default());
    // Before anything that takes time: without a handler, a signal would kill the process.
    serve_signals(&runtime, shutdown.clone(), requests.clone())?;
    // Only those who read sources are told apart by it.
    let ordinal = match command.runs(Role::Ingest) {
        true => Some(
            ordinal::choose(config.session.ordinal, ordinal::is_in_kubernetes())
                .map_err(|fault| Failure::configuration([fault]))?,
        ),
        false => None,
    };
    let rulebook = Rulebook::load(&config).map_err(Failure::configuration)?;
    check_archive(&config)?;
    log::init(config.log.format, &config.log.filter).context("start the log")?;
    panics::report(|place| tracing::error!(place, "panic"));
    let number = ordinal.map(|ordinal| {
        ordinal.announce();
        ordinal.number
    });
    descriptors::raise_limit();
    let daemon = Daemon {
        config: &config,
        archive: config
            .archive
            .as_ref()
            .filter(|_| command.runs(Role::Archive)),
        sessions: number.map_or_else(Vec::new, |number| config.sessions(number)),
        rulebook: Arc::new(rulebook),
        requests,
        shutdown,
    };
    let ended = daemon.run(runtime.handle());
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    ended.map_err(|error| anyhow!(error).into())
}

/// SIGTERM and SIGINT ask the daemon to stop; SIGHUP asks for a reload.
fn serve_signals(
    runtime: &Runtime,
    shutdown: Shutdown,
    requests: Arc<ReloadRequests>,
) -> anyhow::Result<()> {
    let mut signals = StopSignals::listen(runtime)?;
    let mut hangup = {
        let _inside = runtime.enter();
        signal(SignalKind::hangup()).context("listen for SIGHUP")?
    };
    runtime.spawn(async move {
        loop {
            tokio::select! {
                () = signals.received() => break,
                _ = hangup.recv() => requests.force(),
            }
        }
        tracing::info!("asked to stop");
        shutdown.request();
    });
    Ok(())
}
