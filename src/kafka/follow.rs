//! One member of a consumer group on a topic of one partition: reads it in order, commits when it
//! is told to, with a note beside the position. Committed records only.
//! Invariant: nothing is read before the group's position is known and the topic is seen to be the one
//! that it was made on, and nothing is committed by a member that lost the partition.

mod begin;
mod repair;
mod trail;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset as KafkaOffset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;

use super::client::{ClientError, Cluster, answer_at_once, log_line};
use super::fault::{ReadingFault, is_missing, reading_fault};
use super::record::raw_record;
use super::session::{LastRecord, NotReady};
use crate::event::{NextOffset, RawRecord};
use repair::{to_repair, to_repair_for_answer};
use trail::Trail;

/// Longest wait for one answer of the cluster.
const QUESTION: Duration = Duration::from_secs(5);

/// How often the topic's end is looked at while it is read.
const END_CHECK: Duration = Duration::from_secs(10);

/// What a turn brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Idle,
    /// A record, which was handed over.
    Record,
    /// The partition is ours: go on from here. `note` stood beside the committed position.
    Assigned {
        /// The next record to come.
        from: NextOffset,
        /// Empty where nobody left one.
        note: String,
        /// Records that expired before they were read.
        expired: u64,
        /// The topic's end: what is written from here on comes after the assignment.
        end: NextOffset,
        /// Whether the group had no position.
        first: bool,
        /// Set where the topic is no longer what it was when the position was committed.
        changed: Option<Changed>,
    },
    /// The topic is no longer what it was, while it was being read. It is read on from what is new.
    Changed {
        /// What is new.
        changed: Changed,
        /// The topic's end.
        end: NextOffset,
    },
    /// The topic was looked into and is the same; reading goes on.
    Resumed {
        /// Records that expired before they were read.
        expired: u64,
    },
    /// Another member has the partition, and we wait for our turn.
    Spare,
    /// The partition is somebody else's: forget what was not committed.
    Revoked,
    /// Something to repair.
    Trouble(NotReady),
}

/// What is left of a topic that lost records, or was deleted and created anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The first record that was not read before.
    pub first_new: NextOffset,
    /// Whether the records before it are those that were read; otherwise nothing is left of them.
    pub kept: bool,
}

enum Rebalance {
    Assign(Vec<i32>),
    Revoke,
}

#[derive(Default)]
struct Context {
    rebalances: Mutex<VecDeque<Rebalance>>,
    closing: AtomicBool,
    commit_failed: AtomicBool,
}

impl Context {
    fn rebalances(&self) -> MutexGuard<'_, VecDeque<Rebalance>> {
        self.rebalances
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let assign = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        // A revocation is answered here, so that nothing more is read; an assignment waits for the
        // position. While closing both are, since a close waits for the answer.
        if assign && !self.closing.load(Ordering::Acquire) {
            let partitions = list.elements().iter().map(|e| e.partition()).collect();
            self.rebalances().push_back(Rebalance::Assign(partitions));
            return;
        }
        if !assign {
            self.rebalances().push_back(Rebalance::Revoke);
        }
        answer_at_once(consumer, assign, list);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::debug!(%error, "commit a position");
            self.commit_failed.store(true, Ordering::Release);
        }
    }
}

/// A member of a group.
pub struct Follower {
    consumer: BaseConsumer<Context>,
    cluster: Cluster,
    topic: String,
    group: String,
    /// Not read: the position, or what has become of the topic, is asked for then.
    pending: Option<Instant>,
    assigned: bool,
    paused: bool,
    /// What was read, and what comes next.
    trail: Trail,
    next: i64,
    /// Since when the topic ends before what was read of it.
    past_end_since: Option<Instant>,
    end_checked: Instant,
}

