//! Work that may take long, on threads of its own with a low priority, so that somebody who opens a record does not wait for
//! somebody who counts the events of three months, and ingest in the same process does not wait for either.

use std::io;

use tokio::runtime::{Handle, Runtime};
use tokio::task::{JoinError, JoinSet};

use super::priority::{LONG, runtime};
use super::turns::Turns;
use crate::query::parallel::cores;

/// The threads, and whose turn it is.
pub struct Background {
    /// `None` once it is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
    /// Of questions that read columns of a long time: few of them are answered at the same time, so that each finds the memory
    /// that it needs.
    pub(super) turns: Turns,
    /// Of searches for the newest rows, which read columns of few days unless rows are rare.
    pub(super) searches: Turns,
}

impl Background {
    /// Starts the threads.
    ///
    /// # Errors
    /// They cannot be started.
    pub fn new() -> io::Result<Background> {
        let runtime = runtime("page background", cores(), LONG)?;
        Ok(Background {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            turns: Turns::new(cores().div_ceil(2)),
            searches: Turns::new(cores().max(2)),
        })
    }

    /// Where such work is started.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What a question is answered. It ends when nobody waits for it.
    ///
    /// # Errors
    /// It panicked.
    pub(super) async fn answer<T: Send + 'static>(
        &self,
        question: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError> {
        let mut only = JoinSet::new();
        only.spawn_on(question, &self.handle);
        // There is one.
        match only.join_next().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // It may be dropped where nothing may block.
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_ends_when_nobody_waits_for_it() {
        let background = Background::new().unwrap();
        let (ended, when_ended) = oneshot::channel::<()>();
        let question = background.answer(async move {
            let _ended = ended;
            pending::<()>().await;
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(20), question)
                .await
                .is_err()
        );
        assert!(when_ended.await.is_err());
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let background = Background::new().unwrap();
        let answer = background.answer(async { assert!(cores() == 0, "no core") });
        assert!(answer.await.is_err_and(|error| error.is_panic()));
    }
}
