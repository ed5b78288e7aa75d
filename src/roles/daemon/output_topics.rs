//! Each part waits until the output topics that it needs exist. A source writes all of them; a sink reads
//! only the alerts topic, so it can send alerts while the other topics are missing.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::kafka::session::{NotReady, Shutdown};
use crate::pipeline::{Content, OutputList};
use crate::roles::outputs::{self, FoundOutputs, OutputsError};

/// First and longest pause before the topics are checked again.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// How often a waiting part checks whether the daemon is to end.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The topics that a part needs before it can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequiredTopics {
    /// Every output topic.
    All,
    /// The alerts topic.
    Alerts,
}

/// Waits for the output topics of the destination.
pub(super) struct OutputTopics<'d> {
    config: &'d Config,
    shutdown: &'d Shutdown,
    /// The last warning, so that the same one is logged once for all parts.
    last_warning: Mutex<String>,
}

impl<'d> OutputTopics<'d> {
    pub(super) fn new(config: &'d Config, shutdown: &'d Shutdown) -> OutputTopics<'d> {
        OutputTopics {
            config,
            shutdown,
            last_warning: Mutex::default(),
        }
    }

    /// Wait until the required topics exist. Returns the outputs with the largest record that each topic
    /// accepts, or `None` if the daemon is to end. `waiting` is called repeatedly with the reason for waiting.
    pub(super) fn wait(
        &self,
        required: RequiredTopics,
        waiting: &dyn Fn(&NotReady),
    ) -> Option<OutputList> {
        let config = self.config;
        let mut pause = FIRST_PAUSE;
        while !self.shutdown.is_requested() {
            let prepared =
                outputs::prepare(&config.destination, &config.outputs, config.create_topics);
            let error = match prepared.and_then(|found| self.check(required, found)) {
                Ok(outputs) => return Some(outputs),
                Err(error) => error,
            };
            let state = NotReady {
                reason: error.reason(),
                remedy: error.to_string(),
            };
            self.warn_once(&state);
            let until = Instant::now() + pause;
            while Instant::now() < until && !self.shutdown.is_requested() {
                waiting(&state);
                thread::sleep(POLL_INTERVAL);
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
        None
    }

    fn check(
        &self,
        required: RequiredTopics,
        found: FoundOutputs,
    ) -> Result<OutputList, OutputsError> {
        let FoundOutputs {
            outputs,
            mut missing,
        } = found;
        if required == RequiredTopics::Alerts {
            let alerts = &self.config.outputs.of(Content::Alerts).topic;
            missing.retain(|name| **name == **alerts);
        }
        match missing.is_empty() {
            true => Ok(outputs),
            false => Err(OutputsError::Missing(missing)),
        }
    }

    fn warn_once(&self, state: &NotReady) {
        let last = self.last_warning.lock();
        let mut last = last.unwrap_or_else(PoisonError::into_inner);
        if *last != state.remedy {
            tracing::warn!(reason = state.reason, "{}", state.remedy);
            last.clone_from(&state.remedy);
        }
    }
}