impl Follower {
    /// Join `group`; the partition arrives as [`Turn::Assigned`]. A group without a position begins
    /// with the oldest record.
    ///
    /// # Errors
    /// librdkafka refuses the properties.
    pub fn join(cluster: &Cluster, topic: &str, group: &str) -> Result<Follower, ClientError> {
        let consumer: BaseConsumer<Context> = cluster
            .client_config(
                group,
                &[
                    ("session.timeout.ms", "15000"),
                    ("fetch.wait.max.ms", "100"),
                    ("queued.max.messages.kbytes", "2048"),
                    ("topic.metadata.refresh.interval.ms", "30000"),
                    // That a topic was deleted is said at once, since it may be there again soon.
                    ("topic.metadata.propagation.max.ms", "1000"),
                ],
                &[
                    ("group.id", group),
                    ("partition.assignment.strategy", "cooperative-sticky"),
                    ("enable.auto.commit", "false"),
                    ("enable.auto.offset.store", "false"),
                    // Positions are given explicitly; one that is not there is looked into.
                    ("auto.offset.reset", "error"),
                    ("isolation.level", "read_committed"),
                    // What was damaged on disk or on the way is an error, never a record.
                    ("check.crcs", "true"),
                    ("allow.auto.create.topics", "false"),
                ],
            )
            .create_with_context(Context::default())
            .map_err(|error| ClientError::new("create a consumer", &error))?;
        consumer
            .subscribe(&[topic])
            .map_err(|error| ClientError::new("subscribe", &error))?;
        Ok(Follower {
            consumer,
            cluster: cluster.clone(),
            topic: topic.to_owned(),
            group: group.to_owned(),
            pending: None,
            assigned: false,
            paused: false,
            trail: Trail::default(),
            next: 0,
            past_end_since: None,
            end_checked: Instant::now(),
        })
    }

    /// Serve the group for at most `wait`; a record is handed to `take`.
    pub fn turn(&mut self, wait: Duration, take: &mut dyn FnMut(&RawRecord<'_>)) -> Turn {
        if let Some(turn) = self.rebalanced() {
            return turn;
        }
        if self.pending.is_some_and(|at| Instant::now() >= at) {
            return self.begin();
        }
        if self.is_reading() && self.end_checked.elapsed() >= END_CHECK {
            self.check_end();
        }
        match self.consumer.poll(wait) {
            None => Turn::Idle,
            // What was fetched before a revocation, or before the topic was looked into, is not ours.
            Some(Ok(message)) if self.assigned && self.pending.is_none() => {
                let record = raw_record(&message, &self.topic);
                let (offset, time_ms) = (record.position.offset, record.timestamp_ms);
                let last = LastRecord::new(offset, time_ms, record.key, record.value);
                // Thirty-two of the bits are enough to see that it is another record.
                let hash = u32::from_str_radix(&last.hash[..8], 16).unwrap_or_default();
                self.trail.push(offset.0, hash);
                self.next = offset.next().0;
                take(&record);
                Turn::Record
            }
            Some(Ok(_)) => Turn::Idle,
            Some(Err(error)) => self.failed(&error),
        }
    }

    fn is_reading(&self) -> bool {
        self.assigned && self.pending.is_none()
    }

    /// What an error of the client means. One that says that the topic or the position is not there is
    /// looked into before anything more is read.
    fn failed(&mut self, error: &KafkaError) -> Turn {
        let moved = |code| reading_fault(code) == ReadingFault::Position || is_missing(code);
        if error.rdkafka_error_code().is_some_and(moved) {
            self.doubt();
        }
        self.trouble(error)
    }

    /// Read nothing more until it is known what has become of the topic. The partition stays ours.
    fn doubt(&mut self) {
        if !self.is_reading() {
            return;
        }
        let list = self.list_with(KafkaOffset::Invalid);
        let done = list.and_then(|list| self.consumer.incremental_unassign(&list));
        if let Err(error) = done {
            tracing::debug!(%error, "stop reading");
        }
        self.paused = false;
        self.pending = Some(Instant::now());
    }

    /// A topic that ends before what was read of it was cut short, or created anew.
    fn check_end(&mut self) {
        self.end_checked = Instant::now();
        let Some(last) = self.trail.last_offset() else {
            return;
        };
        match self.consumer.fetch_watermarks(&self.topic, 0, QUESTION) {
            Ok((_, high)) if last >= high => self.doubt(),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "ask for the end"),
        }
    }

