//! Alerts that no session writes, since what they are about has stopped: kept until the alerts topic
//! has them.
//! Invariant: an alert leaves the outbox once it is stored; whatever is away meanwhile is waited for.

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

/// Longest turn while nothing waits.
const IDLE: Duration = Duration::from_millis(50);

/// Pause after a refusal.
const PAUSE: Duration = Duration::from_secs(5);

/// For what still waits when asked to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where the alerts go.
#[derive(Debug, Clone)]
pub struct OutboxConfig {
    /// The destination.
    pub cluster: Cluster,
    /// The largest record that the alerts topic takes.
    pub max_bytes: usize,
}

/// One alert that waits.
#[derive(Debug, Clone)]
struct Waiting {
    record: OutputRecord,
    title: String,
    source: String,
    rule: &'static str,
    level: Level,
}

/// The alerts that wait.
#[derive(Debug)]
pub struct Outbox {
    config: OutboxConfig,
    pipeline: Pipeline,
    waiting: Mutex<VecDeque<Waiting>>,
}

impl Outbox {
    /// An empty one; `pipeline` writes the alerts.
    pub fn new(config: OutboxConfig, pipeline: Pipeline) -> Outbox {
        Outbox {
            config,
            pipeline,
            waiting: Mutex::default(),
        }
    }

    /// Have an alert written, unless the configuration disables its rule; its time is now.
    pub fn put(&self, alert: &SourceAlert<'_>) {
        let Some(raised) = self.pipeline.begin().source_alert(alert, now_ms()) else {
            return;
        };
        let waiting = Waiting {
            record: raised.record,
            title: alert.title.clone(),
            source: alert.source.name.to_owned(),
            rule: raised.rule,
            level: raised.level,
        };
        self.waiting().push_back(waiting);
    }

    /// Write what waits, until asked to stop.
    ///
    /// # Errors
    /// No producer can be made at all.
    pub fn run(&self, shutdown: &Shutdown, metrics: &Metrics) -> Result<(), ClientError> {
        let deadline = OnceCell::new();
        let is_over = || {
            let end = || Instant::now() + FAREWELL;
            shutdown.is_requested() && Instant::now() >= *deadline.get_or_init(end)
        };
        let mut said = String::new();
        while !is_over() {
            if self.waiting().is_empty() {
                if shutdown.is_requested() {
                    return Ok(());
                }
                thread::sleep(IDLE);
            } else if let Err(error) = self.write(&is_over, metrics) {
                let error = error.to_string();
                if said != error {
                    tracing::warn!(
                        error,
                        "an alert about watchbell itself cannot be written yet"
                    );
                    said = error;
                }
                let until = Instant::now() + PAUSE;
                while Instant::now() < until && !is_over() {
                    thread::sleep(IDLE);
                }
            }
        }
        Ok(())
    }

    /// Say what was not written, at the end.
    pub fn say_unwritten(&self) {
        for unwritten in self.waiting().iter() {
            let title = &unwritten.title;
            tracing::error!(
                title,
                "not written: whoever finds the same later raises it again"
            );
        }
    }

    /// Write all that waits, in order, until `is_over`.
    fn write(&self, is_over: &dyn Fn() -> bool, metrics: &Metrics) -> Result<(), ClientError> {
        // A new producer each time: one that was refused may be beyond repair.
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

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        // A panic elsewhere cannot leave half a value here.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
