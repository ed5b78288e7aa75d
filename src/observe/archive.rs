//! The loop that archives one topic as seen from outside: what it reports, as metrics and health.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// What the care for the tables cannot do, as the page of the status shows it.
#[derive(Debug, Default)]
pub struct CareState(Mutex<BTreeMap<(String, &'static str), CareFailure>>);

/// A task that has failed, and not succeeded since.
#[derive(Debug, Clone)]
struct CareFailure {
    times: u64,
    why: String,
}

impl CareState {
    fn failures(&self) -> MutexGuard<'_, BTreeMap<(String, &'static str), CareFailure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By table and task, why it failed last.
    pub fn problems(&self) -> BTreeMap<String, BTreeMap<&'static str, String>> {
        let mut problems: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for ((table, task), failure) in self.failures().iter() {
            let of_table = problems.entry(table.clone()).or_default();
            of_table.insert(*task, failure.why.clone());
        }
        problems
    }
}

/// Turns what the care for the tables reports into metrics and the page of the status.
#[derive(Debug, Clone)]
pub struct CareObserver {
    state: Arc<CareState>,
    metrics: Arc<Metrics>,
}

impl CareObserver {
    /// Report into these.
    pub fn new(state: Arc<CareState>, metrics: Arc<Metrics>) -> CareObserver {
        CareObserver { state, metrics }
    }

    /// The shared state.
    pub fn state(&self) -> Arc<CareState> {
        Arc::clone(&self.state)
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

    /// A task at a table was done.
    pub fn done(&self, table: &str, task: &'static str) {
        self.state.failures().remove(&(table.to_owned(), task));
    }

    /// A task at a table has failed. Whether that is worth a line in the log: a task that fails again and again is worth
    /// ever fewer.
    pub fn failed(&self, table: &str, task: &'static str, why: &str) -> bool {
        self.metrics
            .archive_care_failures
            .with_label_values(&[table])
            .inc();
        let mut failures = self.state.failures();
        let failure = failures.entry((table.to_owned(), task));
        let failure = failure.or_insert_with(|| CareFailure {
            times: 0,
            why: String::new(),
        });
        failure.times += 1;
        why.clone_into(&mut failure.why);
        failure.times.is_power_of_two()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_is_shown_until_it_is_done_and_told_ever_less_often() {
        let (state, metrics) = (Arc::new(CareState::default()), Metrics::new().unwrap());
        let observer = CareObserver::new(state.clone(), Arc::new(metrics));
        let told =
            (0..100).filter(|number| observer.failed("events", "merge", &format!("{number}")));
        assert_eq!(told.collect::<Vec<_>>(), [0, 1, 3, 7, 15, 31, 63]);
        observer.failed("events", "removal", "no right");
        let problems = |state: &CareState| serde_json::to_value(state.problems()).unwrap();
        let expected = serde_json::json!({"events": {"merge": "99", "removal": "no right"}});
        assert_eq!(problems(&state), expected);
        observer.done("events", "merge");
        let expected = serde_json::json!({"events": {"removal": "no right"}});
        assert_eq!(problems(&state), expected);
        observer.done("events", "removal");
        assert!(observer.failed("events", "merge", "once more"));
    }
}
