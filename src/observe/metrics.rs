//! The Prometheus metrics. Names by convention: base units, `_total` for counters.
//! Invariant: every label's values are bounded by the configuration, the rules or the code.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::sigma::Level;

/// A metric could not be registered or written.
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
    pub(super) alerts: IntCounterVec,
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
}

/// What can be read again while the daemon runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// The rule set.
    Rules,
    /// The names file.
    Names,
}

impl Reloaded {
    /// Metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Reloaded::Rules => "rules",
            Reloaded::Names => "names",
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
    /// Register every metric, all of them with nothing counted yet.
    ///
    /// # Errors
    /// Two metrics have one name.
    pub fn new() -> Result<Metrics, MetricsError> {
        let registry = Registry::new();
        let r = &registry;
        let source = &["source"][..];
        let reason = &["source", "reason"][..];
        let kind = &["kind"][..];
        let sink = &["sink"][..];
        build_info(r)?;
        Ok(Metrics {
            records: counter(r, "records_total", "Source records committed.", source)?,
            source_bytes: counter(
                r,
                "source_bytes_total",
                "Bytes of keys and values of the source records committed.",
                source,
            )?,
            outputs: counter(r, "outputs_total", "Records written and committed.", source)?,
            events: counter(r, "events_total", "Events committed.", source)?,
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
                "Events whose method the catalogue does not have.",
                source,
            )?,
            inferred: counter(
                r,
                "inferred_total",
                "Words of events that are not documented and were judged by their parts.",
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
                "From the first output handed over to the confirmed commit.",
                COMMIT_SECONDS,
            )?,
            event_delay: histogram(
                r,
                "event_delay_seconds",
                "From the time of an event to its commit.",
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
                "First offset of a partition that cannot be read; there only while it cannot.",
                &["source", "partition"],
            )?,
            lag_seconds: seconds(
                r,
                "lag_seconds",
                "At most how old the oldest record of a partition is that is not yet committed.",
                &["source", "partition"],
            )?,
            rebalances: counter(r, "rebalances_total", "Changes of assignment.", source)?,
            assigned: gauge(
                r,
                "assigned_partitions",
                "Partitions that this process owns.",
                source,
            )?,
            gaps: counter(r, "gaps_total", "Positions that had expired.", source)?,
            gap_records: counter(
                r,
                "gap_records_total",
                "Records that expired before they were read.",
                source,
            )?,
            positions_lost: counter(
                r,
                "positions_lost_total",
                "Positions that the group had lost, put back from the noted ones.",
                source,
            )?,
            mirror_failures: counter(
                r,
                "source_offset_commit_failures_total",
                "Positions not copied to the source cluster for its dashboards.",
                source,
            )?,
            ready: gauge(r, "ready", "1 where records of the source flow.", source)?,
            notify_sent: counter(
                r,
                "notify_sent_total",
                "Notifications that a sink accepted, by kind.",
                &["sink", "kind"],
            )?,
            notify_merged: counter(
                r,
                "notify_merged_total",
                "Alerts told of in the notification of another.",
                sink,
            )?,
            notify_retries: counter(
                r,
                "notify_retries_total",
                "Requests that a sink did not accept and that are made again.",
                sink,
            )?,
            notify_dead_letters: counter(
                r,
                "notify_dead_letters_total",
                "Alerts that a sink was not told of and that became dead letters.",
                &["sink", "reason"],
            )?,
            notify_skipped: counter(
                r,
                "notify_skipped_total",
                "Alerts that a sink is not to be told of, by reason.",
                &["sink", "reason"],
            )?,
            notify_told_again: counter(
                r,
                "notify_told_again_total",
                "Alerts told again to an Alertmanager, which holds them in memory alone.",
                &["sink"],
            )?,
            notify_template_failures: counter(
                r,
                "notify_template_failures_total",
                "Parts of notifications that went out in the shipped words because a template gave none.",
                &["sink", "part", "reason"],
            )?,
            notify_delay: {
                let opts = HistogramOpts::new(
                    "notify_delay_seconds",
                    "From the time of an event to a sink's acceptance of its first alert.",
                );
                let opts = opts.namespace("watchbell").buckets(DELAY_SECONDS.to_vec());
                register(r, HistogramVec::new(opts, sink)?)?
            },
            notify_oldest: seconds(
                r,
                "notify_oldest_seconds",
                "Age of the oldest alert that waits to be told; 0 where none waits.",
                sink,
            )?,
            notify_dead_letters_waiting: gauge(
                r,
                "notify_dead_letters_waiting",
                "Alerts that are to become dead letters and that their topic does not have yet.",
                &["sink"],
            )?,
            notify_refusing: gauge(
                r,
                "notify_refusing",
                "1 while a sink refuses whatever it is sent.",
                &["sink"],
            )?,
            notify_waiting: gauge(
                r,
                "notify_waiting_alerts",
                "Alerts read that a sink was not told of yet, gathered repeats included.",
                sink,
            )?,
            stopped: gauge(
                r,
                "stopped",
                "1 where a source, sink or service has ended by itself and is tried again.",
                &["kind", "name"],
            )?,
            stops: counter(
                r,
                "stops_total",
                "Sources, sinks and services that ended by themselves, by reason.",
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
                "Seconds since the source's loop last turned.",
                source,
            )?,
            rules_loaded: {
                let gauge = IntGauge::with_opts(opts("rules_loaded", "Rules in force."))?;
                register(r, gauge)?
            },
            reload_success: gauge(
                r,
                "reload_success",
                "1 where the last reload succeeded.",
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
            registry,
        })
    }

    /// An alert is committed.
    pub fn alert(&self, source: &str, rule: &str, level: Level) {
        let labels = [source, rule, level.as_str()];
        self.alerts.with_label_values(&labels).inc();
    }

    /// Whether a part of the daemon has ended by itself.
    pub fn stopped(&self, kind: &str, name: &str, stopped: bool) {
        let gauge = self.stopped.with_label_values(&[kind, name]);
        gauge.set(i64::from(stopped));
    }

    /// A part of the daemon has ended by itself, as it had not before.
    pub fn stop_counted(&self, kind: &str, name: &str, reason: &str) {
        self.stops.with_label_values(&[kind, name, reason]).inc();
    }

    /// Rules are in force now.
    pub fn rules_in_force(&self, rules: usize) {
        self.rules_loaded
            .set(i64::try_from(rules).unwrap_or(i64::MAX));
    }

    /// Something was read again, or refused.
    pub fn reloaded(&self, what: Reloaded, success: bool) {
        let what = what.as_str();
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

    /// Everything that was noted, in Prometheus' text format.
    ///
    /// # Errors
    /// A metric cannot be written.
    pub(super) fn encode(&self) -> Result<Vec<u8>, MetricsError> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// The histograms of one source, looked up once.
    pub(super) fn histograms(&self, source: &str) -> (Histogram, Histogram) {
        (
            self.commit_duration.with_label_values(&[source]),
            self.event_delay.with_label_values(&[source]),
        )
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
