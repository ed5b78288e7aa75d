//! The ownership group: which partitions are ours, as the destination cluster sees it.
//! Rebalances are answered by the session's loop, once it has committed or given up what is under way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, ConsumerGroupMetadata,
};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset as KafkaOffset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::committed_position::{CommittedPosition, CommittedPositions, Evidence};
use super::config::SessionConfig;
use super::deadline::call_with_deadline;
use crate::event::{NextOffset, Partition};
use crate::kafka::ClientError;
use crate::kafka::client::READ_COMMITTED;
use crate::kafka::partition_list::with_offsets;
use crate::kafka::rebalance::{GroupMember, Rebalance, Rebalances, leave, unassign};
use crate::kafka::record::commit_metadata;

/// How long librdkafka waits for an answer of the group's coordinator, in ms. Where it gets none it
/// asks again by itself, twice (`RD_KAFKA_REQUEST_DEFAULT_RETRIES`), also after the caller has stopped waiting.
const ANSWER_TIMEOUT_MS: &str = "5000";

/// Longest wait for the outcome of a commit outside a transaction: three answers, each up to a second
/// late, and the pauses between. A commit that is carried out late could overwrite a later one.
pub(super) const COMMIT_PATIENCE: Duration = Duration::from_secs(20);

/// Longest time between two polls, in ms. A lost answer to joining the group is waited for as long.
const POLL_INTERVAL_MS: u64 = 60_000;

/// A member of the ownership group.
pub(super) struct Owner {
    /// Shared with a commit that waits for its answer.
    consumer: Arc<GroupMember>,
    topic: String,
    group: String,
}

impl Owner {
    /// Join the group; partitions arrive as [`Rebalance`] values.
    pub(super) fn join(config: &SessionConfig, topic: String) -> Result<Owner, ClientError> {
        let session_timeout_ms = config.session_timeout_ms.to_string();
        // It must not be shorter than a session.
        let poll_interval_ms = POLL_INTERVAL_MS.max(config.session_timeout_ms).to_string();
        let client = config.destination.client_config(
            &format!("owner-{}", config.transactional_id()),
            &[
                ("topic.metadata.refresh.interval.ms", "10000"),
                ("max.poll.interval.ms", &poll_interval_ms),
            ],
            &[
                // With it, a position inside an open transaction is waited for.
                &READ_COMMITTED[..],
                &[
                    ("group.id", &config.group),
                    ("session.timeout.ms", &session_timeout_ms),
                    ("socket.timeout.ms", ANSWER_TIMEOUT_MS),
                    ("partition.assignment.strategy", "cooperative-sticky"),
                    ("auto.offset.reset", "error"),
                ],
            ]
            .concat(),
        );
        let consumer: GroupMember = client
            .create_with_context(Rebalances::default())
            .map_err(|error| ClientError::new("create the ownership consumer", &error))?;
        consumer
            .subscribe(&[&topic])
            .map_err(|error| ClientError::new("subscribe to the ownership topic", &error))?;
        Ok(Owner {
            consumer: Arc::new(consumer),
            topic,
            group: config.group.clone(),
        })
    }

    /// Serve the group; at most one error is returned a call, rebalances are recorded.
    pub(super) fn poll(&self, wait: Duration) -> Option<KafkaError> {
        // Records can only come where the source topic itself is subscribed, in the moment
        // between assign and pause. The reader reads them by itself.
        self.consumer.poll(wait).and_then(Result::err)
    }

    pub(super) fn next_rebalance(&self) -> Option<Rebalance> {
        self.consumer.context().next()
    }

    /// Take partitions over: at the end, paused, since their records are of no interest here.
    pub(super) fn answer_assign(&self, partitions: &[Partition]) -> KafkaResult<()> {
        let at_the_end = partitions.iter().map(|p| (*p, KafkaOffset::End));
        let list = with_offsets(&self.topic, at_the_end)?;
        self.consumer.incremental_assign(&list)?;
        self.consumer.pause(&list)
    }

    pub(super) fn answer_revoke(&self, partitions: &[Partition]) -> KafkaResult<()> {
        unassign(&self.consumer, &self.topic, partitions.iter().copied())
    }

    /// Proof of membership for a transaction, or `None` if partitions may have been lost.
    ///
    /// The broker accepts a commit without generation unfenced, and the generation cannot be read
    /// here: so take it first, then look whether a loss was noticed by then.
    pub(super) fn membership(&self) -> Option<ConsumerGroupMetadata> {
        let metadata = self.consumer.group_metadata()?;
        self.serve(Duration::ZERO);
        let lost = self.consumer.context().holds_loss() || self.consumer.assignment_lost();
        (!lost).then_some(metadata)
    }

    /// What the group has committed for these partitions. A partition with an open transaction is
    /// waited for until `timeout`; call it with no transaction of one's own open.
    pub(super) fn committed(
        &self,
        partitions: &[Partition],
        timeout: Duration,
    ) -> KafkaResult<CommittedPositions> {
        committed(&self.consumer, &self.topic, partitions, timeout)
    }

