//! Rebalances of a consumer group as values. The callback of the client only records them; the member
//! takes one after the other and answers it when it is ready for it. While the client is being closed
//! the callback answers by itself, because closing waits for these answers without a limit.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::client::log_line;
use super::partition_list::assigned_among;
use crate::event::Partition;

/// A rebalance that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rebalance {
    /// The group gives these partitions to this member.
    Assign(Vec<Partition>),
    /// The group takes these partitions from this member.
    Revoke {
        partitions: Vec<Partition>,
        /// Another member may own them already; nothing may be committed for them.
        lost: bool,
    },
}

/// The context of a client that is a member of a group.
#[derive(Default)]
pub(super) struct Rebalances {
    recorded: Mutex<VecDeque<Rebalance>>,
    closing: AtomicBool,
}

/// A client that is a member of a group.
pub(super) type GroupMember = BaseConsumer<Rebalances>;

impl Rebalances {
    /// The oldest rebalance that was not taken yet; whoever takes it answers it.
    pub(super) fn next(&self) -> Option<Rebalance> {
        self.recorded().pop_front()
    }

    /// Whether a loss of partitions is recorded and was not taken yet.
    pub(super) fn holds_loss(&self) -> bool {
        let is_loss = |event: &Rebalance| matches!(event, Rebalance::Revoke { lost: true, .. });
        self.recorded().iter().any(is_loss)
    }

    fn recorded(&self) -> MutexGuard<'_, VecDeque<Rebalance>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begin to leave the group: rebalances that were recorded are answered here, and later ones in the
/// callback, so that the client can be closed.
pub(super) fn leave(member: &GroupMember, topic: &str) {
    let context = member.context();
    context.closing.store(true, Ordering::Release);
    while let Some(event) = context.next() {
        let answer = match event {
            Rebalance::Assign(_) => assign_nothing(member),
            Rebalance::Revoke { partitions, .. } => unassign(member, topic, partitions),
        };
        if let Err(error) = answer {
            tracing::debug!(%error, "answer a rebalance before leaving");
        }
    }
}

/// Accept an assignment without reading anything yet.
pub(super) fn assign_nothing(member: &GroupMember) -> KafkaResult<()> {
    member.incremental_assign(&TopicPartitionList::new())
}

/// Read these partitions no longer; also the answer to their revocation.
pub(super) fn unassign(
    member: &GroupMember,
    topic: &str,
    partitions: impl IntoIterator<Item = Partition>,
) -> KafkaResult<()> {
    let list = assigned_among(member, topic, partitions)?;
    member.incremental_unassign(&list)
}

impl ClientContext for Rebalances {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, member: &GroupMember, kind: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let assigns = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let elements = list.elements();
        let partitions = elements.iter().map(|e| Partition(e.partition()));
        let event = match assigns {
            true => Rebalance::Assign(partitions.collect()),
            false => Rebalance::Revoke {
                partitions: partitions.collect(),
                lost: member.assignment_lost(),
            },
        };
        self.recorded().push_back(event);
        if self.closing.load(Ordering::Acquire) {
            let topic = elements.first().map(|e| e.topic().to_owned());
            leave(member, &topic.unwrap_or_default());
        }
    }
}
