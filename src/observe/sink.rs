//! One sink as seen from outside: what its loop reports, as metrics and health.
//! A sink that is down affects neither liveness nor readiness, since a restart would not help.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::metrics::Metrics;
use super::readiness::Readiness;
use crate::kafka::session::NotReady;

/// The value of `oldest_ms` while no alert waits.
const NONE: i64 = i64::MAX;

/// Heartbeat, readiness and queue of one sink; written by its loop, read by the probes.
#[derive(Debug)]
pub struct SinkState {
    name: String,
    started: Instant,
    turned_ms: AtomicU64,
    oldest_ms: AtomicI64,
    waiting: AtomicU64,
    dead_letters: AtomicU64,
    refusing: AtomicBool,
    readiness: Readiness,
}

impl SinkState {
    /// A sink whose loop has not reported anything yet.
    pub fn new(name: &str) -> SinkState {
        SinkState {
            name: format!("notify {name}"),
            started: Instant::now(),
            turned_ms: AtomicU64::new(0),
            oldest_ms: AtomicI64::new(NONE),
            waiting: AtomicU64::new(0),
            dead_letters: AtomicU64::new(0),
            refusing: AtomicBool::new(false),
            readiness: Readiness::new(Some(NotReady {
                reason: "starting",
                remedy: "the alerts topic is being opened".into(),
            })),
        }
    }

    /// `notify <name>`, for messages.
    pub fn described(&self) -> &str {
        &self.name
    }

    /// The sink's name in the configuration.
    pub fn name(&self) -> &str {
        self.name.strip_prefix("notify ").unwrap_or(&self.name)
    }

    /// Time since the last heartbeat.
    pub fn silence(&self) -> Duration {
        let turned = Duration::from_millis(self.turned_ms.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(turned)
    }

    /// Age of the oldest waiting alert; 0 if none waits.
    pub fn oldest(&self) -> Duration {
        let oldest_ms = self.oldest_ms.load(Ordering::Relaxed);
        if oldest_ms == NONE {
            return Duration::ZERO;
        }
        let age_ms = self.now_ms().saturating_sub(oldest_ms);
        Duration::from_millis(u64::try_from(age_ms).unwrap_or(0))
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Alerts whose dead letters are due and not yet written.
    pub fn dead_letters(&self) -> u64 {
        self.dead_letters.load(Ordering::Relaxed)
    }

    /// Whether the sink refuses every notification.
    pub fn refusing(&self) -> bool {
        self.refusing.load(Ordering::Relaxed)
    }

    /// Alerts that were read and that the sink has not accepted yet.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Why the sink is not ready; `None` if it is.
    pub fn not_ready(&self) -> Option<NotReady> {
        self.readiness.not_ready()
    }

    /// Whether the loop itself reports that it is ready.
    pub fn reports_ready(&self) -> bool {
        self.readiness.reports_ready()
    }
}

/// Turns what a sink's loop reports into metrics and health.
#[derive(Debug, Clone)]
pub struct SinkObserver {
    state: Arc<SinkState>,
    metrics: Arc<Metrics>,
}

impl SinkObserver {
    /// Report under the sink's name.
    pub fn new(state: Arc<SinkState>, metrics: Arc<Metrics>) -> SinkObserver {
        let label = [state.name()];
        // These counters exist, with 0, from the start, so that their first increase can be alerted on.
        // A counter with a `reason` label appears with its first reason.
        metrics.notify_merged.with_label_values(&label);
        metrics.notify_retries.with_label_values(&label);
        metrics.notify_delay.with_label_values(&label);
        metrics
            .notify_sent
            .with_label_values(&[state.name(), "first"]);
        SinkObserver { state, metrics }
    }

    /// The shared state.
    pub fn state(&self) -> Arc<SinkState> {
        Arc::clone(&self.state)
    }

    /// A heartbeat of the loop, with the age of the oldest alert in its queue and how many wait.
    pub fn turned(&self, oldest: Option<Duration>, waiting: u64) {
        let elapsed = self.state.started.elapsed().as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.state.turned_ms.store(elapsed, Ordering::Relaxed);
        let now_ms = self.state.now_ms();
        let came_ms = |age: Duration| {
            now_ms.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
        };
        let oldest_ms = oldest.map_or(NONE, came_ms);
        self.state.oldest_ms.store(oldest_ms, Ordering::Relaxed);
        self.state.waiting.store(waiting, Ordering::Relaxed);
    }

    /// How many alerts have a dead letter that is due and not yet written.
    pub fn dead_letters_waiting(&self, waiting: u64) {
        self.state.dead_letters.store(waiting, Ordering::Relaxed);
    }

    /// Whether the sink refuses every notification.
    pub fn refusing(&self, refuses: bool) {
        self.state.refusing.store(refuses, Ordering::Relaxed);
    }

    /// Readiness changed; `None` is ready.
    pub fn readiness(&self, state: Option<&NotReady>) {
        self.state.readiness.report(state);
    }

    /// The loop has stopped by itself, or with `None` works again.
    pub fn stopped(&self, stop: Option<&NotReady>) {
        if stop.is_some() {
            // A loop that panicked has not reported itself as not ready.
            self.readiness(stop);
        }
        self.state.readiness.stop(stop);
    }

    /// The sink accepted a notification of `count` alerts, the first of them `delay` after its event.
    pub fn sent(&self, kind: &str, count: u64, delay: Option<Duration>) {
        let name = self.state.name();
        let metrics = &self.metrics;
        metrics.notify_sent.with_label_values(&[name, kind]).inc();
        let merged = metrics.notify_merged.with_label_values(&[name]);
        merged.inc_by(count.saturating_sub(1));
        if let Some(delay) = delay {
            let histogram = metrics.notify_delay.with_label_values(&[name]);
            histogram.observe(delay.as_secs_f64());
        }
    }

    /// A request was not accepted and will be retried.
    pub fn retried(&self) {
        let label = [self.state.name()];
        self.metrics.notify_retries.with_label_values(&label).inc();
    }

    /// Dead letters of alerts were written.
    pub fn dead_lettered(&self, reason: &str, count: u64) {
        let labels = [self.state.name(), reason];
        let counter = self.metrics.notify_dead_letters.with_label_values(&labels);
        counter.inc_by(count);
    }

    /// Firing alerts were sent again.
    pub fn resent(&self, alerts: usize) {
        let label = [self.state.name()];
        let counter = self.metrics.notify_told_again.with_label_values(&label);
        counter.inc_by(alerts as u64);
    }

    /// A template failed for a part of a notification, which was sent with the default text.
    pub fn template_failed(&self, part: &str, reason: &str) {
        let labels = [self.state.name(), part, reason];
        let counter = &self.metrics.notify_template_failures;
        counter.with_label_values(&labels).inc();
    }

    /// An alert was not sent to the sink, for this reason.
    pub fn skipped(&self, reason: &str) {
        let labels = [self.state.name(), reason];
        self.metrics.notify_skipped.with_label_values(&labels).inc();
    }
}
