//! Readiness of one part of the daemon: what the part reports itself, and what its supervisor reports
//! when the part has stopped by itself.
//! Invariant: while a stop is reported, the part is not ready, whatever it reports itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kafka::session::NotReady;

/// Written by a part and its supervisor, read by the probes.
#[derive(Debug)]
pub(super) struct Readiness(Mutex<State>);

#[derive(Debug)]
struct State {
    /// What the part reports itself; `None` is ready.
    reported: Option<NotReady>,
    /// Why it has stopped by itself.
    stopped: Option<NotReady>,
}

impl Readiness {
    pub(super) fn new(reported: Option<NotReady>) -> Readiness {
        let stopped = None;
        Readiness(Mutex::new(State { reported, stopped }))
    }

    /// The part reports its readiness; `None` is ready.
    pub(super) fn report(&self, state: Option<&NotReady>) {
        self.state().reported = state.cloned();
    }

    /// The part has stopped by itself, or with `None` works again.
    pub(super) fn stop(&self, stop: Option<&NotReady>) {
        self.state().stopped = stop.cloned();
    }

    /// Whether the part itself reports that it is ready, regardless of a stop.
    pub(super) fn reports_ready(&self) -> bool {
        self.state().reported.is_none()
    }

    /// Why the part has stopped by itself; `None` if it has not.
    pub(super) fn stopped(&self) -> Option<NotReady> {
        self.state().stopped.clone()
    }

    /// Why the part is not ready; `None` if it is.
    pub(super) fn not_ready(&self) -> Option<NotReady> {
        let state = self.state();
        state.stopped.clone().or_else(|| state.reported.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The lock may be poisoned by a panic elsewhere; the value is valid all the same.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(reason: &'static str) -> NotReady {
        NotReady {
            reason,
            remedy: String::new(),
        }
    }

    #[test]
    fn a_stop_is_reported_until_it_is_over_although_the_part_reports_that_it_is_ready() {
        let readiness = Readiness::new(Some(state("starting")));
        readiness.stop(Some(&state("past_end")));
        readiness.report(None);
        assert!(readiness.reports_ready());
        assert_eq!(readiness.not_ready(), Some(state("past_end")));
        readiness.stop(None);
        assert_eq!(readiness.not_ready(), None);
    }
}
