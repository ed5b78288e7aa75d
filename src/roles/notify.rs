//! Notify: the alerts topic to one sink. Kafka is the queue, a consumer group of the sink's own the
//! position in it; one request is in flight while the group is served.
//! Invariant: a position is committed once the sink has every alert before it, or the dead letters
//! have. What happens in between is memory, and built again from the topic.

mod answers;
mod dead_letters;
mod standing;
mod take;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::clock::now_ms;
use crate::alert::Notice;
use crate::kafka::follow::{Follower, Turn};
use crate::kafka::session::Shutdown;
use crate::kafka::{ClientError, Cluster};
use crate::notify::offsets::Offsets;
use crate::notify::pace::Pace;
use crate::notify::queue::{Notification, Queue};
use crate::notify::standing::StandingAlert;
use crate::notify::{Answer, Client, Message, Sink};
use crate::observe::SinkObserver;
use dead_letters::DeadLetters;
use standing::RetoldAlerts;
use take::take;

/// Longest turn while nothing is under way.
const IDLE: Duration = Duration::from_millis(100);

/// Longest turn while an answer is waited for.
const IN_FLIGHT: Duration = Duration::from_millis(4);

/// Shortest time between two commits.
const COMMIT_INTERVAL: Duration = Duration::from_millis(50);

/// Longest wait for an answer when asked to stop.
const FAREWELL: Duration = Duration::from_secs(10);

/// What a sink's loop needs to know beside the sink.
#[derive(Debug, Clone)]
pub struct NotifyConfig {
    /// Where the alerts are.
    pub cluster: Cluster,
    /// Their topic, of one partition.
    pub alerts: String,
    /// For what no sink takes.
    pub dead_letters: Arc<str>,
    /// The largest record that the dead letters' topic takes.
    pub max_dead_letter_bytes: usize,
    /// Consumer group of this sink.
    pub group: String,
}

/// A loop could not be started.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// No consumer or producer.
    #[error(transparent)]
    Kafka(#[from] ClientError),
    /// No HTTPS.
    #[error(transparent)]
    Http(#[from] crate::notify::ClientError),
}

/// A request whose answer is not there yet.
struct InFlight {
    notification: Notification<Arc<Notice>>,
    kind: &'static str,
    /// What stands at the sink once it is accepted.
    standing: Option<StandingAlert>,
    answer: Receiver<Answer>,
}

/// One sink's loop.
struct Loop<'l> {
    sink: &'l Sink,
    handle: &'l Handle,
    observer: &'l SinkObserver,
    client: Client,
    follower: Follower,
    dead_letters: DeadLetters,
    /// Known while the partition is ours.
    queue: Option<Queue<Arc<Notice>>>,
    pace: Pace,
    in_flight: Option<InFlight>,
    /// What the sink holds in memory alone.
    standing: RetoldAlerts,
    /// Alerts given up that the sink was not told of.
    undelivered: u64,
    /// Whether there may be something to commit, and when the last commit was.
    uncommitted: bool,
    committed_at: Instant,
    /// What was said last of a sink that does not take its notifications.
    said: Option<String>,
}

/// Tell `sink` of alerts until asked to stop. `handle` runs the requests.
///
/// # Errors
/// A client cannot be made at all; a cluster or sink that is away is waited for.
pub fn run(
    config: &NotifyConfig,
    sink: &Sink,
    handle: &Handle,
    shutdown: &Shutdown,
    observer: &SinkObserver,
) -> Result<(), NotifyError> {
    // Negative times mean something else to Kafka.
    let begin_at_ms = now_ms().saturating_sub(sink.route.max_alert_age_ms).max(0);
    let (cluster, group) = (&config.cluster, &config.group);
    let mut state = Loop {
        sink,
        handle,
        observer,
        client: Client::new(sink)?,
        follower: Follower::join(cluster, &config.alerts, group, begin_at_ms)?,
        dead_letters: DeadLetters::new(config, &sink.name)?,
        queue: None,
        pace: Pace::new(sink.rate),
        in_flight: None,
        standing: RetoldAlerts::new(config, sink),
        undelivered: 0,
        uncommitted: false,
        committed_at: Instant::now(),
        said: None,
    };
    while !shutdown.is_requested() {
        state.turn();
    }
    state.end();
    Ok(())
}

