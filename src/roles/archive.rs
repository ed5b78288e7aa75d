//! The role `archive`: reads one topic and appends its records to a table of the archive. Any number of processes
//! share the partitions of a topic through a consumer group; the positions are in the table, in the same commit as the
//! rows. One batch is gathered while the one before it is stored.
//! Invariant: rows are appended only to where they were read from. After any error everything that is not appended is
//! forgotten and read again from where the table is.

mod care;
mod caretaker;
mod config;
mod encoder;
mod gathered;
mod hold;
mod positions;
mod steadiness;
mod store;
mod storing_file;

use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::archive::with_policy;
use crate::event::Partition;
use crate::json::Memory;
use crate::kafka::ClientError;
use crate::kafka::follow::{Assigned, Follower, FollowerEvent, Partitioning};
use crate::kafka::session::{NotReady, Shutdown};
use crate::observe::ArchiveObserver;
pub use care::{CareConfig, CareConfigError, care};
pub use caretaker::Caretaker;
pub use config::ArchiveConfig;
use encoder::Encoder;
use gathered::Gathered;
use positions::{Bases, TablePositions};
use store::{Failure, SharedTable, Store};

/// Longest turn of the loop.
const TURN: Duration = Duration::from_millis(100);

/// Longest turn of the loop while a batch is being stored.
const STORING_TURN: Duration = Duration::from_millis(10);

/// Longest wait for the storage while a batch is full. A pause takes longer: the client throws away what it has fetched,
/// and fetches it again afterwards.
const FULL_TURN: Duration = Duration::from_millis(500);

/// Records that are read in one turn.
const RECORDS_PER_TURN: usize = 1_000;

/// Longest wait for the storage when asked to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// First and longest pause after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// A failure is forgotten if so long after the pause there is nothing to store.
const FORGIVEN: Duration = Duration::from_secs(60);

/// A storage that takes longer than this for a batch is reported.
const SLOW: Duration = Duration::from_secs(60);

/// Why the loop cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A Kafka client could not be created.
    #[error(transparent)]
    Kafka(#[from] ClientError),
    /// The topic is not the one that is in the archive.
    #[error(
        "partition {partition} of {topic} holds other records than those in the archive: the topic was deleted and \
         created anew, or cut short; archive it under another consumer group (archive.group), so that its records do \
         not take the positions of the old ones"
    )]
    ReCreated {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// Rows could not be made into a file.
    #[error("{0}")]
    Encode(String),
    /// The thread that makes the files could not be started.
    #[error("start a thread that makes data files: {0}")]
    Thread(std::io::Error),
}

impl ArchiveError {
    /// The label of metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            ArchiveError::Kafka(_) => "client",
            ArchiveError::ReCreated { .. } => "re_created",
            ArchiveError::Encode(_) => "encode",
            ArchiveError::Thread(_) => "thread",
        }
    }

    /// What makes two of these errors the same, whichever process finds it; `None` if each is another one.
    pub fn identity(&self) -> Option<String> {
        match self {
            ArchiveError::ReCreated { topic, partition } => Some(format!("{topic}/{partition}")),
            ArchiveError::Kafka(_) | ArchiveError::Encode(_) | ArchiveError::Thread(_) => None,
        }
    }
}

/// The state of the loop of one topic.
struct ArchiveLoop<'l> {
    config: &'l ArchiveConfig,
    observer: &'l ArchiveObserver,
    follower: Follower,
    store: Store,
    bases: Bases,
    gathered: Gathered,
    /// Memory for the document of a record.
    documents: Memory,
    /// Nothing is read before this.
    resume_at: Option<Instant>,
    pause: Duration,
    trouble: Option<NotReady>,
    /// The storage did not take a batch, and has taken none since.
    failing: Option<NotReady>,
    reported: Option<Option<NotReady>>,
}

