//! The client of a follower: a member of a group, and what the group's errors mean for a person.

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset as KafkaOffset, TopicPartitionList};

use super::repair::{to_repair, to_repair_for_answer};
use super::turn::FollowerEvent;
use crate::event::Partition;
use crate::kafka::client::{ClientError, Cluster, READ_COMMITTED};
use crate::kafka::rebalance::{GroupMember, Rebalances, leave};
use crate::kafka::session::NotReady;

/// A member of a group that reads one topic.
pub(super) struct Member {
    pub(super) client: GroupMember,
    pub(super) cluster: Cluster,
    pub(super) topic: String,
    pub(super) group: String,
}

impl Member {
    pub(super) fn join(cluster: &Cluster, topic: &str, group: &str) -> Result<Member, ClientError> {
        let client: GroupMember = cluster
            .client_config(
                group,
                &[
                    ("session.timeout.ms", "15000"),
                    ("fetch.wait.max.ms", "100"),
                    ("queued.max.messages.kbytes", "2048"),
                    // When the queue is full, librdkafka would not fetch for a second.
                    ("fetch.queue.backoff.ms", "10"),
                    ("topic.metadata.refresh.interval.ms", "30000"),
                    // A topic that was deleted is reported soon, since it may be created again soon.
                    ("topic.metadata.propagation.max.ms", "1000"),
                ],
                &[
                    &READ_COMMITTED[..],
                    &[
                        ("group.id", group),
                        ("partition.assignment.strategy", "cooperative-sticky"),
                        // Positions are given explicitly; one that does not exist is looked into.
                        ("auto.offset.reset", "error"),
                        // What was damaged on disk or on the way is an error, never a record.
                        ("check.crcs", "true"),
                    ],
                ]
                .concat(),
            )
            .create_with_context(Rebalances::default())
            .map_err(|error| ClientError::new("create a consumer", &error))?;
        client
            .subscribe(&[topic])
            .map_err(|error| ClientError::new("subscribe", &error))?;
        Ok(Member {
            client,
            cluster: cluster.clone(),
            topic: topic.to_owned(),
            group: group.to_owned(),
        })
    }

    /// Commit a position; with `wait` until the answer. The client does not report the answer to a commit
    /// that nobody waits for; it logs one that failed.
    pub(super) fn commit(
        &self,
        partition: Partition,
        next: i64,
        metadata: String,
        wait: bool,
    ) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition(&self.topic, partition.0);
        element.set_offset(KafkaOffset::Offset(next))?;
        element.set_metadata(metadata);
        let mode = if wait {
            CommitMode::Sync
        } else {
            CommitMode::Async
        };
        self.client.commit(&list, mode)
    }

    /// What an error of the client is to the user.
    pub(super) fn trouble(&self, error: &KafkaError) -> FollowerEvent {
        match to_repair((&self.topic, &self.group), error) {
            Some(state) => FollowerEvent::Trouble(state),
            None => {
                tracing::debug!(%error, topic = self.topic, "follow");
                FollowerEvent::Idle
            }
        }
    }

    /// What a request that failed means: without its answer nothing is read.
    pub(super) fn unanswered(&self, error: &KafkaError) -> NotReady {
        let state = to_repair_for_answer((&self.topic, &self.group), error);
        state.unwrap_or_else(|| NotReady {
            reason: "unreachable",
            remedy: format!("ask for the position in {}: {error}", self.topic),
        })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        leave(&self.client, &self.topic);
    }
}
