//! One source as seen from outside: what its session reports, as metrics and health.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{Histogram, IntCounter};

use super::metrics::Metrics;
use super::readiness::Readiness;
use crate::enrich::{LookupCounts, LookupFile, LookupOutcome};
use crate::event::{NextOffset, Offset, Partition};
use crate::kafka::session::{Commit, Gap, Lag, NotReady, SessionObserver, Unreadable};
use crate::sigma::Level;

/// The time "never" in a [`SourceState`].
const NEVER: u64 = u64::MAX;

/// Heartbeat and readiness of one source; written by its session, read by the probes.
#[derive(Debug)]
pub struct SourceState {
    name: String,
    started: Instant,
    turned_ms: AtomicU64,
    committed_ms: AtomicU64,
    committed_records: AtomicU64,
    readiness: Readiness,
    partitions: Mutex<BTreeMap<Partition, Progress>>,
    routes: Mutex<Vec<RouteTotals>>,
}

/// What a route has written or dropped since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTotals {
    /// Its name.
    pub name: Arc<str>,
    /// Events.
    pub records: u64,
    /// Bytes of the records that it wrote, or of the source records that it dropped.
    pub bytes: u64,
}

/// Position and lag of a partition, updated every few seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// The committed offset: the next to be read after a restart. `None` before it is known.
    pub position: Option<NextOffset>,
    /// How far it is behind; `None` before that is known.
    pub lag: Option<Lag>,
}

impl SourceState {
    /// A source whose session has not reported anything yet.
    pub fn new(name: impl Into<String>) -> SourceState {
        SourceState {
            name: name.into(),
            started: Instant::now(),
            turned_ms: AtomicU64::new(0),
            committed_ms: AtomicU64::new(NEVER),
            committed_records: AtomicU64::new(0),
            readiness: Readiness::new(Some(NotReady {
                reason: "starting",
                remedy: "the session is being opened".into(),
            })),
            partitions: Mutex::new(BTreeMap::new()),
            routes: Mutex::default(),
        }
    }

    /// What each route has written or dropped since the start, in the order in which routes are asked.
    pub fn routes(&self) -> Vec<RouteTotals> {
        self.route_totals().clone()
    }

    fn route_totals(&self) -> MutexGuard<'_, Vec<RouteTotals>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The partitions that this process owns, with position and lag.
    pub fn partitions(&self) -> BTreeMap<Partition, Progress> {
        self.progress().clone()
    }

    fn progress(&self) -> MutexGuard<'_, BTreeMap<Partition, Progress>> {
        self.partitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self, partitions: &[Partition]) {
        let mut progress = self.progress();
        let owned = |p: &Partition| (*p, progress.get(p).copied().unwrap_or_default());
        *progress = partitions.iter().map(owned).collect();
    }

    fn note_lag(&self, partition: Partition, lag: Lag) {
        if let Some(progress) = self.progress().get_mut(&partition) {
            progress.lag = Some(lag);
        }
    }

    /// The source's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Time since the last heartbeat.
    pub fn silence(&self) -> Duration {
        self.since(self.turned_ms.load(Ordering::Relaxed))
    }

    /// How long ago the last commit was; `None` before the first.
    pub fn since_commit(&self) -> Option<Duration> {
        let at_ms = self.committed_ms.load(Ordering::Relaxed);
        (at_ms != NEVER).then(|| self.since(at_ms))
    }

    /// How many records of the source were committed since the start.
    pub fn committed_records(&self) -> u64 {
        self.committed_records.load(Ordering::Relaxed)
    }

    /// Why the source is not ready; `None` if it is.
    pub fn not_ready(&self) -> Option<NotReady> {
        self.readiness.not_ready()
    }

    /// Why the session has stopped by itself; `None` if it has not.
    pub fn stopped(&self) -> Option<NotReady> {
        self.readiness.stopped()
    }

    /// Whether the session itself reports that it is ready.
    pub fn reports_ready(&self) -> bool {
        self.readiness.reports_ready()
    }

    /// Readiness changed; `None` is ready.
    pub fn note_readiness(&self, state: Option<&NotReady>) {
        self.readiness.report(state);
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    fn since(&self, at_ms: u64) -> Duration {
        Duration::from_millis(self.now_ms().saturating_sub(at_ms))
    }
}