impl Loop<'_> {
    fn turn(&mut self) {
        self.take_answer();
        self.start_request();
        self.tell_again();
        self.commit_if_due();
        let room = self.queue.as_ref().is_none_or(Queue::has_room);
        self.follower.pause(!room);
        self.read();
        if let Some(queue) = &self.queue {
            let in_flight = self.in_flight.as_ref().map(|f| &f.notification);
            let oldest = in_flight.map(|n| n.first_ms);
            let oldest = oldest.into_iter().chain(queue.oldest_ms()).min();
            let waiting = queue.untold() + in_flight.map_or(0, |n| n.count);
            self.observer.turned(oldest, waiting);
        } else {
            self.observer.turned(None, 0);
        }
    }

    /// Serve the group; take a record if there is one.
    fn read(&mut self) {
        let wait = if self.in_flight.is_some() {
            IN_FLIGHT
        } else {
            self.until_next_request()
        };
        let Loop {
            follower,
            queue,
            sink,
            observer,
            dead_letters,
            uncommitted,
            ..
        } = self;
        let mut unstored = None;
        let turn = follower.turn(wait, &mut |record| {
            if let Some(queue) = queue {
                *uncommitted = true;
                unstored = take(record, queue, sink, observer, dead_letters).err();
            }
        });
        if let Some(error) = unstored {
            // Not taken: the group goes back to its position and reads it again.
            tracing::warn!(sink = sink.name, %error, "an unreadable alert waits for the dead letters");
            self.lose();
            self.follower.rewind();
            return;
        }
        match turn {
            Turn::Idle | Turn::Record => {}
            Turn::Assigned {
                from,
                note,
                expired,
            } => {
                if expired > 0 {
                    tracing::error!(
                        sink = self.sink.name,
                        expired,
                        "alerts expired before this sink was told of them"
                    );
                }
                let settled = Offsets::from_text(&note, from.0);
                self.standing
                    .read_back(self.handle, self.sink, from, settled.clone());
                self.queue = Some(Queue::resume(self.sink.pacing, from, settled));
                self.observer.readiness(None);
                tracing::info!(sink = self.sink.name, from = from.0, "telling a sink");
            }
            Turn::Spare => self.observer.readiness(None),
            Turn::Revoked => {
                self.lose();
                tracing::info!(sink = self.sink.name, "another process tells the sink");
            }
            Turn::Trouble(trouble) => {
                tracing::warn!(
                    sink = self.sink.name,
                    reason = trouble.reason,
                    "{}",
                    trouble.remedy
                );
                self.observer.readiness(Some(&trouble));
            }
        }
    }

    /// Forget what is not committed: whoever reads on does so from the commit.
    fn lose(&mut self) {
        self.queue = None;
        self.in_flight = None;
        self.standing.forget();
        self.uncommitted = false;
    }

    fn until_next_request(&self) -> Duration {
        let waits = self.queue.as_ref().is_some_and(|q| q.oldest_ms().is_some());
        if !waits {
            return IDLE;
        }
        let ms = self.pace.next_ms().saturating_sub(now_ms());
        Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(IDLE)
    }

    fn start_request(&mut self) {
        let now = now_ms();
        if self.in_flight.is_some() || self.pace.next_ms() > now {
            return;
        }
        let Some(notification) = self.queue.as_mut().and_then(|queue| queue.next(now)) else {
            return;
        };
        let template = self.sink.template.as_deref();
        let message = Message::new(&self.sink.name, &notification, self.undelivered, template);
        for (part, fault) in &message.template_faults {
            self.observer.template_failed(part, fault.reason());
        }
        let requests = self.sink.target.requests(&message, now);
        let standing = self.sink.target.standing(&message, now);
        let client = self.client.clone();
        let (sender, answer) = mpsc::sync_channel(1);
        self.pace.asked(now);
        self.handle.spawn(async move {
            // Nobody listens any more where the partition was lost meanwhile.
            let _ = sender.send(client.send(requests).await);
        });
        self.in_flight = Some(InFlight {
            notification,
            kind: message.kind,
            standing,
            answer,
        });
    }

    fn commit_if_due(&mut self) {
        if self.follower.commit_failed() {
            self.uncommitted = true;
        }
        if self.uncommitted && self.committed_at.elapsed() >= COMMIT_INTERVAL {
            self.commit(false);
        }
    }

    fn commit(&mut self, wait: bool) {
        let Some(queue) = &mut self.queue else {
            return;
        };
        let (position, settled) = queue.committable();
        let note = settled.to_text(position.0);
        self.committed_at = Instant::now();
        match self.follower.commit(position, &note, wait) {
            Ok(()) => self.uncommitted = false,
            Err(error) => tracing::debug!(sink = self.sink.name, %error, "commit"),
        }
    }

    /// Let the request under way end, commit, leave.
    fn end(mut self) {
        let deadline = Instant::now() + FAREWELL;
        while self.in_flight.is_some() && Instant::now() < deadline {
            std::thread::sleep(IN_FLIGHT);
            self.take_answer();
        }
        self.commit(true);
    }
}
