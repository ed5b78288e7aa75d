//! Whether a part of the daemon does its work: what the part says of itself, and what its
//! supervisor says when the part has ended by itself.
//! Invariant: while a stop is shown, the part is not ready, whatever it says of itself meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kafka::session::NotReady;

/// Written by a part and its supervisor, read by the probes.
#[derive(Debug)]
pub(super) struct Readiness(Mutex<State>);

#[derive(Debug)]
struct State {
    /// What the part says; `None` is ready.
    said: Option<NotReady>,
    /// Why it has ended by itself.
    stopped: Option<NotReady>,
}

impl Readiness {
    pub(super) fn new(said: Option<NotReady>) -> Readiness {
        let stopped = None;
        Readiness(Mutex::new(State { said, stopped }))
    }

    /// The part has this to say; `None` is ready.
    pub(super) fn say(&self, state: Option<&NotReady>) {
        self.state().said = state.cloned();
    }

    /// The part has ended by itself, or with `None` works again.
    pub(super) fn stop(&self, stop: Option<&NotReady>) {
        self.state().stopped = stop.cloned();
    }

    /// Whether the part says that it is ready, whether or not a stop is still shown.
    pub(super) fn says_ready(&self) -> bool {
        self.state().said.is_none()
    }

    /// Why the part has ended by itself; `None` where it has not.
    pub(super) fn stopped(&self) -> Option<NotReady> {
        self.state().stopped.clone()
    }

    /// Why the part does not do its work; `None` where it does.
    pub(super) fn not_ready(&self) -> Option<NotReady> {
        let state = self.state();
        state.stopped.clone().or_else(|| state.said.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave half a value here.
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
    fn a_stop_is_shown_until_it_is_over_although_the_part_says_that_it_is_ready() {
        let readiness = Readiness::new(Some(state("starting")));
        readiness.stop(Some(&state("past_end")));
        readiness.say(None);
        assert!(readiness.says_ready());
        assert_eq!(readiness.not_ready(), Some(state("past_end")));
        readiness.stop(None);
        assert_eq!(readiness.not_ready(), None);
    }
}
