//! The role `notify`: sends the alerts of the alerts topic to one sink. Each sink has a consumer group of
//! its own, whose committed offset is its position in the topic. At most one request is in flight.
//! Dead letters are written on another thread, so that they never delay a notification.
//! Invariant: a position is committed once every alert before it was accepted by the sink or is a dead
//! letter. All other state is in memory and is rebuilt from the topic after a restart.

mod alert_reader;
mod answers;
mod assigned;
mod clock;
mod config;
mod dead_letter_writer;
mod firing;
mod pending_dead_letters;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::clock::now_ms;
use crate::event::Partition;
use crate::kafka::ClientError;
use crate::kafka::follow::{Follower, FollowerEvent, Partitioning};
use crate::kafka::session::{NotReady, Shutdown};
use crate::notice::Notice;
use crate::notify::firing::FiringAlert;
use crate::notify::pace::Pace;
use crate::notify::queue::{Notification, Queue};
use crate::notify::{Client, Message, Sink, SinkAnswer};
use crate::observe::SinkObserver;
use alert_reader::AlertReader;
use clock::{Backlog, Clock};
pub use config::NotifyConfig;
use dead_letter_writer::DeadLetterWriter;
use firing::ResentAlerts;
use pending_dead_letters::PendingDeadLetters;

/// Longest turn of the loop while no request is in flight.
const IDLE_TURN: Duration = Duration::from_millis(100);

/// Longest turn of the loop while an answer is awaited.
const IN_FLIGHT_TURN: Duration = Duration::from_millis(4);

/// Shortest time between two commits.
const COMMIT_INTERVAL: Duration = Duration::from_millis(50);

/// Longest wait for the request in flight and the dead letters being written, when asked to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// A sink's loop could not be started.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// A Kafka client could not be created.
    #[error(transparent)]
    Kafka(#[from] ClientError),
    /// The sink's client could not be created.
    #[error(transparent)]
    Http(#[from] crate::notify::ClientError),
}

/// A request that has no answer yet.
struct InFlight {
    notification: Notification<Arc<Notice>>,
    kind: &'static str,
    /// The alert that fires at the sink once the request is accepted.
    firing: Option<FiringAlert>,
    answer: Receiver<SinkAnswer>,
}

/// The state of one sink's loop.
struct SinkLoop<'l> {
    sink: &'l Sink,
    handle: &'l Handle,
    observer: &'l SinkObserver,
    client: Client,
    follower: Follower,
    dead_letters: PendingDeadLetters,
    clock: Clock,
    /// `Some` while the partition is assigned to this process.
    assigned: Option<AssignedPartition>,
    pace: Pace,
    in_flight: Option<InFlight>,
    /// Alerts to send again, for a sink that holds them in memory only.
    resent: ResentAlerts,
    /// Alerts given up since the last accepted notification.
    undelivered: u64,
    /// Whether there may be something to commit.
    uncommitted: bool,
    committed_at: Instant,
    /// The last warning about the sink, so that the same one is not logged again.
    last_warning: Option<String>,
    /// Why the alerts topic cannot be read, if it cannot.
    trouble: Option<NotReady>,
    /// The readiness that was reported last; the inner `None` is ready.
    reported: Option<Option<NotReady>>,
}

/// What is known of the alerts partition while it is assigned to this process.
struct AssignedPartition {
    partition: Partition,
    queue: Queue<Arc<Notice>>,
    backlog: Backlog,
}

