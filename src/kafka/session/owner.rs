//! The ownership group: which partitions are ours, as the destination cluster sees it.
//! The rebalance callback only records; the session's loop answers when it has put its own house
//! in order. Once closing, the callback answers by itself: a close waits for that answer for ever.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, ConsumerGroupMetadata,
};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset as KafkaOffset, TopicPartitionList};
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::config::SessionConfig;
use super::positions::CommitMetadata;
use crate::event::{NextOffset, Partition};
use crate::kafka::ClientError;
use crate::kafka::client::log_line;

/// A rebalance that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rebalance {
    Assign(Vec<Partition>),
    /// `lost`: somebody else may own them already; nothing may be committed for them.
    Revoke {
        partitions: Vec<Partition>,
        lost: bool,
    },
}

/// A committed position with what was noted beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) next: NextOffset,
    pub(super) metadata: CommitMetadata,
}

#[derive(Default)]
struct OwnerContext {
    rebalances: Mutex<VecDeque<Rebalance>>,
    closing: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for OwnerContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ConsumerContext for OwnerContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let assign = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Acquire) {
            let answer = if assign {
                consumer.incremental_assign(list)
            } else {
                consumer.incremental_unassign(list)
            };
            if let Err(error) = answer {
                tracing::debug!(%error, "answer a rebalance while closing");
            }
            return;
        }
        let elements = list.elements();
        let partitions = elements.iter().map(|e| Partition(e.partition())).collect();
        lock(&self.rebalances).push_back(if assign {
            Rebalance::Assign(partitions)
        } else {
            Rebalance::Revoke {
                partitions,
                lost: consumer.assignment_lost(),
            }
        });
    }
}

/// A member of the ownership group.
pub(super) struct Owner {
    /// Shared with a commit that waits for its answer.
    consumer: Arc<BaseConsumer<OwnerContext>>,
    topic: String,
}

impl Owner {
    /// Join the group; partitions arrive as [`Rebalance`] values.
    pub(super) fn join(config: &SessionConfig, topic: String) -> Result<Owner, ClientError> {
        let session_timeout_ms = config.session_timeout_ms.to_string();
        let client = config.destination.client_config(
            &format!("owner-{}", config.transactional_id()),
            &[
                ("topic.metadata.refresh.interval.ms", "30000"),
                ("max.poll.interval.ms", "120000"),
            ],
            &[
                ("group.id", &config.group),
                ("session.timeout.ms", &session_timeout_ms),
                ("partition.assignment.strategy", "cooperative-sticky"),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("auto.offset.reset", "error"),
                // A position inside an open transaction is waited for, never guessed.
                ("isolation.level", "read_committed"),
                ("allow.auto.create.topics", "false"),
            ],
        );
        let consumer: BaseConsumer<OwnerContext> = client
            .create_with_context(OwnerContext::default())
            .map_err(|error| ClientError::new("create the ownership consumer", &error))?;
        consumer
            .subscribe(&[&topic])
            .map_err(|error| ClientError::new("subscribe to the ownership topic", &error))?;
        Ok(Owner {
            consumer: Arc::new(consumer),
            topic,
        })
    }

    /// Serve the group; at most one error is returned a call, rebalances are recorded.
    pub(super) fn poll(&self, wait: Duration) -> Option<KafkaError> {
        // Records can only come where the source topic itself is subscribed, in the moment
        // between assign and pause. The reader reads them by itself.
        self.consumer.poll(wait).and_then(Result::err)
    }

    pub(super) fn next_rebalance(&self) -> Option<Rebalance> {
        lock(&self.consumer.context().rebalances).pop_front()
    }

    /// Take partitions over: at the end, paused, since their records are of no interest here.
    pub(super) fn answer_assign(&self, partitions: &[Partition]) -> KafkaResult<()> {
        let list = self.list(partitions.iter().map(|p| (*p, KafkaOffset::End)))?;
        self.consumer.incremental_assign(&list)?;
        self.consumer.pause(&list)
    }

    pub(super) fn answer_revoke(&self, partitions: &[Partition]) -> KafkaResult<()> {
        let list = self.list(partitions.iter().map(|p| (*p, KafkaOffset::Invalid)))?;
        self.consumer.incremental_unassign(&list)
    }

    /// Proof of membership for a transaction, or `None` if partitions may have been lost.
    ///
    /// The broker accepts a commit without generation unfenced, and the generation cannot be read
    /// here: so take it first, then look whether a loss was noticed by then.
    pub(super) fn membership(&self) -> Option<ConsumerGroupMetadata> {
        let metadata = self.consumer.group_metadata()?;
        self.serve(Duration::ZERO);
        let lost = |event: &Rebalance| matches!(event, Rebalance::Revoke { lost: true, .. });
        let recorded = lock(&self.consumer.context().rebalances).iter().any(lost);
        (!recorded && !self.consumer.assignment_lost()).then_some(metadata)
    }

