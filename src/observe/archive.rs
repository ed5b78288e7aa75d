//! The loop that archives one topic as seen from outside: what it reports, as metrics and health.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::metrics::Metrics;
use super::readiness::Readiness;
use crate::kafka::session::NotReady;

/// Heartbeat and readiness of the loop of one topic; written by the loop, read by the probes.
#[derive(Debug)]
pub struct ArchiveState {
    /// `archive <topic>`
    name: String,
    started: Instant,
    turned_ms: AtomicU64,
    readiness: Readiness,
}

impl ArchiveState {
    /// A topic whose loop has not reported anything yet.
    pub fn new(topic: &str) -> ArchiveState {
        ArchiveState {
            name: format!("archive {topic}"),
            started: Instant::now(),
            turned_ms: AtomicU64::new(0),
            readiness: Readiness::new(Some(NotReady {
                reason: "starting",
                remedy: "the table is being opened".into(),
            })),
        }
    }

    /// `archive <topic>`, for messages.
    pub fn described(&self) -> &str {
        &self.name
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        self.name.strip_prefix("archive ").unwrap_or(&self.name)
    }

    /// Time since the last heartbeat.
    pub fn silence(&self) -> Duration {
        let turned = Duration::from_millis(self.turned_ms.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(turned)
    }

    /// Why it is not ready; `None` if it is.
    pub fn not_ready(&self) -> Option<NotReady> {
        self.readiness.not_ready()
    }

    /// Whether the loop itself reports that it is ready.
    pub fn reports_ready(&self) -> bool {
        self.readiness.reports_ready()
    }
}

/// Turns what the loop reports into metrics and health.
#[derive(Debug, Clone)]
pub struct ArchiveObserver {
    state: Arc<ArchiveState>,
    metrics: Arc<Metrics>,
}

impl ArchiveObserver {
    /// Report under the topic's name.
    pub fn new(state: Arc<ArchiveState>, metrics: Arc<Metrics>) -> ArchiveObserver {
        let label = [state.topic()];
        // They exist, with 0, from the start, so that their first increase can be alerted on.
        metrics.archive_records.with_label_values(&label);
        metrics.archive_bytes.with_label_values(&label);
        metrics.archive_commits.with_label_values(&label);
        metrics.archive_failures.with_label_values(&label);
        metrics.archive_expired.with_label_values(&label);
        metrics.archive_waiting.with_label_values(&label);
        ArchiveObserver { state, metrics }
    }

    /// The shared state.
    pub fn state(&self) -> Arc<ArchiveState> {
        Arc::clone(&self.state)
    }

    /// A heartbeat of the loop, with the rows that are not stored yet.
    pub fn turned(&self, waiting: usize) {
        let elapsed = self.state.started.elapsed().as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.state.turned_ms.store(elapsed, Ordering::Relaxed);
        let label = [self.state.topic()];
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        self.metrics
            .archive_waiting
            .with_label_values(&label)
            .set(waiting);
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

    /// Rows were committed; their files have so many bytes.
    pub fn stored(&self, rows: usize, bytes: usize) {
        let (label, metrics) = ([self.state.topic()], &self.metrics);
        metrics
            .archive_records
            .with_label_values(&label)
            .inc_by(rows as u64);
        metrics
            .archive_bytes
            .with_label_values(&label)
            .inc_by(bytes as u64);
        metrics.archive_commits.with_label_values(&label).inc();
    }

    /// The storage refused a batch, or did not answer.
    pub fn failed(&self) {
        let label = [self.state.topic()];
        self.metrics
            .archive_failures
            .with_label_values(&label)
            .inc();
    }

    /// Records expired before they were archived.
    pub fn expired(&self, records: u64) {
        let label = [self.state.topic()];
        self.metrics
            .archive_expired
            .with_label_values(&label)
            .inc_by(records);
    }
}

/// Turns what the care for the tables reports into metrics.
#[derive(Debug, Clone)]
pub struct CareObserver {
    metrics: Arc<Metrics>,
}

impl CareObserver {
    /// Report into these metrics.
    pub fn new(metrics: Arc<Metrics>) -> CareObserver {
        CareObserver { metrics }
    }

    /// The snapshot of a table has so many files with so many bytes.
    pub fn looked(&self, table: &str, files: usize, bytes: u64) {
        let (label, metrics) = ([table], &self.metrics);
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        metrics
            .archive_files
            .with_label_values(&label)
            .set(number(files as u64));
        metrics
            .archive_table_bytes
            .with_label_values(&label)
            .set(number(bytes));
    }

    /// So many files of a table became one.
    pub fn merged(&self, table: &str, files: usize) {
        let counter = self.metrics.archive_merged.with_label_values(&[table]);
        counter.inc_by(files as u64);
    }

    /// A table could not be cared for.
    pub fn failed(&self, table: &str) {
        self.metrics
            .archive_care_failures
            .with_label_values(&[table])
            .inc();
    }
}