/// Send alerts to `sink` until asked to stop. `handle` runs the requests.
///
/// # Errors
/// A client cannot be created. A cluster or sink that is unreachable is not an error: it is retried.
pub fn run(
    config: &NotifyConfig,
    sink: &Sink,
    handle: &Handle,
    shutdown: &Shutdown,
    observer: &SinkObserver,
) -> Result<(), NotifyError> {
    let (cluster, group) = (&config.cluster, &config.group);
    let mut state = SinkLoop {
        sink,
        handle,
        observer,
        client: Client::new(sink)?,
        follower: Follower::join(cluster, &config.alerts, group, Partitioning::Single)?,
        dead_letters: PendingDeadLetters::new(DeadLetterWriter::new(config, &sink.name)?),
        clock: Clock::start(),
        assigned: None,
        pace: Pace::new(sink.rate),
        in_flight: None,
        resent: ResentAlerts::new(config, sink),
        undelivered: 0,
        uncommitted: false,
        committed_at: Instant::now(),
        last_warning: None,
        trouble: Some(NotReady {
            reason: "starting",
            remedy: "the alerts topic is being opened".into(),
        }),
        reported: None,
    };
    state.reported = Some(state.trouble.clone());
    while !shutdown.is_requested() {
        state.turn();
    }
    state.end();
    Ok(())
}