    /// What the group has committed for these partitions. A partition with an open transaction is
    /// waited for until `timeout`; call it with no transaction of one's own open.
    pub(super) fn committed(
        &self,
        partitions: &[Partition],
        timeout: Duration,
    ) -> KafkaResult<BTreeMap<Partition, Option<Committed>>> {
        let list = self.list(partitions.iter().map(|p| (*p, KafkaOffset::Invalid)))?;
        let answer = self.consumer.committed_offsets(list, timeout)?;
        let mut found = BTreeMap::new();
        for element in answer.elements() {
            element.error()?;
            let committed = match element.offset() {
                KafkaOffset::Offset(next) => {
                    // rdkafka 0.39 panics on metadata that is not UTF-8; other tools may write it.
                    let text = catch_unwind(AssertUnwindSafe(|| element.metadata().to_owned()));
                    Some(Committed {
                        next: NextOffset(next),
                        metadata: CommitMetadata::parse(&text.unwrap_or_default()),
                    })
                }
                _ => None,
            };
            found.insert(Partition(element.partition()), committed);
        }
        Ok(found)
    }

    /// Commit positions outside a transaction and wait for the answer.
    ///
    /// rdkafka 0.39 never reports the result of an asynchronous commit, and a synchronous one can
    /// wait for a coordinator longer than anybody should: so it waits on a thread of its own.
    pub(super) fn commit(
        &self,
        offsets: &BTreeMap<Partition, NextOffset>,
        metadata: &CommitMetadata,
        timeout: Duration,
    ) -> KafkaResult<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let list = self.offsets(offsets, metadata)?;
            let consumer = Arc::clone(&self.consumer);
            let (answer, answered) = mpsc::sync_channel(1);
            let ask = move || {
                // Nobody listens any more once the deadline is over.
                let _ = answer.send(consumer.commit(&list, CommitMode::Sync));
            };
            let asking = thread::Builder::new().name("kafka-commit".into());
            if asking.spawn(ask).is_err() {
                return Err(KafkaError::ConsumerCommit(Code::CriticalSystemResource));
            }
            let result = loop {
                match answered.recv_timeout(Duration::from_millis(20)) {
                    Ok(result) => break result,
                    Err(_) if Instant::now() >= deadline => {
                        break Err(KafkaError::ConsumerCommit(Code::OperationTimedOut));
                    }
                    Err(_) => self.serve(Duration::ZERO),
                }
            };
            let code = result
                .as_ref()
                .err()
                .and_then(KafkaError::rdkafka_error_code);
            // While members agree on an assignment the coordinator asks to come again.
            let again = code == Some(Code::RebalanceInProgress)
                || code == Some(Code::CoordinatorLoadInProgress);
            if !again || Instant::now() >= deadline {
                return result;
            }
            self.serve(Duration::from_millis(50));
        }
    }

    /// Serve the group where an error can wait for the next turn of the loop.
    fn serve(&self, wait: Duration) {
        if let Some(error) = self.poll(wait) {
            tracing::debug!(%error, "ownership group");
        }
    }

    /// Positions under the ownership topic's name, as a transaction wants them.
    pub(super) fn offsets(
        &self,
        offsets: &BTreeMap<Partition, NextOffset>,
        metadata: &CommitMetadata,
    ) -> KafkaResult<TopicPartitionList> {
        let text = metadata.to_json();
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, next) in offsets {
            let mut element = list.add_partition(&self.topic, partition.0);
            element.set_offset(KafkaOffset::Offset(next.0))?;
            element.set_metadata(&text);
        }
        Ok(list)
    }

    /// Whether the destination cluster answers.
    pub(super) fn reachable(&self, timeout: Duration) -> KafkaResult<()> {
        self.consumer
            .fetch_metadata(Some(&self.topic), timeout)
            .map(|_| ())
    }

    fn list(
        &self,
        partitions: impl Iterator<Item = (Partition, KafkaOffset)>,
    ) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in partitions {
            list.add_partition_offset(&self.topic, partition.0, offset)?;
        }
        Ok(list)
    }
}

impl Drop for Owner {
    /// Leave the group. Rebalances that were recorded and never answered are answered first.
    fn drop(&mut self) {
        self.consumer
            .context()
            .closing
            .store(true, Ordering::Release);
        while let Some(event) = self.next_rebalance() {
            let answer = match event {
                Rebalance::Assign(partitions) => self.answer_assign(&partitions),
                Rebalance::Revoke { partitions, .. } => self.answer_revoke(&partitions),
            };
            if let Err(error) = answer {
                tracing::debug!(%error, "answer a rebalance before leaving");
            }
        }
    }
}
