//! The Prometheus metrics. Names follow its conventions: base units, `_total` for counters.
//! Invariant: the number of values of every label is bounded by the configuration, the rules or the code.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::enrich::LookupFile;
use crate::sigma::Level;

/// A metric could not be registered or encoded.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// Every metric of the daemon.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    pub(super) records: IntCounterVec,
    pub(super) source_bytes: IntCounterVec,
    pub(super) outputs: IntCounterVec,
    pub(super) events: IntCounterVec,
    pub(super) routed_records: IntCounterVec,
    pub(super) routed_bytes: IntCounterVec,
    pub(super) alerts: IntCounterVec,
    pub(super) suppressed: IntCounterVec,
    pub(super) dead_letters: IntCounterVec,
    pub(super) unknown_methods: IntCounterVec,
    pub(super) inferred: IntCounterVec,
    pub(super) panics: IntCounterVec,
    pub(super) quarantined: IntCounterVec,
    pub(super) commits: IntCounterVec,
    pub(super) aborts: IntCounterVec,
    pub(super) commit_duration: HistogramVec,
    pub(super) event_delay: HistogramVec,
    pub(super) lag: IntGaugeVec,
    pub(super) lag_seconds: GaugeVec,
    pub(super) unreadable: IntGaugeVec,
    pub(super) rebalances: IntCounterVec,
    pub(super) assigned: IntGaugeVec,
    pub(super) gaps: IntCounterVec,
    pub(super) gap_records: IntCounterVec,
    pub(super) positions_lost: IntCounterVec,
    pub(super) mirror_failures: IntCounterVec,
    pub(super) ready: IntGaugeVec,
    pub(super) notify_sent: IntCounterVec,
    pub(super) notify_merged: IntCounterVec,
    pub(super) notify_retries: IntCounterVec,
    pub(super) notify_dead_letters: IntCounterVec,
    pub(super) notify_skipped: IntCounterVec,
    pub(super) notify_told_again: IntCounterVec,
    pub(super) notify_template_failures: IntCounterVec,
    pub(super) notify_delay: HistogramVec,
    pub(super) notify_oldest: GaugeVec,
    pub(super) notify_waiting: IntGaugeVec,
    pub(super) archive_records: IntCounterVec,
    pub(super) archive_bytes: IntCounterVec,
    pub(super) archive_commits: IntCounterVec,
    pub(super) archive_failures: IntCounterVec,
    pub(super) archive_expired: IntCounterVec,
    pub(super) archive_waiting: IntGaugeVec,
    pub(super) archive_files: IntGaugeVec,
    pub(super) archive_table_bytes: IntGaugeVec,
    pub(super) archive_merged: IntCounterVec,
    pub(super) archive_care_failures: IntCounterVec,
    page_audit: IntCounterVec,
    pub(super) notify_dead_letters_waiting: IntGaugeVec,
    pub(super) notify_refusing: IntGaugeVec,
    stopped: IntGaugeVec,
    stops: IntCounterVec,
    pub(super) since_commit: GaugeVec,
    pub(super) since_turn: GaugeVec,
    rules_loaded: IntGauge,
    reload_success: IntGaugeVec,
    reload_time: GaugeVec,
    reloads: IntCounterVec,
    last_reloads: Arc<Mutex<Reloads>>,
    pub(super) lookups: IntCounterVec,
}

/// How the last reload of each kind ended; if it was refused, with the problems.
pub type Reloads = BTreeMap<&'static str, Result<(), String>>;

/// What can be read again while the daemon runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// The rule set.
    Rules,
    /// A file in which values of events are looked up.
    Lookup(LookupFile),
}

impl Reloaded {
    /// Metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Reloaded::Rules => "rules",
            Reloaded::Lookup(file) => file.as_str(),
        }
    }
}

const COMMIT_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
const DELAY_SECONDS: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0,
];

