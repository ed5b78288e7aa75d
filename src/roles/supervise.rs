//! Runs the parts of the daemon, each on a thread of its own. A part that stops by itself, because it
//! returns, fails, panics or cannot be started, is reported by readiness, metrics, log and an alert, and
//! is started again after a pause.
//! Invariant: a part that stops never stops another part, and never goes unreported.

use std::collections::BTreeSet;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::kafka::session::{NotReady, Shutdown};
use crate::observe::{Metrics, ServiceState};

/// Why a part has stopped by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Metric label.
    pub reason: &'static str,
    /// What was found, and how to go on.
    pub why: String,
    /// What makes two stops the same, such as a partition and the cause: the same text whenever and on
    /// whichever machine the cause is found. `None`: every stop for this reason is a different one.
    pub identity: Option<String>,
}

impl Stop {
    /// A stop that is the same as no other.
    pub fn new(reason: &'static str, why: impl Into<String>) -> Stop {
        Stop {
            reason,
            why: why.into(),
            identity: None,
        }
    }
}

/// A part of the daemon.
pub trait DaemonPart: Sync {
    /// `source`, `sink` or `service`.
    fn kind(&self) -> &'static str;

    /// Its name among those of its kind.
    fn name(&self) -> &str;

    /// Work until asked to stop. `after` is the last stop, if this is another attempt.
    ///
    /// # Errors
    /// Why it cannot go on.
    fn run(&self, after: Option<&Stop>) -> Result<(), Stop>;

    /// Whether the part itself says that it is ready.
    fn is_ready(&self) -> bool;

    /// Called while the part waits for its next attempt, so that `/livez` counts it as alive.
    fn heartbeat(&self) {}

    /// Report in readiness that it has stopped by itself, or with `None` that it works again.
    fn show_stop(&self, stop: Option<&NotReady>);

    /// Raise an alert about a stop.
    fn raise_alert(&self, _stop: &Stop) {}
}

/// A part that sources, sinks and people are served by. It is ready unless it has stopped by itself.
pub trait Service: Sync {
    /// Its name, and what the probes show of it.
    fn state(&self) -> &ServiceState;

    /// Work until asked to stop. `after` is the last stop, if this is another attempt.
    ///
    /// # Errors
    /// Why it cannot go on.
    fn serve(&self, after: Option<&Stop>) -> Result<(), Stop>;
}

impl<S: Service> DaemonPart for S {
    fn kind(&self) -> &'static str {
        "service"
    }

    fn name(&self) -> &str {
        self.state().name()
    }

    fn run(&self, after: Option<&Stop>) -> Result<(), Stop> {
        self.serve(after)
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn show_stop(&self, stop: Option<&NotReady>) {
        self.state().stopped(stop);
    }
}

/// Resolves when a stop is requested.
pub(super) async fn requested(shutdown: &Shutdown) {
    while !shutdown.is_requested() {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// The supervisor's intervals.
#[derive(Debug, Clone, Copy)]
pub struct Pauses {
    /// From a stop to the next attempt.
    pub retry: Duration,
    /// A part counts as working again once it has been ready for this long.
    pub steady: Duration,
    /// Once the part has been ready for this long, a stop that occurs again raises an alert again.
    pub forget: Duration,
}

impl Default for Pauses {
    fn default() -> Pauses {
        Pauses {
            retry: Duration::from_secs(30),
            steady: Duration::from_secs(10),
            forget: Duration::from_secs(600),
        }
    }
}

/// How often the parts are checked.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Run the parts until all have ended after `shutdown` was requested. Returns those that had stopped by
/// themselves at that time, and why.
pub fn run(
    parts: &[&dyn DaemonPart],
    pauses: Pauses,
    shutdown: &Shutdown,
    metrics: &Metrics,
) -> Vec<(String, Stop)> {
    thread::scope(|scope| {
        // If this thread panics, the scope waits for the parts, so they must be asked to stop.
        let _request = RequestOnDrop(shutdown);
        let mut supervised: Vec<Supervised<'_, '_>> = parts
            .iter()
            .map(|part| Supervised::new(*part, pauses, metrics))
            .collect();
        while !supervised.iter().all(Supervised::has_ended) {
            for part in &mut supervised {
                part.turn(scope, shutdown);
            }
            thread::sleep(POLL_INTERVAL);
        }
        let stopped = supervised.into_iter();
        stopped.filter_map(Supervised::into_stop).collect()
    })
}

/// Requests the shutdown when it is dropped, also by a panic.
pub struct RequestOnDrop<'s>(pub &'s Shutdown);

impl Drop for RequestOnDrop<'_> {
    fn drop(&mut self) {
        self.0.request();
    }
}

enum Thread<'scope> {
    Runs(ScopedJoinHandle<'scope, Result<(), Stop>>),
    StartsAt(Instant),
    Ended,
}