/// Turns what a session and its worker report into metrics and health.
#[derive(Debug)]
pub struct SourceObserver {
    state: Arc<SourceState>,
    metrics: Arc<Metrics>,
    events: IntCounter,
    unknown_methods: IntCounter,
    commit_duration: Histogram,
    event_delay: Histogram,
    owned: Mutex<HashSet<Partition>>,
    /// The partitions that have an unreadable offset, as last reported.
    unreadable: Mutex<HashSet<Partition>>,
}

impl SourceObserver {
    /// Report under the source's name.
    pub fn new(state: Arc<SourceState>, metrics: Arc<Metrics>) -> SourceObserver {
        let name = state.name().to_owned();
        let label = [name.as_str()];
        // These counters exist, with 0, from the start, so that their first increase can be alerted on.
        // A counter with a `reason` label appears with its first reason.
        for counter in [
            &metrics.records,
            &metrics.source_bytes,
            &metrics.outputs,
            &metrics.panics,
            &metrics.commits,
            &metrics.rebalances,
            &metrics.gaps,
            &metrics.gap_records,
            &metrics.positions_lost,
            &metrics.mirror_failures,
        ] {
            counter.with_label_values(&label);
        }
        metrics.assigned.with_label_values(&label).set(0);
        metrics.ready.with_label_values(&label).set(0);
        let (commit_duration, event_delay) = metrics.histograms(&name);
        SourceObserver {
            events: metrics.events.with_label_values(&label),
            unknown_methods: metrics.unknown_methods.with_label_values(&label),
            commit_duration,
            event_delay,
            owned: Mutex::new(HashSet::new()),
            unreadable: Mutex::new(HashSet::new()),
            state,
            metrics,
        }
    }

    /// Heartbeat and readiness, for the probes.
    pub fn state(&self) -> Arc<SourceState> {
        self.state.clone()
    }

    /// An event was committed, `delay_ms` after it happened; `None` if its time is not known.
    pub fn event(&self, unknown_method: bool, delay_ms: Option<i64>) {
        self.events.inc();
        if unknown_method {
            self.unknown_methods.inc();
        }
        let Some(delay_ms) = delay_ms else {
            return;
        };
        // If the event's clock is ahead of ours, the delay is negative and counts as 0.
        let delay_ms = u32::try_from(delay_ms.max(0)).unwrap_or(u32::MAX);
        self.event_delay.observe(f64::from(delay_ms) / 1000.0);
    }

    /// These are the names of the routes.
    pub fn name_routes(&self, names: &[Arc<str>]) {
        let totals = names.iter().map(|name| RouteTotals {
            name: Arc::clone(name),
            records: 0,
            bytes: 0,
        });
        *self.state.route_totals() = totals.collect();
    }

    /// A route has written these events, or dropped them.
    pub fn routed(&self, route: &str, records: u64, bytes: u64) {
        if records > 0 {
            let mut totals = self.state.route_totals();
            if let Some(total) = totals.iter_mut().find(|total| *total.name == *route) {
                total.records += records;
                total.bytes += bytes;
            }
            let labels = [self.state.name(), route];
            let metrics = &self.metrics;
            metrics
                .routed_records
                .with_label_values(&labels)
                .inc_by(records);
            metrics
                .routed_bytes
                .with_label_values(&labels)
                .inc_by(bytes);
        }
    }

    /// An undocumented value of an event was interpreted by its parts; `of` is its kind, such as `status`.
    pub fn inferred(&self, of: &str) {
        let labels = [self.state.name(), of];
        self.metrics.inferred.with_label_values(&labels).inc();
    }

    /// Values of committed events were looked up in the files of names and networks.
    pub fn lookups(&self, counts: &LookupCounts) {
        for file in LookupFile::ALL {
            for outcome in LookupOutcome::ALL {
                let count = counts.of(file, outcome);
                if count > 0 {
                    let labels = [self.state.name(), file.as_str(), outcome.as_str()];
                    let counter = self.metrics.lookups.with_label_values(&labels);
                    counter.inc_by(count);
                }
            }
        }
    }