impl Metrics {
    /// Register every metric.
    ///
    /// # Errors
    /// Two metrics have the same name.
    pub fn new() -> Result<Metrics, MetricsError> {
        let registry = Registry::new();
        let r = &registry;
        let source = &["source"][..];
        let reason = &["source", "reason"][..];
        let kind = &["kind"][..];
        let sink = &["sink"][..];
        let topic = &["topic"][..];
        let table = &["table"][..];
        build_info(r)?;
        Ok(Metrics {
            records: counter(r, "records_total", "Source records committed.", source)?,
            source_bytes: counter(
                r,
                "source_bytes_total",
                "Bytes of the keys and values of committed source records.",
                source,
            )?,
            outputs: counter(r, "outputs_total", "Output records committed.", source)?,
            events: counter(r, "events_total", "Events committed.", source)?,
            routed_records: counter(
                r,
                "routed_records_total",
                "Events committed by route, those that it dropped included; `default` is the events topic.",
                &["source", "route"],
            )?,
            routed_bytes: counter(
                r,
                "routed_bytes_total",
                "Bytes of the records that a route wrote, or of the source records that it dropped.",
                &["source", "route"],
            )?,
            suppressed: counter(
                r,
                "alerts_suppressed_total",
                "Alerts committed that a suppression keeps from people; they are among alerts_total.",
                &["source", "rule"],
            )?,
            alerts: counter(
                r,
                "alerts_total",
                "Alerts committed, by rule and level.",
                &["source", "rule", "level"],
            )?,
            dead_letters: counter(
                r,
                "dead_letters_total",
                "Dead letters committed, by reason.",
                reason,
            )?,
            unknown_methods: counter(
                r,
                "unknown_methods_total",
                "Events whose method is not in the catalogue.",
                source,
            )?,
            inferred: counter(
                r,
                "inferred_total",
                "Undocumented values in events that were interpreted by their parts, by kind of value.",
                &["source", "of"],
            )?,
            panics: counter(
                r,
                "panics_total",
                "Panics caught while a record was processed.",
                source,
            )?,
            quarantined: counter(
                r,
                "quarantined_records_total",
                "Records whose outputs the cluster refused, by reason.",
                reason,
            )?,
            commits: counter(r, "commits_total", "Batches committed.", source)?,
            aborts: counter(
                r,
                "aborts_total",
                "Transactions aborted, by reason; their records are read again.",
                reason,
            )?,
            commit_duration: histogram(
                r,
                "commit_duration_seconds",
                "Time from the first output handed to the producer to the confirmed commit.",
                COMMIT_SECONDS,
            )?,
            event_delay: histogram(
                r,
                "event_delay_seconds",
                "Time from an event to the commit of its outputs.",
                DELAY_SECONDS,
            )?,
            lag: gauge(
                r,
                "lag_records",
                "Records of a partition that are not yet committed.",
                &["source", "partition"],
            )?,
            unreadable: gauge(
                r,
                "unreadable_offset",
                "First offset of a partition that cannot be read; absent while all can be read.",
                &["source", "partition"],
            )?,
            lag_seconds: seconds(
                r,
                "lag_seconds",
                "Upper bound of the age of the oldest record of a partition that is not yet committed.",
                &["source", "partition"],
            )?,
            rebalances: counter(
                r,
                "rebalances_total",
                "Partition assignments by the consumer group.",
                source,
            )?,
            assigned: gauge(
                r,
                "assigned_partitions",
                "Partitions that this process owns.",
                source,
            )?,
            gaps: counter(
                r,
                "gaps_total",
                "Times that records expired in the source before they were read.",
                source,
            )?,
            gap_records: counter(
                r,
                "gap_records_total",
                "Records that expired before they were read.",
                source,
            )?,
            positions_lost: counter(
                r,
                "positions_lost_total",
                "Positions that the consumer group had lost and that were restored from the positions topic.",
                source,
            )?,
            mirror_failures: counter(
                r,
                "source_offset_commit_failures_total",
                "Positions that could not be copied to the source cluster for its lag dashboards.",
                source,
            )?,
            ready: gauge(r, "ready", "1 if the source is ready, else 0.", source)?,
            notify_sent: counter(
                r,
                "notify_sent_total",
                "Notifications that a sink accepted, by kind.",
                &["sink", "kind"],
            )?,
            notify_merged: counter(
                r,
                "notify_merged_total",
                "Alerts that were sent as part of the notification of another alert.",
                sink,
            )?,
            notify_retries: counter(
                r,
                "notify_retries_total",
                "Requests that a sink did not accept and that are retried.",
                sink,
            )?,
            notify_dead_letters: counter(
                r,
                "notify_dead_letters_total",
                "Alerts written to the dead-letter topic because a sink did not accept them or they could not be read, by reason.",
                &["sink", "reason"],
            )?,
            notify_skipped: counter(
                r,
                "notify_skipped_total",
                "Alerts that were not sent to a sink, by reason: its filter (elsewhere), an experimental rule, a suppression, a replay.",
                &["sink", "reason"],
            )?,
            notify_told_again: counter(
                r,
                "notify_told_again_total",
                "Alerts sent again to an Alertmanager, which keeps them in memory only.",
                &["sink"],
            )?,
            notify_template_failures: counter(
                r,
                "notify_template_failures_total",
                "Parts of notifications that were sent with the default text because a template failed.",
                &["sink", "part", "reason"],
            )?,
            notify_delay: {
                let opts = HistogramOpts::new(
                    "notify_delay_seconds",
                    "Time from an event to a sink's acceptance of the first alert of its group.",
                );
                let opts = opts.namespace("watchbell").buckets(DELAY_SECONDS.to_vec());
                register(r, HistogramVec::new(opts, sink)?)?
            },
            notify_oldest: seconds(
                r,
                "notify_oldest_seconds",
                "Age of the oldest alert that waits to be sent; 0 if none waits.",
                sink,
            )?,
            notify_dead_letters_waiting: gauge(
                r,
                "notify_dead_letters_waiting",
                "Alerts whose dead letters are due and not yet written.",
                &["sink"],
            )?,
            notify_refusing: gauge(
                r,
                "notify_refusing",
                "1 while a sink refuses every notification, else 0.",
                &["sink"],
            )?,
            notify_waiting: gauge(
                r,
                "notify_waiting_alerts",
                "Alerts that were read and that the sink has not accepted yet, gathered repeats included.",
                sink,
            )?,
            archive_records: counter(
                r,
                "archive_records_total",
                "Records committed to the archive.",
                topic,
            )?,
            archive_bytes: counter(
                r,
                "archive_bytes_total",
                "Bytes of the files that were committed to the archive.",
                topic,
            )?,
            archive_commits: counter(r, "archive_commits_total", "Commits to the archive.", topic)?,
            archive_failures: counter(
                r,
                "archive_failures_total",
                "Batches that the archive's storage did not take; they are read and stored again.",
                topic,
            )?,
            archive_expired: counter(
                r,
                "archive_expired_records_total",
                "Records that expired in their topic before they were archived.",
                topic,
            )?,
            archive_waiting: gauge(
                r,
                "archive_waiting_records",
                "Records that were read and are not handed to the archive's storage yet.",
                topic,
            )?,
            archive_files: gauge(
                r,
                "archive_files",
                "Data files of a table of the archive.",
                table,
            )?,
            archive_table_bytes: gauge(
                r,
                "archive_table_bytes",
                "Bytes of the data files of a table of the archive.",
                table,
            )?,
            archive_merged: counter(
                r,
                "archive_merged_files_total",
                "Small files of a table of the archive that became part of a larger one.",
                table,
            )?,
            archive_care_failures: counter(
                r,
                "archive_care_failures_total",
                "Times that small files of a table could not be merged, or old ones not be removed; it is tried again.",
                table,
            )?,
            page_audit: counter(
                r,
                "page_audit_events_total",
                "Events about what people do on the page: recorded, refused because they could not be recorded, or lost.",
                &["outcome"],
            )?,
            stopped: gauge(
                r,
                "stopped",
                "1 while a source, sink, archive or service has stopped by itself and is started again periodically.",
                &["kind", "name"],
            )?,
            stops: counter(
                r,
                "stops_total",
                "Times that a source, sink, archive or service stopped by itself, by reason.",
                &["kind", "name", "reason"],
            )?,
            since_commit: seconds(
                r,
                "seconds_since_last_commit",
                "Seconds since the last commit; absent before the first.",
                source,
            )?,
            since_turn: seconds(
                r,
                "seconds_since_last_poll",
                "Seconds since the last heartbeat of the source's loop.",
                source,
            )?,
            rules_loaded: {
                let gauge = IntGauge::with_opts(opts("rules_loaded", "Rules in force."))?;
                register(r, gauge)?
            },
            reload_success: gauge(
                r,
                "reload_success",
                "1 if the last reload succeeded, else 0.",
                kind,
            )?,
            reload_time: seconds(
                r,
                "reload_success_timestamp_seconds",
                "Unix time of the last successful load.",
                kind,
            )?,
            reloads: counter(
                r,
                "reloads_total",
                "Reloads, by outcome.",
                &["kind", "outcome"],
            )?,
            last_reloads: Arc::default(),
            lookups: counter(
                r,
                "enrichment_lookups_total",
                "Values of committed events that were looked up in a file of names or networks, by outcome.",
                &["source", "file", "outcome"],
            )?,
            registry,
        })
    }

