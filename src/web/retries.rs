//! Retries of dead letters: one at a time in a process, through the pipeline of the daemon.

use tokio::sync::OwnedSemaphorePermit;

use super::turns::Turns;
use crate::pipeline::Pipeline;

/// Gives the pipeline with the rules in force and the output topics as they are now, for which it asks the cluster; or
/// says for a person why it cannot.
pub type CurrentPipeline = Box<dyn Fn() -> Result<Pipeline, String> + Send + Sync>;

/// Whether a retry runs, and what it needs.
pub(super) struct Retries {
    running: Turns,
    pipeline: CurrentPipeline,
}

impl Retries {
    /// No retry runs yet.
    pub(super) fn new(pipeline: CurrentPipeline) -> Retries {
        Retries {
            running: Turns::new(1),
            pipeline,
        }
    }

    /// The turn of the caller, who keeps it until the retry has ended; `None` while another one runs.
    pub(super) fn begin(&self) -> Option<OwnedSemaphorePermit> {
        self.running.try_take()
    }

    /// The pipeline. It waits for the cluster.
    ///
    /// # Errors
    /// The output topics are not as they must be.
    pub(super) fn pipeline(&self) -> Result<Pipeline, String> {
        (self.pipeline)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_runs_at_a_time() {
        let retries = Retries::new(Box::new(|| Err("no topics".to_owned())));
        let turn = retries.begin();
        assert!(turn.is_some() && retries.begin().is_none());
        drop(turn);
        assert!(retries.begin().is_some());
    }
}