    /// An alert was committed.
    pub fn alert(&self, rule: &str, level: Level) {
        self.metrics.alert(self.state.name(), rule, level);
    }

    /// An alert was committed that a suppression keeps from people.
    pub fn suppressed(&self, rule: &str) {
        self.metrics.suppressed(self.state.name(), rule);
    }

    /// The session has stopped by itself, or with `None` works again.
    pub fn stopped(&self, stop: Option<&NotReady>) {
        if stop.is_some() {
            // A session that panicked has not reported itself as not ready.
            self.state.note_readiness(stop);
            self.own(&[]);
        }
        self.state.readiness.stop(stop);
        self.count_readiness();
    }

    /// This process owns exactly these partitions.
    fn own(&self, partitions: &[Partition]) {
        self.state.own(partitions);
        let label = self.label();
        let count = i64::try_from(partitions.len()).unwrap_or(i64::MAX);
        self.metrics.assigned.with_label_values(&label).set(count);
        let now: HashSet<Partition> = partitions.iter().copied().collect();
        let mut owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
        // The lag of a partition that was revoked is reported by its new owner.
        for gone in owned.difference(&now) {
            let partition = gone.0.to_string();
            let labels = [self.state.name(), partition.as_str()];
            // A partition whose lag was never reported has none to remove.
            let _ = self.metrics.lag.remove_label_values(&labels);
            let _ = self.metrics.lag_seconds.remove_label_values(&labels);
        }
        *owned = now;
    }

    fn count_readiness(&self) {
        let ready = i64::from(self.state.not_ready().is_none());
        let gauge = &self.metrics.ready;
        gauge.with_label_values(&self.label()).set(ready);
    }

    /// A dead letter was committed.
    pub fn dead_letter(&self, reason: &str) {
        let labels = [self.state.name(), reason];
        self.metrics.dead_letters.with_label_values(&labels).inc();
    }

    /// A record made the pipeline panic.
    pub fn panicked(&self) {
        let label = [self.state.name()];
        self.metrics.panics.with_label_values(&label).inc();
    }

    fn label(&self) -> [&str; 1] {
        [self.state.name()]
    }
}

impl SessionObserver for SourceObserver {
    fn turned(&self) {
        let now_ms = self.state.now_ms();
        self.state.turned_ms.store(now_ms, Ordering::Relaxed);
    }

    fn assigned(&self, partitions: &[Partition]) {
        let rebalances = self.metrics.rebalances.with_label_values(&self.label());
        rebalances.inc();
        self.own(partitions);
    }

    fn committed(&self, commit: Commit) {
        let now_ms = self.state.now_ms();
        self.state.committed_ms.store(now_ms, Ordering::Relaxed);
        let records = commit.records as u64;
        let total = &self.state.committed_records;
        total.fetch_add(records, Ordering::Relaxed);
        let label = self.label();
        let add = |counter: &prometheus::IntCounterVec, count: usize| {
            counter.with_label_values(&label).inc_by(count as u64);
        };
        add(&self.metrics.commits, 1);
        add(&self.metrics.records, commit.records);
        add(&self.metrics.source_bytes, commit.bytes);
        add(&self.metrics.outputs, commit.outputs);
        self.commit_duration.observe(commit.latency.as_secs_f64());
    }

    fn aborted(&self, reason: &'static str) {
        let labels = [self.state.name(), reason];
        self.metrics.aborts.with_label_values(&labels).inc();
    }

    fn readiness(&self, state: Option<&NotReady>) {
        self.state.note_readiness(state);
        self.count_readiness();
    }

    fn lag(&self, partition: Partition, lag: Lag) {
        self.state.note_lag(partition, lag);
        let partition = partition.0.to_string();
        let labels = [self.state.name(), partition.as_str()];
        // Where offsets jump, there is no such metric rather than a wrong one.
        if let Some(records) = lag.records {
            let records = i64::try_from(records).unwrap_or(i64::MAX);
            self.metrics.lag.with_label_values(&labels).set(records);
        }
        if let Some(age) = lag.age {
            let gauge = self.metrics.lag_seconds.with_label_values(&labels);
            gauge.set(age.as_secs_f64());
        }
    }