impl SinkLoop<'_> {
    fn turn(&mut self) {
        self.take_answer();
        self.start_request();
        self.write_dead_letters();
        self.resend_firing();
        self.commit_if_due();
        let assigned = self.assigned.as_ref();
        let has_room = assigned.is_none_or(|assigned| assigned.queue.has_room());
        self.follower.pause(!has_room);
        self.read();
        self.report();
    }

    /// Send the firing alerts again that are due, independently of the queue.
    fn resend_firing(&mut self) {
        if self.assigned.is_none() {
            return;
        }
        let alerts = self.resent.due();
        if alerts.is_empty() {
            return;
        }
        self.observer.resent(alerts.len());
        let peers = self.sink.endpoint.resend(&alerts);
        let client = self.client.clone();
        let request = async move { client.send_again(peers).await };
        self.resent.sending(self.handle.spawn(request));
    }

    fn report(&mut self) {
        let now = self.clock.now();
        let (mut oldest, mut waiting, mut refuses) = (None, 0, false);
        if let Some(AssignedPartition { queue, .. }) = &self.assigned {
            let in_flight = self.in_flight.as_ref().map(|f| &f.notification);
            oldest = in_flight
                .and_then(Notification::oldest)
                .into_iter()
                .chain(queue.oldest())
                .min();
            waiting = queue.unsent() + in_flight.map_or(0, |n| n.count);
            refuses = queue.refuses_all();
        }
        let age = |arrived: i64| Duration::from_millis(u64::try_from(now - arrived).unwrap_or(0));
        self.observer.turned(oldest.map(age), waiting);
        self.observer
            .dead_letters_waiting(self.dead_letters.waiting());
        self.observer.refusing(refuses);
        let not_ready = self.trouble.clone();
        let not_ready = not_ready.or_else(|| self.dead_letters.trouble());
        if self.reported.as_ref() != Some(&not_ready) {
            if let Some(NotReady { reason, remedy }) = &not_ready {
                tracing::warn!(sink = self.sink.name, reason, "{remedy}");
            }
            self.observer.readiness(not_ready.as_ref());
            self.reported = Some(not_ready);
        }
    }

    /// Poll the consumer, which also serves the group, and offer the record to the queue if there is one.
    fn read(&mut self) {
        let wait = if self.in_flight.is_some() {
            IN_FLIGHT_TURN
        } else {
            self.until_next_request()
        };
        let SinkLoop {
            follower,
            assigned,
            sink,
            observer,
            dead_letters,
            clock,
            uncommitted,
            ..
        } = self;
        let turn = follower.turn(wait, &mut |record, _| {
            if let Some(AssignedPartition { queue, backlog, .. }) = assigned {
                *uncommitted = true;
                let reader = AlertReader {
                    queue,
                    backlog,
                    dead_letters,
                    sink,
                    observer,
                    now: clock.now(),
                };
                reader.offer(&record);
            }
        });
        match turn {
            FollowerEvent::Record => self.trouble = None,
            FollowerEvent::Idle => {}
            FollowerEvent::Assigned(assigned) => self.begin(&assigned),
            FollowerEvent::Changed { changed, end, .. } => self.changed(changed, end),
            FollowerEvent::Resumed { expired, .. } => {
                self.log_expired(expired);
                self.trouble = None;
            }
            FollowerEvent::Spare => self.trouble = None,
            FollowerEvent::Revoked(_) => {
                self.forget_partition();
                tracing::info!(
                    sink = self.sink.name,
                    "the alerts partition was revoked; another process notifies the sink"
                );
            }
            FollowerEvent::Trouble(trouble) => self.trouble = Some(trouble),
        }
    }

    /// Forget all that is not committed: the next owner of the partition starts from the commit.
    fn forget_partition(&mut self) {
        self.assigned = None;
        self.in_flight = None;
        self.uncommitted = false;
        self.dead_letters.clear();
        self.resent.forget();
    }

    fn write_dead_letters(&mut self) {
        let now = self.clock.now();
        self.finish_dead_letters();
        self.dead_letters.start(now);
    }

    fn finish_dead_letters(&mut self) {
        let Some(written) = self.dead_letters.finished(self.clock.now()) else {
            return;
        };
        let alerts = written.offsets.len();
        if let Some(AssignedPartition { queue, .. }) = &mut self.assigned {
            queue.dead_letters_written(&written.offsets, written.cause.settles);
            self.uncommitted = true;
        }
        self.observer.dead_lettered(written.cause.reason, alerts);
        tracing::error!(
            sink = self.sink.name,
            reason = written.cause.reason,
            detail = written.cause.detail,
            alerts,
            stored = written.found,
            "alerts were written to the dead-letter topic"
        );
    }

    fn until_next_request(&self) -> Duration {
        let assigned = self.assigned.as_ref();
        if !assigned.is_some_and(|assigned| assigned.queue.waits()) {
            return IDLE_TURN;
        }
        let ms = self.pace.next_ms().saturating_sub(self.clock.now());
        Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(IDLE_TURN)
    }

    fn start_request(&mut self) {
        let now = self.clock.now();
        if self.in_flight.is_some() || self.pace.next_ms() > now {
            return;
        }
        let assigned = self.assigned.as_mut();
        let Some(notification) = assigned.and_then(|assigned| assigned.queue.next(now)) else {
            return;
        };
        let template = self.sink.template.as_deref();
        let message = Message::new(&self.sink.name, &notification, self.undelivered, template);
        for (part, fault) in &message.template_faults {
            self.observer.template_failed(part, fault.reason());
        }
        let sent_ms = now_ms();
        let requests = self.sink.endpoint.requests(&message, sent_ms);
        let firing = self.sink.endpoint.firing(&message, sent_ms);
        let client = self.client.clone();
        let (sender, answer) = mpsc::sync_channel(1);
        self.pace.request_sent(now);
        self.handle.spawn(async move {
            // It fails if the partition was revoked meanwhile: then the answer is not needed.
            let _ = sender.send(client.send(requests).await);
        });
        self.in_flight = Some(InFlight {
            notification,
            kind: message.kind,
            firing,
            answer,
        });
    }

    fn commit_if_due(&mut self) {
        if self.uncommitted && self.committed_at.elapsed() >= COMMIT_INTERVAL {
            self.commit(false);
        }
    }

    fn commit(&mut self, wait: bool) {
        let Some(AssignedPartition {
            partition, queue, ..
        }) = &mut self.assigned
        else {
            return;
        };
        let (position, metadata) = queue.committable();
        let metadata = metadata.to_text(position.0);
        self.committed_at = Instant::now();
        let committed = self.follower.commit(*partition, position, &metadata, wait);
        match committed {
            Ok(()) => self.uncommitted = false,
            Err(error) => tracing::debug!(sink = self.sink.name, %error, "offset commit failed"),
        }
    }

    /// Wait for the request in flight and the dead letters being written, then commit.
    fn end(mut self) {
        let deadline = Instant::now() + SHUTDOWN_TIMEOUT;
        while (self.in_flight.is_some() || self.dead_letters.can_finish())
            && Instant::now() < deadline
        {
            std::thread::sleep(IN_FLIGHT_TURN);
            self.take_answer();
            self.finish_dead_letters();
        }
        self.commit(true);
    }
}
