//! One member of a consumer group on a topic of one partition: reads it in order, commits when it
//! is told to, with a note beside the position. Committed records only.
//! Invariant: nothing is read before the group's position is known and the topic is seen to be the one
//! that it was made on, and nothing is committed by a member that lost the partition.

mod trail;

use std::collections::VecDeque;
use std::ops::ControlFlow;
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
use super::session::{LastRecord, NotReady};
use super::span::Span;
use super::topic_reader::{ReadError, TopicReader};
use crate::event::{NextOffset, Offset, Partition, RawRecord};
use trail::{Trail, Verdict};

/// Longest wait for one answer of the cluster.
const QUESTION: Duration = Duration::from_secs(5);

/// Pause before a question that was not answered is put again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How long the topic may end before what was read of it, until that is believed: a leader that has just
/// been elected can lag behind for a moment.
const PAST_END_PATIENCE: Duration = Duration::from_secs(10);

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
    Resumed,
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
    begin_at_ms: i64,
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
            begin_at_ms,
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
        if let Some(
            Code::AutoOffsetReset
            | Code::OffsetOutOfRange
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicId,
        ) = error.rdkafka_error_code()
        {
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

    /// Find the position, or what has become of the topic meanwhile, and read from there.
    fn begin(&mut self) -> Turn {
        match self.try_begin() {
            Ok(Some(turn)) => {
                self.pending = None;
                self.past_end_since = None;
                self.end_checked = Instant::now();
                self.assigned = true;
                turn
            }
            Ok(None) => {
                self.pending = Some(Instant::now() + ASK_AGAIN);
                Turn::Trouble(NotReady {
                    reason: "positions",
                    remedy: format!(
                        "{} ends before what the sink has read of it; if that stays so, it is \
                         taken for a topic that was cut short or created anew",
                        self.topic
                    ),
                })
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

    /// `None` while it is not to be believed yet what the topic looks like.
    fn try_begin(&mut self) -> KafkaResult<Option<Turn>> {
        let (low, high) = self.consumer.fetch_watermarks(&self.topic, 0, QUESTION)?;
        let mut note = String::new();
        let mut is_first = false;
        if !self.assigned {
            let committed = self.committed()?;
            is_first = committed.is_none();
            (self.next, note, self.trail) = match committed {
                Some((position, metadata)) => {
                    let (note, trail) = Trail::split(&metadata);
                    (position, note.to_owned(), trail)
                }
                None => (self.beginning(high)?, String::new(), Trail::default()),
            };
        }
        let ends_early = self.next > high || self.trail.last_offset() >= Some(high);
        if ends_early {
            let since = *self.past_end_since.get_or_insert_with(Instant::now);
            if since.elapsed() < PAST_END_PATIENCE {
                return Ok(None);
            }
        }
        let changed = self.compare(low, high)?;
        let end = NextOffset(high);
        let turn = match (changed, self.assigned) {
            (None, false) => {
                let from = self.next.max(low);
                let expired = u64::try_from(from - self.next).unwrap_or(0);
                if expired > 0 {
                    note.clear();
                }
                self.next = from;
                Turn::Assigned {
                    from: NextOffset(from),
                    note,
                    expired,
                    end,
                    changed,
                }
            }
            (None, true) => {
                self.next = self.next.max(low);
                Turn::Resumed
            }
            (Some(changed), is_ours) => {
                self.trail
                    .cut(if changed.kept { changed.first_new.0 } else { 0 });
                match is_ours {
                    true => {
                        self.next = changed.first_new.0;
                        Turn::Changed { changed, end }
                    }
                    false => {
                        let kept = changed.kept.then_some(self.next.max(low));
                        let first_new = changed.first_new.0;
                        self.next = kept.map_or(first_new, |kept| kept.min(first_new));
                        Turn::Assigned {
                            from: NextOffset(self.next),
                            note,
                            expired: 0,
                            end,
                            changed: Some(changed),
                        }
                    }
                }
            }
        };
        self.consumer.incremental_assign(&self.list(self.next)?)?;
        if is_first {
            // From here on it is this group's position, whenever the first alert comes.
            self.commit_offset(NextOffset(self.next), "", true)?;
        }
        Ok(Some(turn))
    }

    /// See whether the topic is the one that was read.
    fn compare(&mut self, low: i64, high: i64) -> KafkaResult<Option<Changed>> {
        let cluster = self.consumer.client().fetch_cluster_id(QUESTION);
        let cluster = cluster.filter(|id| id.is_ascii()).unwrap_or_default();
        let other_cluster =
            !self.trail.cluster.is_empty() && !cluster.is_empty() && self.trail.cluster != cluster;
        let mut reader = None;
        let judged = self.trail.judge((low, high), &mut |offset| {
            let reader = match &mut reader {
                Some(reader) => reader,
                none => none.insert(TopicReader::open(
                    &self.cluster,
                    &self.group,
                    &self.topic,
                    QUESTION,
                )?),
            };
            hash_at(reader, offset)
        });
        let verdict = judged.map_err(|error| {
            tracing::debug!(%error, "compare the topic with what was read");
            KafkaError::MetadataFetch(Code::OperationTimedOut)
        })?;
        self.trail.cluster = cluster;
        // Without a trail, a position beyond the end is all that is known.
        let past_end = verdict == Verdict::Unknown && self.next > high;
        Ok(match verdict {
            Verdict::CutShort { first_new } => Some(Changed {
                first_new: NextOffset(first_new),
                kept: true,
            }),
            Verdict::Unknown if !(past_end || other_cluster) => None,
            Verdict::ReCreated | Verdict::Unknown => Some(Changed {
                first_new: NextOffset(low),
                kept: false,
            }),
            Verdict::Same => None,
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
            _ => {
                tracing::debug!(%error, topic, "follow");
                Turn::Idle
            }
        }
    }
}

/// What stands at an offset, as [`Trail`] remembers it; `None` where no record is.
fn hash_at(reader: &TopicReader, offset: i64) -> Result<Option<u32>, ReadError> {
    let span = Span {
        partition: Partition(0),
        from: Offset(offset),
        to: Offset(offset).next(),
    };
    let mut found = None;
    reader.read(&[span], &|| false, &mut |record| {
        let last = LastRecord::new(
            record.position.offset,
            record.timestamp_ms,
            record.key,
            record.value,
        );
        found = Some(last);
        ControlFlow::Break(())
    })?;
    let found = found.map(|last| last.hash);
    Ok(found.and_then(|hash| u32::from_str_radix(&hash[..8], 16).ok()))
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
