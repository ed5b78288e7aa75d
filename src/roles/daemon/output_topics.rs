//! The output topics, for which each part waits by itself: a source writes all of them, a sink reads the
//! alerts alone, and so it tells people while the others are missing.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::kafka::session::{NotReady, Shutdown};
use crate::pipeline::{Content, OutputList};
use crate::roles::outputs::{self, OutputsError, Prepared};

/// First and longest pause before the topics are asked for again.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// How often it is looked whether the daemon is to end.
const LOOK: Duration = Duration::from_millis(50);

/// What a part needs before it can begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Every output topic.
    All,
    /// The alerts topic.
    Alerts,
}

/// The output topics of a destination.
pub(super) struct OutputTopics<'d> {
    config: &'d Config,
    shutdown: &'d Shutdown,
    /// What the log says last, so that it says it once for all parts.
    said: Mutex<String>,
}

impl<'d> OutputTopics<'d> {
    pub(super) fn new(config: &'d Config, shutdown: &'d Shutdown) -> OutputTopics<'d> {
        OutputTopics {
            config,
            shutdown,
            said: Mutex::default(),
        }
    }

    /// Wait until the topics that a part needs are there; with the largest record that each accepts, or `None`
    /// if the daemon is to end. `waiting` is told again and again why it waits.
    pub(super) fn wait(&self, needs: Needs, waiting: &dyn Fn(&NotReady)) -> Option<OutputList> {
        let config = self.config;
        let mut pause = FIRST_PAUSE;
        while !self.shutdown.is_requested() {
            let prepared =
                outputs::prepare(&config.destination, &config.outputs, config.create_topics);
            let error = match prepared.and_then(|prepared| self.suffices(needs, prepared)) {
                Ok(outputs) => return Some(outputs),
                Err(error) => error,
            };
            let state = NotReady {
                reason: error.reason(),
                remedy: error.to_string(),
            };
            self.say(&state);
            let until = Instant::now() + pause;
            while Instant::now() < until && !self.shutdown.is_requested() {
                waiting(&state);
                thread::sleep(LOOK);
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
        None
    }

    fn suffices(&self, needs: Needs, found: Prepared) -> Result<OutputList, OutputsError> {
        let Prepared {
            outputs,
            mut missing,
        } = found;
        if needs == Needs::Alerts {
            let alerts = &self.config.outputs.of(Content::Alerts).topic;
            missing.retain(|name| **name == **alerts);
        }
        match missing.is_empty() {
            true => Ok(outputs),
            false => Err(OutputsError::Missing(missing)),
        }
    }

    fn say(&self, state: &NotReady) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if *said != state.remedy {
            tracing::warn!(reason = state.reason, "{}", state.remedy);
            said.clone_from(&state.remedy);
        }
    }
}
