//! One member of a consumer group on a topic of one partition: reads it in order, commits when it
//! is told to, with a note beside the position. Committed records only.
//! Invariant: nothing is read before the group's position is known, and nothing is committed by a
//! member that lost the partition.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset as KafkaOffset, TopicPartitionList};
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::client::{ClientError, Cluster, answer_at_once, log_line};
use super::record::{commit_metadata, raw_record};
use super::session::{NotReady, is_unreadable};
use crate::event::{NextOffset, RawRecord};

/// Longest wait for one answer of the cluster.
const QUESTION: Duration = Duration::from_secs(5);

/// Pause before a question that was not answered is put again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

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
    },
    /// Another member has the partition, and we wait for our turn.
    Spare,
    /// The partition is somebody else's: forget what was not committed.
    Revoked,
    /// Something to repair.
    Trouble(NotReady),
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
    topic: String,
    begin_at_ms: i64,
    /// Assigned, position not known yet; not asked for before then.
    pending: Option<Instant>,
    assigned: bool,
    paused: bool,
}

impl Follower {
    /// Join `group`; the partition arrives as [`Turn::Assigned`]. A group without a position begins
    /// with the first record written at `begin_at_ms` or later, ms since the Unix epoch.
    ///
    /// # Errors
    /// librdkafka refuses the properties.
    pub fn join(
        cluster: &Cluster,
        topic: &str,
        group: &str,
        begin_at_ms: i64,
    ) -> Result<Follower, ClientError> {
        let consumer: BaseConsumer<Context> = cluster
            .client_config(
                group,
                &[
                    ("session.timeout.ms", "15000"),
                    ("fetch.wait.max.ms", "100"),
                    ("queued.max.messages.kbytes", "2048"),
                    ("topic.metadata.refresh.interval.ms", "30000"),
                ],
                &[
                    ("group.id", group),
                    ("partition.assignment.strategy", "cooperative-sticky"),
                    ("enable.auto.commit", "false"),
                    ("enable.auto.offset.store", "false"),
                    // Positions are given explicitly; one that expired meanwhile goes to the start.
                    ("auto.offset.reset", "earliest"),
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
            topic: topic.to_owned(),
            begin_at_ms,
            pending: None,
            assigned: false,
            paused: false,
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
        match self.consumer.poll(wait) {
            None => Turn::Idle,
            // What was fetched before a revocation is somebody else's.
            Some(Ok(message)) if self.assigned => {
                take(&raw_record(&message, &self.topic));
                Turn::Record
            }
            Some(Ok(_)) => Turn::Idle,
            Some(Err(error)) => self.trouble(&error),
        }
    }

    fn rebalanced(&mut self) -> Option<Turn> {
        let event = self.consumer.context().rebalances().pop_front()?;
        Some(match event {
            Rebalance::Revoke => {
                self.pending = None;
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

    /// Find the position and take the partition over from there.
    fn begin(&mut self) -> Turn {
        match self.try_begin() {
            Ok(turn) => {
                self.pending = None;
                self.assigned = true;
                turn
            }
            Err(error) => {
                self.pending = Some(Instant::now() + ASK_AGAIN);
                match self.trouble(&error) {
                    Turn::Idle => Turn::Trouble(NotReady {
                        reason: "unreachable",
                        remedy: format!("ask for the position in {}: {error}", self.topic),
                    }),
                    turn => turn,
                }
            }
        }
    }

    fn try_begin(&self) -> KafkaResult<Turn> {
        let (low, high) = self.consumer.fetch_watermarks(&self.topic, 0, QUESTION)?;
        let committed = self.committed()?;
        let is_first = committed.is_none();
        let (position, note) = match committed {
            Some(committed) => committed,
            None => (self.beginning(high)?, String::new()),
        };
        // Past the end is a topic that was made anew.
        let from = if position > high {
            low
        } else {
            position.max(low)
        };
        self.consumer.incremental_assign(&self.list(from)?)?;
        if is_first {
            // From here on it is this group's position, whenever the first alert comes.
            self.commit_offset(NextOffset(from), "", true)?;
        }
        Ok(Turn::Assigned {
            from: NextOffset(from),
            note: if from == position {
                note
            } else {
                String::new()
            },
            expired: u64::try_from(from - position).unwrap_or(0),
        })
    }

    fn committed(&self) -> KafkaResult<Option<(i64, String)>> {
        let list = self.list_with(KafkaOffset::Invalid)?;
        let answer = self.consumer.committed_offsets(list, QUESTION)?;
        for element in answer.elements() {
            element.error()?;
            if let KafkaOffset::Offset(next) = element.offset() {
                return Ok(Some((next, commit_metadata(&element))));
            }
        }
        Ok(None)
    }

    fn beginning(&self, high: i64) -> KafkaResult<i64> {
        let wanted = self.list_with(KafkaOffset::Offset(self.begin_at_ms))?;
        let answer = self.consumer.offsets_for_times(wanted, QUESTION)?;
        let found = answer.elements().iter().find_map(|e| match e.offset() {
            KafkaOffset::Offset(offset) => Some(offset),
            _ => None,
        });
        Ok(found.unwrap_or(high))
    }

    /// Stop or go on reading; the group is served in either case.
    pub fn pause(&mut self, paused: bool) {
        if paused == self.paused || !self.assigned {
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

    /// Read on from the group's position, which arrives as [`Turn::Assigned`] once more.
    pub fn rewind(&mut self) {
        if std::mem::replace(&mut self.assigned, false) {
            let list = self.list_with(KafkaOffset::Invalid);
            let done = list.and_then(|list| self.consumer.incremental_unassign(&list));
            if let Err(error) = done {
                tracing::debug!(%error, "rewind");
            }
            self.paused = false;
            self.pending = Some(Instant::now() + ASK_AGAIN);
        }
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
        element.set_metadata(note);
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

    fn trouble(&self, error: &KafkaError) -> Turn {
        let topic = &self.topic;
        let trouble = |reason, remedy| Turn::Trouble(NotReady { reason, remedy });
        match error.rdkafka_error_code() {
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
                let remedy = format!("create {topic} (watchbell topics create), or grant Describe");
                trouble("topic_missing", remedy)
            }
            Some(Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed) => {
                let remedy = format!("grant Read on {topic} and on the sink's group: {error}");
                trouble("not_authorized", remedy)
            }
            Some(Code::Authentication | Code::SaslAuthenticationFailed) => {
                trouble("authentication", format!("check the credentials: {error}"))
            }
            _ if is_unreadable(error) => trouble(
                "unreadable",
                format!(
                    "a record of {topic} is damaged ({error}): make a sound replica the leader of its \
                     partition; where there is none, move the position of the sink's group past it"
                ),
            ),
            _ => {
                tracing::debug!(%error, topic, "follow");
                Turn::Idle
            }
        }
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
