//! The page that Prometheus scrapes: counted metrics, and those that are computed at the scrape.

use super::health::Health;
use super::metrics::{Metrics, MetricsError};

/// All metrics in Prometheus' text format.
///
/// # Errors
/// A metric cannot be encoded.
pub fn exposition(metrics: &Metrics, health: &Health) -> Result<Vec<u8>, MetricsError> {
    for source in health.sources() {
        let label = [source.name()];
        let silence = source.silence().as_secs_f64();
        metrics.since_turn.with_label_values(&label).set(silence);
        if let Some(since) = source.since_commit() {
            let since = since.as_secs_f64();
            metrics.since_commit.with_label_values(&label).set(since);
        }
    }
    for sink in health.sinks() {
        let label = [sink.name()];
        let oldest = sink.oldest().as_secs_f64();
        metrics.notify_oldest.with_label_values(&label).set(oldest);
        let waiting = i64::try_from(sink.waiting()).unwrap_or(i64::MAX);
        metrics
            .notify_waiting
            .with_label_values(&label)
            .set(waiting);
        let dead_letters = i64::try_from(sink.dead_letters()).unwrap_or(i64::MAX);
        metrics
            .notify_dead_letters_waiting
            .with_label_values(&label)
            .set(dead_letters);
        let refusing = i64::from(sink.refusing());
        metrics
            .notify_refusing
            .with_label_values(&label)
            .set(refusing);
    }
    metrics.encode()
}
