//! Sends firing alerts again to an Alertmanager, which forgets them when it restarts. Alerts that were
//! sent before this process started are read back from the alerts topic; no other store is needed.
//! Invariant: this never delays the notifications of the queue, and is not counted as one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::config::NotifyConfig;
use crate::event::{NextOffset, RawRecord};
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Cluster, Span};
use crate::notify::firing::{FiringAlert, FiringAlerts};
use crate::notify::offsets::Offsets;
use crate::notify::queue::Arrival;
use crate::notify::{Message, Sink};
use crate::roles::clock::now_ms;

/// Most records that are read back.
const MAX_READ: i64 = 20_000;

/// If the cluster sends nothing for this long while they are read back, reading fails.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// The alerts to send again to a sink that holds them in memory only.
pub(super) struct ResentAlerts {
    cluster: Cluster,
    topic: String,
    /// How long an alert fires; `None` for a sink that stores alerts itself.
    hold_ms: Option<i64>,
    firing: FiringAlerts,
    reading: Option<ReadingBack>,
    sending: Option<JoinHandle<()>>,
}

/// The task that reads alerts back. Dropping this ends it.
struct ReadingBack {
    alerts: Receiver<Vec<FiringAlert>>,
    is_over: Arc<AtomicBool>,
}

impl Drop for ReadingBack {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl ResentAlerts {
    pub(super) fn new(config: &NotifyConfig, sink: &Sink) -> ResentAlerts {
        let hold_ms = sink.endpoint.hold_ms();
        ResentAlerts {
            cluster: config.cluster.clone(),
            topic: config.alerts.clone(),
            hold_ms,
            firing: FiringAlerts::new(hold_ms.unwrap_or_default()),
            reading: None,
            sending: None,
        }
    }

    /// The sink accepted an alert.
    pub(super) fn accepted(&mut self, alert: FiringAlert) {
        self.firing.accepted(now_ms(), alert);
    }

    /// Another process notifies the sink from now on.
    pub(super) fn forget(&mut self) {
        self.firing = FiringAlerts::new(self.hold_ms.unwrap_or_default());
        self.reading = None;
    }

    /// Begin to read back the alerts that were sent, before `from` or as `settled` says, and may still
    /// fire.
    pub(super) fn read_back(
        &mut self,
        handle: &Handle,
        sink: &Sink,
        from: NextOffset,
        settled: Offsets,
    ) {
        let Some(hold_ms) = self.hold_ms else {
            return;
        };
        let (sender, alerts) = mpsc::sync_channel(1);
        let is_over = Arc::new(AtomicBool::new(false));
        self.reading = Some(ReadingBack {
            alerts,
            is_over: Arc::clone(&is_over),
        });
        let sent_before = SentBefore {
            sink: sink.clone(),
            hold_ms,
            from,
            settled,
        };
        let (cluster, topic) = (self.cluster.clone(), self.topic.clone());
        handle.spawn_blocking(move || match sent_before.read(&cluster, &topic, &is_over) {
            // It fails if the partition was revoked meanwhile: then the alerts are not needed.
            Ok(alerts) => drop(sender.send(alerts)),
            Err(error) => tracing::warn!(
                sink = sent_before.sink.name,
                %error,
                "alerts sent before the start cannot be read back: an Alertmanager that restarts \
                 does not get them again until they repeat"
            ),
        });
    }

    /// The alerts to send again now; none while the last such requests are in flight.
    pub(super) fn due(&mut self) -> Vec<String> {
        if let Some(reading) = &self.reading
            && let Ok(alerts) = reading.alerts.try_recv()
        {
            self.firing.restore(alerts);
            self.reading = None;
        }
        if self.sending.as_ref().is_some_and(|s| !s.is_finished()) {
            return Vec::new();
        }
        self.firing.due(now_ms())
    }

    /// They are being sent again.
    pub(super) fn sending(&mut self, requests: JoinHandle<()>) {
        self.sending = Some(requests);
    }
}

/// Finds the alerts that were sent before this process started.
struct SentBefore {
    sink: Sink,
    hold_ms: i64,
    from: NextOffset,
    settled: Offsets,
}

impl SentBefore {
    /// The alerts as they were sent. When that was is not known, so an alert is taken to end `hold` after
    /// it was written.
    fn read(
        &self,
        cluster: &Cluster,
        topic: &str,
        is_over: &AtomicBool,
    ) -> Result<Vec<FiringAlert>, ReadError> {
        let reader = TopicReader::open(cluster, "watchbell-notify", topic, READ_TIMEOUT)?;
        let since_ms = now_ms().saturating_sub(self.hold_ms).max(0);
        let spans = reader.since(&reader.spans()?, since_ms)?;
        let spans: Vec<Span> = spans.into_iter().map(newest).collect();
        let mut alerts: BTreeMap<String, (Message, i64, u64)> = BTreeMap::new();
        let stop = || is_over.load(Ordering::Relaxed);
        reader.read(&spans, &stop, &mut |record| {
            if let Some((key, message, at_ms)) = self.sent_alert(record) {
                let count = alerts.get(&key).map_or(0, |(_, _, count)| *count);
                alerts.insert(key, (message, at_ms, count + 1));
            }
            ControlFlow::Continue(())
        })?;
        let firing = |(message, at_ms, count): (Message, i64, u64)| {
            let message = message.with_more(count - 1);
            self.sink.endpoint.firing(&message, at_ms)
        };
        Ok(alerts.into_values().filter_map(firing).collect())
    }

    /// The alert's key, its message and its timestamp, if it was sent as a notification of its own.
    fn sent_alert(&self, record: &RawRecord<'_>) -> Option<(String, Message, i64)> {
        let offset = record.position.offset.0;
        if offset >= self.from.0 && !self.settled.contains(offset) {
            return None;
        }
        let at_ms = record.timestamp_ms?;
        let (notice, decision) = self.sink.read(record.value?, record.position).ok()?;
        decision.ok()?;
        if self.sink.route.arrival(&notice, 0) != Arrival::InTime {
            // It was part of a digest of late alerts.
            return None;
        }
        let template = self.sink.template.as_deref();
        let message = Message::of_one(&self.sink.name, notice, at_ms, template);
        let key = self.sink.endpoint.firing(&message, at_ms)?.key;
        Some((key, message, at_ms))
    }
}

/// The last records of a span, at most [`MAX_READ`].
fn newest(span: Span) -> Span {
    let first = span.to.0.saturating_sub(MAX_READ).max(span.from.0);
    Span {
        from: crate::event::Offset(first),
        ..span
    }
}