    /// An alert was committed.
    pub fn alert(&self, source: &str, rule: &str, level: Level) {
        let labels = [source, rule, level.as_str()];
        self.alerts.with_label_values(&labels).inc();
    }

    /// An alert was committed that a suppression keeps from people.
    pub fn suppressed(&self, source: &str, rule: &str) {
        self.suppressed.with_label_values(&[source, rule]).inc();
    }

    /// Whether a part of the daemon has stopped by itself.
    pub fn stopped(&self, kind: &str, name: &str, stopped: bool) {
        let gauge = self.stopped.with_label_values(&[kind, name]);
        gauge.set(i64::from(stopped));
    }

    /// Counts a stop of a part of the daemon; the same stop is counted once, however often it recurs.
    pub fn stop_counted(&self, kind: &str, name: &str, reason: &str) {
        self.stops.with_label_values(&[kind, name, reason]).inc();
    }

    /// The number of rules in force.
    pub fn rules_in_force(&self, rules: usize) {
        self.rules_loaded
            .set(i64::try_from(rules).unwrap_or(i64::MAX));
    }

    /// Rules or a file were read again, or why what was read before stays in force.
    pub fn reloaded(&self, what: Reloaded, outcome: Result<(), String>) {
        let what = what.as_str();
        let success = outcome.is_ok();
        self.lock_reloads().insert(what, outcome);
        self.reload_success
            .with_label_values(&[what])
            .set(i64::from(success));
        let outcome = if success { "success" } else { "failure" };
        self.reloads.with_label_values(&[what, outcome]).inc();
        if success {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let seconds = now.map_or(0.0, |since| since.as_secs_f64());
            self.reload_time.with_label_values(&[what]).set(seconds);
        }
    }