/// Archive a topic until asked to stop; `handle` runs the requests to the storage.
///
/// # Errors
/// The topic is another one, or a client cannot be created. A cluster or storage that does not answer is retried.
pub fn run(
    config: &ArchiveConfig,
    handle: &Handle,
    shutdown: &Shutdown,
    observer: &ArchiveObserver,
) -> Result<(), ArchiveError> {
    let encoder = Encoder::start(config.kind).map_err(ArchiveError::Thread)?;
    let table = SharedTable::new(config.storage.clone(), config.kind, handle.clone());
    let bases = Bases::default();
    let positions = TablePositions::new(config, table.clone(), bases.clone());
    let follower = Follower::join(
        &config.cluster,
        &config.topic,
        &config.group,
        Partitioning::Any,
    )?;
    let mut state = ArchiveLoop {
        config,
        observer,
        follower: follower.with_positions(Box::new(positions)),
        store: Store::new(table, encoder),
        bases,
        gathered: Gathered::new(config),
        documents: Memory::default(),
        resume_at: None,
        pause: PAUSES.0,
        trouble: Some(NotReady {
            reason: "starting",
            remedy: format!("the table {} is being opened", config.kind.name()),
        }),
        failing: None,
        reported: None,
    };
    let mut ended = Ok(());
    while ended.is_ok() && !shutdown.is_requested() {
        ended = state.turn();
    }
    let ended = ended.and_then(|()| state.end());
    // Whoever is the next owner cares for the tables.
    state.owns_first(false);
    ended
}

