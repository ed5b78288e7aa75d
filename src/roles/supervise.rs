//! Runs the parts of the daemon, each on a thread of its own. A part that ends by itself, whether it
//! returns, fails, panics or cannot be started, is shown, told of and tried again.
//! Invariant: no part that ends takes another one with it, and none ends without anybody being told.

use std::collections::BTreeSet;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::kafka::session::{NotReady, Shutdown};
use crate::observe::Metrics;

/// Why a part has ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Metric label.
    pub reason: &'static str,
    /// What was found, and how to go on.
    pub why: String,
    /// Of what was found, as much as is the same whenever and wherever it is found; `None` where two
    /// stops for this reason have nothing to do with each other.
    pub identity: Option<String>,
}

impl Stop {
    /// A stop like no other.
    pub fn new(reason: &'static str, why: impl Into<String>) -> Stop {
        Stop {
            reason,
            why: why.into(),
            identity: None,
        }
    }
}

/// A part of the daemon.
pub trait Part: Sync {
    /// `source`, `sink` or `service`.
    fn kind(&self) -> &'static str;

    /// Its name among those of its kind.
    fn name(&self) -> &str;

    /// Work until asked to stop. `after` is the stop after which this is another attempt.
    ///
    /// # Errors
    /// Why it cannot go on.
    fn run(&self, after: Option<&Stop>) -> Result<(), Stop>;

    /// Whether it does its work.
    fn is_ready(&self) -> bool;

    /// It waits to be tried again, and is alive.
    fn turned(&self) {}

    /// Show that it has ended by itself, or with `None` that it works again.
    fn show(&self, stop: Option<&NotReady>);

    /// Tell people of a stop.
    fn tell(&self, _stop: &Stop) {}
}

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Pauses {
    /// From a stop to the next attempt.
    pub retry: Duration,
    /// A part works again once it has been ready for so long.
    pub steady: Duration,
    /// A stop that comes back is told of again once the part has been ready for so long.
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

/// How often the parts are looked at.
const TICK: Duration = Duration::from_millis(50);

/// Run the parts until all have ended after being asked to; returns which of them had stopped by
/// themselves then, and why.
pub fn run(
    parts: &[&dyn Part],
    pauses: Pauses,
    shutdown: &Shutdown,
    metrics: &Metrics,
) -> Vec<(String, Stop)> {
    thread::scope(|scope| {
        // After a panic in here the scope waits for its threads, which somebody has to ask to stop.
        let _asks = RequestOnDrop(shutdown);
        let mut supervised: Vec<Supervised<'_, '_>> = parts
            .iter()
            .map(|part| Supervised::new(*part, pauses, metrics))
            .collect();
        while !supervised.iter().all(Supervised::has_ended) {
            for part in &mut supervised {
                part.turn(scope, shutdown);
            }
            thread::sleep(TICK);
        }
        let stopped = supervised.into_iter();
        stopped.filter_map(Supervised::into_stop).collect()
    })
}

/// Asks to stop when it goes out of scope, be it by a panic.
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
    part: &'p dyn Part,
    pauses: Pauses,
    metrics: &'p Metrics,
    thread: Thread<'scope>,
    /// Why it has ended by itself; until it works again.
    stop: Option<Stop>,
    /// Reason and identity of what was told.
    told: BTreeSet<(&'static str, Option<String>)>,
    ready_since: Option<Instant>,
}

impl<'scope, 'p: 'scope> Supervised<'scope, 'p> {
    fn new(part: &'p dyn Part, pauses: Pauses, metrics: &'p Metrics) -> Supervised<'scope, 'p> {
        metrics.stopped(part.kind(), part.name(), false);
        Supervised {
            part,
            pauses,
            metrics,
            thread: Thread::StartsAt(Instant::now()),
            stop: None,
            told: BTreeSet::new(),
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
                self.part.turned();
                Thread::StartsAt(at)
            }
            Thread::StartsAt(_) => self.start(scope),
            Thread::Runs(thread) if !thread.is_finished() => {
                self.look();
                Thread::Runs(thread)
            }
            Thread::Runs(thread) => {
                let panicked = || {
                    let why = "a part of watchbell panicked: the log says where (\"panic\"); please \
                               report it";
                    Err(Stop::new("panic", why))
                };
                match thread.join().unwrap_or_else(|_| panicked()) {
                    Ok(()) if shutdown.is_requested() => Thread::Ended,
                    Ok(()) => self.stopped(Stop::new("ended", "it ended without being asked to")),
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
        if self.told.insert((reason, stop.identity.clone())) {
            tracing::error!(kind, name, reason, retry_s, "stopped: {}", stop.why);
            self.metrics.stop_counted(kind, name, reason);
            self.part.tell(&stop);
        } else {
            tracing::debug!(kind, name, reason, "still stopped: {}", stop.why);
        }
        self.metrics.stopped(kind, name, true);
        self.part.show(Some(&NotReady {
            reason,
            remedy: format!(
                "this {kind} has stopped, the others go on: {}; it is tried again every {retry_s} s, \
                 and no restart is needed",
                stop.why
            ),
        }));
        self.stop = Some(stop);
        Thread::StartsAt(Instant::now() + self.pauses.retry)
    }

    /// Look whether a part that had stopped works again.
    fn look(&mut self) {
        if self.told.is_empty() {
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
            self.part.show(None);
        }
        if ready_for >= self.pauses.forget {
            self.told.clear();
        }
    }
}

#[cfg(test)]
mod tests;