    fn rebalanced(&mut self) -> Option<Turn> {
        let event = self.consumer.context().rebalances().pop_front()?;
        Some(match event {
            Rebalance::Revoke => {
                self.pending = None;
                self.past_end_since = None;
                self.paused = false;
                if std::mem::replace(&mut self.assigned, false) {
                    Turn::Revoked
                } else {
                    Turn::Idle
                }
            }
            Rebalance::Assign(partitions) if partitions.is_empty() => {
                let empty = TopicPartitionList::new();
                match self.consumer.incremental_assign(&empty) {
                    Ok(()) if self.assigned || self.pending.is_some() => Turn::Idle,
                    Ok(()) => Turn::Spare,
                    Err(error) => self.trouble(&error),
                }
            }
            Rebalance::Assign(partitions) if partitions != [0] => Turn::Trouble(NotReady {
                reason: "partitions",
                remedy: format!(
                    "{} must have exactly one partition: alerts are read in one order",
                    self.topic
                ),
            }),
            Rebalance::Assign(_) => {
                self.pending = Some(Instant::now());
                self.begin()
            }
        })
    }

    /// Stop or go on reading; the group is served in either case.
    pub fn pause(&mut self, paused: bool) {
        if paused == self.paused || !self.is_reading() {
            return;
        }
        let list = self.list_with(KafkaOffset::Invalid);
        let done = list.and_then(|list| match paused {
            true => self.consumer.pause(&list),
            false => self.consumer.resume(&list),
        });
        match done {
            Ok(()) => self.paused = paused,
            Err(error) => tracing::debug!(%error, "pause or resume"),
        }
    }

    /// Commit a position with an ASCII note of at most 4,000 bytes; with `wait` until the answer.
    ///
    /// # Errors
    /// The cluster refuses, or without `wait` the request cannot be made.
    pub fn commit(&self, next: NextOffset, note: &str, wait: bool) -> Result<(), ClientError> {
        let committed = self.commit_offset(next, note, wait);
        committed.map_err(|error| ClientError::new("commit a position", &error))
    }

    /// Whether a commit that nobody waited for has failed since the last call.
    pub fn commit_failed(&self) -> bool {
        let context = self.consumer.context();
        context.commit_failed.swap(false, Ordering::AcqRel)
    }

    fn commit_offset(&self, next: NextOffset, note: &str, wait: bool) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition(&self.topic, 0);
        element.set_offset(KafkaOffset::Offset(next.0))?;
        element.set_metadata(self.trail.beside(note));
        let mode = if wait {
            CommitMode::Sync
        } else {
            CommitMode::Async
        };
        self.consumer.commit(&list, mode)
    }

    fn list(&self, from: i64) -> KafkaResult<TopicPartitionList> {
        self.list_with(KafkaOffset::Offset(from))
    }

    fn list_with(&self, offset: KafkaOffset) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, 0, offset)?;
        Ok(list)
    }

    /// What an error of the client is to a sink.
    fn trouble(&self, error: &KafkaError) -> Turn {
        match to_repair((&self.topic, &self.group), error) {
            Some(state) => Turn::Trouble(state),
            None => {
                tracing::debug!(%error, topic = self.topic, "follow");
                Turn::Idle
            }
        }
    }

    /// What a request that failed means: without its answer nothing is read.
    fn unanswered(&self, error: &KafkaError) -> NotReady {
        let state = to_repair_for_answer((&self.topic, &self.group), error);
        state.unwrap_or_else(|| NotReady {
            reason: "unreachable",
            remedy: format!("ask for the position in {}: {error}", self.topic),
        })
    }
}

impl Drop for Follower {
    /// Leave the group; an assignment that was never answered is answered first.
    fn drop(&mut self) {
        let context = self.consumer.context();
        context.closing.store(true, Ordering::Release);
        let unanswered = matches!(context.rebalances().pop_front(), Some(Rebalance::Assign(_)));
        if unanswered || self.pending.is_some() {
            let answer = self
                .list_with(KafkaOffset::End)
                .and_then(|list| self.consumer.incremental_assign(&list));
            if let Err(error) = answer {
                tracing::debug!(%error, "answer a rebalance before leaving");
            }
        }
    }
}
