//! Writes to the events topic what people do on the page: one thread, a queue of limited length, and no answer that waits
//! for more than some seconds.
//! Invariant: what has to be recorded is shown only once it is recorded.

mod deed;

use std::cell::OnceCell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

pub(super) use deed::{Action, Deed};

use super::login::user::User;
use crate::config::Config;
use crate::event::OutputRecord;
use crate::kafka::append::Appender;
use crate::kafka::session::Shutdown;
use crate::kafka::{ClientError, Cluster};
use crate::observe::Metrics;
use crate::pipeline::Content;
use crate::privacy::Policy;

/// Most events that wait for Kafka.
const MOST_WAITING: usize = 1_000;

/// Longest time for which an answer waits until its event is stored.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the thread looks whether it is to end.
const POLL: Duration = Duration::from_millis(50);

/// Longest time for the events that still wait when asked to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of records that are sent together; they are few and small.
const BATCH_BYTES: usize = 64 * 1024;

/// What has to be recorded cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the events topic does not take a record of what you do")]
pub(super) struct NotRecorded;

/// An event that waits for Kafka.
struct Waiting {
    record: OutputRecord,
    /// Who waits for it; nobody if it is recorded after the answer.
    reply: Option<oneshot::Sender<bool>>,
}

impl Waiting {
    /// Whether somebody has waited for it, and does no longer.
    fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
    }
}

/// The queue of events about what people do on the page.
pub struct Audit {
    cluster: Cluster,
    topic: Arc<str>,
    policy: Option<Arc<Policy>>,
    metrics: Arc<Metrics>,
    sender: SyncSender<Waiting>,
    receiver: Mutex<Receiver<Waiting>>,
}

impl Audit {
    /// An empty queue.
    pub fn new(config: &Config, metrics: Arc<Metrics>) -> Audit {
        let (sender, receiver) = sync_channel(MOST_WAITING);
        let topic = config.outputs.of(Content::Events).topic.clone();
        let policies = &config.privacy;
        let policy = policies
            .of_topic(&topic)
            .and_then(|number| policies.all().get(number));
        Audit {
            cluster: config.destination.clone(),
            policy: policy.cloned(),
            topic,
            metrics,
            sender,
            receiver: Mutex::new(receiver),
        }
    }

    /// Records what somebody does, before they are shown what they asked for. Where nobody logs in, nobody is named, and
    /// the answer does not wait for it.
    ///
    /// # Errors
    /// It is not stored within some seconds: they must not be shown it.
    pub(super) async fn record(
        &self,
        user: &User,
        action: Action,
        what: &str,
    ) -> Result<(), NotRecorded> {
        if !user.has_logged_in {
            self.note(Deed::of(user, action, what));
            return Ok(());
        }
        let (reply, stored) = oneshot::channel();
        if !self.put(&Deed::of(user, action, what), Some(reply)) {
            return Err(NotRecorded);
        }
        match timeout(PATIENCE, stored).await {
            Ok(Ok(true)) => Ok(()),
            _ => {
                self.metrics.page_audit("refused");
                tracing::error!(
                    operation = action.operation,
                    "refused on the page, because the events topic did not take its record"
                );
                Err(NotRecorded)
            }
        }
    }

    /// Records what has happened, such as a login; the answer does not wait for it.
    pub(super) fn note(&self, deed: Deed) {
        self.put(&deed, None);
    }

    /// Puts an event into the queue; whether there is room for it.
    fn put(&self, deed: &Deed, reply: Option<oneshot::Sender<bool>>) -> bool {
        let policy = self.policy.as_deref();
        let now_ms = Timestamp::now().as_millisecond();
        let record = deed.record((&self.topic, policy), Uuid::new_v4(), now_ms);
        let sent = record.map(|record| self.sender.try_send(Waiting { record, reply }));
        match sent {
            Some(Ok(())) => true,
            None | Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) => {
                self.lost("too many wait for Kafka");
                false
            }
        }
    }

    fn lost(&self, why: &str) {
        self.metrics.page_audit("lost");
        tracing::error!(
            why,
            "an event about what somebody did on the page is not recorded"
        );
    }

    /// Writes the events until asked to end.
    ///
    /// # Errors
    /// No producer can be created.
    pub fn run(&self, shutdown: &Shutdown) -> Result<(), ClientError> {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        let mut appender = self.appender()?;
        let deadline = OnceCell::new();
        let is_late = || {
            let end = || Instant::now() + SHUTDOWN_TIMEOUT;
            shutdown.is_requested() && Instant::now() >= *deadline.get_or_init(end)
        };
        loop {
            let waiting = match receiver.recv_timeout(POLL) {
                Ok(waiting) => waiting,
                Err(RecvTimeoutError::Timeout) if !shutdown.is_requested() => continue,
                Err(_) => return Ok(()),
            };
            if waiting.is_abandoned() {
                continue;
            }
            let is_over = || waiting.is_abandoned() || is_late();
            match appender.append_until(&waiting.record, is_over) {
                Ok(true) => {
                    self.metrics.page_audit("recorded");
                    // Who waited may have left.
                    let _ = waiting.reply.map(|reply| reply.send(true));
                }
                Ok(false) if waiting.reply.is_some() => {}
                Ok(false) => self.lost("the daemon ends"),
                Err(error) => {
                    self.lost(&error.to_string());
                    let _ = waiting.reply.map(|reply| reply.send(false));
                    // A producer that has failed for good takes no more records.
                    appender = self.appender()?;
                }
            }
        }
    }

    fn appender(&self) -> Result<Appender, ClientError> {
        Appender::patient(&self.cluster, "page-audit", BATCH_BYTES)
    }
}