struct Supervised<'scope, 'p> {
    part: &'p dyn DaemonPart,
    pauses: Pauses,
    metrics: &'p Metrics,
    thread: Thread<'scope>,
    /// Why it has stopped by itself; `None` while it works.
    stop: Option<Stop>,
    /// Reason and identity of the stops that were reported.
    reported: BTreeSet<(&'static str, Option<String>)>,
    ready_since: Option<Instant>,
}

impl<'scope, 'p: 'scope> Supervised<'scope, 'p> {
    fn new(
        part: &'p dyn DaemonPart,
        pauses: Pauses,
        metrics: &'p Metrics,
    ) -> Supervised<'scope, 'p> {
        metrics.stopped(part.kind(), part.name(), false);
        Supervised {
            part,
            pauses,
            metrics,
            thread: Thread::StartsAt(Instant::now()),
            stop: None,
            reported: BTreeSet::new(),
            ready_since: None,
        }
    }

    fn has_ended(&self) -> bool {
        matches!(self.thread, Thread::Ended)
    }

    fn into_stop(self) -> Option<(String, Stop)> {
        let name = format!("{} {}", self.part.kind(), self.part.name());
        self.stop.map(|stop| (name, stop))
    }

    fn turn<'env>(&mut self, scope: &'scope Scope<'scope, 'env>, shutdown: &Shutdown) {
        self.thread = match std::mem::replace(&mut self.thread, Thread::Ended) {
            Thread::Ended => Thread::Ended,
            Thread::StartsAt(_) if shutdown.is_requested() => Thread::Ended,
            Thread::StartsAt(at) if Instant::now() < at => {
                self.part.heartbeat();
                Thread::StartsAt(at)
            }
            Thread::StartsAt(_) => self.start(scope),
            Thread::Runs(thread) if !thread.is_finished() => {
                self.check_recovery();
                Thread::Runs(thread)
            }
            Thread::Runs(thread) => {
                let panicked = || {
                    let why = "its thread panicked, which is a bug in watchbell: please report it, with \
                               the log line \"panic\" that names the place in the code";
                    Err(Stop::new("panic", why))
                };
                match thread.join().unwrap_or_else(|_| panicked()) {
                    Ok(()) if shutdown.is_requested() => Thread::Ended,
                    Ok(()) => {
                        self.stopped(Stop::new("ended", "it ended although nobody asked it to"))
                    }
                    Err(stop) => self.stopped(stop),
                }
            }
        };
    }

    fn start<'env>(&mut self, scope: &'scope Scope<'scope, 'env>) -> Thread<'scope> {
        let (part, after) = (self.part, self.stop.clone());
        let thread = thread::Builder::new()
            .name(format!("{}-{}", part.kind(), part.name()))
            .spawn_scoped(scope, move || part.run(after.as_ref()));
        match thread {
            Ok(thread) => Thread::Runs(thread),
            Err(error) => self.stopped(Stop::new(
                "thread",
                format!("no thread can be started: {error}: raise the limit of threads (pids)"),
            )),
        }
    }

    fn stopped(&mut self, stop: Stop) -> Thread<'scope> {
        let (kind, name, reason) = (self.part.kind(), self.part.name(), stop.reason);
        let retry_s = self.pauses.retry.as_secs();
        self.ready_since = None;
        if self.reported.insert((reason, stop.identity.clone())) {
            tracing::error!(kind, name, reason, retry_s, "stopped: {}", stop.why);
            self.metrics.stop_counted(kind, name, reason);
            self.part.raise_alert(&stop);
        } else {
            tracing::debug!(kind, name, reason, "still stopped: {}", stop.why);
        }
        self.metrics.stopped(kind, name, true);
        self.part.show_stop(Some(&NotReady {
            reason,
            remedy: format!(
                "this {kind} has stopped, the others go on: {}; it is started again every {retry_s} s, \
                 so no restart of watchbell is needed",
                stop.why
            ),
        }));
        self.stop = Some(stop);
        Thread::StartsAt(Instant::now() + self.pauses.retry)
    }

    /// Check whether a part that had stopped works again.
    fn check_recovery(&mut self) {
        if self.reported.is_empty() {
            return;
        }
        if !self.part.is_ready() {
            self.ready_since = None;
            return;
        }
        let ready_for = self.ready_since.get_or_insert_with(Instant::now).elapsed();
        if ready_for >= self.pauses.steady && self.stop.take().is_some() {
            let (kind, name) = (self.part.kind(), self.part.name());
            tracing::info!(kind, name, "works again");
            self.metrics.stopped(kind, name, false);
            self.part.show_stop(None);
        }
        if ready_for >= self.pauses.forget {
            self.reported.clear();
        }
    }
}

#[cfg(test)]
mod tests;