    fn positions(&self, positions: &BTreeMap<Partition, NextOffset>) {
        let mut progress = self.state.progress();
        for (partition, next) in positions {
            if let Some(progress) = progress.get_mut(partition) {
                progress.position = Some(*next);
            }
        }
    }

    fn unreadable(&self, places: &[Unreadable]) {
        let mut known = self
            .unreadable
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now: HashSet<Partition> = places.iter().map(|place| place.partition).collect();
        for gone in known.difference(&now) {
            let partition = gone.0.to_string();
            let labels = [self.state.name(), partition.as_str()];
            let _ = self.metrics.unreadable.remove_label_values(&labels);
        }
        for place in places {
            let partition = place.partition.0.to_string();
            let labels = [self.state.name(), partition.as_str()];
            let gauge = self.metrics.unreadable.with_label_values(&labels);
            gauge.set(place.offset.0);
        }
        *known = now;
    }

    fn gap(&self, gap: Gap) {
        let label = self.label();
        self.metrics.gaps.with_label_values(&label).inc();
        let records = self.metrics.gap_records.with_label_values(&label);
        records.inc_by(gap.records.unwrap_or(0));
    }

    fn positions_lost(&self, partitions: usize) {
        let counter = self.metrics.positions_lost.with_label_values(&self.label());
        counter.inc_by(partitions as u64);
    }

    fn mirror_failed(&self, times: u64) {
        let counter = self
            .metrics
            .mirror_failures
            .with_label_values(&self.label());
        counter.inc_by(times);
    }

    fn quarantined(&self, _partition: Partition, _offset: Offset, reason: &'static str) {
        let labels = [self.state.name(), reason];
        self.metrics.quarantined.with_label_values(&labels).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Health, exposition};

    #[test]
    fn an_unreadable_offset_is_reported_until_it_is_readable_or_the_partition_is_revoked() {
        let metrics = Arc::new(Metrics::new().expect("metrics"));
        let state = Arc::new(SourceState::new("audit"));
        let observer = SourceObserver::new(state.clone(), metrics.clone());
        let shown = || {
            let text = exposition(&metrics, &Health::new(vec![state.clone()]));
            let text = String::from_utf8(text.expect("metrics")).expect("text");
            let lines = text.lines().map(str::to_owned);
            lines
                .filter(|line| line.starts_with("watchbell_unreadable_offset"))
                .collect::<Vec<_>>()
        };
        let place = |partition, offset| Unreadable {
            partition: Partition(partition),
            offset: Offset(offset),
            next: None,
            detail: String::new(),
        };
        observer.unreadable(&[place(0, 41), place(3, 7)]);
        assert_eq!(
            shown(),
            [
                "watchbell_unreadable_offset{partition=\"0\",source=\"audit\"} 41",
                "watchbell_unreadable_offset{partition=\"3\",source=\"audit\"} 7",
            ]
        );
        observer.unreadable(&[place(3, 7)]);
        assert_eq!(shown().len(), 1);
        observer.unreadable(&[]);
        assert!(shown().is_empty());
    }

    #[test]
    fn a_revoked_partition_is_forgotten_and_one_that_stays_is_not() {
        let metrics = Arc::new(Metrics::new().expect("metrics"));
        let state = Arc::new(SourceState::new("audit"));
        let observer = SourceObserver::new(state.clone(), metrics);
        observer.assigned(&[Partition(0), Partition(1)]);
        observer.positions(&[(Partition(0), NextOffset(7)), (Partition(2), NextOffset(9))].into());
        observer.assigned(&[Partition(0), Partition(3)]);
        let known = Progress {
            position: Some(NextOffset(7)),
            lag: None,
        };
        let expected = [(Partition(0), known), (Partition(3), Progress::default())];
        assert_eq!(state.partitions(), BTreeMap::from(expected));
    }
}
