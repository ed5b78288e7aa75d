//! Telling an Alertmanager again what it may have forgotten. What an earlier run told is read back
//! from the alerts topic, so that nothing is kept anywhere else.
//! Invariant: none of this delays an alert that nobody was told of, nor counts as one.

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
use crate::notice::Notice;
use crate::notify::offsets::Offsets;
use crate::notify::queue::Arrival;
use crate::notify::standing::{Standing, StandingAlert};
use crate::notify::{Message, Sink};
use crate::roles::clock::now_ms;

/// Most records that are read back.
const MAX_READ: i64 = 20_000;

/// Longest silence of the cluster while they are.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a sink holds in memory alone.
pub(super) struct RetoldAlerts {
    cluster: Cluster,
    topic: String,
    /// How long an alert stands; nothing for a sink that remembers by itself.
    hold_ms: Option<i64>,
    standing: Standing,
    reading: Option<Reading>,
    telling: Option<JoinHandle<()>>,
}

/// Reading back, which ends when nobody waits for it any more.
struct Reading {
    alerts: Receiver<Vec<StandingAlert>>,
    is_over: Arc<AtomicBool>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl RetoldAlerts {
    pub(super) fn new(config: &NotifyConfig, sink: &Sink) -> RetoldAlerts {
        let hold_ms = sink.endpoint.hold_ms();
        RetoldAlerts {
            cluster: config.cluster.clone(),
            topic: config.alerts.clone(),
            hold_ms,
            standing: Standing::new(hold_ms.unwrap_or_default()),
            reading: None,
            telling: None,
        }
    }

    /// The sink accepted an alert.
    pub(super) fn told(&mut self, alert: StandingAlert) {
        self.standing.told(now_ms(), alert);
    }

    /// Another process tells the sink.
    pub(super) fn forget(&mut self) {
        self.standing = Standing::new(self.hold_ms.unwrap_or_default());
        self.reading = None;
    }

    /// Begin to read what was told before `from`, or is `settled`, and may still stand.
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
        self.reading = Some(Reading {
            alerts,
            is_over: Arc::clone(&is_over),
        });
        let told = ToldBefore {
            sink: sink.clone(),
            hold_ms,
            from,
            settled,
        };
        let (cluster, topic) = (self.cluster.clone(), self.topic.clone());
        handle.spawn_blocking(move || match told.read(&cluster, &topic, &is_over) {
            // Nobody listens any more where the partition was lost meanwhile.
            Ok(alerts) => drop(sender.send(alerts)),
            Err(error) => tracing::warn!(
                sink = told.sink.name,
                %error,
                "alerts told before the start cannot be read back: an Alertmanager that restarts \
                 has forgotten them until they are repeated"
            ),
        });
    }

    /// What is to be told again now; nothing while the last such request is under way.
    pub(super) fn due(&mut self) -> Vec<String> {
        if let Some(reading) = &self.reading
            && let Ok(alerts) = reading.alerts.try_recv()
        {
            self.standing.restore(alerts);
            self.reading = None;
        }
        if self.telling.as_ref().is_some_and(|t| !t.is_finished()) {
            return Vec::new();
        }
        self.standing.due(now_ms())
    }

    /// They are being told again.
    pub(super) fn telling(&mut self, request: JoinHandle<()>) {
        self.telling = Some(request);
    }
}

/// Which alerts an earlier run told.
struct ToldBefore {
    sink: Sink,
    hold_ms: i64,
    from: NextOffset,
    settled: Offsets,
}

impl ToldBefore {
    /// As they were told, as far as can be known: an alert ends `hold` after it was written.
    fn read(
        &self,
        cluster: &Cluster,
        topic: &str,
        is_over: &AtomicBool,
    ) -> Result<Vec<StandingAlert>, ReadError> {
        let reader = TopicReader::open(cluster, "watchbell-notify", topic, PATIENCE)?;
        let since_ms = now_ms().saturating_sub(self.hold_ms).max(0);
        let spans = reader.since(&reader.spans()?, since_ms)?;
        let spans: Vec<Span> = spans.into_iter().map(newest).collect();
        let mut alerts: BTreeMap<String, (Message, i64, u64)> = BTreeMap::new();
        let stop = || is_over.load(Ordering::Relaxed);
        reader.read(&spans, &stop, &mut |record| {
            if let Some((key, message, at_ms)) = self.told(record) {
                let count = alerts.get(&key).map_or(0, |(_, _, count)| *count);
                alerts.insert(key, (message, at_ms, count + 1));
            }
            ControlFlow::Continue(())
        })?;
        let standing = |(message, at_ms, count): (Message, i64, u64)| {
            let message = message.with_more(count - 1);
            self.sink.endpoint.standing(&message, at_ms)
        };
        Ok(alerts.into_values().filter_map(standing).collect())
    }

    fn told(&self, record: &RawRecord<'_>) -> Option<(String, Message, i64)> {
        let offset = record.position.offset.0;
        if offset >= self.from.0 && !self.settled.contains(offset) {
            return None;
        }
        let at_ms = record.timestamp_ms?;
        let notice = Notice::read(record.value?, record.position).ok()?;
        let route = &self.sink.route;
        route.decide(&notice).ok()?;
        if route.arrival(&notice, 0) != Arrival::InTime {
            // It was told in a digest over all that was late.
            return None;
        }
        let template = self.sink.template.as_deref();
        let message = Message::of_one(&self.sink.name, notice, at_ms, template);
        let key = self.sink.endpoint.standing(&message, at_ms)?.key;
        Some((key, message, at_ms))
    }
}

/// The end of a span, of bounded length.
fn newest(span: Span) -> Span {
    let first = span.to.0.saturating_sub(MAX_READ).max(span.from.0);
    Span {
        from: crate::event::Offset(first),
        ..span
    }
}
