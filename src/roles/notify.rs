//! Notify: the alerts topic to one sink. Kafka is the queue, a consumer group of the sink's own the
//! position in it; one request is in flight while the group is served.
//! Telling goes first: dead letters are written beside it.
//! Invariant: a position is committed once the sink has every alert before it, or the dead letters
//! have. What happens in between is memory, and built again from the topic.

mod answers;
mod assigned;
mod clock;
mod config;
mod dead_letters;
mod letters;
mod standing;
mod take;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::clock::now_ms;
use crate::event::Partition;
use crate::kafka::ClientError;
use crate::kafka::follow::{Follower, Partitioning, Turn};
use crate::kafka::session::{NotReady, Shutdown};
use crate::notice::Notice;
use crate::notify::pace::Pace;
use crate::notify::queue::{Notification, Queue};
use crate::notify::standing::StandingAlert;
use crate::notify::{Answer, Client, Message, Sink};
use crate::observe::SinkObserver;
use clock::{Backlog, Clock};
pub use config::NotifyConfig;
use dead_letters::DeadLetters;
use letters::Letters;
use standing::RetoldAlerts;
use take::Taker;

/// Longest turn while nothing is under way.
const IDLE: Duration = Duration::from_millis(100);

/// Longest turn while an answer is waited for.
const IN_FLIGHT: Duration = Duration::from_millis(4);

/// Shortest time between two commits.
const COMMIT_INTERVAL: Duration = Duration::from_millis(50);

/// Longest wait for an answer when asked to stop.
const FAREWELL: Duration = Duration::from_secs(10);

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
    letters: Letters,
    clock: Clock,
    /// Known while the partition is ours.
    ours: Option<Ours>,
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
    /// What is wrong with reading the alerts, and what was last said of readiness.
    trouble: Option<NotReady>,
    not_ready: Option<Option<NotReady>>,
}