    /// Commit positions outside a transaction and wait for the answer until `deadline`, which may
    /// come nearer meanwhile.
    ///
    /// rdkafka 0.39 never reports the result of an asynchronous commit, and a synchronous one can
    /// wait for a coordinator longer than a session may: so it waits on a thread of its own.
    pub(super) fn commit(
        &self,
        positions: &CommittedPositions,
        deadline: impl Fn() -> Instant,
    ) -> KafkaResult<()> {
        loop {
            let list = self.offsets(positions)?;
            let consumer = Arc::clone(&self.consumer);
            let ask = move || consumer.commit(&list, CommitMode::Sync);
            let result = call_with_deadline("kafka-commit", &deadline, ask, || {
                self.serve(Duration::ZERO)
            })
            .unwrap_or_else(|code| Err(KafkaError::ConsumerCommit(code)));
            let code = result
                .as_ref()
                .err()
                .and_then(KafkaError::rdkafka_error_code);
            // While members agree on an assignment the coordinator asks to come again.
            let again = code == Some(Code::RebalanceInProgress)
                || code == Some(Code::CoordinatorLoadInProgress);
            if !again || Instant::now() >= deadline() {
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
        positions: &CommittedPositions,
    ) -> KafkaResult<TopicPartitionList> {
        offsets(&self.topic, positions)
    }

    /// Whether every one of the first `count` partitions has an owner in the group.
    pub(super) fn covers(&self, count: u32, timeout: Duration) -> KafkaResult<bool> {
        let groups = self.consumer.fetch_group_list(Some(&self.group), timeout)?;
        let members = groups.groups().iter().flat_map(|group| group.members());
        let owned: BTreeSet<i32> = members
            .filter_map(|member| member.assignment())
            .flat_map(|assignment| assigned(assignment, &self.topic))
            .collect();
        Ok((0..count.cast_signed()).all(|partition| owned.contains(&partition)))
    }

    /// Whether the destination cluster answers.
    pub(super) fn reachable(&self, timeout: Duration) -> KafkaResult<()> {
        self.consumer
            .fetch_metadata(Some(&self.topic), timeout)
            .map(|_| ())
    }
}

/// What a group has committed for these partitions of a topic; those without a position are left out.
pub(super) fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partitions: &[Partition],
    timeout: Duration,
) -> KafkaResult<CommittedPositions> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        list.add_partition(topic, partition.0);
    }
    let answer = consumer.committed_offsets(list, timeout)?;
    let mut found = CommittedPositions::new();
    for element in answer.elements() {
        element.error()?;
        if let KafkaOffset::Offset(next) = element.offset() {
            let position = CommittedPosition {
                next: NextOffset(next),
                evidence: Evidence::parse(&commit_metadata(&element)),
            };
            found.insert(Partition(element.partition()), position);
        }
    }
    Ok(found)
}

/// Positions under a topic's name, with their evidence.
pub(super) fn offsets(
    topic: &str,
    positions: &CommittedPositions,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for (partition, position) in positions {
        let mut element = list.add_partition(topic, partition.0);
        element.set_offset(KafkaOffset::Offset(position.next.0))?;
        element.set_metadata(position.evidence.to_json());
    }
    Ok(list)
}

/// The partitions of `topic` in a member's assignment: the consumer protocol's version, then an
/// array of topics, each a name and an array of partitions. Of an array that is cut off the complete entries count.
fn assigned(assignment: &[u8], topic: &str) -> Vec<i32> {
    fn number<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (number, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*number)
    }
    let mut bytes = assignment;
    let mut found = Vec::new();
    let mut read = || -> Option<()> {
        number::<2>(&mut bytes)?;
        for _ in 0..i32::from_be_bytes(number(&mut bytes)?) {
            let length = i16::from_be_bytes(number(&mut bytes)?);
            let (name, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
            bytes = rest;
            for _ in 0..i32::from_be_bytes(number(&mut bytes)?) {
                let partition = i32::from_be_bytes(number(&mut bytes)?);
                if name == topic.as_bytes() {
                    found.push(partition);
                }
            }
        }
        Some(())
    };
    // Where the assignment ends early, what was read until then counts.
    let _ = read();
    found
}

impl Drop for Owner {
    fn drop(&mut self) {
        leave(&self.consumer, &self.topic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_names_its_partitions_by_topic() {
        let mut bytes = vec![0, 1, 0, 0, 0, 2];
        for (topic, partitions) in [("other", [7_i32, 8]), ("ours", [0, 3])] {
            bytes.extend([0, topic.len() as u8]);
            bytes.extend(topic.as_bytes());
            bytes.extend(2_i32.to_be_bytes());
            bytes.extend(partitions.iter().flat_map(|p| p.to_be_bytes()));
        }
        assert_eq!(assigned(&bytes, "ours"), [0, 3]);
        assert_eq!(assigned(&bytes, "none"), Vec::<i32>::new());
        assert_eq!(assigned(&bytes[..bytes.len() - 2], "ours"), [0]);
        assert!(assigned(&[], "ours").is_empty());
    }
}