    /// How the last reload of the rules and of each file ended.
    pub fn last_reloads(&self) -> Reloads {
        self.lock_reloads().clone()
    }

    fn lock_reloads(&self) -> MutexGuard<'_, Reloads> {
        // The lock may be poisoned by a panic elsewhere; the value is valid all the same.
        let reloads = self.last_reloads.lock();
        reloads.unwrap_or_else(PoisonError::into_inner)
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// A metric cannot be encoded.
    pub(super) fn encode(&self) -> Result<Vec<u8>, MetricsError> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// The histograms of one source, so that they need not be looked up for each record.
    pub(super) fn histograms(&self, source: &str) -> (Histogram, Histogram) {
        (
            self.commit_duration.with_label_values(&[source]),
            self.event_delay.with_label_values(&[source]),
        )
    }

    /// What became of an event about what somebody does on the page: `recorded`, `refused` or `lost`.
    pub fn page_audit(&self, outcome: &'static str) {
        self.page_audit.with_label_values(&[outcome]).inc();
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("watchbell")
}

fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, MetricsError> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn counter(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, MetricsError> {
    register(registry, IntCounterVec::new(opts(name, help), labels)?)
}

fn gauge(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntGaugeVec, MetricsError> {
    register(registry, IntGaugeVec::new(opts(name, help), labels)?)
}

fn seconds(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<GaugeVec, MetricsError> {
    register(registry, GaugeVec::new(opts(name, help), labels)?)
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    buckets: &[f64],
) -> Result<HistogramVec, MetricsError> {
    let opts = HistogramOpts::new(name, help)
        .namespace("watchbell")
        .buckets(buckets.to_vec());
    register(registry, HistogramVec::new(opts, &["source"])?)
}

fn build_info(registry: &Registry) -> Result<(), MetricsError> {
    let opts = opts("build_info", "Always 1; the version is a label.")
        .const_label("version", env!("CARGO_PKG_VERSION"));
    register(registry, Gauge::with_opts(opts)?)?.set(1.0);
    Ok(())
}
