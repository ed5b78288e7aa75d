//! Writes the alerts about sources and sinks that have stopped, and about suppressions that end. No session can write
//! them, since it may be the one that has stopped. They wait here until they are written to the alerts topic.
//! Invariant: an alert leaves the outbox only once it is written; errors are retried until then.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::clock::now_ms;
use crate::alert::SourceAlert;
use crate::event::OutputRecord;
use crate::kafka::append::Appender;
use crate::kafka::session::Shutdown;
use crate::kafka::{ClientError, Cluster};
use crate::observe::Metrics;
use crate::pipeline::Pipeline;
use crate::sigma::Level;

/// How often the outbox is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Pause after a failed write.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Longest time for the alerts that still wait when asked to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the alerts are written.
#[derive(Debug, Clone)]
pub struct OutboxConfig {
    /// The destination cluster.
    pub cluster: Cluster,
    /// The largest record that the alerts topic accepts.
    pub max_bytes: usize,
}

/// One alert that is not written yet.
#[derive(Debug, Clone)]
struct UnwrittenAlert {
    record: OutputRecord,
    title: String,
    source: String,
    rule: &'static str,
    level: Level,
}

/// The alerts that are not written yet.
#[derive(Debug)]
pub struct Outbox {
    config: OutboxConfig,
    pipeline: Pipeline,
    waiting: Mutex<VecDeque<UnwrittenAlert>>,
}

impl Outbox {
    /// An empty outbox; `pipeline` encodes the alerts.
    pub fn new(config: OutboxConfig, pipeline: Pipeline) -> Outbox {
        Outbox {
            config,
            pipeline,
            waiting: Mutex::default(),
        }
    }

    /// Add an alert, unless the configuration disables its rule. Its time is now.
    pub fn put(&self, alert: &SourceAlert<'_>) {
        let Some(raised) = self.pipeline.begin().source_alert(alert, now_ms()) else {
            return;
        };
        let unwritten = UnwrittenAlert {
            record: raised.record,
            title: alert.title.clone(),
            source: alert.source.name.to_owned(),
            rule: raised.rule,
            level: raised.level,
        };
        self.waiting().push_back(unwritten);
    }

    /// Write the alerts until asked to stop.
    ///
    /// # Errors
    /// No producer can be created.
    pub fn run(&self, shutdown: &Shutdown, metrics: &Metrics) -> Result<(), ClientError> {
        let deadline = OnceCell::new();
        let is_over = || {
            let end = || Instant::now() + SHUTDOWN_TIMEOUT;
            shutdown.is_requested() && Instant::now() >= *deadline.get_or_init(end)
        };
        let mut last_warning = String::new();
        while !is_over() {
            if self.waiting().is_empty() {
                if shutdown.is_requested() {
                    return Ok(());
                }
                thread::sleep(POLL_INTERVAL);
            } else if let Err(error) = self.write(&is_over, metrics) {
                let error = error.to_string();
                if last_warning != error {
                    tracing::warn!(
                        error,
                        "an alert of watchbell about itself cannot be written yet; it will be retried"
                    );
                    last_warning = error;
                }
                let until = Instant::now() + RETRY_PAUSE;
                while Instant::now() < until && !is_over() {
                    thread::sleep(POLL_INTERVAL);
                }
            }
        }
        Ok(())
    }

    /// Log the alerts that were not written before the daemon ends.
    pub fn log_unwritten(&self) {
        for unwritten in self.waiting().iter() {
            let title = &unwritten.title;
            tracing::error!(
                title,
                "alert not written; it is raised again if its cause is found again after a restart"
            );
        }
    }

    /// Write all waiting alerts, in order, until `is_over`.
    fn write(&self, is_over: &dyn Fn() -> bool, metrics: &Metrics) -> Result<(), ClientError> {
        // A new producer each time: librdkafka may not recover one that has had a fatal error.
        let OutboxConfig { cluster, max_bytes } = &self.config;
        let appender = Appender::patient(cluster, "stops", *max_bytes)?;
        loop {
            let Some(next) = self.waiting().front().cloned() else {
                return Ok(());
            };
            if !appender.append_until(&next.record, is_over)? {
                return Ok(());
            }
            self.waiting().pop_front();
            metrics.alert(&next.source, next.rule, next.level);
            tracing::info!(title = next.title, "alert written");
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<UnwrittenAlert>> {
        // The lock may be poisoned by a panic elsewhere; the queue is valid all the same.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
