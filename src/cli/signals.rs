//! The signals that ask a command to stop.

use std::thread;

use anyhow::Context;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::kafka::session::Shutdown;

/// Receives SIGINT and SIGTERM from the moment it is created.
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    pub(super) fn listen(runtime: &Runtime) -> anyhow::Result<StopSignals> {
        let _inside = runtime.enter();
        Ok(StopSignals {
            interrupt: signal(SignalKind::interrupt()).context("listen for SIGINT")?,
            terminate: signal(SignalKind::terminate()).context("listen for SIGTERM")?,
        })
    }

    /// Waits for one of the two signals. A cancelled wait loses no signal.
    pub(super) async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// A `Shutdown` that is requested as soon as SIGINT or SIGTERM arrives; a thread of its own waits for them.
pub(super) fn shutdown_on_signal() -> anyhow::Result<Shutdown> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let mut signals = StopSignals::listen(&runtime)?;
    let shutdown = Shutdown::default();
    let requested = shutdown.clone();
    let wait = move || {
        runtime.block_on(signals.received());
        requested.request();
    };
    let thread = thread::Builder::new().name("signals".into()).spawn(wait);
    thread.context("start a thread for signals")?;
    Ok(shutdown)
}