/// What is known while the partition is ours.
struct Ours {
    partition: Partition,
    queue: Queue<Arc<Notice>>,
    backlog: Backlog,
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
    let (cluster, group) = (&config.cluster, &config.group);
    let mut state = Loop {
        sink,
        handle,
        observer,
        client: Client::new(sink)?,
        follower: Follower::join(cluster, &config.alerts, group, Partitioning::Single)?,
        letters: Letters::new(DeadLetters::new(config, &sink.name)?),
        clock: Clock::start(),
        ours: None,
        pace: Pace::new(sink.rate),
        in_flight: None,
        standing: RetoldAlerts::new(config, sink),
        undelivered: 0,
        uncommitted: false,
        committed_at: Instant::now(),
        said: None,
        trouble: Some(NotReady {
            reason: "starting",
            remedy: "the alerts topic is being opened".into(),
        }),
        not_ready: Some(None),
    };
    state.not_ready = Some(state.trouble.clone());
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
        self.write_letters();
        self.tell_again();
        self.commit_if_due();
        let room = self.ours.as_ref().is_none_or(|ours| ours.queue.has_room());
        self.follower.pause(!room);
        self.read();
        self.report();
    }

    /// Tell again what is due, beside everything else.
    fn tell_again(&mut self) {
        if self.ours.is_none() {
            return;
        }
        let alerts = self.standing.due();
        if alerts.is_empty() {
            return;
        }
        self.observer.told_again(alerts.len());
        let peers = self.sink.endpoint.again(&alerts);
        let client = self.client.clone();
        let request = async move { client.send_again(peers).await };
        self.standing.telling(self.handle.spawn(request));
    }

    fn report(&mut self) {
        let now = self.clock.now();
        let (mut oldest, mut waiting, mut refuses) = (None, 0, false);
        if let Some(Ours { queue, .. }) = &self.ours {
            let in_flight = self.in_flight.as_ref().map(|f| &f.notification);
            oldest = in_flight
                .and_then(Notification::oldest)
                .into_iter()
                .chain(queue.oldest())
                .min();
            waiting = queue.untold() + in_flight.map_or(0, |n| n.count);
            refuses = queue.refuses_all();
        }
        let age = |came: i64| Duration::from_millis(u64::try_from(now - came).unwrap_or(0));
        self.observer.turned(oldest.map(age), waiting);
        self.observer.letters(self.letters.waiting());
        self.observer.refusing(refuses);
        let not_ready = self.trouble.clone().or_else(|| self.letters.trouble());
        if self.not_ready.as_ref() != Some(&not_ready) {
            if let Some(NotReady { reason, remedy }) = &not_ready {
                tracing::warn!(sink = self.sink.name, reason, "{remedy}");
            }
            self.observer.readiness(not_ready.as_ref());
            self.not_ready = Some(not_ready);
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
            ours,
            sink,
            observer,
            letters,
            clock,
            uncommitted,
            ..
        } = self;
        let turn = follower.turn(wait, &mut |record| {
            if let Some(Ours { queue, backlog, .. }) = ours {
                *uncommitted = true;
                let taker = Taker {
                    queue,
                    backlog,
                    letters,
                    sink,
                    observer,
                    now: clock.now(),
                };
                taker.take(record);
            }
        });
        match turn {
            Turn::Record => self.trouble = None,
            Turn::Idle => {}
            Turn::Assigned(assigned) => self.begin(&assigned),
            Turn::Changed { changed, end, .. } => self.changed(changed, end),
            Turn::Resumed { expired, .. } => {
                self.say_expired(expired);
                self.trouble = None;
            }
            Turn::Spare => self.trouble = None,
            Turn::Revoked(_) => {
                self.lose();
                tracing::info!(sink = self.sink.name, "another process tells the sink");
            }
            Turn::Trouble(trouble) => self.trouble = Some(trouble),
        }
    }

    /// Forget what is not committed: whoever reads on does so from the commit.
    fn lose(&mut self) {
        self.ours = None;
        self.in_flight = None;
        self.uncommitted = false;
        self.letters.clear();
        self.standing.forget();
    }

    fn write_letters(&mut self) {
        let now = self.clock.now();
        self.finish_letters();
        self.letters.start(now);
    }

    fn finish_letters(&mut self) {
        let Some(stored) = self.letters.finished(self.clock.now()) else {
            return;
        };
        let alerts = stored.offsets.len();
        if let Some(ours) = &mut self.ours {
            ours.queue.stored(&stored.offsets, stored.settles());
            self.uncommitted = true;
        }
        self.observer.dead_lettered(stored.cause.reason, alerts);
        tracing::error!(
            sink = self.sink.name,
            reason = stored.cause.reason,
            detail = stored.cause.detail,
            alerts,
            stored = stored.found,
            "alerts are among the dead letters"
        );
    }

    fn until_next_request(&self) -> Duration {
        let waits = self.ours.as_ref().is_some_and(|ours| ours.queue.waits());
        if !waits {
            return IDLE;
        }
        let ms = self.pace.next_ms().saturating_sub(self.clock.now());
        Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(IDLE)
    }

    fn start_request(&mut self) {
        let now = self.clock.now();
        if self.in_flight.is_some() || self.pace.next_ms() > now {
            return;
        }
        let Some(notification) = self.ours.as_mut().and_then(|ours| ours.queue.next(now)) else {
            return;
        };
        let template = self.sink.template.as_deref();
        let message = Message::new(&self.sink.name, &notification, self.undelivered, template);
        for (part, fault) in &message.template_faults {
            self.observer.template_failed(part, fault.reason());
        }
        let at_ms = now_ms();
        let requests = self.sink.endpoint.requests(&message, at_ms);
        let standing = self.sink.endpoint.standing(&message, at_ms);
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
        if self.uncommitted && self.committed_at.elapsed() >= COMMIT_INTERVAL {
            self.commit(false);
        }
    }

    fn commit(&mut self, wait: bool) {
        let Some(ours) = &mut self.ours else {
            return;
        };
        let (position, note) = ours.queue.committable();
        let note = note.to_text(position.0);
        self.committed_at = Instant::now();
        let committed = self.follower.commit(ours.partition, position, &note, wait);
        match committed {
            Ok(()) => self.uncommitted = false,
            Err(error) => tracing::debug!(sink = self.sink.name, %error, "commit"),
        }
    }

    /// Let the request and the letters under way end, commit, leave.
    fn end(mut self) {
        let deadline = Instant::now() + FAREWELL;
        while (self.in_flight.is_some() || self.letters.are_being_stored())
            && Instant::now() < deadline
        {
            std::thread::sleep(IN_FLIGHT);
            self.take_answer();
            self.finish_letters();
        }
        self.commit(true);
    }
}