impl ArchiveLoop<'_> {
    fn turn(&mut self) -> Result<(), ArchiveError> {
        self.take_stored()?;
        self.store_if_due()?;
        if self.gathered.is_full() && self.store.is_busy() {
            self.store.wait(Instant::now() + FULL_TURN);
            self.take_stored()?;
            self.store_if_due()?;
        }
        let is_full = self.gathered.is_full() && self.store.is_busy();
        let rests = self.resume_at.is_some_and(|at| Instant::now() < at);
        self.follower.pause(is_full || rests);
        let wait = match self.store.is_busy() {
            true => STORING_TURN,
            false => TURN,
        };
        for _ in 0..RECORDS_PER_TURN {
            let event = self.read(wait);
            if event != FollowerEvent::Record {
                self.serve(event)?;
                break;
            }
            if self.gathered.is_full() {
                break;
            }
        }
        self.report();
        Ok(())
    }

    fn read(&mut self, wait: Duration) -> FollowerEvent {
        let ArchiveLoop {
            config,
            follower,
            gathered,
            documents,
            ..
        } = self;
        let policy = config.policy.as_deref();
        follower.turn(wait, &mut |record, hash| {
            with_policy(policy, Some(documents), record, |emitted| {
                gathered.push(emitted, hash);
            });
        })
    }

    fn serve(&mut self, event: FollowerEvent) -> Result<(), ArchiveError> {
        match event {
            FollowerEvent::Record | FollowerEvent::Idle => {}
            FollowerEvent::Assigned(assigned) => self.begin(&assigned)?,
            FollowerEvent::Changed { partition, .. } => return Err(self.re_created(partition)),
            FollowerEvent::Resumed { partition, expired } => {
                self.note_expired(partition, expired);
                self.trouble = None;
            }
            FollowerEvent::Spare => (self.trouble, self.failing) = (None, None),
            FollowerEvent::Revoked(partitions) => {
                if partitions.contains(&Partition(0)) {
                    self.owns_first(false);
                }
                // What was read of them is stored soon; it is refused if the next owner was faster.
                self.gathered.hurry();
            }
            FollowerEvent::Trouble(trouble) => self.trouble = Some(trouble),
        }
        Ok(())
    }

    fn begin(&mut self, assigned: &Assigned) -> Result<(), ArchiveError> {
        if assigned.changed.is_some() {
            return Err(self.re_created(assigned.partition));
        }
        if self.gathered.holds(assigned.partition) {
            // It was taken from us and is ours again before its rows were stored: they would come twice.
            self.gathered.clear();
            self.follower.begin_again();
            return Ok(());
        }
        self.note_expired(assigned.partition, assigned.expired);
        let base = self.bases.get(assigned.partition);
        self.gathered.begin(assigned.partition, base);
        if assigned.partition == Partition(0) {
            self.owns_first(true);
        }
        self.trouble = None;
        tracing::info!(
            topic = self.config.topic,
            partition = assigned.partition.0,
            from = assigned.from.0,
            "archive a partition"
        );
        Ok(())
    }

    fn owns_first(&self, owns: bool) {
        if let Some(caretaker) = &self.config.caretaker {
            caretaker.owns(owns);
        }
    }

    fn re_created(&self, partition: Partition) -> ArchiveError {
        ArchiveError::ReCreated {
            topic: self.config.topic.clone(),
            partition: partition.0,
        }
    }

    fn note_expired(&self, partition: Partition, expired: u64) {
        if expired > 0 {
            self.observer.expired(expired);
            tracing::error!(
                topic = self.config.topic,
                partition = partition.0,
                records = expired,
                "records expired in the topic before they were archived"
            );
        }
    }

    /// Hand what was gathered to the store, if the store is free and it is time.
    fn store_if_due(&mut self) -> Result<(), ArchiveError> {
        if self.store.is_busy() || !self.gathered.is_due(Instant::now()) {
            return Ok(());
        }
        let batch = self
            .gathered
            .take()
            .map_err(|error| ArchiveError::Encode(error.to_string()))?;
        self.store.begin(batch);
        Ok(())
    }

    /// What has become of the batch that is being stored.
    fn take_stored(&mut self) -> Result<(), ArchiveError> {
        match self.store.finished() {
            None => {}
            Some(Ok(stored)) => {
                self.pause = PAUSES.0;
                self.resume_at = None;
                self.failing = None;
                self.observer.stored(stored.rows, stored.bytes);
                self.gathered.reuse(stored.memory);
                for (partition, next) in stored.positions {
                    // For dashboards only; nobody reads it back.
                    if let Err(error) = self.follower.commit(partition, next, "", false) {
                        tracing::debug!(%error, "commit the position for dashboards");
                    }
                }
            }
            Some(Err(failure)) => self.failed(failure)?,
        }
        Ok(())
    }

    /// Forget what is not in the table, and read it again.
    fn failed(&mut self, failure: Failure) -> Result<(), ArchiveError> {
        self.gathered.clear();
        self.follower.begin_again();
        match failure {
            Failure::Encode(why) => return Err(ArchiveError::Encode(why)),
            Failure::Moved(which) => {
                self.failing = None;
                tracing::info!(
                    position = which,
                    "another process has archived these records"
                );
            }
            Failure::Storage(why) => {
                self.observer.failed();
                self.resume_at = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(PAUSES.1);
                self.failing = Some(NotReady {
                    reason: "storage",
                    remedy: why,
                });
            }
        }
        Ok(())
    }

    fn report(&mut self) {
        self.observer.turned(self.gathered.rows());
        let trouble = self.trouble();
        if self.reported.as_ref() != Some(&trouble) {
            if let Some(NotReady { reason, remedy }) = &trouble {
                tracing::warn!(topic = self.config.topic, reason, "{remedy}");
            }
            self.observer.readiness(trouble.as_ref());
            self.reported = Some(trouble);
        }
    }

    /// Why it is not ready. A failure of the storage is one until a batch is stored, since positions can often be read
    /// where nothing can be written; if the records went to another process, there is none.
    fn trouble(&mut self) -> Option<NotReady> {
        let now = Instant::now();
        let is_idle = self.gathered.is_empty() && !self.store.is_busy();
        if is_idle && self.resume_at.is_none_or(|at| now > at + FORGIVEN) {
            self.failing = None;
        }
        let slow = self.store.busy_for(now) > SLOW;
        let slow = slow.then(|| NotReady {
            reason: "storage",
            remedy: format!(
                "{} has not taken a batch for {} s",
                self.config.storage.url(),
                SLOW.as_secs()
            ),
        });
        let failing = self.failing.clone().or(slow);
        failing.or_else(|| self.trouble.clone())
    }

    /// Store what was gathered, and wait for it. What is not stored in time is read again after the next start.
    fn end(&mut self) -> Result<(), ArchiveError> {
        let deadline = Instant::now() + SHUTDOWN_TIMEOUT;
        self.store.wait(deadline);
        self.take_stored()?;
        if !self.gathered.is_empty() {
            self.gathered.hurry();
            self.store_if_due()?;
            self.store.wait(deadline);
            self.take_stored()?;
        }
        Ok(())
    }
}
